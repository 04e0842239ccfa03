"""The demo's runner: clear words before it starts, both servers while it runs, and nothing left after it."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import urllib.request
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from tests.demo import PORTS, Addresses, DemoFailed, child_environment, read_addresses, require_free

ROOT = Path(__file__).resolve().parents[2]


def free_ports() -> list[int]:
    """Return three ports on which nothing listens."""
    with ExitStack() as stack:
        servers = [stack.enter_context(socket.create_server(("127.0.0.1", 0))) for _ in range(3)]
        return [server.getsockname()[1] for server in servers]


def is_answered(port: int) -> bool:
    try:
        with socket.create_connection(("127.0.0.1", port), timeout=5):
            return True
    except OSError:
        return False


def test_ports_come_from_the_environment() -> None:
    assert read_addresses({}) == Addresses(8000, 8001, 8002)
    assert read_addresses({"PORT": "8080", "LMS_PORT": "", "MOODLE_PORT": "8082"}) == Addresses(8080, 8001, 8082)


@pytest.mark.parametrize("port", ["80a", "-1", "0", "65536", "8 0", "٨٠"])
def test_what_is_no_port_is_named(port: str) -> None:
    with pytest.raises(DemoFailed, match=f"LMS_PORT={port} is not a port"):
        read_addresses({"LMS_PORT": port})


def test_one_port_for_two_is_refused() -> None:
    with pytest.raises(DemoFailed, match="PORT and LMS_PORT are both 8001"):
        read_addresses({"PORT": "8001"})
    with pytest.raises(DemoFailed, match="LMS_PORT and MOODLE_PORT are both 9"):
        read_addresses({"LMS_PORT": "9", "MOODLE_PORT": "9"})


def test_a_port_in_use_is_named_with_a_way_out() -> None:
    with socket.create_server(("127.0.0.1", 0)) as stranger:
        port = stranger.getsockname()[1]
        with pytest.raises(DemoFailed, match=rf"PORT={port} is not free .* make demo PORT="):
            require_free("PORT", port)


def test_the_users_own_environment_wins() -> None:
    environment = child_environment(Addresses(8080, 8081, 8082), {"CMS_LMS_SYNC_SECRETS": "mine", "PORT": "1"})

    assert environment["CMS_LMS_SYNC_SECRETS"] == "mine"
    assert (environment["PORT"], environment["LMS_URL"]) == ("8080", "http://localhost:8081")
    assert environment["MOODLE_URL"] == "http://localhost:8082"


@pytest.fixture(scope="module")
def database_url(tmp_path_factory: pytest.TempPathFactory) -> str:
    """One database for all runs of the demo here: a later one finds what an earlier one has left."""
    return f"sqlite:///{tmp_path_factory.mktemp('demo') / 'db.sqlite3'}"


@pytest.fixture
def demo(database_url: str) -> Iterator[tuple[subprocess.Popen[str], list[int]]]:
    """A demo that has said its welcome, with its ports."""
    ports = free_ports()
    environment = {
        name: value for name, value in os.environ.items() if not name.startswith(("DJANGO_", "CMS_LMS_", "PYTEST_"))
    }
    environment |= {
        **dict(zip(PORTS, map(str, ports), strict=True)),
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
        yield process, ports
    finally:
        process.terminate()
        process.communicate(timeout=30)


def test_all_servers_run_until_they_are_stopped(demo) -> None:
    process, ports = demo
    for port in ports:
        with urllib.request.urlopen(f"http://localhost:{port}/") as answer:
            assert answer.status == 200

    process.send_signal(signal.SIGINT)
    output, _nothing = process.communicate(timeout=30)

    assert process.returncode == 0
    assert output.endswith("Stopped.\n")
    assert not any(map(is_answered, ports))


def test_where_one_server_ends_the_others_are_stopped(demo) -> None:
    process, ports = demo
    listed = subprocess.run(
        ["ps", "-o", "pid=,args=", "--ppid", str(process.pid)], capture_output=True, text=True, check=True
    )
    (lms,) = (int(line.split()[0]) for line in listed.stdout.splitlines() if "tests.fake_lms" in line)

    os.kill(lms, signal.SIGKILL)
    output, _nothing = process.communicate(timeout=30)

    assert process.returncode == 1
    assert "The fake LMS stopped by itself" in output
    assert not any(map(is_answered, ports))
