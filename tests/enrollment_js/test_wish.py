"""The wish to enroll survives the login: this run, this tab, a quarter of an hour, one question."""

from __future__ import annotations

import json

import pytest
from playwright.sync_api import expect

from .openedx import CLOSED, expect_step
from .played import ADA, calls, play, played_panel

pytestmark = pytest.mark.browser

WISH = "sessionStorage.getItem('cms-lms:wish')"


def test_log_in_to_enroll_comes_back_to_the_run_and_asks_once(open_played, page, site):
    panels = open_played(*[played_panel(str(number)) for number in range(30)])
    wanted = panels.nth(29)
    wanted.scroll_into_view_if_needed()
    wanted.get_by_role("link", name="Log in to enroll").click()
    expect(page).to_have_title("Elsewhere")
    play(page, {"user": ADA})
    page.goto(f"{site.url}/course/")

    expect_step(wanted, "confirming")
    expect(wanted).to_be_in_viewport()
    expect(wanted).to_contain_text("Welcome back, Ada Lovelace. Do you want to enroll in this course?")
    expect(wanted.get_by_role("button", name="Enroll now")).to_be_focused()
    expect(page.get_by_role("status")).to_contain_text("Run 29")
    expect(page.get_by_role("status")).to_contain_text("Do you want to enroll")
    assert page.url == f"{site.url}/course/"
    assert page.evaluate(WISH) is None
    # Far above, it may have been out of sight from the beginning.
    panels.first.scroll_into_view_if_needed()
    expect_step(panels.first, "idle")
    assert calls(page, "enroll 29") == 0

    page.keyboard.press("Enter")
    expect_step(wanted, "enrolled")
    assert calls(page, "enroll 29") == 1


def test_not_now_is_an_answer_and_so_is_coming_back_enrolled(open_played, page, site):
    panels = open_played(played_panel("one"), played_panel("other"))
    panels.first.get_by_role("link", name="Log in to enroll").click()
    play(page, {"user": ADA})
    page.goto(f"{site.url}/course/")
    panels.first.get_by_role("button", name="Not now").click()
    expect_step(panels.first, "idle")
    expect(panels.first.get_by_role("button", name="Enroll now")).to_be_focused()
    page.reload()
    expect_step(panels.first, "idle")

    play(page, {"user": None})
    page.reload()
    panels.nth(1).get_by_role("link", name="Log in to enroll").click()
    play(page, {"user": ADA, "enrollment other": {"isActive": True}})
    page.goto(f"{site.url}/course/")
    expect_step(panels.nth(1), "enrolled")
    assert page.evaluate(WISH) is None


def test_what_is_no_wish_for_this_run_or_no_more(open_played, page):
    panel = open_played(played_panel("one"), answers={"user": ADA}).first
    # Else the panel may take the wish before the page is loaded again.
    expect_step(panel, "idle")
    now = page.evaluate("Date.now()")
    run = "https://lms.example one"
    minute = 60_000
    for wish, step in [
        ({"run": run, "until": now + 10 * minute}, "confirming"),
        ({"run": run, "until": now - 1}, "idle"),
        ({"run": run, "until": now + 20 * minute}, "idle"),  # the clock was set back
        ({"run": "https://lms.example other", "until": now + 10 * minute}, "idle"),
        ({"run": "https://other.example one", "until": now + 10 * minute}, "idle"),
        ({"run": run}, "idle"),
        ("rubbish", "idle"),
        (None, "idle"),
    ]:
        page.evaluate("(wish) => sessionStorage.setItem('cms-lms:wish', wish)", json.dumps(wish))
        page.reload()
        expect_step(panel, step)
    page.evaluate("sessionStorage.setItem('cms-lms:wish', '{')")
    page.reload()
    expect_step(panel, "idle")


def test_a_wish_is_over_after_a_quarter_of_an_hour(open_played, page, site):
    panel = open_played(played_panel("one")).first
    panel.get_by_role("link", name="Log in to enroll").click()
    play(page, {"user": ADA})
    page.clock.fast_forward("15:01")
    page.goto(f"{site.url}/course/")
    expect_step(panel, "idle")


def test_where_storage_is_forbidden_it_works_without(open_played, page, site):
    page.add_init_script(
        "Object.defineProperty(window, 'sessionStorage', "
        "{ get() { throw new DOMException('Access is denied', 'SecurityError'); } });"
    )
    panel = open_played(played_panel("one")).first
    panel.get_by_role("link", name="Log in to enroll").click()
    play(page, {"user": ADA})
    page.goto(f"{site.url}/course/")
    panel.get_by_role("button", name="Enroll now").click()
    expect_step(panel, "enrolled")


def test_who_is_only_looking_for_her_course_wishes_nothing(open_played, page):
    panel = open_played(played_panel("one", **CLOSED)).first
    panel.get_by_role("link", name="Already enrolled? Log in").click()
    expect(page).to_have_title("Elsewhere")
    assert page.evaluate(WISH) is None


def test_a_login_in_another_tab_changes_the_panel_at_once(open_played, page):
    panels = open_played(played_panel("one"), played_panel("other"))
    link = panels.first.get_by_role("link", name="Log in to enroll")
    link.evaluate("(link) => (link.target = '_blank')")
    with page.context.expect_page() as other:
        link.click()
    play(other.value, {"user": ADA})
    other.value.close()
    page.clock.fast_forward(3_000)
    page.evaluate("dispatchEvent(new Event('focus'))")
    expect_step(panels.first, "confirming")
    expect_step(panels.nth(1), "idle")
    assert page.evaluate(WISH) is None
