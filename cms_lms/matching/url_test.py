"""What would become of many URLs: the verdict on each, and for those that no backend owns which ones come nearest.

For people who try patterns: what they paste may be anything, and nothing here raises for it.
"""

from __future__ import annotations

import re
from bisect import bisect_left, bisect_right
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache

from django.core.exceptions import ValidationError
from django.utils.functional import Promise

from cms_lms.backends.base import BaseLMSBackend
from cms_lms.backends.registry import UnknownBackend, get_backend_class
from cms_lms.matching.changed_configuration import ChangedConfiguration, Configuration
from cms_lms.matching.handler import LMSHandler
from cms_lms.matching.verdict import Verdict, explain_many
from cms_lms.models import LMSBackend
from cms_lms.patterns.derive import derive_javascript_pattern
from cms_lms.patterns.errors import InvalidPattern
from cms_lms.patterns.literal_beginning import Difference, common_length, first_difference, literal_beginnings
from cms_lms.patterns.urls import InvalidURL, normalize_url

#: How many URLs are tested at once; the answer is there within a second then.
MAX_URLS = 200

#: How many backends are named for a URL that none owns.
NEAREST = 3

_WORDS = re.compile(r"\w+")

# The last character that there is: what sorts after every text with a given beginning.
_LAST = "\U0010ffff"


@dataclass(frozen=True)
class NearMiss:
    """A backend that does not match a URL, and where the URL first departs from its pattern's literal beginning."""

    backend: BaseLMSBackend
    difference: Difference


@dataclass(frozen=True)
class URLTest:
    """One URL: refused before any pattern sees it, for ``refusal``; else with a verdict.

    ``nearest`` is filled where no backend matches. ``candidate_miss`` is where the URL departs from the backend that
    is being edited, if that does not match it.
    """

    url: str
    refusal: str | Promise = ""
    verdict: Verdict | None = None
    nearest: Sequence[NearMiss] = field(default_factory=tuple)
    candidate_miss: Difference | None = None

    @property
    def is_match(self) -> bool:
        """Whether a backend owns the URL."""
        return self.verdict is not None and self.verdict.is_match


def run_tests(
    urls: Sequence[str], configuration: Configuration, candidate: BaseLMSBackend | None = None
) -> list[URLTest]:
    """Test URLs by a configuration; ``candidate`` is the backend in it that is being edited, if there is one.

    The caller bounds the number of URLs (``MAX_URLS``).
    """
    normalized: dict[str, str] = {}
    refusals: dict[str, str | Promise] = {}
    for url in urls:
        try:
            normalized[url] = normalize_url(url)
        except InvalidURL as error:
            refusals[url] = error.message
    verdicts = {verdict.url: verdict for verdict in explain_many(normalized, configuration)}
    tests = {url: _test(verdict, configuration, candidate) for url, verdict in verdicts.items()}
    return [URLTest(url, refusal=refusals[url]) if url in refusals else tests[url] for url in urls]


def _test(verdict: Verdict, configuration: Configuration, candidate: BaseLMSBackend | None) -> URLTest:
    seen = verdict.normalized_url
    misses = candidate is not None and candidate is not verdict.backend and candidate not in verdict.others
    miss = first_difference(literal_beginnings(candidate.config.course_regex), seen) if misses and candidate else None
    nearest = () if verdict.is_match else nearest_backends(seen, configuration.backends, NEAREST)
    # What is being edited has been named already.
    others = tuple(near for near in nearest if near.backend is not candidate)
    return URLTest(verdict.url, verdict=verdict, nearest=others, candidate_miss=miss)


