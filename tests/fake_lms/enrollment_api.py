"""Open edX's enrollment API, version 1, and the learner's own `/change_enrollment`."""

import base64
import json
from typing import Any
from urllib.parse import urlencode

from werkzeug.wrappers import Request, Response

from . import enrollments
from .authentication import SESSION_COOKIE, Caller, require_user, require_user_or_key
from .cors_csrf import csrf_failure, set_csrf_cookie
from .courses import CourseRun, is_course_key, iso_z
from .responses import (
    Refusal,
    detail,
    empty_response,
    html_error,
    json_response,
    message,
    not_found,
    server_error,
    text_response,
)
from .state import Enrollment, State

_PAGE_SIZE = 100


def course_details(state: State, run: CourseRun, *, include_expired: bool = False) -> dict[str, Any]:
    """The run as the enrollment API describes it, with the fields that the LMS's release knew."""
    details: dict[str, Any] = {
        "course_id": run.key,
        "course_name": run.name,
        "enrollment_start": iso_z(run.enrollment_start),
        "enrollment_end": iso_z(run.enrollment_end),
        "course_start": iso_z(run.start),
        "course_end": iso_z(run.end),
        "course_modes": [
            mode.as_json() for mode in run.available_modes(state.clock.now(), include_expired=include_expired)
        ],
        "invite_only": run.invitation_only,
        "pacing_type": "Self Paced" if run.pacing == "self" else "Instructor Paced",
    }
    if not state.since("ficus"):
        del details["course_name"]
    if not state.since("lilac"):
        del details["pacing_type"]
    return details


def enrollment_json(state: State, row: Enrollment) -> dict[str, Any]:
    """The answer to a read or a write."""
    return {
        "created": iso_z(row.created),
        "mode": row.mode,
        "is_active": row.is_active,
        "user": row.user,
        "course_details": course_details(state, state.run(row.run)),
    }


def check_throttle(state: State, caller: Caller) -> None:
    """EnrollmentUserThrottle: 40 a minute, 120 for staff (not up to Ficus), none with the API key."""
    if caller.has_api_key or not state.settings.throttled:
        return
    as_staff = caller.is_staff and state.since("ginkgo")
    scope, limit = ("staff", 120) if as_staff else ("user", 40)
    state.throttle.check(scope, caller.username, limit, state.clock.now())


def read(state: State, request: Request, rest: str) -> Response:
    """`GET …/enrollment/{username},{key}` or `…/enrollment/{key}`."""
    if rest.endswith("/"):
        return not_found()
    caller = require_user_or_key(state, request)
    check_throttle(state, caller)
    username, comma, key = rest.partition(",")
    if not comma:
        username, key = caller.username, rest
    response = _read(state, caller, username, key)
    set_csrf_cookie(state, request, response, cross_domain=True)
    return response


def _read(state: State, caller: Caller, username: str, key: str) -> Response:
    if username != caller.username and not caller.has_api_key and not caller.is_staff:
        return empty_response(404)
    if not is_course_key(key):
        if not state.since("juniper"):
            return server_error()
        return message(f"An error occurred while retrieving enrollments for user '{username}' in course '{key}'")
    row = state.enrollment(username, key)
    return json_response(enrollment_json(state, row)) if row else empty_response()


def list_active(state: State, request: Request) -> Response:
    """`GET …/enrollment[?user=]`: the active enrollments; another user's are seen by staff and the API key."""
    caller = require_user_or_key(state, request)
    check_throttle(state, caller)
    username = request.args.get("user") or caller.username
    may_see = username == caller.username or caller.has_api_key or caller.is_staff
    rows = [row for row in list(state.enrollments.values()) if may_see and row.user == username and row.is_active]
    response = json_response([enrollment_json(state, row) for row in rows])
    set_csrf_cookie(state, request, response, cross_domain=True)
    return response


def read_course(state: State, request: Request, key: str) -> Response:
    """`GET …/course/{key}`: public."""
    if key not in state.runs:
        return message(f"No course found for course ID '{key}'")
    include_expired = request.args.get("include_expired", "") not in ("", "0")
    return json_response(course_details(state, state.runs[key], include_expired=include_expired))


def write(state: State, request: Request) -> Response:
    """`POST …/enrollment`: every outcome of the contract, in Open edX's order."""
    caller = require_user_or_key(state, request)
    check_throttle(state, caller)
    data = _parse(request)
    if not isinstance(data, dict) or not isinstance(data.get("course_details", {}), dict):
        return server_error()
    return _write(state, request, caller, data)


def _parse(request: Request) -> Any:
    body = request.get_data()
    if not body:
        return {}
    if request.mimetype != "application/json":
        content_type = request.headers.get("Content-Type", "")
        raise Refusal(detail(f'Unsupported media type "{content_type}" in request.', 415))
    try:
        return json.loads(body)
    except ValueError as error:
        raise Refusal(detail(f"JSON parse error - {error}", 400)) from error


