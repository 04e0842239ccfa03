"""What "Check this connection" asks of an Open edX: kind, health, release, credentials and their rights, a course.

Nothing here writes anything. Statuses and bodies as in Open edX's heartbeat, ``oauth_dispatch``, ``user_api`` and
``enrollments`` apps. What the checks leave among the facts is named below.
"""

from __future__ import annotations

import re

from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from cms_lms.backends.connection import MAX_QUOTE, ConnectionCheck, Finding, Visit
from cms_lms.backends.errors import LMSUnreachable
from cms_lms.backends.http import LMSResponse, NotJSON
from cms_lms.backends.openedx_release import ReleaseRange, course_details_url, find_release
from cms_lms.backends.reachability import expect_json
from cms_lms.patterns.urls import origin_of

#: What is wrong with each part of the LMS, by its own account; absent where it gives none.
HEALTH = "openedx_health"

#: A ``ReleaseRange``.
RELEASES = "openedx_releases"

#: The same in words.
RELEASE_RANGE = "release_range"

#: The answer of the login page, redirects not followed.
LOGIN_PAGE = "openedx_login_page"

#: Parts that a health report may have.
MAX_PARTS = 20

#: RFC 6265, 4.1.1.
COOKIE_NAME = re.compile(r"[\w!#$%&'*+.^`|~-]{1,100}", re.ASCII)

ENROLLMENT_PATH = "/api/enrollment/v1/enrollment"


def releases_of(visit: Visit) -> ReleaseRange:
    """Return what is known of the release; all of them while nothing is."""
    return visit.facts.get(RELEASES, ReleaseRange())


def sample_course(visit: Visit) -> tuple[str, str] | None:
    """Return the first sample URL that the course regex finds an id in, and that id."""
    for url in visit.config.sample_urls:
        course_id = visit.extract_course_id(url)
        if course_id:
            return url, course_id
    return None


def csrf_cookie_of(visit: Visit) -> tuple[str, str] | None:
    """Return name and value of the CSRF cookie that the login page sets, whatever it is called."""
    page: LMSResponse | None = visit.facts.get(LOGIN_PAGE)
    for line in page.set_cookies if page is not None else ():
        name, _equals, value = (part.strip() for part in line.partition(";")[0].partition("="))
        if "csrf" in name.lower() and COOKIE_NAME.fullmatch(name) and value.isascii() and value.isalnum():
            return name, value
    return None


class OpenEdXKind(ConnectionCheck):
    """Whether an Open edX answers at all."""

    name = "openedx"
    title = gettext_lazy("It is an Open edX")
    requires = ("answer",)

    def run(self, visit: Visit) -> Finding:
        """Recognise it by its health report; by its enrollment API where that is kept from strangers."""
        url = visit.config.base_url
        response = visit.http.get(f"{url}/heartbeat")
        parts = _health(response)
        if parts is not None:
            visit.facts[HEALTH] = parts
        if parts is not None and _is_structured(response):
            return self.passed(_("It answers with its health report."))
        if _is_enrollment_api(visit.http.get(url + ENROLLMENT_PATH, follow_redirects=False)):
            return self.passed(_("Its enrollment API answers."))
        origin = origin_of(url)
        if url != origin and _is_structured(visit.http.get(f"{origin}/heartbeat")):
            return self.failed(
                _("There is an Open edX at %(origin)s, but not below the path of the base URL.") % {"origin": origin},
                _("Enter its address without a path:"),
                origin,
            )
        if response.status in (401, 403):
            return self.failed(
                _("The server refuses to answer this site (status %(status)s): a password or a firewall is in front.")
                % {"status": response.status},
                _("Let it answer calls from this server, and from the browsers of learners."),
            )
        # A page, nothing, or an error of the server: each in words of its own.
        expect_json(response)
        return self.failed(
            _("What answers is no Open edX: there is neither a health report nor an enrollment API."),
            _("Check the base URL, and that the backend class is the one for this LMS."),
        )


class OpenEdXHealth(ConnectionCheck):
    """Whether it is well, by its own account."""

    name = "openedx-health"
    title = gettext_lazy("It is well")
    requires = ("openedx",)

    def run(self, visit: Visit) -> Finding:
        """Name the parts that are not."""
        parts: dict[str, str] | None = visit.facts.get(HEALTH)
        if parts is None:
            return self.skipped(_("It keeps its health report from strangers."))
        ill = [f"{name} ({message})" for name, message in parts.items() if message]
        if ill:
            return self.failed(
                _("It says itself that it is unwell: %(parts)s.") % {"parts": ", ".join(ill)},
                _("Look at these parts of the LMS, and into its log."),
            )
        return self.passed(_("All parts work: %(parts)s.") % {"parts": ", ".join(parts)})


