"""Changing the mode: in force at once, logged, and no later publish reverts what was synchronised before."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from django.contrib.auth.models import Group, User
from django.contrib.contenttypes.models import ContentType
from django.core.management import call_command
from django.utils import timezone
from wagtail.models import (
    GroupApprovalTask,
    ModelLogEntry,
    Revision,
    Workflow,
    WorkflowContentType,
    WorkflowTask,
)

from cms_lms.models import CourseRun
from cms_lms.runs.fields import SyncMode
from cms_lms.sync.modes import set_sync_mode
from tests.factories import make_backend, make_run

pytestmark = pytest.mark.django_db

NEW = datetime(2024, 4, 2, 10, 30, 15, 123456, tzinfo=UTC)


@pytest.fixture
def user(db) -> User:
    return User.objects.create_user("editor")


@pytest.fixture
def run(db) -> CourseRun:
    make_backend(no_update_fields=["end"])
    return make_run(sync_mode=SyncMode.TO_PUBLIC, title="Old title")


def fresh(run: CourseRun) -> CourseRun:
    return CourseRun.objects.get(pk=run.pk)


def sync(run: CourseRun) -> None:
    CourseRun.objects.filter(pk=run.pk).update(start=NEW)


def save_draft(run: CourseRun, **values) -> Revision:
    draft = fresh(run).get_latest_revision_as_object()
    for name, value in values.items():
        setattr(draft, name, value)
    return draft.save_revision(clean=False)


@pytest.mark.parametrize("mode", [SyncMode.MANUAL, SyncMode.TO_DRAFT])
def test_pending_draft_keeps_the_synced_value_and_what_the_editor_wrote(run, user, mode):
    end = datetime(2030, 1, 1, tzinfo=UTC)
    save_draft(run, title="New title", end=end)
    sync(run)
    assert set_sync_mode([run], mode, user=user) == 1
    after = fresh(run)
    assert (after.sync_mode, after.title, after.start, after.has_unpublished_changes) == (mode, "Old title", NEW, True)
    after.latest_revision.publish()
    assert (fresh(run).title, fresh(run).start, fresh(run).end) == ("New title", NEW, end)


@pytest.mark.parametrize("mode", [SyncMode.MANUAL, SyncMode.TO_DRAFT])
def test_draft_from_before_the_run_was_synchronised_to_public(run, user, mode):
    CourseRun.objects.update(sync_mode=SyncMode.MANUAL)
    save_draft(run, title="New title", start=datetime(2020, 1, 1, tzinfo=UTC))
    CourseRun.objects.update(sync_mode=SyncMode.TO_PUBLIC)
    sync(run)
    set_sync_mode([run], mode, user=user)
    assert fresh(run).latest_revision.user == user
    fresh(run).latest_revision.publish()
    assert (fresh(run).title, fresh(run).start) == ("New title", NEW)


def test_incomplete_draft(run, user):
    save_draft(run, display_mode="", title="New title")
    sync(run)
    set_sync_mode([run], SyncMode.MANUAL, user=user)
    draft = fresh(run).get_latest_revision_as_object()
    assert (draft.display_mode, draft.start) == ("", NEW)


def test_scheduled_revision_is_brought_up_to_date_in_place(run, user):
    revision = save_draft(run, title="New title", go_live_at=timezone.now() + timedelta(days=1))
    revision.publish()
    sync(run)
    count = run.revisions.count()
    set_sync_mode([run], SyncMode.MANUAL, user=user)
    assert run.revisions.count() == count
    scheduled = fresh(run).scheduled_revision
    assert scheduled == revision
    past = timezone.now() - timedelta(minutes=1)
    content = {**scheduled.content, "go_live_at": past.isoformat()}
    Revision.objects.filter(pk=revision.pk).update(approved_go_live_at=past, content=content)
    call_command("publish_scheduled")
    assert (fresh(run).title, fresh(run).start) == ("New title", NEW)


def test_draft_after_a_scheduled_revision(run, user):
    save_draft(run, title="Scheduled", go_live_at=timezone.now() + timedelta(days=1)).publish()
    save_draft(run, title="Later")
    sync(run)
    set_sync_mode([run], SyncMode.MANUAL, user=user)
    assert fresh(run).scheduled_revision.as_object().start == NEW
    assert fresh(run).get_latest_revision_as_object().title == "Later"
    assert fresh(run).get_latest_revision_as_object().start == NEW


def test_nothing_pending_but_the_latest_revision_published_again(run, user):
    sync(run)
    set_sync_mode([run], SyncMode.MANUAL, user=user)
    after = fresh(run)
    assert not after.has_unpublished_changes
    assert after.live_revision == after.latest_revision
    after.latest_revision.publish()
    assert fresh(run).start == NEW


def test_moderation_goes_on_with_the_synced_value(run, user):
    moderator = User.objects.create_superuser("moderator")
    group = Group.objects.create(name="Moderation")
    workflow = Workflow.objects.create(name="Moderation")
    task = GroupApprovalTask.objects.create(name="Approval")
    task.groups.add(group)
    WorkflowTask.objects.create(workflow=workflow, task=task, sort_order=1)
    content_type = ContentType.objects.get_for_model(CourseRun)
    WorkflowContentType.objects.create(workflow=workflow, content_type=content_type)
    save_draft(run, title="New title")
    workflow.start(fresh(run), user)
    sync(run)
    set_sync_mode([run], SyncMode.MANUAL, user=user)
    state = fresh(run).current_workflow_task_state
    assert state.revision == fresh(run).latest_revision
    state.approve(user=moderator)
    assert (fresh(run).title, fresh(run).start) == ("New title", NEW)


def test_unchanged_drafts_get_no_new_revision(run, user):
    save_draft(run, title="New title")
    count = run.revisions.count()
    set_sync_mode([run], SyncMode.TO_DRAFT, user=user)
    assert run.revisions.count() == count


def test_entering_sync_to_public_publishes_nothing(run, user):
    CourseRun.objects.update(sync_mode=SyncMode.MANUAL)
    save_draft(run, title="New title", start=NEW)
    set_sync_mode([run], SyncMode.TO_PUBLIC, user=user)
    assert (fresh(run).title, fresh(run).start) == ("Old title", run.start)
    assert fresh(run).has_unpublished_changes


def test_log(run, user):
    set_sync_mode([run], SyncMode.MANUAL, user=user)
    set_sync_mode([run], SyncMode.MANUAL, user=user)
    set_sync_mode([run], SyncMode.TO_DRAFT, user=None)
    entries = ModelLogEntry.objects.for_instance(run).filter(action="cms_lms.sync_mode").order_by("pk")
    assert [(entry.user, entry.data["sync_mode"]) for entry in entries] == [
        (user, {"old": "sync_to_public", "new": "manual"}),
        (None, {"old": "manual", "new": "sync_to_draft"}),
    ]


def test_many(run, user):
    others = [make_run(course=run.course), make_run(course=run.course, sync_mode=SyncMode.TO_DRAFT)]
    gone = make_run(course=run.course, sync_mode=SyncMode.TO_DRAFT)
    runs = [run, *others, gone]
    CourseRun.objects.filter(pk=gone.pk).delete()
    assert set_sync_mode(runs, SyncMode.MANUAL, user=user) == 2
    assert set(CourseRun.objects.values_list("sync_mode", flat=True)) == {"manual"}


def test_unknown_mode(run, user):
    with pytest.raises(ValueError, match="often"):
        set_sync_mode([run], "often", user=user)
    assert fresh(run).sync_mode == SyncMode.TO_PUBLIC


def test_stale_objects_do_not_matter(run, user):
    stale = fresh(run)
    sync(run)
    set_sync_mode([stale], SyncMode.MANUAL, user=user)
    assert fresh(run).start == NEW


def test_a_field_that_a_backend_protects_later_keeps_its_synced_value(run, user):
    backend = run.matched_backend
    save_draft(run, title="New title")
    sync(run)
    backend.no_update_fields = ["start"]
    backend.save()
    assert fresh(run).get_latest_revision_as_object().start == NEW
    fresh(run).latest_revision.publish()
    assert (fresh(run).title, fresh(run).start) == ("New title", NEW)
