"""The inbox of drafts as publishers meet it: one published, one discarded, ten at once; by mouse and by keyboard."""

from __future__ import annotations

import json
import re

import pytest
from django.contrib.auth import get_user_model
from playwright.sync_api import Page, expect

from cms_lms.admin import inbox_actions
from cms_lms.catalog.models import CoursePage
from cms_lms.models import CourseRun, LMSBackend
from cms_lms.runs.fields import SyncMode
from cms_lms.sync.signature import sign
from tests.admin.browsing import url
from tests.browser.test_accessibility import WAGTAILS_OWN, violations  # noqa: F401 (fixtures)
from tests.browser.test_walk import log_in
from tests.factories import make_backend
from tests.sync.conftest import SECRET, URL
from tests.sync.payloads import link, payload

pytestmark = [
    pytest.mark.browser,
    pytest.mark.django_db(transaction=True, serialized_rollback=True),
]

NEW_END = "2027-07-15T22:00:00+00:00"
NAMES = [f"2027_T{number}" for number in range(1, 13)]


@pytest.fixture
def waiting(catalogue, client) -> CoursePage:
    """The page of a course with twelve live runs that have a new end in their drafts, and one that is new."""

    def post(*names: str, **values) -> None:
        body = json.dumps([payload(resource_link=link(name), **values) for name in names]).encode()
        headers = {"Authorization": sign(body, SECRET)}
        answer = client.generic("POST", URL, body, content_type="application/json", headers=headers)
        assert answer.status_code == 200, answer.content

    make_backend(name="Campus", default_sync_mode=SyncMode.TO_PUBLIC)
    post(*NAMES)
    LMSBackend.objects.update(default_sync_mode=SyncMode.TO_DRAFT)
    CourseRun.objects.update(sync_mode=SyncMode.TO_DRAFT)
    LMSBackend.objects.get().save()
    post(*NAMES, end=NEW_END, languages=["en", "fr"])
    post("2028_T1")
    draft = CourseRun.objects.get(resource_link=link(NAMES[1])).get_latest_revision_as_object()
    draft.title = "Spring edition"
    draft.save_revision(user=get_user_model().objects.get(username="editor"))
    return CoursePage.objects.get(course__code="DEMOX", locale__language_code="en")


def progress(page: Page):
    return page.locator("cms-lms-drafts-progress [role=status]")


def row(page: Page, name: str):
    return page.locator("li.cms-lms-inbox__run").filter(has_text=link(name))


def test_one_is_published_one_is_discarded(waiting, new_page, picture, violations):  # noqa: F811
    page = new_page()
    log_in(page, "publisher")
    expect(page.get_by_role("heading", name="Waiting for publication")).to_be_visible()
    picture(page, "inbox-home")
    page.get_by_role("link", name="Look at all of them").click()
    expect(page.locator("li.cms-lms-inbox__run")).to_have_count(13)
    picture(page, "inbox")
    assert violations(page, *WAGTAILS_OWN) == []

    row(page, NAMES[0]).get_by_role("button", name="Publish").click()
    expect(page.get_by_text("1 course run was published.")).to_be_visible()
    expect(row(page, NAMES[0])).to_have_count(0)

    row(page, NAMES[1]).get_by_role("button", name="Discard").click()
    expect(page.get_by_text("What the LMS sent for 1 course run was discarded.")).to_be_visible()
    expect(row(page, NAMES[1])).to_have_count(0)

    page.set_viewport_size({"width": 375, "height": 800})
    page.goto(url(CourseRun, "waiting"))
    picture(page, "inbox-375")
    assert page.evaluate("document.documentElement.scrollWidth") <= 375


def test_ten_at_once_with_progress(waiting, new_page, picture, monkeypatch, violations):  # noqa: F811
    monkeypatch.setattr(inbox_actions, "CHUNK_SIZE", 3)
    page = new_page()
    log_in(page, "publisher")
    page.goto(url(CourseRun, "waiting"))
    page.get_by_label("Choose all on this page").check()
    expect(row(page, NAMES[4]).get_by_role("checkbox")).to_be_checked()
    for name in (NAMES[2], NAMES[3], "2028_T1"):
        row(page, name).get_by_role("checkbox").uncheck()
    page.get_by_role("button", name="Publish the chosen").click()
    expect(progress(page)).to_contain_text("10 of 10 dealt with.")
    expect(progress(page)).to_contain_text("10 course runs were published.")
    expect(page.locator("cms-lms-drafts-progress form")).to_have_count(0)
    picture(page, "inbox-published")
    assert violations(page, *WAGTAILS_OWN) == []
    page.get_by_role("link", name="Back to what waits for publication").click()
    expect(page.locator("li.cms-lms-inbox__run")).to_have_count(3)


