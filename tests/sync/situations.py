"""The situations in which a call may meet a known run: each made through the door by which it comes about in life."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from django.contrib.contenttypes.models import ContentType
from django.test import Client
from wagtail.models import GroupApprovalTask, Workflow, WorkflowContentType, WorkflowState, WorkflowTask

from cms_lms.models import Course, CourseRun, LMSBackend
from cms_lms.runs.fields import DATE_FIELDS
from tests.admin.browsing import submit, url
from tests.sync.payloads import LINK, payload

#: What editors put in, beside what the LMS sends.
TITLE = "Spring edition"

FAR_AWAY = "2999-01-01 00:00"


def make_workflow(approver: Client) -> Workflow:
    """Let the groups of a user approve course runs."""
    workflow = Workflow.objects.create(name="Moderation")
    task = GroupApprovalTask.objects.create(name="Approval")
    task.groups.add(*approver.user.groups.all())
    WorkflowTask.objects.create(workflow=workflow, task=task, sort_order=1)
    WorkflowContentType.objects.create(workflow=workflow, content_type=ContentType.objects.get_for_model(CourseRun))
    return workflow


@dataclass
class Makers:
    """Those who bring a run into a situation: the LMS, and people of the admin."""

    post: Callable[[Any], Any]
    editor: Client
    publisher: Client

    def synchronize(self, mode: str) -> CourseRun:
        """Let the LMS create the run in a mode."""
        LMSBackend.objects.update(default_sync_mode=mode)
        assert self.post(payload(resource_link=LINK)).status_code == 200
        return CourseRun.objects.for_link(LINK).get()

    def edit(self, run: CourseRun, client: Client, button: str = "", **fields: Any) -> None:
        """Put values into the run's form and press a button, or save."""
        response = submit(client, url(CourseRun, "edit", run.pk), {"title": TITLE, **fields}, button)
        assert response.status_code == 302, response.context["form"].errors

    def set_mode(self, run: CourseRun, mode: str) -> None:
        """Change the mode as publishers do."""
        response = self.publisher.post(url(CourseRun, "sync_mode", run.pk), {"sync_mode": mode})
        assert response.status_code == 302


def synced_draft(by: Makers) -> None:
    """Never published; nobody but syncs has touched it."""
    by.synchronize("sync_to_draft")


def begun_draft(by: Makers) -> None:
    """Never published; begun by an editor, with what the LMS sends too."""
    dates = {name: dt.datetime.fromisoformat(payload()[name]) for name in DATE_FIELDS}
    values = {
        "resource_link": LINK,
        "languages": payload()["languages"],
        **{name: f"{date:%Y-%m-%d %H:%M:%S}" for name, date in dates.items()},
    }
    course = Course.objects.for_code("DemoX").get()
    response = submit(by.editor, url(CourseRun, "add"), {**values, "course": str(course.pk), "title": TITLE})
    assert response.status_code == 302, response.context["form"].errors
    # What no form has: the LMS alone counts.
    CourseRun.objects.for_link(LINK).update(enrollment_count=payload()["enrollment_count"])


def edited_draft(by: Makers) -> None:
    """Never published; an editor has edited what a sync began."""
    by.edit(by.synchronize("sync_to_draft"), by.editor)


def scheduled_draft(by: Makers) -> None:
    """Never published; to go live at a date."""
    by.edit(by.synchronize("sync_to_draft"), by.publisher, "action-publish", go_live_at=FAR_AWAY)


def moderated_draft(by: Makers) -> None:
    """Never published; submitted for moderation."""
    make_workflow(by.publisher)
    by.edit(by.synchronize("sync_to_draft"), by.editor, "action-submit")


def rejected_draft(by: Makers) -> None:
    """Never published, touched by nobody but syncs, which submitted it; sent back by a reviewer."""
    make_workflow(by.publisher)
    LMSBackend.objects.update(submits_drafts=True)
    run = by.synchronize("sync_to_draft")
    task_state = run.current_workflow_task_state
    by.publisher.post(url(CourseRun, "workflow_action", run.pk, "reject", task_state.pk), {"comment": "No."})
    LMSBackend.objects.update(submits_drafts=False)
    assert run.current_workflow_state.status == WorkflowState.STATUS_NEEDS_CHANGES


def locked_draft(by: Makers) -> None:
    """Never published, touched by nobody but syncs, locked by a publisher."""
    by.publisher.post(url(CourseRun, "lock", by.synchronize("sync_to_draft").pk))


def live(by: Makers) -> None:
    """Public, nothing pending."""
    by.synchronize("sync_to_public")


def live_pending(by: Makers) -> None:
    """Public, with an editor's title pending."""
    by.edit(by.synchronize("sync_to_public"), by.editor)


def live_scheduled(by: Makers) -> None:
    """Public, with an editor's title to go out at a date."""
    by.edit(by.synchronize("sync_to_public"), by.publisher, "action-publish", go_live_at=FAR_AWAY)


def live_moderated(by: Makers) -> None:
    """Public, with an editor's title in moderation."""
    make_workflow(by.publisher)
    by.edit(by.synchronize("sync_to_public"), by.editor, "action-submit")


def live_locked(by: Makers) -> None:
    """Public, locked by a publisher."""
    by.publisher.post(url(CourseRun, "lock", by.synchronize("sync_to_public").pk))


def unpublished(by: Makers) -> None:
    """Taken off the site by staff."""
    by.publisher.post(url(CourseRun, "unpublish", by.synchronize("sync_to_public").pk))


SITUATIONS = {
    make.__name__: make
    for make in (
        synced_draft,
        begun_draft,
        edited_draft,
        scheduled_draft,
        moderated_draft,
        rejected_draft,
        locked_draft,
        live,
        live_pending,
        live_scheduled,
        live_moderated,
        live_locked,
        unpublished,
    )
}
