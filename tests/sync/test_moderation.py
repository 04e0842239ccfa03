"""A backend that submits drafts: what is synchronised to draft is in moderation, until somebody approves it."""

from __future__ import annotations

import io

import pytest
from django.core import mail
from django.core.management import call_command
from django.urls import reverse
from django.utils import timezone
from wagtail.models import Workflow, WorkflowState

from cms_lms.models import CourseRun, LMSBackend
from cms_lms.sync.drafts import discard_draft
from cms_lms.sync.moderation import moderate_draft
from cms_lms.sync.waiting import read_waiting
from tests.admin.browsing import soup, submit, url
from tests.admin.conftest import make_client
from tests.factories import make_backend, make_course, make_workflow
from tests.sync.payloads import link, payload

pytestmark = pytest.mark.django_db


@pytest.fixture
def workflow(db) -> Workflow:
    """A backend that submits drafts, and the workflow that they are submitted to."""
    make_backend(name="Campus", default_sync_mode="sync_to_draft", submits_drafts=True)
    make_course(code="DemoX")
    return make_workflow()


@pytest.fixture
def publisher(db):
    return make_client("Course publishers", email="publisher@example.com")


@pytest.fixture
def live_run(workflow, post, publisher) -> CourseRun:
    """A run that was synchronised to draft, approved, and is synchronised to draft still."""
    post(payload())
    act(publisher, "approve")
    run = CourseRun.objects.get()
    assert run.live
    assert run.current_workflow_state is None
    return run


def state() -> WorkflowState:
    """Return the latest moderation."""
    return WorkflowState.objects.latest("pk")


def act(client, action: str, **data) -> None:
    """Take the step that a reviewer takes in the admin."""
    run = CourseRun.objects.get()
    task_state = run.current_workflow_task_state
    address = url(CourseRun, "workflow_action", run.pk, action, task_state.pk)
    answer = client.post(address, data, headers={"X-Requested-With": "XMLHttpRequest"})
    assert answer.status_code in (200, 302), answer.content[:500]


def test_a_new_draft_awaits_review_and_its_approval_publishes_it(workflow, post, publisher):
    post(payload())
    run = CourseRun.objects.get()
    assert (run.live, run.workflow_in_progress, run.draft_synced_at is not None) == (False, True, True)

    home = soup(publisher.get(reverse("wagtailadmin_home")))
    assert "Demonstration" in home.find(string=lambda text: "Awaiting your review" in text).find_parent("section").text

    act(publisher, "approve")

    run.refresh_from_db()
    assert (run.live, run.draft_synced_at, run.has_unpublished_changes) == (True, None, False)
    assert state().status == WorkflowState.STATUS_APPROVED


def test_a_draft_of_a_live_run_is_submitted_and_the_public_sees_nothing_before_its_approval(live_run, post, publisher):
    post(payload(end=None))
    live_run.refresh_from_db()
    assert (live_run.workflow_in_progress, live_run.end is None) == (True, False)

    act(publisher, "approve")

    live_run.refresh_from_db()
    assert (live_run.live, live_run.end) == (True, None)


def test_a_list_submits_each_of_its_runs(workflow, post):
    post([payload(resource_link=link(f"R{number}")) for number in range(3)])
    assert all(run.workflow_in_progress for run in CourseRun.objects.all())
    assert WorkflowState.objects.count() == 3


def test_a_repeat_and_a_second_execution_submit_nothing_twice(workflow, post):
    post(payload())
    post(payload())
    moderate_draft(CourseRun.objects.get().pk)
    assert WorkflowState.objects.count() == 1


def test_what_was_cancelled_is_submitted_again_only_when_the_lms_sends_something_new(workflow, post, publisher):
    post(payload())
    run = CourseRun.objects.get()
    publisher.post(url(CourseRun, "edit", run.pk), {"action-cancel-workflow": "1"})
    assert state().status == WorkflowState.STATUS_CANCELLED
    moderate_draft(run.pk)
    post(payload())
    assert (run.workflow_in_progress, WorkflowState.objects.count()) == (False, 1)
    assert CourseRun.objects.get().draft_synced_at is not None

    post(payload(end=None))
    assert (run.workflow_in_progress, WorkflowState.objects.count()) == (True, 2)


