"""The server: the API in a thread, and around each request the journal, the injected faults, and CORS."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable
from typing import Any, Self

from werkzeug.exceptions import HTTPException
from werkzeug.serving import WSGIRequestHandler, make_server
from werkzeug.wrappers import Request, Response

from tests.fake_lms import injection
from tests.fake_lms.faults import CORS, Target
from tests.fake_lms.journal import Journal

from . import api
from .state import Settings, State


class _QuietHandler(WSGIRequestHandler):
    def log(self, type: str, message: str, *arguments: Any) -> None:
        pass


class FakeJoanie:
    """A running Joanie, as a context manager: `.url`, `.state`, and shorthands for what is in it."""

    def __init__(self, port: int = 0) -> None:
        self._server = make_server("127.0.0.1", port, self._answer, threaded=True, request_handler=_QuietHandler)
        self.url = f"http://127.0.0.1:{self._server.server_port}"
        self.state = State(self.url)
        self._thread = threading.Thread(
            target=self._server.serve_forever, kwargs={"poll_interval": 0.05}, name="fake-joanie", daemon=True
        )

    @property
    def settings(self) -> Settings:
        """Its switches."""
        return self.state.settings

    @property
    def journal(self) -> Journal:
        """What it was asked."""
        return self.state.journal

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *exception: object) -> None:
        self.state.stopping.set()
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()

    def _answer(self, environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
        injection.take_mount(environ)
        request = Request(environ)
        return self._respond(request)(environ, start_response)

    def _respond(self, request: Request) -> Response | HTTPException:
        state = self.state
        entry = state.journal.record(request, state.clock.now())
        target = Target(request.method, request.path, mount=request.root_path or None)
        response, cors = injection.respond(
            state.faults, target, request, state.stopping, lambda: self._dispatch(request, target)
        )
        if cors and state.faults.take(CORS, target) is None:
            self._add_cors_headers(request, response)
        entry.status = response.status_code
        return response

    def _dispatch(self, request: Request, target: Target) -> Response:
        for path, (status, body) in self.settings.instead.items():
            if request.path.startswith(path):
                return Response(body, status, content_type="application/json" if body[:1] == "{" else "text/html")
        if request.method == "OPTIONS":
            return Response(b"", 200)
        return api.respond(self.state, request, target)

    def _add_cors_headers(self, request: Request, response: Response) -> None:
        origin = request.headers.get("Origin")
        response.vary.add("Origin")
        if origin is None or origin not in self.settings.cors_origins:
            return
        response.headers["Access-Control-Allow-Origin"] = origin
        response.headers["Access-Control-Allow-Credentials"] = "true"
        if request.method == "OPTIONS":
            response.headers["Access-Control-Allow-Headers"] = self.settings.cors_headers
            response.headers["Access-Control-Allow-Methods"] = "DELETE, GET, OPTIONS, PATCH, POST, PUT"
