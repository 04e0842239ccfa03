"""What pages say of a course as a whole: its title, and the state of its runs taken together.

Knows records, no request and no template.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable
from dataclasses import dataclass

from wagtail.models import Page

from cms_lms.models import Course, CourseRun
from cms_lms.models.course import course_page_field, course_page_models
from cms_lms.runs.fields import DATE_FIELDS
from cms_lms.runs.state import State, display_state, next_change


def course_title(course: Course, language: str | None) -> str:
    """Return the title of the course's live page, in the language if there is one; without pages, its own."""
    page = course_page(course, language)
    return course.title if page is None else page.title


def course_page(course: Course, language: str | None, *, for_everybody: bool = False) -> Page | None:
    """Return the course's live page in the language, else any of its live pages, None without one.

    ``for_everybody``: those that only some visitors may see do not count.
    """
    found: Page | None = None
    for model in course_page_models():
        pages = model._default_manager.filter(**{course_page_field(model): course}, live=True).order_by("pk")
        for page in pages.select_related("locale"):
            if for_everybody and page.get_view_restrictions().exists():
                continue
            if page.locale.language_code == language:
                return page
            found = found or page
    return found


@dataclass(frozen=True)
class CourseStates:
    """The state of several courses by their ids, and when the first of their runs changes its own."""

    states: dict[int, State]
    next_change: dt.datetime | None


def course_states(courses: Iterable[Course], *, now: dt.datetime) -> CourseStates:
    """Return the state of each course as learners are told it: the best among its listed runs. One query."""
    nothing = display_state(None, None, None, None, now=now)
    states = {course.pk: nothing for course in courses}
    changes = []
    rows = CourseRun.objects.listed().filter(course__in=states).order_by().values_list("course", *DATE_FIELDS)
    for course_id, *dates in rows:
        state = display_state(*dates, now=now)
        if state.priority < states[course_id].priority:
            states[course_id] = state
        changes.append(next_change(*dates, now=now))
    return CourseStates(states, min((change for change in changes if change is not None), default=None))
