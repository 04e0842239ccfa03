"""A visitor's clock may be wrong: the site's own decides where it makes a difference."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from playwright.sync_api import expect

from .conftest import NOW
from .openedx import expect_step
from .played import ADA, played_panel

pytestmark = pytest.mark.browser

LATE = datetime(2024, 7, 5, tzinfo=UTC)  # after the deadline of OPEN


def heads(page) -> list:
    seen: list = []
    page.on("request", lambda request: seen.append(request) if request.method == "HEAD" else None)
    return seen


def test_a_fast_clock_closes_nothing_that_is_open(open_played, page, site):
    site.now = NOW
    asked = heads(page)
    page.clock.set_system_time(LATE)
    panels = open_played(*[played_panel(str(number)) for number in range(3)], answers={"user": ADA})
    for number in range(3):
        expect_step(panels.nth(number), "idle")
    assert len(asked) == 1
    expect(panels.first).to_contain_text("Enrollment closes in 16 days")
    panels.first.get_by_role("button", name="Enroll now").click()
    expect_step(panels.first, "enrolled")
    assert len(asked) == 1


def test_a_page_that_is_old_is_told_apart_from_a_clock_that_is_fast(open_played, page, site):
    page.clock.set_system_time(LATE)
    site.now = LATE
    expect_step(open_played(played_panel("one"), answers={"user": ADA}).first, "closed")
    # A shared cache keeps the date of its copy.
    site.now, site.age = NOW, LATE - NOW
    expect_step(open_played(played_panel("one"), answers={"user": ADA}).first, "closed")


def test_a_clock_that_is_right_is_not_asked_about(open_played, page, site):
    asked = heads(page)
    expect_step(open_played(played_panel("one"), answers={"user": ADA}).first, "idle")
    assert asked == []


def test_without_the_sites_time_the_visitors_own_is_believed(open_played, page, site):
    page.clock.set_system_time(LATE)
    page.route("**/course/", lambda route: route.abort() if route.request.method == "HEAD" else route.continue_())
    expect_step(open_played(played_panel("one"), answers={"user": ADA}).first, "closed")


def test_a_deadline_that_comes_too_early_by_a_fast_clock_changes_nothing(open_played, page, site):
    deadline = (NOW + timedelta(minutes=10)).isoformat()
    panel = open_played(played_panel("one", enrollment_end=deadline), answers={"user": ADA}).first
    expect_step(panel, "idle")
    site.now = NOW + timedelta(minutes=1)
    with page.expect_response(lambda response: response.request.method == "HEAD"):
        page.clock.fast_forward("10:01")
    expect_step(panel, "idle")
    expect(page.get_by_role("status")).to_be_empty()
    page.clock.fast_forward("09:10")
    expect_step(panel, "closed")
    expect(page.get_by_role("status")).to_contain_text("Enrollment is closed.")
