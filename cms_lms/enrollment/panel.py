"""From a course run and a moment to its enrollment panel: plain values, so that no template can cause a query.

Knows records and the handler, no request and no template. Which panels a page shows, and in which order, is run_list's.
"""

from __future__ import annotations

import datetime as dt
import logging
from dataclasses import dataclass, replace
from urllib.parse import urlsplit

from django.templatetags.static import static
from django.utils import timezone
from django.utils.translation import gettext

from cms_lms.backends.base import BaseLMSBackend
from cms_lms.backends.registry import UnknownBackend, get_js_module
from cms_lms.conf import settings as lms_settings
from cms_lms.matching.handler import LMSHandler
from cms_lms.models import CourseRun
from cms_lms.patterns.urls import InvalidURL, normalize_url
from cms_lms.runs.fields import CatalogVisibility, DisplayMode
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
