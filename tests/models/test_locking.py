"""Runs are locked as Django's own query would lock them."""

from __future__ import annotations

import pytest
from django.db import connection, transaction

from cms_lms.models import CourseRun, locking
from tests.factories import make_course, make_run

pytestmark = pytest.mark.django_db


@pytest.fixture
def runs():
    course = make_course()
    return [make_run(course=course, languages=["en", "fr"], price="12.50") for _number in range(3)]


def test_the_rows_are_those_of_djangos_query_column_by_column(runs):
    keys = [run.resource_key for run in runs]
    locked = CourseRun.objects.lock(keys)
    assert list(locked) == sorted(keys)
    for run in CourseRun.objects.filter(resource_key__in=keys):
        twin = locked[run.resource_key]
        for field in CourseRun._meta.concrete_fields:
            value, expected = getattr(twin, field.attname), getattr(run, field.attname)
            assert (value, type(value)) == (expected, type(expected)), field.attname
        assert twin._state.db == "default"
        assert not twin._state.adding


def test_one_query_locks_them_all_in_order(runs, django_assert_num_queries):
    keys = [run.resource_key for run in runs]
    with django_assert_num_queries(1) as captured:
        CourseRun.objects.lock([*keys, *keys, "unknown"])
    sql = captured.captured_queries[0]["sql"]
    assert "ORDER BY" in sql
    assert "FOR UPDATE" in sql or not connection.features.has_select_for_update


def test_no_keys_no_query(django_assert_num_queries):
    with django_assert_num_queries(0):
        assert CourseRun.objects.lock([]) == {}


def test_the_number_of_statements_kept_is_bounded(runs):
    for count in range(1, 2 * locking.MAX_STATEMENTS):
        CourseRun.objects.lock([f"unknown {number}" for number in range(count)])
    assert len(locking._statements.built) <= locking.MAX_STATEMENTS
    assert set(CourseRun.objects.lock([runs[0].resource_key])) == {runs[0].resource_key}


def test_a_locked_row_saves_as_any_other(runs):
    with transaction.atomic():
        run = CourseRun.objects.lock([runs[0].resource_key])[runs[0].resource_key]
        run.title = "Locked"
        run.save()
    assert CourseRun.objects.get(pk=run.pk).title == "Locked"
