"""From a course that nobody knows to its page, live: the LMS sends it, staff create it, learners see it."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import Page, expect

from cms_lms.runs.fields import SyncMode
from tests.browser.test_accessibility import WAGTAILS_OWN, violations  # noqa: F401  (fixtures)
from tests.browser.test_walk import log_in
from tests.factories import make_backend

pytestmark = [
    pytest.mark.browser,
    pytest.mark.django_db(transaction=True, serialized_rollback=True),
]

#: A run of the course that the demonstration's catalogue leaves out.
UNKNOWN_RUN = "course-v1:TX+T201+3T2015"


@pytest.fixture
def backend(catalogue, lms):
    """An LMS whose runs wait for staff."""
    return make_backend(
        name="Campus",
        base_url=lms.url,
        course_regex=rf"^{re.escape(lms.url)}/courses/(?P<course_id>[^/]+)/info$",
        default_sync_mode=SyncMode.TO_DRAFT,
    )


def send_unknown_run(page: Page, lms_url: str) -> None:
    """Let the LMS publish the run; the catalogue refuses it."""
    page.goto(f"{lms_url}/studio")
    card = page.locator(f'[data-run="{UNKNOWN_RUN}"]')
    card.get_by_role("button", name=f"Publish this run {UNKNOWN_RUN}").click()
    expect(page.locator(f'[data-run="{UNKNOWN_RUN}"] [role=status]')).to_contain_text("Unknown course: T201.")


def test_from_unknown_course_to_live_page(backend, new_page, lms, picture, violations):  # noqa: F811
    studio, editor, publisher, learner = (new_page() for _person in range(4))
    send_unknown_run(studio, lms.url)

    # The editor finds it in the menu, and creates the course with a draft page.
    log_in(editor, "editor")
    editor.get_by_role("button", name="Courses").click()
    editor.get_by_role("link", name="Unknown courses (1)").click()
    expect(editor.get_by_role("row").filter(has_text="TX+T201")).to_contain_text("Campus")
    assert violations(editor, *WAGTAILS_OWN) == []
    picture(editor, "unknown-courses")
    editor.get_by_role("link", name="TX+T201").click()
    expect(editor.get_by_role("heading", name="1 course run")).to_be_visible()
    editor.get_by_text("What was sent last").click()
    assert violations(editor, *WAGTAILS_OWN) == []
    editor.set_viewport_size({"width": 1280, "height": 1900})
    picture(editor, "unknown-course")
    editor.set_viewport_size({"width": 375, "height": 2600})
    box = editor.get_by_label("Search among the courses").bounding_box()
    assert box is not None
    assert box["x"] + box["width"] <= 375
    picture(editor, "unknown-course-narrow")
    editor.set_viewport_size({"width": 1280, "height": 900})
    editor.get_by_label("Title").fill("Thinking about Things")
    editor.get_by_label("Its page goes under").select_option(index=1)
    editor.get_by_role("button", name="Create the course").click()
    expect(editor.get_by_text("and a draft of its page were created")).to_be_visible()
    expect(editor.get_by_role("row").filter(has_text=UNKNOWN_RUN)).to_contain_text("Created")
    assert violations(editor, *WAGTAILS_OWN) == []
    picture(editor, "unknown-course-result")
    editor.get_by_role("link", name="Edit the page").click()
    expect(editor.get_by_role("textbox", name="Title")).to_have_value("Thinking about Things")
    picture(editor, "unknown-course-page")
    learner.goto("/thinking-about-things/")
    expect(learner.get_by_text("Thinking about Things")).to_have_count(0)

    # The publisher publishes the page and the run.
    log_in(publisher, "publisher")
    publisher.goto(editor.url)
    publish(publisher)
    publisher.get_by_role("button", name="Courses").click()
    publisher.get_by_role("link", name="Course runs").click()
    publisher.get_by_role("link", name=re.compile("Thinking about Things")).first.click()
    publish(publisher)

    learner.goto("/thinking-about-things/")
    expect(learner.get_by_role("heading", name="Thinking about Things", level=1)).to_be_visible()
    expect(learner.locator("lms-enrollment")).to_have_count(1)
    picture(learner, "unknown-course-live", full_page=True)


def publish(page: Page) -> None:
    """Press *Publish* in the form that is open."""
    page.get_by_role("button", name="More actions").click()
    page.get_by_role("button", name="Publish", exact=True).click()
    expect(page.locator("li.success").filter(has_text="published")).to_be_visible()


def test_by_keyboard_alone(backend, new_page, lms):
    send_unknown_run(new_page(), lms.url)
    page = new_page()
    log_in(page, "editor")
    page.goto("/admin/lms-unknown-courses/")
    page.get_by_role("link", name="TX+T201").focus()
    page.keyboard.press("Enter")
    search = page.get_by_label("Search among the courses")
    search.focus()
    page.keyboard.type("edx demonstration")
    page.keyboard.press("Enter")
    course = page.get_by_role("radio", name=re.compile("edX Demonstration Course"))
    expect(course).to_have_count(1)
    course.focus()
    page.keyboard.press("Space")
    page.keyboard.press("Tab")
    expect(page.get_by_role("button", name="Attach the runs to it")).to_be_focused()
    page.keyboard.press("Enter")
    expect(page.get_by_role("row").filter(has_text=UNKNOWN_RUN)).to_contain_text("Created")
