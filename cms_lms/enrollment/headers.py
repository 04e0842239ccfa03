"""The headers under which a course page is served: its Content-Security-Policy, its Referrer-Policy, and what
caches are told (cms_lms/enrollment/caching.py).

For the catalogue's own pages and for any site's: ``secure_course_page(request, response)`` in a page's
``serve()`` or in a view. What the page shows of runs is noted with its request while it is rendered.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable
from dataclasses import dataclass, field

from django.http import HttpRequest, HttpResponse
from django.template.response import SimpleTemplateResponse
from django.templatetags.static import static
from django.utils import timezone

from cms_lms.conf import settings as lms_settings
from cms_lms.enrollment.caching import tell_caches
from cms_lms.enrollment.panel import EnrollmentPanel, url_origin
from cms_lms.enrollment.sessions import LearnerSession

#: Open edX sets its cross-domain CSRF cookie only for requests that carry the referring origin.
REFERRER_POLICY = "strict-origin-when-cross-origin"

#: A file to tell the host of all static files by: a storage that names files by their content knows no blank one.
AN_ASSET = "cms_lms/css/enrollment.css"


@dataclass
class PageNotes:
    """What the headers must know of a page: the LMSs it calls, and until when what it says is true.

    ``next_change`` is when the first of the things that it says ceases to be true, None for never. ``see_as`` is
    the state of a learner as whom a preview is seen (cms_lms/enrollment/see_as.py), blank elsewhere.
    """

    origins: set[str] = field(default_factory=set)
    next_change: dt.datetime | None = None
    see_as: str = ""
    has_steps: bool = False
    has_sessions: bool = False

    @classmethod
    def of(cls, request: HttpRequest | None) -> PageNotes:
        """Return the notes kept with a request; without one, notes that nobody will read."""
        return cls() if request is None else request.__dict__.setdefault("cms_lms_notes", cls())

    def add_panels(self, panels: Iterable[EnrollmentPanel]) -> None:
        """Note the panels that the page shows."""
        for panel in panels:
            self.origins |= panel.lms_origins
            self.add_change(panel.next_change)

    def add_sessions(self, sessions: Iterable[LearnerSession]) -> None:
        """Note the sessions that the page's header shows."""
        for session in sessions:
            self.has_sessions = True
            if session.lms_origin:
                self.origins.add(session.lms_origin)

    def add_change(self, moment: dt.datetime | None) -> None:
        """Note that the page says something which ceases to be true at a moment."""
        if moment is not None:
            self.next_change = moment if self.next_change is None else min(self.next_change, moment)


def content_security_policy(origins: Iterable[str] = ()) -> str:
    """Return the policy of a page whose panels call these origins: nothing inline, no other host.

    Where static files stand on another host, that host may serve scripts, styles, fonts and images. Browsers
    report what they refuse to the address that the site has set, if it has set one.
    """
    assets = " ".join(filter(None, ["'self'", url_origin(static(AN_ASSET))]))
    directives = {
        "default-src": "'self'",
        "script-src": assets,
        "style-src": assets,
        "img-src": f"{assets} data:",
        "font-src": assets,
        "connect-src": " ".join(["'self'", *sorted(origins)]),
        "frame-ancestors": "'self'",
        "form-action": "'self'",
        "base-uri": "'self'",
        "object-src": "'none'",
    }
    if lms_settings.CSP_REPORT_URI:
        directives["report-uri"] = lms_settings.CSP_REPORT_URI
    return "; ".join(f"{name} {value}" for name, value in directives.items())


def secure_course_page(request: HttpRequest, response: HttpResponse) -> HttpResponse:
    """Set the headers on a course page's response, once it is rendered; what the site has set stays.

    Returns the response to send: 304 in the place of a page that the browser, or a cache, has already.
    """
    if isinstance(response, SimpleTemplateResponse) and not response.is_rendered:
        response.add_post_render_callback(lambda rendered: _set_headers(request, rendered))
        return response
    return _set_headers(request, response)


def _set_headers(request: HttpRequest, response: HttpResponse) -> HttpResponse:
    notes = PageNotes.of(request)
    response.headers.setdefault("Referrer-Policy", REFERRER_POLICY)
    response.headers.setdefault("Content-Security-Policy", content_security_policy(notes.origins))
    return tell_caches(request, response, next_change=notes.next_change, now=timezone.now())
