"""run-state.js gives the answers of cms_lms/runs/state.py, over the same table of cases."""

from __future__ import annotations

import json
import random
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from cms_lms.runs.state import compute_state, next_change

CASES = json.loads((Path(__file__).parents[1] / "runs" / "state_cases.json").read_text())

COMPUTE = """
async (cases) => {
  const { computeState, displayState, nextChange, parseDate } = await import("/static/cms_lms/js/run-state.js");
  return cases.map((run) => {
    const dates = {
      start: parseDate(run.start),
      end: parseDate(run.end),
      enrollmentStart: parseDate(run.enrollment_start),
      enrollmentEnd: parseDate(run.enrollment_end),
    };
    const now = new Date(run.now);
    const told = ({ priority, text, callToAction, datetime }) =>
      ({ priority, text, call_to_action: callToAction, datetime: datetime?.getTime() ?? null });
    return {
      ...told(computeState(dates, now)),
      display: told(displayState(dates, now)),
      next_change: nextChange(dates, now)?.getTime() ?? null,
    };
  });
}
"""

pytestmark = pytest.mark.browser


def milliseconds(value: str | datetime | None) -> int | None:
    moment = datetime.fromisoformat(value) if isinstance(value, str) else value
    return None if moment is None else round((moment - datetime(1970, 1, 1, tzinfo=UTC)) / timedelta(milliseconds=1))


@pytest.fixture
def compute(page, site):
    site.pages["/"] = "<!doctype html><title>Empty</title>"
    page.goto(site.url)
    return lambda cases: page.evaluate(COMPUTE, cases)


def test_the_table_of_cases(compute):
    for case, answer in zip(CASES, compute(CASES), strict=True):
        answer.pop("next_change")
        shown = answer.pop("display")
        for found, expected in ((answer, case["expected"]), (shown, case.get("display", case["expected"]))):
            assert found == {**expected, "datetime": milliseconds(expected["datetime"])}, case["name"]


def test_as_the_server_for_dates_that_meet(compute):
    chance = random.Random(20240615)  # noqa: S311
    now = datetime(2024, 6, 15, 12, tzinfo=UTC)
    names = ("start", "end", "enrollment_start", "enrollment_end")
    cases = []
    for _ in range(2000):
        dates = [chance.choice([None, *(now + timedelta(hours=hours) for hours in range(-3, 4))]) for _ in names]
        cases.append(dict(zip(names, dates, strict=True)))
    written = [{name: date and date.isoformat() for name, date in case.items()} for case in cases]
    answers = compute([{**case, "now": now.isoformat()} for case in written])
    for case, answer in zip(cases, answers, strict=True):
        state, change = compute_state(*case.values(), now=now), next_change(*case.values(), now=now)
        assert (answer["priority"], answer["text"]) == (state.priority, state.text)
        assert answer["call_to_action"] == state.call_to_action
        assert answer["datetime"] == milliseconds(state.datetime)
        # A tick is a microsecond on the server, a millisecond in the browser.
        tick = timedelta(microseconds=999) if change and change.microsecond else timedelta()
        assert answer["next_change"] == milliseconds(change and change + tick)


def test_what_is_no_date_is_no_date(compute):
    nonsense = {"start": "soon", "end": "", "enrollment_start": "0000", "enrollment_end": "null"}
    answer = compute([{**nonsense, "now": "2024-06-15T12:00:00Z"}])[0]
    assert answer["text"] == "to be scheduled"
