"""What "Check this connection" asks of a Moodle: its web services, the token and what it may, the address, a course.

Nothing here writes anything. Error codes as in Moodle's ``webservice/lib.php``.
"""

from __future__ import annotations

import re
from typing import Any
from urllib.parse import parse_qsl, urlsplit

from django.utils.translation import gettext_lazy as _

from cms_lms.backends.connection import MAX_QUOTE, ConnectionCheck, Finding, Text, Visit
from cms_lms.backends.moodle_web_service import MoodleRefused, NotAWebService, call_function
from cms_lms.patterns.urls import MAX_URL_LENGTH, InvalidURL, normalize_base_url

SITE_INFO = "core_webservice_get_site_info"
COURSES = "core_course_get_courses_by_field"

#: What the external service must list, besides ``SITE_INFO``, without which nothing below is asked.
NEEDED_FUNCTIONS = (
    COURSES,
    "core_user_get_users_by_field",
    "core_enrol_get_users_courses",
    "enrol_manual_enrol_users",
)

#: The oldest release whose functions are known to be as they are used here.
OLDEST_RELEASE = (4, 2)

#: Where ``MoodleToken`` leaves what ``core_webservice_get_site_info`` answered.
SITE_INFO_FACT = "moodle_site_info"

_MANAGE_TOKENS = _("In Moodle: Site administration → Server → Web services → Manage tokens.")
_MANAGE_SERVICES = _("In Moodle: Site administration → Server → Web services → External services.")

#: Why a token is not accepted: cause and fix by error code.
_REFUSALS: dict[str, tuple[Text, Text]] = {
    "invalidtoken": (
        _("Moodle does not know the token."),
        _(
            "Make a new token and enter it here. "
            "In Moodle: Site administration → Server → Web services → Manage tokens."
        ),
    ),
    "sitemaintenance": (
        _("Moodle is in maintenance mode: only its administrators may enter."),
        _("Wait, or end it. In Moodle: Site administration → Server → Maintenance mode."),
    ),
    "wsaccessuserdeleted": (
        _("The account that the token belongs to was deleted."),
        _("Make a token of another account."),
    ),
    "wsaccessusersuspended": (
        _("The account that the token belongs to is suspended."),
        _("Activate the account, or make a token of another one."),
    ),
    "wsaccessuserunconfirmed": (
        _("The account that the token belongs to is not confirmed."),
        _("Confirm the account, or make a token of another one."),
    ),
    "wsaccessusernologin": (
        _("The account that the token belongs to may not log in: its authentication method is “No login”."),
        _("Give the account the method “Web services authentication”, or make a token of another one."),
    ),
    "wsaccessuserexpired": (
        _("The password of the account that the token belongs to has expired."),
        _("Set a new password, or give the account the method “Web services authentication”."),
    ),
}
_REFUSALS["usernotconfirmed"] = _REFUSALS["wsaccessuserunconfirmed"]
_REFUSALS["passwordisexpired"] = _REFUSALS["wsaccessuserexpired"]


class MoodleWebServices(ConnectionCheck):
    """Whether the REST protocol answers, asked without a token."""

    name = "moodle-web-services"
    title = _("Web services are switched on")
    requires = ("answer",)

    def run(self, visit: Visit) -> Finding:
        """Any error of Moodle's own is a good answer."""
        try:
            call_function(visit.http, visit.config.base_url, None, SITE_INFO, {})
        except MoodleRefused:
            return self.passed(_("The REST protocol answers."))
        except NotAWebService as error:
            response = error.response
        else:
            return self.failed(
                _("Something answers calls that prove nothing: this is no Moodle."), _("Check the base URL.")
            )
        if response.status == 403 and not response.body.strip():
            return self.failed(
                _("Moodle refuses every call: its web services, or their REST protocol, are switched off."),
                _(
                    "In Moodle, switch on both: Site administration → General → Advanced features → Enable web "
                    "services, and Site administration → Server → Web services → Manage protocols → REST protocol."
                ),
            )
        if response.is_redirect:
            return self.failed(
                _("The address redirects to %(address)s, and calls with a token do not follow.")
                % {"address": response.location.partition("?")[0]},
                _("Enter the address that Moodle calls wwwroot as the base URL."),
            )
        if response.status == 404:
            return self.failed(
                _("There is no Moodle at this address: it has no web services (404)."),
                _("The base URL is what Moodle calls wwwroot, with its path where it has one."),
            )
        if response.status == 503:
            return self.failed(
                _("Moodle is in maintenance mode, or its server is overloaded (503)."), _("Try again later.")
            )
        return self.failed(
            _("A page came instead of data (status %(status)d): of a maintenance, a proxy or another program.")
            % {"status": response.status},
            _("Open the base URL in a browser and see what is there."),
        )


