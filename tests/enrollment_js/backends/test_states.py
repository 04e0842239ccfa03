"""Every JS backend in every state: one table for all of them, against the stand-ins of their LMSs."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

import pytest
from playwright.sync_api import expect

from tests.enrollment_js.conftest import NOW
from tests.enrollment_js.openedx import expect_step
from tests.fake_lms.courses import Mode

from .campuses import RELEASES, Place

pytestmark = pytest.mark.browser

TOMORROW, YESTERDAY = NOW + timedelta(days=1), NOW - timedelta(days=1)


@dataclass
class Case:
    """Which step a panel ends in, and what it says there, after `act`: look, enroll, leave (and yes, she means it)."""

    step: str
    text: str
    act: str = "look"
    arrange: Callable[[Place], Any] = lambda place: None
    panel: dict[str, Any] = field(default_factory=dict)
    #: Whether the LMS has her in the end.
    enrolled: bool = False
    #: The backends that can tell.
    only: tuple[str, ...] = tuple(RELEASES)


OPENEDX = tuple(name for name in RELEASES if name.startswith("openedx"))


def enrolled(place: Place) -> None:
    place.enroll()


def left_before(place: Place) -> None:
    place.enroll(is_active=False)


def nobody(place: Place) -> None:
    place.fail("whoami", "status", status=403, body='{"detail": "Authentication credentials were not provided."}')


def change(**changes: Any) -> Callable[[Place], None]:
    return lambda place: place.update(**changes)


def say(operation: str, status: int, body: str) -> Callable[[Place], None]:
    return lambda place: place.fail(operation, "status", status=status, body=body)


def enrolled_and(arrange: Callable[[Place], Any]) -> Callable[[Place], None]:
    def both(place: Place) -> None:
        place.enroll()
        arrange(place)

    return both


PAID = [Mode("verified", "Verified", min_price=49), Mode("professional", "Professional", min_price=99)]

CASES = [
    Case("anonymous", "Log in to enroll", arrange=nobody),
    Case("idle", "Enroll now"),
    Case("idle", "Enroll now", arrange=left_before),
    Case("enrolled", "You are enrolled.", arrange=enrolled, enrolled=True),
    Case("enrolled", "You are enrolled.", "enroll", enrolled=True),
    Case("enrolled", "You are enrolled.", "enroll", left_before, enrolled=True),
    Case("idle", "You have left this course.", "leave", enrolled),
    # The window of the LMS is another one than the page's.
    Case("closed", "has closed enrollment", "enroll", change(enrollment_end=YESTERDAY)),
    Case("closed", "has not opened enrollment", "enroll", change(enrollment_start=TOMORROW, start=TOMORROW)),
    # Enrolled beats everything.
    Case("enrolled", "Go to course", arrange=enrolled, panel={"enrollment_end": YESTERDAY.isoformat()}, enrolled=True),
    Case("invitation-only", "by invitation only", "enroll", change(invitation_only=True), only=OPENEDX),
    Case("full", "This course is full.", "enroll", change(is_full=True), only=OPENEDX),
    Case("payment", "Pay and enroll", "enroll", change(modes=PAID), only=OPENEDX),
    Case("payment", "has to be paid for", "enroll", change(is_listed=False), only=("joanie",)),
    # The LMS's own words.
    Case("refused", "requires a valid order to enroll.", "enroll", change(needs_order=True), only=("joanie",)),
    Case(
        "refused",
        "No.",
        "enroll",
        say("write", 403, '{"message": "x", "localizedMessage": "No."}'),
        only=OPENEDX,
    ),
    Case(
        "refused",
        "Your certificate prevents you from unenrolling from this course",
        "leave",
        enrolled_and(say("leave", 400, "Your certificate prevents you from unenrolling from this course")),
        enrolled=True,
        only=OPENEDX,
    ),
    Case("misconfigured", "You cannot enroll from this page", arrange=say("whoami", 404, "<h1>Not Found</h1>")),
    Case("misconfigured", "You cannot enroll from this page", arrange=say("read", 404, "<h1>Not Found</h1>")),
    Case(
        "misconfigured",
        "You cannot enroll from this page",
        "enroll",
        say("write", 403, '{"detail": "CSRF Failed: CSRF cookie not set."}'),
        only=OPENEDX,
    ),
    Case(
        "misconfigured",
        "You cannot enroll from this page",
        arrange=say("read", 401, '{"detail": "Given token not valid", "code": "token_not_valid"}'),
        only=("joanie",),
    ),
    Case("misconfigured", "You cannot enroll", panel={"login_base_url": ""}, only=("joanie",)),
    Case("misconfigured", "You cannot enroll", panel={"course_id": "products/1"}, only=("joanie",)),
    # The LMS behind Joanie did not take the learner, as a write or a read says.
    Case(
        "unavailable",
        "cannot be reached",
        "enroll",
        lambda place: place.fail("write", "lms_failed"),
        only=("joanie",),
    ),
    Case("idle", "Enroll now", arrange=lambda place: place.enroll(state="failed"), only=("joanie",)),
    Case(
        "enrolled",
        "You are enrolled.",
        "enroll",
        lambda place: place.enroll(state="failed"),
        enrolled=True,
        only=("joanie",),
    ),
    # A token that has expired is renewed, once.
    Case(
        "enrolled",
        "You are enrolled.",
        "enroll",
        lambda place: place.fail("write", "expired_token", times=1),
        enrolled=True,
        only=("joanie",),
    ),
]


def act(panel: Any, what: str) -> None:
    """Do as a learner does."""
    if what == "enroll":
        panel.get_by_role("button", name="Enroll now").click()
    elif what == "leave":
        panel.get_by_role("button", name="Leave the course").click()
        expect_step(panel, "leaving")
        panel.get_by_role("button", name="Leave the course").click()


@pytest.mark.parametrize("backend", RELEASES)
def test_states(backend, open_campus):
    cases = [case for case in CASES if backend in case.only]
    places, panels = open_campus(backend, cases)
    for case, panel in zip(cases, panels, strict=True):
        act(panel, case.act)
    for case, place, panel in zip(cases, places, panels, strict=True):
        expect_step(panel, case.step)
        expect(panel).to_contain_text(case.text)
        assert place.is_enrolled() == case.enrolled, case
        link = panel.get_by_role("link", name="Go to course", exact=True)
        if case.step == "enrolled":
            expect(link).to_have_attribute("href", re.compile("/courses/"))


@pytest.mark.parametrize("backend", OPENEDX)
def test_paying_is_the_lms_s_affair(backend, open_campus):
    [place], [panel] = open_campus(backend, [Case("payment", "", arrange=change(modes=PAID))])
    act(panel, "enroll")
    link = panel.get_by_role("link", name="Pay and enroll")
    path = place.run.replace(":", "%3A").replace("+", "%2B").replace("é", "%C3%A9")
    expect(link).to_have_attribute("href", f"{place.lms_url}/course_modes/choose/{path}/")


@pytest.mark.parametrize("backend", RELEASES)
def test_the_ways_in_and_out(backend, open_campus, page):
    """Log-in and registration lead back here; whoever logs out is out, and is known by name before."""
    [place], [panel] = open_campus(backend, [Case("idle", "")])
    expect_step(panel, "idle")
    module, here = place.panel().module_url, page.url
    data = {"loginBaseUrl": place.lms_url}
    script = """async ([module, baseUrl, data, here]) => {
        const { default: Backend } = await import(module);
        const backend = new Backend({ baseUrl, courseId: "", courseUrl: "", data });
        const before = await backend.whoami();
        await backend.logOut();
        return {
            before,
            after: await backend.whoami(),
            urls: [backend.loginUrl(here), backend.registerUrl(here)],
            capabilities: [...backend.capabilities],
        };
    }"""
    said = page.evaluate(script, [module, place.panel().base_url, data, here])
    name = "learner" if backend == "openedx-hawthorn" else "Lena Learner"
    assert said["before"] == {"username": "learner", "fullName": name}
    assert said["after"] is None
    assert said["capabilities"] == ["register", "log-out", "unenroll"]
    for kind, url in zip(("login", "register"), said["urls"], strict=True):
        assert url.startswith(f"{place.lms_url}/{kind}?next=http%3A%2F%2Flocalhost")
    assert place.campus.lms.state.sessions == {}


@pytest.mark.parametrize("backend", RELEASES)
def test_from_anonymous_to_the_course_and_out_again(backend, open_campus, page):
    """The wish survives the LMS's own login page, and is confirmed once."""
    [place], [panel] = open_campus(backend, [Case("idle", "")])
    expect_step(panel, "idle")
    page.context.clear_cookies()
    page.reload()
    panel.get_by_role("link", name="Log in to enroll").click()
    page.get_by_label("Username").fill("learner")
    page.get_by_label("Password").fill("learner")
    page.get_by_role("button", name="Log in").click()
    expect_step(panel, "confirming")
    panel.get_by_role("button", name="Enroll now").click()
    expect_step(panel, "enrolled")
    assert place.is_enrolled()
    act(panel, "leave")
    expect_step(panel, "idle")
    assert not place.is_enrolled()


