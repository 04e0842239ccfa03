"""Repetitions that the engines disagree about although each of them accepts them: of something that may be empty, and
of the course id itself.
"""

from dataclasses import dataclass

from django.utils.translation import gettext_lazy as _

from cms_lms.patterns.errors import InvalidPattern
from cms_lms.patterns.syntax import OPENING_KINDS, Kind, Token

_EMPTY_ESCAPES = frozenset({r"\A", r"\b", r"\B"})


@dataclass(slots=True)
class _Atom:
    """What a quantifier may stand behind: a character, a class, an assertion, a group."""

    may_be_empty: bool
    has_name: bool = False  # it is, or holds, a named group


@dataclass(slots=True)
class _Group:
    """A group that is still open, or the whole pattern."""

    has_name: bool
    may_be_empty: bool = False  # by one of the branches before this one
    branch_may_be_empty: bool = True

    def add(self, atom: _Atom) -> None:
        self.branch_may_be_empty &= atom.may_be_empty
        self.has_name |= atom.has_name

    def end_branch(self) -> None:
        self.may_be_empty |= self.branch_may_be_empty
        self.branch_may_be_empty = True


def refuse_ambiguous_repetition(tokens: list[Token]) -> None:
    """Raise InvalidPattern (``empty_repetition``, ``repeated_group``). The pattern must be valid for Python.

    JavaScript never repeats an empty match, RE2 and Python do once, each in its own way; JavaScript forgets what a
    group held when the repetition round it begins again, the others remember it.
    """
    groups = [_Group(has_name=False)]
    for token, after in zip(tokens, [*tokens[1:], None], strict=True):
        if token.kind in OPENING_KINDS:
            groups.append(_Group(has_name=token.kind is Kind.NAMED_GROUP))
            continue
        if token.kind is Kind.ALTERNATION:
            groups[-1].end_branch()
            continue
        if token.kind in (Kind.QUANTIFIER, Kind.FLAGS):
            continue
        if token.kind is Kind.CLOSE:
            group = groups.pop()
            group.end_branch()
            atom = _Atom(group.may_be_empty, group.has_name)
        else:
            atom = _Atom(token.kind in (Kind.START, Kind.END) or token.text in _EMPTY_ESCAPES)
        if after is not None and after.kind is Kind.QUANTIFIER:
            least, most = after.repetitions
            _refuse_repetition(atom, after, least, most)
            atom.may_be_empty |= least == 0
        groups[-1].add(atom)


def _refuse_repetition(atom: _Atom, quantifier: Token, least: int, most: int | None) -> None:
    if atom.has_name and most != 1:
        raise InvalidPattern(
            _(
                "“%(text)s” at position %(position)s repeats the course id, of which only the last would be kept. "
                "Put the repetition inside the named group."
            ),
            code="repeated_group",
            position=quantifier.position,
            text=quantifier.text,
        )
    if atom.may_be_empty and least != most:
        raise InvalidPattern(
            _(
                "“%(text)s” at position %(position)s repeats something that may be empty, which engines read in "
                "different ways. Leave it out, or make each repetition take at least one character."
            ),
            code="empty_repetition",
            position=quantifier.position,
            text=quantifier.text,
        )
