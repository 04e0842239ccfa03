"""The control API under `/_control/`: tests in another process steer the LMS with JSON."""

import ipaddress
from collections.abc import Callable
from dataclasses import asdict
from typing import Any

from werkzeug.exceptions import BadRequest
from werkzeug.routing import Map, Rule
from werkzeug.wrappers import Request, Response

from .cors_csrf import own_origin
from .courses import iso_z
from .faults import KINDS, InvalidFault
from .releases import UnknownRelease
from .responses import empty_response, json_response
from .sender import VARIANTS, Sender
from .state import InvalidChange, State, UnknownRun

PREFIX = "/_control/"


class Control:
    """Answers the calls of the control API."""

    def __init__(self, state: State, sender: Sender) -> None:
        self._state, self._sender = state, sender

    def respond(self, request: Request) -> Response:
        """The answer to a call; errors are 4xx with `{"error": …}`. Werkzeug's HTTP exceptions pass through."""
        if not ipaddress.ip_address(request.remote_addr or "0.0.0.0").is_loopback:  # noqa: S104 (nothing is bound)
            return json_response({"error": "Only from this machine."}, 403)
        if request.headers.get("Origin", own_origin(request)).lower() != own_origin(request):
            return json_response({"error": "Not from another site's page."}, 403)
        endpoint: Callable[..., Any]
        endpoint, arguments = _URLS.bind_to_environ(request.environ).match()
        try:
            data = self._data(request)
            result = endpoint(self, request.method, data, **arguments)
        except UnknownRun as error:
            return json_response({"error": str(error)}, 404)
        except (InvalidChange, InvalidFault, UnknownRelease) as error:
            return json_response({"error": str(error)}, 400)
        return empty_response(204) if result is None else json_response(result)

    def _data(self, request: Request) -> dict[str, Any]:
        if request.method in ("GET", "HEAD"):
            return request.args.to_dict()
        if not request.get_data():
            return {}
        try:
            data = request.get_json()
        except BadRequest as error:
            raise InvalidChange("The body is not JSON.") from error
        if not isinstance(data, dict):
            raise InvalidChange("The body must be a JSON object.")
        return data

    def _index(self, method: str, data: dict[str, Any]) -> dict[str, Any]:
        routes = {rule.rule: sorted(rule.methods - {"HEAD", "OPTIONS"}) for rule in self._urls.iter_rules()}
        return {"routes": routes, "faults": list(KINDS), "variants": list(VARIANTS)}

    def _clock(self, method: str, data: dict[str, Any]) -> dict[str, Any]:
        clock = self._state.clock
        if method == "DELETE":
            clock.reset()
        elif method == "PUT":
            try:
                clock.set(data["now"], frozen=bool(data.get("frozen", False)))
            except (KeyError, TypeError, ValueError) as error:
                raise InvalidChange("`now` must be a date in ISO 8601.") from error
        return {"now": iso_z(clock.now()), "frozen": clock.frozen}

    def _advance(self, method: str, data: dict[str, Any]) -> dict[str, Any]:
        seconds = data.get("seconds")
        if not isinstance(seconds, int | float):
            raise InvalidChange("`seconds` must be a number.")
        self._state.clock.advance(seconds)
        return {"now": iso_z(self._state.clock.now()), "frozen": self._state.clock.frozen}

    def _journal(self, method: str, data: dict[str, Any]) -> dict[str, Any] | None:
        if method == "DELETE":
            return self._state.journal.clear()
        entries = self._state.journal.entries(method=data.get("method"), path=data.get("path"))
        return {"entries": [entry.as_json() for entry in entries]}

    def _faults(self, method: str, data: dict[str, Any]) -> dict[str, Any] | None:
        if method == "DELETE":
            return self._state.faults.clear()
        if method == "POST":
            kind = data.pop("kind", "")
            return self._state.faults.add(str(kind), **data).as_json()
        return {"faults": [fault.as_json() for fault in self._state.faults.pending()]}

    def _settings(self, method: str, data: dict[str, Any]) -> dict[str, Any]:
        if method == "PATCH":
            self._state.change_settings(**data)
        return asdict(self._state.settings)

    def _users(self, method: str, data: dict[str, Any]) -> dict[str, Any]:
        if method == "POST":
            try:
                user = self._state.add_user(data.pop("username", ""), data.pop("password", None), **data)
            except TypeError as error:
                raise InvalidChange(f"Unknown field: {', '.join(data)}.") from error
            return asdict(user)
        return {"users": [asdict(user) for user in list(self._state.users.values())]}

    def _enrollments(self, method: str, data: dict[str, Any]) -> dict[str, Any]:
        state = self._state
        if method == "PUT":
            if data.get("user") not in state.users:
                raise InvalidChange(f"There is no account {data.get('user')!r}.")
            row = state.set_enrollment(
                data["user"],
                data.get("course_id", ""),
                mode=data.get("mode", "audit"),
                is_active=data.get("is_active", True),
            )
            return state.describe_enrollment(row)
        return {"enrollments": [state.describe_enrollment(row) for row in list(state.enrollments.values())]}

    def _runs(self, method: str, data: dict[str, Any]) -> dict[str, Any]:
        return {"runs": [self._describe_run(key) for key in self._state.runs]}

    def _run(self, method: str, data: dict[str, Any], key: str) -> dict[str, Any]:
        if method == "PATCH":
            self._state.update_run(key, **data)
        return self._describe_run(key)

    def _describe_run(self, key: str) -> dict[str, Any]:
        run = self._state.run(key)
        return {"key": key, "name": run.name, "is_full": run.is_full, "invitation_only": run.invitation_only} | (
            run.sync_payload(self._state.url) | {"enrollment_start": iso_z(run.enrollment_start)}
        )

    def _publish(self, method: str, data: dict[str, Any]) -> dict[str, Any]:
        return self._sender.publish(data.get("course_id", ""), data.get("variant", "plugin")).as_json()

    def _learner_enrolls(self, method: str, data: dict[str, Any]) -> dict[str, Any]:
        return self._sender.learner_enrolls(data.get("course_id", "")).as_json()

    def _joanie(self, method: str, data: dict[str, Any]) -> dict[str, Any]:
        return self._sender.publish_joanie(data.get("items")).as_json()

    def _deliveries(self, method: str, data: dict[str, Any]) -> dict[str, Any]:
        return {"deliveries": [delivery.as_json() for delivery in list(self._state.deliveries)]}

    def _reset(self, method: str, data: dict[str, Any]) -> None:
        self._state.reset()


