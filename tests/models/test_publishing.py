"""Publishing never brings back an older value: what staff do to a run, however it meets a sync.

A sync to public is here what it is for the database: an update of the row. Editors come through the
admin's forms.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from django.contrib.auth.models import User
from django.contrib.contenttypes.models import ContentType
from django.core.management import call_command
from django.utils import timezone
from wagtail.models import GroupApprovalTask, Revision, Workflow, WorkflowContentType, WorkflowTask

from cms_lms.models import CourseRun
from cms_lms.runs.fields import SyncMode
from tests.admin.browsing import form_values, submit, url
from tests.factories import make_backend, make_course, make_run

pytestmark = pytest.mark.django_db

OLD = datetime(2024, 3, 1, 9, tzinfo=UTC)
NEW = datetime(2024, 4, 2, 10, 30, 15, 123456, tzinfo=UTC)


@pytest.fixture
def run(db) -> CourseRun:
    """A public run that its LMS synchronises to public."""
    make_backend()
    return make_run(sync_mode=SyncMode.TO_PUBLIC, title="Old title", start=OLD)


def fresh(run: CourseRun) -> CourseRun:
    return CourseRun.objects.get(pk=run.pk)


def sync(run: CourseRun, **values) -> None:
    """Write as a sync to public does: the row alone."""
    CourseRun.objects.filter(pk=run.pk).update(**(values or {"start": NEW}))


def save_draft(run: CourseRun, **values) -> Revision:
    draft = fresh(run).get_latest_revision_as_object()
    for name, value in values.items():
        setattr(draft, name, value)
    return draft.save_revision()


def test_older_draft_published_after_a_sync(run):
    revision = save_draft(run, title="New title")
    sync(run)
    revision.publish()
    assert (fresh(run).title, fresh(run).start) == ("New title", NEW)
    assert not fresh(run).has_unpublished_changes


def test_latest_revision_published_again_after_a_sync(run):
    sync(run)
    fresh(run).latest_revision.publish()
    assert fresh(run).start == NEW


def test_sync_leaves_a_pending_draft_pending(run):
    save_draft(run, title="New title")
    sync(run)
    assert fresh(run).has_unpublished_changes
    assert fresh(run).title == "Old title"
    draft = fresh(run).get_latest_revision_as_object()
    assert (draft.title, draft.start) == ("New title", NEW)


def test_publishing_from_an_object_that_is_older_than_the_sync(run):
    """Wagtail publishes the object in memory when the revision has just been made from it."""
    stale = fresh(run)
    stale.title = "New title"
    sync(run)
    stale.save_revision().publish()
    assert (fresh(run).title, fresh(run).start) == ("New title", NEW)


def test_stale_editor_form_loses_the_dates_and_keeps_the_title(run, root):
    address = url(CourseRun, "edit", run.pk)
    values = form_values(root.get(address))
    sync(run)
    values.update({"title": "New title", "start": "2030-01-01 00:00:00", "action-publish": "1"})
    root.post(address, values)
    assert (fresh(run).title, fresh(run).start) == ("New title", NEW)


def test_stale_editor_draft_published_later(run, root):
    address = url(CourseRun, "edit", run.pk)
    values = form_values(root.get(address))
    sync(run)
    root.post(address, {**values, "title": "New title"})
    sync(run, start=NEW + timedelta(days=1))
    fresh(run).latest_revision.publish()
    assert (fresh(run).title, fresh(run).start) == ("New title", NEW + timedelta(days=1))


def test_schedule_keeps_the_synced_value(run):
    revision = save_draft(run, title="New title", go_live_at=timezone.now() + timedelta(days=1))
    revision.publish()
    assert (fresh(run).title, fresh(run).live) == ("Old title", True)
    sync(run)
    assert fresh(run).scheduled_revision is not None
    past = timezone.now() - timedelta(minutes=1)
    content = {**revision.content, "go_live_at": past.isoformat()}
    Revision.objects.filter(pk=revision.pk).update(approved_go_live_at=past, content=content)
    call_command("publish_scheduled")
    assert (fresh(run).title, fresh(run).start) == ("New title", NEW)


def test_expiry_keeps_the_synced_value(run):
    sync(run)
    CourseRun.objects.filter(pk=run.pk).update(expire_at=timezone.now() - timedelta(minutes=1))
    call_command("publish_scheduled")
    assert (fresh(run).live, fresh(run).expired, fresh(run).start) == (False, True, NEW)


def make_workflow(approver: User) -> Workflow:
    workflow = Workflow.objects.create(name="Moderation")
    task = GroupApprovalTask.objects.create(name="Approval")
    task.groups.add(*approver.groups.all())
    WorkflowTask.objects.create(workflow=workflow, task=task, sort_order=1)
    WorkflowContentType.objects.create(workflow=workflow, content_type=ContentType.objects.get_for_model(CourseRun))
    return workflow


def test_approval_keeps_the_synced_value(run, editor, publisher):
    make_workflow(publisher.user)
    submit(editor, url(CourseRun, "edit", run.pk), {"title": "New title"}, button="action-submit")
    assert fresh(run).workflow_in_progress
    sync(run)
    assert fresh(run).workflow_in_progress
    task_state = fresh(run).current_workflow_task_state
    address = url(CourseRun, "workflow_action", run.pk, "approve", task_state.pk)
    publisher.post(address, {"comment": ""})
    assert (fresh(run).title, fresh(run).start) == ("New title", NEW)
    assert not fresh(run).workflow_in_progress


def test_revert_keeps_the_synced_value(run, root):
    first = run.latest_revision
    save_draft(run, title="New title").publish()
    sync(run)
    address = url(CourseRun, "revisions_revert", run.pk, first.pk)
    submit(root, address, button="action-publish")
    assert (fresh(run).title, fresh(run).start) == ("Old title", NEW)


def test_unpublish_of_a_stale_object_keeps_the_synced_value(run):
    stale = fresh(run)
    sync(run)
    stale.unpublish()
    assert (fresh(run).live, fresh(run).start, stale.live) == (False, NEW, False)
    assert fresh(run).has_unpublished_changes


def test_unpublish_in_the_admin(run, publisher):
    sync(run)
    publisher.post(url(CourseRun, "unpublish", run.pk))
    assert (fresh(run).live, fresh(run).start) == (False, NEW)


@pytest.mark.parametrize("mode", SyncMode.values)
def test_bookkeeping_is_never_reverted(run, mode):
    revision = save_draft(run, title="New title")
    now = timezone.now()
    sync(run, sync_mode=mode, enrollment_count=42, last_synced_at=now)
    revision.publish()
    after = fresh(run)
    assert (after.sync_mode, after.enrollment_count, after.last_synced_at) == (mode, 42, now)
    assert not {"sync_mode", "enrollment_count", "last_synced_at", "matched_backend"} & revision.content.keys()


@pytest.mark.parametrize("mode", [SyncMode.MANUAL, SyncMode.TO_DRAFT])
def test_outside_sync_to_public_the_draft_is_what_goes_out(run, mode):
    CourseRun.objects.filter(pk=run.pk).update(sync_mode=mode)
    save_draft(run, start=NEW).publish()
    assert fresh(run).start == NEW


def test_protected_fields_belong_to_the_editor(run):
    backend = run.matched_backend
    backend.no_update_fields = ["end"]
    backend.save()
    end = datetime(2025, 1, 1, tzinfo=UTC)
    save_draft(run, start=end, end=end).publish()
    assert (fresh(run).start, fresh(run).end) == (OLD, end)


def test_microseconds_survive_a_revision(run):
    sync(run)
    revision = save_draft(run, title="New title")
    CourseRun.objects.filter(pk=run.pk).update(sync_mode=SyncMode.TO_DRAFT)
    assert Revision.objects.get(pk=revision.pk).as_object().start == NEW
    revision.publish()
    assert fresh(run).start == NEW


def test_decimals_and_languages_survive_a_revision(run):
    CourseRun.objects.filter(pk=run.pk).update(sync_mode=SyncMode.MANUAL)
    revision = save_draft(run, price="10.50", languages=["fr", "en"])
    assert str(Revision.objects.get(pk=revision.pk).as_object().price) == "10.50"
    revision.publish()
    assert (str(fresh(run).price), fresh(run).languages) == ("10.50", ["fr", "en"])


def test_draft_that_names_a_deleted_course_falls_back_to_the_run_s_own(run, root):
    other = make_course(code="Gone")
    revision = save_draft(run, course=other)
    other.delete()
    revision = Revision.objects.get(pk=revision.pk)
    assert revision.as_object().course_id == run.course_id
    assert root.get(url(CourseRun, "edit", run.pk)).status_code == 200
    revision.publish()
    assert fresh(run).course_id == run.course_id


def test_scheduled_link_that_has_become_another_run_s_is_left_and_stops_no_other_publication(run):
    CourseRun.objects.update(sync_mode=SyncMode.MANUAL)
    taken = "https://lms.example.com/courses/course-v1:edX+DemoX+taken/info"
    past = timezone.now() - timedelta(minutes=1)
    later = make_run(course=run.course)
    for each, values in ((run, {"resource_link": taken}), (later, {})):
        revision = save_draft(each, title="New title", go_live_at=timezone.now() + timedelta(days=1), **values)
        revision.publish()
        content = {**revision.content, "go_live_at": past.isoformat()}
        Revision.objects.filter(pk=revision.pk).update(approved_go_live_at=past, content=content)
    make_run(course=run.course, resource_link=taken)
    call_command("publish_scheduled")
    assert (fresh(run).title, fresh(run).resource_link) == ("New title", run.resource_link)
    assert fresh(later).title == "New title"


def test_a_draft_from_before_the_run_was_unpublished_does_not_remember_it_live(run, publisher, editor):
    save_draft(run, title="New title")
    publisher.post(url(CourseRun, "unpublish", run.pk))
    submit(editor, url(CourseRun, "edit", run.pk), {"title": "Newer title"})
    assert (fresh(run).title, fresh(run).live_revision) == ("Newer title", None)
