"""Enrollments in a Moodle from this site's server, by its web services and its manual enrolment method.

A learner leaves by being suspended: Moodle deletes grades with the last enrollment. Errors are told by their codes,
since their texts are translated. Sources: ``enrol/manual/externallib.php``, ``enrol/externallib.php``.
"""

from __future__ import annotations

import re
from typing import Any

from django.utils.translation import gettext_lazy as _
from django.views.decorators.debug import sensitive_variables

from cms_lms.backends.config import BackendConfig
from cms_lms.backends.enrollment import (
    Enrollment,
    EnrollmentFailed,
    EnrollmentRefused,
    Learner,
    LearnerField,
    LMSAccess,
    LMSMisconfigured,
    LMSUnavailable,
    UnknownLearner,
)
from cms_lms.backends.http import LMSResponse
from cms_lms.backends.moodle_web_service import Argument, MoodleRefused, NotAWebService, call_function

FIND_USERS = "core_user_get_users_by_field"
FIND_COURSES = "core_course_get_courses_by_field"
READ = "core_enrol_get_users_courses"
WRITE = "enrol_manual_enrol_users"

#: By which of its columns Moodle finds a learner.
COLUMNS = {LearnerField.USERNAME: "username", LearnerField.ID_NUMBER: "idnumber", LearnerField.EMAIL: "email"}

#: Moodle's server is ill or in maintenance; a later call may go well.
PASSING = ("sitemaintenance", "codingerror", "dmlreadexception", "dmlwriteexception", "dmltransactionexception")

#: Of ``WRITE``, since 4.5: the account is not one that can be enrolled.
UNFIT_ACCOUNT = ("userdeleted", "usernotconfirmed", "guestsarenotallowed", "invalidrecord")

#: What an error code looks like; anything else is not worth repeating.
_CODE = re.compile(r"[a-z0-9_]{1,60}", re.ASCII | re.IGNORECASE)


class MoodleEnrollments:
    """The enrollments of learners in one Moodle, for the time of one answer. ``role``: the number of “Student”."""

    def __init__(self, config: BackendConfig, access: LMSAccess, *, role: int) -> None:
        self._config = config
        self._http = access.http
        self._token = access.credentials.get("token")
        self._role = role

    @sensitive_variables()
    def get(self, course_id: str, learner: Learner) -> Enrollment | None:
        """Return the learner's enrollment, None while she is in the course by no method."""
        is_in = self._is_in(self._user(learner), self._course(course_id))
        return Enrollment(is_active=True) if is_in else None

    @sensitive_variables()
    def set(self, course_id: str, learner: Learner, *, is_active: bool) -> Enrollment:
        """Enroll or leave, if that is not so already."""
        user, course = self._user(learner), self._course(course_id)
        if self._is_in(user, course) == is_active:
            return Enrollment(is_active)
        row: dict[str, Argument] = {"roleid": self._role, "userid": user, "courseid": course}
        self._call(WRITE, {"enrolments": [{**row, "suspend": int(not is_active)}]}, UNFIT_ACCOUNT)
        # Its answer says nothing, and another method may keep her in.
        if self._is_in(user, course) == is_active:
            return Enrollment(is_active)
        if is_active:
            raise LMSUnavailable(_("Moodle says that the learner was enrolled, and then that she is not."))
        raise EnrollmentRefused(str(_("You were enrolled by the LMS itself. Leave the course there.")))

    @sensitive_variables()
    def _user(self, learner: Learner) -> int:
        """Return the number of the learner's account; usernames of Moodle are lower-case."""
        value = learner.value.strip()
        if learner.by is LearnerField.USERNAME:
            value = value.lower()
        # To no value, Moodle finds everybody who has none.
        if not value:
            raise UnknownLearner(_("Moodle has no account of that learner."))
        # A username with characters that Moodle has not is an invalid parameter.
        found = self._call(FIND_USERS, {"field": COLUMNS[learner.by], "values": [value]}, ("invalidparameter",))
        users = [user for user in _objects(found) if not user.get("suspended")]
        # ID numbers and, by a setting, addresses need not be unique: whose it is nobody can say then.
        if len(users) != 1:
            raise UnknownLearner(_("Moodle has no account of that learner, or more than one."))
        return _number(users[0])

    def _course(self, course_id: str) -> int:
        field = course_field(self._config.course_regex, course_id)
        if field == "id":
            return int(course_id)
        found = self._call(FIND_COURSES, {"field": field, "value": course_id})
        courses = _objects(found.get("courses")) if isinstance(found, dict) else []
        if len(courses) != 1:
            raise LMSMisconfigured(_("Moodle finds no course for the run, or does not show it to the token’s account."))
        return _number(courses[0])

    def _is_in(self, user: int, course: int) -> bool:
        courses = self._call(READ, {"userid": user, "returnusercount": 0})
        return course in [_number(entry) for entry in _objects(courses)]

    @sensitive_variables()
    def _call(self, function: str, arguments: dict[str, Argument], about_learner: tuple[str, ...] = ()) -> Any:
        """Return what a function answers. Raises ``EnrollmentFailed``."""
        if not self._token:
            raise LMSMisconfigured(_("No token is stored for this LMS."))
        try:
            return call_function(self._http, self._config.base_url, self._token, function, arguments)
        except MoodleRefused as error:
            raise _failure(error.code, about_learner) from None
        except NotAWebService as error:
            raise _no_service(error.response) from None


def course_field(course_regex: str, course_id: str) -> str:
    """Return by which column a pattern's course ids name courses: what stands before the group says so."""
    before = course_regex.partition("(?P<course_id>")[0]
    for parameter, field in (("idnumber=", "idnumber"), ("name=", "shortname"), ("id=", "id")):
        if before.endswith(parameter):
            return field if field != "id" or course_id.isdecimal() else "shortname"
    return "id" if course_id.isdecimal() else "shortname"


def _failure(code: str, about_learner: tuple[str, ...]) -> EnrollmentFailed:
    """Return what an error code means. Its text stays behind: it may name somebody."""
    if code in about_learner:
        return UnknownLearner(_("Moodle has no such account, or it cannot be enrolled."))
    shown = code if _CODE.fullmatch(code) else "?"
    if code in PASSING:
        return LMSUnavailable(_("Moodle fails with “%(code)s”.") % {"code": shown})
    return LMSMisconfigured(_("Moodle refuses with “%(code)s”.") % {"code": shown})


def _no_service(response: LMSResponse) -> EnrollmentFailed:
    """Return what an answer means that is none of the web service's."""
    message = _("No data came in answer (status %(status)d).") % {"status": response.status}
    # A redirect for now leads to a login or a maintenance; one for good, to where Moodle is.
    if response.status in (200, 302, 303, 307, 429) or response.status >= 500:
        return LMSUnavailable(message, retry_after=response.retry_after)
    return LMSMisconfigured(message)


def _objects(value: Any) -> list[dict[str, Any]]:
    if not isinstance(value, list) or not all(isinstance(entry, dict) for entry in value):
        raise LMSUnavailable(_("Moodle’s answer has another form than it should have."))
    return value


def _number(entry: dict[str, Any]) -> int:
    number = entry.get("id")
    if not isinstance(number, int) or isinstance(number, bool):
        raise LMSUnavailable(_("Moodle’s answer has another form than it should have."))
    return number
