"""What each mode does to a run: the contract's table, and the behaviours that must always hold."""

import datetime as dt

import pytest
from django.contrib.auth import get_user_model
from django.core.management import call_command
from wagtail.models import ModelLogEntry, Revision

from cms_lms.models import CourseRun, LMSBackend
from tests.admin.browsing import submit, url
from tests.admin.conftest import make_client
from tests.factories import make_backend, make_course
from tests.sync.payloads import LINK, link, payload

pytestmark = pytest.mark.django_db

OLD_END = dt.datetime(2027, 6, 30, 22, tzinfo=dt.UTC)
NEW_END = dt.datetime(2027, 7, 15, 22, tzinfo=dt.UTC)
NEW = {"resource_link": LINK, "end": NEW_END.isoformat()}


@pytest.fixture
def backend(db):
    make_course(code="DemoX")
    return make_backend(name="Campus")


@pytest.fixture
def editor(db):
    return get_user_model().objects.create_superuser("editor")


@pytest.fixture
def synced(backend, post):
    """Return a maker of a run that the web hook created in a mode."""

    def make(mode: str) -> CourseRun:
        LMSBackend.objects.update(default_sync_mode=mode)
        assert post(payload()).status_code == 200
        return get()

    return make


def get() -> CourseRun:
    """Return the run afresh."""
    return CourseRun.objects.get()


def draft() -> CourseRun:
    """Return what staff edit."""
    return get().get_latest_revision_as_object()


def edit(user, **fields) -> Revision:
    """Save a draft as the editor's form does."""
    run = draft()
    for name, value in fields.items():
        setattr(run, name, value)
    return run.save_revision(user=user)


def publish(user=None) -> None:
    """Publish what staff edit."""
    get().latest_revision.publish(user=user)


def outcome(response) -> str:
    """Return the one outcome that the header counts."""
    assert response.status_code == 200, response.content
    (name,) = [entry.split("=")[0] for entry in response["Sync-Outcome"].split(", ") if not entry.endswith("=0")]
    return name


class TestNewRun:
    def test_sync_to_public_creates_it_live(self, synced):
        run = synced("sync_to_public")

        assert (run.live, run.has_unpublished_changes) == (True, False)
        assert run.live_revision == run.latest_revision
        assert run.matched_backend == LMSBackend.objects.get()

    def test_sync_to_draft_creates_a_draft(self, synced):
        run = synced("sync_to_draft")

        assert (run.live, run.has_unpublished_changes, run.first_published_at) == (False, True, None)
        assert draft().end == OLD_END


class TestManual:
    def test_the_run_is_left_alone(self, synced, post):
        run = synced("sync_to_public")
        CourseRun.objects.update(sync_mode="manual")

        response = post(NEW | {"enrollment_count": 1})

        assert (outcome(response), response.json()) == ("ignored", {"success": True})
        after = get()
        assert (after.end, after.enrollment_count, after.latest_revision) == (OLD_END, 42, run.latest_revision)

    def test_a_wrong_field_is_an_error_all_the_same(self, synced, post):
        synced("sync_to_public")
        CourseRun.objects.update(sync_mode="manual")

        assert post({"resource_link": LINK, "end": 3}).status_code == 400


