"""The LMS's rate limits: REST framework's sliding window of a minute, by the LMS's own clock."""

import math
import threading
from collections import deque
from datetime import datetime, timedelta

from werkzeug.wrappers import Response

from .responses import Refusal, detail

WINDOW = timedelta(minutes=1)


class Throttle:
    """Counts the calls of each user in each scope. A refused call does not count."""

    def __init__(self) -> None:
        self._calls: dict[tuple[str, str], deque[datetime]] = {}
        self._lock = threading.Lock()

    def check(self, scope: str, user: str, limit: int, now: datetime) -> None:
        """Count one call, or raise a Refusal with 429 and `Retry-After` in whole seconds."""
        with self._lock:
            calls = self._calls.setdefault((scope, user), deque())
            # A clock that was set back leaves calls in the future: they are forgotten too.
            while calls and (calls[0] <= now - WINDOW or calls[0] > now):
                calls.popleft()
            if len(calls) < limit:
                calls.append(now)
                return
            wait = math.ceil((calls[0] + WINDOW - now).total_seconds())
        raise Refusal(throttled(wait))

    def clear(self) -> None:
        """Forget all calls."""
        with self._lock:
            self._calls.clear()


def throttled(wait: int) -> Response:
    """REST framework's answer to one call too many; `wait` in seconds."""
    unit = "second" if wait == 1 else "seconds"
    response = detail(f"Request was throttled. Expected available in {wait} {unit}.", 429)
    response.headers["Retry-After"] = str(wait)
    return response