@pytest.mark.parametrize("backend", OPENEDX)
def test_without_the_csrf_cookie_nothing_is_written(backend, open_campus):
    def withhold(place: Place) -> None:
        place.fail("whoami", "csrf_withheld")
        place.fail("read", "csrf_withheld")

    [place], [panel] = open_campus(backend, [Case("", "", arrange=withhold)])
    act(panel, "enroll")
    expect_step(panel, "misconfigured")
    assert not place.is_enrolled()


@pytest.mark.parametrize("release", ["olive", "redwood", "ulmo", "willow"])
def test_the_login_may_be_a_micro_frontend(release, open_campus, page):
    [place], [panel] = open_campus("openedx-hawthorn", [Case("", "", arrange=nobody)])
    place.campus.lms.state.sessions.clear()
    place.campus.lms.state.change_settings(release=release, authn_mfe_url=f"{place.campus.lms.url}/authn")
    link = panel.get_by_role("link", name="Log in to enroll").get_attribute("href")
    answer = page.context.request.get(link, max_redirects=0)
    assert answer.headers["location"] == f"{place.campus.lms.url}/authn/login?{link.partition('?')[2]}"


@pytest.mark.parametrize("backend", RELEASES)
def test_logged_out_meanwhile(backend, open_campus):
    [place], [panel] = open_campus(backend, [Case("idle", "")])
    expect_step(panel, "idle")
    place.campus.lms.state.sessions.clear()
    place.campus.joanie.state.clock.advance(600)  # her token has expired
    act(panel, "enroll")
    expect_step(panel, "expired")
    expect(panel.get_by_role("link", name="Log in again")).to_be_visible()


