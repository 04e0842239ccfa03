"""The demo: prepares the database, then runs the site, the fake LMS and the fake Moodle side by side until Ctrl-C.

``python -m tests.demo`` with PORT (8000), LMS_PORT (8001) and MOODLE_PORT (8002) from the environment. A process
each, as in life; where one ends, the others are stopped too.
"""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from types import FrameType

ROOT = Path(__file__).resolve().parent.parent
READY_SECONDS = 60.0
STOP_SECONDS = 5.0
POLL_SECONDS = 0.1


class DemoFailed(Exception):
    """The demo cannot run; the message says why and what to do."""


class Stopped(Exception):
    """Somebody asked the demo to stop."""


@dataclass(frozen=True)
class Addresses:
    """Where the servers listen."""

    port: int
    lms_port: int
    moodle_port: int

    @property
    def site(self) -> str:
        """The site's address, without a slash at its end."""
        return f"http://localhost:{self.port}"

    @property
    def lms(self) -> str:
        """The LMS's address, without a slash at its end."""
        return f"http://localhost:{self.lms_port}"

    @property
    def moodle(self) -> str:
        """The Moodle's address, without a slash at its end."""
        return f"http://localhost:{self.moodle_port}"


#: Each server's variable, and where it listens unless that says something else.
PORTS = {"PORT": "8000", "LMS_PORT": "8001", "MOODLE_PORT": "8002"}


def read_addresses(environment: Mapping[str, str]) -> Addresses:
    """Return the ports that the environment asks for. Raises ``DemoFailed`` for what is no port."""
    names: dict[int, str] = {}
    for name, default in PORTS.items():
        text = environment.get(name) or default
        if not (text.isascii() and text.isdigit() and 0 < int(text) < 65536):
            raise DemoFailed(f"{name}={text} is not a port: choose a number from 1 to 65535.")
        if int(text) in names:
            raise DemoFailed(f"{names[int(text)]} and {name} are both {text}: each server needs a port of its own.")
        names[int(text)] = name
    return Addresses(*names)


def require_free(name: str, port: int) -> None:
    """Raise ``DemoFailed`` where something listens on the port, or it may not be used."""
    for family, host in ((socket.AF_INET, "127.0.0.1"), (socket.AF_INET6, "::1")):
        try:
            with socket.create_server((host, port), family=family):
                pass
        except PermissionError:
            raise DemoFailed(
                f"{name}={port} needs an administrator's rights: choose a port above 1023, as in: make demo {name}=8080"
            ) from None
        except OSError as error:
            # A machine without IPv6 has no ::1 to listen on.
            if family == socket.AF_INET6 and not _listens(host, port):
                continue
            raise DemoFailed(
                f"{name}={port} is not free ({os.strerror(error.errno or 0)}). Stop what listens there, "
                f"or choose another, as in: make demo {name}={port + 100}"
            ) from None


def _listens(host: str, port: int) -> bool:
    try:
        with socket.create_connection((host, port), timeout=1):
            return True
    except OSError:
        return False


def child_environment(addresses: Addresses, environment: Mapping[str, str]) -> dict[str, str]:
    """Return the environment of the servers: what the user has set wins over the demo's defaults."""
    return {
        "CMS_LMS_SYNC_SECRETS": "SharedSecret",
        "WAGTAILADMIN_BASE_URL": addresses.site,
        **environment,
        "DJANGO_SETTINGS_MODULE": "cms_lms.site.settings",
        "PORT": str(addresses.port),
        "LMS_PORT": str(addresses.lms_port),
        "LMS_URL": addresses.lms,
        "MOODLE_PORT": str(addresses.moodle_port),
        "MOODLE_URL": addresses.moodle,
        "PYTHONUNBUFFERED": "1",
    }


def manage(*arguments: str, environment: Mapping[str, str]) -> None:
    """Run a management command to its end. Raises ``DemoFailed`` where it fails; it has said why itself."""
    done = subprocess.run([sys.executable, "manage.py", *arguments], cwd=ROOT, env=dict(environment), check=False)
    if done.returncode:
        raise DemoFailed(f"manage.py {arguments[0]} failed.")