class MoodleToken(ConnectionCheck):
    """Whether the token is accepted, and whose it is."""

    name = "moodle-token"
    title = _("The token is accepted")
    requires = ("moodle-web-services",)

    def run(self, visit: Visit) -> Finding:
        """Leave what the site says of itself among the facts."""
        token = visit.credentials.get("token")
        if not token:
            return self.skipped(_("No token is stored for this address: Moodle tells nothing to strangers."))
        try:
            info = call_function(visit.http, visit.config.base_url, token, SITE_INFO, {})
        except MoodleRefused as error:
            return self._refused(visit, error)
        except NotAWebService as error:
            return self.failed(
                _("No data came in answer (status %(status)d).") % {"status": error.response.status},
                _("Look into the log of Moodle’s web server."),
            )
        if not isinstance(info, dict) or not isinstance(info.get("siteurl"), str):
            return self.failed(_("Moodle’s answer says nothing of the site."), _("Look into Moodle’s own log."))
        visit.facts[SITE_INFO_FACT] = info
        words = {"user": str(info.get("username", ""))[:MAX_QUOTE]}
        if info.get("userissiteadmin"):
            return self.warning(
                _("It belongs to “%(user)s”, an administrator: whoever gets hold of it may do anything.") % words,
                _("Make an account for this site alone, with a role that has only the capabilities that are needed."),
            )
        return self.passed(_("It belongs to “%(user)s”.") % words)

    def _refused(self, visit: Visit, error: MoodleRefused) -> Finding:
        if error.code == "accessexception":
            return self._access_refused(visit)
        if error.code in _REFUSALS:
            return self.failed(*_REFUSALS[error.code])
        return self.failed(
            _("Moodle refuses with “%(code)s”: %(message)s")
            % {"code": error.code[:MAX_QUOTE], "message": error.message[:MAX_QUOTE]},
            _("Look into Moodle’s own log."),
        )

    def _access_refused(self, visit: Visit) -> Finding:
        """One code stands for many reasons; a second call tells some of them apart."""
        try:
            call_function(
                visit.http,
                visit.config.base_url,
                visit.credentials["token"],
                COURSES,
                {"field": "id", "value": 1},
            )
        except MoodleRefused as error:
            if error.code == "invalidtoken":  # Moodle deletes an expired token when it is used
                return self.failed(
                    _("The token has expired."), _("Make a new one. %(where)s") % {"where": _MANAGE_TOKENS}
                )
            if error.code == "accessexception":
                return self.failed(
                    _(
                        "Moodle knows the token and refuses it: its external service is switched off, or does not "
                        "list the functions; or the token is bound to other IP addresses than this server’s; or its "
                        "account may not use the service, or lacks the capability webservice/rest:use."
                    ),
                    _("Check these, in this order. %(where)s") % {"where": _MANAGE_SERVICES},
                )
        except NotAWebService:
            pass  # the refusal that came first says more
        return self._site_info_missing()

    def _site_info_missing(self) -> Finding:
        return self.failed(
            _("The token works, but its external service does not list %(function)s.") % {"function": SITE_INFO},
            _("Add the function to the service. %(where)s") % {"where": _MANAGE_SERVICES},
            SITE_INFO,
        )


class MoodleRelease(ConnectionCheck):
    """Which release it is."""

    name = "moodle-release"
    title = _("Moodle’s release")
    requires = ("moodle-token",)

    def run(self, visit: Visit) -> Finding:
        """Warn of releases whose functions may differ."""
        release = str(visit.facts[SITE_INFO_FACT].get("release", ""))[:MAX_QUOTE]
        numbers = re.match(r"(\d{1,4})\.(\d{1,4})", release)
        if numbers is None:
            return self.warning(_("Moodle does not say which release it is."))
        if tuple(map(int, numbers.groups())) < OLDEST_RELEASE:
            oldest = ".".join(map(str, OLDEST_RELEASE))
            return self.warning(
                _("It is %(release)s: older than %(oldest)s, and what is used here may differ there.")
                % {"release": release, "oldest": oldest},
                _("Upgrade Moodle."),
            )
        return self.passed(release)


