"""With which characters the URLs of a course regex must begin, as far as they are fixed, and where a URL that does not
match first departs from them.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from string import ascii_lowercase, ascii_uppercase

from cms_lms.patterns.syntax import OPENING_KINDS, Kind, Token, class_items, tokenize
from cms_lms.patterns.urls import MAX_URL_LENGTH

# "https?" and a few alternatives make a handful; beyond that a pattern has no beginning that a person would recognise.
_MAX_BEGINNINGS = 32

# A class of a few characters is so many alternatives; of more, any character.
_MAX_CLASS_MEMBERS = 4

# Flag i is about the letters of ASCII alone here.
_LOWER = str.maketrans(ascii_uppercase, ascii_lowercase)


@dataclass(frozen=True, slots=True)
class LiteralBeginning:
    """Characters that a matching URL may begin with; ``rest`` is what the pattern says of the characters after them."""

    text: str
    rest: str
    ignores_case: bool = False


@dataclass(frozen=True, slots=True)
class Difference:
    """Where a URL departs from the nearest beginning.

    ``common`` is what both have. ``expected`` are the characters that could follow, none where the beginning ends
    there: then it is ``rest`` that does not match. ``found`` is the URL's character, empty where the URL ends.
    ``expected_text`` and ``found_text`` are all that follows ``common`` in each.
    """

    common: str
    expected: tuple[str, ...]
    found: str
    expected_text: str
    found_text: str
    rest: str

    @property
    def position(self) -> int:
        """The place of the first character that differs, counted from 1."""
        return len(self.common) + 1


@dataclass(frozen=True, slots=True)
class _Piece:
    """A possible text of a part of the pattern; ``stop`` is where in it what is fixed ended, None if not yet."""

    text: str
    stop: int | None = None


@lru_cache(maxsize=4096)
def literal_beginnings(pattern: str) -> tuple[LiteralBeginning, ...]:
    """The beginnings of a valid course regex: one for each way through its first alternatives, without repetition."""
    tokens = tokenize(pattern)
    pieces, _end = _read_branches(tokens, 0)
    ignores_case = any(token.kind is Kind.FLAGS and "i" in token.text.partition("-")[0] for token in tokens)
    beginnings: dict[str, LiteralBeginning] = {}
    for piece in pieces:
        rest = pattern[piece.stop :] if piece.stop is not None else ""
        beginnings.setdefault(piece.text, LiteralBeginning(piece.text, rest, ignores_case))
    return tuple(beginnings.values())


def first_difference(beginnings: Sequence[LiteralBeginning], url: str) -> Difference:
    """Compare a URL in normal form with the beginning, of at least one, with which it has the most in common."""
    common = [_common_length(beginning, url) for beginning in beginnings]
    length = max(common)
    nearest = [beginning for beginning, own in zip(beginnings, common, strict=True) if own == length]
    # One that the URL has from end to end says more than a longer one that it has in part.
    first = next((beginning for beginning in nearest if len(beginning.text) == length), nearest[0])
    expected = () if len(first.text) == length else dict.fromkeys(beginning.text[length] for beginning in nearest)
    return Difference(
        common=url[:length],
        expected=tuple(expected),
        found=url[length : length + 1],
        expected_text=first.text[length:],
        found_text=url[length:],
        rest=first.rest,
    )


def _common_length(beginning: LiteralBeginning, url: str) -> int:
    if beginning.ignores_case:
        return common_length(beginning.text.translate(_LOWER), url.translate(_LOWER))
    return common_length(beginning.text, url)


def common_length(text: str, other: str) -> int:
    """The number of characters with which both texts begin."""
    return next(
        (index for index, (mine, yours) in enumerate(zip(text, other, strict=False)) if mine != yours),
        min(len(text), len(other)),
    )


def _read_branches(tokens: list[Token], index: int) -> tuple[list[_Piece], int]:
    """Read the branches of a group, or of the whole, up to its end; return their texts and where the end is."""
    begin = tokens[index].position if index < len(tokens) else None
    branches: list[_Piece] = []
    branch = [_Piece("")]
    while index < len(tokens) and tokens[index].kind is not Kind.CLOSE:
        if tokens[index].kind is Kind.ALTERNATION:
            branches += branch
            branch = [_Piece("")]
            index += 1
            continue
        position = tokens[index].position
        pieces, index = _read_atom(tokens, index)
        if index < len(tokens) and tokens[index].kind is Kind.QUANTIFIER:
            pieces = _repeat(pieces, tokens[index], position)
            index += 1
        branch = _append(branch, pieces, position)
    branches += branch
    return (branches if len(branches) <= _MAX_BEGINNINGS else [_Piece("", begin)]), index


def _read_atom(tokens: list[Token], index: int) -> tuple[list[_Piece], int]:
    token = tokens[index]
    if token.kind in OPENING_KINDS:
        pieces, end = _read_branches(tokens, index + 1)
        # The flags of a group hold for the group alone; what they do to its letters is not worth following.
        is_plain = token.kind in (Kind.GROUP, Kind.NAMED_GROUP) or token.text == "(?:"
        return (pieces if is_plain else [_Piece("", token.position)]), end + 1
    if token.is_start or token.kind is Kind.FLAGS:
        return [_Piece("")], index + 1
    characters = _characters(token)
    return [_Piece(character) for character in characters] or [_Piece("", token.position)], index + 1


def _characters(token: Token) -> list[str]:
    """The characters for which a token can stand, none where they are too many."""
    if token.kind is Kind.LITERAL:
        return [token.text]
    if token.kind is Kind.ESCAPE:
        return _escaped(token.text)
    if token.kind is not Kind.CLASS:
        return []
    negated, items = class_items(token.text)
    if negated or len(items) > _MAX_CLASS_MEMBERS or any(item.last is not None for item in items):
        return []
    members = [_escaped(item.first) if item.first.startswith("\\") else [item.first] for item in items]
    return [character for member in members for character in member] if all(members) else []


def _escaped(text: str) -> list[str]:
    if text.startswith(r"\x"):
        return [chr(int(text[2:], 16))]
    return [] if text[1:].isalnum() else [text[1:]]


def _repeat(pieces: list[_Piece], quantifier: Token, begin: int) -> list[_Piece]:
    least, most = quantifier.repetitions
    if (least, most) == (0, 1):
        return [_Piece(""), *pieces]
    repeated = [_Piece("")]
    for _time in range(least):
        longer = _append(repeated, pieces, begin)
        if longer == repeated:
            break
        repeated = longer
    return repeated if least == most else _append(repeated, [_Piece("", begin)], begin)


def _append(branch: list[_Piece], pieces: list[_Piece], begin: int) -> list[_Piece]:
    """Every text of the branch that is not at its end, continued with every piece."""
    longest = max(len(piece.text) for piece in branch) + max(len(piece.text) for piece in pieces)
    still_open = sum(piece.stop is None for piece in branch)
    if longest > MAX_URL_LENGTH or len(branch) + still_open * (len(pieces) - 1) > _MAX_BEGINNINGS:
        pieces = [_Piece("", begin)]
    return [
        after
        for piece in branch
        for after in (
            [piece] if piece.stop is not None else [_Piece(piece.text + more.text, more.stop) for more in pieces]
        )
    ]
