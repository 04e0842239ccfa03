"""The headers under which a course page is served: its Content-Security-Policy, its Referrer-Policy, and how
long caches may keep it.

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
from django.utils.cache import patch_cache_control

from cms_lms.enrollment.panel import EnrollmentPanel, url_origin

#: Open edX sets its cross-domain CSRF cookie only for requests that carry the referring origin.
REFERRER_POLICY = "strict-origin-when-cross-origin"

#: In seconds. No lifetime is set while the next change of state is further away: until then the site's
#: caches keep the page as long as they are told to, and a cache that keeps pages longer needs purging.
LIFETIME_HORIZON = 3600


@dataclass
class PageNotes:
    """What the headers must know of a page: the LMSs it calls, and until when what it says is true.

    ``lifetime`` is in seconds from the rendering, None for always.
    """

    origins: set[str] = field(default_factory=set)
    lifetime: float | None = None
    has_steps: bool = False

    @classmethod
    def of(cls, request: HttpRequest | None) -> PageNotes:
        """Return the notes kept with a request; without one, notes that nobody will read."""
        return cls() if request is None else request.__dict__.setdefault("cms_lms_notes", cls())

    def add_panels(self, panels: Iterable[EnrollmentPanel]) -> None:
        """Note the panels that the page shows."""
        for panel in panels:
            if panel.lms_origin:
                self.origins.add(panel.lms_origin)
            self.add_change(panel.next_change, now=panel.now)

    def add_change(self, moment: dt.datetime | None, *, now: dt.datetime) -> None:
        """Note that the page says something which ceases to be true at a moment."""
        if moment is not None:
            seconds = max(0.0, (moment - now).total_seconds())
            self.lifetime = seconds if self.lifetime is None else min(self.lifetime, seconds)


def content_security_policy(origins: Iterable[str] = ()) -> str:
    """Return the policy of a page whose panels call these origins: nothing inline, no other host.

    Where static files stand on another host, that host may serve scripts, styles, fonts and images.
    """
    assets = " ".join(filter(None, ["'self'", url_origin(static(""))]))
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
    return "; ".join(f"{name} {value}" for name, value in directives.items())


def secure_course_page(request: HttpRequest, response: HttpResponse) -> HttpResponse:
    """Set the headers on a course page's response, once it is rendered; what the site has set stays."""
    if isinstance(response, SimpleTemplateResponse) and not response.is_rendered:
        response.add_post_render_callback(lambda rendered: _set_headers(request, rendered))
        return response
    return _set_headers(request, response)


def _set_headers(request: HttpRequest, response: HttpResponse) -> HttpResponse:
    notes = PageNotes.of(request)
    response.headers.setdefault("Referrer-Policy", REFERRER_POLICY)
    response.headers.setdefault("Content-Security-Policy", content_security_policy(notes.origins))
    # Whoever is logged in sees her own changes at once.
    is_anonymous = not getattr(getattr(request, "user", None), "is_authenticated", False)
    if is_anonymous and notes.lifetime is not None and notes.lifetime < LIFETIME_HORIZON:
        # Keeps a shorter age that is set already, as those who set one later will keep this.
        patch_cache_control(response, max_age=int(notes.lifetime))
    return response
