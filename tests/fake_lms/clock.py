"""The LMS's own clock: enrollment windows, throttles and tokens read it, so that tests move time instead of waiting."""

import time
from datetime import UTC, datetime, timedelta


class Clock:
    """Follows real time until it is set; once set it goes on from there, or stands still when frozen."""

    def __init__(self) -> None:
        self.reset()

    def reset(self) -> None:
        """Back to real time."""
        self._start: datetime | None = None
        self._offset = timedelta(0)
        self.frozen = False

    def now(self) -> datetime:
        """The current moment on the LMS, in UTC."""
        if self._start is None:
            return datetime.now(UTC) + self._offset
        elapsed = 0.0 if self.frozen else time.monotonic() - self._set_at
        return self._start + timedelta(seconds=elapsed) + self._offset

    def set(self, moment: datetime | str, *, frozen: bool = False) -> None:
        """Make it `moment` (aware, or ISO 8601; naive means UTC). Raises ValueError for text that is no date."""
        if not isinstance(moment, datetime):
            moment = datetime.fromisoformat(moment)
        self._start = moment.astimezone(UTC) if moment.tzinfo else moment.replace(tzinfo=UTC)
        self._set_at = time.monotonic()
        self._offset = timedelta(0)
        self.frozen = frozen

    def advance(self, seconds: float) -> None:
        """Move `seconds` ahead (or back, when negative), frozen or not."""
        self._offset += timedelta(seconds=seconds)
