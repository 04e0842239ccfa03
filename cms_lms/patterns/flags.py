"""What inline flags mean, written without them: ``(?i)`` as both cases of each letter, ``(?s)`` as nothing at all.

RE2 folds the case of all scripts, Python's re here that of ASCII alone, and JavaScript has no flags inside a pattern
that every browser knows. Spelled out before any engine sees it, ``(?i)`` is about the letters of ASCII for all of them.
"""

from collections.abc import Iterable, Iterator
from dataclasses import replace
from string import ascii_letters, ascii_lowercase, ascii_uppercase

from cms_lms.patterns.syntax import OPENING_KINDS, ClassItem, Kind, Token, class_items

_CLASS_SYNTAX_CHARACTERS = frozenset(r"^\[]-")
_CASES = ((ascii_lowercase, ascii_uppercase), (ascii_uppercase, ascii_lowercase))


def spell_out_flags(tokens: Iterable[Token]) -> list[Token]:
    """Return the tokens of a valid pattern that says the same without flags; positions are the original's."""
    return list(_spell_out(tokens))


def _spell_out(tokens: Iterable[Token]) -> Iterator[Token]:
    folds = [False]  # for the whole, and for each open group
    for token in tokens:
        if token.kind is Kind.FLAGS:
            # A dot that takes line breaks takes what no URL has: flag s changes nothing.
            folds[-1] = _folds(token.text, folds[-1])
            continue
        if token.kind in OPENING_KINDS:
            folds.append(_folds(token.text, folds[-1]) if token.kind is Kind.FLAG_GROUP else folds[-1])
        elif token.kind is Kind.CLOSE:
            folds.pop()
        if token.kind is Kind.FLAG_GROUP:
            yield replace(token, text="(?:")
        elif folds[-1]:
            yield _with_both_cases(token)
        else:
            yield token


def _folds(flags: str, before: bool) -> bool:
    set_flags, __, cleared_flags = flags.strip("(?:)").partition("-")
    return "i" in set_flags or (before and "i" not in cleared_flags)


def _with_both_cases(token: Token) -> Token:
    if token.kind is Kind.CLASS:
        negated, items = class_items(token.text)
    elif token.kind in (Kind.LITERAL, Kind.ESCAPE):
        negated, items = False, [ClassItem(token.text)]
    else:
        return token
    others = [other for item in items for other in _other_case(item)]
    if not others:
        return token
    members = "".join(_write(item) for item in [*items, *others])
    return replace(token, kind=Kind.CLASS, text=f"[^{members}]" if negated else f"[{members}]")


def _other_case(item: ClassItem) -> Iterator[ClassItem]:
    """The letters of an item in the other case."""
    first = _character(item.first)
    last = first if item.last is None else _character(item.last)
    if not first or not last:  # a class such as \w, which has both cases
        return
    for letters, others in _CASES:
        start, end = max(first, letters[0]), min(last, letters[-1])
        if start <= end:
            found = others[letters.index(start)], others[letters.index(end)]
            yield ClassItem(found[0]) if start == end else ClassItem(*found)


def _character(atom: str) -> str:
    """The one character that an atom stands for; empty for an escape that stands for many, or for none."""
    if not atom.startswith("\\"):
        return atom
    if atom[1] == "x":
        return chr(int(atom[2:], 16))
    return "" if atom[1] in ascii_letters else atom[1]


def _write(item: ClassItem) -> str:
    atoms = [item.first] if item.last is None else [item.first, item.last]
    return "-".join(f"\\{atom}" if atom in _CLASS_SYNTAX_CHARACTERS else atom for atom in atoms)
