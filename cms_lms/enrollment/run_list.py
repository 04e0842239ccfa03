"""The course runs of a page: which of them it shows, under which heading, in the order in which learners look.

Knows records, no request and no template.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable
from dataclasses import dataclass

from django.db.models import QuerySet
from django.utils.functional import Promise
from django.utils.translation import pgettext_lazy

from cms_lms.enrollment.panel import EnrollmentPanel, build_panel
from cms_lms.models import Course, CourseRun


@dataclass(frozen=True)
class PanelGroup:
    """The panels of a course page under one heading; ``key`` is stable, for style sheets."""

    key: str
    heading: str | Promise
    panels: tuple[EnrollmentPanel, ...]


#: Key, heading and the states' priorities, in the order in which learners look.
GROUPS: tuple[tuple[str, Promise, tuple[int, ...]], ...] = (
    ("open", pgettext_lazy("heading of course runs", "Open for enrollment"), (0, 1, 2)),
    ("upcoming", pgettext_lazy("heading of course runs", "Upcoming"), (3, 4)),
    ("ongoing", pgettext_lazy("heading of course runs", "In progress, enrollment closed"), (5,)),
    ("unscheduled", pgettext_lazy("heading of course runs", "To be scheduled"), (7,)),
    ("archived", pgettext_lazy("heading of course runs", "Archived"), (6,)),
)


def group_panels(panels: Iterable[EnrollmentPanel]) -> list[PanelGroup]:
    """Return the panels under their headings, without the empty ones."""
    panels = sorted(panels, key=_order)
    groups = []
    for key, heading, priorities in GROUPS:
        members = tuple(panel for panel in panels if panel.state.priority in priorities)
        if members:
            groups.append(PanelGroup(key, heading, members))
    return groups


def _order(panel: EnrollmentPanel) -> tuple:
    """By state, then what starts first; what is over, the latest first. The id settles ties."""
    moment = (panel.end if panel.state.priority == 6 else panel.start) or panel.start
    seconds = moment.timestamp() if moment else float("inf")
    return (panel.state.priority, -seconds if panel.state.priority == 6 else seconds, panel.run_id or 0)


def course_panels(course: Course | None, *, now: dt.datetime) -> list[EnrollmentPanel]:
    """Return the panels of a course's visible runs: what the public sees. One query for the runs."""
    if course is None:
        return []
    runs = CourseRun.objects.visible().for_course(course).order_by("pk")
    return [build_panel(run, now=now) for run in _runs(runs, course)]


def course_draft_panels(course: Course | None, *, now: dt.datetime) -> list[EnrollmentPanel]:
    """Return the panels of a course's runs as staff edit them, drafts marked. Never for the public."""
    if course is None:
        return []
    panels = []
    runs = CourseRun.objects.for_course(course).select_related("latest_revision").order_by("pk")
    for run in _runs(runs, course):
        is_draft = not run.live or run.has_unpublished_changes
        if is_draft and run.latest_revision is not None:
            run = run.with_content_json(run.latest_revision.content)
            if run.course_id != course.pk:
                continue
            run.course = course
        panel = build_panel(run, now=now, is_draft=is_draft)
        if not panel.is_hidden:
            panels.append(panel)
    return panels


def course_panels_with(run: CourseRun, *, now: dt.datetime) -> list[EnrollmentPanel]:
    """Return the public panels of a run's course with this version of the run in the place of its own."""
    siblings = [panel for panel in course_panels(run.course, now=now) if run.pk is None or panel.run_id != run.pk]
    return [build_panel(run, now=now, is_draft=True), *siblings]


def _runs(queryset: QuerySet[CourseRun], course: Course) -> list[CourseRun]:
    """Load the runs, each knowing its course without asking for it."""
    runs = list(queryset)
    for run in runs:
        run.course = course
    return runs
