"""How often somebody may call: counted in the site's cache, in periods of fixed length.

A cache that does not answer limits nobody: losing a run is worse than hashing a few bodies.
"""

from __future__ import annotations

import datetime as dt
import hashlib
import logging
import re
from dataclasses import dataclass

from django.core.cache import cache

logger = logging.getLogger("cms_lms")

PERIODS = {"second": 1, "minute": 60, "hour": 3600, "day": 86400}

#: Seconds. Senders may block for as long as they are told to wait.
MAX_RETRY_AFTER = 5

_RATE = re.compile(rf"([1-9][0-9]{{0,8}})/({'|'.join(PERIODS)})", re.ASCII)


class InvalidRate(ValueError):
    """The text is no rate."""


@dataclass(frozen=True)
class Rate:
    """So many calls in so many seconds."""

    calls: int
    seconds: int

    @classmethod
    def parse(cls, text: str) -> Rate:
        """Return the rate that a text such as ``60/minute`` names. Raises ``InvalidRate``."""
        match = _RATE.fullmatch(text)
        if match is None:
            raise InvalidRate(text)
        return cls(int(match[1]), PERIODS[match[2]])


class RateLimit:
    """A limit for one ``who``, at the moment ``now``; none without a rate, or for a blank ``who``."""

    def __init__(self, what: str, rate: str | None, who: str, now: dt.datetime) -> None:
        self._rate = Rate.parse(rate) if rate and who else None
        if self._rate is not None:
            seconds = int(now.timestamp())
            self._rest = self._rate.seconds - seconds % self._rate.seconds
            name = hashlib.sha256(who.encode(errors="surrogatepass")).hexdigest()
            self._key = f"cms_lms.sync.{what}.{seconds // self._rate.seconds}.{name}"

    @property
    def seconds_left(self) -> int:
        """Seconds until the period ends, and counting begins anew; 0 without a limit."""
        return 0 if self._rate is None else self._rest

    @property
    def retry_after(self) -> int:
        """Seconds after which a sender is told to come back."""
        return min(self._rest, MAX_RETRY_AFTER)

    def is_reached(self) -> bool:
        """Return whether no further call is allowed in this period."""
        if self._rate is None:
            return False
        try:
            return (cache.get(self._key) or 0) >= self._rate.calls
        except Exception as error:  # noqa: BLE001  (each cache has its own)
            self._log(error)
            return False

    def count(self) -> bool:
        """Count a call; return whether it is the one that reached the limit."""
        if self._rate is None:
            return False
        try:
            cache.add(self._key, 0, self._rate.seconds)
            return cache.incr(self._key) == self._rate.calls
        except Exception as error:  # noqa: BLE001  (as above, or what was added is gone already)
            self._log(error)
            return False

    def _log(self, error: Exception) -> None:
        logger.warning("The cache could not count calls (%s): nobody is limited.", type(error).__name__)
