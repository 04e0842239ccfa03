"""The connections that calls of an LMS go over: to examined addresses only, and never for longer than allowed.

A name is resolved once and each of its addresses examined (``addresses``); the socket is connected to one of those
that passed, while the Host header, SNI and the certificate's check go by the name. Every single read and write of
the socket is held against the call's budget of seconds and bytes, so that neither headers nor a body that drip, nor
ones that never end, outlast it. Errors leave here as ``LMSUnreachable``.
"""

from __future__ import annotations

import datetime as dt
import logging
import os
import socket
import ssl
import time
from collections.abc import Mapping
from contextvars import ContextVar
from dataclasses import dataclass
from functools import lru_cache, partial
from typing import Any

from django.utils.translation import gettext as _
from requests import PreparedRequest, Response
from requests.adapters import HTTPAdapter
from requests.utils import DEFAULT_CA_BUNDLE_PATH
from urllib3.connection import HTTPConnection, HTTPSConnection
from urllib3.exceptions import HTTPError

from cms_lms.backends.addresses import Network, Resolved, address_refused, private_networks, resolve
from cms_lms.backends.errors import LMSUnreachable
from cms_lms.backends.tls import tls_failure
from cms_lms.conf import settings as lms_settings

#: Bytes that arrive and are no body: headers, the sizes of chunks.
ENVELOPE_BYTES = 256 * 1024


@dataclass(frozen=True)
class Limits:
    """The limits of the settings, as they are when a session begins. Seconds and bytes."""

    connect_timeout: float
    read_timeout: float
    total_timeout: float
    max_bytes: int
    allowed: tuple[Network, ...]

    @classmethod
    def of_site(cls) -> Limits:
        """Read the settings."""
        return cls(
            connect_timeout=lms_settings.CONNECT_TIMEOUT,
            read_timeout=lms_settings.READ_TIMEOUT,
            total_timeout=lms_settings.TOTAL_TIMEOUT,
            max_bytes=lms_settings.MAX_RESPONSE_BYTES,
            allowed=private_networks(lms_settings.PRIVATE_NETWORKS),
        )


class Budget:
    """What a call may still use up. ``ends_at``: the moment, by ``time.monotonic``, that no call goes beyond."""

    def __init__(self, limits: Limits, ends_at: float) -> None:
        self.limits = limits
        self._ends_at = ends_at
        self._deadline = ends_at
        self._bytes = 0

    def begin_call(self) -> None:
        """Begin anew with the seconds of one call."""
        self._deadline = min(time.monotonic() + self.limits.total_timeout, self._ends_at)

    def begin_answer(self) -> None:
        """Begin anew with the bytes of one answer."""
        self._bytes = self.limits.max_bytes + ENVELOPE_BYTES

    def seconds(self, at_most: float) -> float:
        """Return how long to wait for one thing. Raises ``LMSUnreachable`` when the time is over."""
        left = self.seconds_left()
        if left <= 0:
            raise self.too_slow()
        return min(at_most, left)

    def seconds_left(self) -> float:
        """Return how many seconds the call may still take."""
        return self._deadline - time.monotonic()

    def take(self, count: int) -> None:
        """Count bytes that arrived. Raises ``LMSUnreachable`` for one too many."""
        self._bytes -= count
        if self._bytes < 0:
            raise self.too_large()

    def too_slow(self) -> LMSUnreachable:
        """Return the error for an answer that does not come, or does not end."""
        if time.monotonic() >= self._ends_at:
            message = _("There was no time left to wait for the LMS’s answer: what came before took too long.")
            seconds = 0.0
        elif time.monotonic() >= self._deadline:
            message = _("The LMS did not finish its answer within %(seconds)s seconds.")
            seconds = self.limits.total_timeout
        else:
            message = _("The LMS accepted the call and then said nothing for %(seconds)s seconds.")
            seconds = self.limits.read_timeout
        return LMSUnreachable(
            message % {"seconds": f"{seconds:g}"},
            "read_timeout",
            _("Try again. If it stays like this, the LMS or something before it is overloaded or hangs."),
        )

    def too_large(self) -> LMSUnreachable:
        """Return the error for an answer above the cap."""
        return LMSUnreachable(
            _("The answer is longer than %(limit)s bytes and was cut off.") % {"limit": self.limits.max_bytes},
            "too_large",
            _("Check that the base URL is the address of the LMS and not of a download."),
        )