_URLS = Map(
    [
        Rule("/_control/", endpoint=Control._index, methods=["GET"]),
        Rule("/_control/clock", endpoint=Control._clock, methods=["GET", "PUT", "DELETE"]),
        Rule("/_control/clock/advance", endpoint=Control._advance, methods=["POST"]),
        Rule("/_control/journal", endpoint=Control._journal, methods=["GET", "DELETE"]),
        Rule("/_control/faults", endpoint=Control._faults, methods=["GET", "POST", "DELETE"]),
        Rule("/_control/settings", endpoint=Control._settings, methods=["GET", "PATCH"]),
        Rule("/_control/users", endpoint=Control._users, methods=["GET", "POST"]),
        Rule("/_control/enrollments", endpoint=Control._enrollments, methods=["GET", "PUT"]),
        Rule("/_control/runs", endpoint=Control._runs, methods=["GET"]),
        Rule("/_control/runs/<path:key>", endpoint=Control._run, methods=["GET", "PATCH"]),
        Rule("/_control/publish", endpoint=Control._publish, methods=["POST"]),
        Rule("/_control/learner-enrolls", endpoint=Control._learner_enrolls, methods=["POST"]),
        Rule("/_control/joanie", endpoint=Control._joanie, methods=["POST"]),
        Rule("/_control/deliveries", endpoint=Control._deliveries, methods=["GET"]),
        Rule("/_control/reset", endpoint=Control._reset, methods=["POST"]),
    ],
    strict_slashes=False,
    merge_slashes=False,
)