def _write(state: State, request: Request, caller: Caller, data: dict[str, Any]) -> Response:
    key = data.get("course_details", {}).get("course_id")
    if not key:
        return message("Course ID must be specified to create a new enrollment.")
    key = str(key)
    if not is_course_key(key):
        return message(f"No course '{key}' found for enrollment")
    may_act = caller.has_api_key or caller.is_staff
    username, refusal = _learner(state, caller, data, may_act)
    if refusal:
        return refusal
    mode = data.get("mode") or None
    if mode not in ("audit", "honor", None) and not may_act:
        return message(f"User does not have permission to create enrollment with mode [{mode}].", 403)
    if username not in state.users:
        return message(f"The user {username} does not exist.", 406)
    wanted, force = data.get("is_active"), data.get("force_enrollment")
    run = state.runs.get(key)
    fault = enrollments.take_fault(state, username, run, request.method, request.path) if run else None
    try:
        if run:
            enrollments.check_location(fault, run)
        if wanted is not None and not isinstance(wanted, bool):
            return message(f"'{wanted}' is an invalid enrollment activation status.")
        if force is not None and not isinstance(force, bool) and state.since("quince"):
            return message(f"'{force}' is an invalid force enrollment status.")
        if run is None:
            return message(f"No course '{key}' found for enrollment")
        # Up to Ironwood only the API key could deactivate or change a mode; staff can since Juniper.
        may_change = caller.has_api_key or (caller.is_staff and state.since("juniper"))
        row = state.enrollment(username, key)
        mode_changes = row is not None and mode is not None and row.mode != mode
        active_changes = row is not None and wanted is not None and row.is_active != wanted
        if row and may_change and (mode_changes or active_changes):
            if mode_changes and wanted is False and row.is_active:
                return message(
                    f"Enrollment mode mismatch: active mode={row.mode}, requested mode={mode}. Won't deactivate."
                )
            if mode_changes and mode == "credit" and not _has_credit_provider(data):
                return message(
                    f"Missing enrollment attributes: requested mode={mode} required attributes=['credit:provider_id']"
                )
            if mode_changes:
                enrollments.check_mode(run, state, mode, include_expired=caller.has_api_key)
            active = row.is_active if wanted is None else wanted
            row = state.set_enrollment(username, key, mode=mode or row.mode, is_active=active)
        else:
            row = enrollments.enroll(
                state,
                username,
                run,
                mode=mode,
                # A learner's own `is_active: false` is ignored in silence.
                is_active=not (may_change and wanted is False),
                force=bool(force) and caller.is_staff and state.since("quince"),
                fault=fault,
            )
    except enrollments.EnrollmentRefused as error:
        return _refusal(state, error, username, run)
    if data.get("cohort") is not None:
        return message(f"An error occurred while adding to cohort [{data['cohort']}]")
    return json_response(enrollment_json(state, row))


def _has_credit_provider(data: dict[str, Any]) -> bool:
    attributes = data.get("enrollment_attributes") or []
    names = [f"{item.get('namespace')}:{item.get('name')}" for item in attributes if isinstance(item, dict)]
    return not names or "credit:provider_id" in names


def _learner(state: State, caller: Caller, data: dict[str, Any], may_act: bool) -> tuple[str, Response | None]:
    """Whom the call is about, or why the caller may not know."""
    email = data.get("email")
    if email and may_act and state.since("quince"):
        for user in list(state.users.values()):
            if user.email == email:
                return user.username, None
        return "", message(f"The user with the email address {email} does not exist.", 406)
    username = str(data.get("user") or caller.username)
    if username != caller.username and not may_act:
        return username, empty_response(404)
    return username, None


def _refusal(state: State, error: enrollments.EnrollmentRefused, username: str, run: CourseRun) -> Response:
    text = str(error)
    match error:
        case enrollments.AlreadyEnrolled():
            return json_response(enrollment_json(state, error.row))
        case enrollments.LocationRefused():
            url = f"{state.url}/embargo/blocked-message/enrollment/default/"
            return message(text, 403, user_message_url=url)
        case enrollments.FilterRefused():
            # Nobody caught the filter's exception before Ulmo.
            return message(text, 403, localizedMessage=text) if state.since("ulmo") else server_error()
        case enrollments.InvalidEnrollmentAttribute():
            return message(text, 400, localizedMessage=text)
        case enrollments.ModeUnavailable():
            return message(
                f"The [{error.mode}] course mode is expired or otherwise unavailable for course run [{run.key}].",
                course_details=course_details(state, run),
            )
    return message(
        f"An error occurred while creating the new course enrollment for user '{username}' in course '{run.key}'"
    )


