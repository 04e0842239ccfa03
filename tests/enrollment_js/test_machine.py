"""enrollment-machine.js: the steps and what leads from one to the next."""

from __future__ import annotations

import pytest

pytestmark = pytest.mark.browser

RUN = """
async ([open, events]) => {
  const { initial, transition } = await import("/static/cms_lms/js/enrollment-machine.js");
  const steps = [];
  let enrollment = initial(open);
  for (const event of events) {
    enrollment = transition(enrollment, event);
    steps.push(enrollment.step);
  }
  return steps;
}
"""

# Every event in every step: whatever comes, the machine stays within its steps and an ignored event changes nothing.
WALK = """
async (events) => {
  const { STEPS, initial, transition } = await import("/static/cms_lms/js/enrollment-machine.js");
  const seen = new Map();
  const todo = [initial(true), initial(false)];
  while (todo.length) {
    const enrollment = todo.pop();
    const key = JSON.stringify(enrollment);
    if (seen.has(key)) continue;
    seen.set(key, enrollment);
    for (const event of events) {
      const next = transition(enrollment, event);
      if (!STEPS.includes(next.step)) throw new Error(`${enrollment.step} ${event.type} ${next.step}`);
      if (next.step === "enrolling" && enrollment.step !== "enrolling" && !next.open) throw new Error("enrolls closed");
      if (next.isActive && ["closed", "idle", "anonymous"].includes(next.step)) throw new Error("enrolled is beaten");
      todo.push(next);
    }
  }
  return [...new Set([...seen.values()].map(({ step }) => step))].sort();
}
"""

ANONYMOUS = {"type": "loaded", "username": None, "isActive": False}
KNOWN = {"type": "loaded", "username": "ada", "isActive": False}
ENROLLED = {"type": "loaded", "username": "ada", "isActive": True}
ENROLL = {"type": "enroll"}
DONE = {"type": "enrolled"}
RETRY = {"type": "retry"}
RELOAD = {"type": "reload"}
CLOSES = {"type": "schedule", "open": False}
OPENS = {"type": "schedule", "open": True}


def failed(code: str) -> dict:
    return {
        "type": "failed",
        "failure": {"code": code, "reason": "", "refusalCause": None, "retryAfterSeconds": None},
    }


EVENTS = [
    *(ANONYMOUS, KNOWN, ENROLLED, ENROLL, DONE, RETRY, RELOAD, CLOSES, OPENS),
    *map(failed, ("refused", "unavailable", "misconfigured", "anonymous")),
]


@pytest.fixture
def run(page, site):
    site.pages["/"] = "<!doctype html><title>Empty</title>"
    page.goto(site.url)
    return lambda script, *arguments: page.evaluate(script, *arguments)


WALKS = [
    (True, [ANONYMOUS], ["anonymous"]),
    (True, [KNOWN, ENROLL, DONE], ["idle", "enrolling", "enrolled"]),
    (True, [KNOWN, ENROLL, ENROLL, DONE, DONE], ["idle", "enrolling", "enrolling", "enrolled", "enrolled"]),
    (True, [ENROLL, DONE], ["loading", "loading"]),
    (True, [ANONYMOUS, ENROLL, RETRY], ["anonymous"] * 3),
    (False, [KNOWN, ENROLL], ["closed", "closed"]),
    (False, [ANONYMOUS], ["closed"]),
    (False, [ENROLLED], ["enrolled"]),
    (True, [ENROLLED, CLOSES], ["enrolled", "enrolled"]),
    (True, [KNOWN, CLOSES, OPENS], ["idle", "closed", "idle"]),
    (True, [KNOWN, ENROLL, CLOSES, DONE], ["idle", "enrolling", "enrolling", "enrolled"]),
    (True, [KNOWN, ENROLL, failed("refused"), RETRY], ["idle", "enrolling", "failed", "enrolling"]),
    (True, [KNOWN, ENROLL, failed("refused"), CLOSES, RETRY], ["idle", "enrolling", "failed", "failed", "closed"]),
    (True, [KNOWN, ENROLL, failed("unavailable"), RETRY], ["idle", "enrolling", "unavailable", "loading"]),
    (True, [KNOWN, ENROLL, failed("anonymous")], ["idle", "enrolling", "anonymous"]),
    (True, [KNOWN, ENROLL, failed("misconfigured"), RETRY], ["idle", "enrolling", *["misconfigured"] * 2]),
    (True, [failed("refused"), RETRY, KNOWN], ["failed", "loading", "idle"]),
    (True, [failed("anonymous")], ["anonymous"]),
    (False, [failed("unavailable"), OPENS, RETRY, KNOWN], ["unavailable", "unavailable", "loading", "idle"]),
    (True, [KNOWN, failed("unavailable")], ["idle", "idle"]),
    (True, [KNOWN, RELOAD, ANONYMOUS], ["idle", "loading", "anonymous"]),
    (True, [KNOWN, ENROLL, RELOAD], ["idle", "enrolling", "enrolling"]),
]


def test_walks(run):
    for is_open, events, steps in WALKS:
        assert run(RUN, [is_open, events]) == steps, events


def test_every_event_in_every_step(run):
    assert run(WALK, EVENTS) == sorted(
        ["loading", "anonymous", "idle", "enrolling", "enrolled", "closed", "failed", "unavailable", "misconfigured"]
    )
