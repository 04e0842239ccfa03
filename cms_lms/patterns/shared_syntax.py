"""The syntax that Python's re and RE2 both have and both read the same way. Everything else is refused here, by name
and position, before either engine is asked.
"""

import re

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from cms_lms.patterns.errors import InvalidPattern
from cms_lms.patterns.syntax import OPENING_KINDS, Kind, Token

# re compiles groups by recursion.
_MAX_DEPTH = 50

# RE2's own limit, checked here since re runs first and takes absurd numbers badly.
_MAX_REPETITIONS = 1000

_REFUSED_KINDS: dict[Kind, tuple[str, str | Promise]] = {
    Kind.LOOK_AROUND: (
        "look_around",
        _(
            "Look-ahead and look-behind such as “%(text)s” at position %(position)s cannot be used: patterns run on "
            "RE2, which never looks twice at a URL and so can never hang the site."
        ),
    ),
    Kind.NAMED_REFERENCE: (
        "back_reference",
        _(
            "The back-reference “%(text)s” at position %(position)s cannot be used: patterns run on RE2, which does "
            "not remember what a group matched."
        ),
    ),
    Kind.ATOMIC_GROUP: (
        "atomic_group",
        _(
            "The atomic group “%(text)s” at position %(position)s cannot be used, and need not be: RE2 never goes "
            "back. Write (?:…)."
        ),
    ),
    Kind.CONDITIONAL: (
        "conditional",
        _(
            "The condition “%(text)s” at position %(position)s cannot be used: RE2 has no conditional groups. "
            "Write both cases with “|”."
        ),
    ),
    Kind.COMMENT: (
        "comment",
        _("The comment “%(text)s” at position %(position)s cannot be used: RE2 has no comments."),
    ),
    Kind.ANGLE_NAMED_GROUP: (
        "group_syntax",
        _("“%(text)s” at position %(position)s is not how Python names a group. Write (?P<name>…)."),
    ),
    Kind.UNKNOWN_GROUP: (
        "group_syntax",
        _("“(?” at position %(position)s begins no group that both Python and RE2 know. Write (?:…) or (?P<name>…)."),
    ),
}

_NUMBERED_REFERENCE = _(
    "“%(text)s” at position %(position)s cannot be used: RE2 does not remember what a group matched (no "
    "back-references), and octal numbers are too easily mistaken for it."
)
_END_ESCAPE = _(
    "“%(text)s” at position %(position)s is not the same to all engines. Write $, which always means the end."
)
_CHARACTER_ESCAPE = _(
    "“%(text)s” at position %(position)s is not known to RE2. Write the character itself, or \\x and two digits."
)

_AMBIGUOUS_IN_CLASS = re.compile(r"\[:|--|&&|~~|\|\|")


def refuse_unshared_syntax(tokens: list[Token]) -> None:
    """Raise InvalidPattern for the first token that one engine lacks or reads in its own way."""
    depth = 0
    for token in tokens:
        if token.kind in _REFUSED_KINDS:
            code, message = _REFUSED_KINDS[token.kind]
            raise InvalidPattern(message, code=code, position=token.position, text=token.text)
        if token.kind in OPENING_KINDS:
            depth += 1
        elif token.kind is Kind.CLOSE:
            depth -= 1
        if depth > _MAX_DEPTH:
            raise InvalidPattern(
                _("More than %(limit)s groups are inside one another at position %(position)s."),
                code="too_deep",
                position=token.position,
                limit=_MAX_DEPTH,
            )
        if token.kind is Kind.ESCAPE:
            _refuse_escape(token.text, token.position)
        elif token.kind is Kind.CLASS:
            _refuse_class(token)
        elif token.kind is Kind.QUANTIFIER:
            _refuse_quantifier(token)
        elif token.kind in (Kind.FLAGS, Kind.FLAG_GROUP):
            _refuse_flags(token)


def _refuse_escape(text: str, position: int) -> None:
    letter = text[1:2]
    if letter.isdecimal():
        code, message = "back_reference", _NUMBERED_REFERENCE
    elif letter in ("Z", "z"):
        code, message = "escape", _END_ESCAPE
    elif letter in ("u", "U", "N"):
        code, message = "escape", _CHARACTER_ESCAPE
    else:
        return
    raise InvalidPattern(message, code=code, position=position, text=text)


def _refuse_class(token: Token) -> None:
    for escape in re.finditer(r"\\([0-9]+|.)", token.text, re.DOTALL):
        _refuse_escape(escape.group(), token.position + escape.start())
    members = token.text.removeprefix("[").removeprefix("^")
    offset = len(token.text) - len(members)
    # "[[" too: Python warns that it will mean a nested class one day, as it does in JavaScript already.
    ambiguous = re.match(r"\[", members) or _AMBIGUOUS_IN_CLASS.search(members)
    if ambiguous:
        raise InvalidPattern(
            _(
                "“%(text)s” at position %(position)s, inside […], does not mean the same to all engines. "
                "Put a backslash before each character that stands for itself."
            ),
            code="ambiguous_class",
            position=token.position + offset + ambiguous.start(),
            text=ambiguous.group(),
        )


def _refuse_quantifier(token: Token) -> None:
    if token.text.endswith("+") and len(token.text) > 1:
        raise InvalidPattern(
            _(
                "The possessive “%(text)s” at position %(position)s cannot be used, and need not be: RE2 never goes "
                "back. Leave out the last +."
            ),
            code="possessive",
            position=token.position,
            text=token.text,
        )
    if token.text.startswith("{,"):
        raise InvalidPattern(
            _("“%(text)s” at position %(position)s is not a repetition to all engines. Write the 0: %(better)s"),
            code="repetition",
            position=token.position,
            text=token.text,
            better=token.text.replace("{", "{0", 1),
        )
    if any(int(number) > _MAX_REPETITIONS for number in re.findall(r"[0-9]+", token.text)):
        raise InvalidPattern(
            _("“%(text)s” at position %(position)s repeats more than %(limit)s times, which RE2 does not do."),
            code="repetition",
            position=token.position,
            text=token.text,
            limit=_MAX_REPETITIONS,
        )


def _refuse_flags(token: Token) -> None:
    flags = set(token.text) - set("(?:)-")
    if "x" in flags:
        raise InvalidPattern(
            _(
                "The flag “x” (verbose) at position %(position)s cannot be used: RE2 has no verbose patterns. "
                "Write the pattern without spaces and comments."
            ),
            code="verbose",
            position=token.position,
        )
    # "m" would make $ mean something else than the end; "a", "L" and "u" are Python's alone: classes are ASCII here.
    refused = sorted(flags - {"i", "s"})
    if refused:
        raise InvalidPattern(
            _("The flag “%(flag)s” at position %(position)s cannot be used; only “i” and “s” can."),
            code="inline_flag",
            position=token.position,
            flag=refused[0],
        )
