"""The tokens of a course regex, with their positions: what the checks, the warnings and the derivation all read. Knows
the syntax of Python's re as far as RE2 shares it, and recognises the rest well enough to name it.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum


class Kind(StrEnum):
    """What a token is; the value is also the name of its group in the tokeniser."""

    # Shared by both engines.
    ESCAPE = "escape"
    CLASS = "class"
    NAMED_GROUP = "named_group"
    FLAG_GROUP = "flag_group"  # "(?:" included
    FLAGS = "flags"
    GROUP = "group"
    CLOSE = "close"
    ALTERNATION = "alternation"
    QUANTIFIER = "quantifier"
    DOT = "dot"
    START = "start"
    END = "end"
    LITERAL = "literal"
    # Python's or Perl's alone.
    ANGLE_NAMED_GROUP = "angle_named_group"
    NAMED_REFERENCE = "named_reference"
    LOOK_AROUND = "look_around"
    ATOMIC_GROUP = "atomic_group"
    CONDITIONAL = "conditional"
    COMMENT = "comment"
    UNKNOWN_GROUP = "unknown_group"


OPENING_KINDS = frozenset(
    {
        Kind.NAMED_GROUP,
        Kind.FLAG_GROUP,
        Kind.GROUP,
        Kind.ANGLE_NAMED_GROUP,
        Kind.LOOK_AROUND,
        Kind.ATOMIC_GROUP,
        Kind.CONDITIONAL,
        Kind.UNKNOWN_GROUP,
    }
)


@dataclass(frozen=True, slots=True)
class Token:
    kind: Kind
    text: str
    position: int  # in characters, from 0

    @property
    def name(self) -> str:
        """The name of a named group."""
        return self.text.removeprefix("(?P<").removesuffix(">")

    @property
    def is_start(self) -> bool:
        return self.kind is Kind.START or self.text == r"\A"

    @property
    def repeats_without_end(self) -> bool:
        """Whether a quantifier takes as much as it can, without a limit."""
        return self.kind is Kind.QUANTIFIER and (self.text in ("*", "+") or self.text.endswith(",}"))

    @property
    def repetitions(self) -> tuple[int, int | None]:
        """The smallest and the largest number of a quantifier, None where there is no largest; lazy or not."""
        if self.text.startswith("{"):
            least, comma, most = self.text.rstrip("?+").strip("{}").partition(",")
            return int(least or 0), int(most) if most else None if comma else int(least)
        return {"*": (0, None), "+": (1, None), "?": (0, 1)}[self.text[0]]


_ESCAPE = r"\\(?:x[0-9A-Fa-f]{2}|u[0-9A-Fa-f]{4}|U[0-9A-Fa-f]{8}|N\{[^}]*\}|[0-9]{1,3}|.)?"

# The order matters: the longer opening first. The last line takes whatever is left, so that no pattern, however
# broken, has characters without a token.
_TOKEN = re.compile(
    "|".join(
        f"(?P<{kind}>{expression})"
        for kind, expression in (
            (Kind.ESCAPE, _ESCAPE),
            (Kind.CLASS, r"\[\^?\]?(?:\\.|[^\]\\])*(?:\]|\\?\Z)"),
            (Kind.NAMED_GROUP, r"\(\?P<[^>)]*>"),
            (Kind.NAMED_REFERENCE, r"\(\?P=[^)]*\)"),
            (Kind.LOOK_AROUND, r"\(\?<?[=!]"),
            (Kind.ANGLE_NAMED_GROUP, r"\(\?<[^>)]*>"),
            (Kind.ATOMIC_GROUP, r"\(\?>"),
            (Kind.CONDITIONAL, r"\(\?\([^)]*\)"),
            (Kind.COMMENT, r"\(\?#[^)]*\)"),
            (Kind.FLAG_GROUP, r"\(\?[A-Za-z]*(?:-[A-Za-z]*)?:"),
            (Kind.FLAGS, r"\(\?[A-Za-z]+(?:-[A-Za-z]*)?\)"),
            (Kind.UNKNOWN_GROUP, r"\(\?"),
            (Kind.GROUP, r"\("),
            (Kind.CLOSE, r"\)"),
            (Kind.ALTERNATION, r"\|"),
            (Kind.QUANTIFIER, r"(?:[*+?]|\{[0-9]+(?:,[0-9]*)?\}|\{,[0-9]*\})[?+]?"),
            (Kind.DOT, r"\."),
            (Kind.START, r"\^"),
            (Kind.END, r"\$"),
            (Kind.LITERAL, r"."),
        )
    ),
    re.DOTALL,
)


def tokenize(pattern: str) -> list[Token]:
    """Cut a pattern, valid or not, into tokens; their texts add up to the pattern."""
    return [
        Token(kind=Kind(str(match.lastgroup)), text=match.group(), position=match.start())
        for match in _TOKEN.finditer(pattern)
    ]


@dataclass(frozen=True, slots=True)
class ClassItem:
    """A member of a character class: ``first`` alone, or the range from ``first`` to ``last``.

    Either is one character or one escape, as written.
    """

    first: str
    last: str | None = None


_CLASS_ATOM = re.compile(rf"{_ESCAPE}|.", re.DOTALL)


def class_items(text: str) -> tuple[bool, list[ClassItem]]:
    """Read a character class that both engines accept: is it negated, and what are its members."""
    negated = text.startswith("[^")
    atoms = _CLASS_ATOM.findall(text[2:-1] if negated else text[1:-1])
    return negated, list(_pair_ranges(atoms))


def _pair_ranges(atoms: list[str]) -> Iterator[ClassItem]:
    index = 0
    while index < len(atoms):
        if atoms[index + 1 : index + 2] == ["-"] and index + 2 < len(atoms):
            yield ClassItem(atoms[index], atoms[index + 2])
            index += 3
        else:
            yield ClassItem(atoms[index])
            index += 1


def top_level_branches(tokens: list[Token]) -> list[list[Token]]:
    """Split the tokens of a valid pattern at the alternations that are inside no group."""
    branches: list[list[Token]] = [[]]
    depth = 0
    for token in tokens:
        if token.kind in OPENING_KINDS:
            depth += 1
        elif token.kind is Kind.CLOSE:
            depth -= 1
        if token.kind is Kind.ALTERNATION and depth == 0:
            branches.append([])
        else:
            branches[-1].append(token)
    return branches


def is_anchored(tokens: list[Token]) -> bool:
    """Whether every way through a valid pattern begins at the start of the text, as far as can be seen at a glance."""
    return all(_begins_with_start(branch) for branch in top_level_branches(tokens))


def _begins_with_start(branch: list[Token]) -> bool:
    first = next((token for token in branch if token.kind is not Kind.FLAGS), None)
    return first is not None and first.is_start
