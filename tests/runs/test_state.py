"""The state of a run: the shared table of cases, and what holds whatever the dates."""

from __future__ import annotations

import itertools
import json
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from cms_lms.runs.state import LABELS, TICK, State, compute_state, display_state, is_unscheduled, next_change

CASES = json.loads((Path(__file__).parent / "state_cases.json").read_text())
DATES = ("start", "end", "enrollment_start", "enrollment_end")
NOW = datetime(2024, 6, 15, 12, tzinfo=UTC)

CALLS_TO_ACTION = {0: "enroll now", 1: "enroll now", 2: "study now"}
TEXTS = {
    0: {"open for enrollment", "forever open"},
    1: {"starting on"},
    2: {"closing on", "forever open"},
    3: {"starting on", "enrollment opens on"},
    4: {"enrollment closed"},
    5: {"on-going"},
    6: {"archived"},
    7: {"to be scheduled"},
}


def parse(value: str | None) -> datetime | None:
    return None if value is None else datetime.fromisoformat(value)


@pytest.mark.parametrize("case", CASES, ids=[case["name"] for case in CASES])
def test_case(case):
    state = compute_state(*(parse(case[date]) for date in DATES), now=parse(case["now"]))
    expected = case["expected"]
    assert state == State(
        expected["priority"], expected["text"], expected["call_to_action"], parse(expected["datetime"])
    )


@pytest.mark.parametrize("case", CASES, ids=[case["name"] for case in CASES])
def test_case_as_learners_are_told_it(case):
    state = display_state(*(parse(case[date]) for date in DATES), now=parse(case["now"]))
    told = case.get("display", case["expected"])
    assert state == State(told["priority"], told["text"], told["call_to_action"], parse(told["datetime"]))


def test_the_cases_reach_every_row():
    assert {case["expected"]["priority"] for case in CASES} == set(range(8))
    assert {case["expected"]["text"] for case in CASES} == set(LABELS)


def test_label_is_the_text_for_readers():
    assert str(State(6, "archived").label) == "archived"


# Few distinct moments, one tick apart and far apart, so that dates often meet each other and `now`.
near = st.integers(-3, 3).map(lambda ticks: NOW + ticks * TICK)
far = st.integers(-400, 400).map(lambda days: NOW + timedelta(days=days))
odd = st.sampled_from(
    [
        datetime.min.replace(tzinfo=UTC),
        datetime.min.replace(tzinfo=timezone(timedelta(hours=14))),
        datetime.max.replace(tzinfo=UTC),
        datetime.max.replace(tzinfo=timezone(-timedelta(hours=12))),
        datetime(9998, 12, 31, 23, 59, 59, 999999, tzinfo=UTC),
        datetime(9999, 1, 1, tzinfo=timezone(timedelta(hours=1))),
        datetime(2030, 1, 1, tzinfo=UTC),
        datetime(2030, 1, 2, tzinfo=timezone(timedelta(hours=2))),
    ]
)
date = st.none() | near | far | odd | st.datetimes(timezones=st.just(UTC))
dates = st.tuples(date, date, date, date)
moment = near | far


@given(dates, moment)
def test_every_combination_of_dates_has_a_state(dates, now):
    state = compute_state(*dates, now=now)
    assert state.text in TEXTS[state.priority]
    assert state.call_to_action == CALLS_TO_ACTION.get(state.priority)
    assert state.datetime is None or state.datetime in dates
    assert (state.datetime is not None) == (state.text in {"starting on", "enrollment opens on", "closing on"})


@given(dates, moment)
def test_open_means_between_the_enrollment_dates(dates, now):
    state = compute_state(*dates, now=now)
    enrollment_start, enrollment_end = dates[2:]
    if state.call_to_action:
        assert enrollment_start <= now
        assert enrollment_end is None or enrollment_end > now


@given(dates, moment, st.integers(0, 10_000))
@example((None, None, None, None), NOW, 0)
def test_the_state_is_constant_until_the_next_change(dates, now, permille):
    state = compute_state(*dates, now=now)
    change = next_change(*dates, now=now)
    horizon = change if change is not None else NOW + timedelta(days=1000)
    between = now + (horizon - TICK - now) * (permille / 10_000)
    assert compute_state(*dates, now=between) == state
    assert compute_state(*dates, now=horizon - TICK) == state
    if change is None:
        assert compute_state(*dates, now=datetime(9998, 12, 31, 23, 59, 59, tzinfo=UTC)) == state or any(
            known and known.year == 9998 for known in dates
        )
    else:
        assert change > now
        assert compute_state(*dates, now=change) != state


@given(dates, moment)
def test_learners_are_told_of_no_placeholder_and_no_other_changes(dates, now):
    state, change = display_state(*dates, now=now), next_change(*dates, now=now)
    if state.text in {"starting on", "enrollment opens on"}:
        assert not is_unscheduled(state.datetime) or state.datetime <= now
    assert state.call_to_action == compute_state(*dates, now=now).call_to_action
    if change is not None:
        assert display_state(*dates, now=change - TICK) == state


@given(dates, moment)
def test_following_the_changes_comes_to_an_end(dates, now):
    states = [compute_state(*dates, now=now)]
    while (change := next_change(*dates, now=now)) is not None:
        now = change
        states.append(compute_state(*dates, now=now))
        assert len(states) <= 9
    assert all(earlier != later for earlier, later in itertools.pairwise(states))


@pytest.mark.parametrize(
    ("dates", "change"),
    [
        # Opens at the very moment enrollment starts, is ongoing one tick after the start.
        ((NOW + timedelta(days=2), None, NOW + timedelta(days=1), None), NOW + timedelta(days=1)),
        ((NOW + timedelta(days=2), None, NOW - timedelta(days=1), None), NOW + timedelta(days=2) + TICK),
        ((NOW - timedelta(days=2), None, NOW - timedelta(days=1), NOW + timedelta(days=1)), NOW + timedelta(days=1)),
        ((NOW - timedelta(days=2), NOW - timedelta(days=1), NOW - timedelta(days=1), None), None),
        ((None, None, None, None), None),
        # A date passes, yet nothing changes: the deadline of a run that is not scheduled.
        ((None, None, None, NOW + timedelta(days=1)), None),
    ],
)
def test_next_change(dates, change):
    assert next_change(*dates, now=NOW) == change
