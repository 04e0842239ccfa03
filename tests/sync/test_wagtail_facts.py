"""Fourteen facts about Wagtail's drafts and revisions on which a naive synchronisation comes to grief, each with the
calls that would show it.
"""

from __future__ import annotations

import datetime as dt

import pytest
from django.core.management import call_command
from django.db.models.signals import post_save
from wagtail.models import Revision

from cms_lms.models import CourseRun, LMSBackend
from cms_lms.sync.effects import course_run_synced
from tests.admin.browsing import submit, url
from tests.admin.conftest import make_client
from tests.factories import make_backend, make_course
from tests.sync.payloads import payload
from tests.sync.situations import TITLE, Makers, live_moderated, live_pending, live_scheduled

pytestmark = pytest.mark.django_db

OLD_END = dt.datetime(2027, 6, 30, 22, tzinfo=dt.UTC)
NEW_END = dt.datetime(2027, 7, 15, 22, 0, 0, 123456, tzinfo=dt.UTC)
NEW = payload(end=NEW_END.isoformat())
PAST = dt.datetime(2001, 1, 1, tzinfo=dt.UTC)


@pytest.fixture
def by(db, post) -> Makers:
    """The LMS and its course, and people."""
    make_backend(name="Campus")
    make_course(code="DemoX")
    return Makers(post, make_client("Course editors"), make_client("Course publishers"))


@pytest.fixture
def in_draft(by) -> CourseRun:
    """A public run whose LMS writes to the draft."""
    run = by.synchronize("sync_to_draft")
    submit(by.publisher, url(CourseRun, "edit", run.pk), button="action-publish")
    return get()


def get() -> CourseRun:
    return CourseRun.objects.get()


def draft() -> CourseRun:
    return get().get_latest_revision_as_object()


def let_time_pass() -> None:
    """Let what is scheduled be published."""
    scheduled = Revision.objects.get(approved_go_live_at__isnull=False)
    content = {**scheduled.content, "go_live_at": PAST.isoformat()}
    Revision.objects.filter(pk=scheduled.pk).update(approved_go_live_at=PAST, content=content)
    call_command("publish_scheduled")


def test_01_publishing_an_older_draft_overwrites_an_updated_row(by):
    live_pending(by)
    by.post(NEW)

    for revision in get().revisions.order_by("pk"):
        revision.publish()
        assert get().end == NEW_END
    assert get().title == TITLE


def test_02_so_does_publishing_the_latest_revision_again(by):
    by.synchronize("sync_to_public")
    by.post(NEW)

    get().latest_revision.publish()

    assert get().end == NEW_END


def test_03_publishing_the_row_makes_a_pending_draft_disappear_into_history(by):
    live_pending(by)
    by.post(NEW)

    assert (get().has_unpublished_changes, draft().title, draft().end) == (True, TITLE, NEW_END)


def test_04_publishing_the_draft_makes_pending_texts_public(by):
    live_pending(by)
    by.post(NEW)

    assert (get().title, get().end) == ("", NEW_END)


@pytest.mark.parametrize("begin", [live_scheduled, live_moderated])
def test_05_publishing_anything_cancels_schedule_and_moderation(by, begin):
    begin(by)
    by.post(NEW)

    run = get()
    assert run.end == NEW_END
    assert run.scheduled_revision or run.workflow_in_progress


def test_06_publishing_a_draft_with_a_date_only_schedules_it(by):
    by.edit(by.synchronize("sync_to_public"), by.editor, go_live_at="2999-01-01 00:00")
    by.post(NEW)

    assert (get().live, get().end, get().scheduled_revision) == (True, NEW_END, None)


@pytest.mark.parametrize("mode", ["sync_to_draft", "sync_to_public"])
def test_07_drafts_may_be_incomplete(in_draft, by, mode):
    by.set_mode(in_draft, mode)
    by.edit(in_draft, by.editor, display_mode="", price_currency="")

    assert by.post(NEW).status_code == 200
    assert (draft().title, draft().display_mode, draft().end) == (TITLE, "", NEW_END)


def test_08_publishing_sets_bookkeeping_back(by):
    live_pending(by)
    by.post(payload(enrollment_count=43))
    before = CourseRun.objects.values("enrollment_count", "last_synced_at", "sync_mode", "matched_course_id").get()

    get().latest_revision.publish()

    assert CourseRun.objects.values(*before).get() == before
    assert before["enrollment_count"] == 43


@pytest.mark.parametrize("mode", ["sync_to_draft", "sync_to_public", "manual"])
def test_09_overwriting_a_revision_drops_its_schedule(by, mode):
    live_scheduled(by)
    by.set_mode(get(), mode)
    before = Revision.objects.exclude(approved_go_live_at=None).values("pk", "approved_go_live_at", "content").get()

    by.post(NEW)

    assert Revision.objects.exclude(approved_go_live_at=None).values(*before).get() == before


def test_10_a_schedule_publishes_what_was_approved_and_a_newer_draft_stays_pending(in_draft, by):
    by.edit(in_draft, by.publisher, "action-publish", go_live_at="2999-01-01 00:00")
    by.post(NEW)

    let_time_pass()

    run = get()
    assert (run.title, run.end, run.has_unpublished_changes) == (TITLE, OLD_END, True)
    assert (draft().title, draft().end) == (TITLE, NEW_END)


def test_11_nothing_in_the_database_protects_what_drafts_refer_to(in_draft, by):
    by.post(NEW)
    LMSBackend.objects.all().delete()

    for view in ("edit", "history"):
        assert by.publisher.get(url(CourseRun, view, in_draft.pk)).status_code == 200
    submit(by.publisher, url(CourseRun, "edit", in_draft.pk), button="action-publish")
    assert (get().end, get().matched_backend) == (NEW_END, None)


def test_12_an_updated_row_sends_no_post_save(by):
    """Nobody may count on it: what must follow is announced, whichever way the row was written."""
    by.synchronize("sync_to_public")
    saved, told = [], []

    def on_save(sender, **kwargs):
        saved.append(sender)

    def on_sync(sender, run_id, **kwargs):
        told.append(run_id)

    post_save.connect(on_save, sender=CourseRun)
    course_run_synced.connect(on_sync)
    try:
        by.post(NEW)
    finally:
        post_save.disconnect(on_save, sender=CourseRun)
        course_run_synced.disconnect(on_sync)

    assert (saved, told) == ([], [get().pk])


@pytest.mark.parametrize("mode", ["sync_to_draft", "sync_to_public"])
def test_13_revisions_keep_milliseconds(by, mode):
    by.synchronize(mode)
    by.post(NEW)
    before = Revision.objects.count()

    assert "unchanged=1" in by.post(NEW)["Sync-Outcome"]

    assert (draft().end, Revision.objects.count()) == (NEW_END, before)


def test_14_unpublishing_saves_the_whole_object(by):
    stale = by.synchronize("sync_to_public")
    by.post(NEW)

    stale.unpublish()

    assert (get().live, get().end) == (False, NEW_END)
