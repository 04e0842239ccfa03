"""The web service functions, with their arguments and their errors, as Moodle 4.2 to 5.1 have them.

Sources: `webservice/externallib.php`, `course/externallib.php`, `user/externallib.php`, `enrol/externallib.php`,
`enrol/manual/externallib.php`, `enrol/self/externallib.php`.
"""

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from .arguments import Listing, Structure, Value
from .errors import InvalidParameter, MissingRecord, MoodleError, NoPermission
from .state import RELEASES, SITE_COURSE, STUDENT_ROLE, Course, Enrollment, State, Token, User

#: Student, teacher without and with editing rights: what a manager may assign.
_ASSIGNABLE_ROLES = (STUDENT_ROLE, 4, 3)


@dataclass(frozen=True)
class Call:
    """Who calls which Moodle, with what token."""

    state: State
    user: User
    token: Token


@dataclass(frozen=True)
class Function:
    """A function and the description of its arguments."""

    run: Callable[..., Any]
    arguments: Structure

    def __call__(self, call: Call, given: dict[str, Any]) -> Any:
        """Check the arguments, then run. Raises MoodleError."""
        return self.run(call, **self.arguments.clean(given))


def get_site_info(call: Call, serviceshortnames: list[str]) -> dict[str, Any]:
    """What the connection test reads."""
    state, user = call.state, call.user
    release, version = RELEASES[state.settings.release]
    return {
        "sitename": "Fake Moodle",
        "username": user.username,
        "firstname": user.username.capitalize(),
        "lastname": "Example",
        "fullname": user.fullname,
        "lang": "en",
        "userid": user.id,
        "siteurl": state.wwwroot,
        "userpictureurl": f"{state.wwwroot}/theme/image.php/boost/core/1/u/f1",
        "functions": [{"name": name, "version": version} for name in sorted(call.token.functions)],
        "downloadfiles": 0,
        "uploadfiles": 0,
        "release": release,
        "version": version,
        "mobilecssurl": "",
        "usercanmanageownfiles": True,
        "userquota": 0,
        "usermaxuploadfilesize": -1,
        "userhomepage": 0,
        "siteid": SITE_COURSE,
        "userissiteadmin": user.is_admin,
    }


def get_courses_by_field(call: Call, field: str, value: str) -> dict[str, Any]:
    """`field` blank: all courses, the site among them. Hidden ones are for managers."""
    courses = list(call.state.courses.values())
    if field in ("id", "ids", "category"):
        if not re.fullmatch(r"\d+(,\d+)*" if field == "ids" else r"\d+", value):
            raise InvalidParameter("Invalid value")
        wanted = {int(number) for number in value.split(",")}
        courses = [] if field == "category" else [course for course in courses if course.id in wanted]
    elif field in ("shortname", "idnumber"):
        courses = [course for course in courses if getattr(course, field) == value]
    elif field:
        raise InvalidParameter("Invalid field name")
    shown = [course for course in courses if course.visible or call.user.is_manager]
    return {"courses": [_describe_course(call, course) for course in shown], "warnings": []}


def _describe_course(call: Call, course: Course) -> dict[str, Any]:
    public = {
        "id": course.id,
        "fullname": course.fullname,
        "displayname": course.fullname,
        "shortname": course.shortname,
        "categoryid": 0 if course.id == SITE_COURSE else 1,
        "summary": "",
        "summaryformat": 1,
        "enrollmentmethods": ["manual"] * course.manual + ["self"] * course.self_enrolment,
    }
    if not call.user.is_manager and not call.state.is_enrolled(call.user.id, course.id):
        return public
    return public | {
        "idnumber": course.idnumber,
        "visible": int(course.visible),
        "startdate": course.startdate,
        "enddate": course.enddate,
        "lang": course.lang,
    }


def get_users_by_field(call: Call, field: str, values: list[str]) -> list[dict[str, Any]]:
    """Those who are found and whom the caller may see; nothing tells the two apart."""
    if field not in ("id", "idnumber", "username", "email"):
        raise InvalidParameter("The search field '" + field + "' is not supported")
    if field == "username" and any(not re.fullmatch(r"[a-z0-9_.@-]*", value) for value in values):
        raise InvalidParameter("The field 'username' value is invalid")
    return [
        _describe_user(user)
        for user in call.state.users.values()
        if str(getattr(user, field)) in values and _may_see(call, user)
    ]


