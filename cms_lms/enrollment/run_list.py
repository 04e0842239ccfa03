"""The course runs of a page: which of them it shows, under which heading, in the order in which learners look.

Knows records, no request and no template.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable
from dataclasses import dataclass, replace

from django.db.models import QuerySet
from django.utils.functional import Promise
from django.utils.translation import pgettext_lazy

from cms_lms.enrollment.panel import EnrollmentPanel, build_panel
from cms_lms.models import Course, CourseRun

#: How many archived runs are in sight; more are a click away.
ARCHIVED_IN_SIGHT = 10


@dataclass(frozen=True)
class PanelGroup:
    """The panels of a course page under one heading; ``key`` is stable, for style sheets.

    ``more`` are those that are out of sight at first. A prominent group is the one run that is open, which needs no
    heading but its own.
    """

    key: str
    heading: str | Promise
    panels: tuple[EnrollmentPanel, ...]
    more: tuple[EnrollmentPanel, ...] = ()
    is_prominent: bool = False


#: Key, heading and the states' priorities, in the order in which learners look.
GROUPS: tuple[tuple[str, Promise, tuple[int, ...]], ...] = (
    ("open", pgettext_lazy("heading of course runs", "Open for enrollment"), (0, 1, 2)),
    ("upcoming", pgettext_lazy("heading of course runs", "Upcoming"), (3, 4)),
    ("ongoing", pgettext_lazy("heading of course runs", "In progress, enrollment closed"), (5,)),
    ("unscheduled", pgettext_lazy("heading of course runs", "To be scheduled"), (7,)),
    ("archived", pgettext_lazy("heading of course runs", "Archived"), (6,)),
)


def group_panels(panels: Iterable[EnrollmentPanel], *, language: str | None = None) -> list[PanelGroup]:
    """Return the panels under their headings, without the empty ones; open runs in the page's language come first."""
    panels = list(panels)
    groups = []
    for key, heading, priorities in GROUPS:
        members = [panel for panel in panels if panel.state.priority in priorities]
        if not members:
            continue
        if key == "archived":
            members.sort(key=_latest_first)
            groups.append(
                PanelGroup(key, heading, tuple(members[:ARCHIVED_IN_SIGHT]), tuple(members[ARCHIVED_IN_SIGHT:]))
            )
        elif key == "open":
            groups.append(_open_group(heading, members, language))
        else:
            groups.append(PanelGroup(key, heading, tuple(sorted(members, key=_earliest_first))))
    return groups


def _open_group(heading: Promise, panels: list[EnrollmentPanel], language: str | None) -> PanelGroup:
    """Return the group of what is open. What is over comes last, although one may still look at it."""
    if len(panels) == 1 and not panels[0].is_compact:
        return PanelGroup("open", heading, (replace(panels[0], is_prominent=True),), is_prominent=True)
    panels.sort(
        key=lambda panel: (not _is_taught_in(panel, language), panel.state.priority == 2, _earliest_first(panel))
    )
    return PanelGroup("open", heading, tuple(panels))


def _is_taught_in(panel: EnrollmentPanel, language: str | None) -> bool:
    """Whether a run is taught in a language, of whatever region."""
    wanted = _base_language(language or "")
    return any(_base_language(code) == wanted for code in panel.language_codes)


def _base_language(code: str) -> str:
    return code.replace("_", "-").partition("-")[0].lower()


def _earliest_first(panel: EnrollmentPanel) -> tuple:
    """By what happens next: the opening of enrollment where that is it, else the start. The id settles ties."""
    moment = panel.state.datetime or (None if panel.is_start_unscheduled else panel.start)
    return (moment.timestamp() if moment else float("inf"), panel.run_id or 0)


def _latest_first(panel: EnrollmentPanel) -> tuple:
    moment = panel.end or panel.start
    return (-moment.timestamp() if moment else float("inf"), panel.run_id or 0)


def course_panels(course: Course | None, *, now: dt.datetime, for_staff: bool = False) -> list[EnrollmentPanel]:
    """Return the panels of a course's visible runs: what the public sees. One query for the runs."""
    if course is None:
        return []
    runs = CourseRun.objects.visible().for_course(course).order_by("pk")
    return [build_panel(run, now=now, for_staff=for_staff) for run in _runs(runs, course)]


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
        panel = build_panel(run, now=now, is_draft=is_draft, for_staff=True)
        if not panel.is_hidden:
            panels.append(panel)
    return panels


def course_panels_with(run: CourseRun, *, now: dt.datetime) -> list[EnrollmentPanel]:
    """As ``course_panels``, with this version of the run in the place of the public one. Never for the public."""
    public = course_panels(run.course, now=now, for_staff=True)
    siblings = [panel for panel in public if run.pk is None or panel.run_id != run.pk]
    return [build_panel(run, now=now, is_draft=True, for_staff=True), *siblings]


def _runs(queryset: QuerySet[CourseRun], course: Course) -> list[CourseRun]:
    """Load the runs, each knowing its course without asking for it."""
    runs = list(queryset)
    for run in runs:
        run.course = course
    return runs
