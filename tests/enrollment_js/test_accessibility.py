"""What assistive technology hears of each step, the walk by keyboard alone, and what a hostile LMS cannot do."""

from __future__ import annotations

import json

import pytest
from playwright.sync_api import expect

from .openedx import CLOSED, expect_step
from .played import ADA, play, played_panel

pytestmark = pytest.mark.browser

ENROLLED = {"isActive": True}
FAR = {"start": "2024-07-20T10:00:00+00:00"}


def obstacle(word: str, **more) -> dict:
    return {"isActive": False, "obstacle": word, **more}


#: Step: what the LMS says of the run, what is clicked, the panel's dates, and what is heard.
STEPS: dict[str, tuple[dict, list[str], dict, str]] = {
    "loading": (
        {"enrollment": "never"},
        [],
        {},
        """
        - paragraph: Checking your enrollment…
        - link "Go to the course on Example LMS"
        """,
    ),
    "idle": (
        {},
        [],
        {},
        """
        - paragraph: Enrollment is open.
        - paragraph:
          - text: Enrollment closes
          - time: in 16 days
          - text: ", on"
          - time: July 1, 2024 at 8:00 AM UTC
          - text: .
        - button "Enroll now"
        """,
    ),
    "confirming": (
        {},
        ["wish"],
        {},
        """
        - paragraph: Welcome back, Ada Lovelace. Do you want to enroll in this course?
        - button "Enroll now"
        - button "Not now"
        """,
    ),
    "enrolling": (
        {"enroll": "never"},
        ["Enroll now"],
        {},
        """
        - paragraph: Enrolling…
        - button "Enroll now" [disabled]
        """,
    ),
    "enrolled": (
        {"enrollment": ENROLLED},
        [],
        FAR,
        """
        - paragraph: You are enrolled.
        - paragraph:
          - text: Starts
          - time: in 35 days
          - text: ", on"
          - time: July 20, 2024 at 10:00 AM UTC
          - text: .
        - link "Go to course"
        - button "Leave the course"
        """,
    ),
    "leaving": (
        {"enrollment": ENROLLED},
        ["Leave the course"],
        {},
        """
        - paragraph: Do you want to leave this course?
        - paragraph: You lose your place, and your progress may be lost.
        - button "Stay enrolled"
        - button "Leave the course"
        """,
    ),
    "unenrolling": (
        {"enrollment": ENROLLED, "unenroll": "never"},
        ["Leave the course", "Leave the course"],
        {},
        """
        - paragraph: Leaving the course…
        - button "Leave the course" [disabled]
        """,
    ),
    "closed": (
        {},
        [],
        CLOSED,
        """
        - paragraph: Enrollment is closed. The course is under way.
        - paragraph:
          - text: Enrollment closed on
          - time: June 1, 2024 at 12:00 AM UTC
          - text: .
        """,
    ),
    "invitation-only": (
        {"enrollment": obstacle("invitation-only")},
        [],
        {},
        """
        - paragraph: This course is by invitation only.
        - paragraph: If you have an invitation, enroll on Example LMS.
        - link "Go to the course on Example LMS"
        """,
    ),
    "full": (
        {"enrollment": obstacle("full")},
        [],
        {},
        """
        - paragraph: This course is full.
        - paragraph: "A place may become free: come back later, or choose another date."
        - link "Go to the course on Example LMS"
        """,
    ),
    "payment": (
        {"enrollment": obstacle("payment", paymentUrl="https://lms.example/pay")},
        [],
        {},
        """
        - paragraph: This course has to be paid for.
        - paragraph: You pay and enroll on Example LMS.
        - link "Pay and enroll":
          - /url: https://lms.example/pay
        - link "Go to the course on Example LMS"
        """,
    ),
    "refused": (
        {"enroll": {"error": "refused", "reason": "Not <b>you</b>."}},
        ["Enroll now"],
        {},
        """
        - paragraph: You could not be enrolled.
        - paragraph: /Example LMS says. Not <b>you<.b>./
        - button "Try again"
        - link "Go to the course on Example LMS"
        """,
    ),
    "unavailable": (
        {"enroll": {"error": "unavailable", "retryAfterSeconds": 30}},
        ["Enroll now"],
        {},
        """
        - paragraph: Example LMS cannot be reached at the moment.
        - paragraph:
          - text: Please try again
          - time: /in \\d+ seconds/
          - text: .
        - button "Try again"
        - link "Go to the course on Example LMS"
        """,
    ),
    "misconfigured": (
        {"enroll": {"error": "misconfigured", "reason": "CSRF Failed"}},
        ["Enroll now"],
        {},
        """
        - paragraph: You cannot enroll from this page at the moment.
        - link "Go to the course on Example LMS"
        """,
    ),
}