@contextmanager
def running(name: str, *arguments: str, environment: Mapping[str, str]) -> Iterator[subprocess.Popen[bytes]]:
    """Run a server for as long as the context lasts."""
    # No input: a server that read the terminal would stop a demo in the background. No banners either: the
    # welcome says all of it, and errors and the log come by the other way.
    process = subprocess.Popen(
        [sys.executable, *arguments],
        cwd=ROOT,
        env=dict(environment),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
    )
    try:
        yield process
    finally:
        process.terminate()
        try:
            process.wait(STOP_SECONDS)
        except subprocess.TimeoutExpired:
            sys.stderr.write(f"The {name} did not stop by itself and is killed.\n")
            process.kill()
            process.wait()


def answers(url: str) -> bool:
    """Whether a server answers there, whatever it answers."""
    try:
        with urllib.request.urlopen(url, timeout=READY_SECONDS):
            return True
    except urllib.error.HTTPError:
        return True
    except (urllib.error.URLError, OSError):
        return False


def require_alive(servers: Mapping[str, subprocess.Popen[bytes]]) -> None:
    """Raise ``DemoFailed`` where one of the servers has ended."""
    for name, process in servers.items():
        if process.poll() is not None:
            raise DemoFailed(f"The {name} stopped by itself (exit code {process.returncode}); its last lines say why.")


def wait_until_ready(urls: Mapping[str, str], servers: Mapping[str, subprocess.Popen[bytes]]) -> None:
    """Return when every server answers. Raises ``DemoFailed`` where one ends or takes too long."""
    deadline = time.monotonic() + READY_SECONDS
    for name, url in urls.items():
        while not answers(url):
            require_alive(servers)
            if time.monotonic() > deadline:
                raise DemoFailed(f"The {name} did not answer on {url} within {READY_SECONDS:.0f} seconds.")
            time.sleep(POLL_SECONDS)


def welcome(addresses: Addresses) -> str:
    """Return what the terminal shows when everything is up."""
    return f"""
  The site         {addresses.site}/
  Its admin        {addresses.site}/admin/    admin / admin, editor / editor, publisher / publisher
  The fake LMS     {addresses.lms}/    learner / learner
  Its studio       {addresses.lms}/studio    publish a course run to the site
  The fake Moodle  {addresses.moodle}/    learner / learner, also on the site: {addresses.site}/account/login/

  Ctrl-C stops all. The data stays in var/ for the next time.
"""


def serve(addresses: Addresses, environment: Mapping[str, str]) -> None:
    """Prepare the database, start the servers and watch over them until one ends or ``Stopped`` is raised."""
    require_free("PORT", addresses.port)
    require_free("LMS_PORT", addresses.lms_port)
    require_free("MOODLE_PORT", addresses.moodle_port)
    manage("migrate", "--verbosity", "0", environment=environment)
    manage("seed_demo", environment=environment)
    site_arguments = ("manage.py", "runserver", "--noreload", "--verbosity", "0", str(addresses.port))
    lms_arguments = ("-m", "tests.fake_lms", "--port", str(addresses.lms_port), "--cms", addresses.site)
    moodle_arguments = ("-m", "tests.fake_moodle", "--port", str(addresses.moodle_port))
    with (
        running("fake LMS", *lms_arguments, environment=environment) as lms,
        running("fake Moodle", *moodle_arguments, environment=environment) as moodle,
        running("site", *site_arguments, environment=environment) as site,
    ):
        servers = {"fake LMS": lms, "fake Moodle": moodle, "site": site}
        urls = {"fake LMS": f"{addresses.lms}/", "fake Moodle": f"{addresses.moodle}/"}
        wait_until_ready({**urls, "site": f"{addresses.site}/admin/login/"}, servers)
        sys.stdout.write(welcome(addresses))
        sys.stdout.flush()
        while True:
            require_alive(servers)
            time.sleep(POLL_SECONDS)


def _stop(signal_number: int, frame: FrameType | None) -> None:
    # A second Ctrl-C must not interrupt the tidying up.
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, signal.SIG_IGN)
    raise Stopped


def main() -> int:
    """Run the demo. Returns the exit code: 0 when it was stopped, 1 when it could not go on."""
    # Set even where the shell ignores them for us, as it does for a job in the background.
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, _stop)
    try:
        addresses = read_addresses(os.environ)
        serve(addresses, child_environment(addresses, os.environ))
    except DemoFailed as error:
        sys.stderr.write(f"{error}\n")
        return 1
    except Stopped:
        sys.stdout.write("\nStopped.\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