class _BudgetedSocket(socket.socket):
    """A socket whose every read and write is held against a budget."""

    budget: Budget

    def recv_into(self, *args: Any, **kwargs: Any) -> int:
        """As the socket's. Raises ``LMSUnreachable``."""
        self.settimeout(self.budget.seconds(self.budget.limits.read_timeout))
        try:
            count = super().recv_into(*args, **kwargs)
        except TimeoutError:
            raise self.budget.too_slow() from None
        self.budget.take(count)
        return count

    def send(self, *args: Any, **kwargs: Any) -> int:
        """As the socket's. Raises ``LMSUnreachable``."""
        self.settimeout(self.budget.seconds(self.budget.limits.read_timeout))
        try:
            return super().send(*args, **kwargs)
        except TimeoutError:
            raise self.budget.too_slow() from None

    def sendall(self, *args: Any, **kwargs: Any) -> None:
        """As the socket's. Raises ``LMSUnreachable``."""
        self.settimeout(self.budget.seconds(self.budget.limits.read_timeout))
        try:
            super().sendall(*args, **kwargs)
        except TimeoutError:
            raise self.budget.too_slow() from None


class _BudgetedTLSSocket(_BudgetedSocket, ssl.SSLSocket):
    """The same over TLS; its context makes it, and it is given its budget after the handshake."""


class Gate:
    """Where connections are made: resolves, examines, connects. One for each session."""

    def __init__(self, budget: Budget) -> None:
        self.budget = budget
        self._resolved: dict[tuple[str, int], list[Resolved]] = {}
        #: The end of the certificate that each host showed, by host and port.
        self.certificate_ends: dict[tuple[str, int], dt.datetime] = {}

    def resolve(self, host: str, port: int) -> list[Resolved]:
        """Return the addresses of a name, asked for once. Raises ``LMSUnreachable``."""
        key = host.lower(), port
        if key not in self._resolved:
            limits = self.budget.limits
            seconds = self.budget.seconds(limits.total_timeout)
            self._resolved[key] = resolve(host, port, allowed=limits.allowed, seconds=seconds)
        return self._resolved[key]

    def connect(self, host: str, port: int) -> socket.socket:
        """Return a socket connected to the first address of the name that may be called and answers.

        Raises ``LMSUnreachable``.
        """
        resolved = self.resolve(host, port)
        callable_ones = [entry for entry in resolved if entry.owner is None]
        if not callable_ones:
            raise address_refused(host, resolved[0])
        # Not the error itself: with its traceback it would keep everything here alive, open connections too.
        is_timeout, reason = False, ""
        for entry in callable_ones:
            try:
                return self._connect_to(entry)
            except OSError as error:
                is_timeout, reason = isinstance(error, TimeoutError), error.strerror or str(error)
        if is_timeout:
            raise LMSUnreachable(
                _("No connection to %(host)s, port %(port)s, came about within %(seconds)s seconds.")
                % {"host": host, "port": port, "seconds": f"{self.budget.limits.connect_timeout:g}"},
                "connect_timeout",
                _("Check the host and the port, and that a firewall lets this site’s server through to the LMS."),
            )
        raise LMSUnreachable(
            _("Nothing accepts connections at %(host)s, port %(port)s: %(reason)s.")
            % {"host": host, "port": port, "reason": reason},
            "connection_refused",
            _("Check the host and the port, and that the LMS runs."),
        )

    def _connect_to(self, entry: Resolved) -> socket.socket:
        connection = _BudgetedSocket(entry.family, socket.SOCK_STREAM)
        try:
            connection.settimeout(self.budget.seconds(self.budget.limits.connect_timeout))
            connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            connection.connect(entry.target)
        except BaseException:
            connection.close()
            raise
        connection.budget = self.budget
        return connection


