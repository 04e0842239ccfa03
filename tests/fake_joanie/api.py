"""Joanie's API for learners, as `core/api/client` and `core/models` answer: section 4 of the contracts."""

from __future__ import annotations

import uuid
from typing import Any

from werkzeug.wrappers import Request, Response

from tests.fake_lms import jwt
from tests.fake_lms.faults import BEHIND, TOKEN, Target
from tests.fake_lms.responses import Refusal, detail, html_error, json_response

from .state import API, ARCHIVED_OPEN, Enrollment, Run, State, User


def respond(state: State, request: Request, target: Target) -> Response:
    """The answer to any request."""
    try:
        return _route(state, request, target)
    except Refusal as refusal:
        return refusal.response


def _route(state: State, request: Request, target: Target) -> Response:
    method, path = request.method, request.path
    if path == "/":
        return html_error(200, "Joanie")
    parts = path.removeprefix(f"{API}/").strip("/").split("/") if path.startswith(f"{API}/") else []
    match method, parts:
        case "GET", ["users", "me"]:
            user = _user(state, request, target)
            flags = {"is_superuser": False, "is_staff": False, "abilities": {}}
            return json_response({"id": user.id, "username": user.username, "full_name": user.full_name} | flags)
        case "GET", ["course-runs", run_id]:
            return _read_run(state, run_id)
        case "GET", ["courses", code, "course-runs"]:
            runs = [run for run in state.runs.values() if run.course == code and run.is_listed]
            return _page(state, request, [state.describe_run(run) for run in runs])
        case _, ["enrollments"]:
            return _enrollments(state, request, target)
        case _, ["enrollments", enrollment_id]:
            return _enrollment(state, request, target, enrollment_id)
    return html_error(404, "Not Found")


def _user(state: State, request: Request, target: Target) -> User:
    """Whom the token names. Raises a Refusal with 401."""
    scheme, _, token = request.headers.get("Authorization", "").partition(" ")
    if scheme.lower() != "bearer":
        raise Refusal(_unauthorized({"detail": "Authentication credentials were not provided."}))
    try:
        claims = jwt.read(token, state.settings.signing_key.encode())
        is_valid = claims["exp"] > state.clock.now().timestamp() and claims["token_type"] == "access"
    except (ValueError, KeyError):
        is_valid = False
    if not is_valid or state.faults.take(TOKEN, target):
        message = {"token_class": "AccessToken", "token_type": "access", "message": "Token is invalid or expired"}
        text = "Given token not valid for any token type"
        raise Refusal(_unauthorized({"detail": text, "code": "token_not_valid", "messages": [message]}))
    with state.lock:
        user = User(claims["username"], claims["full_name"], claims["language"])
        return state.users.setdefault(user.username, user)


def _unauthorized(body: dict[str, Any]) -> Response:
    response = json_response(body, 401)
    response.headers["WWW-Authenticate"] = 'Bearer realm="api"'
    return response


def _read_run(state: State, run_id: str) -> Response:
    run = state.runs.get(run_id)
    if run is None or not run.is_listed:
        return detail("No CourseRun matches the given query.", 404)
    return json_response(state.describe_run(run))


def _page(state: State, request: Request, rows: list[dict[str, Any]]) -> Response:
    number = request.args.get("page", 1, type=int)
    size = min(request.args.get("page_size", state.settings.page_size, type=int), 100)
    link = f"{state.url}{request.path}?page="
    following = f"{link}{number + 1}" if number * size < len(rows) else None
    previous = f"{link}{number - 1}" if number > 1 else None
    results = rows[(number - 1) * size : number * size]
    return json_response({"count": len(rows), "next": following, "previous": previous, "results": results})


def _enrollments(state: State, request: Request, target: Target) -> Response:
    user = _user(state, request, target)
    if request.method == "POST":
        return _create(state, user, _data(request), target)
    if request.method != "GET":
        return detail(f'Method "{request.method}" not allowed.', 405)
    run_id = request.args.get("course_run_id")
    if run_id is not None and not _is_uuid(run_id):
        return json_response({"course_run_id": [f"“{run_id}” is not a valid UUID."]}, 400)
    rows = [
        row
        for row in list(state.enrollments.values())
        if row.user == user.username
        and run_id in (None, row.run)
        and request.args.get("is_active") in (None, str(row.is_active).lower())
        and request.args.get("was_created_by_order") in (None, str(row.was_created_by_order).lower())
    ]
    return _page(state, request, [state.describe_enrollment(row) for row in rows])


