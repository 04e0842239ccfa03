"""Two loopback servers: a site that serves the real static files, and an LMS that says what it is told.

The scripted LMS is for single answers, byte for byte; whole journeys use the fake LMS.
"""

from __future__ import annotations

import json
import mimetypes
import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from email.utils import format_datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

STATIC = Path(__file__).resolve().parents[2] / "static"


class Server:
    """An HTTP server in a thread, on a free port of the loopback interface, with a clock of its own or none."""

    now: datetime | None = None

    def __init__(self) -> None:
        handler = type("Handler", (_Handler,), {"owner": self})
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
        self._server.daemon_threads = True
        self.url = f"http://127.0.0.1:{self._server.server_port}"
        threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True).start()

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()

    def answer(self, request: Request) -> Answer | None:
        raise NotImplementedError


@dataclass(frozen=True)
class Request:
    method: str
    path: str
    query: str
    headers: dict[str, str]
    body: bytes


@dataclass
class Answer:
    """What to send. `json` wins over `body`; `hold` delays it until the event is set."""

    status: int = 200
    json: Any = None
    body: str | bytes = b""
    headers: dict[str, str] = field(default_factory=dict)
    hold: threading.Event | None = None


class _Handler(BaseHTTPRequestHandler):
    owner: Server

    def _serve(self) -> None:
        parts = urlsplit(self.path)
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        headers = {name.lower(): value for name, value in self.headers.items()}
        answer = self.owner.answer(Request(self.command, parts.path, parts.query, headers, body))
        if answer is None:
            self.close_connection = True
            self.connection.close()
            return
        if answer.hold:
            answer.hold.wait(20)
        payload = answer.body.encode() if isinstance(answer.body, str) else answer.body
        if answer.json is not None:
            payload = json.dumps(answer.json).encode()
        try:
            self.send_response(answer.status)
            for name, value in {"Content-Length": str(len(payload)), **answer.headers}.items():
                self.send_header(name, value)
            if answer.json is not None and "Content-Type" not in answer.headers:
                self.send_header("Content-Type", "application/json")
            self.end_headers()
            if self.command != "HEAD":
                self.wfile.write(payload)
        except OSError:
            self.close_connection = True  # the browser gave up waiting, as some tests want

    do_GET = do_HEAD = do_POST = do_PUT = do_DELETE = do_OPTIONS = _serve  # noqa: N815

    def date_time_string(self, timestamp: float | None = None) -> str:
        """What the header `Date` says: by the clock of the server, where it has one."""
        return format_datetime(self.owner.now, usegmt=True) if self.owner.now else "unknown"

    def log_message(self, format: str, *args: Any) -> None:
        """Say nothing: the tests read the journal."""


class Site(Server):
    """Pages under a strict Content-Security-Policy, and the project's static files."""

    def __init__(self) -> None:
        self.pages: dict[str, str] = {}
        self.modules: dict[str, str] = {}
        self.style_sheets: dict[str, str] = {}
        self.connect: list[str] = []
        #: How long a shared cache has kept the pages, by its own word.
        self.age = timedelta()
        super().__init__()

    def answer(self, request: Request) -> Answer:
        if request.path in self.pages:
            policy = (
                f"default-src 'self'; connect-src 'self' {' '.join(self.connect)}; base-uri 'self'; object-src 'none'"
            )
            return Answer(
                body=self.pages[request.path],
                # The strictest policy that a site may have: the panel's calls set their own.
                headers={
                    "Content-Type": "text/html; charset=utf-8",
                    "Content-Security-Policy": policy,
                    "Referrer-Policy": "same-origin",
                    **({"Age": str(int(self.age.total_seconds()))} if self.age else {}),
                },
            )
        if request.path in self.modules:
            return Answer(body=self.modules[request.path], headers={"Content-Type": "text/javascript"})
        if request.path in self.style_sheets:
            return Answer(body=self.style_sheets[request.path], headers={"Content-Type": "text/css"})
        file = (STATIC / request.path.removeprefix("/static/")).resolve()
        if request.path.startswith("/static/") and file.is_relative_to(STATIC) and file.is_file():
            kind = mimetypes.guess_type(file.name)[0] or "application/octet-stream"
            return Answer(body=file.read_bytes(), headers={"Content-Type": kind, "Cache-Control": "no-store"})
        return Answer(404)


Script = Answer | Callable[[Request], "Answer | None"] | None


class ScriptedLMS(Server):
    """Answers each call with the next of what was scripted for it; the last one stays. None drops the connection."""

    def __init__(self, site_url: str) -> None:
        self.site_url = site_url
        self.journal: list[Request] = []
        self._scripts: dict[tuple[str, str], list[Script]] = {}
        self._lock = threading.Lock()
        super().__init__()

    def on(self, method: str, path: str, *answers: Script) -> None:
        self._scripts[method, path] = list(answers)

    def calls(self, method: str, prefix: str = "") -> list[Request]:
        return [call for call in self.journal if call.method == method and call.path.startswith(prefix)]

    def answer(self, request: Request) -> Answer | None:
        with self._lock:
            if request.method != "OPTIONS":
                self.journal.append(request)
            scripts = self._scripts.get((request.method, unquote(request.path)), [Answer(404)])
            script = scripts.pop(0) if len(scripts) > 1 else scripts[0]
        if request.method == "OPTIONS":
            answer: Answer | None = Answer(
                headers={
                    "Access-Control-Allow-Headers": "accept, content-type, x-csrftoken",
                    "Access-Control-Allow-Methods": "GET, POST, DELETE, OPTIONS",
                }
            )
        else:
            answer = script(request) if callable(script) else script
        if answer is None:
            return None
        cors = {
            "Access-Control-Allow-Origin": self.site_url,
            "Access-Control-Allow-Credentials": "true",
            "Vary": "Origin",
        }
        return Answer(answer.status, answer.json, answer.body, {**cors, **answer.headers}, answer.hold)
