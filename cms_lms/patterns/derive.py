"""The JavaScript pattern that takes the same course id out of the same URLs as a Python one, for editors who write only
the latter.
"""

from django.utils.translation import gettext_lazy as _

from cms_lms.patterns.course_regex import GroupAlternatives, compile_course_regex
from cms_lms.patterns.errors import InvalidPattern
from cms_lms.patterns.flags import spell_out_flags
from cms_lms.patterns.javascript import compile_javascript_regex
from cms_lms.patterns.syntax import (
    OPENING_KINDS,
    ClassItem,
    Kind,
    Token,
    class_items,
    is_anchored,
    tokenize,
    top_level_branches,
)

# The characters that stand for themselves only behind a backslash, which flag u allows before hardly any others. Python
# and RE2 do without it before a brace or bracket that opens or closes nothing; JavaScript does not.
_SYNTAX_CHARACTERS = frozenset(r"^$\.*+?()[]{}|")
_CLASS_SYNTAX_CHARACTERS = frozenset(r"^\[]-")

# Escapes that mean the same in both. Not \s: JavaScript's is Unicode, RE2's is these five.
_SAME_ESCAPES = frozenset("dDwWbBtnrfvx")
_WHITE_SPACE = r"\t\n\f\r "
_NOT_WHITE_SPACE = r"\0-\x08\x0b\x0e-\x1f!-\u{10ffff}"


def derive_javascript_pattern(python_pattern: str, groups: GroupAlternatives = (("course_id",),)) -> str:
    """Write a valid course regex as a JavaScript pattern for flag u with one unnamed group.

    It starts with ``^``, since JavaScript searches where Python matches from the start. The dot needs no change: the
    characters about which the two differ (U+2028, U+2029, the carriage return) never occur in a normalised URL.

    Raises InvalidPattern: as ``compile_course_regex``; ``scattered_groups`` when several named groups do not stand side
    by side.
    """
    course_regex = compile_course_regex(python_pattern, groups)
    tokens = spell_out_flags(tokenize(python_pattern))
    opening, closing = _id_span(tokens)
    pieces = [_translate(token) for token in tokens]
    if len(course_regex.groups) == 1:
        pieces[opening] = "("
    else:
        pieces[opening] = "(" + pieces[opening]
        pieces[closing] += ")"
    pattern = "".join(pieces)
    if not is_anchored(tokens):
        pattern = f"^(?:{pattern})" if len(top_level_branches(tokens)) > 1 else f"^{pattern}"
    # The engine has the last word on what has been written.
    return compile_javascript_regex(pattern).pattern


def _id_span(tokens: list[Token]) -> tuple[int, int]:
    """The indexes of the opening of the first named group and of the closing of the last.

    One capturing group goes round both, so they must be in the same branch of the same group.
    """
    open_groups: list[int] = []
    branches = [0]  # for each open group, and the whole: which branch are we in
    spans: list[tuple[int, int]] = []
    homes: set[tuple[tuple[int, ...], tuple[int, ...]]] = set()
    for index, token in enumerate(tokens):
        if token.kind in OPENING_KINDS:
            if token.kind is Kind.NAMED_GROUP:
                homes.add((tuple(open_groups), tuple(branches)))
            open_groups.append(index)
            branches.append(0)
        elif token.kind is Kind.CLOSE:
            opening = open_groups.pop()
            branches.pop()
            if tokens[opening].kind is Kind.NAMED_GROUP:
                spans.append((opening, index))
        elif token.kind is Kind.ALTERNATION:
            branches[-1] += 1
    if len(spans) > 1:
        repeated = any(
            tokens[closing + 1 : closing + 2] and tokens[closing + 1].kind is Kind.QUANTIFIER for __, closing in spans
        )
        if len(homes) > 1 or repeated:
            raise InvalidPattern(
                _(
                    "The named groups do not stand side by side, each exactly once, so that one JavaScript group could "
                    "hold them. Write the JavaScript pattern yourself."
                ),
                code="scattered_groups",
                position=tokens[min(spans)[0]].position,
            )
    return min(opening for opening, __ in spans), max(closing for __, closing in spans)


def _translate(token: Token) -> str:
    match token.kind:
        case Kind.GROUP | Kind.NAMED_GROUP:
            return "(?:"
        case Kind.ESCAPE:
            return _translate_escape(token.text)
        case Kind.CLASS:
            return _translate_class(token.text)
        case Kind.LITERAL:
            return _literal(token.text, _SYNTAX_CHARACTERS)
        case _:
            return token.text


def _translate_escape(text: str) -> str:
    match text[1]:
        case "A":
            return "^"
        case "a":
            return r"\x07"
        case "s":
            return f"[{_WHITE_SPACE}]"
        case "S":
            return f"[^{_WHITE_SPACE}]"
        case letter if letter in _SAME_ESCAPES:
            return text
        case character:
            return _literal(character, _SYNTAX_CHARACTERS)


def _literal(character: str, escaped: frozenset[str]) -> str:
    return f"\\{character}" if character in escaped else character


def _translate_class(text: str) -> str:
    negated, items = class_items(text)
    members = "".join(_translate_item(item) for item in items)
    return f"[^{members}]" if negated else f"[{members}]"


def _translate_item(item: ClassItem) -> str:
    first = _translate_atom(item.first)
    return first if item.last is None else f"{first}-{_translate_atom(item.last)}"


def _translate_atom(atom: str) -> str:
    """One character of a class, or one escape; a hyphen that is no range is escaped, whatever its place."""
    if not atom.startswith("\\"):
        return _literal(atom, _CLASS_SYNTAX_CHARACTERS)
    match atom[1]:
        case "a":
            return r"\x07"
        case "s":
            return _WHITE_SPACE
        case "S":
            return _NOT_WHITE_SPACE
        case letter if letter in _SAME_ESCAPES:
            return atom
        case character:
            return _literal(character, _CLASS_SYNTAX_CHARACTERS)
