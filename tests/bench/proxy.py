"""How many requests a second nginx answers with a course page that it keeps, configured as docs/caching.md says."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
import tempfile
import threading
from pathlib import Path

from django.core.handlers.wsgi import WSGIHandler
from django.core.servers.basehttp import ThreadedWSGIServer, WSGIRequestHandler

from tests.bench.catalogue import make_course_page
from tests.bench.measure import Figure, Report
from tests.bench.selection import fill_backends
from tests.nginx import find_nginx, open_nginx

RUNS = 10

SECONDS, CONNECTIONS = 5, 32


class QuietHandler(WSGIRequestHandler):
    """Django's own, without a log."""

    def log_message(self, format: str, *args: object) -> None:
        """Say nothing."""


def measure_proxy(report: Report) -> None:
    """Report requests a second of a cached page: whole, compressed, and known already."""
    missing = [name for name, path in (("nginx", find_nginx()), ("wrk", shutil.which("wrk"))) if not path]
    if missing:
        sys.stderr.write(
            f"The proxy is not measured: install {' and '.join(missing)} (apt-get install nginx-light wrk).\n"
        )
        return
    fill_backends(1)
    page = make_course_page("CACHEDX", RUNS)
    server = ThreadedWSGIServer(("127.0.0.1", 0), QuietHandler)
    server.set_app(WSGIHandler())
    server.daemon_threads = True
    threading.Thread(target=server.serve_forever, daemon=True).start()
    with (
        tempfile.TemporaryDirectory() as folder,
        open_nginx(f"http://127.0.0.1:{server.server_port}", Path(folder)) as url,
    ):
        import requests

        address = f"{url}{page.url}"
        first = requests.get(address, timeout=30)
        assert requests.get(address, timeout=30).headers["X-Cache-Status"] == "HIT"
        cases = {
            f"{len(first.content)} bytes": {},
            "compressed": {"Accept-Encoding": "gzip"},
            "304": {"If-None-Match": first.headers["ETag"]},
        }
        for name, headers in cases.items():
            rate = _requests_per_second(address, headers)
            report.add(Figure(f"cached course page through nginx, runs={RUNS}, {name}", rate, "requests/s"))
    server.shutdown()
    server.server_close()


def _requests_per_second(url: str, headers: dict[str, str]) -> float:
    options = [f"-H{name}: {value}" for name, value in headers.items()]
    command = ["wrk", "-t1", f"-c{CONNECTIONS}", f"-d{SECONDS}s", *options, url]
    said = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    if "Non-2xx" in said and "If-None-Match" not in headers:
        raise AssertionError(said)
    return float(re.findall(r"Requests/sec:\s+([\d.]+)", said)[0])
