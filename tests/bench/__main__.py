"""``python -m tests.bench``: the figures of docs/benchmarks.md, one JSON line each.

Works in scratch databases that it makes and removes: a SQLite file, and on a PostgreSQL server, where one
answers, a database of its own. Each database is measured in a process of its own.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import tempfile
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

FIGURES = ("selection", "webhook", "pages", "tester", "impact", "deliveries", "inbox", "proxy", "scripts", "browser")

#: What no database can change: measured beside the first that is.
ONCE = ("proxy", "scripts", "browser")

DATABASES = ("sqlite", "postgresql")

DEFAULT_SERVER = "postgres://postgres@127.0.0.1:5432"


def parse(arguments: list[str] | None = None) -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(prog="python -m tests.bench", description="Print figures as JSON lines.")
    parser.add_argument("figures", nargs="*", metavar="FIGURES", help=f"which of {', '.join(FIGURES)}; all by default")
    parser.add_argument("--repeat", type=int, default=200, help="rounds; a figure is the median of so many (200)")
    parser.add_argument("--database", action="append", choices=DATABASES, help="all by default; may be repeated")
    parser.add_argument("--server", default=DEFAULT_SERVER, help=f"a PostgreSQL server ({DEFAULT_SERVER})")
    parser.add_argument("--check", action="store_true", help="exit 1 when a target is missed")
    parser.add_argument("--here", action="store_true", help=argparse.SUPPRESS)
    options = parser.parse_args(arguments)
    unknown = set(options.figures) - set(FIGURES)
    if unknown:
        parser.error(f"no such figures: {', '.join(sorted(unknown))}; there are {', '.join(FIGURES)}")
    if options.repeat < 1:
        parser.error("--repeat must be at least 1")
    return options


@contextmanager
def scratch_sqlite(server: str) -> Iterator[str]:
    """Give the URL of a new SQLite file."""
    with tempfile.TemporaryDirectory() as folder:
        yield f"sqlite:///{Path(folder) / 'bench.sqlite3'}"


@contextmanager
def scratch_postgresql(server: str) -> Iterator[str]:
    """Give the URL of a new database on the server. Raises ``OSError`` when none answers there."""
    import psycopg

    name = f"cms_lms_bench_{os.getpid()}"
    try:
        connection = psycopg.connect(f"{server}/postgres", autocommit=True)
    except psycopg.OperationalError as error:
        raise OSError(f"no PostgreSQL answers at {server}: {error}") from None
    with connection:
        connection.execute(f'CREATE DATABASE "{name}"')
    try:
        yield f"{server}/{name}"
    finally:
        with psycopg.connect(f"{server}/postgres", autocommit=True) as connection:
            connection.execute(f'DROP DATABASE IF EXISTS "{name}" WITH (FORCE)')


SCRATCH = {"sqlite": scratch_sqlite, "postgresql": scratch_postgresql}


def main() -> int:
    """Measure on each database in turn."""
    options = parse()
    if options.here:
        return measure(options)
    status = 0
    for database in options.database or DATABASES:
        try:
            with SCRATCH[database](options.server) as url:
                environment = {**os.environ, "DATABASE_URL": url, "DJANGO_SETTINGS_MODULE": "tests.bench.settings"}
                command = [sys.executable, "-m", "tests.bench", "--here", *sys.argv[1:]]
                status |= subprocess.run(command, env=environment, check=False).returncode
        except OSError as error:
            sys.stderr.write(f"{database} is not measured: {error}\n")
            status |= 1
    return status


def measure(options: argparse.Namespace) -> int:
    """Measure on the database that the environment names."""
    import django

    # WhiteNoise misses the folder of collected files, which nothing here asks for.
    warnings.filterwarnings("ignore", "No directory at")
    django.setup()

    from django.core.management import call_command

    from tests.bench.browser import measure_browser
    from tests.bench.deliveries import measure_deliveries
    from tests.bench.impact import measure_impact
    from tests.bench.inbox import measure_inbox
    from tests.bench.measure import Report
    from tests.bench.pages import measure_pages
    from tests.bench.proxy import measure_proxy
    from tests.bench.scripts import measure_scripts
    from tests.bench.selection import measure_selection
    from tests.bench.tester import measure_tester
    from tests.bench.webhook import measure_webhook

    call_command("migrate", run_syncdb=True, verbosity=0)
    report = Report(options.repeat)
    measures = {
        "selection": measure_selection,
        "webhook": measure_webhook,
        "pages": measure_pages,
        "tester": measure_tester,
        "impact": measure_impact,
        "deliveries": measure_deliveries,
        "inbox": measure_inbox,
        "proxy": measure_proxy,
        "scripts": measure_scripts,
        "browser": measure_browser,
    }
    first = (options.database or DATABASES)[0]
    for name in options.figures or FIGURES:
        if name not in ONCE or report.database == first:
            measures[name](report)
    if report.missed:
        sys.stderr.write(f"Missed on {report.database}: {'; '.join(report.missed)}\n")
    return 1 if options.check and report.missed else 0


if __name__ == "__main__":
    sys.exit(main())
