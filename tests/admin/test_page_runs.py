"""From a course page's form: its runs with what waits of them, and publishing the page together with that."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.contrib.auth.models import Group, Permission
from django.urls import reverse
from django.utils import timezone

from cms_lms.catalog.models import CoursePage
from cms_lms.models import Course, CourseRun
from cms_lms.runs.fields import SyncMode
from tests.admin.browsing import form_values, messages, soup, url
from tests.admin.conftest import make_client
from tests.catalog.makers import make_course_page
from tests.factories import make_backend, make_course
from tests.sync.conftest import post, send  # noqa: F401 (fixtures)
from tests.sync.payloads import link, payload

pytestmark = pytest.mark.django_db

NEW_END = "2027-07-15T22:00:00+00:00"
WITH_RUNS = {"action-publish": "with-run-drafts"}


@pytest.fixture
def page(db) -> CoursePage:
    make_backend(name="Campus", default_sync_mode=SyncMode.TO_DRAFT)
    return make_course_page(make_course(code="DemoX"), title="Old title")


@pytest.fixture
def waiting(page, post):  # noqa: F811
    """Two live runs with a new end in their drafts."""
    names = ("R1", "R2")
    post([payload(resource_link=link(name)) for name in names])
    for name in names:
        run(name).latest_revision.publish()
    post([payload(resource_link=link(name), end=NEW_END) for name in names])


def run(name: str) -> CourseRun:
    return CourseRun.objects.get(resource_link=link(name))


def pending() -> set[str]:
    return {waiting.resource_link for waiting in CourseRun.objects.waiting()}


def edit_url(page: CoursePage) -> str:
    return reverse("wagtailadmin_pages:edit", args=[page.pk])


def button(client, page: CoursePage):
    return soup(client.get(edit_url(page))).select_one('button[value="with-run-drafts"]')


def form(client, page: CoursePage) -> dict:
    """Return what the browser would post; a script makes the fields of the body."""
    return {**form_values(client.get(edit_url(page)), "#page-edit-form"), "body-count": "0"}


def publish(client, page: CoursePage, values=None, **changes):
    values = values or form(client, page)
    return client.post(edit_url(page), {**values, **WITH_RUNS, **changes})


def test_the_panel_says_what_waits(editor, page, waiting):
    panel = soup(editor.get(edit_url(page))).select_one(".cms-lms-course-runs")
    assert panel.get_text().count("waits for publication") == 3
    assert panel.select(f'a[href="{url(CourseRun, "waiting")}?course=DEMOX"]')


def test_page_and_runs(publisher, page, waiting):
    assert button(publisher, page).get_text(strip=True) == "Publish page and 2 run drafts"
    response = publish(publisher, page, title="New title")
    assert "2 course runs were published." in messages(response)
    page.refresh_from_db()
    assert (page.title, page.live, page.has_unpublished_changes) == ("New title", True, False)
    assert (run("R1").end.isoformat(), run("R2").end.isoformat(), pending()) == (NEW_END, NEW_END, set())
    assert button(publisher, page) is None


def test_the_button_beside_it_publishes_the_page_alone(publisher, page, waiting):
    values = form(publisher, page)
    publisher.post(edit_url(page), {**values, "title": "New title", "action-publish": "action-publish"})
    page.refresh_from_db()
    assert page.title == "New title"
    assert len(pending()) == 2


def test_what_came_since_the_form_was_opened_is_not_published_unseen(publisher, page, waiting, post):  # noqa: F811
    values = form(publisher, page)
    post(payload(resource_link=link("R2"), end="2027-08-01T00:00:00Z"))
    response = publish(publisher, page, values)
    assert "1 course run was published." in messages(response)
    reason = "It was changed since it was shown. Look at it again."
    assert f"The draft of the course run “Demonstration” was not published. {reason}" in messages(response)
    assert pending() == {link("R2")}


def test_a_page_that_is_only_scheduled_keeps_the_drafts(publisher, page, waiting):
    later = timezone.now() + timedelta(days=1)
    response = publish(publisher, page, go_live_at=f"{later:%Y-%m-%d %H:%M}")
    assert "The page is scheduled; the drafts of its course runs still wait for publication." in messages(response)
    assert len(pending()) == 2


def test_who_may_publish_pages_but_no_runs(page, waiting):
    group = Group.objects.create(name="Page publishers")
    rules = Group.objects.get(name="Course publishers").page_permissions.all()
    for rule in rules:
        group.page_permissions.create(page=rule.page, permission=rule.permission)
    client = make_client("Page publishers")
    client.user.user_permissions.add(*Permission.objects.filter(codename__in=["change_courserun"]))
    assert button(client, page) is None
    values = form(client, page)
    addresses = form(make_client(superuser=True), page)["cms-lms-run-drafts"]
    response = publish(client, page, values, **{"cms-lms-run-drafts": addresses})
    assert len(pending()) == 2
    assert sum("You do not have the permission." in message for message in messages(response)) == 2


def test_editors_publish_neither(editor, page, waiting):
    assert button(editor, page) is None
    publish(editor, page, title="New title")
    page.refresh_from_db()
    assert page.title == "Old title"
    assert len(pending()) == 2


def test_no_button_where_nothing_waits_or_everything_is_held(publisher, page, waiting):
    CourseRun.objects.update(locked=True, locked_by=make_client(username="somebody").user)
    assert button(publisher, page) is None
    assert button(publisher, make_course_page(make_course(code="Other"), slug="other")) is None
    assert button(publisher, make_course_page(None, slug="without")) is None


def test_other_pages_have_no_such_button(publisher, page, waiting):
    assert button(publisher, page.get_parent()) is None


class TestPreview:
    def test_the_course_page_as_it_will_be(self, editor, page, waiting):
        shown = soup(editor.get(url(CourseRun, "waiting_preview", run("R1").pk)))
        assert shown.select_one("h1").get_text(strip=True) == "Old title"
        text = shown.get_text()
        assert (text.count("July 15, 2027"), text.count("June 30, 2027")) == (1, 1)
        assert run("R1").end.isoformat() != NEW_END

    def test_a_course_without_a_page(self, editor, post):  # noqa: F811
        make_course(code="DemoX", title="Demonstration")
        make_backend(default_sync_mode=SyncMode.TO_DRAFT)
        post(payload(resource_link=link("R1")))
        shown = soup(editor.get(url(CourseRun, "waiting_preview", run("R1").pk)))
        assert shown.select_one("h1").get_text(strip=True) == "Demonstration"
        assert "June 30, 2027" in shown.get_text()

    def test_what_is_gone(self, editor):
        assert editor.get(url(CourseRun, "waiting_preview", 1)).status_code == 404
        assert not Course.objects.exists()
