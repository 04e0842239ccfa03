"""The catalogue's pages for those who have no JavaScript or no mouse, and under the page's own security policy."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import Page, expect

from tests.browser.conftest import COURSE_PAGE, KEY
from tests.browser.test_walk import log_in

pytestmark = [
    pytest.mark.browser,
    pytest.mark.django_db(transaction=True, serialized_rollback=True),
]


def press_until_focused(page: Page, name: str) -> None:
    """Press Tab until the control of this name has the focus."""
    control = page.get_by_role("link", name=name).or_(page.get_by_role("button", name=name)).first
    expect(control).to_be_visible()
    for _ in range(20):
        page.keyboard.press("Tab")
        if control.evaluate("element => element === document.activeElement"):
            return
    pytest.fail(f"“{name}” cannot be reached by Tab.")


def test_without_javascript(open_run, browser, live_server, lms):
    page = browser.new_context(base_url=live_server.url, java_script_enabled=False).new_page()
    page.goto("/")
    page.get_by_role("link", name="edX Demonstration Course").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("edX Demonstration Course")
    panel = page.get_by_role("group", name="edX Demonstration Course")
    expect(panel).to_contain_text("Enrollment is open.")
    # Nothing that only a script could make work, or fill.
    expect(page.get_by_role("button")).to_have_count(0)
    expect(page.get_by_text("Enroll now")).to_have_count(0)
    panel.get_by_role("link", name="Go to the course on Campus").click()
    expect(page).to_have_url(re.compile(f"^{re.escape(lms.url)}/"))
    expect(page.get_by_text(KEY)).to_be_visible()


def test_enrollment_by_keyboard_alone(open_run, new_page, lms):
    page = new_page()
    page.goto(COURSE_PAGE)
    page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    expect(page.locator("#main")).to_be_focused()
    press_until_focused(page, "Log in to enroll")
    page.keyboard.press("Enter")
    page.get_by_label("Username").focus()
    page.keyboard.type("learner")
    page.keyboard.press("Tab")
    page.keyboard.type("learner")
    page.keyboard.press("Enter")
    expect(page).to_have_url(re.compile(f"{COURSE_PAGE}#main$"))
    press_until_focused(page, "Enroll now")
    page.keyboard.press("Enter")
    go_to_course = page.get_by_role("link", name="Go to course")
    expect(go_to_course).to_be_focused()
    expect(page.get_by_role("status")).to_contain_text("You are enrolled.")
    page.keyboard.press("Enter")
    expect(page.get_by_text("You are enrolled in this course")).to_be_visible()
    assert lms.state.is_enrolled("learner", KEY)


def test_the_security_policy_refuses_nothing_of_ours(open_run, new_page, policy_violations):
    for user in (None, "editor", "admin"):
        page = new_page()
        if user:
            log_in(page, user)
        for address in ("/", COURSE_PAGE):
            response = page.goto(address)
            assert "unsafe" not in response.headers["content-security-policy"]
            page.wait_for_load_state("networkidle")
        expect(page.get_by_role("link", name="Log in to enroll")).to_be_visible()
        # Staff have Wagtail's bar, which must work under the same policy.
        bar = page.get_by_role("button", name=re.compile("Wagtail", re.IGNORECASE))
        if user:
            bar.click()
            expect(
                page.get_by_role("link", name="Edit", exact=True).or_(page.get_by_text("Edit this page")).first
            ).to_be_visible()
        else:
            expect(bar).to_have_count(0)
    assert (policy_violations.console, policy_violations.reports) == ([], [])
