"""enrollment-machine.js: the steps and what leads from one to the next, as docs/enrollment.md shows them."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

pytestmark = pytest.mark.browser

DOCUMENT = Path(__file__).parents[2] / "docs" / "enrollment.md"

RUN = """
async ([open, events, wish]) => {
  const { initial, transition } = await import("/static/cms_lms/js/enrollment-machine.js");
  const steps = [];
  let enrollment = initial(open, wish);
  for (const event of events) {
    enrollment = transition(enrollment, event);
    steps.push(enrollment.step);
  }
  return steps;
}
"""

# Every event in everything that can be reached: [step, number of the event, step that follows].
WALK = """
async (events) => {
  const { STEPS, initial, transition } = await import("/static/cms_lms/js/enrollment-machine.js");
  const seen = new Set();
  const ways = new Map();
  const todo = [true, false].flatMap((open) => [initial(open), initial(open, true)]);
  while (todo.length) {
    const enrollment = todo.pop();
    const key = JSON.stringify(enrollment);
    if (seen.has(key)) continue;
    seen.add(key);
    const { step, known, open, username, wish, left, leaving, failure, retry } = enrollment;
    const wrong = {
      "no such step": !STEPS.includes(step),
      "enrolled is beaten": known.isActive && ["closed", "idle", "anonymous", "full", "payment"].includes(step),
      "a failure without its step": (failure !== null) !== ["refused", "unavailable", "misconfigured"].includes(step),
      "try again without a failure": retry !== null && failure === null,
      "nobody enrolls": username === null && ["idle", "confirming", "enrolling", "unenrolling"].includes(step),
      "an offer that is closed": !open && (step === "idle" || step === "confirming"),
      "an old wish": wish && username !== null && !failure && !["confirming", "loading"].includes(step),
      "left and enrolled": left && known.isActive && step !== "loading",
      "asked out of turn": leaving !== (step === "leaving"),
    };
    for (const [what, holds] of Object.entries(wrong)) if (holds) throw new Error(`${what}: ${key}`);
    events.forEach((event, number) => {
      const next = transition(enrollment, event);
      if (next !== enrollment && JSON.stringify(next) === key) throw new Error(`nothing changed: ${key}`);
      if (next.step === "enrolling" && step !== "enrolling" && !open) throw new Error(`enrolls closed: ${key}`);
      if (next !== enrollment) ways.set(`${step} ${number} ${next.step}`, [step, number, next.step]);
      todo.push(next);
    });
  }
  return { steps: [...STEPS], ways: [...ways.values()] };
}
"""


def known(is_active: bool = False, obstacle: str | None = None, can_leave: bool = True) -> dict:
    return {
        "isActive": is_active,
        "obstacle": obstacle,
        "paymentUrl": "",
        "courseUrl": "",
        "canLeave": can_leave,
    }


def loaded(username: str | None, *answer, **answers) -> dict:
    return {"type": "loaded", "username": username, "known": known(*answer, **answers)}


def written(*answer) -> dict:
    return {"type": "written", "known": known(*answer)}


def failed(code: str, obstacle: str | None = None) -> dict:
    failure = {"code": code, "reason": "", "retryAt": None}
    return {"type": "failed", "failure": failure, "obstacle": obstacle}


def session(username: str | None, expired: bool = True) -> dict:
    return {"type": "session", "username": username, "expired": expired}


NOBODY, ADA, ENROLLED = loaded(None), loaded("ada"), loaded("ada", True)
ENROLL, LEAVE, UNENROLL, CANCEL, RETRY, WISH = (
    {"type": name} for name in ("enroll", "leave", "unenroll", "cancel", "retry", "wish")
)
DONE, GONE = written(True), written(False)
CLOSES, OPENS = ({"type": "schedule", "open": is_open} for is_open in (False, True))
OBSTACLES = ("not-open", "closed", "invitation-only", "full", "payment")

#: What the document calls each event, and what may come with it.
EVENTS = {
    "enroll": [ENROLL],
    "leave": [LEAVE],
    "unenroll": [UNENROLL],
    "cancel": [CANCEL],
    "try again": [RETRY],
    "log in": [WISH],
    "loaded": [
        *(NOBODY, ADA, ENROLLED, loaded("bob"), loaded("ada", True, can_leave=False), loaded("ada", False, "other")),
        *(loaded("ada", False, obstacle) for obstacle in OBSTACLES),
    ],
    "written": [DONE, GONE, *(written(False, obstacle) for obstacle in OBSTACLES)],
    "refused": [failed("refused"), failed("refused", "other"), *(failed("refused", word) for word in OBSTACLES)],
    "unavailable": [failed("unavailable")],
    "misconfigured": [failed("misconfigured")],
    "not logged in": [failed("anonymous")],
    "session": [session(None), session(None, expired=False), session("ada"), session("bob")],
    "schedule": [CLOSES, OPENS],
}


@pytest.fixture
def run(page, site):
    site.pages["/"] = "<!doctype html><title>Empty</title>"
    page.goto(site.url)
    return lambda script, *arguments: page.evaluate(script, *arguments)


WALKS = [
    # Who, and what is so.
    (True, [NOBODY], ["anonymous"]),
    (True, [ADA], ["idle"]),
    (False, [ADA, ENROLL], ["closed", "closed"]),
    (False, [NOBODY], ["closed"]),
    (False, [ENROLLED], ["enrolled"]),
    (True, [loaded("ada", False, "full")], ["full"]),
    (True, [loaded("ada", True, "full")], ["enrolled"]),
    (True, [loaded("ada", False, "closed")], ["closed"]),
    (True, [loaded("ada", False, "invitation-only")], ["invitation-only"]),
    (True, [loaded("ada", False, "payment"), ADA], ["payment", "idle"]),
    (True, [loaded("ada", False, "something else")], ["idle"]),
    (False, [loaded("ada", False, "full")], ["closed"]),
    # Enrolling.
    (True, [ADA, ENROLL, DONE], ["idle", "enrolling", "enrolled"]),
    (True, [ADA, ENROLL, ENROLL, DONE, DONE], ["idle", "enrolling", "enrolling", "enrolled", "enrolled"]),
    (True, [ENROLL, DONE], ["loading", "loading"]),
    (True, [NOBODY, ENROLL, RETRY], ["anonymous"] * 3),
    (True, [ADA, ENROLL, GONE, RETRY], ["idle", "enrolling", "refused", "enrolling"]),
    (True, [ADA, ENROLL, written(False, "payment")], ["idle", "enrolling", "payment"]),
    (True, [ADA, ENROLL, failed("refused"), RETRY], ["idle", "enrolling", "refused", "enrolling"]),
    (True, [ADA, ENROLL, failed("refused", "full")], ["idle", "enrolling", "full"]),
    (True, [ADA, ENROLL, failed("refused"), CLOSES, RETRY], ["idle", "enrolling", "refused", "refused", "closed"]),
    (True, [ADA, ENROLL, failed("unavailable"), RETRY], ["idle", "enrolling", "unavailable", "loading"]),
    (True, [ADA, ENROLL, failed("misconfigured"), RETRY], ["idle", "enrolling", *["misconfigured"] * 2]),
    (True, [ADA, ENROLL, failed("anonymous")], ["idle", "enrolling", "expired"]),
    (True, [ADA, ENROLL, ADA, session(None), DONE], ["idle", *["enrolling"] * 3, "enrolled"]),
    # Leaving.
    (True, [ENROLLED, LEAVE, UNENROLL, GONE], ["enrolled", "leaving", "unenrolling", "idle"]),
    (False, [ENROLLED, LEAVE, UNENROLL, GONE], ["enrolled", "leaving", "unenrolling", "closed"]),
    (True, [ENROLLED, LEAVE, CANCEL, UNENROLL], ["enrolled", "leaving", "enrolled", "enrolled"]),
    (True, [ENROLLED, UNENROLL, CANCEL], ["enrolled"] * 3),
    (True, [loaded("ada", True, can_leave=False), LEAVE], ["enrolled"] * 2),
    (True, [ENROLLED, LEAVE, UNENROLL, DONE, RETRY], ["enrolled", "leaving", "unenrolling", "refused", "leaving"]),
    (True, [ENROLLED, LEAVE, UNENROLL, failed("refused", "closed")], ["enrolled", "leaving", "unenrolling", "refused"]),
    (
        True,
        [ENROLLED, LEAVE, UNENROLL, failed("misconfigured"), RETRY, ENROLLED],
        ["enrolled", "leaving", "unenrolling", "misconfigured", "loading", "enrolled"],
    ),
    (True, [ENROLLED, LEAVE, ENROLLED, CLOSES], ["enrolled", *["leaving"] * 3]),
    # Failures to find out.
    (True, [failed("refused"), RETRY, ADA], ["refused", "loading", "idle"]),
    (True, [failed("refused", "payment")], ["payment"]),
    (True, [failed("anonymous")], ["anonymous"]),
    (False, [failed("unavailable"), OPENS, RETRY, ADA], ["unavailable", "unavailable", "loading", "idle"]),
    (True, [failed("unavailable"), session(None, expired=False)], ["unavailable", "anonymous"]),
    (True, [failed("unavailable"), session("ada")], ["unavailable", "loading"]),
    (True, [ADA, failed("unavailable")], ["idle", "idle"]),
    # The session.
    (True, [ADA, session(None)], ["idle", "expired"]),
    (True, [ADA, session(None, expired=False)], ["idle", "anonymous"]),
    (True, [ENROLLED, session(None), session("ada"), ENROLLED], ["enrolled", "expired", "loading", "enrolled"]),
    (True, [ENROLLED, session("bob"), loaded("bob")], ["enrolled", "loading", "idle"]),
    (True, [ADA, session("ada")], ["idle", "idle"]),
    (True, [NOBODY, session("ada"), ADA], ["anonymous", "loading", "idle"]),
    (True, [ADA, NOBODY], ["idle", "expired"]),
    # Time.
    (True, [ENROLLED, CLOSES], ["enrolled", "enrolled"]),
    (True, [ADA, CLOSES, OPENS], ["idle", "closed", "idle"]),
    (True, [ADA, ENROLL, CLOSES, DONE], ["idle", "enrolling", "enrolling", "enrolled"]),
    (False, [loaded("ada", False, "not-open"), OPENS], ["closed", "idle"]),
    (False, [loaded("ada", False, "full"), OPENS], ["closed", "full"]),
    # The wish.
    (
        True,
        [NOBODY, WISH, session("ada"), ADA, ENROLL],
        ["anonymous", "anonymous", "loading", "confirming", "enrolling"],
    ),
    (True, [NOBODY, WISH, session("ada"), ENROLLED], ["anonymous", "anonymous", "loading", "enrolled"]),
    (True, [ADA, WISH], ["idle", "idle"]),
]

WISHES = [
    (True, [ADA, ENROLL, DONE], ["confirming", "enrolling", "enrolled"]),
    (True, [ADA, CANCEL, ADA], ["confirming", "idle", "idle"]),
    (True, [ADA, ADA, CLOSES, OPENS], ["confirming", "confirming", "closed", "idle"]),
    (True, [ENROLLED], ["enrolled"]),
    (True, [loaded("ada", False, "full"), ADA], ["full", "idle"]),
    (True, [NOBODY, session("ada"), ADA], ["anonymous", "loading", "confirming"]),
    (True, [failed("unavailable"), RETRY, ADA], ["unavailable", "loading", "confirming"]),
    (False, [ADA], ["closed"]),
]


def test_walks(run):
    for wish, walks in ((False, WALKS), (True, WISHES)):
        for is_open, events, steps in walks:
            assert run(RUN, [is_open, events, wish]) == steps, events


# The document


#: Where the facts lead to; the document says so once instead of naming all of them.
FACTS = {"anonymous", "expired", "idle", "confirming", "enrolled", "closed", "invitation-only", "full", "payment"}

TABLES = (
    ("enroll", "leave", "unenroll", "cancel", "try again"),
    ("loaded", "written", "refused"),
    ("unavailable", "misconfigured", "not logged in", "session", "schedule"),
)


@pytest.fixture
def ways(run):
    """All that can happen: {(step, event): the other steps that may follow}."""
    numbered = [(name, event) for name, events in EVENTS.items() for event in events]
    walk = run(WALK, [event for _, event in numbered])
    found: dict[tuple[str, str], set[str]] = {(step, name): set() for step in walk["steps"] for name in EVENTS}
    for step, number, following in walk["ways"]:
        if step != following:
            found[step, numbered[number][0]].add(following)
    return found


def cell(steps: set[str], order: list[str]) -> str:
    if len(steps & FACTS) > 4:
        steps = steps - FACTS | {"*the facts*"}
    return ", ".join(sorted(steps, key=lambda step: order.index(step) if step in order else -1)) or "·"


def render(ways: dict[tuple[str, str], set[str]]) -> str:
    order = list(dict.fromkeys(step for step, _ in ways))
    tables = []
    for events in TABLES:
        lines = [f"| step | {' | '.join(events)} |", "| --- |" + " --- |" * len(events)]
        for step in order:
            cells = [cell(ways[step, event], order) for event in events]
            if set(cells) != {"·"}:
                lines.append(f"| {step} | {' | '.join(cells)} |")
        tables.append("\n".join(lines))
    return "\n\n".join(tables)


def test_the_document_holds_the_table(ways, request):
    table = render(ways)
    text = DOCUMENT.read_text(encoding="utf-8")
    begin, end = "so that a double click enrolls once.\n\n", "\n\n## Who is logged in"
    before, rest = text.split(begin)
    written, after = rest.split(end)
    if request.config.getoption("--write-snapshots"):
        DOCUMENT.write_text(before + begin + table + end + after, encoding="utf-8")
        written = table
    assert written == table, "python -m pytest --write-snapshots writes it anew."


def test_the_drawing_shows_what_can_happen(ways):
    [drawing] = re.findall(r"```mermaid\nstateDiagram-v2\n(.*?)```", DOCUMENT.read_text(encoding="utf-8"), re.DOTALL)
    # Mermaid takes no hyphens in names.
    arrows = [
        (start.replace("_", "-"), end.replace("_", "-"), event)
        for start, end, event in re.findall(r"^ *(\w+) --> (\w+): (.+)$", drawing, re.MULTILINE)
    ]
    for start, end, event in arrows:
        assert end in ways[start, event], (start, event, end)
    assert {step for start, end, _ in arrows for step in (start, end)} == {step for step, _ in ways}
