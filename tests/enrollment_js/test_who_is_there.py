"""Who is logged in: asked once for a whole page, again when the learner comes back, and told to every panel."""

from __future__ import annotations

import pytest
from playwright.sync_api import expect

from .openedx import expect_step
from .played import ADA, calls, play, played_panel

pytestmark = pytest.mark.browser

FOCUS = "dispatchEvent(new Event('focus'))"


def come_back(page, seconds: int) -> None:
    page.clock.fast_forward(1000 * seconds)
    page.evaluate(FOCUS)


def test_the_session_of_a_page(open_played, page):
    enrolled = {"isActive": True}
    panels = open_played(
        played_panel("one"), played_panel("other"), answers={"user": ADA, "enrollment other": enrolled}
    )

    def expect_steps(one: str, other: str) -> None:
        expect_step(panels.nth(0), one)
        expect_step(panels.nth(1), other)

    expect_steps("idle", "enrolled")
    assert calls(page, "user") == 1

    # Not again within half a minute, and then once.
    come_back(page, 10)
    assert calls(page, "user") == 1
    come_back(page, 25)
    page.evaluate(FOCUS)
    assert calls(page, "user") == 2
    assert calls(page, "enrollment one") == 1

    # An LMS that cannot be reached for a moment changes nothing.
    play(page, {"user": {"error": "unavailable"}})
    come_back(page, 31)
    play(page, {"user": None})
    expect_steps("idle", "enrolled")

    come_back(page, 31)
    expect_steps("expired", "expired")
    expect(panels.first).to_contain_text("You are no longer logged in to Example LMS.")
    expect(panels.first.get_by_role("link", name="Log in again")).to_be_visible()
    # Nothing is read out that nobody asked for.
    expect(page.get_by_role("status")).to_be_empty()

    # Somebody else, who is not enrolled.
    play(page, {"user": {"username": "bob"}, "enrollment other": None})
    come_back(page, 3)
    expect_steps("idle", "idle")
    assert calls(page, "enrollment one") == 2


def test_a_session_that_ended_unseen_is_told_to_all_panels(open_played, page):
    panels = open_played(played_panel("one"), played_panel("other"), answers={"user": ADA})
    expect_step(panels.nth(1), "idle")
    play(page, {"user": None, "enroll one": {"error": "anonymous"}})
    panels.first.get_by_role("button", name="Enroll now").click()
    expect_step(panels.nth(0), "expired")
    expect_step(panels.nth(1), "expired")


def test_who_logs_out_herself_is_not_told_that_she_was_logged_out(open_played, page):
    panels = open_played(played_panel("one"), played_panel("other"), answers={"user": ADA})
    expect_step(panels.nth(1), "idle")
    page.evaluate(
        """async () => {
          const { logOut, sessionKey } = await import("/static/cms_lms/js/lms-backend.js");
          const { default: Backend } = await import("/played.js");
          const key = sessionKey(document.querySelector("lms-enrollment").dataset);
          await logOut(key, new Backend({ courseId: "" }));
        }"""
    )
    expect_step(panels.nth(0), "anonymous")
    expect_step(panels.nth(1), "anonymous")


def test_what_she_did_on_the_lms_shows_when_she_comes_back(open_played, page):
    payment = {"isActive": False, "obstacle": "payment", "paymentUrl": "https://pay.example/1"}
    panel = open_played(played_panel("one"), answers={"user": ADA, "enrollment one": payment}).first
    link = panel.get_by_role("link", name="Pay and enroll")
    expect(link).to_have_attribute("href", "https://pay.example/1")
    page.context.route("https://pay.example/1", lambda route: route.fulfill(body="paid"))
    link.evaluate("(link) => (link.target = '_blank')")
    with page.context.expect_page() as other:
        link.click()
    other.value.close()
    play(page, {"enrollment one": {"isActive": True}})
    page.evaluate("document.dispatchEvent(new Event('visibilitychange'))")
    expect_step(panel, "enrolled")
