"""A secret that one process adds, retires or switches off is so in another at its next call, without a restart."""

from __future__ import annotations

import subprocess
import sys

import pytest

from tests.matching.test_processes import ROOT, environment  # noqa: F401

# Each line is a call: the secret that it is signed with.
WORKER = """
import sys
import django
django.setup()
from django.test import Client
from cms_lms.sync.signature import sign
for line in sys.stdin:
    headers = {"Authorization": sign(b"[]", line.strip())}
    url = "/api/v1.0/course-runs-sync/"
    print(Client().post(url, b"[]", content_type="application/json", headers=headers).status_code, flush=True)
"""

CHANGE = """
import django
django.setup()
from django.utils.timezone import now
from cms_lms.encryption import Secret
from cms_lms.models import LMSBackend
from cms_lms.models.sync_secret import SyncSecret
from tests.factories import make_backend
"""


@pytest.fixture
def ask(environment):  # noqa: F811
    """Let another process answer a call that is signed with a secret."""
    process = subprocess.Popen(
        [sys.executable, "-c", WORKER], env=environment, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )

    def ask(secret: str) -> str:
        process.stdin.write(f"{secret}\n")
        process.stdin.flush()
        return process.stdout.readline().strip()

    yield ask
    process.stdin.close()
    process.wait(timeout=30)
    process.stdout.close()


@pytest.fixture
def change(environment):  # noqa: F811
    """Run a line in a process of its own."""

    def change(line: str) -> None:
        subprocess.run([sys.executable, "-c", CHANGE + line], cwd=ROOT, env=environment, check=True)

    return change


def test_every_process_knows_which_secrets_may_sign(ask, change):
    assert [ask("own"), ask("SharedSecret")] == ["401", "200"]
    change('SyncSecret.add(make_backend(), name="production", now=now(), secret=Secret("own"))')
    assert [ask("own"), ask("SharedSecret")] == ["200", "200"]
    change("LMSBackend.objects.update(is_enabled=False)")
    assert ask("own") == "401"
    change("LMSBackend.objects.update(is_enabled=True)")
    assert ask("own") == "200"
    change("SyncSecret.objects.get().retire(now=now())")
    assert [ask("own"), ask("SharedSecret")] == ["401", "200"]
