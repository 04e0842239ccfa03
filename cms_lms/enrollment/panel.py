"""From a course run and a moment to its enrollment panel: plain values, so that no template can cause a query.

Knows records and the handler, no request and no template. Which panels a page shows, and in which order, is run_list's.
"""

from __future__ import annotations

import datetime as dt
import logging
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any
from urllib.parse import urlsplit

from django.templatetags.static import static
from django.utils.formats import date_format
from django.utils.translation import gettext

from cms_lms.backends.base import BaseLMSBackend
from cms_lms.backends.registry import UnknownBackend, get_js_module
from cms_lms.enrollment.calendar_links import run_calendar_url
from cms_lms.enrollment.facts import (
    Period,
    Price,
    announced_date,
    count_learners,
    local_date,
    make_price,
    name_languages,
)
from cms_lms.enrollment.problems import PanelProblem, find_problem
from cms_lms.enrollment.site_access import SiteAccess
from cms_lms.matching.handler import LMSHandler
from cms_lms.models import CourseRun
from cms_lms.patterns.urls import InvalidURL, normalize_url
from cms_lms.runs.fields import CatalogVisibility, DisplayMode
from cms_lms.runs.state import State, display_state, is_unscheduled, next_change

logger = logging.getLogger("cms_lms")


@dataclass(frozen=True)
class EnrollmentPanel:
    """One run as its course page shows it.

    ``state`` is what learners are told, and holds from ``now`` until ``next_change``. ``learner_url`` is None where the
    LMS has no page for learners. ``module_url`` is blank where the browser cannot speak to the LMS: the panel is then a
    plain link. ``login_base_url`` is the address of the LMS through which learners log in, blank for its own. The dates
    are the run's, aware or None. ``calendar_url`` is blank where nothing is ahead. ``problem`` is for staff: None on
    public pages. ``site`` is for runs in which learners enroll through this site's server.
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
    language_codes: tuple[str, ...] = ()
    languages: tuple[str, ...] = ()
    price: Price | None = None
    certificate: Price | None = None
    learner_count: str = ""
    calendar_url: str = ""
    has_own_title: bool = False
    is_compact: bool = False
    is_prominent: bool = False
    is_draft: bool = False
    is_hidden: bool = False
    is_for_staff: bool = False
    learner_url: str | None = None
    lms_name: str = ""
    base_url: str = ""
    js_backend: str = ""
    module_url: str = ""
    see_as: str = ""
    see_as_reason: str = ""
    course_id: str = ""
    login_base_url: str = ""
    problem: PanelProblem | None = None
    site: SiteAccess | None = None

    @property
    def is_interactive(self) -> bool:
        """Whether a learner enrolls on this page; else she follows the link."""
        return bool(self.module_url)

    @cached_property
    def name(self) -> str:
        """The run by a name that tells it from the others of its course, for screen readers."""
        start = announced_date(self.start)
        if self.has_own_title or start is None:
            return self.title
        return gettext("%(title)s, from %(date)s") % {"title": self.title, "date": date_format(start)}

    @cached_property
    def enrollment_period(self) -> Period:
        """When learners may enroll, for display."""
        return Period(announced_date(self.enrollment_start), local_date(self.enrollment_end))

    @cached_property
    def course_period(self) -> Period:
        """When the course takes place, for display."""
        return Period(announced_date(self.start), local_date(self.end))

    @property
    def is_archived(self) -> bool:
        """Whether it is over for good: nobody asks any more when one could enroll."""
        return self.state.priority == 6

    @property
    def is_start_unscheduled(self) -> bool:
        """Whether the start is still to be announced."""
        return is_unscheduled(self.start)

    @property
    def lms_origins(self) -> frozenset[str]:
        """The origins that the panel's module calls."""
        is_called = self.is_interactive and self.site is None
        return (
            frozenset(filter(None, map(url_origin, (self.base_url, self.login_base_url)))) if is_called else frozenset()
        )


def url_origin(url: str) -> str:
    """Return scheme, host and port of a URL, blank for a relative one."""
    parts = urlsplit(url)
    return f"{parts.scheme}://{parts.netloc}" if parts.scheme and parts.netloc else ""


def build_panel(
    run: CourseRun, *, now: dt.datetime, is_draft: bool = False, for_staff: bool = False
) -> EnrollmentPanel:
    """Return the panel of one run at ``now`` (aware); for staff with what keeps it from working."""
    dates = (run.start, run.end, run.enrollment_start, run.enrollment_end)
    is_compact = run.display_mode == DisplayMode.COMPACT
    panel = EnrollmentPanel(
        run_id=run.pk,
        title=run.display_title,
        now=now,
        state=display_state(*dates, now=now),
        start=run.start,
        end=run.end,
        enrollment_start=run.enrollment_start,
        enrollment_end=run.enrollment_end,
        next_change=next_change(*dates, now=now),
        language_codes=tuple(map(str, run.languages)),
        has_own_title=bool(run.title),
        is_compact=is_compact,
        is_draft=is_draft,
        is_hidden=run.catalog_visibility == CatalogVisibility.HIDDEN,
        is_for_staff=for_staff,
        problem=find_problem(run.resource_link) if for_staff else None,
        calendar_url="" if is_draft or is_compact else run_calendar_url(run, now=now),
        **({} if is_compact else _facts(run)),
    )
    return _bind(panel, run.resource_link)


def _facts(run: CourseRun) -> dict[str, Any]:
    """Return what a detailed run tells of itself, in the language that is active."""
    return {
        "languages": name_languages(run.languages),
        "price": make_price(run.offer, run.price, run.discounted_price, run.discount, run.price_currency),
        "certificate": make_price(
            run.certificate_offer,
            run.certificate_price,
            run.certificate_discounted_price,
            run.certificate_discount,
            run.price_currency,
        ),
        "learner_count": count_learners(run.enrollment_count),
    }


def _bind(panel: EnrollmentPanel, resource_link: str) -> EnrollmentPanel:
    """Add what the LMS of a link says; a draft's link may be anything, and then leads nowhere."""
    try:
        normalized_url = normalize_url(resource_link)
    except InvalidURL:
        return panel
    backend = LMSHandler.configuration().select(normalized_url)
    if backend is None:
        return replace(panel, learner_url=resource_link)
    course_id = backend.extract_from_normalized(normalized_url) or ""
    return replace(
        panel,
        learner_url=backend.learner_url(resource_link),
        lms_name=backend.config.name,
        base_url=backend.config.base_url,
        js_backend=backend.config.js_backend,
        course_id=course_id,
        module_url=module_url(backend) if backend.can_enroll(course_id) else "",
        login_base_url=_login_base_url(backend),
        site=SiteAccess.of(backend, panel.run_id) if course_id else None,
    )


def _login_base_url(backend: BaseLMSBackend) -> str:
    """Return where learners log in, if that is another LMS: the panel says where there is none."""
    login = LMSHandler.find(backend.config.login_backend) if backend.config.login_backend else None
    return login.config.base_url if login else ""


def module_url(backend: BaseLMSBackend) -> str:
    """Return the address of the module that speaks to an LMS from the browser, blank where there is none."""
    if not backend.config.js_backend:
        return ""
    try:
        return static(get_js_module(backend.config.js_backend))
    except UnknownBackend:
        logger.error("LMS backend %s: its JS backend %s is unknown.", backend.config.slug, backend.config.js_backend)
        return ""
