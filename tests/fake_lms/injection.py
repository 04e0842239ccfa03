"""What goes wrong around a request, as the faults that await it say: for each server of the tests that has faults."""

import os
import re
import socket
import struct
import threading
from collections.abc import Callable, Iterator

from werkzeug.wrappers import Request, Response

from . import faults
from .responses import empty_response, html_error, server_error
from .throttle import throttled

_MOUNT = re.compile(r"/~[\w-]+(?=/)")
_CHUNK = b" " * 65536


def take_mount(environ: dict) -> None:
    """Let `/~name/…` be the same server below a path of its own: one page can see many that fail differently."""
    mount = _MOUNT.match(environ["PATH_INFO"])
    if mount:
        environ["SCRIPT_NAME"] = mount[0]
        environ["PATH_INFO"] = environ["PATH_INFO"][mount.end() :]


def respond(
    waiting: faults.Faults,
    target: faults.Target,
    request: Request,
    stopping: threading.Event,
    dispatch: Callable[[], Response],
) -> tuple[Response, bool]:
    """The response, and whether it went through the server's CORS middleware."""
    slow = waiting.take(faults.DELAY, target)
    if slow:
        stopping.wait(float(slow.params.get("seconds", 5)))
    fault = waiting.take(faults.INSTEAD, target)
    if fault:
        # A gateway's own error page never saw the server.
        return _instead(request, fault), fault.params.get("cors", fault.kind != "bad_gateway")
    response = dispatch()
    fault = waiting.take(faults.AFTERWARDS, target)
    if fault and fault.kind == "truncated":
        response.set_data(response.get_data()[: len(response.get_data()) // 2])
    elif fault:
        response.headers["Content-Type"] = fault.params.get("content_type", "text/plain")
    return response, True


def _instead(request: Request, fault: faults.Fault) -> Response:
    params = fault.params
    match fault.kind:
        case "throttled":
            return throttled(int(params.get("retry_after", 2)))
        case "server_error":
            return server_error()
        case "bad_gateway":
            return html_error(int(params.get("status", 502)), "Bad Gateway", "nginx")
        case "html":
            return html_error(200, "We are back soon", "The site is being maintained.")
        case "empty":
            return empty_response()
        case "login_redirect":
            # Without `next`: whoever is logged in would be led right on, to where she wanted to go.
            return Response(b"", 302, headers={"Location": "/login"})
        case "endless":
            return Response(_endless(int(params.get("megabytes", 50))), 200, content_type="application/json")
        case "reset":
            _reset_connection(request)
    body = params.get("body", "")
    content_type = params.get("content_type", "application/json")
    return Response(body, int(params.get("status", 500)), headers=params.get("headers"), content_type=content_type)


def _endless(megabytes: int) -> Iterator[bytes]:
    yield b'{"username": "'
    for _ in range(megabytes * 16):
        yield _CHUNK
    yield b'"}'


def _reset_connection(request: Request) -> None:
    """End the connection with a TCP reset, in the middle of nothing."""
    connection: socket.socket = request.environ["werkzeug.socket"]
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    os.close(connection.detach())
    raise ConnectionResetError("injected")