class _PlainConnection(HTTPConnection):
    """urllib3's, connected by the gate."""

    def __init__(self, *args: Any, gate: Gate, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._gate = gate

    def _new_conn(self) -> socket.socket:
        return self._gate.connect(self._dns_host, self.port)


class _TLSConnection(HTTPSConnection):
    """urllib3's, connected by the gate."""

    sock: Any

    def __init__(self, *args: Any, gate: Gate, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._gate = gate

    def _new_conn(self) -> socket.socket:
        return self._gate.connect(self._dns_host, self.port)

    def connect(self) -> None:
        """Connect and agree on encryption. Raises ``LMSUnreachable``."""
        try:
            super().connect()
        except (OSError, HTTPError) as error:
            raise tls_failure(error, self.host) from None
        self.sock.budget = self._gate.budget
        end = ssl.cert_time_to_seconds(self.sock.getpeercert()["notAfter"])
        self._gate.certificate_ends[self.host, self.port] = dt.datetime.fromtimestamp(end, dt.UTC)


#: Whether an adapter of ours is sending: then urllib3 keeps to itself where to, which may name a learner.
_is_sending: ContextVar[bool] = ContextVar("cms_lms.is_sending", default=False)


def _is_not_ours(record: logging.LogRecord) -> bool:
    """Let urllib3 write down the calls of others only."""
    return not _is_sending.get()


for _name in ("urllib3.connectionpool", "urllib3.util.retry"):
    logging.getLogger(_name).addFilter(_is_not_ours)


class GuardedAdapter(HTTPAdapter):
    """Mounts the connections above into ``requests``."""

    def __init__(self, gate: Gate) -> None:
        super().__init__(max_retries=0)
        self._gate = gate
        self._pools: set[Any] = set()

    def send(self, *args: Any, **kwargs: Any) -> Response:
        """As the adapter's, without a word in the log."""
        mark = _is_sending.set(True)
        try:
            return super().send(*args, **kwargs)
        finally:
            _is_sending.reset(mark)

    def build_connection_pool_key_attributes(
        self, request: PreparedRequest, verify: Any, cert: Any = None
    ) -> tuple[Any, Any]:
        """As the adapter's, with the site's own authorities."""
        host, _tls = super().build_connection_pool_key_attributes(request, verify, cert)
        return host, {"ssl_context": site_tls_context()} if host["scheme"] == "https" else {}

    def get_connection_with_tls_context(
        self, request: PreparedRequest, verify: Any, proxies: Mapping[str, str] | None = None, cert: Any = None
    ) -> Any:
        """As the adapter's: a pool of connections, all made by the gate. Proxies are none of ours."""
        pool: Any = super().get_connection_with_tls_context(request, verify, None, cert)
        pool.ConnectionCls = partial(_TLSConnection if pool.scheme == "https" else _PlainConnection, gate=self._gate)
        self._pools.add(pool)
        return pool

    def build_response(self, req: PreparedRequest, resp: Any) -> Response:
        """As the adapter's, without a jar of cookies: reading hostile ones takes longer than any limit of a call."""
        # The jars, the session's too, read the message; the answer has its own copy of the headers.
        for header in ("Set-Cookie", "Set-Cookie2"):
            del resp._original_response.msg[header]
        return super().build_response(req, resp)

    def close(self) -> None:
        """Close the connections, now; the adapter's own leaves that to the collector of garbage."""
        for pool in self._pools:
            pool.close()
        super().close()

    def cert_verify(self, conn: Any, url: Any, verify: Any, cert: Any) -> None:
        """Always: the context above holds the authorities and checks the name."""
        conn.cert_reqs = "CERT_REQUIRED"


def site_tls_context() -> ssl.SSLContext:
    """Return how certificates are checked: against the authorities of the settings. Raises ``LMSUnreachable``."""
    path = lms_settings.CA_BUNDLE or DEFAULT_CA_BUNDLE_PATH
    try:
        return _tls_context(path, os.stat(path).st_mtime_ns)
    except (OSError, TypeError):
        raise LMSUnreachable(
            _("The certificates of the authorities cannot be read."),
            "tls",
            _("The site’s operator corrects the path in the setting CMS_LMS_CA_BUNDLE."),
        ) from None


@lru_cache(maxsize=4)
def _tls_context(path: str, changed: int) -> ssl.SSLContext:
    """Return a context for a file of authorities as it was when it last changed."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.hostname_checks_common_name = False
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.sslsocket_class = _BudgetedTLSSocket
    context.load_verify_locations(cafile=path)
    return context
