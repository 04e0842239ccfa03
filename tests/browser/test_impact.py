"""What a change to the backends does, as an editor meets it: by mouse in the form, by keyboard in the list."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from cms_lms.models import CourseRun, LMSBackend
from cms_lms.patterns.urls import resource_key
from tests.admin.browsing import url
from tests.browser.test_walk import log_in
from tests.factories import COURSE_REGEX, course_regex, make_backend, make_course
from tests.pictures import FOLDER

pytestmark = [
    pytest.mark.browser,
    pytest.mark.django_db(transaction=True, serialized_rollback=True),
]


@pytest.fixture
def backends(catalogue) -> list[LMSBackend]:
    """Two LMSs with runs, and one that would take the runs of both."""
    course = make_course(title="Drinking Water Treatment")
    for host, count in (("campus", 25), ("partners", 12)):
        links = [f"https://{host}.example.com/courses/course-v1:edX+DemoX+{n}/info" for n in range(count)]
        CourseRun.objects.bulk_create(
            CourseRun(course=course, resource_link=link, resource_key=resource_key(link), languages=["en"])
            for link in links
        )
    return [
        make_backend(name="Campus", slug="campus", course_regex=course_regex("campus.example.com")),
        make_backend(name="Partners", slug="partners", course_regex=course_regex("partners.example.com")),
        make_backend(name="Archive", course_regex=COURSE_REGEX.replace(r"lms\.example\.com", r"campus\.example\.com")),
    ]


def order(page: Page) -> list[str]:
    return [name.strip() for name in page.locator("table.listing tbody td.title a").all_inner_texts()]


def test_saving_what_leaves_runs_without_a_backend(backends, new_page, picture):
    page = new_page()
    log_in(page, "admin")
    page.goto(url(LMSBackend, "edit", backends[1].pk))
    page.get_by_label("Name*").fill("Partners and friends")
    page.get_by_label("Course regex*", exact=True).fill(course_regex("friends.example.com"))
    page.get_by_role("button", name="Save", exact=True).click()

    panel = page.get_by_role("region", name="Not saved yet: this affects 12 course runs")
    expect(panel).to_be_focused()
    expect(panel).to_contain_text("12 course runs of “Partners” are no longer matched by any backend.")
    expect(panel).to_contain_text("25 course runs stay where they are.")
    expect(page.get_by_label("Name*")).to_have_value("Partners and friends")
    picture(page, "impact")

    # Enter in a field asks again; it neither confirms nor turns a page.
    page.get_by_label("Name*").press("Enter")
    expect(panel).to_be_focused()
    expect(panel).to_contain_text("12 course runs")

    panel.get_by_role("button", name="Save anyway").click()
    box = panel.get_by_role("checkbox", name="Leave these course runs without a backend")
    expect(box).to_be_focused()
    expect(panel).to_contain_text("Tick this box")
    picture(page, "impact-tick-missing")
    box.check()
    panel.get_by_role("button", name="Save anyway").click()
    expect(page).to_have_url(re.compile(re.escape(url(LMSBackend, "list"))))
    expect(page.get_by_role("link", name="Partners and friends")).to_be_visible()


def test_runs_are_listed_by_page(backends, new_page, picture):
    page = new_page()
    log_in(page, "admin")
    page.goto(url(LMSBackend, "delete", backends[0].pk))
    panel = page.get_by_role("region", name="Deleting this backend affects 25 course runs")
    expect(panel).to_contain_text("25 course runs move from “Campus” to “Archive”.")
    panel.get_by_role("button", name="Show them").click()
    expect(panel.get_by_role("row")).to_have_count(21)
    panel.get_by_role("button", name="Next course runs").click()
    expect(panel.get_by_role("row")).to_have_count(6)
    expect(panel).to_contain_text("21 to 25 of 25")
    picture(page, "impact-delete", full_page=True)


def test_moving_a_backend_and_back_by_keyboard(backends, new_page, picture):
    page = new_page()
    log_in(page, "admin")
    page.goto(f"{url(LMSBackend, 'list')}?ordering=sort_order")
    assert order(page) == ["Campus", "Partners", "Archive"]
    handle = page.get_by_role("row").filter(has_text="Archive").get_by_role("button", name="Drag")
    handle.focus()
    for key in ("ArrowUp", "ArrowUp", "Enter"):
        page.keyboard.press(key)
    notice = page.get_by_role("status").filter(has_text="“Archive” was moved")
    expect(notice).to_contain_text("25 course runs move from “Campus” to “Archive”.")
    expect(notice).to_contain_text("12 course runs stay where they are.")
    assert order(page) == ["Archive", "Campus", "Partners"]
    if FOLDER:
        # Not by ``picture``: Wagtail never reads the answer to a move, and the network is never idle.
        page.screenshot(path=str(Path(FOLDER) / "impact-reorder.png"))

    undo = notice.get_by_role("button", name="Undo: move “Archive” back")
    for _ in range(30):
        page.keyboard.press("Shift+Tab")
        if undo.evaluate("element => element === document.activeElement"):
            break
    expect(undo).to_be_focused()
    page.keyboard.press("Enter")
    expect(page.get_by_text("“Archive” is back at position 3.")).to_be_visible()
    assert order(page) == ["Campus", "Partners", "Archive"]
    expect(page.get_by_role("row").filter(has_text="Archive").get_by_role("button", name="Drag")).to_be_focused()
    picture(page, "impact-undone")
