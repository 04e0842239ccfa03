"""The headers of a page whose frame shows learners' sessions and which is no course page: a Content-Security-Policy
that lets it call their LMSs.

Says nothing to caches: what such a page is, its own view knows.
"""

from __future__ import annotations

from collections.abc import Callable

from django.http import HttpRequest, HttpResponse

from cms_lms.enrollment.headers import REFERRER_POLICY, PageNotes, content_security_policy


class SessionHeadersMiddleware:
    """Sets them on what ``{% lms_session %}`` was rendered into; what is set already stays."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        """Answer the request, with the headers."""
        response = self.get_response(request)
        notes = PageNotes.of(request)
        if notes.has_sessions:
            response.headers.setdefault("Referrer-Policy", REFERRER_POLICY)
            response.headers.setdefault("Content-Security-Policy", content_security_policy(notes.origins))
        return response