def test_a_rejected_draft_waits_and_is_resubmitted_when_the_lms_sends_something_new(live_run, post, publisher):
    post(payload(end=None))
    act(publisher, "reject", comment="The end is missing.")
    live_run.refresh_from_db()
    assert state().status == WorkflowState.STATUS_NEEDS_CHANGES
    assert live_run.draft_synced_at is not None

    post(payload(end=None))
    assert state().status == WorkflowState.STATUS_NEEDS_CHANGES

    post(payload(end="2028-01-01T00:00:00Z"))
    assert state().status == WorkflowState.STATUS_IN_PROGRESS
    act(publisher, "approve")
    live_run.refresh_from_db()
    assert live_run.end.year == 2028


def test_a_newer_sync_changes_what_the_reviewers_publish(live_run, post, publisher):
    post(payload(end=None))
    post(payload(end="2028-01-01T00:00:00Z"))

    assert WorkflowState.objects.filter(status=WorkflowState.STATUS_IN_PROGRESS).count() == 1
    assert state().current_task_state.revision_id == CourseRun.objects.get().latest_revision_id
    act(publisher, "approve")
    live_run.refresh_from_db()
    assert live_run.end.year == 2028


def test_steps_taken_stay_taken_unless_the_site_asks_for_approval_again(post, publisher, settings):
    make_backend(default_sync_mode="sync_to_draft", submits_drafts=True)
    make_course(code="DemoX")
    make_workflow("First", "Second")
    post(payload())
    act(publisher, "approve")
    post(payload(end=None))
    assert state().current_task_state.task.name == "Second"

    settings.WAGTAIL_WORKFLOW_REQUIRE_REAPPROVAL_ON_EDIT = True
    post(payload(end="2028-01-01T00:00:00Z"))
    assert state().current_task_state.task.name == "First"
    act(publisher, "approve")
    act(publisher, "approve")
    assert CourseRun.objects.get().end.year == 2028


def test_a_draft_that_is_equal_to_the_public_version_again_leaves_moderation(live_run, post):
    post(payload(end=None))
    post(payload())
    live_run.refresh_from_db()
    assert (live_run.workflow_in_progress, live_run.draft_synced_at) == (False, None)
    assert state().status == WorkflowState.STATUS_CANCELLED


def test_a_moderation_that_staff_started_is_left_alone(live_run, post, publisher):
    editor = make_client("Course editors")
    submit(editor, url(CourseRun, "edit", live_run.pk), {"title": "Autumn"}, button="action-submit")
    started = state()
    assert started.requested_by == editor.user

    post(payload(end=None))
    post(payload())

    assert state() == started
    assert started.status == WorkflowState.STATUS_IN_PROGRESS
    act(publisher, "reject", comment="No.")
    post(payload(end=None))
    assert state().status == WorkflowState.STATUS_NEEDS_CHANGES


def test_what_staff_are_working_on_is_not_submitted(live_run, post):
    editor = make_client("Course editors")
    submit(editor, url(CourseRun, "edit", live_run.pk), {"title": "Autumn"})

    post(payload(end=None))

    live_run.refresh_from_db()
    assert (live_run.workflow_in_progress, live_run.draft_synced_at is not None) == (False, True)


def test_what_staff_discarded_hinders_nothing_that_the_lms_sends_later(live_run, post, publisher):
    post(payload(end=None))
    state().cancel(user=publisher.user)
    (waiting,) = read_waiting(CourseRun.objects.with_holds())
    discard_draft(live_run.pk, waiting.shown, user=publisher.user, now=timezone.now())
    post(payload(end=None))
    assert WorkflowState.objects.filter(status=WorkflowState.STATUS_IN_PROGRESS).count() == 0

    post(payload(end="2028-01-01T00:00:00Z"))
    assert state().status == WorkflowState.STATUS_IN_PROGRESS


def test_a_lock_stays_and_its_run_waits_in_the_inbox(live_run, post):
    editor = make_client("Course editors")
    CourseRun.objects.update(locked=True, locked_by=editor.user)
    post(payload(end=None))
    live_run.refresh_from_db()
    assert (live_run.locked, live_run.workflow_in_progress) == (True, False)
    assert live_run.draft_synced_at is not None


