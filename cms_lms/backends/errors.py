"""How a call of an LMS fails: with a sentence that says what happened, another that says what to do, and a code."""

from __future__ import annotations

from django.utils.functional import Promise


class LMSUnreachable(Exception):
    """No usable answer came: ``message`` says why, ``fix`` what to do, ``code`` never changes.

    Codes: ``invalid_request``, ``insecure``, ``name_not_found``, ``address_refused``, ``connect_timeout``,
    ``connection_refused``, ``tls``, ``read_timeout``, ``connection_broken``, ``too_large``, ``moved``,
    ``redirect_refused``, ``redirect_loop``. No text of the request's headers or body is ever part of a message.
    """

    def __init__(self, message: str | Promise, code: str, fix: str | Promise = "") -> None:
        super().__init__(message)
        self.message = message
        self.fix = fix
        self.code = code

    def __str__(self) -> str:
        return str(self.message)
