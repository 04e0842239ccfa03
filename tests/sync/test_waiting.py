"""What waits for publication: when a run begins to wait because of a synchronisation, and what ends that."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from django.contrib.auth.models import User
from django.core.management import call_command
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone
from wagtail.models import Revision

from cms_lms.models import CourseRun, LMSBackend
from cms_lms.runs.fields import SyncMode
from cms_lms.sync.drafts import DraftRefused, discard_draft, publish_draft
from cms_lms.sync.modes import set_sync_mode
from cms_lms.sync.waiting import read_waiting
from tests.admin.browsing import submit, url
from tests.admin.conftest import make_client
from tests.factories import make_backend, make_course, make_run
from tests.sync.payloads import LINK, link, payload

pytestmark = pytest.mark.django_db

NOW = datetime(2026, 11, 27, 12, tzinfo=UTC)
OLD_END = datetime(2027, 6, 30, 22, tzinfo=UTC)
NEW_END = datetime(2027, 7, 15, 22, tzinfo=UTC)
NEW = {"resource_link": LINK, "end": NEW_END.isoformat()}


@pytest.fixture
def live(db, post) -> CourseRun:
    """A live run whose LMS writes to its draft."""
    make_course(code="DemoX")
    make_backend(name="Campus", default_sync_mode=SyncMode.TO_DRAFT)
    assert post(payload()).status_code == 200
    get().latest_revision.publish()
    return get()


@pytest.fixture
def waiting(live, post) -> CourseRun:
    """The same with a new end in its draft."""
    assert post(NEW).status_code == 200
    return get()


@pytest.fixture
def user(db) -> User:
    return User.objects.create_superuser("editor")


def get() -> CourseRun:
    return CourseRun.objects.get(resource_link=LINK)


def draft() -> CourseRun:
    return get().get_latest_revision_as_object()


def edit(user: User | None, **fields) -> Revision:
    run = draft()
    for name, value in fields.items():
        setattr(run, name, value)
    return run.save_revision(user=user)


def is_waiting() -> bool:
    return CourseRun.objects.waiting().filter(resource_link=LINK).exists()


def read():
    (found,) = read_waiting(CourseRun.objects.with_holds().filter(resource_link=LINK))
    return found


def discard(user, **kwargs) -> None:
    discard_draft(get().pk, kwargs.pop("shown", read().shown), user=user, now=NOW)


def publish(user, **kwargs) -> None:
    publish_draft(get().pk, kwargs.pop("shown", read().shown), user=user, now=NOW)


def code(call, *args, **kwargs) -> str:
    with pytest.raises(DraftRefused) as caught:
        call(*args, **kwargs)
    return caught.value.code


class TestWhoWaits:
    def test_a_draft_that_a_sync_made(self, waiting):
        assert is_waiting()

    def test_not_a_draft_that_staff_made(self, live, user):
        edit(user, title="Spring", end=NEW_END)
        assert not is_waiting()

    def test_publishing_ends_it(self, waiting):
        waiting.latest_revision.publish()
        assert not is_waiting()

    def test_publishing_an_older_version_does_not(self, live, post):
        first = live.latest_revision
        post(NEW)
        first.publish()
        assert is_waiting()

    def test_a_schedule_keeps_it_until_it_is_published(self, waiting, user):
        later = timezone.now() + timedelta(days=1)
        revision = edit(user, go_live_at=later)
        revision.publish()
        assert is_waiting()
        past = timezone.now() - timedelta(minutes=1)
        content = {**revision.content, "go_live_at": past.isoformat()}
        Revision.objects.filter(pk=revision.pk).update(approved_go_live_at=past, content=content)
        call_command("publish_scheduled")
        assert get().end == NEW_END
        assert not is_waiting()

    def test_unpublishing_ends_it_and_syncs_do_not_begin_it_again(self, waiting, post):
        waiting.unpublish()
        assert not is_waiting()
        post({**NEW, "languages": ["fr"]})
        assert draft().languages == ["fr"]
        assert not is_waiting()

    def test_expiry_ends_it(self, waiting):
        CourseRun.objects.update(expire_at=timezone.now() - timedelta(minutes=1))
        call_command("publish_scheduled")
        assert not get().live
        assert not is_waiting()

    def test_unpublishing_what_is_no_more_live_changes_nothing(self, post):
        make_course(code="DemoX")
        make_backend(default_sync_mode=SyncMode.TO_DRAFT)
        post(payload())
        get().unpublish()
        assert is_waiting()

    def test_deleting_ends_it(self, waiting):
        waiting.delete()
        assert not CourseRun.objects.waiting().exists()

    def test_a_payload_that_takes_it_back_ends_it(self, waiting, post):
        post({**NEW, "end": OLD_END.isoformat()})
        assert not is_waiting()
        assert not get().has_unpublished_changes

    def test_a_payload_that_takes_it_back_leaves_what_staff_changed(self, waiting, post, user):
        edit(user, title="Spring")
        post({**NEW, "end": OLD_END.isoformat()})
        assert not is_waiting()
        assert (get().has_unpublished_changes, draft().title) == (True, "Spring")

    def test_reverting_ends_it(self, live, post):
        first = live.latest_revision
        post(NEW)
        submit(make_client(superuser=True), url(CourseRun, "revisions_revert", live.pk, first.pk))
        assert draft().end == OLD_END
        assert not is_waiting()

    def test_editing_something_else_keeps_it(self, waiting):
        submit(make_client(superuser=True), url(CourseRun, "edit", waiting.pk), {"title": "Spring"})
        assert is_waiting()

    def test_changing_to_public_ends_it(self, waiting):
        set_sync_mode([waiting], SyncMode.TO_PUBLIC, user=None)
        assert draft().end == OLD_END
        assert not is_waiting()

    def test_changing_to_public_keeps_what_the_lms_does_not_own(self, live, post):
        post(NEW)
        LMSBackend.objects.get().save()
        backend = LMSBackend.objects.get()
        backend.no_update_fields = ["end"]
        backend.save()
        set_sync_mode([get()], SyncMode.TO_PUBLIC, user=None)
        assert draft().end == NEW_END
        assert is_waiting()

    def test_changing_to_manual_keeps_it(self, waiting):
        set_sync_mode([waiting], SyncMode.MANUAL, user=None)
        assert is_waiting()


class TestWhatDiffers:
    def test_what_the_lms_sent(self, waiting):
        found = read()
        assert [(change.name, change.is_synced) for change in found.changes] == [("end", True)]
        assert (found.changes[0].old, found.changes[0].new) == ("June 30, 2027, 10 p.m.", "July 15, 2027, 10 p.m.")
        assert (found.is_new, found.is_edited, found.editors) == (False, False, ())

    def test_whose_edits_are_mixed_in(self, waiting, user):
        edit(user, title="Spring", languages=["fr"], expire_at=NEW_END)
        found = read()
        by = {change.name: change.is_synced for change in found.changes}
        assert by == {"end": True, "title": False, "languages": False, "expire_at": False}
        assert (found.is_edited, found.editors) == (True, (user,))

    def test_what_staff_overwrote_is_theirs(self, waiting, user):
        edit(user, end=NEW_END + timedelta(days=1))
        (change,) = read().changes
        assert not change.is_synced

    def test_edits_before_the_last_publication_are_not_mixed_in(self, live, post, user):
        edit(user, title="Spring").publish()
        post(NEW)
        found = read()
        assert ([change.name for change in found.changes], found.editors) == (["end"], ())

    def test_of_a_new_run_what_was_filled_in(self, post):
        make_course(code="DemoX")
        make_backend(default_sync_mode=SyncMode.TO_DRAFT)
        post(payload())
        found = read()
        assert found.is_new
        assert not found.is_edited
        names = ["start", "end", "enrollment_start", "enrollment_end", "languages"]
        assert [change.name for change in found.changes] == names

    def test_another_course(self, waiting, user):
        other = make_course(code="Other", title="Another course")
        edit(user, course=other)
        change = next(change for change in read().changes if change.name == "course")
        assert change.new == str(other)
        other.delete()
        assert [change.name for change in read().changes] == ["end"]

    def test_the_number_of_queries_does_not_depend_on_the_number_of_runs(self, live, post, user):
        def count() -> int:
            runs = list(CourseRun.objects.waiting().with_holds().select_related("course", "latest_revision"))
            with CaptureQueriesContext(
                connection,
            ) as queries:
                read_waiting(runs)
            return len(queries)

        post(NEW)
        edit(user, title="Spring")
        one = count()
        post([payload(resource_link=link(f"N{number}")) for number in range(5)])
        assert CourseRun.objects.waiting().count() == 6
        assert count() == one <= 2


class TestPublishing:
    def test_what_was_shown_is_published(self, waiting, user):
        publish(user)
        assert (get().end, get().has_unpublished_changes) == (NEW_END, False)
        assert not is_waiting()

    def test_another_draft_is_not(self, waiting, user, post):
        shown = read().shown
        post({**NEW, "languages": ["fr"]})
        assert code(publish, user, shown=shown) == "changed"
        assert get().end == OLD_END

    def test_the_same_values_in_a_later_version_are_another_draft(self, waiting, user):
        shown = read().shown
        edit(user)
        assert code(publish, user, shown=shown) == "changed"

    def test_what_is_overwritten_in_place_is_another_draft(self, waiting, user):
        """Wagtail's autosave keeps the version's id."""
        shown = read().shown
        run = draft()
        run.title = "Spring"
        run.save_revision(user=None, overwrite_revision=get().latest_revision)
        assert code(publish, user, shown=shown) == "changed"

    def test_a_new_run_whose_row_was_synchronised_meanwhile_is_another_draft(self, post, user):
        make_course(code="DemoX")
        make_backend(default_sync_mode=SyncMode.TO_DRAFT)
        post(payload())
        edit(user, title="Spring")
        set_sync_mode([get()], SyncMode.TO_PUBLIC, user=None)
        shown = read().shown
        post(NEW)
        assert code(publish, user, shown=shown) == "changed"
        publish(user)
        assert (get().live, get().end, get().title) == (True, NEW_END, "Spring")

    def test_twice(self, waiting, user):
        shown = read().shown
        publish(user)
        assert code(publish, user, shown=shown) == "settled"

    def test_what_is_gone(self, waiting, user):
        found = read()
        waiting.delete()
        with pytest.raises(DraftRefused) as caught:
            publish_draft(found.run.pk, found.shown, user=user, now=NOW)
        assert caught.value.code == "gone"

    def test_what_is_not_valid(self, waiting, user):
        run = draft()
        run.languages = ["tlh"]
        run.save_revision(clean=False)
        with pytest.raises(DraftRefused, match="Languages: Choose languages"):
            publish(user)
        assert get().languages == ["en"]

    @pytest.mark.parametrize("act", [publish, discard])
    def test_a_schedule_stays(self, waiting, user, act):
        edit(user, go_live_at=timezone.now() + timedelta(days=1)).publish()
        assert code(act, user) == "scheduled"
        assert get().scheduled_revision is not None

    @pytest.mark.parametrize("act", [publish, discard])
    def test_a_date_that_was_set_and_not_approved(self, waiting, user, act):
        edit(user, go_live_at=NOW + timedelta(days=1))
        assert code(act, user) == "goes_live_later"

    @pytest.mark.parametrize("act", [publish, discard])
    def test_a_lock_of_somebody_else(self, waiting, user, act):
        somebody = User.objects.create_user("somebody")
        CourseRun.objects.update(locked=True, locked_by=somebody, locked_at=NOW)
        assert code(act, user) == "locked"

    def test_a_lock_of_ones_own(self, waiting, user):
        CourseRun.objects.update(locked=True, locked_by=user, locked_at=NOW)
        publish(user)
        assert get().end == NEW_END


class TestDiscarding:
    def test_the_draft_is_what_is_public(self, waiting, user):
        discarded = waiting.latest_revision
        discard(user)
        assert (draft().end, get().has_unpublished_changes) == (OLD_END, False)
        assert get().latest_revision.user == user
        assert discarded in get().revisions.all()
        assert not is_waiting()

    def test_edits_stay_pending(self, waiting, user):
        edit(user, title="Spring")
        discard(user)
        assert (draft().end, draft().title) == (OLD_END, "Spring")
        assert (get().has_unpublished_changes, get().title) == (True, "")
        assert not is_waiting()

    def test_a_repeat_does_not_bring_it_back(self, waiting, user, post):
        discard(user)
        latest = get().latest_revision
        response = post({**NEW, "enrollment_count": 43})
        assert "updated=1" in response["Sync-Outcome"]
        assert "unchanged=1" in post({**NEW, "enrollment_count": 43})["Sync-Outcome"]
        assert get().latest_revision == latest
        assert not is_waiting()

    def test_another_payload_brings_all_of_it_back(self, waiting, user, post):
        discard(user)
        post({**NEW, "languages": ["fr"]})
        assert (draft().end, draft().languages) == (NEW_END, ["fr"])
        assert is_waiting()
        discard(user)
        assert (draft().end, draft().languages) == (OLD_END, ["en"])

    def test_the_lms_may_change_its_mind(self, waiting, user, post):
        """What was discarded first is news again after something else."""
        discard(user)
        later = (NEW_END + timedelta(days=1)).isoformat()
        post({**NEW, "end": later})
        post(NEW)
        assert draft().end == NEW_END
        assert is_waiting()

    def test_another_mode_forgets_it(self, waiting, user, post):
        discard(user)
        set_sync_mode([get()], SyncMode.MANUAL, user=None)
        set_sync_mode([get()], SyncMode.TO_DRAFT, user=None)
        post(NEW)
        assert is_waiting()

    def test_a_new_run_has_nothing_to_go_back_to(self, post, user):
        make_course(code="DemoX")
        make_backend(default_sync_mode=SyncMode.TO_DRAFT)
        post(payload())
        assert code(discard, user) == "never_published"

    def test_prices_that_are_written_otherwise_are_the_same(self, live, user, post):
        priced = {"resource_link": LINK, "price": "10.5"}
        post(priced)
        discard(user)
        assert "unchanged=1" in post({**priced, "price": 10.50})["Sync-Outcome"]
        assert not is_waiting()


def test_a_run_that_is_unknown_to_any_backend(live, user, post):
    """Backends may have changed since; what waits is there all the same."""
    post(NEW)
    LMSBackend.objects.all().delete()
    assert [change.name for change in read().changes] == ["end"]
    publish(user)
    assert get().end == NEW_END


def test_a_run_without_versions():
    """Made by code; it never waits because of a synchronisation, but reading it fails nobody."""
    run = make_run()
    CourseRun.objects.filter(pk=run.pk).update(latest_revision=None, live_revision=None)
    (found,) = read_waiting(CourseRun.objects.with_holds().filter(pk=run.pk))
    assert found.changes == ()
