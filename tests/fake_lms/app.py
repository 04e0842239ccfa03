"""The WSGI application: routes, and around each request the journal, the injected faults and CORS."""

import os
import socket
import struct
from collections.abc import Callable, Iterable
from functools import cache
from typing import Any

from werkzeug.exceptions import HTTPException, MethodNotAllowed
from werkzeug.routing import BaseConverter, Map, RequestRedirect, Rule
from werkzeug.wrappers import Request, Response

from . import accounts, authentication, course_pages, courses_api, enrollment_api, faults, fonzie, pages
from .control import PREFIX, Control
from .cors_csrf import add_cors_headers, is_preflight, preflight_response
from .responses import Refusal, detail, empty_response, html_error, not_found, server_error
from .sender import REDIRECT_PATH, Sender
from .state import State
from .studio import Studio
from .throttle import throttled


class CourseKeyConverter(BaseConverter):
    """Open edX's COURSE_ID_PATTERN: three parts with `+` or `/` between, so that old keys span path segments."""

    regex = r"[^/+]+(?:/|\+)[^/+]+(?:/|\+)[^/?]+"
    part_isolating = False


class Application:
    """Answers every request to the LMS."""

    def __init__(self, state: State, sender: Sender) -> None:
        self._state = state
        self._control = Control(state, sender)
        self._studio = Studio(sender)

    def __call__(self, environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
        request = Request(environ)
        return self._respond(request)(environ, start_response)

    def _respond(self, request: Request) -> Response | HTTPException:
        if request.path.startswith(PREFIX):
            try:
                return self._control.respond(request)
            except HTTPException as error:
                return error
        entry = self._state.journal.record(request, self._state.clock.now())
        target = self._target(request)
        response, cors = self._answer(request, target)
        if cors and self._state.faults.take(faults.CORS, target) is None:
            add_cors_headers(self._state, request, response)
        entry.status = response.status_code
        return response

    def _answer(self, request: Request, target: faults.Target) -> tuple[Response, bool]:
        """The response, and whether it went through the LMS's CORS middleware."""
        slow = self._state.faults.take(faults.DELAY, target)
        if slow:
            self._state.stopping.wait(float(slow.params.get("seconds", 5)))
        fault = self._state.faults.take(faults.INSTEAD, target)
        if fault:
            # A gateway's own error page never saw the LMS.
            return self._instead(request, fault), fault.params.get("cors", fault.kind != "bad_gateway")
        answers_preflight = self._state.settings.cors_enabled and is_preflight(request)
        response = preflight_response() if answers_preflight else self._dispatch(request)
        fault = self._state.faults.take(faults.AFTERWARDS, target)
        if fault and fault.kind == "truncated":
            response.set_data(response.get_data()[: len(response.get_data()) // 2])
        elif fault:
            response.headers["Content-Type"] = fault.params.get("content_type", "text/plain")
        return response, True

    def _dispatch(self, request: Request) -> Response:
        try:
            endpoint, arguments = _urls().bind_to_environ(request.environ).match()
            if endpoint is Studio:
                endpoint = self._studio.respond
            return endpoint(self._state, request, **arguments)
        except Refusal as refusal:
            return refusal.response
        except RequestRedirect as error:
            # Django's APPEND_SLASH.
            return accounts.redirect(error.new_url, 301)
        except MethodNotAllowed as error:
            if request.method == "OPTIONS" and request.path.startswith("/api/"):
                # REST framework describes a view to those who may see it.
                response = authentication.unauthorized()
            elif request.path.startswith("/api/"):
                response = detail(f'Method "{request.method}" not allowed.', 405)
            else:
                response = empty_response(405)
            response.headers["Allow"] = ", ".join(sorted(error.valid_methods or ()))
            return response
        except HTTPException as error:
            if error.code != 404:
                return html_error(error.code or 400, error.name)
            if request.path.startswith("/api/"):
                return not_found()
            return pages.unknown_page(accounts.current_user(self._state, request))

    def _target(self, request: Request) -> faults.Target:
        user = accounts.current_user(self._state, request)
        run = next((key for key in self._state.runs if key in request.path), None)
        if run is None and request.method == "POST":
            body = request.get_data(cache=True).decode("utf-8", "replace")
            run = request.form.get("course_id") or next((key for key in self._state.runs if f'"{key}"' in body), None)
        return faults.Target(request.method, request.path, user.username if user else None, run)

    def _instead(self, request: Request, fault: faults.Fault) -> Response:
        params = fault.params
        match fault.kind:
            case "throttled":
                return throttled(int(params.get("retry_after", 2)))
            case "server_error":
                return server_error()
            case "bad_gateway":
                return html_error(int(params.get("status", 502)), "Bad Gateway", "nginx")
            case "html":
                return html_error(200, "We are back soon", "The site is being maintained.")
            case "empty":
                return empty_response()
            case "login_redirect":
                return accounts.redirect(f"/login?next={request.path}")
            case "reset":
                _reset_connection(request)
        body = params.get("body", "")
        content_type = params.get("content_type", "application/json")
        return Response(body, int(params.get("status", 500)), headers=params.get("headers"), content_type=content_type)


@cache
def _urls() -> Map:
    """Made once in a process: it takes longer than everything else about a new LMS."""
    enrollment = "/api/enrollment/v1"
    return Map(
        [
            _rule("/", lambda state, request: pages.home_page(state, accounts.current_user(state, request))),
            _rule("/static/fake-lms.css", lambda state, request: pages.stylesheet()),
            _rule("/login", accounts.login, "GET", "POST"),
            _rule("/register", accounts.register, "GET", "POST"),
            _rule("/logout", accounts.logout, "GET", "POST"),
            _rule("/dashboard", accounts.dashboard),
            _rule("/dashboard/unenroll", accounts.leave, "POST"),
            _rule("/richie/<path:path>", accounts.to_cms),
            _rule("/studio", Studio, "GET", "POST"),
            Rule(REDIRECT_PATH, endpoint=_moved_hook),
            _rule("/courses", _course_list),
            _rule("/courses/<key:key>/info", course_pages.info),
            _rule("/courses/<key:key>/course/", course_pages.outline),
            _rule("/courses/<key:key>/about", course_pages.about),
            _rule("/courses/<key:key>/", course_pages.about),
            _rule("/learning/course/<key:key>/home", course_pages.learning),
            _rule("/embargo/blocked-message/enrollment/default/", course_pages.embargo),
            _rule("/api/user/v1/me", accounts.whoami),
            _rule("/api/mobile/<version>/my_user_info", accounts.mobile_whoami),
            _rule("/api/mobile/<version>/users/<username>", accounts.mobile_user),
            _rule(f"{enrollment}/enrollment", enrollment_api.list_active),
            _rule(f"{enrollment}/enrollment", enrollment_api.write, "POST"),
            _rule(f"{enrollment}/enrollment/<path:rest>", enrollment_api.read),
            _rule(f"{enrollment}/course/<path:key>", enrollment_api.read_course),
            _rule(f"{enrollment}/enrollments", enrollment_api.list_for_staff),
            _rule(f"{enrollment}/enrollment_allowed/", enrollment_api.list_allowed),
            _rule("/api/enrollment/v2/enrollment/", enrollment_api.list_version_2),
            Rule("/change_enrollment", endpoint=enrollment_api.change),
            _rule("/oauth2/access_token", authentication.access_token, "POST"),
            _rule("/oauth2/access_token/", authentication.access_token, "POST"),
            _rule("/api/courses/v1/courses/", courses_api.list_courses),
            _rule("/api/courses/v1/courses/<key:key>", courses_api.read_course),
            _rule("/api/courses/v1/courses/<key:key>/", courses_api.read_course),
            _rule("/heartbeat", courses_api.heartbeat),
            _rule("/api/v1.0/status/version", fonzie.version),
        ],
        converters={"key": CourseKeyConverter},
        merge_slashes=False,
    )


def _rule(path: str, endpoint: Callable[..., Response], *methods: str) -> Rule:
    return Rule(path, endpoint=endpoint, methods=methods or ("GET",))


def _course_list(state: State, request: Request) -> Response:
    if state.settings.catalog_mfe_url and state.since("ulmo"):
        return accounts.redirect(f"{state.settings.catalog_mfe_url}/courses", 301)
    return pages.course_list_page(state, accounts.current_user(state, request))


def _moved_hook(state: State, request: Request) -> Response:
    """Sends the web hook on to where it should have gone, as a misconfigured site does."""
    return accounts.redirect(state.settings.hook_url, 301)


def _reset_connection(request: Request) -> None:
    """End the connection with a TCP reset, in the middle of nothing."""
    connection: socket.socket = request.environ["werkzeug.socket"]
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    os.close(connection.detach())
    raise ConnectionResetError("injected")
