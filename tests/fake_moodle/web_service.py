"""`/webservice/rest/server.php`: who calls, what is called, and the answer in XML or JSON.

HTTP 200 for whatever happens inside. Source: `webservice/rest/locallib.php`, `webservice/lib.php`.
"""

import json
from typing import Any
from xml.sax.saxutils import escape, quoteattr

from werkzeug.wrappers import Request, Response

from .arguments import parse_php
from .errors import AccessError, MissingRecord, MoodleError
from .functions import FUNCTIONS, Call
from .state import State

PATH = "/webservice/rest/server.php"

#: Other arguments that the server takes for itself.
_SETTINGS = ("moodlewssettingraw", "moodlewssettingfilter", "moodlewssettingfileurl", "moodlewssettinglang")


def serve(state: State, request: Request) -> Response:
    """The answer to a call of a function."""
    if not (state.settings.web_services and state.settings.rest):
        response = Response(b"", 403)
        del response.headers["Content-Type"]
        return response
    pairs = [*request.args.items(multi=True), *request.form.items(multi=True)]
    arguments = parse_php(pairs)
    as_json = arguments.pop("moodlewsrestformat", "xml") == "json"
    token, name = arguments.pop("wstoken", None), arguments.pop("wsfunction", "")
    for setting in _SETTINGS:
        arguments.pop(setting, None)
    try:
        value = _run(state, request, token, name, arguments)
    except MoodleError as error:
        return _respond(_describe_error(state, error), as_json=as_json, is_error=True)
    return _respond(value, as_json=as_json)


def _run(state: State, request: Request, token_text: Any, name: Any, arguments: dict[str, Any]) -> Any:
    call = _authenticate(state, request, token_text)
    if name not in FUNCTIONS:
        raise MissingRecord("external_functions")
    if name not in call.token.functions:
        raise AccessError
    return FUNCTIONS[name](call, arguments)


def _authenticate(state: State, request: Request, token_text: Any) -> Call:
    token = state.tokens.get(token_text) if isinstance(token_text, str) else None
    if token is None:
        raise MoodleError("invalidtoken", "Invalid token - token not found")
    if token.valid_until and token.valid_until <= state.clock.now():
        del state.tokens[token.token]
        raise AccessError
    if not token.service_enabled or (token.ip_restriction and token.ip_restriction != request.remote_addr):
        raise AccessError
    user = state.users[token.user]
    if state.settings.maintenance and not user.is_admin:
        raise MoodleError("sitemaintenance", "The site is undergoing maintenance and is currently not available")
    for is_so, errorcode in (
        (user.is_deleted, "wsaccessuserdeleted"),
        (not user.is_confirmed, "wsaccessuserunconfirmed"),
        (user.is_suspended, "wsaccessusersuspended"),
    ):
        if is_so:
            raise MoodleError(errorcode, f"Refused web service access for username: {user.username}")
    return Call(state, user, token)


def _describe_error(state: State, error: MoodleError) -> dict[str, str]:
    # The classes of the core got a namespace; the web service's own did not.
    namespaced = state.since("4.5") and error.kind != AccessError.kind
    kind = f"core\\exception\\{error.kind}" if namespaced else error.kind
    return {"exception": kind, "errorcode": error.errorcode, "message": str(error)}


def _respond(value: Any, *, as_json: bool, is_error: bool = False) -> Response:
    if as_json:
        body, content_type = json.dumps(value), "application/json; charset=utf-8"
    else:
        inner = _error_xml(value) if is_error else f"<RESPONSE>\n{_to_xml(value)}</RESPONSE>\n"
        body, content_type = f'<?xml version="1.0" encoding="UTF-8" ?>\n{inner}', "application/xml; charset=utf-8"
    response = Response(body, 200, content_type=content_type)
    response.headers["Access-Control-Allow-Origin"] = "*"
    response.headers["Cache-Control"] = "private, must-revalidate, pre-check=0, post-check=0, max-age=0"
    return response


def _error_xml(error: dict[str, str]) -> str:
    return (
        f"<EXCEPTION class={quoteattr(error['exception'])}>\n<ERRORCODE>{escape(error['errorcode'])}</ERRORCODE>\n"
        f"<MESSAGE>{escape(error['message'])}</MESSAGE>\n</EXCEPTION>\n"
    )


def _to_xml(value: Any) -> str:
    if value is None:
        return '<VALUE null="null"/>\n'
    if isinstance(value, dict):
        keys = "".join(f"<KEY name={quoteattr(name)}>{_to_xml(item)}</KEY>\n" for name, item in value.items())
        return f"<SINGLE>\n{keys}</SINGLE>\n"
    if isinstance(value, list):
        return f"<MULTIPLE>\n{''.join(map(_to_xml, value))}</MULTIPLE>\n"
    return f"<VALUE>{escape(str(int(value) if isinstance(value, bool) else value))}</VALUE>\n"