class TestSyncToPublic:
    def test_a_live_run_is_updated_at_once(self, synced, post):
        synced("sync_to_public")

        assert outcome(post(NEW)) == "updated"
        run = get()
        assert (run.end, run.live, run.has_unpublished_changes) == (NEW_END, True, False)
        assert draft().end == NEW_END

    def test_a_pending_title_is_not_published_and_the_date_survives_its_publication(self, synced, post, editor):
        synced("sync_to_public")
        edit(editor, title="Spring edition")

        post(NEW)

        run = get()
        assert (run.title, run.end, run.has_unpublished_changes) == ("", NEW_END, True)
        assert (draft().title, draft().end) == ("Spring edition", NEW_END)
        publish(editor)
        run = get()
        assert (run.title, run.end, run.has_unpublished_changes) == ("Spring edition", NEW_END, False)

    def test_any_older_revision_keeps_the_lms_values_when_it_is_published(self, synced, post, editor):
        run = synced("sync_to_public")
        first = run.latest_revision
        edit(editor, title="Spring edition")
        post(NEW)

        Revision.objects.get(pk=first.pk).publish(user=editor)

        assert get().end == NEW_END

    def test_a_schedule_keeps_its_moment_and_the_lms_values(self, synced, post, editor):
        synced("sync_to_public")
        go_live_at = dt.datetime(2999, 1, 1, tzinfo=dt.UTC)
        edit(editor, title="Spring edition", go_live_at=go_live_at)
        publish(editor)

        post(NEW)

        scheduled = Revision.objects.get(approved_go_live_at__isnull=False)
        assert scheduled.approved_go_live_at == go_live_at
        assert get().end == NEW_END
        past = dt.datetime(2000, 1, 1, tzinfo=dt.UTC)
        scheduled.content["go_live_at"] = past.isoformat()
        scheduled.approved_go_live_at = past
        Revision.objects.bulk_update([scheduled], ["content", "approved_go_live_at"])
        call_command("publish_scheduled")
        run = get()
        assert (run.title, run.end) == ("Spring edition", NEW_END)

    def test_a_run_that_staff_unpublished_stays_unpublished(self, synced, post, editor):
        # Without the user, whose permissions Wagtail 7.4 asks of pages alone.
        synced("sync_to_public").unpublish()

        post(NEW)

        run = get()
        assert (run.live, run.end) == (False, NEW_END)
        publish(editor)
        assert (get().live, get().end) == (True, NEW_END)

    def test_a_draft_that_only_syncs_have_touched_goes_live(self, synced, post):
        synced("sync_to_draft")
        CourseRun.objects.update(sync_mode="sync_to_public")

        assert outcome(post(NEW)) == "updated"
        run = get()
        assert (run.live, run.has_unpublished_changes, run.end) == (True, False, NEW_END)
        assert run.first_published_at is not None

    def test_it_goes_live_even_if_nothing_else_changes(self, synced, post):
        synced("sync_to_draft")
        CourseRun.objects.update(sync_mode="sync_to_public")

        assert outcome(post(payload())) == "updated"
        assert get().live

    def test_a_draft_that_staff_edited_stays_a_draft(self, synced, post, editor):
        synced("sync_to_draft")
        edit(editor, title="Spring edition")
        CourseRun.objects.update(sync_mode="sync_to_public")

        assert outcome(post(NEW)) == "drafted"
        run = get()
        assert (run.live, run.has_unpublished_changes) == (False, True)
        assert (draft().title, draft().end) == ("Spring edition", NEW_END)

    def test_what_was_edited_by_somebody_who_is_gone_stays_a_draft(self, synced, post):
        run = synced("sync_to_draft")
        client = make_client("Course editors")
        submit(client, url(CourseRun, "edit", run.pk), {"title": "Spring edition"})
        CourseRun.objects.update(sync_mode="sync_to_public")
        client.user.delete()

        assert outcome(post(NEW)) == "drafted"
        assert not get().live

    def test_a_run_that_staff_began_stays_a_draft(self, backend, post, editor):
        run = CourseRun(
            course=make_course(code="Own"), resource_link=LINK, sync_mode="sync_to_public", live=False, languages=["en"]
        )
        run.save()
        run.save_revision(user=editor)

        assert outcome(post(NEW)) == "drafted"
        assert (get().live, draft().end) == (False, NEW_END)

    def test_siblings_are_left_alone(self, synced, post, editor):
        synced("sync_to_draft")
        sibling = get()
        LMSBackend.objects.update(default_sync_mode="sync_to_public")

        post(payload(resource_link=LINK.replace("R1", "R2")))

        sibling.refresh_from_db()
        assert not sibling.live


