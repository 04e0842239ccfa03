"""Open edX's course list API and the heartbeat."""

import math
from itertools import islice
from urllib.parse import urlencode

from werkzeug.datastructures import MultiDict
from werkzeug.wrappers import Request, Response

from .authentication import Caller, authenticate
from .courses import CourseRun, is_course_key
from .responses import Refusal, detail, json_response
from .state import State

_PAGE_SIZE, _MAX_PAGE_SIZE = 20, 100


def _sees_hidden(state: State, request: Request, caller: Caller) -> bool:
    """Whether hidden runs are shown: only to staff, and only when `username` names them. Raises a Refusal."""
    username = request.args.get("username", "")
    if not username:
        return False
    if username != caller.username and not caller.is_staff:
        raise Refusal(detail("You do not have permission to perform this action.", 403))
    if username not in state.users:
        raise Refusal(detail("Not found.", 404))
    return state.users[username].is_staff


def _check_throttle(state: State, request: Request, caller: Caller) -> None:
    if state.settings.throttled:
        who = caller.username or f"address {request.remote_addr}"
        state.throttle.check("courses", who, 40 if caller.is_staff else 20, state.clock.now())


def _filtered(runs: list[CourseRun], arguments: MultiDict[str, str]) -> list[CourseRun]:
    keys = [key for key in arguments.get("course_keys", "").split(",") if key]
    for key in keys:
        if not is_course_key(key):
            error = {"course_keys": {"developer_message": f"'{key}' is not a valid course key."}}
            raise Refusal(json_response({"field_errors": error}, 400))
    term = arguments.get("search_term", "").lower()
    return [
        run
        for run in runs
        if (not keys or run.key in keys)
        and arguments.get("org") in (None, "", run.org)
        and term in f"{run.name} {run.key}".lower()
    ]


def list_courses(state: State, request: Request) -> Response:
    """`GET /api/courses/v1/courses/`. The count is an estimate: it has runs not yet found hidden, and phantoms."""
    caller = authenticate(state, request)
    _check_throttle(state, request, caller)
    sees_hidden = _sees_hidden(state, request, caller)
    runs = _filtered(list(state.runs.values()), request.args)
    visible = [(place, run) for place, run in enumerate(runs) if sees_hidden or not run.hidden]
    try:
        page = int(request.args.get("page", 1))
        size = min(int(request.args.get("page_size", _PAGE_SIZE)), _MAX_PAGE_SIZE)
    except ValueError:
        page, size = 0, _PAGE_SIZE
    size = size if size > 0 else _PAGE_SIZE
    first, last = (page - 1) * size, page * size
    if page < 1 or (first and first >= len(visible)):
        return detail("Invalid page.", 404)
    items = list(islice(visible, first, last))
    has_next = last < len(visible)
    reached = items[-1][0] + 1 if items and has_next else len(runs)
    rejected = reached - min(last, len(visible))
    count = len(runs) - rejected + state.settings.phantom_runs

    def link(number: int) -> str:
        return f"{state.url}{request.path}?{urlencode({**request.args.to_dict(), 'page': number})}"

    return json_response(
        {
            "results": [run.list_item() for _, run in items],
            "pagination": {
                "next": link(page + 1) if has_next else None,
                "previous": link(page - 1) if page > 1 else None,
                "count": count,
                "num_pages": max(1, math.ceil(count / size)),
            },
        }
    )


def read_course(state: State, request: Request, key: str) -> Response:
    """`GET /api/courses/v1/courses/{key}/`: one run, with what the list leaves out."""
    caller = authenticate(state, request)
    sees_hidden = _sees_hidden(state, request, caller)
    run = state.runs.get(key)
    if run is None or (run.catalog_visibility == "none" and not sees_hidden):
        return json_response({"developer_message": "Course not found."}, 404)
    data = run.list_item() | {"overview": f"<section><h2>{run.name}</h2></section>", "certificate_available_date": None}
    if request.args.get("username"):
        data["is_enrolled"] = state.is_enrolled(request.args["username"], key)
    return json_response(data)


def heartbeat(state: State, request: Request) -> Response:
    """`GET /heartbeat`: 200, or 503 when the LMS is set to be unwell."""
    healthy = state.settings.healthy
    return json_response(
        {
            "sql": {"status": True, "message": "OK"},
            "modulestore": {"status": healthy, "message": "OK" if healthy else "No connection to the module store."},
        },
        200 if healthy else 503,
    )
