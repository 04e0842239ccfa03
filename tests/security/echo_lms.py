"""An LMS that gives everything away: each answer repeats the whole call, its headers and its body included."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import quote

#: What an answer is made of: status, headers and body, from the text of the call.
Answer = tuple[int, dict[str, str], str]

MOODS: dict[str, Callable[[str], Answer]] = {
    "error page": lambda call: (500, {"Content-Type": "text/html"}, f"<h1>Error</h1><pre>{call}</pre>"),
    "refusal": lambda call: (
        401,
        {"Content-Type": "application/json", "WWW-Authenticate": f'Bearer error="{quote(call)}"'},
        json.dumps({"detail": call, "error": call, "message": call, "errorcode": call, "exception": call}),
    ),
    "success": lambda call: (
        200,
        {"Content-Type": "application/json", "Server": quote(call)},
        json.dumps({"release": call, "sitename": call, "access_token": call, "username": call, "results": [call]}),
    ),
    "redirect": lambda call: (302, {"Location": f"https://elsewhere.example/?call={quote(call)}"}, call),
}


class EchoLMS:
    """``url`` is where it listens, ``mood`` what it answers, ``calls`` the text of each call."""

    def __init__(self) -> None:
        self.mood = "error page"
        self.calls: list[str] = []
        self.url = ""

    def answer(self, handler: BaseHTTPRequestHandler) -> None:
        """Repeat the call."""
        length = int(handler.headers.get("Content-Length") or 0)
        call = f"{handler.requestline}\n{handler.headers}\n{handler.rfile.read(length).decode(errors='replace')}"
        self.calls.append(call)
        status, headers, body = MOODS[self.mood](call)
        handler.send_response(status)
        for name, value in {**headers, "Content-Length": str(len(body.encode()))}.items():
            handler.send_header(name, value)
        handler.end_headers()
        handler.wfile.write(body.encode())


@contextmanager
def echo_lms() -> Iterator[EchoLMS]:
    """Run the LMS on a free port of the loopback address."""
    lms = EchoLMS()

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            lms.answer(self)

        do_POST = do_OPTIONS = do_HEAD = do_GET  # noqa: N815

        def log_message(self, format: str, *args: object) -> None:
            """Keep quiet: what it prints is not the site's."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    lms.url = f"http://127.0.0.1:{server.server_port}"
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)
    thread.start()
    try:
        yield lms
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
