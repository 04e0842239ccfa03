"""Why a URL belongs to the LMS that it belongs to: the handler's choice, explained.

The command ``select_lms`` prints the verdict. It reads; it decides nothing that the handler and the web
hook do not decide.
"""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from cms_lms.backends.base import BaseLMSBackend
from cms_lms.matching.changed_configuration import Configuration
from cms_lms.matching.handler import LMSHandler
from cms_lms.models import Course, CourseRun
from cms_lms.patterns.errors import InvalidPattern
from cms_lms.patterns.javascript import compile_javascript_regex
from cms_lms.patterns.urls import normalize_url
from cms_lms.runs.codes import CourseKey, normalize_code

#: Seconds of processor time that the JavaScript patterns of many URLs may take together.
JAVASCRIPT_SECONDS = 0.5


@dataclass(frozen=True)
class Verdict:
    """What the handler makes of a URL.

    ``normalized_url`` is what the patterns saw. ``js_course_id`` is None also where the backend has no
    JavaScript pattern; ``ids_agree`` is None then. ``js_problem`` says why that pattern could not be tried to
    its end. ``course_key`` is the key that a payload without a course
    code would be filed under, ``course`` the course of the known run, else of that key. ``others`` would have
    matched too, in their order. ``reason`` says what is wrong, if anything is.
    """

    url: str
    normalized_url: str
    backend: BaseLMSBackend | None = None
    course_id: str | None = None
    js_course_id: str | None = None
    js_problem: str | Promise = ""
    ids_agree: bool | None = None
    course_key: CourseKey | None = None
    course: Course | None = None
    run: CourseRun | None = None
    others: Sequence[BaseLMSBackend] = field(default_factory=tuple)
    reason: str | Promise = ""

    @property
    def is_match(self) -> bool:
        """Whether a backend owns the URL."""
        return self.backend is not None

    def as_json(self) -> dict[str, Any]:
        """Return the verdict in values that JSON knows."""
        return {
            "url": self.url,
            "normalized_url": self.normalized_url,
            "matched": self.is_match,
            "reason": str(self.reason),
            "backend": _backend_as_json(self.backend) if self.backend else None,
            "course_id": self.course_id,
            "js_course_id": self.js_course_id,
            "ids_agree": self.ids_agree,
            "course_key": self.course_key._asdict() if self.course_key else None,
            "course": {"id": self.course.pk, "code": self.course.code, "title": self.course.title}
            if self.course
            else None,
            "course_run": self.run.pk if self.run else None,
            "others": [
                {**_backend_as_json(other), "course_id": other.extract_from_normalized(self.normalized_url)}
                for other in self.others
            ],
        }


def _backend_as_json(backend: BaseLMSBackend) -> dict[str, Any]:
    return {
        "slug": backend.config.slug,
        "name": backend.config.name,
        "class": backend.record.backend,
        "js_backend": backend.config.js_backend,
        "base_url": backend.config.base_url,
    }


def explain(url: str, configuration: Configuration | None = None) -> Verdict:
    """Return the verdict on a URL, by the configuration in force or another.

    Raises ``InvalidURL`` for a URL that patterns never get to see.
    """
    [verdict] = explain_many({url: normalize_url(url)}, configuration or LMSHandler.configuration())
    return verdict


def explain_many(normalized: Mapping[str, str], configuration: Configuration) -> list[Verdict]:
    """Return the verdicts on many URLs, given with their normal forms, in as many queries as on one."""
    runs = CourseRun.objects.get_by_links(normalized)
    javascript = _JavaScriptSearches()
    choices = {url: _choose(seen, configuration, javascript) for url, seen in normalized.items()}
    courses = Course.objects.get_by_keys({choice.key for choice in choices.values() if choice.key})
    return [
        _verdict(url, normalized[url], choice, runs.get(url), courses.get(choice.key) if choice.key else None)
        for url, choice in choices.items()
    ]


@dataclass(frozen=True)
class _Choice:
    """What can be said of a URL without the database."""

    matching: Sequence[BaseLMSBackend] = ()
    course_id: str | None = None
    js_course_id: str | None = None
    js_problem: str | Promise = ""
    ids_agree: bool | None = None
    key: CourseKey | None = None
    reason: str | Promise = ""


def _choose(seen: str, configuration: Configuration, javascript: _JavaScriptSearches) -> _Choice:
    matching = configuration.match(seen)
    if not matching:
        return _Choice(reason=_no_match(configuration))
    backend = matching[0]
    course_id = backend.extract_from_normalized(seen)
    was_searched = bool(backend.config.js_course_regex) and javascript.is_possible
    js_course_id, js_problem = javascript.extract(backend, seen)
    ids_agree = course_id == js_course_id if was_searched else None
    reason = js_problem
    if course_id is None:
        reason = _("The pattern matches, but finds no course id in the URL.")
    elif ids_agree is False and not reason:
        reason = _("The Python pattern and the JavaScript pattern find different course ids.")
    key = backend.get_course_key(course_id, {}) if course_id else None
    return _Choice(matching, course_id, js_course_id, js_problem, ids_agree, key, reason)


def _verdict(url: str, seen: str, choice: _Choice, run: CourseRun | None, course: Course | None) -> Verdict:
    key = choice.key
    return Verdict(
        url,
        seen,
        backend=choice.matching[0] if choice.matching else None,
        course_id=choice.course_id,
        js_course_id=choice.js_course_id,
        js_problem=choice.js_problem,
        ids_agree=choice.ids_agree,
        course_key=CourseKey(key.organisation, normalize_code(key.code)) if key else None,
        course=run.course if run else course,
        run=run,
        others=tuple(choice.matching[1:]),
        reason=choice.reason,
    )


def _no_match(configuration: Configuration) -> str | Promise:
    if configuration.backends:
        return _("The pattern of no enabled LMS backend matches this URL.")
    return _("No LMS backend is enabled.")


class _JavaScriptSearches:
    """Runs JavaScript patterns on URLs until they have had their time together.

    Each search has a limit of its own; without one for all of them, many slow ones would hold up the answer.
    """

    def __init__(self) -> None:
        self._spent = 0.0

    @property
    def is_possible(self) -> bool:
        """Whether there is time for another."""
        return self._spent < JAVASCRIPT_SECONDS

    def extract(self, backend: BaseLMSBackend, seen: str) -> tuple[str | None, str | Promise]:
        """Return the id that the JavaScript pattern finds, and why it found none if it could not even search."""
        if not backend.config.js_course_regex:
            return None, ""
        if not self.is_possible:
            return None, _("Not tried: the JavaScript patterns of the URLs above took too long.")
        begin = time.thread_time()
        try:
            return compile_javascript_regex(backend.config.js_course_regex).extract_or_refuse(seen), ""
        except InvalidPattern as error:
            return None, error.message
        finally:
            self._spent += time.thread_time() - begin
