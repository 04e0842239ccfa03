"""What caches are told of a course page: who may keep it, until when what it says is true, and by which tag it is
known again.

A page is the same for every visitor without this site's session cookie, whatever other cookies she carries, so that
shared caches keep one copy of it: until the next change of state of any of its runs, less a margin. Browsers always
ask whether theirs is still the same. Whoever has a session gets a page of her own, which nobody keeps. Knows requests,
responses and moments; nothing of runs.
"""

from __future__ import annotations

import datetime as dt
import hashlib
import math
import re
from typing import Any

from django.conf.urls.i18n import is_language_prefix_patterns_used
from django.contrib.messages import get_messages
from django.contrib.messages.storage.cookie import CookieStorage
from django.http import HttpRequest, HttpResponse
from django.urls import get_urlconf
from django.utils.cache import get_conditional_response, patch_cache_control
from django.utils.http import quote_etag
from django.utils.translation import get_language_from_path

from cms_lms.conf import settings as lms_settings

#: In seconds. A cache that counts whole seconds (nginx) may keep a page up to one longer than it is told, and the
#: page is on its way for a moment before the cache starts to count.
MARGIN = 2

#: When a page was rendered. It tells browsers whose clock is slow that it is at least so late; an older one does so
#: too, so that it makes no new page.
MOMENT_OF_RENDERING = re.compile(rb""" data-now=("[^"]*"|'[^']*')""")


def shared_seconds(next_change: dt.datetime | None, *, now: dt.datetime) -> int:
    """Return for how many seconds a shared cache may keep a page that is true until ``next_change``."""
    longest = lms_settings.PAGE_CACHE_SECONDS
    if next_change is None:
        return longest
    return max(0, min(longest, math.floor((next_change - now).total_seconds() - MARGIN)))


def page_etag(content: bytes) -> str:
    """Return the weak entity tag of a page: the same for pages that differ in the moment of rendering alone."""
    digest = hashlib.blake2b(MOMENT_OF_RENDERING.sub(b"", content), digest_size=16).hexdigest()
    return f"W/{quote_etag(digest)}"


def has_session_cookie(request: HttpRequest) -> bool:
    """Whether the visitor may be somebody that this site knows. Does not read the session."""
    return lms_settings.session_cookie_name in request.COOKIES


def is_language_chosen_by_cookie(request: HttpRequest) -> bool:
    """Whether Django has looked for the language in a cookie, of which no Vary tells, and not in the address."""
    if lms_settings.language_cookie_name not in request.COOKIES or get_language_from_path(request.path_info):
        return False
    # None stands for the project's own, which the types do not say.
    urlconf: Any = getattr(request, "urlconf", None) or get_urlconf()
    in_addresses, also_the_default = is_language_prefix_patterns_used(urlconf)
    return not in_addresses or also_the_default


def is_personal(request: HttpRequest, response: HttpResponse) -> bool:
    """Whether a rendered page may hold what is meant for this visitor alone.

    Does not read the session, and asks about nothing that would make Django vary the page by cookies.
    """
    session = getattr(request, "session", None)
    messages = get_messages(request)
    return (
        request.method not in ("GET", "HEAD")
        or getattr(request, "is_preview", False)
        or has_session_cookie(request)
        or bool(session is not None and session.modified)
        or bool(response.cookies)
        # A form's token is one visitor's, and brings a cookie.
        or bool(request.META.get("CSRF_COOKIE_NEEDS_UPDATE"))
        or (getattr(messages, "used", False) and CookieStorage.cookie_name in request.COOKIES)
        or is_language_chosen_by_cookie(request)
        # A site behind a password. What we say would allow caches to keep it all the same.
        or "HTTP_AUTHORIZATION" in request.META
    )


def tell_caches(
    request: HttpRequest, response: HttpResponse, *, next_change: dt.datetime | None, now: dt.datetime
) -> HttpResponse:
    """Set Cache-Control and ETag on a rendered page that is true until ``next_change``; answer 304 where that is all.

    What the site has set stays, but for a lifetime that is longer than the truth and for a page of somebody's own,
    which is never kept. What is no page (a redirect, an error, a stream) is left alone.
    """
    if response.status_code != 200 or response.streaming:
        return response
    if is_personal(request, response):
        patch_cache_control(response, private=True, no_store=True)
        return response
    seconds = shared_seconds(next_change, now=now)
    if response.has_header("Cache-Control"):
        if next_change is not None:
            _shorten(response, max(0, math.floor((next_change - now).total_seconds() - MARGIN)))
        if re.search(r"\b(no-store|private)\b", response["Cache-Control"]):
            return response
    else:
        patch_cache_control(response, public=True, max_age=0, must_revalidate=True, s_maxage=seconds)
    response.headers.setdefault("ETag", page_etag(response.content))
    if seconds == 0 and lms_settings.PAGE_CACHE_SECONDS:
        # From a 304 without a lifetime nginx goes on with that of the copy it has.
        return response
    return get_conditional_response(request, etag=response["ETag"], response=response) or response


def _shorten(response: HttpResponse, seconds: int) -> None:
    """Let no lifetime that the site has set be longer than this."""
    response["Cache-Control"] = re.sub(
        r"\b((?:s-)?max-?age)=\"?(\d+)\"?",
        lambda found: f"{found[1]}={min(int(found[2]), seconds)}",
        response["Cache-Control"],
        flags=re.IGNORECASE,
    )