SESSIONS = {
    "anonymous": """
        - paragraph: Enrollment is open.
        - paragraph:
          - text: Enrollment closes
          - time: in 16 days
          - text: ", on"
          - time: July 1, 2024 at 8:00 AM UTC
          - text: .
        - link "Log in to enroll"
        - link "Create an account"
        """,
    "expired": """
        - paragraph: You are no longer logged in to Example LMS.
        - paragraph: Log in again to see your enrollment.
        - link "Log in again"
        """,
}


def expect_heard(panel, name: str, heard: str) -> None:
    expect(panel).to_have_role("group")
    expect(panel).to_have_accessible_name(name)
    lines = "\n".join(line.removeprefix("      ") for line in heard.strip("\n").splitlines())
    expect(panel).to_match_aria_snapshot(f"- group {json.dumps(name)}:\n{lines.rstrip()}")


def test_every_step_as_it_is_heard(open_played, page):
    answers = {f"{act} {step}": answer for step, (played, *_) in STEPS.items() for act, answer in played.items()}
    page.set_viewport_size({"width": 1000, "height": 3000})
    page.add_init_script(
        "sessionStorage.setItem('cms-lms:wish', JSON.stringify("
        "{ run: 'https://lms.example confirming', until: Date.now() + 60_000 }))"
    )
    panels = open_played(
        *[played_panel(step, **dates) for step, (_, _, dates, _) in STEPS.items()], answers={**answers, "user": ADA}
    )
    for number, (_, clicks, _, _) in enumerate(STEPS.values()):
        for name in clicks:
            if name != "wish":
                panels.nth(number).get_by_role("button", name=name).click()
    for number, (step, (_, _, _, heard)) in enumerate(STEPS.items()):
        panel = panels.nth(number)
        expect_step(panel, step)
        expect_heard(panel, f"Run {step}", heard)
    assert {*STEPS, *SESSIONS} == set(
        page.evaluate("async () => (await import('/static/cms_lms/js/enrollment-machine.js')).STEPS")
    )


def test_nobody_and_nobody_any_more_as_they_are_heard(open_played, page):
    panel = open_played(played_panel("one")).first
    expect_heard(panel, "Run one", SESSIONS["anonymous"])
    for user in (ADA, None):
        play(page, {"user": user})
        page.clock.fast_forward(31_000)
        page.evaluate("dispatchEvent(new Event('focus'))")
        expect_step(panel, "idle" if user else "expired")
    expect_heard(panel, "Run one", SESSIONS["expired"])


def test_leaving_and_enrolling_again_by_keyboard_alone(open_played, page):
    panel = open_played(played_panel("one"), answers={"user": ADA, "enrollment one": ENROLLED}).first
    expect_step(panel, "enrolled")
    spoken = page.get_by_role("status")
    page.keyboard.press("Tab")
    expect(panel.get_by_role("link", name="Go to course")).to_be_focused()
    page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    expect(panel.get_by_role("button", name="Stay enrolled")).to_be_focused()
    expect(spoken).to_have_text(
        "Run oneDo you want to leave this course?You lose your place, and your progress may be lost."
    )
    page.keyboard.press("Space")
    expect_step(panel, "enrolled")
    page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    expect_step(panel, "leaving")
    page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    expect_step(panel, "idle")
    expect(panel.get_by_role("button", name="Enroll now")).to_be_focused()
    expect(spoken).to_contain_text("You have left this course.")
    page.keyboard.press("Enter")
    expect(panel.get_by_role("link", name="Go to course")).to_be_focused()
    expect(spoken).to_have_text("Run oneYou are enrolled.")
    expect(panel).not_to_contain_text("You have left this course.")


