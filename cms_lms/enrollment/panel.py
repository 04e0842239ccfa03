"""From course runs and a moment to what a course page shows: one panel a run, grouped by state.

Knows records and the handler, no request and no template. Templates get plain values, so none of them can
cause a query.
"""

from __future__ import annotations

import datetime as dt
import logging
from collections.abc import Iterable
from dataclasses import dataclass, replace
from urllib.parse import urlsplit

from django.db.models import QuerySet
from django.templatetags.static import static
from django.utils import timezone
from django.utils.functional import Promise
from django.utils.translation import gettext, pgettext_lazy

from cms_lms.backends.base import BaseLMSBackend
from cms_lms.backends.registry import UnknownBackend, get_js_module
from cms_lms.conf import settings as lms_settings
from cms_lms.matching.handler import LMSHandler
from cms_lms.models import Course, CourseRun
from cms_lms.models.course import course_page_field, course_page_models
from cms_lms.patterns.urls import InvalidURL, normalize_url
from cms_lms.runs.fields import DATE_FIELDS, CatalogVisibility, DisplayMode
from cms_lms.runs.state import NEVER_YEAR, State, compute_state, next_change

logger = logging.getLogger("cms_lms")


@dataclass(frozen=True)
class Period:
    """A stretch of time as readers see it, in the current time zone; None where it has no such end."""

    start: dt.datetime | None
    end: dt.datetime | None

    def __bool__(self) -> bool:
        return self.start is not None or self.end is not None


@dataclass(frozen=True)
class EnrollmentPanel:
    """One run as its course page shows it.

    ``state`` holds from ``now`` until ``next_change``. ``learner_url`` is None where the LMS has no page for
    learners. ``module_url`` is blank where the browser cannot speak to the LMS: the panel is then a plain
    link. The dates are the run's, aware or None.
    """

    run_id: int | None
    title: str
    now: dt.datetime
    state: State
    start: dt.datetime | None
    end: dt.datetime | None
    enrollment_start: dt.datetime | None
    enrollment_end: dt.datetime | None
    next_change: dt.datetime | None
    languages: tuple[str, ...] = ()
    is_compact: bool = False
    is_draft: bool = False
    is_hidden: bool = False
    learner_url: str | None = None
    lms_name: str = ""
    base_url: str = ""
    js_backend: str = ""
    module_url: str = ""
    course_id: str = ""

    @property
    def is_interactive(self) -> bool:
        """Whether a learner enrolls on this page; else she follows the link."""
        return bool(self.module_url)

    @property
    def enrollment_period(self) -> Period:
        """When learners may enroll, for display."""
        return Period(_local(self.enrollment_start), _local(self.enrollment_end))

    @property
    def course_period(self) -> Period:
        """When the course takes place, for display."""
        return Period(_local(self.start), _local(self.end))

    @property
    def lms_origin(self) -> str:
        """The origin that the panel's module calls, blank where it calls none."""
        return url_origin(self.base_url) if self.is_interactive else ""


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


def _local(date: dt.datetime | None) -> dt.datetime | None:
    """Return a date in the reader's time zone, None for never and for what has no date there."""
    if date is None or date.year >= NEVER_YEAR:
        return None
    try:
        return timezone.localtime(date)
    except OverflowError:  # the first hours of year 1, west of Greenwich
        return None


def url_origin(url: str) -> str:
    """Return scheme, host and port of a URL, blank for a relative one."""
    parts = urlsplit(url)
    return f"{parts.scheme}://{parts.netloc}" if parts.scheme and parts.netloc else ""


def build_panel(run: CourseRun, *, now: dt.datetime, is_draft: bool = False) -> EnrollmentPanel:
    """Return the panel of one run at ``now`` (aware)."""
    dates = (run.start, run.end, run.enrollment_start, run.enrollment_end)
    labels = dict(lms_settings.COURSE_LANGUAGES)
    panel = EnrollmentPanel(
        run_id=run.pk,
        title=run.display_title,
        now=now,
        state=compute_state(*dates, now=now),
        start=run.start,
        end=run.end,
        enrollment_start=run.enrollment_start,
        enrollment_end=run.enrollment_end,
        next_change=next_change(*dates, now=now),
        languages=tuple(gettext(labels[code]) if code in labels else str(code) for code in run.languages),
        is_compact=run.display_mode == DisplayMode.COMPACT,
        is_draft=is_draft,
        is_hidden=run.catalog_visibility == CatalogVisibility.HIDDEN,
    )
    return _bind(panel, run.resource_link)


def _bind(panel: EnrollmentPanel, resource_link: str) -> EnrollmentPanel:
    """Add what the LMS of a link says; a draft's link may be anything, and then leads nowhere."""
    try:
        normalize_url(resource_link)
    except InvalidURL:
        return panel
    backend = LMSHandler.select_lms(resource_link)
    if backend is None:
        return replace(panel, learner_url=resource_link)
    course_id = backend.extract_course_id(resource_link) or ""
    return replace(
        panel,
        learner_url=backend.learner_url(resource_link),
        lms_name=backend.config.name,
        base_url=backend.config.base_url,
        js_backend=backend.config.js_backend,
        course_id=course_id,
        module_url=_module_url(backend) if course_id else "",
    )


def _module_url(backend: BaseLMSBackend) -> str:
    if not backend.config.js_backend:
        return ""
    try:
        return static(get_js_module(backend.config.js_backend))
    except UnknownBackend:
        logger.error("LMS backend %s: its JS backend %s is unknown.", backend.config.slug, backend.config.js_backend)
        return ""


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


def course_title(course: Course, language: str | None) -> str:
    """Return the title of the course's live page, in the language if there is one; without pages, its own."""
    titles: dict[str, str] = {}
    for model in course_page_models():
        pages = model._default_manager.filter(**{course_page_field(model): course}, live=True).order_by("-pk")
        titles.update(pages.values_list("locale__language_code", "title"))
    return titles.get(language or "") or next(iter(titles.values()), course.title)


@dataclass(frozen=True)
class CourseStates:
    """The state of several courses by their ids, and when the first of their runs changes its own."""

    states: dict[int, State]
    next_change: dt.datetime | None


def course_states(courses: Iterable[Course], *, now: dt.datetime) -> CourseStates:
    """Return the state of each course: the best among its visible runs. One query."""
    nothing = compute_state(None, None, None, None, now=now)
    states = {course.pk: nothing for course in courses}
    changes = []
    rows = CourseRun.objects.visible().filter(course__in=states).order_by().values_list("course", *DATE_FIELDS)
    for course_id, *dates in rows:
        state = compute_state(*dates, now=now)
        if state.priority < states[course_id].priority:
            states[course_id] = state
        changes.append(next_change(*dates, now=now))
    return CourseStates(states, min((change for change in changes if change is not None), default=None))
