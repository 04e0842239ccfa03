"""Little servers on the loopback addresses that answer exactly what a test says, and certificates made for them."""

from __future__ import annotations

import datetime as dt
import socket
import ssl
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass, field
from ipaddress import ip_address
from pathlib import Path
from typing import Any, Self

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

HOST = "lms.example.test"


def answer(body: bytes | str = b"", status: str = "200 OK", **headers: str) -> bytes:
    """Return an answer as it stands on the wire; ``Content_Type`` becomes ``Content-Type``."""
    body = body.encode() if isinstance(body, str) else body
    lines = {"Content-Length": str(len(body)), **{name.replace("_", "-"): text for name, text in headers.items()}}
    head = "".join(f"{name}: {text}\r\n" for name, text in lines.items())
    return f"HTTP/1.1 {status}\r\n{head}\r\n".encode("latin-1") + body


def redirect(location: str, status: str = "302 Found") -> bytes:
    """Return an answer that sends the reader elsewhere."""
    return answer(b"", status, Location=location)


@dataclass
class Call:
    """One call as it arrived; ``connection`` and ``server`` are for answers that are more than bytes."""

    method: str
    target: str
    headers: dict[str, str]
    body: bytes
    connection: socket.socket = field(repr=False)
    server: Server = field(repr=False)

    def send(self, data: bytes) -> None:
        """Send a piece of the answer."""
        self.connection.sendall(data)

    def drip(self, data: bytes) -> None:
        """Send the same over and over, slowly, until the other side or the test has had enough."""
        with suppress(OSError):
            while not self.server.is_closing.wait(0.005):
                self.send(data)

    def hang(self) -> None:
        """Say nothing until the test is over."""
        self.server.is_closing.wait()


Answer = bytes | Callable[[Call], bytes | None]


class Server:
    """Answers each call with ``answers[path]``, or ``answers`` itself; keeps what was asked in ``calls``."""

    def __init__(
        self,
        answers: Answer | Mapping[str, Answer],
        *,
        tls: ssl.SSLContext | None = None,
        address: str = "127.0.0.1",
        host: str = HOST,
    ) -> None:
        self._answers = answers
        self._tls = tls
        self._listener = socket.create_server(
            (address, 0), family=socket.AF_INET6 if ":" in address else socket.AF_INET
        )
        self.port: int = self._listener.getsockname()[1]
        self.scheme = "http" if tls is None else "https"
        self.url = f"{self.scheme}://{host}:{self.port}"
        self.calls: list[Call] = []
        #: How many connections were accepted, whether or not anything was asked over them.
        self.connections = 0
        self.is_closing = threading.Event()
        self._threads: list[threading.Thread] = []

    def __enter__(self) -> Self:
        self._start(self._accept)
        return self

    def __exit__(self, *exception: object) -> None:
        self.is_closing.set()
        with suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        for thread in self._threads:
            thread.join(5)

    def _start(self, target: Callable[..., None], *arguments: Any) -> None:
        thread = threading.Thread(target=target, args=arguments, daemon=True)
        self._threads.append(thread)
        thread.start()

    def _accept(self) -> None:
        with suppress(OSError):
            while True:
                connection, _address = self._listener.accept()
                self.connections += 1
                self._start(self._serve, connection)

    def _serve(self, connection: socket.socket) -> None:
        with ExitStack() as stack, suppress(OSError):
            stack.enter_context(connection)
            connection.settimeout(10)
            if self._tls is not None:
                connection = stack.enter_context(self._tls.wrap_socket(connection, server_side=True))
            reader = stack.enter_context(connection.makefile("rb"))
            while (call := self._read(connection, reader)) is not None:
                self.calls.append(call)
                said = self._answers
                if isinstance(said, Mapping):
                    said = said.get(call.target.partition("?")[0], answer(b"", "404 Not Found"))
                if callable(said):
                    said = said(call)
                if said is None:
                    return
                call.send(said)

    def _read(self, connection: socket.socket, reader: Any) -> Call | None:
        first = reader.readline().decode("latin-1").split()
        if len(first) != 3:
            return None
        headers = {}
        while line := reader.readline().decode("latin-1").rstrip("\r\n"):
            name, _colon, value = line.partition(":")
            headers[name.lower()] = value.strip()
        body = reader.read(int(headers.get("content-length", "0")))
        return Call(first[0], first[1], headers, body, connection, self)


