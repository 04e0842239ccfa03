"""The shapes of answer that Open edX gives: REST framework JSON, empty, and Django's HTML error pages."""

import json
from typing import Any

from werkzeug.wrappers import Response


class Refusal(Exception):
    """Stops a request with the response that it carries."""

    def __init__(self, response: Response) -> None:
        super().__init__(response.status)
        self.response = response


def json_response(data: Any, status: int = 200) -> Response:
    """JSON as REST framework renders it: compact, UTF-8, no charset in the type."""
    body = json.dumps(data, separators=(",", ":"), ensure_ascii=False).encode()
    return Response(body, status, content_type="application/json")


def detail(message: str, status: int) -> Response:
    """REST framework's own errors."""
    return json_response({"detail": message}, status)


def message(text: str, status: int = 400, **more: Any) -> Response:
    """The enrollment API's own errors."""
    return json_response({"message": text, **more}, status)


def empty_response(status: int = 200) -> Response:
    """What REST framework makes of `Response(None)`: no body and no Content-Type."""
    response = Response(b"", status)
    del response.headers["Content-Type"]
    return response


def text_response(text: str, status: int = 200) -> Response:
    """A bare Django HttpResponse: the text, called HTML."""
    return Response(text, status, content_type="text/html; charset=utf-8")


def html_error(status: int, title: str, text: str = "") -> Response:
    """A minimal HTML error page, as web servers give."""
    body = f"<!doctype html>\n<html lang=en><title>{title}</title><h1>{title}</h1><p>{text}</p></html>\n"
    return Response(body, status, content_type="text/html; charset=utf-8")


def not_found() -> Response:
    """Django's page for a route that does not exist."""
    return html_error(404, "Not Found", "The requested resource was not found on this server.")


def server_error() -> Response:
    """Django's page for an unhandled exception."""
    return html_error(500, "Server Error (500)")
