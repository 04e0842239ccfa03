"""What is advised while a backend's web hook secret is replaced by another."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass

import pytest

from cms_lms.sync.rotation import SILENCE, RotationStep, rotation_advice

NOW = dt.datetime(2027, 3, 31, 12, tzinfo=dt.UTC)


def days_ago(days: float) -> dt.datetime:
    return NOW - dt.timedelta(days=days)


@dataclass
class Made:
    name: str
    created_at: dt.datetime
    last_used_at: dt.datetime | None = None
    is_live: bool = True


def old(used: float | None = None, **kwargs) -> Made:
    return Made("old", days_ago(300), None if used is None else days_ago(used), **kwargs)


def new(used: float | None = None, made: float = 20, **kwargs) -> Made:
    return Made("new", days_ago(made), None if used is None else days_ago(used), **kwargs)


@pytest.mark.parametrize("secrets", [[], [old(1)], [new()], [old(1), new(is_live=False)], [old(is_live=False), new(1)]])
def test_one_live_secret_is_no_rotation(secrets):
    advice = rotation_advice(secrets, now=NOW)

    assert (advice.step, advice.old, advice.new, advice.silent_since) == (
        RotationStep.NOTHING_TO_ROTATE,
        None,
        None,
        None,
    )
    assert not advice.may_retire_old


@pytest.mark.parametrize("used", [None, 0, 250])
def test_a_new_secret_that_signed_nothing_has_to_be_entered_at_the_lms(used):
    advice = rotation_advice([old(used), new()], now=NOW)

    assert advice.step is RotationStep.NEW_ONE_UNUSED
    assert not advice.may_retire_old


@pytest.mark.parametrize(
    ("old_used", "new_used"),
    [
        (0, 1),  # another sender still has the old one
        (1, 0),  # changed a day ago
        (6.9, 0),
        (15, 15),  # the new one was tried once, and no call has come since
        (30, 19.9),  # was silent already before there was a new one, which was used once
        (None, 13.1),
    ],
)
def test_the_old_one_stays_while_it_cannot_be_told_that_it_is_silent(old_used, new_used):
    advice = rotation_advice([old(old_used), new(new_used)], now=NOW)

    assert advice.step is RotationStep.OLD_ONE_IN_USE
    assert not advice.may_retire_old


@pytest.mark.parametrize(("old_used", "new_used", "since"), [(7, 0, 7), (15, 2, 15), (30, 13, 20), (None, 0, 20)])
def test_the_old_one_may_go_after_a_week_of_calls_with_the_new_one_alone(old_used, new_used, since):
    advice = rotation_advice([new(new_used), old(old_used)], now=NOW)

    assert advice.step is RotationStep.OLD_ONE_SILENT
    assert advice.may_retire_old
    assert (advice.old.name, advice.new.name) == ("old", "new")
    assert advice.silent_since == days_ago(since)


def test_a_use_in_the_future_is_no_silence():
    advice = rotation_advice([old(1), new(used=-SILENCE.days)], now=NOW)

    assert advice.step is RotationStep.OLD_ONE_IN_USE