def nearest_backends(normalized_url: str, backends: Sequence[BaseLMSBackend], count: int) -> list[NearMiss]:
    """Return the backends whose literal beginning has most in common with a URL, the nearest first.

    The scheme counts least: "http" for "https" is the commonest difference of all, and every URL has one of the two.
    Of backends with equally much in common, those come first that have more words of the URL, then the earlier ones.
    """
    index = _index(tuple(backend.config.course_regex for backend in backends))
    return [
        NearMiss(
            backends[place], first_difference(literal_beginnings(backends[place].config.course_regex), normalized_url)
        )
        for place in index.nearest(normalized_url, count)
    ]


class _Index:
    """The literal beginnings of patterns, sorted, so that the nearest of a text are its neighbours."""

    def __init__(self, patterns: Sequence[str]) -> None:
        entries = sorted(
            (_after_scheme(beginning.text), place)
            for place, pattern in enumerate(patterns)
            for beginning in literal_beginnings(pattern)
        )
        self._texts = [text for text, _place in entries]
        self._places = [place for _text, place in entries]
        self._words = [frozenset(_WORDS.findall(text)) for text in self._texts]

    def nearest(self, url: str, count: int) -> list[int]:
        """Return the places of the patterns that come nearest to a URL."""
        text = _after_scheme(url)
        words = frozenset(_WORDS.findall(text))
        found: list[int] = []
        low = high = bisect_left(self._texts, text)
        while len(found) < count and (low > 0 or high < len(self._texts)):
            neighbours = self._texts[max(low - 1, 0) : low] + self._texts[high : high + 1]
            common = text[: max(common_length(text, neighbour) for neighbour in neighbours)]
            # All that have as much in common lie together, around those that have more.
            low, high = bisect_left(self._texts, common), bisect_right(self._texts, common + _LAST)
            ranked = sorted((-len(words & self._words[i]), self._places[i]) for i in range(low, high))
            found += dict.fromkeys(place for _rank, place in ranked if place not in found)
        return found[:count]


@lru_cache(maxsize=4)
def _index(patterns: tuple[str, ...]) -> _Index:
    return _Index(patterns)


def _after_scheme(url: str) -> str:
    return url.lower().removeprefix("https").removeprefix("http").removeprefix("://")


@dataclass(frozen=True)
class TypedBackend:
    """A backend as it is being typed, in the configuration that there would be were it saved and enabled.

    ``problems`` says by field what is wrong with it. Where its Python pattern cannot be used, ``backend`` is None and
    the configuration does without it; where only its JavaScript pattern cannot, it has none.
    """

    configuration: Configuration
    backend: BaseLMSBackend | None
    problems: Mapping[str, Sequence[str]]


def typed_configuration(record: LMSBackend) -> TypedBackend:
    """Put a record with typed values in its place in the configuration in force; nothing is stored.

    It is checked as at saving, its sample URLs apart; its values may change as they do then.
    """
    record.is_enabled = True
    record.sample_urls, record.rejected_urls = [], []
    problems: dict[str, list[str]] = {}
    try:
        record.clean()
    except ValidationError as error:
        problems = error.message_dict
    if "js_course_regex" in problems:
        record.js_course_regex = ""
    is_usable = bool(record.backend and record.course_regex) and not problems.keys() & {"backend", "course_regex"}
    configuration = ChangedConfiguration(LMSHandler.configuration(), record, is_deleted=not is_usable)
    return TypedBackend(configuration, configuration.candidate, problems)


@dataclass(frozen=True)
class DerivedPattern:
    """The JavaScript pattern that follows from a Python one, or the reason why none does."""

    pattern: str = ""
    reason: str | Promise = ""


def derived_pattern(backend_class: str, course_regex: str) -> DerivedPattern:
    """Derive the JavaScript pattern for a backend class, named by its path; empty while there is nothing to derive."""
    if not course_regex:
        return DerivedPattern()
    try:
        groups = get_backend_class(backend_class).required_groups
        return DerivedPattern(pattern=derive_javascript_pattern(course_regex, groups))
    except UnknownBackend:
        return DerivedPattern()
    except InvalidPattern as error:
        return DerivedPattern(reason=error.message)
