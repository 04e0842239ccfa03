"""A change that one process commits is in force in another at its next request, without a restart."""

from __future__ import annotations

import json
import os
import sqlite3
import subprocess
import sys
from pathlib import Path

import pytest
from django.db import connection

ROOT = Path(__file__).resolve().parent.parent.parent

URL = "https://lms.example.com/courses/course-v1:edX+DemoX+2024/info"

# Each line is a request: the URL to choose a backend for.
WORKER = """
import sys
import django
django.setup()
from django.core.signals import request_finished, request_started
from cms_lms.matching.handler import LMSHandler
for line in sys.stdin:
    request_started.send(sender=None)
    backend = LMSHandler.select_lms(line.strip())
    request_finished.send(sender=None)
    print(backend.config.slug if backend else "none", flush=True)
"""


def entry(slug: str, **changes) -> dict:
    return {
        "SLUG": slug,
        "BASE_URL": "https://lms.example.com",
        "BACKEND": "richie.apps.courses.lms.edx.EdXLMSBackend",
        "COURSE_REGEX": r"^https://lms\.example\.com/courses/(?P<course_id>[^/]+)/info$",
        **changes,
    }


@pytest.fixture
def environment(django_db_serialized_rollback, transactional_db, tmp_path) -> dict[str, str]:
    """What other processes need to work on a database like this one's."""
    settings = connection.settings_dict
    if connection.vendor == "sqlite":
        path = tmp_path / "db.sqlite3"
        connection.ensure_connection()
        with sqlite3.connect(path) as copy:
            connection.connection.backup(copy)
        url = f"sqlite:///{path}"
    else:
        scheme = {"postgresql": "postgres"}.get(connection.vendor, connection.vendor)
        login = settings["USER"] + (f":{settings['PASSWORD']}" if settings["PASSWORD"] else "")
        url = f"{scheme}://{login}@{settings['HOST']}:{settings['PORT'] or ''}/{settings['NAME']}"
    return {**os.environ, "DATABASE_URL": url, "DJANGO_SETTINGS_MODULE": "tests.settings", "PYTHONPATH": str(ROOT)}


@pytest.fixture
def worker(environment):
    """A process that answers requests."""
    process = subprocess.Popen(
        [sys.executable, "-c", WORKER], env=environment, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    yield process
    process.stdin.close()
    process.wait(timeout=30)
    process.stdout.close()


@pytest.fixture
def ask(worker):
    """Let the worker answer a request."""

    def ask(url: str = URL) -> str:
        worker.stdin.write(f"{url}\n")
        worker.stdin.flush()
        return worker.stdout.readline().strip()

    return ask


@pytest.fixture
def load(environment):
    """Import backends in a process of its own."""

    def load(*entries: dict) -> subprocess.CompletedProcess:
        return subprocess.run(
            [sys.executable, "manage.py", "import_lms_backends", "-"],
            cwd=ROOT,
            env=environment,
            input=json.dumps(entries),
            capture_output=True,
            text=True,
            check=False,
        )

    return load


def test_every_process_sees_a_change_at_its_next_request(ask, load):
    assert ask() == "none"
    assert load(entry("a"), entry("b")).returncode == 0
    assert ask() == "a"
    assert load(entry("b"), entry("a")).returncode == 0
    assert ask() == "b"
    assert load(entry("b", ENABLED=False)).returncode == 0
    assert ask() == "a"
    refused = load(entry("b", ENABLED=True), entry("c", COURSE_REGEX="("))
    assert refused.returncode == 1
    assert "Traceback" not in refused.stderr
    assert "entry 2: COURSE_REGEX: " in refused.stderr
    assert ask() == "a"