class MoodleFunctions(ConnectionCheck):
    """Whether the token's service lists what is needed."""

    name = "moodle-functions"
    title = _("The service has the functions that are needed")
    requires = ("moodle-token",)

    def run(self, visit: Visit) -> Finding:
        """Name each that is missing, one a line to copy."""
        functions = visit.facts[SITE_INFO_FACT].get("functions")
        listed = [
            function.get("name")
            for function in (functions if isinstance(functions, list) else [])
            if isinstance(function, dict)
        ]
        missing = [function for function in NEEDED_FUNCTIONS if function not in listed]
        if not missing:
            return self.passed(_("All of them: %(names)s.") % {"names": ", ".join(NEEDED_FUNCTIONS)})
        return self.failed(
            _("The external service of the token does not list %(names)s.") % {"names": ", ".join(missing)},
            _(
                "In Moodle: Site administration → Server → Web services → External services → Functions → Add "
                "functions. The token’s account needs the capabilities that Moodle names beside each."
            ),
            "\n".join(missing),
        )


class MoodleAddress(ConnectionCheck):
    """Whether Moodle's own address is the base URL."""

    name = "moodle-address"
    title = _("The base URL is Moodle’s own address")
    requires = ("moodle-token",)

    def run(self, visit: Visit) -> Finding:
        """Compare ``wwwroot`` with the base URL."""
        site_url = visit.facts[SITE_INFO_FACT]["siteurl"][:MAX_URL_LENGTH]
        try:
            same = normalize_base_url(site_url, allow_insecure=True) == visit.config.base_url
        except InvalidURL:
            same = False
        if same:
            return self.passed(site_url)
        return self.failed(
            _("Moodle calls itself %(address)s: its links lead there, and its pages redirect there.")
            % {"address": site_url},
            _(
                "Enter that address as the base URL, and let the course regex match it; or correct wwwroot in "
                "Moodle’s config.php."
            ),
            site_url,
        )


class MoodleCourse(ConnectionCheck):
    """Whether a course of the sample URLs is there and may be seen."""

    name = "moodle-course"
    title = _("A sample course is found")
    requires = ("moodle-functions",)

    def run(self, visit: Visit) -> Finding:
        """Ask for the first sample URL that the course regex finds an id in."""
        ids = ((url, visit.extract_course_id(url)) for url in visit.config.sample_urls)
        url, course_id = next(((url, course_id) for url, course_id in ids if course_id), ("", None))
        if course_id is None:
            return self.skipped(_("There is no sample course URL that the course regex matches."))
        field = _field_of(url, course_id)
        try:
            answer = call_function(
                visit.http,
                visit.config.base_url,
                visit.credentials["token"],
                COURSES,
                {"field": field, "value": course_id},
            )
        except MoodleRefused as error:
            return self.failed(
                _("Moodle refuses to look for the course “%(id)s”: %(message)s")
                % {"id": course_id, "message": (error.message or error.code)[:MAX_QUOTE]},
                _("Check that the course regex finds the right part of %(url)s.") % {"url": url},
            )
        except NotAWebService as error:
            return self.failed(
                _("No data came in answer (status %(status)d).") % {"status": error.response.status},
                _("Look into the log of Moodle’s web server."),
            )
        courses: Any = answer.get("courses") if isinstance(answer, dict) else None
        if not courses or not isinstance(courses, list) or not isinstance(courses[0], dict):
            return self.failed(
                _("Moodle finds no course whose %(field)s is “%(id)s”, or does not show it to the token’s account.")
                % {"field": field, "id": course_id},
                _(
                    "Open %(url)s in a browser. If the course is there but hidden, the account needs the capability "
                    "moodle/course:viewhiddencourses; if it is another course, correct the course regex."
                )
                % {"url": url},
            )
        return self.passed(str(courses[0].get("fullname", ""))[:MAX_QUOTE])


def _field_of(url: str, course_id: str) -> str:
    """Return by which field a course URL names its course. Source: ``course/view.php``."""
    parameters = dict(parse_qsl(urlsplit(url).query))
    for parameter, field in (("id", "id"), ("name", "shortname"), ("idnumber", "idnumber")):
        if parameters.get(parameter) == course_id:
            return field
    return "id" if course_id.isdecimal() else "shortname"


#: In the order in which they are asked, after what is asked of every LMS.
MOODLE_CHECKS: tuple[type[ConnectionCheck], ...] = (
    MoodleWebServices,
    MoodleToken,
    MoodleRelease,
    MoodleFunctions,
    MoodleAddress,
    MoodleCourse,
)
