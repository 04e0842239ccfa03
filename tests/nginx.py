"""A real nginx in front of a site, with the configuration of docs/caching.md: found, started, missed in words."""

from __future__ import annotations

import os
import re
import shutil
import socket
import subprocess
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

DOCUMENTATION = Path(__file__).resolve().parents[1] / "docs" / "caching.md"

#: What the documentation leaves to the site: processes, logs, folders and the address.
FRAME = """
daemon off;
{user}
worker_processes 1;
pid {folder}/pid;
error_log stderr warn;
events {{ worker_connections 512; }}
http {{
    access_log off;
    client_body_temp_path {folder}/body;
    proxy_temp_path {folder}/proxy;
    fastcgi_temp_path {folder}/fastcgi;
    uwsgi_temp_path {folder}/uwsgi;
    scgi_temp_path {folder}/scgi;
    {documented}
}}
"""


def find_nginx() -> str | None:
    """Return the path of nginx, None where there is none; Debian's is not on everybody's path."""
    return shutil.which("nginx", path=f"{os.environ.get('PATH', '')}:/usr/sbin")


def documented_configuration(site_url: str, port: int, folder: Path) -> str:
    """Return the block of the documentation, with this site, this address and this folder in their places."""
    (block,) = re.findall(r"^```nginx\n(.*?)^```", DOCUMENTATION.read_text(encoding="utf-8"), re.M | re.S)
    for shown, meant in (
        ("/var/cache/nginx/pages", f"{folder}/pages"),
        ("http://127.0.0.1:8000", site_url),
        ("# …", f"listen 127.0.0.1:{port};"),
    ):
        assert shown in block
        block = block.replace(shown, meant)
    return block


@contextmanager
def open_nginx(site_url: str, folder: Path) -> Iterator[str]:
    """Run nginx in front of a site for as long as the context lasts; give its address.

    Without nginx the test is skipped, and fails where the variable CI promises that nothing is.
    """
    program = find_nginx()
    if program is None:
        miss = pytest.fail if os.environ.get("CI") else pytest.skip
        miss("There is no nginx: install it (apt-get install nginx-light).")
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
    configuration = folder / "nginx.conf"
    configuration.write_text(
        FRAME.format(
            user="user root;" if os.geteuid() == 0 else "",
            folder=folder,
            documented=documented_configuration(site_url.replace("localhost", "127.0.0.1"), port, folder),
        ),
        encoding="utf-8",
    )
    process = subprocess.Popen(
        [program, "-p", str(folder), "-c", str(configuration)], stderr=subprocess.PIPE, text=True
    )
    try:
        _wait_until_it_listens(process, port)
        yield f"http://127.0.0.1:{port}"
    finally:
        process.terminate()
        process.communicate(timeout=10)


def _wait_until_it_listens(process: subprocess.Popen[str], port: int) -> None:
    for _attempt in range(200):
        if process.poll() is not None:
            pytest.fail(f"nginx did not start:\n{process.stderr.read() if process.stderr else ''}")
        try:
            socket.create_connection(("127.0.0.1", port), timeout=1).close()
        except OSError:
            threading.Event().wait(0.05)
        else:
            return
    pytest.fail("nginx does not listen.")