class TestSyncToDraft:
    @pytest.fixture
    def live(self, synced, editor):
        synced("sync_to_draft")
        publish(editor)
        return get()

    def test_the_live_row_is_left_alone(self, live, post):
        assert outcome(post(NEW)) == "drafted"
        run = get()
        assert (run.end, run.live, run.has_unpublished_changes) == (OLD_END, True, True)
        assert run.latest_revision.user is None
        assert draft().end == NEW_END

    def test_staff_publish_it(self, live, post, editor):
        post(NEW)
        publish(editor)

        assert (get().end, get().has_unpublished_changes) == (NEW_END, False)

    def test_a_pending_title_stays_pending_with_it(self, live, post, editor):
        edit(editor, title="Spring edition")

        post(NEW)

        run = get()
        assert (run.title, run.end) == ("", OLD_END)
        assert (draft().title, draft().end) == ("Spring edition", NEW_END)
        publish(editor)
        assert (get().title, get().end) == ("Spring edition", NEW_END)

    def test_a_draft_that_equals_the_public_version_again_waits_for_nobody(self, live, post):
        post(NEW)
        assert outcome(post(payload())) == "drafted"

        run = get()
        assert (run.end, run.has_unpublished_changes) == (OLD_END, False)

    def test_but_a_title_that_is_still_pending_does(self, live, post, editor):
        edit(editor, title="Spring edition")
        post(NEW)
        post(payload())

        run = get()
        assert run.has_unpublished_changes
        assert (draft().title, draft().end) == ("Spring edition", OLD_END)

    def test_a_run_that_is_not_live_gets_the_values_in_its_row_too(self, synced, post):
        synced("sync_to_draft")

        post(NEW)

        run = get()
        assert (run.live, run.end, draft().end) == (False, NEW_END, NEW_END)

    def test_the_counter_goes_to_the_row_at_once_without_a_draft(self, live, post):
        before = Revision.objects.count(), ModelLogEntry.objects.count()

        assert outcome(post(payload(enrollment_count=43))) == "updated"
        run = get()
        assert (run.enrollment_count, run.has_unpublished_changes) == (43, False)
        assert (Revision.objects.count(), ModelLogEntry.objects.count()) == before

    def test_no_publication_brings_back_an_older_counter(self, live, post, editor):
        edit(editor, title="Spring edition")
        post(payload(enrollment_count=43))

        publish(editor)

        assert get().enrollment_count == 43

    def test_a_scheduled_revision_goes_out_as_it_was_approved(self, live, post, editor):
        edit(editor, title="Spring edition", go_live_at=dt.datetime(2999, 1, 1, tzinfo=dt.UTC))
        publish(editor)
        scheduled = Revision.objects.get(approved_go_live_at__isnull=False)

        post(NEW)

        assert Revision.objects.get(approved_go_live_at__isnull=False) == scheduled
        assert (draft().title, draft().end, get().end) == ("Spring edition", NEW_END, OLD_END)


@pytest.mark.parametrize("mode", ["sync_to_public", "sync_to_draft"])
class TestRepeat:
    MICROSECONDS = "2026-10-05T06:30:00.123456+00:00"

    def test_a_repeat_changes_nothing(self, synced, post, mode):
        synced(mode)
        post(payload(start=self.MICROSECONDS))
        before = (
            CourseRun.objects.values().get(),
            Revision.objects.count(),
            ModelLogEntry.objects.count(),
        )

        assert outcome(post(payload(start=self.MICROSECONDS))) == "unchanged"
        assert (
            CourseRun.objects.values().get(),
            Revision.objects.count(),
            ModelLogEntry.objects.count(),
        ) == before

    def test_nor_after_staff_published_the_draft(self, synced, post, mode, editor):
        synced(mode)
        post(payload(start=self.MICROSECONDS))
        publish(editor)

        assert outcome(post(payload(start=self.MICROSECONDS))) == "unchanged"
        assert get().start.microsecond == 123456


class TestHistory:
    def test_a_sync_leaves_a_line_under_no_users_name(self, synced, post):
        synced("sync_to_public")
        post(NEW)

        entry = ModelLogEntry.objects.filter(action="cms_lms.sync").order_by("-pk").first()
        assert entry.user is None
        change = "Course end (June 30, 2027, 10 p.m. → July 15, 2027, 10 p.m.)"
        assert entry.message == f"Synchronised from Campus: {change}."
        assert entry.data["changes"] == {"end": ["2027-06-30T22:00:00Z", "2027-07-15T22:00:00Z"]}


class TestLocks:
    def test_an_editors_lock_does_not_stop_a_sync(self, synced, post, editor):
        synced("sync_to_public")
        CourseRun.objects.update(locked=True, locked_by=editor, locked_at=OLD_END)

        assert outcome(post(NEW)) == "updated"
        assert (get().locked, get().locked_by) == (True, editor)


@pytest.mark.parametrize("fields", [{}, {"enrollment_count": 3}], ids=["repeats", "counters"])
@pytest.mark.parametrize("is_live", [True, False])
def test_a_list_of_repeats_or_counters_in_draft_mode_costs_no_query_for_each(
    synced, post, editor, django_assert_max_num_queries, is_live, fields
):
    synced("sync_to_draft")
    items = [payload(resource_link=link(f"R{number}")) for number in range(1, 11)]
    post(items)
    for run in CourseRun.objects.all():
        if is_live:
            run.latest_revision.publish(user=editor)
        run = CourseRun.objects.get(pk=run.pk)
        run.title = "Spring edition"
        run.save_revision(user=editor)

    with django_assert_max_num_queries(14):
        response = post([item | fields for item in items])
    assert outcome(response) == ("updated" if fields else "unchanged")
