"""The state of a course run at a moment, as a pure function of its four dates.

`compute_state` is the table "State" of the wire protocol, `display_state` what learners are told of it. The browser
holds a twin of both (static/cms_lms/js/run-state.js), run over the same table of cases (tests/runs/state_cases.json).
Nothing here asks the clock: `now` comes in.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

OPEN_FOR_ENROLLMENT = "open for enrollment"
FOREVER_OPEN = "forever open"
STARTING_ON = "starting on"
ENROLLMENT_OPENS_ON = "enrollment opens on"
ON_GOING = "on-going"
CLOSING_ON = "closing on"
ARCHIVED = "archived"
ENROLLMENT_CLOSED = "enrollment closed"
TO_BE_SCHEDULED = "to be scheduled"

ENROLL_NOW = "enroll now"
STUDY_NOW = "study now"

LABELS: dict[str, Promise] = {
    OPEN_FOR_ENROLLMENT: _("open for enrollment"),
    FOREVER_OPEN: _("forever open"),
    STARTING_ON: _("starting on"),
    ENROLLMENT_OPENS_ON: _("enrollment opens on"),
    ON_GOING: _("on-going"),
    CLOSING_ON: _("closing on"),
    ARCHIVED: _("archived"),
    ENROLLMENT_CLOSED: _("enrollment closed"),
    TO_BE_SCHEDULED: _("to be scheduled"),
}

# Senders write "never" as a date in this year.
NEVER_YEAR = 9999

# Open edX writes "not scheduled" as a date on this day, in UTC (its DEFAULT_START_DATE).
PLACEHOLDER_DAY = date(2030, 1, 1)

# The table compares strictly ("s < now"), so some changes come one tick after a date: as fine as `datetime` resolves.
TICK = timedelta(microseconds=1)


@dataclass(frozen=True, slots=True)
class State:
    """What a run is at one moment. `text` and `call_to_action` are stable English keys, not for display."""

    priority: int
    text: str
    call_to_action: str | None = None
    datetime: datetime | None = None

    @property
    def label(self) -> Promise:
        """The text in the language of the reader."""
        return LABELS[self.text]


_TO_BE_SCHEDULED = State(7, TO_BE_SCHEDULED)
_ONGOING_OPEN = State(0, OPEN_FOR_ENROLLMENT, ENROLL_NOW)
_ONGOING_FOREVER_OPEN = State(0, FOREVER_OPEN, ENROLL_NOW)
_ONGOING_CLOSED = State(5, ON_GOING)
_ARCHIVED_FOREVER_OPEN = State(2, FOREVER_OPEN, STUDY_NOW)
_ARCHIVED_CLOSED = State(6, ARCHIVED)
_FUTURE_OPEN = State(1, OPEN_FOR_ENROLLMENT, ENROLL_NOW)
_FUTURE_CLOSED = State(4, ENROLLMENT_CLOSED)


def compute_state(
    start: datetime | None,
    end: datetime | None,
    enrollment_start: datetime | None,
    enrollment_end: datetime | None,
    *,
    now: datetime,
) -> State:
    """Return the state of a run with these dates (aware, or None) at `now` (aware).

    Total: any combination of dates has a state, also an end before the start.
    """
    start, end = _or_never(start), _or_never(end)
    enrollment_start, enrollment_end = _or_never(enrollment_start), _or_never(enrollment_end)

    if start is None or enrollment_start is None:
        return _TO_BE_SCHEDULED
    started = start < now
    ended = started and end is not None and end <= now
    deadline_ahead = enrollment_end is None or now < enrollment_end

    if enrollment_start > now and not ended:
        if started:
            return State(3, ENROLLMENT_OPENS_ON, None, enrollment_start)
        return State(3, STARTING_ON, None, start)
    if ended:
        if enrollment_start < now and deadline_ahead:
            if enrollment_end is None:
                return _ARCHIVED_FOREVER_OPEN
            return State(2, CLOSING_ON, STUDY_NOW, enrollment_end)
        return _ARCHIVED_CLOSED
    if started:
        if not deadline_ahead:
            return _ONGOING_CLOSED
        return _ONGOING_FOREVER_OPEN if enrollment_end is None else _ONGOING_OPEN
    if deadline_ahead:
        return State(1, STARTING_ON, ENROLL_NOW, start)
    return _FUTURE_CLOSED


def is_unscheduled(moment: datetime | None) -> bool:
    """Whether a date of a run says that it has none yet: nothing, "never", or what Open edX writes for it."""
    moment = _or_never(moment)
    return moment is None or _is_placeholder(moment)


def display_state(
    start: datetime | None,
    end: datetime | None,
    enrollment_start: datetime | None,
    enrollment_end: datetime | None,
    *,
    now: datetime,
) -> State:
    """Return the state as learners are told it: as ``compute_state``, without a date ahead that is a placeholder.

    It changes at no other moments. A run that is open stays open while its start is to be announced.
    """
    state = compute_state(start, end, enrollment_start, enrollment_end, now=now)
    if state.priority == 3 and is_unscheduled(enrollment_start):
        return _TO_BE_SCHEDULED
    if state.text == STARTING_ON and is_unscheduled(start):
        return _FUTURE_OPEN if state.call_to_action else State(3, ENROLLMENT_OPENS_ON, None, enrollment_start)
    return state


def next_change(
    start: datetime | None,
    end: datetime | None,
    enrollment_start: datetime | None,
    enrollment_end: datetime | None,
    *,
    now: datetime,
) -> datetime | None:
    """Return the first moment after `now` at which the state is another one, or None if it stays as it is.

    Exact to the microsecond: the state is the same from `now` until just before the moment returned.
    """
    dates = (start, end, enrollment_start, enrollment_end)
    known = [date for date in map(_or_never, dates) if date is not None]
    moments = sorted(moment for date in known for moment in (date, date + TICK) if moment > now)
    if not moments:
        return None
    current = compute_state(*dates, now=now)
    return next((moment for moment in moments if compute_state(*dates, now=moment) != current), None)


def _or_never(date: datetime | None) -> datetime | None:
    """Return None for a date in the year that stands for never, in UTC, as the browser reads it."""
    if date is None or date.year < NEVER_YEAR - 1:
        return date
    try:
        return None if date.astimezone(UTC).year >= NEVER_YEAR else date
    except OverflowError:  # the last hours of 9999, west of Greenwich
        return None


def _is_placeholder(moment: datetime) -> bool:
    # Other years are told apart first: the ends of time have no equivalent in UTC.
    return abs(moment.year - PLACEHOLDER_DAY.year) <= 1 and moment.astimezone(UTC).date() == PLACEHOLDER_DAY
