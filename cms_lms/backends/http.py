"""The one way out to an LMS: a hardened HTTP session.

It has time limits for connecting, for each piece of an answer and for all of it; a cap on the size of an answer; no
redirect to another host and none at all for writes; no netrc, no proxies from the environment; and it connects to no
private, loopback or link-local address that the site's settings do not allow. A name is resolved once, and what was
resolved and examined is what is connected to.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from django.utils.functional import Promise
from requests.structures import CaseInsensitiveDict


class LMSUnreachable(Exception):
    """No usable answer came: ``message`` says why, ``fix`` what to do, ``code`` never changes.

    Codes: ``name_not_found``, ``address_refused``, ``connect_timeout``, ``read_timeout``, ``connection_refused``,
    ``connection_broken``, ``tls``, ``too_large``, ``redirect_refused``, ``redirect_loop``, ``insecure``.
    """

    def __init__(self, message: str | Promise, code: str, fix: str | Promise = "") -> None:
        super().__init__(message)
        self.message = message
        self.fix = fix
        self.code = code

    def __str__(self) -> str:
        return str(self.message)


class NotJSON(ValueError):
    """The answer is not JSON."""


@dataclass(frozen=True)
class LMSResponse:
    """An answer, read to its end. ``url`` is where it came from in the end; ``seconds`` is how long it took."""

    status: int
    headers: CaseInsensitiveDict
    body: bytes
    url: str
    seconds: float

    @property
    def is_json(self) -> bool:
        """Whether the LMS says that it is."""
        return "json" in self.headers.get("Content-Type", "")

    def json(self) -> Any:
        """Return the value, whatever the content type says. Raises ``NotJSON``."""
        try:
            return json.loads(self.body)
        except (ValueError, RecursionError):
            raise NotJSON(self.url) from None


class LMSSession:
    """Calls one LMS. Not to be shared between threads; a context manager that closes its connections."""

    def get(self, url: str, *, headers: Mapping[str, str] | None = None) -> LMSResponse:
        """Return the answer; redirects within the host are followed. Raises ``LMSUnreachable``."""
        raise NotImplementedError
