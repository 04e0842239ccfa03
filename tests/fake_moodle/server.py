"""The WSGI application, and the server that runs it in threads on a free port of the loopback interface."""

import threading
from collections.abc import Callable, Iterable
from typing import Any, Self

from werkzeug.serving import WSGIRequestHandler, make_server
from werkzeug.wrappers import Request, Response

from tests.fake_lms import injection
from tests.fake_lms.clock import Clock
from tests.fake_lms.faults import Target
from tests.fake_lms.journal import Journal
from tests.fake_lms.server import bind_loopback

from . import pages, web_service
from .functions import FUNCTIONS
from .state import State

_PAGES: dict[str, Callable[[State, Request], Response]] = {
    "/": pages.front,
    "/course/view.php": pages.course,
    "/enrol/index.php": pages.enrol,
    "/login/index.php": pages.login,
    "/login/logout.php": pages.logout,
    web_service.PATH: web_service.serve,
}


class _QuietHandler(WSGIRequestHandler):
    def log(self, type: str, message: str, *arguments: Any) -> None:
        if type == "error":
            super().log(type, message, *arguments)


class FakeMoodle:
    """A running Moodle, as a context manager: `.url`, `.state`, `.journal`, `.clock`, `.settings`.

    `path` is where it stands on its host, such as "/moodle".
    """

    def __init__(self, port: int = 0, *, host: str = "127.0.0.1", path: str = "") -> None:
        """`port` 0 takes any free one; `host` is the name in `.url`. Raises PortUnavailable."""
        self._servers = []
        for bound in bind_loopback(port):
            address, port = bound.getsockname()[:2]
            # The server works on a duplicate. The request line is not logged: a token may stand in it.
            self._servers.append(
                make_server(
                    address, port, self._answer, threaded=True, request_handler=_QuietHandler, fd=bound.fileno()
                )
            )
            bound.close()
        self._path = path
        self.url = f"http://{host}:{port}{path}"
        self.state = State(self.url, frozenset(FUNCTIONS))
        self.settings = self.state.settings
        self._threads = [
            threading.Thread(
                target=server.serve_forever, kwargs={"poll_interval": 0.05}, name="fake-moodle", daemon=True
            )
            for server in self._servers
        ]

    @property
    def clock(self) -> Clock:
        """The Moodle's clock."""
        return self.state.clock

    @property
    def journal(self) -> Journal:
        """What the Moodle was asked."""
        return self.state.journal

    def __enter__(self) -> Self:
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *exception: object) -> None:
        self.state.stopping.set()
        # All at once: each takes until its loop looks up.
        stops = [threading.Thread(target=server.shutdown) for server in self._servers]
        for stop in stops:
            stop.start()
        for thread in [*stops, *self._threads]:
            thread.join()
        for server in self._servers:
            server.server_close()

    def _answer(self, environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
        request = Request(environ)
        entry = self.journal.record(request, self.clock.now())
        response = self._respond(request)
        entry.status = response.status_code
        return response(environ, start_response)

    def _respond(self, request: Request) -> Response:
        target = Target(request.method, request.path)
        response, _cors = injection.respond(
            self.state.faults, target, request, self.state.stopping, lambda: self._dispatch(request)
        )
        return response

    def _dispatch(self, request: Request) -> Response:
        if self.settings.maintenance == "cli":
            return pages.maintenance()
        path = request.path
        if self._path and path == self._path:
            return Response(b"", 301, {"Location": f"{self.url}/"})
        if self._path and not path.startswith(f"{self._path}/"):
            return pages.page("Not Found", "", 404)
        endpoint = _PAGES.get(path.removeprefix(self._path))
        return endpoint(self.state, request) if endpoint else pages.page("Not Found", "", 404)
