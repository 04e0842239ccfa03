"""What "Check this connection" asks of a Joanie: whether its API is there, what it lets browsers do, a course run.

It takes no credentials of this site's: learners' browsers bring tokens of their own. Sources: Joanie's
``core/api/client``, ``settings.py``; django-cors-headers.
"""

from __future__ import annotations

from typing import Any
from urllib.parse import quote

from django.utils.translation import gettext_lazy as _

from cms_lms.backends.connection import MAX_QUOTE, ConnectionCheck, Finding, Visit
from cms_lms.backends.http import LMSResponse, NotJSON
from cms_lms.backends.reachability import expect_json

API = "/api/v1.0"

#: What calls with a token send that browsers ask leave for.
BEARER_HEADERS = ("authorization", "content-type")


class JoanieAPI(ConnectionCheck):
    """Whether Joanie's API answers strangers as it should."""

    name = "joanie-api"
    title = _("Joanie’s API answers")
    requires = ("answer",)

    def run(self, visit: Visit) -> Finding:
        """Ask who is logged in: nobody is, which Joanie says with status 401 and a sentence."""
        response = visit.http.get(f"{visit.config.base_url}{API}/users/me/", headers={"Accept": "application/json"})
        if response.status == 404:
            return self.failed(
                _("There is no Joanie at this address: nothing is at %(path)s.") % {"path": f"{API}/users/me/"},
                _("The base URL is the address of Joanie’s server, without /api."),
            )
        answer: Any = expect_json(response)
        if response.status == 401 and isinstance(answer, dict) and "detail" in answer:
            return self.passed(_("It asks strangers for a token, as it should."))
        return self.failed(
            _("A call without a token is answered with status %(status)s, where Joanie says 401.")
            % {"status": response.status},
            _("Check that the base URL is Joanie’s and no other program’s, and what stands before it."),
        )


class JoanieOrigins(ConnectionCheck):
    """Whether browsers may call it with a token from every origin of this site."""

    name = "joanie-origins"
    title = _("This site’s pages may call Joanie")
    requires = ("joanie-api",)

    def run(self, visit: Visit) -> Finding:
        """Ask as browsers do before the call."""
        if not visit.config.is_called_by_browsers:
            return self.skipped(_("There is no JS backend: learners’ browsers do not call it."))
        refused = [origin for origin in visit.site_origins if not self._allows(self._preflight(visit, origin), origin)]
        if not refused:
            return self.passed(_("Allowed: %(origins)s.") % {"origins": ", ".join(visit.site_origins)})
        return self.failed(
            _("Joanie does not let pages of %(origins)s call it with a token.") % {"origins": ", ".join(refused)},
            _(
                "Add to CORS_ALLOWED_ORIGINS of Joanie, separated by commas in its environment variable, and leave "
                "CORS_ALLOW_HEADERS as it is by default:"
            ),
            "\n".join(refused),
        )

    def _preflight(self, visit: Visit, origin: str) -> LMSResponse:
        return visit.http.options(
            f"{visit.config.base_url}{API}/enrollments/",
            headers={
                "Origin": origin,
                "Access-Control-Request-Method": "POST",
                "Access-Control-Request-Headers": ", ".join(BEARER_HEADERS),
            },
        )

    def _allows(self, response: LMSResponse, origin: str) -> bool:
        """Whether a browser would send the call. A star for the headers does not cover Authorization."""
        allowed = response.headers.get("Access-Control-Allow-Headers", "").lower()
        return (
            200 <= response.status < 300
            and response.headers.get("Access-Control-Allow-Origin") in (origin, "*")
            and set(BEARER_HEADERS) <= {name.strip() for name in allowed.split(",")}
        )


class JoanieLogin(ConnectionCheck):
    """Whether learners have a login: Joanie itself has none."""

    name = "joanie-login"
    title = _("Learners can log in")

    def run(self, visit: Visit) -> Finding:
        """Look at the record; the login's own examination says whether it works."""
        if visit.config.js_backend != "joanie":
            return self.skipped(_("Course pages do not let learners enroll: the JS backend is not Joanie’s."))
        if visit.config.login_backend:
            return self.passed(_("Through the LMS backend %(slug)s.") % {"slug": visit.config.login_backend})
        return self.failed(
            _("Joanie has no login of its own, and no LMS backend is named through which learners log in."),
            _("Under “Learners log in through”, choose the LMS backend of the Open edX whose Fonzie Joanie trusts."),
        )


class JoanieCourseRun(ConnectionCheck):
    """Whether a course run of the sample URLs is there."""

    name = "joanie-course-run"
    title = _("A sample course run is found")
    requires = ("joanie-api",)

    def run(self, visit: Visit) -> Finding:
        """Ask for the first that the course regex finds; products are for people with tokens."""
        ids = map(visit.extract_course_id, visit.config.sample_urls)
        course_id = next((found.strip("/") for found in ids if found and "course-runs/" in found), None)
        if course_id is None:
            return self.skipped(_("There is no sample URL of a course run that the course regex matches."))
        path = f"{API}/{quote(course_id)}/"
        response = visit.http.get(visit.config.base_url + path, headers={"Accept": "application/json"})
        try:
            run: Any = response.json()
        except NotJSON:
            run = None
        if response.status == 200 and isinstance(run, dict) and "resource_link" in run:
            return self.passed(str(run.get("title", ""))[:MAX_QUOTE])
        if response.status == 404:
            return self.failed(
                _("Joanie has nothing at %(path)s, or does not list it.") % {"path": path},
                _("Check the sample URL, what the course regex finds in it, and whether the run is listed."),
            )
        return self.failed(
            _("What Joanie answers at %(path)s is no course run (status %(status)s).")
            % {"path": path, "status": response.status},
            _("Look at Joanie’s log."),
        )


#: In the order in which they are asked, after what is asked of every LMS.
JOANIE_CHECKS: tuple[type[ConnectionCheck], ...] = (JoanieAPI, JoanieOrigins, JoanieLogin, JoanieCourseRun)
