"""One call over a session of its own."""

from __future__ import annotations

import pytest

from cms_lms.backends.http import LMSResponse, LMSSession, LMSUnreachable


def get(url: str, **options) -> LMSResponse:
    """Return the answer."""
    with LMSSession() as session:
        return session.get(url, **options)


def refused(url: str, method: str = "GET", **options) -> LMSUnreachable:
    """Return the error that a call ends with."""
    with LMSSession() as session, pytest.raises(LMSUnreachable) as error:
        session.request(method, url, **options)
    return error.value