def test_what_fails_is_said(waiting, new_page, picture, violations):  # noqa: F811
    page, colleague = new_page(), new_page()
    for person in (page, colleague):
        log_in(person, "publisher")
        person.goto(url(CourseRun, "waiting"))
    row(colleague, NAMES[0]).get_by_role("button", name="Publish").click()
    expect(colleague.get_by_text("1 course run was published.")).to_be_visible()
    page.get_by_label("Choose all on this page").check()
    page.get_by_role("button", name="Discard the chosen").click()
    expect(page.get_by_text("Nothing of it waits any more.")).to_be_visible()
    expect(page.get_by_text("It has never been published, so there is nothing to go back to.")).to_be_visible()
    picture(page, "inbox-failed")
    assert violations(page, *WAGTAILS_OWN) == []


def test_a_site_that_stops_answering_loses_nothing(waiting, new_page, monkeypatch):
    monkeypatch.setattr(inbox_actions, "CHUNK_SIZE", 3)
    page = new_page()
    log_in(page, "publisher")
    page.goto(url(CourseRun, "waiting"))
    page.get_by_label("Choose all on this page").check()
    address = re.compile(re.escape(url(CourseRun, "waiting_publish")))
    page.route(address, lambda route: route.abort() if route.request.resource_type == "fetch" else route.continue_())
    page.get_by_role("button", name="Publish the chosen").click()
    expect(page.get_by_text("The site did not answer.")).to_be_visible()
    page.unroute(address)
    page.get_by_role("button", name="Continue with the others").click()
    expect(progress(page)).to_contain_text("13 course runs were published.")


def test_by_keyboard_alone(waiting, new_page):
    page = new_page()
    log_in(page, "publisher")
    page.goto(url(CourseRun, "waiting"))
    page.get_by_label("Choose all on this page").focus()
    for _press in range(3):
        page.keyboard.press("Tab")
    expect(page.locator("li.cms-lms-inbox__run").first.get_by_role("checkbox")).to_be_focused()
    page.keyboard.press("Space")
    page.keyboard.press("Tab")  # the table, which may scroll
    page.keyboard.press("Tab")
    expect(page.locator("li.cms-lms-inbox__run").first.get_by_role("button", name="Publish")).to_be_focused()
    page.keyboard.press("Enter")
    expect(page.get_by_text("1 course run was published.")).to_be_visible()
    expect(page.locator("li.cms-lms-inbox__run")).to_have_count(12)


def test_without_scripts(waiting, new_page, monkeypatch, browser, live_server):
    monkeypatch.setattr(inbox_actions, "CHUNK_SIZE", 5)
    with_scripts = new_page()
    log_in(with_scripts, "publisher")
    context = browser.new_context(
        base_url=live_server.url,
        java_script_enabled=False,
        storage_state=with_scripts.context.storage_state(),
    )
    page = context.new_page()
    page.goto(url(CourseRun, "waiting"))
    expect(page.get_by_label("Choose all on this page")).to_be_hidden()
    for box in page.locator("li.cms-lms-inbox__run").get_by_role("checkbox").all():
        box.check()
    page.get_by_role("button", name="Publish the chosen").click()
    for done in (5, 10):
        expect(progress(page)).to_contain_text(f"{done} of 13 dealt with.")
        page.get_by_role("button", name="Continue with the others").click()
    expect(progress(page)).to_contain_text("13 course runs were published.")
    context.close()


def test_preview_and_page(waiting, new_page, picture):
    page = new_page()
    log_in(page, "publisher")
    page.goto(url(CourseRun, "waiting"))
    with page.context.expect_page() as opened:
        row(page, NAMES[0]).get_by_role("link", name="Preview").click()
    preview = opened.value
    expect(preview.get_by_text(re.compile("July 15, 2027|15 July 2027")).first).to_be_attached()
    picture(preview, "inbox-preview", full_page=True)
    page.goto(f"/admin/pages/{waiting.pk}/edit/")
    picture(page, "page-runs", full_page=True)
    page.get_by_role("button", name="More actions").click()
    picture(page, "page-publish-menu")
    page.get_by_role("button", name="Publish page and 13 run drafts").click()
    expect(page.get_by_text("13 course runs were published.")).to_be_visible()
