"""Stands between Schemathesis and the site as a sender's library does: signs the bytes that are really sent."""

from __future__ import annotations

import io
from collections.abc import Callable, Iterable
from typing import Any

from cms_lms.sync.signature import sign
from tests.sync.conftest import SECRET, URL


class SigningSender:
    """A WSGI application that gives each call of the web hook that claims a signature the right one."""

    def __init__(self, site: Callable[..., Iterable[bytes]]) -> None:
        self.site = site

    def __call__(self, environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
        """Sign, and pass on."""
        if environ["PATH_INFO"] == URL and "HTTP_AUTHORIZATION" in environ:
            body = environ["wsgi.input"].read(int(environ.get("CONTENT_LENGTH") or 0))
            environ["wsgi.input"] = io.BytesIO(body)
            environ["HTTP_AUTHORIZATION"] = sign(body, SECRET)
        return self.site(environ, start_response)
