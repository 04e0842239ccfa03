"""CORS and the cross-domain CSRF check of Open edX, with Django's own words for each failure."""

import secrets
import string
from hmac import compare_digest

from werkzeug.wrappers import Request, Response

from .faults import CSRF_COOKIE, Target
from .releases import MASKED_TOKENS, UNMASKED_TOKENS
from .state import State, origin_of

SAFE_METHODS = ("GET", "HEAD", "OPTIONS", "TRACE")
_COOKIE_AGE = 60 * 60 * 24 * 7 * 52
_TOKEN_LENGTHS = 32, 64
_TOKEN_CHARACTERS = string.ascii_letters + string.digits
_ALLOWED_HEADERS = (
    "accept, accept-encoding, authorization, content-type, dnt, origin, user-agent, x-csrftoken, x-requested-with"
)
_ALLOWED_METHODS = "DELETE, GET, OPTIONS, PATCH, POST, PUT"


def is_preflight(request: Request) -> bool:
    """Whether the browser is asking before it sends the real request."""
    return request.method == "OPTIONS" and "Access-Control-Request-Method" in request.headers


def preflight_response() -> Response:
    """200 and empty; `add_cors_headers` says the rest."""
    response = Response(b"", 200)
    response.headers["Content-Length"] = "0"
    return response


def add_cors_headers(state: State, request: Request, response: Response) -> None:
    """Let the browser show the answer to a whitelisted origin. An unlisted one gets its answer without."""
    if not state.settings.cors_enabled:
        return
    response.vary.add("Origin")
    origin = request.headers.get("Origin")
    if origin is None or origin.lower() not in state.settings.allowed_origins():
        return
    response.headers["Access-Control-Allow-Origin"] = origin
    if state.settings.cors_allow_credentials:
        response.headers["Access-Control-Allow-Credentials"] = "true"
    if request.method == "OPTIONS":
        allowed = state.settings.cors_allow_headers
        response.headers["Access-Control-Allow-Headers"] = _ALLOWED_HEADERS if allowed is None else ", ".join(allowed)
        response.headers["Access-Control-Allow-Methods"] = _ALLOWED_METHODS
        response.headers["Access-Control-Max-Age"] = "0"


def own_origin(request: Request) -> str:
    """The origin under which the request reached the LMS."""
    return f"{request.scheme}://{request.host}".lower()


def is_cross_domain_request_allowed(state: State, request: Request) -> bool:
    """Whether the request comes from a page of a whitelisted site, to be seen from its Referer."""
    referer = request.headers.get("Referer")
    if not referer:
        return False
    if not state.settings.cors_allow_insecure and not (request.is_secure and origin_of(referer).startswith("https:")):
        return False
    return origin_of(referer) in state.settings.allowed_origins()


def set_csrf_cookie(state: State, request: Request, response: Response, *, cross_domain: bool = False) -> None:
    """Give the CSRF cookie of the LMS's own host (``ensure_csrf_cookie``).

    ``cross_domain``: also the one of the parent domain, with the same value, to pages of whitelisted sites and to
    nobody else (``ensure_csrf_cookie_cross_domain``).
    """
    settings = state.settings
    token = request.cookies.get(settings.csrf_cookie_name) or new_csrf_token(state)
    response.set_cookie(settings.csrf_cookie_name, token, max_age=_COOKIE_AGE, samesite="Lax")
    if not (cross_domain and settings.cross_domain_cookie and is_cross_domain_request_allowed(state, request)):
        return
    if state.faults.take(CSRF_COOKIE, Target(request.method, request.path, mount=request.root_path or None)):
        return
    response.set_cookie(
        settings.cross_domain_cookie_name,
        token,
        max_age=_COOKIE_AGE,
        domain=settings.csrf_cookie_domain,
        secure=True,
    )


def new_csrf_token(state: State) -> str:
    """A token as the release's Django puts them into cookies. All take both lengths back."""
    bare, masked = _TOKEN_LENGTHS
    length = masked if state.since(MASKED_TOKENS) and not state.since(UNMASKED_TOKENS) else bare
    return "".join(secrets.choice(_TOKEN_CHARACTERS) for _ in range(length))


def csrf_failure(state: State, request: Request) -> str | None:
    """Django's reason for refusing the request, None when it is fine: Origin, Referer, cookie, then token."""
    own = own_origin(request)
    origin = request.headers.get("Origin")
    # Django looks at Origin since version 4, which came with Redwood.
    if origin is not None and state.since("redwood") and origin.lower() not in {own, *state.settings.csrf_origins()}:
        return f"Origin checking failed - {origin} does not match any trusted origins."
    referer = request.headers.get("Referer")
    if not referer:
        return "Referer checking failed - no Referer."
    if not origin_of(referer):
        return "Referer checking failed - Referer is malformed."
    if origin_of(referer) != own and not is_cross_domain_request_allowed(state, request):
        return f"Referer checking failed - {referer} does not match any trusted origins."
    cookie = request.cookies.get(state.settings.csrf_cookie_name)
    if not cookie:
        return "CSRF cookie not set."
    header = request.headers.get("X-CSRFToken")
    token, source = (header, "the 'X-Csrftoken' HTTP header") if header is not None else (_form_token(request), "POST")
    if not token:
        return "CSRF token missing."
    if len(token) not in _TOKEN_LENGTHS:
        return f"CSRF token from {source} has incorrect length."
    if not set(token) <= set(_TOKEN_CHARACTERS):
        return f"CSRF token from {source} has invalid characters."
    if not compare_digest(token.encode(), cookie.encode()):
        return f"CSRF token from {source} incorrect."
    return None


def _form_token(request: Request) -> str | None:
    if request.mimetype in ("application/x-www-form-urlencoded", "multipart/form-data"):
        return request.form.get("csrfmiddlewaretoken")
    return None