def get_users(call: Call, criteria: list[dict[str, str]]) -> dict[str, Any]:
    """All of the criteria must hold; `%` stands for anything."""
    users = [user for user in call.state.users.values() if _may_see(call, user)]
    for criterion in criteria:
        if criterion["key"] not in ("id", "username", "email", "idnumber"):
            raise InvalidParameter("The search criteria is invalid")
        pattern = ".*".join(map(re.escape, criterion["value"].split("%")))
        users = [user for user in users if re.fullmatch(pattern, str(getattr(user, criterion["key"])), re.IGNORECASE)]
    return {"users": [_describe_user(user) for user in users], "warnings": []}


def _may_see(call: Call, user: User) -> bool:
    return not user.is_deleted and (call.user.is_manager or user is call.user)


def _describe_user(user: User) -> dict[str, Any]:
    return {
        "id": user.id,
        "username": user.username,
        "fullname": user.fullname,
        "email": user.email,
        "idnumber": user.idnumber,
        "auth": "manual",
        "suspended": user.is_suspended,
        "confirmed": user.is_confirmed,
        "lang": "en",
    }


def get_users_courses(call: Call, userid: int, returnusercount: bool) -> list[dict[str, Any]]:
    """Active enrollments only; nobody's courses for an unknown user."""
    courses = []
    for course in call.state.active_courses(userid):
        described = _describe_course(call, course) | {"category": 1, "timemodified": course.startdate}
        if returnusercount:
            described["enrolledusercount"] = sum(
                call.state.is_enrolled(user, course.id) for user in list(call.state.users)
            )
        courses.append(described)
    return courses


def get_enrolled_users(call: Call, courseid: int, options: list[dict[str, str]]) -> list[dict[str, Any]]:
    """Who has a row, active or not; `onlyactive`, `limitfrom` and `limitnumber` are understood."""
    _enter_course(call, courseid)
    chosen = {option["name"]: option["value"] for option in options}
    rows = [row for row in list(call.state.enrollments.values()) if row.course == courseid]
    if chosen.get("onlyactive") == "1":
        rows = [row for row in rows if row.is_active(call.state.clock.now())]
    first, number = int(chosen.get("limitfrom", 0)), int(chosen.get("limitnumber", 0))
    users = sorted({row.user for row in rows})[first:]
    return [_describe_user(call.state.users[user]) for user in (users[:number] if number else users)]


def get_course_enrolment_methods(call: Call, courseid: int) -> list[dict[str, Any]]:
    """The methods of a course; the id of each is ten times the course's, plus its place."""
    course = _enter_course(call, courseid)
    return [method for method in (_manual_method(course), _self_method(course)) if method]


def _manual_method(course: Course) -> dict[str, Any] | None:
    if not course.manual:
        return None
    return {"id": course.id * 10, "courseid": course.id, "type": "manual", "name": "Manual enrolments", "status": True}


def _self_method(course: Course) -> dict[str, Any] | None:
    if not course.self_enrolment:
        return None
    method = {"id": course.id * 10 + 1, "courseid": course.id, "type": "self", "name": "Self enrolment (Student)"}
    return method | {"status": True, "wsfunction": "enrol_self_get_instance_info"}