def list_for_staff(state: State, request: Request) -> Response:
    """`GET …/enrollments`: cursor pages of all rows, inactive ones included. Since Juniper."""
    if not state.since("juniper"):
        return not_found()
    caller = require_user(state, request)
    if not caller.is_staff:
        return detail("You do not have permission to perform this action.", 403)
    check_throttle(state, caller)
    keys = [key for key in request.args.get("course_ids", "").split(",") if key]
    if "course_id" in request.args:
        keys.append(request.args["course_id"])
    for key in keys:
        if not is_course_key(key):
            return _field_error("course_id", f"'{key}' is not a valid course id.")
    names = [name.strip() for name in request.args.get("username", "").split(",") if name.strip()]
    emails = [email.strip() for email in request.args.get("email", "").split(",") if email.strip()]
    if len(names) > 100:
        return _field_error(
            "username", f"Too many usernames in a single request - {len(names)}. A maximum of 100 is allowed"
        )
    rows = [
        row
        for row in list(state.enrollments.values())
        if (not keys or row.run in keys)
        and (not names or row.user in names)
        and (not emails or state.users[row.user].email in emails)
    ]
    return _cursor_page(state, request, rows)


def list_allowed(state: State, request: Request) -> Response:
    """`GET …/enrollment_allowed/`: for staff, since Quince."""
    if not state.since("quince"):
        return not_found()
    if not require_user(state, request).is_staff:
        return detail("You do not have permission to perform this action.", 403)
    return json_response([])


def list_version_2(state: State, request: Request) -> Response:
    """`GET /api/enrollment/v2/enrollment/`: here only to be seen, since Willow."""
    if not state.since("willow"):
        return not_found()
    require_user(state, request)
    return json_response(
        {"next": None, "previous": None, "count": 0, "num_pages": 1, "current_page": 1, "start": 0, "results": []}
    )


def _field_error(name: str, text: str) -> Response:
    return json_response({"field_errors": {name: {"developer_message": text}}}, 400)


def _cursor_page(state: State, request: Request, rows: list[Enrollment]) -> Response:
    try:
        size = max(1, min(int(request.args.get("page_size", _PAGE_SIZE)), _PAGE_SIZE))
    except ValueError:
        size = _PAGE_SIZE
    try:
        offset = int(base64.urlsafe_b64decode(request.args.get("cursor", "") or "MA==").decode())
    except ValueError:
        return detail("Invalid cursor", 404)

    def link(position: int) -> str:
        cursor = base64.urlsafe_b64encode(str(position).encode()).decode()
        return f"{state.url}{request.path}?{urlencode({**request.args.to_dict(), 'cursor': cursor})}"

    return json_response(
        {
            "next": link(offset + size) if offset + size < len(rows) else None,
            "previous": link(max(0, offset - size)) if offset else None,
            "results": [state.describe_enrollment(row) for row in rows[offset : offset + size]],
        }
    )


def change(state: State, request: Request) -> Response:
    """`POST /change_enrollment`: the learner's own way in and out; form in, plain text out."""
    if request.method != "POST":
        response = empty_response(405)
        response.headers["Allow"] = "POST"
        return response
    # Django's middleware comes before the view, and keeps the reason to itself outside of development.
    if csrf_failure(state, request):
        return html_error(403, "403 Forbidden", "CSRF verification failed. Request aborted.")
    user = state.session_user(request.cookies.get(SESSION_COOKIE))
    if user is None:
        return text_response("", 403)
    if "course_id" not in request.form:
        return text_response("Course id not specified", 400)
    key, action = request.form["course_id"], request.form.get("enrollment_action")
    if not is_course_key(key):
        return text_response("Invalid course id", 400)
    if action == "enroll":
        return _change_to_enrolled(state, request, user.username, key)
    if action != "unenroll":
        return text_response("Enrollment action is invalid", 400)
    row = state.enrollment(user.username, key)
    if row is None:
        return text_response("You are not enrolled in this course", 400)
    state.set_enrollment(user.username, key, mode=row.mode, is_active=False)
    return text_response("")


def _change_to_enrolled(state: State, request: Request, username: str, key: str) -> Response:
    run = state.runs.get(key)
    if run is None:
        return text_response("Course id is invalid", 400)
    fault = enrollments.take_fault(state, username, run, request.method, request.path)
    try:
        enrollments.check_location(fault, run)
        enrollments.enroll(state, username, run, fault=fault)
    except enrollments.LocationRefused:
        return text_response("/embargo/blocked-message/enrollment/default/")
    except (enrollments.FilterRefused, enrollments.InvalidEnrollmentAttribute) as error:
        return text_response(str(error), 400)
    except enrollments.EnrollmentRefused:
        return text_response("Could not enroll", 400)
    if any(mode.slug == "verified" for mode in run.available_modes(state.clock.now())):
        return text_response(f"/course_modes/choose/{run.path_key}/")
    return text_response("")
