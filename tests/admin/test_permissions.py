"""Who may open what, asked of the server for every URL that the view sets have, and for the bulk actions.

The table says which kinds of user get in; everybody else is refused. A URL without a line in the table fails
the test, so that a new view cannot be forgotten.
"""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from django.contrib.auth.models import Group
from django.contrib.contenttypes.models import ContentType
from django.test import Client
from django.urls import reverse
from wagtail.admin.menu import admin_menu
from wagtail.models import GroupApprovalTask, Workflow, WorkflowContentType, WorkflowTask

from cms_lms.admin.menu import LMSViewSetGroup
from cms_lms.models import Course, CourseAlias, CourseRun, DeletedRun, LMSBackend, SyncDelivery, SyncSecret
from cms_lms.runs.codes import CourseKey
from tests.admin.browsing import submit, url
from tests.admin.conftest import make_client
from tests.factories import make_backend, make_course, make_run, make_unplaced_run

pytestmark = pytest.mark.django_db

ADMINISTRATOR, EDITOR, PUBLISHER, ROOT = "administrator", "editor", "publisher", "root"
KINDS = ["anonymous", "bare", ADMINISTRATOR, EDITOR, PUBLISHER, ROOT]
NOBODY: set[str] = set()
BACKENDS = {ADMINISTRATOR, ROOT}
RUNS = {EDITOR, PUBLISHER, ROOT}
PUBLISHING = {PUBLISHER, ROOT}
TESTING_URLS = BACKENDS | PUBLISHING
READING_HELP = BACKENDS | RUNS
RUN_ITEMS = {"Waiting for publication", "Course runs", "Courses", "Unknown courses", "Deleted runs", "Documentation"}

LMSBACKEND_VIEWS = dict.fromkeys(
    [
        "list",
        "list_results",
        "add",
        "edit",
        "copy",
        "delete",
        "usage",
        "history",
        "history_results",
        "reorder",
        "reorder_impact",
        "reorder_undo",
        "enable",
        "disable",
        "revisions_revert",
        "revisions_compare",
        "pattern_presets",
        "connection",
        "connection_typed",
        "connection_new",
        "import_file",
        "export_file",
        "credentials",
        "sync_secrets",
        "retire_sync_secret",
        "relink",
    ],
    BACKENDS,
)
COURSE_VIEWS = {
    **dict.fromkeys(
        ["list", "list_results", "add", "edit", "usage", "history", "history_results", "remove_alias"], RUNS
    ),
    "delete": {ROOT},
}
COURSERUN_VIEWS = {
    **dict.fromkeys(
        [
            "list",
            "list_results",
            "add",
            "edit",
            "usage",
            "history",
            "history_results",
            "preview_on_add",
            "preview_on_edit",
            "sync_mode",
            "revisions_view",
            "revisions_revert",
            "revisions_compare",
            "workflow_history",
            "waiting",
            "waiting_results",
            "waiting_discard",
            "waiting_preview",
        ],
        RUNS,
    ),
    **dict.fromkeys(["waiting_publish", "unpublish", "revisions_unschedule", "lock", "unlock"], PUBLISHING),
    "delete": {ROOT},
}
DELIVERY_VIEWS = {
    **dict.fromkeys(["index", "index_results", "inspect", "replay"], BACKENDS),
    **dict.fromkeys(["add", "edit", "delete", "usage", "history", "history_results"], NOBODY),
}
DELETED_RUN_VIEWS = {
    **dict.fromkeys(["index", "index_results", "lift"], RUNS),
    **dict.fromkeys(["add", "edit", "delete", "usage", "history", "history_results"], NOBODY),
}
# Wagtail asks the task of the workflow in progress who may; without one there is nothing to act on.
NEED_A_WORKFLOW = {
    "workflow_action",
    "collect_workflow_action_data",
    "confirm_workflow_cancellation",
    "workflow_history_detail",
    "workflow_preview",
}
WITHOUT_ID = {"list", "list_results", "index", "index_results", "add", "preview_on_add"} | {
    "reorder_impact",
    "reorder_undo",
    "pattern_presets",
    "connection_new",
    "import_file",
    "export_file",
    "test_urls",
    "test_urls_answer",
    "help",
    "help_page",
    "waiting",
    "waiting_results",
    "waiting_publish",
    "waiting_discard",
    "result",
}
POSTED = {"waiting_publish", "waiting_discard", "reorder", "reorder_undo", "enable", "disable"}

