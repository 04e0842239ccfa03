"""The demo's runner: clear words before it starts, both servers while it runs, and nothing left after it."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.demo import Addresses, DemoFailed, child_environment, read_addresses, require_free

ROOT = Path(__file__).resolve().parents[2]


def free_ports() -> tuple[int, int]:
    """Return two ports on which nothing listens."""
    with socket.create_server(("127.0.0.1", 0)) as one, socket.create_server(("127.0.0.1", 0)) as other:
        return one.getsockname()[1], other.getsockname()[1]


def is_answered(port: int) -> bool:
    try:
        with socket.create_connection(("127.0.0.1", port), timeout=5):
            return True
    except OSError:
        return False


def test_ports_come_from_the_environment() -> None:
    assert read_addresses({}) == Addresses(8000, 8001)
    assert read_addresses({"PORT": "8080", "LMS_PORT": ""}) == Addresses(8080, 8001)


@pytest.mark.parametrize("port", ["80a", "-1", "0", "65536", "8 0", "٨٠"])
def test_what_is_no_port_is_named(port: str) -> None:
    with pytest.raises(DemoFailed, match=f"LMS_PORT={port} is not a port"):
        read_addresses({"LMS_PORT": port})


def test_one_port_for_both_is_refused() -> None:
    with pytest.raises(DemoFailed, match="both 8001"):
        read_addresses({"PORT": "8001"})


def test_a_port_in_use_is_named_with_a_way_out() -> None:
    with socket.create_server(("127.0.0.1", 0)) as stranger:
        port = stranger.getsockname()[1]
        with pytest.raises(DemoFailed, match=rf"PORT={port} is not free .* make demo PORT="):
            require_free("PORT", port)


def test_the_users_own_environment_wins() -> None:
    environment = child_environment(Addresses(8080, 8081), {"CMS_LMS_SYNC_SECRETS": "mine", "PORT": "1"})

    assert environment["CMS_LMS_SYNC_SECRETS"] == "mine"
    assert (environment["PORT"], environment["LMS_URL"]) == ("8080", "http://localhost:8081")


@pytest.fixture(scope="module")
def database_url(tmp_path_factory: pytest.TempPathFactory) -> str:
    """One database for all runs of the demo here: a later one finds what an earlier one has left."""
    return f"sqlite:///{tmp_path_factory.mktemp('demo') / 'db.sqlite3'}"


@pytest.fixture
def demo(database_url: str) -> Iterator[tuple[subprocess.Popen[str], int, int]]:
    """A demo that has said its welcome, with its two ports."""
    port, lms_port = free_ports()
    environment = {
        name: value for name, value in os.environ.items() if not name.startswith(("DJANGO_", "CMS_LMS_", "PYTEST_"))
    }
    environment |= {
        "PORT": str(port),
        "LMS_PORT": str(lms_port),
        "DATABASE_URL": database_url,
    }
    process = subprocess.Popen(
        [sys.executable, "-m", "tests.demo"],
        cwd=ROOT,
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    assert process.stdout is not None
    said = []
    for line in process.stdout:
        said.append(line)
        if "Ctrl-C" in line:
            break
    else:
        pytest.fail(f"The demo did not start:\n{''.join(said)}")
    try:
        yield process, port, lms_port
    finally:
        process.terminate()
        process.communicate(timeout=30)


def test_both_servers_run_until_they_are_stopped(demo) -> None:
    process, port, lms_port = demo
    with urllib.request.urlopen(f"http://localhost:{port}/") as site:
        assert site.status == 200
    with urllib.request.urlopen(f"http://localhost:{lms_port}/") as lms:
        assert lms.status == 200

    process.send_signal(signal.SIGINT)
    output, _nothing = process.communicate(timeout=30)

    assert process.returncode == 0
    assert output.endswith("Stopped.\n")
    assert not is_answered(port)
    assert not is_answered(lms_port)


def test_where_one_server_ends_the_other_is_stopped(demo) -> None:
    process, port, lms_port = demo
    listed = subprocess.run(
        ["ps", "-o", "pid=,args=", "--ppid", str(process.pid)], capture_output=True, text=True, check=True
    )
    (lms,) = (int(line.split()[0]) for line in listed.stdout.splitlines() if "tests.fake_lms" in line)

    os.kill(lms, signal.SIGKILL)
    output, _nothing = process.communicate(timeout=30)

    assert process.returncode == 1
    assert "The fake LMS stopped by itself" in output
    assert not is_answered(port)
    assert not is_answered(lms_port)
