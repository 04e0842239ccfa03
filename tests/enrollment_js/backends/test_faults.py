"""Whatever goes wrong on an LMS, a panel ends in a step with a true sentence, and trying again helps afterwards."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import pytest
from playwright.sync_api import expect

from tests.enrollment_js.openedx import expect_step

from .campuses import RELEASES, Place
from .test_states import OPENEDX, act

pytestmark = pytest.mark.browser

#: What a learner does to bring each operation about.
ACTS = {"whoami": "look", "read": "look", "write": "enroll", "leave": "leave"}

UNREACHABLE = "Example LMS cannot be reached at the moment."


@dataclass
class Fault:
    """What goes wrong, and the step that each operation then ends in; one that is not named ends in `step`."""

    kind: str
    step: str = "unavailable"
    text: str = UNREACHABLE
    params: dict[str, Any] = field(default_factory=dict)
    steps: dict[str, str] = field(default_factory=dict)
    operations: tuple[str, ...] = tuple(ACTS)
    only: tuple[str, ...] = tuple(RELEASES)


#: Where the operations lead.
WELL = {"whoami": "idle", "read": "idle", "write": "enrolled", "leave": "idle"}

FAULTS = [
    Fault("throttled", text="Please try again in 2 seconds."),
    Fault("server_error"),
    Fault("bad_gateway"),
    Fault("bad_gateway", params={"status": 504, "cors": True}),
    Fault("reset"),
    Fault("cors_withheld"),
    Fault("login_redirect"),
    Fault("endless", params={"megabytes": 50}),
    # Open edX says nothing where there is no enrollment, and after one was left: the read that follows tells.
    Fault("html", steps={"leave": "refused"}, only=OPENEDX),
    Fault("html", only=("joanie",)),
    Fault("empty", steps={"read": "idle", "leave": "refused"}, only=OPENEDX),
    Fault("empty", only=("joanie",)),
    Fault("truncated", steps={"read": "idle", "leave": "idle"}, only=OPENEDX),
    Fault("truncated", only=("joanie",)),
    Fault("content_type", steps=WELL),
    Fault("content_type", params={"content_type": "application/json; charset=utf-8"}, steps=WELL),
    Fault(
        "status",
        "refused",
        "I am a teapot.",
        {"status": 418, "body": '{"detail": "I am a teapot."}'},
        {"whoami": "unavailable"},
        operations=("whoami", "read", "write"),
    ),
    Fault(
        "status",
        "refused",
        "gave no reason",
        {"status": 400, "body": "<h1>Bad Request</h1>"},
        operations=("read", "write", "leave"),
    ),
    # Closed, not open yet and by invitation are in test_states.py: the course's details tell them.
    Fault("full", "full", "This course is full.", operations=("write",), only=OPENEDX),
    Fault("embargo", "refused", "Users from this location cannot access", operations=("write",), only=OPENEDX),
    Fault("filter", "refused", "your membership has ended", operations=("write",), only=("openedx-hawthorn",)),
    # Before Ulmo nobody caught a filter's exception.
    Fault("filter", operations=("write",), only=("openedx-dogwood", "openedx-fonzie")),
    Fault("invalid_attribute", "refused", "The employee number is not valid.", operations=("write",), only=OPENEDX),
    Fault("mode_expired", "refused", "course mode is expired", operations=("write",), only=OPENEDX),
    Fault("lms_failed", operations=("write", "leave"), only=("joanie",)),
]


@dataclass
class Case:
    """One fault of one operation."""

    fault: Fault
    operation: str
    panel: dict[str, Any] = field(default_factory=dict)

    @property
    def step(self) -> str:
        return self.fault.steps.get(self.operation, self.fault.step)

    def arrange(self, place: Place) -> None:
        if self.operation == "leave":
            place.enroll()
        place.fail(self.operation, self.fault.kind, **self.fault.params)


def expect_sense(panel: Any) -> None:
    """A step that waits for nothing, with a sentence that can be read, and nothing of the LMS's but text."""
    expect(panel).not_to_have_attribute("data-step", re.compile("^(loading|enrolling|unenrolling|leaving)$"))
    expect(panel).to_contain_text(re.compile(r"[\w)]\.|Enroll now|Log in"))
    expect(panel.locator("img, script, iframe, style, form")).to_have_count(0)


