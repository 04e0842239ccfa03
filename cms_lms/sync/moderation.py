"""Moderation of what was synchronised to draft: submitted to the workflow of course runs, and kept up to date there.

Only moderations that a synchronisation started are touched, and only drafts that are an LMS's alone are submitted:
a workflow keeps editors from what they are working on. It is a task after the commit, which does no harm when it is
run twice, and no part of the synchronisation: Wagtail writes to the reviewers inside the transaction that starts a
workflow, and no sender may have to wait for a mail server.
"""

from __future__ import annotations

from typing import Any

from django.db import transaction
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django_tasks import task
from wagtail.log_actions import LogFormatter, log
from wagtail.models import ModelLogEntry, TaskState, Workflow, WorkflowState

from cms_lms.backends.base import BaseLMSBackend
from cms_lms.conf import settings as lms_settings
from cms_lms.matching.handler import LMSHandler
from cms_lms.models import CourseRun
from cms_lms.models.course_run_origins import runs_edited_by_staff
from cms_lms.sync.retrying import tried_again_later
from cms_lms.sync.waiting import read_waiting

SUBMIT_ACTION = "cms_lms.submit"


def follow_drafts(run_ids: list[int]) -> None:
    """Bring the moderation of these runs up to date in the background, where any LMS backend asks for it."""
    if any(backend.record.submits_drafts for backend in LMSHandler.configuration().backends):
        moderate_drafts.enqueue(run_ids)


@task()
def moderate_drafts(run_ids: list[int], attempt: int = 0) -> None:
    """Submit the drafts of runs, or bring what was submitted up to date."""
    with tried_again_later(moderate_drafts, run_ids, attempt=attempt):
        for run_id in run_ids:
            moderate_draft(run_id)


def submit_waiting() -> int:
    """Submit the waiting drafts that were not submitted so far; return how many.

    They came before their backend submitted drafts or course runs had a workflow, or their task was lost.
    """
    backends = [backend.record for backend in LMSHandler.configuration().backends if backend.record.submits_drafts]
    waiting = CourseRun.objects.waiting().filter(matched_backend__in=backends).order_by("pk")
    return sum(moderate_draft(run_id) for run_id in list(waiting.values_list("pk", flat=True)))


def moderate_draft(run_id: int) -> bool:
    """Submit the draft of a run, or bring what was submitted up to date; return whether it was submitted just now.

    A run that is gone is passed over.
    """
    run = CourseRun.objects.filter(pk=run_id).first()
    if run is None or (workflow := _workflow_of(run)) is None:
        return False
    with transaction.atomic():
        # One submission at a time: only some databases refuse a second workflow of a run. The run itself is not
        # locked while mails are sent.
        Workflow.objects.select_for_update().get(pk=workflow.pk)
        run = CourseRun.objects.with_holds().select_related("course", "latest_revision").get(pk=run_id)
        state = run.current_workflow_state
        if state is None:
            return _submit(run, workflow)
        if is_started_by_sync(run, state):
            _bring_up_to_date(run, state)
        return False


def is_started_by_sync(run: CourseRun, state: WorkflowState) -> bool:
    """Whether a synchronisation started a moderation; the log says so, whoever is deleted since."""
    lines = ModelLogEntry.objects.for_instance(run).filter(action=SUBMIT_ACTION)
    return any(line.data.get("workflow_state") == state.pk for line in lines)


def _workflow_of(run: CourseRun) -> Workflow | None:
    state = run.current_workflow_state
    return run.get_workflow() if state is None else state.workflow


def _submit(run: CourseRun, workflow: Workflow) -> bool:
    backend = LMSHandler.select_lms(run.resource_link)
    if backend is None or not _may_submit(run, backend):
        return False
    state = workflow.start(run, user=None)
    data = {"backend": backend.config.name, "workflow_state": state.pk}
    log(run, SUBMIT_ACTION, user=None, data=data, revision=run.latest_revision, content_changed=False)
    return True


def _may_submit(run: CourseRun, backend: BaseLMSBackend) -> bool:
    if not backend.record.submits_drafts or run.draft_synced_at is None or not _is_left_to_lms(run):
        return False
    # What was cancelled stays so until the LMS sends something new.
    return not run.workflow_states.filter(created_at__gte=run.draft_synced_at).exists()


def _is_left_to_lms(run: CourseRun) -> bool:
    """Whether nobody would be disturbed: no edits of staff in the draft, no lock to be taken off, no schedule."""
    if run.locked or run.scheduled_at is not None:
        return False
    if run.is_unpublished_draft:
        return not runs_edited_by_staff([run.pk])
    (waiting,) = read_waiting([run])
    return not waiting.is_edited


def _bring_up_to_date(run: CourseRun, state: WorkflowState) -> None:
    task_state = state.current_task_state
    if run.live and not run.has_unpublished_changes:
        state.cancel(user=None)  # nothing is left to be approved
    elif task_state.revision_id == run.latest_revision_id:
        return
    elif state.status == WorkflowState.STATUS_NEEDS_CHANGES:
        if _is_left_to_lms(run):
            state.resume(user=None)
    elif lms_settings.requires_reapproval and not run.locked:
        task_state.specific.cancel(user=None)  # and starts with the first step again
    else:
        # As when a reviewer edits: the steps taken stay taken, and what is approved is the latest version.
        in_progress = state.task_states.filter(status=TaskState.STATUS_IN_PROGRESS)
        in_progress.update(revision=run.latest_revision)


class SubmissionFormatter(LogFormatter):
    """Says in the history why a run is in moderation that nobody submitted."""

    label = gettext_lazy("Submit what was synchronised")

    def format_message(self, log_entry: ModelLogEntry) -> str:
        """Name the LMS."""
        return _("Submitted to moderation, since %(backend)s changed the draft.") % {
            "backend": log_entry.data.get("backend", "")
        }

    def format_comment(self, log_entry: ModelLogEntry) -> str:
        """Nothing beyond the message."""
        return ""


def register_log_actions(actions: Any) -> None:
    """Register the action with Wagtail's log."""
    actions.register_action(SUBMIT_ACTION)(SubmissionFormatter)