class OpenEdXRelease(ConnectionCheck):
    """Which release it may be."""

    name = "openedx-release"
    title = gettext_lazy("Release")
    requires = ("openedx",)

    def run(self, visit: Visit) -> Finding:
        """Leave the range and the login page among the facts, and say whether Fonzie is installed."""
        try:
            visit.facts[LOGIN_PAGE] = visit.http.get(f"{visit.config.base_url}/login", follow_redirects=False)
        except LMSUnreachable:
            visit.facts[LOGIN_PAGE] = None
        sample, cookie = sample_course(visit), csrf_cookie_of(visit)
        releases = find_release(
            visit, sample[1] if sample else None, visit.facts[LOGIN_PAGE], cookie[1] if cookie else None
        )
        visit.facts[RELEASES], visit.facts[RELEASE_RANGE] = releases, str(releases)
        words = {"releases": releases, "fonzie": self._fonzie(visit)}
        if visit.config.js_backend == "openedx-hawthorn" and releases.since("ficus") is False:
            return self.failed(
                _("Open edX, %(releases)s: it has no address that tells browsers who is logged in.") % words,
                _("Choose the JS backend “Open edX, Dogwood and Eucalyptus”; or upgrade the LMS."),
            )
        if visit.config.js_backend == "openedx-fonzie" and not words["fonzie"]:
            return self.failed(
                _("Open edX, %(releases)s, without Fonzie: the JS backend asks it who is logged in.") % words,
                _("Choose the JS backend “Open edX, Hawthorn and later”; or install Fonzie on the LMS."),
            )
        if words["fonzie"]:
            return self.passed(_("Open edX, %(releases)s, with Fonzie %(fonzie)s.") % words)
        return self.passed(_("Open edX, %(releases)s.") % words)

    def _fonzie(self, visit: Visit) -> str:
        try:
            answer = visit.http.get(f"{visit.config.base_url}/api/v1.0/status/version", follow_redirects=False)
            version = answer.json() if answer.status == 200 else None
        except (LMSUnreachable, NotJSON):
            return ""
        return str(version["version"])[:20] if isinstance(version, dict) and "version" in version else ""


class OpenEdXSampleCourse(ConnectionCheck):
    """Whether a course of the sample URLs is there."""

    name = "openedx-course"
    title = gettext_lazy("A sample course is found")
    requires = ("openedx",)

    def run(self, visit: Visit) -> Finding:
        """Ask for what Open edX tells everybody about the course."""
        sample = sample_course(visit)
        if sample is None:
            return self.skipped(
                _("There is no sample course URL that the course regex matches. Add one to the backend.")
            )
        url, course_id = sample
        response = visit.http.get(course_details_url(visit.config.base_url, course_id))
        words = {"id": course_id, "url": url, "status": response.status}
        if response.status == 429:
            return self.warning(_("The LMS asks to be called less often (status 429)."), _("Check again in a minute."))
        if response.status == 400 or response.status == 404:
            return self.failed(
                _("The LMS knows no course “%(id)s”, which is what the course regex finds in %(url)s.") % words,
                _("Open the sample URL in a browser. If the course is there, correct the course regex."),
            )
        details = expect_json(response)
        if response.status != 200 or not isinstance(details, dict) or "course_id" not in details:
            return self.failed(
                _("The LMS does not tell what it knows of the course “%(id)s” (status %(status)s).") % words,
                _("Look into the log of the LMS."),
            )
        name = str(details.get("course_name") or course_id)[:MAX_QUOTE]
        return self.passed(_("“%(name)s” (%(id)s).") % {"name": name, **words})


def _health(response: LMSResponse) -> dict[str, str] | None:
    """Return what is wrong with each part of the LMS, blank if nothing is; None if there is no health report.

    Up to about Cypress a part is true or its error; later it has ``status`` and ``message``. Where the report itself
    fails there is one part, ``error``. Source: the heartbeat app's ``views.py``.
    """
    try:
        report = response.json()
    except NotJSON:
        return None
    if response.status not in (200, 503) or not isinstance(report, dict) or not 0 < len(report) <= MAX_PARTS:
        return None
    parts = {}
    for name, part in report.items():
        name = name[:MAX_QUOTE]
        if isinstance(part, dict) and "status" in part:
            parts[name] = "" if part["status"] else str(part.get("message") or "?")[:MAX_QUOTE]
        elif part is True or (isinstance(part, str) and response.status == 503):
            parts[name] = "" if part is True else part[:MAX_QUOTE]
        else:
            return None
    return parts


def _is_structured(response: LMSResponse) -> bool:
    """Whether a health report is in the form that nothing but Open edX has."""
    return _health(response) is not None and any(isinstance(part, dict) for part in response.json().values())


def _is_enrollment_api(response: LMSResponse) -> bool:
    try:
        answer = response.json()
    except NotJSON:
        return False
    return response.status in (401, 403) and isinstance(answer, dict) and "detail" in answer
