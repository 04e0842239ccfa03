"""The gallery: every state of the enrollment panel on one page, played without any LMS.

For designers, translators and testers. Runs that are never saved, in each stage of their dates, as learners in each
state see them.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from dataclasses import replace
from decimal import Decimal
from typing import NamedTuple

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils import timezone
from django.utils.translation import gettext as _

from cms_lms.enrollment.headers import secure_course_page
from cms_lms.enrollment.panel import EnrollmentPanel, build_panel
from cms_lms.enrollment.run_list import PanelGroup, group_panels
from cms_lms.enrollment.see_as import play
from cms_lms.models import Course, CourseRun
from cms_lms.runs.fields import CertificateOffer, DisplayMode, Offer

LMS_NAME = "Campus"
LMS_URL = "https://lms.example.com"

#: Stages of a run: start, end, enrollment's start and end, in days from now.
OPEN = (-20, 100, -60, 12)
STARTS_SOON = (12, 120, -10, 5)
OVER_BUT_OPEN = (-200, -10, -250, 30)
NOT_OPEN_YET = (60, 150, 12, 50)
CLOSED_UNDER_WAY = (-20, 100, -60, -5)
CLOSED_BEFORE_START = (12, 120, -60, -2)
ARCHIVED = (-200, -10, -250, -190)
UNSCHEDULED = (None, None, None, None)

#: In German, as an LMS says it whatever the language of the page.
LONG_REASON = (
    "Ihre Zulassung zum Donaudampfschifffahrtsgesellschaftskapitänspatent-Vorbereitungskurs konnte nicht bestätigt "
    "werden, weil die Bescheinigung Ihrer Hochschule noch nicht eingegangen ist. Wenden Sie sich bitte an das "
    "Studierendensekretariat, bevor Sie es erneut versuchen."
)
LONG_TITLE = "Grundlagen der Rechtsschutzversicherungsgesellschaften und Lebensmittelkennzeichnungsverordnungen"


class Specimen(NamedTuple):
    """A panel in a state, and which: `step` is where it must arrive."""

    step: str
    note: str
    panel: EnrollmentPanel


class Room(NamedTuple):
    """Specimens under a heading."""

    heading: str
    specimens: list[Specimen]


def make_panel(now: dt.datetime, days: tuple[int | None, ...], number: int, **fields: object) -> EnrollmentPanel:
    """Return the panel of a run that is nowhere, in a stage of its dates."""
    dates = [None if day is None else now + dt.timedelta(days=day) for day in days]
    run = CourseRun(
        course=Course(code="DEMO", title=_("Course run")),
        **dict(zip(("start", "end", "enrollment_start", "enrollment_end"), dates, strict=True)),
        **fields,
    )
    panel = build_panel(run, now=now)
    return replace(
        panel,
        run_id=number,
        title=run.title or _("Course run"),
        lms_name=LMS_NAME,
        learner_url=f"{LMS_URL}/courses/course-v1:edX+DemoX+{number}/info",
        course_id=f"course-v1:edX+DemoX+{number}",
    )


def specimens(now: dt.datetime, states: list[tuple], first: int) -> Iterator[Specimen]:
    """Yield the panels of (step, what is played, stage, note, the LMS's words)."""
    for number, (step, see_as, days, note, *reason) in enumerate(states, start=first):
        panel = make_panel(now, days, number)
        yield Specimen(step, note, play(panel, see_as, *reason))


def rooms(now: dt.datetime) -> list[Room]:
    """Return every state, in the order in which a learner may come by."""
    said = _("Your account has not been activated yet. Follow the link in the message that we sent you.")
    before = [
        ("loading", "loading", OPEN, ""),
        ("anonymous", "anonymous", OPEN, "open-for-enrollment"),
        ("anonymous", "anonymous", STARTS_SOON, "starting-on"),
        ("anonymous", "anonymous", OVER_BUT_OPEN, "closing-on"),
        ("expired", "expired", OPEN, ""),
        ("idle", "idle", OPEN, "open-for-enrollment"),
        ("confirming", "confirming", OPEN, ""),
        ("enrolling", "enrolling", OPEN, ""),
    ]
    enrolled = [
        ("enrolled", "enrolled", OPEN, "started"),
        ("enrolled", "enrolled", STARTS_SOON, "not-started"),
        ("enrolled", "enrolled", ARCHIVED, "ended"),
        ("leaving", "leaving", OPEN, "open"),
        ("leaving", "leaving", CLOSED_UNDER_WAY, "not-open"),
        ("unenrolling", "unenrolling", OPEN, ""),
        ("idle", "left", OPEN, "left"),
    ]
    impossible = [
        ("closed", "anonymous", NOT_OPEN_YET, "opens"),
        ("closed", "anonymous", CLOSED_UNDER_WAY, "on-going"),
        ("closed", "idle", CLOSED_BEFORE_START, "enrollment-closed"),
        ("closed", "anonymous", ARCHIVED, "archived"),
        ("closed", "anonymous", UNSCHEDULED, "to-be-scheduled"),
        ("closed", "closed", OPEN, "obstacle-closed"),
        ("closed", "not-open", OPEN, "obstacle-not-open"),
        ("invitation-only", "invitation-only", OPEN, ""),
        ("full", "full", OPEN, ""),
        ("payment", "payment", OPEN, ""),
    ]
    trouble = [
        ("refused", "refused", OPEN, "reason", said),
        ("refused", "refused", OPEN, "no-reason"),
        ("refused", "refused", OPEN, "reason", LONG_REASON),
        ("refused", "not-left", OPEN, "retry-leave", said),
        ("unavailable", "unavailable", OPEN, "retry-after"),
        ("misconfigured", "misconfigured", OPEN, ""),
    ]
    return [
        Room(_("Before the enrollment"), list(specimens(now, before, 100))),
        Room(_("Enrolled"), list(specimens(now, enrolled, 200))),
        Room(_("When it is not possible"), list(specimens(now, impossible, 300))),
        Room(_("When something goes wrong"), list(specimens(now, trouble, 400))),
    ]


def run_lists(now: dt.datetime) -> list[list[PanelGroup]]:
    """Return a list with one open run, and one with everything that a list may hold."""
    facts = {
        "languages": ["en", "fr"],
        "offer": Offer.PARTIALLY_FREE,
        "price": Decimal("149.00"),
        "discounted_price": Decimal("99.00"),
        "price_currency": "EUR",
        "certificate_offer": CertificateOffer.PAID,
        "certificate_price": Decimal("49.00"),
        "enrollment_count": 12_345,
    }
    alone = play(make_panel(now, OPEN, 500, **facts), "anonymous")
    compact = {"display_mode": DisplayMode.COMPACT}
    many = [
        play(make_panel(now, OPEN, 501, **facts), "enrolled"),
        play(make_panel(now, OPEN, 502, title=LONG_TITLE, languages=["de"]), "refused", LONG_REASON),
        play(make_panel(now, STARTS_SOON, 503, **compact), "idle"),
        play(make_panel(now, STARTS_SOON, 504, title=LONG_TITLE, **compact), "anonymous"),
        replace(play(make_panel(now, NOT_OPEN_YET, 505, **facts), "anonymous"), is_draft=True),
        replace(play(make_panel(now, UNSCHEDULED, 506, languages=["en"]), "anonymous"), is_hidden=True),
        # A backend without JS backend, one whose runs have no page for learners, and no backend at all.
        make_panel(now, CLOSED_UNDER_WAY, 507, languages=["en"]),
        replace(make_panel(now, CLOSED_UNDER_WAY, 508, languages=["en"]), learner_url=None),
        replace(make_panel(now, CLOSED_UNDER_WAY, 509, languages=["en"]), learner_url=None, lms_name=""),
        *(play(make_panel(now, ARCHIVED, 600 + number, **compact), "anonymous") for number in range(12)),
    ]
    return [group_panels([alone]), group_panels(many)]


def gallery(request: HttpRequest) -> HttpResponse:
    """Show every state, under the headers of a course page."""
    now = timezone.now()
    context = {"rooms": rooms(now), "run_lists": run_lists(now)}
    return secure_course_page(request, render(request, "cms_lms/site/gallery.html", context))