TABLE = [
    *(("wagtailsnippets_cms_lms_lmsbackend", view, allowed) for view, allowed in LMSBACKEND_VIEWS.items()),
    *(("wagtailsnippets_cms_lms_lmsbackend", view, TESTING_URLS) for view in ("test_urls", "test_urls_answer")),
    *(("wagtailsnippets_cms_lms_lmsbackend", view, READING_HELP) for view in ("help", "help_page")),
    *(("wagtailsnippets_cms_lms_course", view, allowed) for view, allowed in COURSE_VIEWS.items()),
    *(("wagtailsnippets_cms_lms_courserun", view, allowed) for view, allowed in COURSERUN_VIEWS.items()),
    *(("deletedrun", view, allowed) for view, allowed in DELETED_RUN_VIEWS.items()),
    *(("lms_unplaced_runs", view, RUNS) for view in ("index", "group", "result")),
    *(("syncdelivery", view, allowed) for view, allowed in DELIVERY_VIEWS.items()),
]

BULK_TABLE = [
    (LMSBackend, "delete", BACKENDS),
    (Course, "delete", {ROOT}),
    (CourseRun, "delete", {ROOT}),
    (CourseRun, "sync_mode", RUNS),
]


def make_kind(kind: str) -> Client:
    if kind == "anonymous":
        return Client()
    if kind == ROOT:
        return make_client(superuser=True)
    groups = {ADMINISTRATOR: "LMS administrators", EDITOR: "Course editors", PUBLISHER: "Course publishers"}
    return make_client(*([groups[kind]] if kind in groups else []))


@pytest.fixture
def clients(db) -> dict[str, Client]:
    return {kind: make_kind(kind) for kind in KINDS}


def make_object(namespace: str):
    if namespace == "syncdelivery":
        return SyncDelivery.objects.create(
            received_at=datetime(2024, 6, 15, tzinfo=UTC), secret_name="1", status_code=200
        )
    if namespace == "deletedrun":
        return DeletedRun.objects.create(
            resource_link="https://lms.example.com/1", deleted_at=datetime(2024, 6, 15, tzinfo=UTC)
        )
    if namespace == "lms_unplaced_runs":
        return make_unplaced_run()
    if namespace.endswith("lmsbackend"):
        backend = make_backend()
        backend.save_revision()
        SyncSecret.add(backend, name="production", now=datetime(2024, 6, 15, tzinfo=UTC))
        return backend
    if namespace.endswith("courserun"):
        return make_run()
    course = make_course()
    CourseAlias.objects.remember(CourseKey("edX", "Demo"), course)
    return course


def make_address(namespace: str, view: str, instance) -> str:
    args: list = []
    if view not in WITHOUT_ID:
        args.append(instance.pk)
    if view in {"revisions_revert", "revisions_view", "revisions_unschedule"}:
        args.append(instance.latest_revision_id)
    if view == "revisions_compare":
        args += ["earliest", "latest"]
    if view in {"replay", "lift"}:
        return f"{reverse(f'{namespace}:{view}')}?id={instance.pk}"
    if view == "help_page":
        args.append("openedx")
    if view == "retire_sync_secret":
        args.append(instance.sync_secrets.get().pk)
    if view == "remove_alias":
        args.append(instance.aliases.get().pk)
    return reverse(f"{namespace}:{view}", args=args)


def is_refused(response) -> bool:
    """Whether Wagtail sent the user to the log-in form or, with a message, to the dashboard."""
    if response.status_code == 403:
        return True
    return response.status_code == 302 and (
        response.url.startswith(reverse("wagtailadmin_login")) or response.url == reverse("wagtailadmin_home")
    )


@pytest.mark.parametrize(("namespace", "view", "allowed"), TABLE, ids=[f"{row[0]}:{row[1]}" for row in TABLE])
def test_view(clients, namespace, view, allowed):
    instance = make_object(namespace)
    before = type(instance).objects.filter(pk=instance.pk).values().get()
    address = make_address(namespace, view, instance)
    for kind in [kind for kind in KINDS if kind not in allowed]:
        for method in ("get", "post"):
            assert is_refused(getattr(clients[kind], method)(address)), (kind, method)
    assert type(instance).objects.filter(pk=instance.pk).values().get() == before
    for kind in [kind for kind in KINDS if kind in allowed]:
        response = (clients[kind].post if view in POSTED else clients[kind].get)(address)
        assert not is_refused(response), kind
        assert response.status_code < 500


