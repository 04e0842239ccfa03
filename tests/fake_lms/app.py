"""The WSGI application: routes, and around each request the journal, the injected faults and CORS."""

from collections.abc import Callable, Iterable
from functools import cache
from typing import Any

from werkzeug.exceptions import HTTPException, MethodNotAllowed
from werkzeug.routing import BaseConverter, Map, RequestRedirect, Rule
from werkzeug.wrappers import Request, Response

from . import accounts, authentication, course_pages, courses_api, enrollment_api, faults, fonzie, injection, pages
from .control import PREFIX, Control
from .cors_csrf import add_cors_headers, is_preflight, preflight_response
from .responses import Refusal, detail, empty_response, html_error, not_found
from .sender import REDIRECT_PATH, Sender
from .state import State
from .studio import Studio


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
        injection.take_mount(environ)
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
        answers_preflight = self._state.settings.cors_enabled and is_preflight(request)
        return injection.respond(
            self._state.faults,
            target,
            request,
            self._state.stopping,
            lambda: preflight_response() if answers_preflight else self._dispatch(request),
        )

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
        return faults.Target(
            request.method, request.path, user.username if user else None, run, request.root_path or None
        )


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
            _rule("/course_modes/choose/<key:key>/", course_pages.choose),
            _rule("/api/v1.0/status/version", fonzie.version),
            _rule("/api/v1.0/user/me", fonzie.me),
            _rule("/api/v1.0/user/me/", fonzie.me),
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
