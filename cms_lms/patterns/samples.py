"""Whether an editor's sample URLs bear out the patterns: the same course id by both for each sample, no match for each
rejected URL.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, Literal

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from cms_lms.patterns.course_regex import CourseRegex
from cms_lms.patterns.errors import InvalidPattern, InvalidURL, in_words
from cms_lms.patterns.javascript import JavaScriptRegex
from cms_lms.patterns.urls import normalize_url

SampleField = Literal["sample_urls", "rejected_urls"]


@dataclass(frozen=True, slots=True)
class SampleProblem:
    """A sample that contradicts the patterns. ``url`` is as the editor wrote it, ``field`` where."""

    url: str
    field: SampleField
    # Any: Django's stubs know lazy text by a class of their own.
    message: Any
    code: str

    def __str__(self) -> str:
        return str(self.message)


def check_samples(
    course_regex: CourseRegex,
    js_regex: JavaScriptRegex | None,
    sample_urls: Iterable[str],
    rejected_urls: Iterable[str],
) -> list[SampleProblem]:
    """Try both patterns on every sample; at most one problem a URL.

    Codes: ``not_matched``, ``js_not_matched``, ``different_ids``, ``matched``, ``js_matched``, ``too_slow``, and for a
    sample that is no URL those of ``normalize_url``. A rejected URL may be no URL at all: nothing matches it.
    """
    problems = [_check_sample(course_regex, js_regex, url) for url in sample_urls]
    problems += [_check_rejected(course_regex, js_regex, url) for url in rejected_urls]
    return [problem for problem in problems if problem is not None]


def _check_sample(course_regex: CourseRegex, js_regex: JavaScriptRegex | None, url: str) -> SampleProblem | None:
    try:
        seen = normalize_url(url)
        course_id = course_regex.extract(seen)
        js_course_id = js_regex.extract_or_refuse(seen) if js_regex else course_id
    except (InvalidURL, InvalidPattern) as error:
        return _problem(url, "sample_urls", error.code, _("%(seen)s: %(reason)s"), seen=url, reason=error.message)
    found = {"seen": seen, "course_id": course_id or "", "js_course_id": js_course_id or ""}
    if course_id is None:
        return _problem(
            url, "sample_urls", "not_matched", _("The Python pattern finds no course id in %(seen)s."), **found
        )
    if js_course_id is None:
        return _problem(
            url,
            "sample_urls",
            "js_not_matched",
            _("The Python pattern extracts “%(course_id)s” from %(seen)s, the JavaScript pattern nothing."),
            **found,
        )
    if js_course_id != course_id:
        return _problem(
            url,
            "sample_urls",
            "different_ids",
            _("The Python pattern extracts “%(course_id)s” from %(seen)s, the JavaScript pattern “%(js_course_id)s”."),
            **found,
        )
    return None


def _check_rejected(course_regex: CourseRegex, js_regex: JavaScriptRegex | None, url: str) -> SampleProblem | None:
    try:
        seen = normalize_url(url)
    except InvalidURL:
        return None
    course_id = course_regex.extract(seen)
    if course_id is not None:
        return _problem(
            url,
            "rejected_urls",
            "matched",
            _("The Python pattern must not match %(seen)s, but extracts “%(course_id)s”."),
            seen=seen,
            course_id=course_id,
        )
    try:
        js_course_id = js_regex.extract_or_refuse(seen) if js_regex else None
    except InvalidPattern as error:
        return _problem(url, "rejected_urls", error.code, _("%(seen)s: %(reason)s"), seen=url, reason=error.message)
    if js_course_id is not None:
        return _problem(
            url,
            "rejected_urls",
            "js_matched",
            _("The JavaScript pattern must not match %(seen)s, but extracts “%(course_id)s”."),
            seen=seen,
            course_id=js_course_id,
        )
    return None


def _problem(url: str, field: SampleField, code: str, message: str | Promise, **params: Any) -> SampleProblem:
    return SampleProblem(url=url, field=field, message=in_words(message, **params), code=code)
