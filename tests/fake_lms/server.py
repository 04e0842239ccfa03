"""The server: binds the application to the loopback addresses and runs it in threads."""

import errno
import logging
import socket
import ssl
import threading
from contextlib import suppress
from email.utils import formatdate
from typing import Any, Self

from werkzeug.serving import BaseWSGIServer, WSGIRequestHandler, make_server

from .app import Application
from .clock import Clock
from .journal import Journal
from .sender import Sender
from .state import DEFAULT_SECRET, Settings, State

_PORT_TRIES = 20


class PortUnavailable(OSError):
    """Something else listens on the port."""


class _Handler(WSGIRequestHandler):
    """Dates its answers by the LMS's clock."""

    clock: Clock

    def date_time_string(self, timestamp: float | None = None) -> str:
        return formatdate(self.clock.now().timestamp() if timestamp is None else timestamp, usegmt=True)


class _QuietHandler(_Handler):
    def log(self, type: str, message: str, *arguments: Any) -> None:
        if type == "error":
            super().log(type, message, *arguments)


class FakeLMS:
    """A running LMS, as a context manager: `.url`, `.state`, `.journal`, `.clock`, `.sender`."""

    def __init__(
        self,
        port: int = 0,
        cms_url: str = "http://localhost:8000",
        secret: str = DEFAULT_SECRET,
        *,
        host: str = "localhost",
        tls: ssl.SSLContext | None = None,
        quiet: bool = True,
    ) -> None:
        """`port` 0 takes any free one; `host` is the name in `.url`; with `tls` it speaks https alone.

        Raises PortUnavailable.
        """
        self._sockets = bind_loopback(port)
        self.port: int = self._sockets[0].getsockname()[1]
        self.has_ipv6 = len(self._sockets) > 1
        self.url = f"{'https' if tls else 'http'}://{host}:{self.port}"
        self.state = State(self.url, Settings(cms_url, secret))
        self.sender = Sender(self.state)
        self._tls = tls
        self._quiet = quiet
        self._servers: list[BaseWSGIServer] = []
        self._threads: list[threading.Thread] = []

    @property
    def clock(self) -> Clock:
        """The LMS's clock."""
        return self.state.clock

    @property
    def journal(self) -> Journal:
        """What the LMS was asked."""
        return self.state.journal

    def start(self) -> Self:
        """Serve in background threads until `stop`."""
        application = Application(self.state, self.sender)
        if not self._quiet:
            logging.getLogger("werkzeug").setLevel(logging.INFO)
        handler = type("Handler", (_QuietHandler if self._quiet else _Handler,), {"clock": self.clock})
        for bound in self._sockets:
            host = bound.getsockname()[0]
            # The server works on a duplicate of the descriptor.
            server = make_server(
                host,
                self.port,
                application,
                threaded=True,
                request_handler=handler,
                fd=bound.fileno(),
                ssl_context=self._tls,
            )
            bound.close()
            thread = threading.Thread(
                target=server.serve_forever, kwargs={"poll_interval": 0.02}, name=f"fake-lms {host}", daemon=True
            )
            thread.start()
            self._servers.append(server)
            self._threads.append(thread)
        return self

    def stop(self) -> None:
        """Stop serving and give the port back."""
        self.state.stopping.set()
        # All at once: each takes until its loop looks up.
        stops = [threading.Thread(target=server.shutdown) for server in self._servers]
        for stop in stops:
            stop.start()
        for thread in [*stops, *self._threads]:
            thread.join()
        for server in self._servers:
            server.server_close()
        self._servers, self._threads = [], []

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(self, *exception: object) -> None:
        self.stop()


def bind_loopback(port: int) -> list[socket.socket]:
    """Listening sockets on 127.0.0.1 and, where the machine has IPv6, on ::1, since browsers try it first."""
    for _ in range(1 if port else _PORT_TRIES):
        sockets = [_listen(socket.AF_INET, "127.0.0.1", port)]
        chosen = sockets[0].getsockname()[1]
        try:
            sockets.append(_listen(socket.AF_INET6, "::1", chosen))
        except PortUnavailable:
            # A stranger on ::1 would get the browser's requests: take another port, or say so.
            sockets[0].close()
            continue
        except OSError:
            pass
        return sockets
    raise PortUnavailable(f"Port {port} is in use on ::1." if port else "No port is free on both loopback addresses.")


def _listen(family: socket.AddressFamily, address: str, port: int) -> socket.socket:
    listener = socket.socket(family, socket.SOCK_STREAM)
    try:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        if family == socket.AF_INET6:
            listener.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
        listener.bind((address, port))
        listener.listen(128)
    except OSError as error:
        with suppress(OSError):
            listener.close()
        if error.errno == errno.EADDRINUSE:
            raise PortUnavailable(f"Port {port} is in use on {address}.") from error
        raise
    return listener