@pytest.mark.parametrize(("model", "action", "allowed"), BULK_TABLE)
def test_bulk_action(clients, model, action, allowed):
    instance = make_object(model.snippet_viewset.url_namespace)
    before = model.objects.filter(pk=instance.pk).values().get()
    address = reverse("wagtail_bulk_action", args=("cms_lms", model._meta.model_name, action)) + f"?id={instance.pk}"
    for kind in [kind for kind in KINDS if kind not in allowed]:
        clients[kind].post(address, {"sync_mode": "sync_to_draft"})
        assert model.objects.filter(pk=instance.pk).values().get() == before, kind
    kind = sorted(allowed)[0]
    clients[kind].post(address, {"sync_mode": "sync_to_draft"})
    assert model.objects.filter(pk=instance.pk).values().first() != before


@pytest.mark.parametrize("viewset_class", LMSViewSetGroup.items)
def test_the_table_names_every_url(viewset_class):
    viewset = viewset_class()
    tested = {view for namespace, view, _allowed in TABLE if namespace == viewset.url_namespace}
    names = {pattern.name for pattern in viewset.get_urlpatterns()}
    assert names - NEED_A_WORKFLOW == tested


def test_editors_cannot_publish_by_pressing_a_button_that_they_do_not_have(clients):
    run = make_run(live=False)
    submit(clients[EDITOR], url(CourseRun, "edit", run.pk), {"title": "Mine"}, button="action-publish")
    run.refresh_from_db()
    assert (run.title, run.live) == ("Mine", False)
    submit(clients[PUBLISHER], url(CourseRun, "edit", run.pk), button="action-publish")
    run.refresh_from_db()
    assert run.live


def test_approving_takes_the_group_of_the_task(clients):
    workflow = Workflow.objects.create(name="Moderation")
    task = GroupApprovalTask.objects.create(name="Approval")
    task.groups.add(Group.objects.get(name="Course publishers"))
    WorkflowTask.objects.create(workflow=workflow, task=task, sort_order=1)
    WorkflowContentType.objects.create(workflow=workflow, content_type=ContentType.objects.get_for_model(CourseRun))
    run = make_run(live=False)
    workflow.start(run, clients[EDITOR].user)
    state = run.current_workflow_task_state
    for view in ("workflow_action", "collect_workflow_action_data"):
        address = url(CourseRun, view, run.pk, "approve", state.pk)
        for kind in ("anonymous", "bare", ADMINISTRATOR, EDITOR):
            assert is_refused(clients[kind].post(address)), (view, kind)
    for view, args in [("workflow_preview", [task.pk]), ("workflow_history_detail", [state.workflow_state_id])]:
        address = url(CourseRun, view, run.pk, *args)
        for kind in ("anonymous", "bare", ADMINISTRATOR):
            assert is_refused(clients[kind].get(address)), (view, kind)
    run.refresh_from_db()
    assert not run.live
    clients[PUBLISHER].post(url(CourseRun, "workflow_action", run.pk, "approve", state.pk))
    run.refresh_from_db()
    assert run.live


@pytest.mark.parametrize(
    ("name", "page_actions"),
    [
        ("LMS administrators", set()),
        ("Course editors", {"add_page", "change_page"}),
        ("Course publishers", {"add_page", "change_page", "publish_page", "lock_page", "unlock_page"}),
    ],
)
def test_pages(db, name, page_actions):
    group = Group.objects.get(name=name)
    assert set(group.page_permissions.values_list("permission__codename", flat=True)) == page_actions


@pytest.mark.parametrize(
    ("kind", "items"),
    [
        ("bare", set()),
        (ADMINISTRATOR, {"LMS backends", "Deliveries", "Test URLs", "Documentation"}),
        (EDITOR, RUN_ITEMS),
        (PUBLISHER, RUN_ITEMS | {"Test URLs"}),
        (ROOT, RUN_ITEMS | {"LMS backends", "Deliveries", "Test URLs"}),
    ],
)
def test_menu(clients, rf, kind, items):
    request = rf.get("/admin/")
    request.user = clients[kind].user
    shown = {item.name: item for item in admin_menu.menu_items_for_request(request)}
    assert ("lms" in shown) is bool(items)
    if items:
        labels = {str(item.label) for item in shown["lms"].menu.menu_items_for_request(request)}
        assert labels == items
    assert "snippets" not in shown
