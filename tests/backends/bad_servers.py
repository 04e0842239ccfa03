"""Servers that do everything wrong that servers can do: they hang, drip, never end, or talk nonsense."""

from __future__ import annotations

from collections.abc import Callable

from .http_servers import Call, answer


def hang_up(said: bytes = b"") -> Callable[[Call], None]:
    """Return what says something and goes."""

    def say(call: Call) -> None:
        call.send(said)

    return say


def hang(call: Call) -> None:
    call.hang()


def hang_in_headers(call: Call) -> None:
    call.send(b"HTTP/1.1 200 OK\r\nX-A: ")
    call.hang()


def hang_in_body(call: Call) -> None:
    call.send(b"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nabc")
    call.hang()


def drip_status(call: Call) -> None:
    call.drip(b"H")


def drip_headers(call: Call) -> None:
    call.send(b"HTTP/1.1 200 OK\r\nX-A: ")
    call.drip(b"a")


def drip_body(call: Call) -> None:
    call.send(b"HTTP/1.1 200 OK\r\nContent-Length: 100000\r\n\r\n")
    call.drip(b"a")


def drip_chunks(call: Call) -> None:
    call.send(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n")
    call.drip(b"1\r\na\r\n")


def drip_chunk_size(call: Call) -> None:
    call.send(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1;")
    call.drip(b"a")


def drip_interim_answers(call: Call) -> None:
    call.drip(b"HTTP/1.1 100 Continue\r\n\r\n")


def drip_nothing_gzipped(call: Call) -> None:
    """Send empty blocks, which are no bytes of the body."""
    call.send(b"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nTransfer-Encoding: chunked\r\n\r\n")
    call.send(b"a\r\n\x1f\x8b\x08\0\0\0\0\0\0\x03\r\n")
    call.drip(b"5\r\n\0\0\0\xff\xff\r\n")


DRIPPING = [
    drip_status,
    drip_headers,
    drip_body,
    drip_chunks,
    drip_chunk_size,
    drip_interim_answers,
    drip_nothing_gzipped,
]


def endless_headers(call: Call) -> None:
    call.send(b"HTTP/1.1 200 OK\r\n")
    while True:
        call.send(b"X-A: " + b"a" * 60_000 + b"\r\n")


def endless_line(call: Call) -> None:
    call.send(b"HTTP/1.1 200 OK\r\nX-A: ")
    while True:
        call.send(b"a" * 60_000)


def endless_body(call: Call) -> None:
    call.send(b"HTTP/1.1 200 OK\r\n\r\n")
    while True:
        call.send(b"a" * 60_000)


def endless_chunks(call: Call) -> None:
    call.send(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n")
    while True:
        call.send(b"1000\r\n" + b"a" * 0x1000 + b"\r\n")


def endless_interim_answers(call: Call) -> None:
    while True:
        call.send(b"HTTP/1.1 100 Continue\r\n\r\n" * 1000)


NONSENSE = {
    "nothing": b"",
    "not HTTP": b"SSH-2.0-OpenSSH_9.6\r\n",
    "half a status line": b"HTTP/1.1 20",
    "a status that is none": b"HTTP/1.1 abc OK\r\n\r\n",
    "half a body": b"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nabc",
    "a chunk of no size": b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nxyz\r\n",
    "half a chunk": b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\na\r\nabc",
    "two lengths": b"HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nab",
    "gzip that is none": answer(b"abc" * 100, Content_Encoding="gzip"),
    "too many headers": b"HTTP/1.1 200 OK\r\n" + b"A: b\r\n" * 200 + b"\r\n",
}
