"""The demonstration run as a public site is, and the fake LMS, each in its own process, for figures of browsers."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from tests.demo import ROOT, running, wait_until_ready

#: The page that is looked at, and the run of its course that anybody may enroll in.
COURSE_PAGE = "/edx-demonstration-course/"


@dataclass(frozen=True)
class PublicSite:
    """Where the site and its LMS listen."""

    url: str
    lms_url: str

    @property
    def course_page(self) -> str:
        """The address of the course page that is looked at."""
        return f"{self.url}{COURSE_PAGE}"


def _free_ports() -> tuple[int, int]:
    with socket.create_server(("127.0.0.1", 0)) as one, socket.create_server(("127.0.0.1", 0)) as other:
        return one.getsockname()[1], other.getsockname()[1]


@contextmanager
def public_site() -> Iterator[PublicSite]:
    """Load the demonstration into a database of its own, collect its static files, and serve it."""
    port, lms_port = _free_ports()
    site = PublicSite(f"http://localhost:{port}", f"http://localhost:{lms_port}")
    with tempfile.TemporaryDirectory() as folder:
        environment = {
            **os.environ,
            "DJANGO_SETTINGS_MODULE": "tests.bench.lighthouse_settings",
            "DATABASE_URL": f"sqlite:///{Path(folder) / 'demo.sqlite3'}",
            "STATIC_ROOT": str(Path(folder) / "static"),
            "LMS_URL": site.lms_url,
            "PYTHONUNBUFFERED": "1",
        }
        for command in (
            ("migrate", "--verbosity", "0", "--skip-checks"),
            ("collectstatic", "--noinput", "--verbosity", "0", "--skip-checks"),
            ("seed_demo", "--force", "--lms-url", site.lms_url, "--skip-checks"),
        ):
            subprocess.run(
                [sys.executable, "manage.py", *command],
                cwd=ROOT,
                env=environment,
                check=True,
                stdout=subprocess.DEVNULL,
            )
        serve = ("manage.py", "runserver", "--noreload", "--skip-checks", str(port))
        fake = ("-m", "tests.fake_lms", "--port", str(lms_port), "--cms", site.url)
        with (
            running("fake LMS", *fake, environment=environment) as lms_process,
            running("site", *serve, environment={**environment, "PYTHONWARNINGS": "ignore"}) as site_process,
        ):
            processes = {"fake LMS": lms_process, "site": site_process}
            wait_until_ready({"fake LMS": f"{site.lms_url}/", "site": site.course_page}, processes)
            yield site
