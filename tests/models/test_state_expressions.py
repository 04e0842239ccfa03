"""The database tells the same state as ``compute_state``, case by case."""

from __future__ import annotations

import itertools
import json
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from cms_lms.models import CourseRun
from cms_lms.runs.fields import DATE_FIELDS
from cms_lms.runs.state import compute_state
from tests.factories import make_course

ALL_CASES = json.loads((Path(__file__).parents[1] / "runs" / "state_cases.json").read_text())

pytestmark = pytest.mark.django_db


def parse(value):
    return None if value is None else datetime.fromisoformat(value)


def fits_in_a_database(case):
    """Whether all dates of a case exist in UTC; the last hours of 9999 west of Greenwich do not."""
    try:
        return all(date.astimezone(UTC) for date in map(parse, (case[name] for name in DATE_FIELDS)) if date)
    except OverflowError:
        return False


CASES = [case for case in ALL_CASES if fits_in_a_database(case)]


def make_runs(rows):
    course = make_course()
    runs = []
    for number, dates in enumerate(rows):
        run = CourseRun(course=course, resource_link=f"https://lms.example.com/{number}", **dates)
        run.resource_key = str(number)
        runs.append(run)
    return CourseRun.objects.bulk_create(runs)


def test_shared_cases():
    assert len(CASES) > 0.9 * len(ALL_CASES)
    runs = make_runs([{date: parse(case[date]) for date in DATE_FIELDS} for case in CASES])
    for case, run in zip(CASES, runs, strict=True):
        now, expected = parse(case["now"]), case["expected"]["priority"]
        assert CourseRun.objects.with_state(now).get(pk=run.pk).state_priority == expected, case["name"]
        assert run in CourseRun.objects.in_state(expected, now), case["name"]


def test_every_combination_of_near_dates():
    now = datetime(2024, 6, 15, 12, tzinfo=UTC)
    moments = [None, now - timedelta(days=1), now - timedelta(microseconds=1), now, now + timedelta(microseconds=1)]
    moments.append(datetime(9999, 12, 31, 23, 59, 59, tzinfo=UTC))
    rows = [dict(zip(DATE_FIELDS, dates, strict=True)) for dates in itertools.product(moments, repeat=4)]
    make_runs(rows)
    for run in CourseRun.objects.with_state(now):
        dates = [getattr(run, date) for date in DATE_FIELDS]
        assert run.state_priority == compute_state(*dates, now=now).priority, dates


def test_in_state_is_exclusive():
    now = datetime(2024, 6, 15, 12, tzinfo=UTC)
    make_runs([{date: parse(case[date]) for date in DATE_FIELDS} for case in CASES])
    found = [run.pk for priority in range(8) for run in CourseRun.objects.in_state(priority, now)]
    assert sorted(found) == sorted(CourseRun.objects.values_list("pk", flat=True))