class Authority:
    """An authority that vouches for whatever a test wants. ``bundle`` is the file that it is trusted by."""

    def __init__(self, folder: Path, now: dt.datetime) -> None:
        self._folder = folder
        self._now = now
        self._key = ec.generate_private_key(ec.SECP256R1())
        self._name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "An authority for tests")])
        certificate = self._sign(self._name, self._name, self._key, self._key, now + dt.timedelta(days=3650), [], True)
        self.bundle = folder / "authority.pem"
        self.bundle.write_bytes(certificate.public_bytes(serialization.Encoding.PEM))

    def tls(
        self,
        *names: str,
        days: float = 90,
        starts_in: float = -400,
        is_self_signed: bool = False,
        is_common_name_only: bool = False,
    ) -> ssl.SSLContext:
        """Return what a server for the names needs; its certificate ends in so many days."""
        key = ec.generate_private_key(ec.SECP256R1())
        name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, names[0])])
        certificate = self._sign(
            name,
            name if is_self_signed else self._name,
            key,
            key if is_self_signed else self._key,
            self._now + dt.timedelta(days=days),
            () if is_common_name_only else names,
            False,
            self._now + dt.timedelta(days=starts_in),
        )
        file = self._folder / f"{certificate.serial_number}.pem"
        file.write_bytes(
            certificate.public_bytes(serialization.Encoding.PEM)
            + key.private_bytes(
                serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
            )
        )
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(file)
        return context

    def _sign(
        self,
        subject: x509.Name,
        issuer: x509.Name,
        key: ec.EllipticCurvePrivateKey,
        signing_key: ec.EllipticCurvePrivateKey,
        end: dt.datetime,
        names: Any,
        is_authority: bool,
        start: dt.datetime | None = None,
    ) -> x509.Certificate:
        builder = (
            x509.CertificateBuilder()
            .subject_name(subject)
            .issuer_name(issuer)
            .public_key(key.public_key())
            .serial_number(x509.random_serial_number())
            .not_valid_before(start or self._now - dt.timedelta(days=400))
            .not_valid_after(end)
            .add_extension(x509.BasicConstraints(ca=is_authority, path_length=None), critical=True)
        )
        if names:
            builder = builder.add_extension(x509.SubjectAlternativeName([_alternative(name) for name in names]), False)
        return builder.sign(signing_key, hashes.SHA256())


def _alternative(name: str) -> x509.GeneralName:
    try:
        return x509.IPAddress(ip_address(name))
    except ValueError:
        return x509.DNSName(name)


class Names:
    """The name service for names under ``example.test``; ``asked`` are those that were looked up, in order.

    A list of addresses is the same answer each time; a list of lists is one answer after the other.
    """

    def __init__(self) -> None:
        self.addresses: dict[str, list[Any] | Exception] = {HOST: ["127.0.0.1"]}
        self.asked: list[str] = []
        self._ask = socket.getaddrinfo

    def getaddrinfo(self, host: str, port: int, *arguments: Any, **options: Any) -> list[Any]:
        """As the system's."""
        if not host.endswith("example.test"):
            return self._ask(host, port, *arguments, **options)
        self.asked.append(host)
        found = self.addresses.get(host, socket.gaierror(socket.EAI_NONAME, "Name or service not known"))
        if isinstance(found, Exception):
            raise found
        if found and isinstance(found[0], list):
            found = found.pop(0)
        return [
            (socket.AF_INET6, socket.SOCK_STREAM, 6, "", (address, port, 0, 0))
            if ":" in address
            else (socket.AF_INET, socket.SOCK_STREAM, 6, "", (address, port))
            for address in found
        ]


def has_ipv6() -> bool:
    """Whether this machine has the IPv6 loopback address."""
    try:
        socket.create_server(("::1", 0), family=socket.AF_INET6).close()
    except OSError:
        return False
    return True


@contextmanager
def closed_port() -> Iterator[int]:
    """Hold a port on which nothing listens."""
    with socket.socket() as holder:
        holder.bind(("127.0.0.1", 0))
        yield holder.getsockname()[1]