@pytest.mark.parametrize("backend", RELEASES)
def test_the_session_is_another_learners_by_now(backend, open_campus, page):
    [place], [panel] = open_campus(backend, [Case("idle", "")])
    expect_step(panel, "idle")
    state = place.campus.lms.state
    state.add_user("other")
    for session in state.sessions:
        state.sessions[session] = "other"
    for clock in (place.campus.lms.clock, place.campus.joanie.state.clock):
        clock.advance(600)  # her token has expired
    act(panel, "enroll")
    expect(panel).to_have_attribute("data-step", re.compile("expired|idle"))
    assert not place.is_enrolled()
    assert not state.is_enrolled("other", place.run)


def test_joanie_hears_of_another_learner_from_another_tab(open_campus, page):
    """Whoever asked who is there, a panel or the session of the page's header."""
    [place], [panel] = open_campus("joanie", [Case("", "")])
    expect_step(panel, "idle")
    state = place.campus.lms.state
    state.add_user("other")
    state.sessions.update(dict.fromkeys(state.sessions, "other"))
    script = """async ([module, baseUrl, loginBaseUrl, courseId]) => {
        const { default: Backend } = await import(module);
        return new Backend({ baseUrl, courseId, courseUrl: "", data: { loginBaseUrl } }).getEnrollment("other");
    }"""
    values = place.panel()
    said = page.evaluate(script, [values.module_url, values.base_url, values.login_base_url, values.course_id])
    assert said == {"isActive": False}


def test_an_order_of_joanie_cannot_be_left(open_campus):
    [_], [panel] = open_campus("joanie", [Case("", "", arrange=lambda place: place.enroll(was_created_by_order=True))])
    expect_step(panel, "enrolled")
    expect(panel.get_by_role("button", name="Leave the course")).to_have_count(0)


def test_joanie_is_called_without_cookies_and_with_the_token_of_fonzie(open_campus):
    [place], [panel] = open_campus("joanie", [Case("", "")])
    act(panel, "enroll")
    expect_step(panel, "enrolled")
    calls = [entry for entry in place.campus.joanie.journal.entries() if entry.method != "OPTIONS"]
    assert [entry.method for entry in calls] == ["GET", "GET", "POST"]
    for entry in calls:
        assert "Cookie" not in entry.headers
        assert entry.headers["Authorization"].startswith("Bearer ey")
    assert len(place.campus.lms.journal.entries(path="/user/me")) == 1