def test_who_can_leave(open_played, page):
    panels = open_played(
        played_panel("bought"),
        played_panel("closed", **CLOSED),
        answers={
            "user": ADA,
            "enrollment bought": {"isActive": True, "canLeave": False},
            "enrollment closed": ENROLLED,
            "unenroll closed": {"error": "refused", "reason": "Too late."},
        },
    )
    expect_step(panels.first, "enrolled")
    expect(panels.first.get_by_role("button")).to_have_count(0)
    leave = panels.nth(1).get_by_role("button", name="Leave the course")
    leave.click()
    expect(panels.nth(1)).to_contain_text("You cannot enroll again: enrollment is closed.")
    leave.click()
    expect_step(panels.nth(1), "refused")
    expect(panels.nth(1)).to_contain_text("You are still enrolled: you could not leave the course.")
    panels.nth(1).get_by_role("button", name="Try again").click()
    expect_step(panels.nth(1), "leaving")

    play(page, {"capabilities": []})
    page.reload()
    expect_step(panels.nth(1), "enrolled")
    expect(panels.nth(1).get_by_role("button")).to_have_count(0)


def test_a_hostile_lms_is_text(open_played, page):
    evil = "<img src=x onerror=alert(1)>"
    script = "javascript:alert(1)"
    panels = open_played(
        played_panel("confirming"),
        played_panel("payment"),
        played_panel("enrolled", learner_url=None),
        played_panel("odd"),
        played_panel("odder"),
        answers={
            "user": {"username": "ada", "fullName": evil},
            "enrollment payment": obstacle("payment", paymentUrl=script),
            "enrollment enrolled": {"isActive": True, "courseUrl": script},
            "enrollment odd": {"isActive": "yes", "obstacle": {"toString": 1}, "paymentUrl": 7},
            "enrollment odder": ["full"],
        },
    )
    # Else the panel may take the wish before the page is loaded again.
    expect_step(panels.first, "idle")
    page.evaluate(
        "sessionStorage.setItem('cms-lms:wish', JSON.stringify("
        "{ run: 'https://lms.example confirming', until: Date.now() + 60_000 }))"
    )
    page.reload()
    expect(panels.first).to_contain_text(f"Welcome back, {evil}.")
    expect_step(panels.nth(1), "payment")
    expect(panels.nth(1).get_by_role("link")).to_have_text(["Go to the course on Example LMS"])
    expect_step(panels.nth(2), "enrolled")
    expect(panels.nth(2).get_by_role("link")).to_have_count(0)
    expect_step(panels.nth(3), "idle")
    expect_step(panels.nth(4), "idle")
    expect(page.locator("img")).to_have_count(0)


def test_only_staff_learn_what_is_wrong(open_played, page):
    panels = open_played(
        *[played_panel(name) for name in ("public", "lms", "site")],
        answers={"user": {"error": "misconfigured", "reason": "CSRF Failed: Origin checking failed"}},
    )
    expect_step(panels.nth(2), "misconfigured")
    expect(panels.first).not_to_contain_text("CSRF")
    said: list[str] = []
    page.on("console", lambda message: said.append(message.text))
    page.add_init_script(
        """new MutationObserver(() => {
          const [, lms, site] = document.querySelectorAll("lms-enrollment");
          lms?.setAttribute("data-problem", "");
          site?.setAttribute("data-problem", "Its JS backend is unknown.");
        }).observe(document, { childList: true, subtree: true });"""
    )
    page.reload()
    expect(panels.nth(1)).to_contain_text("Only staff see this: CSRF Failed: Origin checking failed")
    expect(panels.nth(2)).to_contain_text("Only staff see this: Its JS backend is unknown.")
    expect(panels.first).not_to_contain_text("Only staff")
    assert "Example LMS: CSRF Failed: Origin checking failed" in said


def test_reduced_motion_stops_what_turns(open_played, page):
    turning = """(panel) => panel.getAnimations({ subtree: true }).filter((animation) =>
      animation.effect.getComputedTiming().iterations === Infinity).length"""
    panel = open_played(played_panel("one"), answers={"user": "never"}).first
    expect_step(panel, "loading")
    assert panel.evaluate(turning) > 0
    page.emulate_media(reduced_motion="reduce")
    assert panel.evaluate(turning) == 0
