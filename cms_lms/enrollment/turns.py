"""One after the other: who writes the same thing at the same moment waits for the other to finish.

Kept in the site's cache, for as long as a writer may take at most. Where the cache is of one process alone, or does not
answer, nobody waits: what is written has to be harmless when it is written twice.
"""

from __future__ import annotations

import hashlib
import logging
import secrets
import time
from types import TracebackType
from typing import Self

from django.core.cache import cache

logger = logging.getLogger("cms_lms")

#: Seconds between two looks.
LOOK = 0.05


class NoTurn(Exception):
    """The other one took too long."""


class Turn:
    """A context that only one at a time is in, for each ``what``; ``seconds``: how long to wait, and to stay."""

    def __init__(self, what: str, *, seconds: float) -> None:
        self._key = f"cms_lms.turn.{hashlib.sha256(what.encode(errors='surrogatepass')).hexdigest()}"
        self._seconds = seconds
        self._mark = secrets.token_hex(8)

    def __enter__(self) -> Self:
        """Wait for the turn. Raises ``NoTurn``."""
        ends_at = time.monotonic() + self._seconds
        while not self._take():
            if time.monotonic() > ends_at:
                raise NoTurn
            time.sleep(LOOK)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        try:
            # Whoever overstayed must not end another's turn.
            if cache.get(self._key) == self._mark:
                cache.delete(self._key)
        except Exception as failure:  # noqa: BLE001  (each cache has its own)
            self._log(failure)

    def _take(self) -> bool:
        try:
            return cache.add(self._key, self._mark, self._seconds + 1)
        except Exception as failure:  # noqa: BLE001  (as above)
            self._log(failure)
            return True

    @staticmethod
    def _log(failure: Exception) -> None:
        logger.warning("The cache keeps no order (%s): nobody waits for another.", type(failure).__name__)
