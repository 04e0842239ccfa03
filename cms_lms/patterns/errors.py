"""How this room says no: refusals and warnings with a message for a human, a stable code for programs and, where it
helps, a position.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from django.utils.functional import Promise, lazy


def _interpolate(message: str | Promise, params: Mapping[str, Any]) -> str:
    return str(message) % params


_interpolate_lazily = lazy(_interpolate, str)


def in_words(message: str | Promise, *, position: int | None = None, **params: Any) -> str | Promise:
    """Fill the named placeholders of a message, only when it is read, so that it appears in the reader's language.

    ``%(position)s`` becomes the position counted from 1, as people count.
    """
    if position is not None:
        params["position"] = position + 1
    return _interpolate_lazily(message, params) if params else message


class Refusal(ValueError):
    """A value that cannot be accepted: ``message`` is translated when read, ``code`` never changes."""

    def __init__(self, message: str | Promise, *, code: str) -> None:
        super().__init__(message)
        # Any: Django's stubs know lazy text by a class of their own.
        self.message: Any = message
        self.code = code

    def __str__(self) -> str:
        return str(self.message)


class InvalidPattern(Refusal):
    """A pattern that cannot be used. ``position`` counts characters from 0; the message counts from 1."""

    def __init__(self, message: str | Promise, *, code: str, position: int | None = None, **params: Any) -> None:
        super().__init__(in_words(message, position=position, **params), code=code)
        self.position = position


class InvalidURL(Refusal):
    """A URL that is refused before any pattern sees it."""

    def __init__(self, message: str | Promise, *, code: str, **params: Any) -> None:
        super().__init__(in_words(message, **params), code=code)


@dataclass(frozen=True, slots=True)
class PatternWarning:
    """Something that works but is probably not what the editor meant. ``position`` counts from 0."""

    message: str | Promise
    code: str
    position: int | None = None

    def __str__(self) -> str:
        return str(self.message)
