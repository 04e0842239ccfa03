"""The course regex of an LMS backend: what makes one valid, and how it takes the course id out of a URL. RE2 runs it,
in linear time, so that no pattern can hang a worker; Python's re only has to accept it too.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any

import re2
from django.utils.functional import Promise, lazy
from django.utils.text import get_text_list
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from cms_lms.patterns.engine_errors import refuse_what_python_refuses, refuse_what_re2_refuses
from cms_lms.patterns.errors import InvalidPattern, PatternWarning
from cms_lms.patterns.flags import spell_out_flags
from cms_lms.patterns.pattern_text import refuse_unreadable_text
from cms_lms.patterns.pattern_warnings import pattern_warnings
from cms_lms.patterns.repetition import refuse_ambiguous_repetition
from cms_lms.patterns.shared_syntax import refuse_unshared_syntax
from cms_lms.patterns.syntax import Kind, Token, tokenize

__all__ = ["CourseRegex", "PatternWarning", "compile_course_regex", "pattern_warnings", "re2_options"]

GroupAlternatives = tuple[tuple[str, ...], ...]

# Bounds the compiled program as well as its cache: real patterns take a few KiB, and the time of one match grows with
# the size of the program.
_MAX_MEMORY = 256 * 1024

# RE2 copies all groups at each step when it has to fall back to its slow engine.
_MAX_GROUPS = 20


def re2_options(*, max_memory: int = _MAX_MEMORY) -> re2.Options:
    """The options under which course regexes run, alone or together in an ``re2.Set``. ``max_memory`` is in bytes."""
    options = re2.Options()
    options.log_errors = False  # the library writes to stderr otherwise
    options.max_mem = max_memory
    return options


@dataclass(frozen=True, slots=True)
class CourseRegex:
    """A valid course regex; made by ``compile_course_regex`` only."""

    pattern: str
    re2_pattern: str  # what RE2 runs: the pattern without its inline flags
    groups: tuple[str, ...]  # the named groups, in the order in which their backend class declares them
    _match: Callable[[bytes], Any] = field(repr=False, compare=False)
    _group_numbers: tuple[int, ...] = field(repr=False, compare=False)

    def matches(self, normalized_url: str) -> bool:
        """Whether the pattern matches from the start of a URL in normal form."""
        return self._match(normalized_url.encode()) is not None

    def extract(self, normalized_url: str) -> str | None:
        """The course id in a URL in normal form (``normalize_url``), or None when the pattern does not match.

        The match starts where the URL starts. With several named groups the id is the text from the start of the first
        to the end of the last, all of which must take part. An empty id is no id: None.
        """
        octets = normalized_url.encode()
        match = self._match(octets)
        if match is None:
            return None
        spans = [match.span(number) for number in self._group_numbers]
        start = min(span[0] for span in spans)
        if start < 0:  # a group that takes no part has the span (-1, -1)
            return None
        return octets[start : max(span[1] for span in spans)].decode() or None


@lru_cache(maxsize=4096)
def compile_course_regex(pattern: str, groups: GroupAlternatives = (("course_id",),)) -> CourseRegex:
    """Compile an editor's pattern, or say why it cannot be used and where.

    ``groups`` are the alternatives that the backend class offers: the named groups of the pattern must be exactly those
    of one alternative, once each. Unnamed groups are free. Raises InvalidPattern; its codes are part of the API:
    ``empty``, ``too_long``, ``control_character``, ``surrogate``, ``too_deep``, ``too_large``, ``too_many_groups``,
    ``look_around``, ``back_reference``, ``possessive``, ``atomic_group``, ``conditional``, ``comment``,
    ``inline_flag``, ``verbose``, ``escape``, ``repetition``, ``empty_repetition``, ``repeated_group``,
    ``ambiguous_class``, ``group_syntax``, ``missing_group``, ``unknown_group``, ``duplicate_group``, ``mixed_groups``
    and ``syntax`` for the rest.
    """
    refuse_unreadable_text(pattern)
    tokens = tokenize(pattern)
    refuse_unshared_syntax(tokens)
    _refuse_duplicate_groups(tokens)
    refuse_what_python_refuses(pattern)
    refuse_ambiguous_repetition(tokens)
    names = _chosen_alternative(tokens, groups)
    # As bytes: RE2 then reports offsets in bytes, without counting characters for each match.
    re2_pattern = "".join(token.text for token in spell_out_flags(tokens))
    octets = re2_pattern.encode()
    with refuse_what_re2_refuses(pattern):
        compiled = re2.compile(octets, re2_options())
    if compiled.groups > _MAX_GROUPS:
        raise InvalidPattern(
            _("The pattern has more than %(limit)s groups; write those that need no name as (?:…)."),
            code="too_many_groups",
            limit=_MAX_GROUPS,
        )
    numbers = compiled.groupindex
    return CourseRegex(pattern, re2_pattern, names, compiled.match, tuple(numbers[name.encode()] for name in names))


def _named(tokens: list[Token]) -> Iterator[Token]:
    return (token for token in tokens if token.kind is Kind.NAMED_GROUP)


def _refuse_duplicate_groups(tokens: list[Token]) -> None:
    seen = set()
    for token in _named(tokens):
        if token.name in seen:
            raise InvalidPattern(
                _("The group “%(name)s” is there a second time, at position %(position)s; it must be there once."),
                code="duplicate_group",
                position=token.position,
                name=token.name,
            )
        seen.add(token.name)


def _chosen_alternative(tokens: list[Token], alternatives: GroupAlternatives) -> tuple[str, ...]:
    """The alternative whose names are exactly those of the pattern."""
    positions = {token.name: token.position for token in _named(tokens)}
    for names in alternatives:
        if set(names) == set(positions):
            return names
    declared = {name for names in alternatives for name in names}
    expected = _describe_lazily(alternatives)
    for name, position in positions.items():
        if name not in declared:
            raise InvalidPattern(
                _(
                    "The group “%(name)s” at position %(position)s has no meaning here. "
                    "Named groups must be exactly %(expected)s; write other groups as (?:…)."
                ),
                code="unknown_group",
                position=position,
                name=name,
                expected=expected,
            )
    if any(set(names) <= set(positions) for names in alternatives):
        raise InvalidPattern(
            _("The pattern mixes named groups that do not belong together; they must be exactly %(expected)s."),
            code="mixed_groups",
            position=min(positions.values()),
            expected=expected,
        )
    raise InvalidPattern(
        _("The pattern must mark which part of the URL is the course id, with %(expected)s."),
        code="missing_group",
        expected=expected,
    )


def _describe(alternatives: GroupAlternatives) -> str:
    """``(?P<a>…), or (?P<b>…) and (?P<c>…)`` in the reader's language."""
    described = [get_text_list([f"(?P<{name}>…)" for name in names], gettext("and")) for names in alternatives]
    return get_text_list(described, gettext("or"))


_describe_lazily: Callable[[GroupAlternatives], str | Promise] = lazy(_describe, str)
