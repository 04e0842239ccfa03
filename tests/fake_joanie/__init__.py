"""A stand-in Joanie on its own port: what its API tells strangers and lets browsers do (`core/api/client`)."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Any, Self

from werkzeug.serving import WSGIRequestHandler, make_server
from werkzeug.wrappers import Request, Response

RUN = "7f2c9f3e-1c1b-4c63-9d0c-5f4d8a0b9a11"
API = "/api/v1.0"


@dataclass
class Settings:
    """The switches. `instead`: what answers below a path, status and body, for what goes wrong."""

    cors_origins: list[str] = field(default_factory=list)
    cors_headers: str = "accept, authorization, content-type, user-agent, x-csrftoken, x-requested-with"
    runs: dict[str, str] = field(default_factory=lambda: {RUN: "Computer science"})
    instead: dict[str, tuple[int, str]] = field(default_factory=dict)


class _QuietHandler(WSGIRequestHandler):
    def log(self, type: str, message: str, *arguments: Any) -> None:
        pass


class FakeJoanie:
    """A running Joanie, as a context manager: `.url`, `.settings`, and `.calls`, the methods and paths asked."""

    def __init__(self) -> None:
        self._server = make_server("127.0.0.1", 0, self._answer, threaded=True, request_handler=_QuietHandler)
        self.url = f"http://127.0.0.1:{self._server.server_port}"
        self.settings = Settings()
        self.calls: list[tuple[str, str]] = []
        self._thread = threading.Thread(
            target=self._server.serve_forever, kwargs={"poll_interval": 0.05}, name="fake-joanie", daemon=True
        )

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *exception: object) -> None:
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()

    def _answer(self, environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
        request = Request(environ)
        self.calls.append((request.method, request.path))
        response = self._respond(request)
        origin = request.headers.get("Origin")
        if origin in self.settings.cors_origins:
            response.headers["Access-Control-Allow-Origin"] = origin
            response.headers["Access-Control-Allow-Credentials"] = "true"
            if request.method == "OPTIONS":
                response.headers["Access-Control-Allow-Headers"] = self.settings.cors_headers
                response.headers["Access-Control-Allow-Methods"] = "DELETE, GET, OPTIONS, PATCH, POST, PUT"
        return response(environ, start_response)

    def _respond(self, request: Request) -> Response:
        for path, (status, body) in self.settings.instead.items():
            if request.path.startswith(path):
                return Response(body, status, content_type="application/json" if body[:1] == "{" else "text/html")
        if request.method == "OPTIONS":
            return Response(b"", 200)
        if request.path == "/":
            return Response("<h1>Joanie</h1>", 200, content_type="text/html")
        if request.path.startswith((f"{API}/users/me/", f"{API}/enrollments/")):
            return _json({"detail": "Authentication credentials were not provided."}, 401)
        runs = f"{API}/course-runs/"
        if request.path.startswith(runs):
            key = request.path.removeprefix(runs).strip("/")
            if key in self.settings.runs:
                link = f"{self.url}{runs}{key}/"
                return _json({"id": key, "title": self.settings.runs[key], "resource_link": link}, 200)
            return _json({"detail": "No CourseRun matches the given query."}, 404)
        return Response("<h1>Not Found</h1>", 404, content_type="text/html")


def _json(value: dict[str, Any], status: int) -> Response:
    return Response(json.dumps(value), status, content_type="application/json")
