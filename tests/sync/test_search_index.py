"""Course runs are found by search once their transaction is committed."""

import datetime as dt

import pytest
from wagtail.search.backends import get_search_backend

from cms_lms.models import CourseRun
from tests.factories import make_backend, make_course, make_run
from tests.sync.payloads import payload

pytestmark = pytest.mark.django_db


def found(words: str) -> list[CourseRun]:
    """Return the runs that a search finds."""
    return list(get_search_backend().search(words, CourseRun.objects.filter(live=True)))


def test_a_run_that_the_lms_sent_is_found(post):
    make_backend()
    make_course(code="DemoX", title="Demonstration")

    post(payload())

    assert found("Demonstration") == [CourseRun.objects.get()]


def test_a_run_that_staff_published_is_found_until_it_is_deleted(django_capture_on_commit_callbacks):
    make_backend()
    with django_capture_on_commit_callbacks(execute=True):
        run = make_run(title="Spring edition")
    assert found("Spring") == [run]

    run.delete()

    assert found("Spring") == []


def test_nothing_is_indexed_before_the_transaction_is_committed(django_capture_on_commit_callbacks):
    make_backend()
    with django_capture_on_commit_callbacks(execute=False):
        make_run(title="Spring edition", start=dt.datetime(2027, 1, 1, tzinfo=dt.UTC))

    assert found("Spring") == []
