"""The state of a course run as a database expression, for filtering and sorting.

The twin of ``cms_lms.runs.state.compute_state``: both are run over tests/runs/state_cases.json.
"""

from __future__ import annotations

import datetime as dt

from django.db.models import Case, PositiveSmallIntegerField, Q, Value, When

from cms_lms.runs.state import NEVER_YEAR

_NEVER = dt.datetime(NEVER_YEAR, 1, 1, tzinfo=dt.UTC)


def state_priority(now: dt.datetime) -> Case:
    """Return the expression for ``compute_state(…, now=now).priority``; ``now`` is aware.

    Conditions are written without negation, since a comparison with a missing date is neither true nor
    false in SQL.
    """
    unscheduled = _is_never("start") | _is_never("enrollment_start")
    started = Q(start__lt=now)
    ended = started & Q(end__lte=now, end__lt=_NEVER)
    deadline_passed = Q(enrollment_end__lte=now, enrollment_end__lt=_NEVER)
    return Case(
        When(unscheduled, then=Value(7)),
        When(ended & (Q(enrollment_start__gte=now) | deadline_passed), then=Value(6)),
        When(ended, then=Value(2)),
        When(enrollment_start__gt=now, then=Value(3)),
        When(started & deadline_passed, then=Value(5)),
        When(started, then=Value(0)),
        When(deadline_passed, then=Value(4)),
        default=Value(1),
        output_field=PositiveSmallIntegerField(),
    )


def _is_never(field: str) -> Q:
    return Q(**{f"{field}__isnull": True}) | Q(**{f"{field}__gte": _NEVER})
