"""What Python's re and RE2 say about a broken pattern, in plain sentences with the position. What only one of them
lacks never gets here: shared_syntax has refused it.
"""

import re
from collections.abc import Iterator
from contextlib import contextmanager

import re2
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from cms_lms.patterns.errors import InvalidPattern

# The beginning of re's message, the code, and the sentence. %(text)s is the character at the position, and its
# escape where it is a backslash.
_PYTHON_REASONS: tuple[tuple[str, str, str | Promise], ...] = (
    ("missing ), unterminated", "syntax", _("The parenthesis opened at position %(position)s is never closed.")),
    ("unbalanced parenthesis", "syntax", _("The parenthesis closed at position %(position)s was never opened.")),
    ("unterminated character set", "syntax", _("The “[” at position %(position)s is never closed with “]”.")),
    ("nothing to repeat", "syntax", _("There is nothing to repeat before “%(text)s” at position %(position)s.")),
    (
        "multiple repeat",
        "syntax",
        _("“%(text)s” at position %(position)s repeats a repetition. To match the character itself, write \\%(text)s."),
    ),
    (
        "min repeat greater",
        "repetition",
        _("The repetition at position %(position)s has its smallest number after its largest."),
    ),
    (
        "bad character range",
        "syntax",
        _("The range at position %(position)s, inside […], runs backwards or has no two ends; write \\- for a hyphen."),
    ),
    (
        "bad escape (end of pattern)",
        "escape",
        _("The backslash that ends the pattern at position %(position)s escapes nothing. For a backslash write \\\\."),
    ),
    (
        "bad escape",
        "escape",
        _("“%(text)s” at position %(position)s has no meaning. To match the letter itself, leave out the backslash."),
    ),
    (
        "incomplete escape",
        "escape",
        _("The escape at position %(position)s is incomplete: \\x needs two hexadecimal digits."),
    ),
    ("missing group name", "group_syntax", _("The group at position %(position)s has no name between < and >.")),
    ("bad character in group name", "group_syntax", _("The group name at position %(position)s is not a valid name.")),
    (
        "global flags not at the start",
        "inline_flag",
        _("Flags such as (?i), at position %(position)s, must stand at the very start of the pattern."),
    ),
)

_RE2_REASONS: tuple[tuple[str, str, str | Promise], ...] = (
    (
        "pattern too large",
        "too_large",
        _("The pattern is too large once its repetitions are written out. Use smaller numbers or fewer of them."),
    ),
    (
        "invalid repetition size",
        "repetition",
        _("Repetitions inside repetitions add up to more than 1000 times, which RE2 does not do."),
    ),
)


def refuse_what_python_refuses(pattern: str) -> None:
    """Raise InvalidPattern unless re compiles the pattern."""
    try:
        re.compile(pattern)
    except re.error as error:
        position = error.pos or 0
        for beginning, code, message in _PYTHON_REASONS:
            if error.msg.startswith(beginning):
                width = 2 if pattern[position : position + 1] == "\\" else 1
                text = pattern[position : position + width]
                raise InvalidPattern(message, code=code, position=position, text=text) from error
        raise InvalidPattern(
            _("Python cannot read the pattern from position %(position)s on: %(reason)s"),
            code="syntax",
            position=position,
            reason=error.msg,
        ) from error


@contextmanager
def refuse_what_re2_refuses(pattern: str) -> Iterator[None]:
    """Turn RE2's refusal of a pattern that re accepts into InvalidPattern."""
    try:
        yield
    except re2.error as error:
        reason = _decoded_reason(error)
        for beginning, code, message in _RE2_REASONS:
            if reason.startswith(beginning):
                raise InvalidPattern(message, code=code) from error
        # RE2 names the fragment, not its place.
        fragment = reason.partition(": ")[2]
        if fragment and pattern.count(fragment) == 1:
            raise InvalidPattern(
                _("RE2 cannot read “%(fragment)s” at position %(position)s."),
                code="syntax",
                position=pattern.index(fragment),
                fragment=fragment,
            ) from error
        raise InvalidPattern(_("RE2 cannot read the pattern: %(reason)s"), code="syntax", reason=reason) from error


def _decoded_reason(error: re2.error) -> str:
    reason = error.args[0] if error.args else ""
    return reason.decode(errors="replace") if isinstance(reason, bytes) else str(reason)
