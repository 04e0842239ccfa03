"""Calls of Moodle's web services over REST: PHP's way of writing arguments, JSON in answer, errors with status 200.

Source: Moodle's ``webservice/rest/locallib.php``. The token goes into the body, never into the address, which
servers log.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any

from django.views.decorators.debug import sensitive_variables

from cms_lms.backends.http import LMSResponse, LMSSession, NotJSON
from cms_lms.encryption import Secret

Argument = str | int | list["Argument"] | dict[str, "Argument"]

PATH = "/webservice/rest/server.php"


class MoodleRefused(Exception):
    """A function answered with an error. ``code`` never changes; ``message`` is in Moodle's own language."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(code)
        self.code = code
        self.message = message


class NotAWebService(Exception):
    """Something answered that is no web service: they are switched off, or this is no Moodle."""

    def __init__(self, response: LMSResponse) -> None:
        super().__init__(response.status)
        self.response = response


@sensitive_variables()
def call_function(
    http: LMSSession, base_url: str, token: Secret | None, function: str, arguments: Mapping[str, Argument]
) -> Any:
    """Call a function and return its value, None for those that have none.

    Raises ``MoodleRefused``, ``NotAWebService`` and ``LMSUnreachable``.
    """
    form = {
        "wstoken": token.reveal() if token else "",
        "wsfunction": function,
        "moodlewsrestformat": "json",
        **dict(_flatten(arguments)),
    }
    response = http.post(base_url + PATH, data=form)
    if token:
        # Whatever is shown of the answer, and to whom: what was sent is not part of it.
        response = replace(response, body=response.body.replace(token.reveal().encode(errors="surrogatepass"), b"..."))
    try:
        value = response.json()
    except NotJSON:
        raise NotAWebService(response) from None
    if response.status != 200:
        raise NotAWebService(response)
    if isinstance(value, dict) and isinstance(value.get("errorcode"), str):
        raise MoodleRefused(value["errorcode"], str(value.get("message", "")))
    return value


def _flatten(arguments: Mapping[str, Argument]) -> Iterator[tuple[str, str]]:
    """``{"a": [{"b": 1}]}`` as ``a[0][b]=1``."""
    for name, value in arguments.items():
        yield from _flatten_value(name, value)


def _flatten_value(name: str, value: Argument) -> Iterator[tuple[str, str]]:
    if isinstance(value, dict):
        inner: Iterator[tuple[Any, Argument]] = iter(value.items())
    elif isinstance(value, list):
        inner = enumerate(value)
    else:
        yield name, str(value)
        return
    for key, item in inner:
        yield from _flatten_value(f"{name}[{key}]", item)
