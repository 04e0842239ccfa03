"""Two parties at one run: an editor has its form open, and the LMS posts."""

from __future__ import annotations

import json
import urllib.request
from collections.abc import Callable

import pytest
from playwright.sync_api import Page, expect

from cms_lms.models import Course, CourseRun
from cms_lms.runs.fields import SyncMode
from cms_lms.sync.signature import sign
from tests.admin.browsing import url
from tests.browser.test_walk import log_in
from tests.factories import make_backend, make_course, make_run
from tests.sync.conftest import URL
from tests.sync.payloads import LINK, link

pytestmark = [
    pytest.mark.browser,
    pytest.mark.django_db(transaction=True, serialized_rollback=True),
]

CHANGED = "Course end (June 1, 2024, 9 a.m. → July 15, 2027, 10 p.m.)"


@pytest.fixture
def course(catalogue, settings) -> Course:
    """A course of an LMS, and editors' pages that ask every other second what is new."""
    settings.WAGTAIL_EDITING_SESSION_PING_INTERVAL = 2000
    make_backend(name="Campus")
    return make_course(code="C1", title="Open edits")


@pytest.fixture
def drafted(course) -> CourseRun:
    """A public run that is synchronised to draft."""
    return make_run(course=course, resource_link=LINK, sync_mode=SyncMode.TO_DRAFT)


@pytest.fixture
def published(course) -> CourseRun:
    """A public run that is synchronised to public."""
    return make_run(course=course, resource_link=LINK, sync_mode=SyncMode.TO_PUBLIC)


@pytest.fixture
def editions(course) -> list[CourseRun]:
    """Runs that are synchronised manually."""
    return [make_run(course=course, resource_link=link(f"B{n}"), title=f"Edition {n}") for n in range(3)]


@pytest.fixture
def post_end(live_server, settings) -> Callable[[], None]:
    """Return how the LMS posts a new end of the run."""

    def post_end() -> None:
        body = json.dumps({"resource_link": LINK, "end": "2027-07-15T22:00:00+00:00"}).encode()
        headers = {
            "Content-Type": "application/json",
            "Authorization": sign(body, settings.CMS_LMS_SYNC_SECRETS[0]),
        }
        request = urllib.request.Request(live_server.url + URL, body, headers)
        with urllib.request.urlopen(request) as response:
            assert response.status == 200

    return post_end


def open_form(page: Page, run: CourseRun) -> None:
    log_in(page, "publisher")
    page.goto(url(CourseRun, "edit", run.pk))
    expect(page.get_by_label("Course end")).to_have_value("2024-06-01 09:00:00")


def press(page: Page, name: str) -> None:
    """Press a button of the form's foot, and in the dialog that asks whether to go on."""
    page.get_by_role("button", name="More actions").click()
    page.get_by_role("button", name=name, exact=True).click()
    dialog = page.get_by_role("dialog")
    expect(dialog).to_be_visible()
    dialog.get_by_role("button", name=name, exact=True).click()


@pytest.fixture
def told(drafted, new_page, post_end, picture) -> Page:
    """A run's form whose editor was told of a new version while she typed."""
    page = new_page()
    open_form(page, drafted)

    post_end()

    notice = page.get_by_role("button", name="System saved a new version")
    expect(notice).to_be_visible()
    notice.click()
    expect(page.get_by_role("link", name="View latest version")).to_be_visible()
    picture(page, "open-edit-notice")
    page.keyboard.press("Escape")
    page.get_by_label("Title", exact=True).fill("Spring edition")
    expect(page.get_by_text("Saving will overwrite a newer version.").first).to_be_visible()
    picture(page, "open-edit-typed")
    page.set_viewport_size({"width": 375, "height": 800})
    picture(page, "open-edit-typed-375")
    page.set_viewport_size({"width": 1280, "height": 900})
    return page


def test_a_draft_that_was_open_while_the_lms_posted(told, picture):
    page = told
    page.get_by_role("button", name="Save draft").click()
    dialog = page.get_by_role("dialog")
    expect(dialog).to_be_visible()
    picture(page, "open-edit-dialog")
    dialog.get_by_role("button", name="Save draft").click()

    message = page.get_by_text(f"While you had this form open, a synchronisation changed {CHANGED}.")
    expect(message).to_be_visible()
    expect(page.get_by_label("Title", exact=True)).to_have_value("Spring edition")
    expect(page.get_by_label("Course end")).to_have_value("2027-07-15 22:00:00")
    picture(page, "open-edit-saved")
    page.set_viewport_size({"width": 375, "height": 800})
    picture(page, "open-edit-saved-375")


def test_what_the_editor_has_not_seen_is_published_once_she_has(told, picture):
    page = told
    press(page, "Publish")

    told_why = f"Nothing was saved yet: while you had this form open, a synchronisation changed {CHANGED}."
    expect(page.get_by_text(told_why)).to_be_visible()
    expect(page.get_by_label("Title", exact=True)).to_have_value("Spring edition")
    expect(page.get_by_label("Course end")).to_have_value("2027-07-15 22:00:00")
    picture(page, "open-edit-refused")
    page.get_by_role("button", name="More actions").click()
    page.get_by_role("button", name="Publish", exact=True).click()
    expect(page.get_by_text("updated and published")).to_be_visible()


def test_in_sync_to_public_nobody_is_disturbed(published, new_page, post_end, picture):
    page = new_page()
    open_form(page, published)
    expect(page.get_by_label("Course end")).to_be_disabled()

    post_end()

    page.get_by_label("Title", exact=True).fill("Spring edition")
    expect(page.get_by_text("Saving will overwrite a newer version.")).to_have_count(0)
    page.get_by_role("button", name="Save draft").click()
    expect(page.get_by_text("updated.")).to_be_visible()
    expect(page.get_by_label("Title", exact=True)).to_have_value("Spring edition")
    expect(page.get_by_label("Course end")).to_have_value("2027-07-15 22:00:00")
    expect(page.get_by_label("Course end")).to_be_disabled()
    picture(page, "open-edit-public")


def test_the_mode_of_many_runs(editions, new_page, picture):
    page = new_page()
    log_in(page, "publisher")
    page.goto(url(CourseRun, "list"))
    for number in (0, 2):
        page.get_by_role("row").filter(has_text=f"Edition {number}").get_by_role("checkbox").check()
    picture(page, "mode-bulk-selected")
    page.get_by_role("link", name="Synchronisation of the selected course runs").click()

    expect(page.get_by_text("Change the synchronisation of 2 course runs.")).to_be_visible()
    picture(page, "mode-bulk")
    page.set_viewport_size({"width": 375, "height": 800})
    picture(page, "mode-bulk-375")
    page.set_viewport_size({"width": 1280, "height": 900})
    page.get_by_label("Synchronise to draft").check()
    page.get_by_role("button", name="Change synchronisation").click()
    expect(page.get_by_text("The synchronisation of 2 course runs was changed.")).to_be_visible()
    expect(page.get_by_role("row").filter(has_text="Synchronise to draft")).to_have_count(2)
    expect(page.get_by_role("row").filter(has_text="Edition 1")).to_contain_text("Manual")
    picture(page, "mode-bulk-done")
