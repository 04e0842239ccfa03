"""Values arrive out of order: of senders that say of when they are, the newest win."""

from __future__ import annotations

import datetime as dt

import pytest

from cms_lms.models import CourseRun, LMSBackend
from cms_lms.models.delivery import Outcome
from cms_lms.sync.engine import synchronize
from cms_lms.sync.results import ItemResult
from cms_lms.sync.secrets import Signer
from tests.factories import make_backend, make_course
from tests.sync.payloads import payload

pytestmark = pytest.mark.django_db

NOON = dt.datetime(2026, 11, 1, 12, tzinfo=dt.UTC)
LATER, EARLIER = NOON + dt.timedelta(minutes=1), NOON - dt.timedelta(minutes=1)

#: Of the two that follow the first call, one year each by which they are told apart.
FIRST, SECOND = "2028-01-01T00:00:00Z", "2029-01-01T00:00:00Z"


@pytest.fixture(autouse=True)
def backend(db):
    make_course(code="DemoX")
    return make_backend()


def apply(event_at: dt.datetime | None, **fields) -> ItemResult:
    """Apply the values of a moment."""
    (result,) = synchronize(
        [payload(**fields)], signer=Signer("test"), now=LATER, event_at=event_at, journal=lambda results: None
    )
    return result


def get() -> CourseRun:
    return CourseRun.objects.get()


@pytest.mark.parametrize("mode", ["sync_to_public", "sync_to_draft"])
def test_older_values_change_nothing_and_say_why(mode):
    LMSBackend.objects.update(default_sync_mode=mode)
    apply(NOON)
    before = CourseRun.objects.values().get()

    result = apply(EARLIER, end=SECOND, enrollment_count=7)

    assert (result.outcome, result.changes) == (Outcome.IGNORED, {})
    assert result.reason == "The call is older than the one that was last applied to this run."
    assert CourseRun.objects.values().get() == before


@pytest.mark.parametrize("event_at", [NOON, LATER], ids=["of the same moment", "newer"])
def test_values_that_are_not_older_are_applied(event_at):
    apply(NOON)

    assert apply(event_at, end=SECOND).outcome == Outcome.UPDATED
    assert (get().last_event_at, get().end.year) == (event_at, 2029)


def test_a_newer_repeat_is_remembered_so_that_what_comes_late_is_ignored():
    apply(EARLIER)

    assert apply(LATER).outcome == Outcome.UNCHANGED
    assert get().last_event_at == LATER
    assert apply(NOON, end=SECOND).outcome == Outcome.IGNORED


def test_a_sender_without_times_is_applied_as_it_comes_and_leaves_them_alone():
    apply(NOON)

    assert apply(None, end=FIRST).outcome == Outcome.UPDATED
    assert (get().end.year, get().last_event_at) == (2028, NOON)
    assert apply(EARLIER, end=SECOND).outcome == Outcome.IGNORED
    assert apply(LATER, end=SECOND).outcome == Outcome.UPDATED


def test_wrong_fields_are_refused_however_old_they_are():
    apply(NOON)

    assert apply(EARLIER, end=3).outcome == Outcome.REFUSED


def test_a_refusal_leaves_the_time_alone():
    apply(EARLIER)
    apply(LATER, end=3)

    assert apply(NOON, end=SECOND).outcome == Outcome.UPDATED


def test_no_publication_takes_the_time_back():
    apply(EARLIER)
    apply(NOON, end=SECOND)
    get().latest_revision.publish()

    assert get().last_event_at == NOON
