"""The addresses of the files for calendars, for pages.

Knows records and the project's addresses; a project that serves none of ours has no links.
"""

from __future__ import annotations

import datetime as dt
from typing import Any

from django.urls import NoReverseMatch, reverse
from django.utils.http import urlencode
from django.utils.translation import get_language

from cms_lms.enrollment.calendar_file import has_dates_ahead
from cms_lms.models import Course, CourseRun


def run_calendar_url(run: CourseRun, *, now: dt.datetime) -> str:
    """Return the address of a run's file in the language that is active; blank where nothing of it is ahead."""
    if run.pk is None or not has_dates_ahead(run.start, run.end, run.enrollment_end, now=now):
        return ""
    return _address("course_run_calendar", run_id=run.pk)


def course_calendar_url(course: Course) -> str:
    """Return the address of the file of all runs of a course that have dates ahead."""
    return _address("course_calendar", course_id=course.pk)


def _address(name: str, **ids: Any) -> str:
    try:
        path = reverse(f"cms_lms:{name}", kwargs=ids)
    except NoReverseMatch:
        return ""
    return f"{path}?{urlencode({'language': get_language() or ''})}"
