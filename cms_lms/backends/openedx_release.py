"""Which release of Open edX an LMS is, as far as a stranger can tell: by what it has and what it lacks.

An LMS never says which release it is. What is asked here changes nothing and needs no account. Several releases look
the same from outside, so the answer is a range.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any
from urllib.parse import quote

from django.utils.translation import gettext as _

from cms_lms.backends.connection import Visit
from cms_lms.backends.errors import LMSUnreachable
from cms_lms.backends.http import LMSResponse, NotJSON

#: All that are told apart here, the oldest first.
RELEASES = (
    "dogwood",
    "eucalyptus",
    "ficus",
    "ginkgo",
    "hawthorn",
    "ironwood",
    "juniper",
    "koa",
    "lilac",
    "maple",
    "nutmeg",
    "olive",
    "palm",
    "quince",
    "redwood",
    "sumac",
    "teak",
    "ulmo",
    "verawood",
    "willow",
)

#: What only some releases have: path, the first release that may have it, the last that may lack it. (In master, the
#: day between two releases is known to nobody, hence the overlap.) Sources: ``lms/urls.py``, ``enrollments/urls.py``.
_PATHS = (
    ("/api/user/v1/me", "ficus", "eucalyptus"),
    ("/api/enrollment/v1/enrollments", "ironwood", "ironwood"),
    ("/api/enrollment/v1/enrollment_allowed/", "palm", "palm"),
    ("/api/enrollment/v2/enrollment/", "willow", "verawood"),
)

#: How long Django's CSRF cookie is: 64 characters while it masks the token in it (1.10 to 4.0), else 32. Hawthorn is
#: the first release on Django 1.11, Redwood the first on 4.2. The latter checks ``Origin``.
_MASKED_COOKIE = 64


@dataclass(frozen=True)
class ReleaseRange:
    """The releases that an LMS may be, the first and the last of them included."""

    first: str = RELEASES[0]
    last: str = RELEASES[-1]

    def since(self, release: str) -> bool | None:
        """Whether it is that release or a later one; None if it cannot be told."""
        wanted = RELEASES.index(release)
        if RELEASES.index(self.first) >= wanted:
            return True
        return None if RELEASES.index(self.last) >= wanted else False

    def narrowed(self, *, first: str = RELEASES[0], last: str = RELEASES[-1]) -> ReleaseRange:
        """Return what is left of the range; evidence that contradicts it counts for nothing (forks bring things)."""
        first, last = max(first, self.first, key=RELEASES.index), min(last, self.last, key=RELEASES.index)
        return ReleaseRange(first, last) if RELEASES.index(first) <= RELEASES.index(last) else self

    def __str__(self) -> str:
        words = {"first": self.first.capitalize(), "last": self.last.capitalize()}
        if self.first == self.last:
            return words["first"]
        if self == ReleaseRange():
            return _("of an unknown release")
        if self.first == RELEASES[0]:
            return _("%(last)s or older") % words
        if self.last == RELEASES[-1]:
            return _("%(first)s or later") % words
        return _("between %(first)s and %(last)s") % words


def find_release(
    visit: Visit, course_id: str | None, login_page: LMSResponse | None, csrf_cookie: str | None
) -> ReleaseRange:
    """Ask for what tells the releases apart. A question that is not answered narrows nothing.

    ``login_page``: the answer of the login page, redirects not followed; ``csrf_cookie``: what is in the cookie that
    it sets, if it sets one.
    """
    releases = ReleaseRange()
    for path, first_with, last_without in _PATHS:
        there_is = _exists(visit, path)
        if there_is is not None:
            releases = releases.narrowed(first=first_with) if there_is else releases.narrowed(last=last_without)
            if not there_is:
                break  # what came later is not there either
    if _leads_to(login_page, "/authn/login"):
        releases = releases.narrowed(first="koa")
    if releases.since("ulmo") is not False and _leads_to(_ask(visit, f"{visit.config.base_url}/courses"), "/catalog/"):
        releases = releases.narrowed(first="ulmo")
    if course_id:
        releases = _by_course_details(releases, _course_details(visit, course_id))
    if csrf_cookie is not None and releases.since("hawthorn"):
        is_masked = len(csrf_cookie) == _MASKED_COOKIE
        releases = releases.narrowed(last="quince") if is_masked else releases.narrowed(first="redwood")
    elif csrf_cookie is not None and len(csrf_cookie) == _MASKED_COOKIE:
        releases = releases.narrowed(first="hawthorn", last="quince")
    return releases


def course_details_url(base_url: str, course_id: str) -> str:
    """Where Open edX tells everybody the dates and the modes of a course."""
    return f"{base_url}/api/enrollment/v1/course/{quote(course_id, safe='')}"


def _exists(visit: Visit, path: str) -> bool | None:
    response = _ask(visit, visit.config.base_url + path)
    if response is None:
        return None
    if response.status in (401, 403) or (response.status == 200 and response.is_json):
        return True
    return False if response.status == 404 else None


def _leads_to(response: LMSResponse | None, path: str) -> bool:
    """Whether it redirects to a micro-frontend of that path: the first releases that have one can lead there.

    Sources: ``user_authn/views/login_form.py`` (the setting is of September 2020), ``branding/views.py``.
    """
    return response is not None and response.is_redirect and path in response.location.partition("?")[0]


def _course_details(visit: Visit, course_id: str) -> dict[str, Any]:
    response = _ask(visit, course_details_url(visit.config.base_url, course_id))
    try:
        details = response.json() if response is not None and response.status == 200 else None
    except NotJSON:
        details = None
    return details if isinstance(details, dict) and "course_id" in details else {}


def _by_course_details(releases: ReleaseRange, details: dict[str, Any]) -> ReleaseRange:
    if not details:
        return releases
    if "course_name" not in details:
        return releases.narrowed(last="eucalyptus")
    releases = releases.narrowed(first="ficus")
    return releases.narrowed(first="lilac") if "pacing_type" in details else releases.narrowed(last="lilac")


def _ask(visit: Visit, url: str) -> LMSResponse | None:
    try:
        return visit.http.get(url, follow_redirects=False)
    except LMSUnreachable:
        return None