def test_without_a_workflow_or_the_wish_for_one_drafts_only_wait(post):
    make_backend(default_sync_mode="sync_to_draft", submits_drafts=True)
    make_course(code="DemoX")
    assert post(payload()).status_code == 200
    make_workflow()
    backend = LMSBackend.objects.get()
    backend.submits_drafts = False
    backend.save()
    post(payload(end=None))
    assert not WorkflowState.objects.exists()
    assert CourseRun.objects.get().draft_synced_at is not None


def test_the_form_of_a_backend_says_that_no_workflow_is_assigned(db):
    administrator = make_client("LMS administrators")
    address = url(LMSBackend, "edit", make_backend().pk)
    note = "Course runs have no workflow yet"
    assert note in soup(administrator.get(address)).text
    make_workflow()
    assert note not in soup(administrator.get(address)).text


def test_the_history_says_why_nobody_submitted_it(workflow, post, publisher):
    post(payload())
    page = publisher.get(url(CourseRun, "history", CourseRun.objects.get().pk))
    assert "Submitted to moderation, since Campus changed the draft." in soup(page).text


def test_the_admin_shows_a_moderation_that_nobody_requested(workflow, post, publisher):
    post(payload())
    run = CourseRun.objects.get()
    pages = [
        reverse("wagtailadmin_home"),
        reverse("wagtailadmin_reports:workflow"),
        reverse("wagtailadmin_reports:workflow_tasks"),
        url(CourseRun, "edit", run.pk),
        url(CourseRun, "history", run.pk),
        url(CourseRun, "workflow_history", run.pk),
        url(CourseRun, "workflow_history_detail", run.pk, state().pk),
        url(CourseRun, "workflow_preview", run.pk, state().current_task_state.task.pk),
    ]
    root = make_client(superuser=True)
    for client in (publisher, root):
        for address in pages:
            answer = client.get(address)
            assert answer.status_code == 200 or (client is publisher and "/reports/" in address), address
            assert "None" not in soup(answer).text, address


def test_reviewers_are_written_to_and_nobody_is_when_it_is_approved(workflow, post, publisher, settings):
    settings.WAGTAILADMIN_NOTIFICATION_USE_HTML = True
    make_client(superuser=True, email="root@example.com")
    post(payload())
    assert {address for message in mail.outbox for address in message.to} == {
        "publisher@example.com",
        "root@example.com",
    }
    assert all("None" not in message.body for message in mail.outbox)
    mail.outbox.clear()
    act(publisher, "approve")
    assert mail.outbox == []


def test_a_mail_server_that_is_down_loses_nothing_and_never_reaches_the_sender(workflow, post, publisher, settings):
    settings.EMAIL_BACKEND = "django.core.mail.backends.smtp.EmailBackend"
    settings.EMAIL_HOST, settings.EMAIL_PORT = "mail.invalid", 9
    assert post(payload()).status_code == 200
    run = CourseRun.objects.get()
    assert run.draft_synced_at is not None

    settings.EMAIL_BACKEND = "django.core.mail.backends.locmem.EmailBackend"
    post(payload(end=None))
    assert run.workflow_in_progress


def test_drafts_that_came_too_early_are_submitted_by_a_command_each_once(post, publisher):
    backend = make_backend(default_sync_mode="sync_to_draft")
    make_course(code="DemoX")
    post([payload(), payload(resource_link=link("R2"))])
    make_workflow()
    backend.submits_drafts = True
    backend.save()

    assert submit_drafts() == "2 drafts were submitted.\n"
    state().cancel(user=publisher.user)
    assert submit_drafts() == "0 drafts were submitted.\n"
    assert sum(run.workflow_in_progress for run in CourseRun.objects.all()) == 1


def submit_drafts() -> str:
    """Run the command and return what it printed."""
    output = io.StringIO()
    call_command("submit_drafts", stdout=output)
    return output.getvalue()


def test_a_run_that_is_gone_is_passed_over(workflow):
    moderate_draft(1)
    assert not WorkflowState.objects.exists()