@pytest.mark.parametrize("backend", RELEASES)
def test_faults(backend, open_campus):
    cases = [Case(fault, operation) for fault in FAULTS if backend in fault.only for operation in fault.operations]
    places, panels = open_campus(backend, cases)
    for case, panel in zip(cases, panels, strict=True):
        if case.operation in ("write", "leave"):
            act(panel, ACTS[case.operation])
    for case, panel in zip(cases, panels, strict=True):
        expect_step(panel, case.step)
        expect_sense(panel)
        if case.step == case.fault.step:
            expect(panel).to_contain_text(case.fault.text)
    # It is over: whoever tries again gets on.
    places[0].campus.lms.state.faults.clear()
    places[0].campus.joanie.state.faults.clear()
    unavailable = [panel for case, panel in zip(cases, panels, strict=True) if case.step == "unavailable"]
    for panel in unavailable:
        panel.get_by_role("button", name="Try again").click()
    for panel in unavailable:
        expect(panel).to_have_attribute("data-step", re.compile("^(idle|enrolled)$"))


@pytest.mark.parametrize("backend", RELEASES)
def test_an_lms_that_takes_too_long(backend, open_campus, page, stand_ins):
    slow = Fault("slow", params={"seconds": 60})
    cases = [Case(slow, operation) for operation in ACTS]
    _, panels = open_campus(backend, cases)
    for case, panel in zip(cases, panels, strict=True):
        if case.operation in ("write", "leave"):
            act(panel, ACTS[case.operation])
    for panel, step in zip(panels, ("loading", "loading", "enrolling", "unenrolling"), strict=True):
        expect_step(panel, step)
    # The last call has come, so that its time is running.
    page.wait_for_function("() => true")
    page.clock.fast_forward(10_500)
    for panel in panels:
        expect_step(panel, "unavailable")
        expect(panel).to_contain_text(UNREACHABLE)


SCRIPT = "<img src=x onerror=alert(1)><script>alert(2)</script>"
LONG = "x" * 100_000


def said(operation: str, status: int, body: Any) -> Callable[[Place], None]:
    def arrange(place: Place) -> None:
        if operation == "leave":
            place.enroll()
        place.fail(operation, "status", status=status, body=body if isinstance(body, str) else json.dumps(body))

    return arrange


@dataclass
class Hostile:
    """What an LMS says that means ill or nothing at all."""

    operation: str
    arrange: Callable[[Place], None]
    panel: dict[str, Any] = field(default_factory=dict)


WRONG_TYPES = [
    "",
    "null",
    "7",
    "true",
    '"learner"',
    "[]",
    "[null]",
    "{}",
    '{"__proto__": {"username": "x"}}',
    "{" * 5000,
]
VALUES = [None, 7, True, [], {}, SCRIPT, {"a": 1}, LONG]

HOSTILE = [
    *(Hostile(name, said(name, 200, body)) for name in ACTS for body in WRONG_TYPES),
    *(Hostile("whoami", said("whoami", 200, {"username": value, "access_token": value})) for value in VALUES),
    *(Hostile("read", said("read", 200, {"is_active": value, "results": value})) for value in VALUES),
    *(Hostile("read", said("read", 200, {"results": [value, {"course_run": value}]})) for value in VALUES),
    *(Hostile("write", said("write", 200, {"is_active": value, "state": value})) for value in VALUES),
    *(Hostile("write", said("write", 400, {"message": value, "__all__": value})) for value in VALUES),
    *(Hostile("write", said("write", 403, {"localizedMessage": value, "detail": value})) for value in VALUES),
    *(Hostile("leave", said("leave", 400, value if isinstance(value, str) else json.dumps(value))) for value in VALUES),
]


# Dogwood's and Fonzie's differ from Hawthorn's by one address.
@pytest.mark.parametrize("backend", ["openedx-hawthorn", "joanie"])
def test_hostile_answers_harm_nothing(backend, open_campus, page):
    _, panels = open_campus(backend, HOSTILE)
    for case, panel in zip(HOSTILE, panels, strict=True):
        if case.operation in ("write", "leave"):
            act(panel, ACTS[case.operation])
    for panel in panels:
        expect_sense(panel)
    longest = page.evaluate(
        "Math.max(...[...document.querySelectorAll('lms-enrollment')].map((e) => e.innerText.length))"
    )
    assert longest < 2000