def _enrollment(state: State, request: Request, target: Target, enrollment_id: str) -> Response:
    user = _user(state, request, target)
    row = state.enrollments.get(enrollment_id)
    if row is None or row.user != user.username:
        return detail("No Enrollment matches the given query.", 404)
    if request.method == "GET":
        return json_response(state.describe_enrollment(row))
    if request.method not in ("PUT", "PATCH"):
        return detail(f'Method "{request.method}" not allowed.', 405)
    data = _data(request)
    _require(data, "is_active", "was_created_by_order")
    with state.lock:
        _check(state, user, state.runs[row.run], is_active=data["is_active"], by_order=data["was_created_by_order"])
        row.is_active, row.was_created_by_order = data["is_active"], data["was_created_by_order"]
        _reach_the_lms(state, row, target)
    return json_response(state.describe_enrollment(row))


def _create(state: State, user: User, data: dict[str, Any], target: Target) -> Response:
    _require(data, "is_active", "was_created_by_order")
    run_id = data.get("course_run_id")
    if not run_id:
        raise _refused("__all__", "You must provide a course run id to create an enrollment.")
    run = state.runs.get(run_id)
    if run is None:
        raise _refused("__all__", f'A course run with id "{run_id}" does not exist.')
    with state.lock:
        _check(state, user, run, is_active=data["is_active"], by_order=data["was_created_by_order"], is_new=True)
        by_order = data["was_created_by_order"]
        row = Enrollment(user.username, run.id, data["is_active"], by_order, state.clock.now())
        state.enrollments[row.id] = row
        _reach_the_lms(state, row, target)
    return json_response(state.describe_enrollment(row), 201)


def _check(state: State, user: User, run: Run, *, is_active: bool, by_order: bool, is_new: bool = False) -> None:
    """`Enrollment.clean`, in its order. Raises a Refusal with 400."""
    now = state.clock.now()
    if run.state(now) > ARCHIVED_OPEN:
        raise _refused("__all__", "You are not allowed to enroll to a course run not opened for enrollment.")
    others = [
        state.runs[row.run]
        for row in list(state.enrollments.values())
        if row.user == user.username and row.run != run.id and row.is_active
    ]
    if is_active and any(other.course == run.course and (other.end is None or other.end >= now) for other in others):
        raise _refused("user", f'You are already enrolled to an opened course run for the course "{run.title}".')
    if is_active and not run.is_listed and not by_order:
        raise _refused(
            "was_created_by_order", "You cannot enroll to a non-listed course run out of the scope of an order."
        )
    if is_active and run.needs_order and (user.username, run.id) not in state.orders:
        raise _refused("__all__", f'Course run "{run.id}" requires a valid order to enroll.')
    if is_new and state.enrollment(user.username, run.id):
        raise _refused("__all__", "Enrollment with this Course run and User already exists.")


def _reach_the_lms(state: State, row: Enrollment, target: Target) -> None:
    """`Enrollment.set`: what the LMS behind makes of it is in the row's state."""
    if state.settings.lms_fails or state.faults.take(BEHIND, target):
        row.state = "failed"
        return
    state.on_set(row.user, state.runs[row.run], row.is_active)
    row.state = "set"


def _data(request: Request) -> dict[str, Any]:
    data = request.get_json(silent=True)
    if not isinstance(data, dict):
        raise Refusal(detail("JSON parse error - Expecting value: line 1 column 1 (char 0)", 400))
    return data


def _require(data: dict[str, Any], *names: str) -> None:
    missing = {name: ["This field is required."] for name in names if not isinstance(data.get(name), bool)}
    if missing:
        raise Refusal(json_response(missing, 400))


def _refused(key: str, text: str) -> Refusal:
    return Refusal(json_response({key: [text]}, 400))


def _is_uuid(text: str) -> bool:
    try:
        uuid.UUID(text)
    except ValueError:
        return False
    return True