def get_self_instance_info(call: Call, instanceid: int) -> dict[str, Any]:
    """Whether one may enroll oneself."""
    method = _self_method(call.state.courses.get(instanceid // 10, Course(0, "", "")))
    if method is None or method["id"] != instanceid:
        raise MissingRecord("enrol")
    needs_key = {"enrolpassword": "Enrolment key"} if call.state.courses[instanceid // 10].self_password else {}
    return {name: method[name] for name in ("id", "courseid", "type", "name", "status")} | needs_key


def self_enrol_user(call: Call, courseid: int, password: str, instanceid: int) -> dict[str, Any]:
    """Enrolls the user of the token, nobody else."""
    course = call.state.courses.get(courseid)
    if course is None:
        raise InvalidParameter("Context does not exist")
    if not course.visible:
        raise MoodleError("coursehidden")
    if not course.self_enrolment:
        raise MoodleError("canntenrol")
    if call.state.is_enrolled(call.user.id, courseid):
        return _refused("1", "You are already enrolled in this course")
    if password != course.self_password:
        return _refused("4", "Incorrect enrolment key, please try again")
    call.state.enroll(call.user.id, courseid, method="self")
    return {"status": True, "warnings": []}


def _refused(code: str, message: str) -> dict[str, Any]:
    return {"status": False, "warnings": [{"item": "instance", "warningcode": code, "message": message}]}


def enrol_users(call: Call, enrolments: list[dict[str, Any]]) -> None:
    """All or nothing; an existing row is updated and becomes active again unless `suspend` says otherwise."""
    rows = [_make_row(call, enrolment) for enrolment in enrolments]
    with call.state.lock:
        for row in rows:
            call.state.enrollments[row.user, row.course, "manual"] = row


def _make_row(call: Call, enrolment: dict[str, Any]) -> Enrollment:
    course = _enter_course(call, enrolment["courseid"])
    if not call.user.is_manager:
        raise NoPermission("enrol/manual:enrol")
    if enrolment["roleid"] not in _ASSIGNABLE_ROLES:
        raise MoodleError("wsusercannotassign")
    if not course.manual:
        raise MoodleError("wsnoinstance")
    user = call.state.users.get(enrolment["userid"])
    if call.state.since("4.5"):
        # Earlier releases do not look at the user.
        if user is None:
            raise MissingRecord("user")
        for is_so, errorcode in (
            (user.is_deleted, "userdeleted"),
            (not user.is_confirmed, "usernotconfirmed"),
            (user.username == "guest", "guestsarenotallowed"),
        ):
            if is_so:
                raise MoodleError(errorcode)
    return Enrollment(
        enrolment["userid"],
        course.id,
        enrolment["roleid"],
        enrolment["timestart"],
        enrolment["timeend"],
        is_suspended=bool(enrolment["suspend"]),
    )


def unenrol_users(call: Call, enrolments: list[dict[str, Any]]) -> None:
    """Takes the manual rows away, those that there are."""
    for enrolment in enrolments:
        # Known up to 5.0, and never of any effect.
        if call.state.since("5.1") and enrolment["roleid"] is not None:
            raise InvalidParameter("Unexpected keys (roleid) detected in parameter array.")
        course = _enter_course(call, enrolment["courseid"])
        if not call.user.is_manager:
            raise NoPermission("enrol/manual:unenrol")
        if not course.manual:
            raise MoodleError("wsnoinstance")
        if enrolment["userid"] not in call.state.users:
            raise InvalidParameter("wsnousers")
    with call.state.lock:
        for enrolment in enrolments:
            call.state.enrollments.pop((enrolment["userid"], enrolment["courseid"], "manual"), None)


def _enter_course(call: Call, course_id: int) -> Course:
    course = call.state.courses.get(course_id)
    if course is None:
        raise InvalidParameter("Context does not exist")
    if not call.user.is_manager and not call.state.is_enrolled(call.user.id, course_id):
        raise MoodleError("requireloginerror", "Course or activity not accessible. (Not enrolled)")
    return course


_PAIR = {"key": Value("alpha"), "value": Value()}
_OPTION = {"name": Value("alpha"), "value": Value()}
_ENROLMENT = {
    "roleid": Value("int"),
    "userid": Value("int"),
    "courseid": Value("int"),
    "timestart": Value("int", 0),
    "timeend": Value("int", 0),
    "suspend": Value("int", 0),
}
_UNENROLMENT = {"userid": Value("int"), "courseid": Value("int"), "roleid": Value("int", None)}

FUNCTIONS = {
    "core_webservice_get_site_info": Function(get_site_info, Structure({"serviceshortnames": Listing(Value(), ())})),
    "core_course_get_courses_by_field": Function(
        get_courses_by_field, Structure({"field": Value("alpha", ""), "value": Value("raw", "")})
    ),
    "core_user_get_users_by_field": Function(
        get_users_by_field, Structure({"field": Value("alpha"), "values": Listing(Value())})
    ),
    "core_user_get_users": Function(get_users, Structure({"criteria": Listing(Structure(_PAIR))})),
    "core_enrol_get_users_courses": Function(
        get_users_courses, Structure({"userid": Value("int"), "returnusercount": Value("bool", True)})
    ),
    "core_enrol_get_enrolled_users": Function(
        get_enrolled_users, Structure({"courseid": Value("int"), "options": Listing(Structure(_OPTION), ())})
    ),
    "core_enrol_get_course_enrolment_methods": Function(
        get_course_enrolment_methods, Structure({"courseid": Value("int")})
    ),
    "enrol_self_get_instance_info": Function(get_self_instance_info, Structure({"instanceid": Value("int")})),
    "enrol_self_enrol_user": Function(
        self_enrol_user,
        Structure({"courseid": Value("int"), "password": Value("raw", ""), "instanceid": Value("int", 0)}),
    ),
    "enrol_manual_enrol_users": Function(enrol_users, Structure({"enrolments": Listing(Structure(_ENROLMENT))})),
    "enrol_manual_unenrol_users": Function(unenrol_users, Structure({"enrolments": Listing(Structure(_UNENROLMENT))})),
}
