"""JavaScript course regexes, compiled and run by a real JavaScript engine (QuickJS) with flag u, under limits of memory
and time.
"""

import json
import re
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import quickjs
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from cms_lms.patterns.errors import InvalidPattern
from cms_lms.patterns.pattern_text import refuse_unreadable_text

_MEMORY_LIMIT = 16 * 1024 * 1024  # bytes
_STACK_LIMIT = 128 * 1024  # bytes; a thread of a small system (musl) has no more
_TIME_LIMIT = 0.05  # seconds of processor time

# Patterns and URLs are arguments, never part of the code. An alternative that matches nothing makes any valid pattern
# match the empty text, and the match then has one entry for each group.
_COMPILE = """(pattern) => {
  new RegExp(pattern, "u");
  const match = new RegExp(pattern + "|", "u").exec("");
  return JSON.stringify({groups: match.length - 1, names: Object.keys(match.groups ?? {})});
}"""
_EXTRACT = """(pattern, url) => {
  const match = new RegExp(pattern, "u").exec(url);
  return JSON.stringify(match === null ? null : match[1] ?? null);
}"""

# What flag u allows after a backslash: syntax characters, and letters with a meaning.
_MEANINGLESS_ESCAPE = re.compile(r"\\(?![\^$\\.*+?()\[\]{}|/dDsSwWbBtnvfrcxukpP0-9])(.)", re.DOTALL)
_BACKSLASH_AND_NEXT = re.compile(r"\\.|\[\^?|\]|.", re.DOTALL)

_REASONS: tuple[tuple[str, str | Promise], ...] = (
    ("expecting ')'", _("A parenthesis is opened and never closed.")),
    ("extraneous characters", _("A parenthesis is closed that was never opened.")),
    ("unexpected end", _("The pattern ends too early: a “[” is never closed, or a backslash has nothing to escape.")),
    ("nothing to repeat", _("There is nothing to repeat before a “*”, “+”, “?” or “{…}”.")),
    ("invalid repetition count", _("A “{…}” is not a repetition. To match the brace itself, write \\{.")),
    ("invalid class range", _("A range inside […] runs backwards, or has no two ends; write \\- for a hyphen.")),
    ("invalid group name", _("A group name is not valid.")),
    ("duplicate group name", _("Two groups have the same name.")),
    ("group name not defined", _("A back-reference names a group that is not there.")),
    ("back reference out of range", _("A back-reference has the number of a group that is not there.")),
    ("invalid decimal escape", _("Octal numbers cannot be used; write \\x and two digits.")),
    (
        "invalid escape sequence",
        _("A backslash stands before a character that needs none, or an escape is incomplete."),
    ),
    ("unknown unicode property", _("A “\\p{…}” names a property that JavaScript does not know.")),
    ("invalid group", _("“(?” begins no group that JavaScript knows. Python’s (?P<name>…) is (…) here.")),
    ("too many captures", _("The pattern has too many groups.")),
    ("syntax error", _("A brace or a square bracket that stands for itself needs a backslash: \\{, \\} or \\].")),
)


@dataclass(frozen=True, slots=True)
class JavaScriptRegex:
    """A valid JavaScript course regex; made by ``compile_javascript_regex`` only."""

    pattern: str

    def extract(self, url: str) -> str | None:
        """What the one group holds, or None: no match, an empty group, or a search that was cut off for its length."""
        try:
            return self.extract_or_refuse(url)
        except InvalidPattern:
            return None

    def extract_or_refuse(self, url: str) -> str | None:
        """As ``extract``, but raises InvalidPattern (``too_slow``) when the search was cut off."""
        try:
            url.encode()
        except UnicodeEncodeError:  # a lone surrogate; the engine cannot be given it, and no URL has one
            return None
        return _run(_EXTRACT, self.pattern, url) or None


@lru_cache(maxsize=1024)
def compile_javascript_regex(pattern: str) -> JavaScriptRegex:
    """Compile a pattern with flag u, as browsers will, or say why it cannot be used.

    Raises InvalidPattern: ``empty``, ``too_long``, ``control_character``, ``surrogate``, ``escape``, ``named_group``,
    ``no_group``, ``many_groups``, ``too_slow`` and ``syntax``.
    The engine gives no positions, so few reasons have one.
    """
    refuse_unreadable_text(pattern)
    found = _run(_COMPILE, pattern)
    if found["names"]:
        raise InvalidPattern(
            _("The group “%(name)s” has a name. The one group of a JavaScript pattern has none: write (…)."),
            code="named_group",
            name=found["names"][0],
        )
    if found["groups"] == 0:
        raise InvalidPattern(_("No part of the pattern is in (…), which marks the course id."), code="no_group")
    if found["groups"] > 1:
        raise InvalidPattern(
            _("The pattern has %(count)s groups (…) where one marks the course id. Write the others as (?:…)."),
            code="many_groups",
            count=found["groups"],
        )
    return JavaScriptRegex(pattern)


def _run(function: str, pattern: str, *arguments: str) -> Any:
    """Call a function of the text above in an engine of its own: engines belong to one thread, and start in 0.2 ms."""
    context = quickjs.Context()
    context.set_memory_limit(_MEMORY_LIMIT)
    context.set_max_stack_size(_STACK_LIMIT)
    context.set_time_limit(_TIME_LIMIT)
    try:
        return json.loads(context.eval(function)(pattern, *arguments))
    except (quickjs.JSException, quickjs.StackOverflow) as error:
        raise _refusal(pattern, str(error)) from error


def _refusal(pattern: str, error: str) -> InvalidPattern:
    kind, __, reason = error.partition("\n")[0].partition(": ")
    if kind != "SyntaxError":
        return InvalidPattern(
            _("The pattern takes too long or too much memory: repetitions inside repetitions, such as (a+)+, do that."),
            code="too_slow",
        )
    escape = _meaningless_escape(pattern)
    if reason.startswith("invalid escape sequence") and escape is not None:
        return InvalidPattern(
            _("“%(text)s” at position %(position)s: JavaScript allows no backslash before this character here."),
            code="escape",
            position=escape,
            text=pattern[escape : escape + 2],
        )
    for beginning, message in _REASONS:
        if reason.startswith(beginning):
            return InvalidPattern(message, code="syntax")
    return InvalidPattern(_("JavaScript cannot read the pattern: %(reason)s"), code="syntax", reason=reason)


def _meaningless_escape(pattern: str) -> int | None:
    """Where the first escape is that flag u does not know; ``\\-`` is one outside […] only."""
    in_class = False
    for match in _BACKSLASH_AND_NEXT.finditer(pattern):
        text = match.group()
        if text.startswith("["):
            in_class = True
        elif text == "]":
            in_class = False
        elif _MEANINGLESS_ESCAPE.fullmatch(text) and not (in_class and text == r"\-"):
            return match.start()
    return None
