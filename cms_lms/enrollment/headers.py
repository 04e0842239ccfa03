"""The headers under which a course page is served: a Content-Security-Policy and a Referrer-Policy.

For the catalogue's own pages and for any site's: ``secure_course_page(request, response)`` in a page's
``serve()`` or in a view. The panels rendered for a request tell which LMSs the page may call.
"""

from __future__ import annotations

from collections.abc import Iterable

from django.http import HttpRequest, HttpResponse
from django.template.response import SimpleTemplateResponse
from django.templatetags.static import static

from cms_lms.enrollment.panel import EnrollmentPanel, url_origin

#: Open edX sets its cross-domain CSRF cookie only for requests that carry the referring origin.
REFERRER_POLICY = "strict-origin-when-cross-origin"

_ORIGINS = "cms_lms_origins"


def note_lms_origins(request: HttpRequest | None, panels: Iterable[EnrollmentPanel]) -> None:
    """Remember with the request which origins its page calls; the panels' template tags do this."""
    if request is None:
        return
    origins: set[str] = request.__dict__.setdefault(_ORIGINS, set())
    origins.update(panel.lms_origin for panel in panels if panel.lms_origin)


def content_security_policy(origins: Iterable[str] = ()) -> str:
    """Return the policy of a page whose panels call these origins: nothing inline, no other host.

    Where static files stand on another host, that host may serve scripts, styles, fonts and images.
    """
    static_origin = url_origin(static(""))
    assets = " ".join(filter(None, ["'self'", static_origin]))
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
    response.headers.setdefault("Referrer-Policy", REFERRER_POLICY)
    response.headers.setdefault("Content-Security-Policy", content_security_policy(getattr(request, _ORIGINS, ())))
    return response
