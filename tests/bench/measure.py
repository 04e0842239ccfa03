"""Calling the whole site as a WSGI server does, timing it in interleaved rounds, and reporting figures."""

from __future__ import annotations

import io
import json
import os
import statistics
import sys
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from django.core.handlers.wsgi import WSGIHandler
from django.db import connection

#: What begins and ends a transaction is not counted as a query.
TRANSACTION_CONTROL = ("BEGIN", "COMMIT", "ROLLBACK")


#: The units of figures whose targets hold for every database.
TARGETED_EVERYWHERE = ("µs", "s", "MiB", "bytes", "points")


@dataclass(frozen=True)
class Figure:
    """One line of the report. ``target`` is in words; ``is_met`` is None where there is none."""

    name: str
    value: float
    unit: str
    minimum: float | None = None
    queries: int | None = None
    target: str | None = None
    ratio_to_floor: float | None = None
    is_met: bool | None = None


class Report:
    """Prints figures as JSON lines, each with where it was measured."""

    def __init__(self, repeat: int) -> None:
        self.repeat = repeat
        self.missed: list[str] = []
        self.database = connection.vendor
        self._place = {"database": self.database, "database_version": database_version(), "cores": os.cpu_count()}

    @property
    def has_targets(self) -> bool:
        """Whether the targets hold for this database: SQLite is reported without."""
        return self.database == "postgresql"

    def add(self, figure: Figure) -> None:
        """Print a figure."""
        if not self.has_targets and figure.unit not in TARGETED_EVERYWHERE:
            figure = Figure(**{**vars(figure), "target": None, "is_met": None})
        if figure.is_met is False:
            self.missed.append(figure.name)
        line = {
            "name": figure.name,
            "value": _rounded(figure.value),
            "unit": figure.unit,
            "minimum": _rounded(figure.minimum),
            "queries": figure.queries,
            "target": figure.target,
            "ratio_to_floor": _rounded(figure.ratio_to_floor),
            "met": figure.is_met,
            **self._place,
            "repeat": self.repeat,
        }
        sys.stdout.write(json.dumps(line, ensure_ascii=False) + "\n")
        sys.stdout.flush()


def _rounded(value: float | None) -> float | None:
    return None if value is None else float(f"{value:.4g}")


def database_version() -> str:
    """Return the server's version as people write it."""
    return ".".join(str(part) for part in connection.get_database_version())


class Site:
    """The site behind its WSGI handler, with all its middleware; transactions are really committed."""

    def __init__(self) -> None:
        self._handler = WSGIHandler()

    def call(self, environ: Mapping[str, Any], body: bytes = b"", *, status: int = 200) -> bytes:
        """Answer one call to the last byte, its end included. Raises ``AssertionError`` for another status."""
        answered = []
        response = self._handler(
            {**environ, "wsgi.input": io.BytesIO(body), "CONTENT_LENGTH": str(len(body))},
            lambda line, headers: answered.append(line),
        )
        try:
            content = b"".join(response)
        finally:
            response.close()
        if not answered[0].startswith(str(status)):
            raise AssertionError(f"{environ['PATH_INFO']}: {answered[0]}: {content[:500]!r}")
        return content


def make_environ(method: str, path: str, **extra: str) -> dict[str, Any]:
    """Return a WSGI environment for a call of the site."""
    return {
        "REQUEST_METHOD": method,
        "PATH_INFO": path,
        "QUERY_STRING": "",
        "SERVER_NAME": "localhost",
        "SERVER_PORT": "80",
        "SERVER_PROTOCOL": "HTTP/1.1",
        "HTTP_HOST": "localhost",
        "REMOTE_ADDR": "192.0.2.1",
        "wsgi.version": (1, 0),
        "wsgi.url_scheme": "http",
        "wsgi.errors": sys.stderr,
        "wsgi.multithread": True,
        "wsgi.multiprocess": True,
        "wsgi.run_once": False,
        **extra,
    }


class Timings:
    """What interleaved rounds measured, in seconds by name."""

    def __init__(self, samples: Mapping[str, list[float]]) -> None:
        self._samples = samples

    def median(self, name: str) -> float:
        """Return the middle of a name's samples."""
        return statistics.median(self._samples[name])

    def minimum(self, name: str) -> float:
        """Return the least of a name's samples."""
        return min(self._samples[name])

    def ratio(self, name: str, floor: str) -> float:
        """Return how many times the floor a name costs, both by their medians."""
        return self.median(name) / self.median(floor)


Call = Callable[[], Any]


def interleave(
    prepare: Mapping[str, Callable[[], Call]],
    rounds: int,
    *,
    warm_up: int = 5,
    clock: Callable[[], float] = time.perf_counter,
) -> Timings:
    """Time one call of each name a round, so that the machine's drift meets all of them alike.

    What prepares the call is not timed. ``clock`` gives seconds: of the wall, or of this thread's processor
    where a call waits for nothing.
    """
    samples: dict[str, list[float]] = {name: [] for name in prepare}
    for number in range(-warm_up, rounds):
        for name, prepared in prepare.items():
            call = prepared()
            begin = clock()
            call()
            elapsed = clock() - begin
            if number >= 0:
                samples[name].append(elapsed)
    return Timings(samples)


def always(call: Call) -> Callable[[], Call]:
    """Return what prepares a call that needs no preparation."""
    return lambda: call


def count_queries(call: Callable[[], Any]) -> int:
    """Return how many statements a call sends, without those that begin and end a transaction."""
    statements: list[str] = []

    def note(execute, sql, params, many, context):
        statements.append(sql)
        return execute(sql, params, many, context)

    with connection.execute_wrapper(note):
        call()
    return len([sql for sql in statements if not sql.startswith(TRANSACTION_CONTROL)])
