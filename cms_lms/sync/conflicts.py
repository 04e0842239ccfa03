"""Conflicts of transactions, and doing again what lost one.

Databases resolve some conflicts by refusing one of the two: a deadlock, a serialisation failure, SQLite's locked
file. The one that was refused is to try again at once, and no sender need hear of it.
"""

from __future__ import annotations

import random
import time
from collections.abc import Callable, Iterator
from typing import TypeVar

from django.db import DatabaseError, connection

T = TypeVar("T")

#: How often something is tried before whoever asked for it is told that it failed.
ATTEMPTS = 8

#: The longest pause before the second attempt, in seconds; it doubles with each further one, to a second at most.
FIRST_PAUSE = 0.02
LONGEST_PAUSE = 1.0

#: PostgreSQL's conditions: serialization_failure, deadlock_detected, lock_not_available.
CONFLICT_STATES = frozenset({"40001", "40P01", "55P03"})

#: MariaDB's errors: deadlock found, lock wait timeout exceeded, record has changed since last read.
CONFLICT_NUMBERS = frozenset({1213, 1205, 1020})

#: SQLite's primary result codes: SQLITE_BUSY, SQLITE_LOCKED.
CONFLICT_CODES = frozenset({5, 6})


def is_conflict(error: DatabaseError) -> bool:
    """Return whether the same statements may well succeed when they are sent again, in a new transaction."""
    cause = error.__cause__
    return (
        getattr(cause, "sqlstate", None) in CONFLICT_STATES
        or (bool(error.args) and error.args[0] in CONFLICT_NUMBERS)
        or ((code := getattr(cause, "sqlite_errorcode", None)) is not None and code & 0xFF in CONFLICT_CODES)
    )


def pauses() -> Iterator[float]:
    """Give the pause after each attempt but the last one, in seconds.

    They are of random length, so that of those who were in each other's way each comes back at another moment.
    """
    for number in range(ATTEMPTS - 1):
        yield random.uniform(0, min(LONGEST_PAUSE, FIRST_PAUSE * 2**number))  # noqa: S311


def despite_conflicts(action: Callable[[], T], *, also: tuple[type[DatabaseError], ...] = ()) -> T:
    """Return what ``action`` returns, which begins its own transaction, and is tried again where that lost a conflict.

    ``also``: other errors that are none when it is done again. Inside a transaction of the caller's a conflict is
    raised at once: it may have cost that one too. Raises ``DatabaseError``.
    """
    for pause in pauses():
        try:
            return action()
        except DatabaseError as error:
            may_succeed = isinstance(error, also) or (is_conflict(error) and not connection.in_atomic_block)
            if not may_succeed:
                raise
        time.sleep(pause)
    return action()
