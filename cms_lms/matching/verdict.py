"""Why a URL belongs to the LMS that it belongs to: the handler's choice, explained.

The command ``select_lms`` prints the verdict. It reads; it decides nothing that the handler and the web
hook do not decide.
"""

from __future__ import annotations

from collections.abc import Sequence
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


@dataclass(frozen=True)
class Verdict:
    """What the handler makes of a URL.

    ``normalized_url`` is what the patterns saw. ``js_course_id`` is None also where the backend has no
    JavaScript pattern; ``ids_agree`` is None then. ``course_key`` is the key that a payload without a course
    code would be filed under, ``course`` the course of the known run, else of that key. ``others`` would have
    matched too, in their order. ``reason`` says what is wrong, if anything is.
    """

    url: str
    normalized_url: str
    backend: BaseLMSBackend | None = None
    course_id: str | None = None
    js_course_id: str | None = None
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
    configuration = configuration or LMSHandler.configuration()
    seen = normalize_url(url)
    run = CourseRun.objects.for_link(url).select_related("course").first()
    matching = configuration.match(seen)
    if not matching:
        return Verdict(url, seen, run=run, course=run.course if run else None, reason=_no_match(configuration))
    backend, *others = matching
    course_id = backend.extract_from_normalized(seen)
    js_course_id, reason = _extract_by_javascript(backend, seen)
    has_js = bool(backend.config.js_course_regex)
    ids_agree = course_id == js_course_id if has_js else None
    if course_id is None:
        reason = _("The pattern matches, but finds no course id in the URL.")
    elif ids_agree is False and not reason:
        reason = _("The Python pattern and the JavaScript pattern find different course ids.")
    key = backend.get_course_key(course_id or "", {})
    return Verdict(
        url,
        seen,
        backend=backend,
        course_id=course_id,
        js_course_id=js_course_id,
        ids_agree=ids_agree,
        course_key=CourseKey(key.organisation, normalize_code(key.code)) if course_id else None,
        course=run.course if run else Course.objects.get_by_key(key),
        run=run,
        others=tuple(others),
        reason=reason,
    )


def _no_match(configuration: Configuration) -> str | Promise:
    if configuration.backends:
        return _("The pattern of no enabled LMS backend matches this URL.")
    return _("No LMS backend is enabled.")


def _extract_by_javascript(backend: BaseLMSBackend, seen: str) -> tuple[str | None, str | Promise]:
    """Return the id that the JavaScript pattern finds, and why it found none if it could not even search."""
    if not backend.config.js_course_regex:
        return None, ""
    try:
        return compile_javascript_regex(backend.config.js_course_regex).extract_or_refuse(seen), ""
    except InvalidPattern as error:
        return None, error.message
