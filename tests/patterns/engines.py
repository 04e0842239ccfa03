"""The same question to each engine: which course id does this pattern take out of that URL?"""

from __future__ import annotations

import re
from functools import lru_cache

from cms_lms.patterns.course_regex import GroupAlternatives, compile_course_regex
from cms_lms.patterns.derive import derive_javascript_pattern
from cms_lms.patterns.javascript import compile_javascript_regex
from cms_lms.patterns.syntax import Kind, tokenize

#: Both arguments as ``page.evaluate`` gives them: JavaScript patterns and URLs; the ids of every URL by every pattern.
IN_BROWSER = """([patterns, urls]) => patterns.map((pattern) => {
  const regex = new RegExp(pattern, "u");
  return urls.map((url) => regex.exec(url)?.[1] || null);
})"""


def by_re2(pattern: str, groups: GroupAlternatives, url: str) -> str | None:
    return compile_course_regex(pattern, groups).extract(url)


def by_python(pattern: str, groups: GroupAlternatives, url: str) -> str | None:
    """By ``re``, with ASCII classes and ``$`` for the end alone: what RE2 promises, from another engine."""
    match = _compile_python(pattern).match(url)
    if match is None:
        return None
    spans = [match.span(name) for name in compile_course_regex(pattern, groups).groups]
    start, end = min(spans)[0], max(end for __, end in spans)
    return None if start < 0 else url[start:end] or None


def by_javascript(pattern: str, groups: GroupAlternatives, url: str) -> str | None:
    """By the server's engine, with the derived pattern. Raises InvalidPattern, ``too_slow`` as well."""
    return compile_javascript_regex(derive_javascript_pattern(pattern, groups)).extract_or_refuse(url)


@lru_cache
def _compile_python(pattern: str) -> re.Pattern[str]:
    pieces = [r"\Z" if token.kind is Kind.END else token.text for token in tokenize(pattern)]
    return re.compile("".join(pieces), re.ASCII)
