"""Stands between Schemathesis and the site as a sender's library does: signs the bytes that are really sent."""

from __future__ import annotations

import io
from collections.abc import Callable, Iterable
from typing import Any

from django.utils import timezone

from cms_lms.sync.signature import sign
from cms_lms.sync.standard_webhooks import HEADERS, ID_HEADER, sign_message
from tests.sync.conftest import SECRET, URL


def variable(header: str) -> str:
    """Return the name under which WSGI has a header."""
    return f"HTTP_{header.upper().replace('-', '_')}"


class SigningSender:
    """A WSGI application that gives each call of the web hook that claims to be signed the right signatures."""

    def __init__(self, site: Callable[..., Iterable[bytes]]) -> None:
        self.site = site

    def __call__(self, environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
        """Sign, and pass on."""
        claims = {"HTTP_AUTHORIZATION", *map(variable, HEADERS)} & environ.keys()
        if environ["PATH_INFO"] == URL and claims:
            body = environ["wsgi.input"].read(int(environ.get("CONTENT_LENGTH") or 0))
            environ["wsgi.input"] = io.BytesIO(body)
            if "HTTP_AUTHORIZATION" in environ:
                environ["HTTP_AUTHORIZATION"] = sign(body, SECRET)
            if claims - {"HTTP_AUTHORIZATION"}:
                message_id = environ.get(variable(ID_HEADER)) or "1"
                headers = sign_message(body, SECRET, message_id=message_id, sent_at=timezone.now())
                environ.update({variable(name): value for name, value in headers.items()})
        return self.site(environ, start_response)
