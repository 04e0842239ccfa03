"""The dates of runs in every state, around one moment."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

NOW = datetime(2026, 11, 23, 12, tzinfo=UTC)


def days(start: int | None, end: int | None, enrollment_start: int | None, enrollment_end: int | None) -> dict:
    """Return the four dates, in days from now."""
    names = ("start", "end", "enrollment_start", "enrollment_end")
    offsets = (start, end, enrollment_start, enrollment_end)
    return {
        name: None if offset is None else NOW + timedelta(days=offset)
        for name, offset in zip(names, offsets, strict=True)
    }


STATES = {
    "ongoing, open": days(-10, 10, -20, 5),
    "future, open": days(10, 20, -5, 5),
    "archived, open": days(-30, -10, -40, 5),
    "future, not yet open": days(10, 20, 5, 8),
    "future, closed": days(10, 20, -20, -5),
    "ongoing, closed": days(-10, 10, -20, -5),
    "archived, closed": days(-30, -10, -40, -20),
    "to be scheduled": days(None, None, None, None),
}
