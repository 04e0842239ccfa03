"""The page on which learners without JavaScript enroll through this site's server, and leave again.

Says in one page of plain forms what the panel says. A wish to enroll waits in the session while its learner logs in,
for a quarter of an hour and for one question. Views hold no rule: those are in ``enrolling``.
"""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from typing import Any

from django.contrib.auth.decorators import login_not_required
from django.db import transaction
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.utils import timezone, translation
from django.utils.decorators import method_decorator
from django.utils.html import format_html
from django.utils.translation import get_language
from django.views import View
from django.views.decorators.csrf import csrf_protect

from cms_lms.backends.enrollment import (
    Enrollment,
    EnrollmentFailed,
    EnrollmentRefused,
    LMSUnavailable,
    Obstacle,
    UnknownLearner,
)
from cms_lms.enrollment.courses import course_page, course_title
from cms_lms.enrollment.enrolling import (
    NoSuchRun,
    ServedRun,
    count_call,
    find_served_run,
    obstacle_of,
    read_enrollment,
    write_enrollment,
)
from cms_lms.enrollment.headers import secure_course_page
from cms_lms.enrollment.panel import build_panel
from cms_lms.enrollment.site_access import chosen_language, login_address, page_address, register_url
from cms_lms.error_reports import conceal_values

#: Where the session keeps which run somebody wants to enroll in, and until when that is worth a question.
WISH = "cms_lms_enrollment_wish"
WISH_SECONDS = 15 * 60

#: What is shown for each obstacle; the panel's names.
STEPS = {
    Obstacle.NOT_OPEN: "closed",
    Obstacle.CLOSED: "closed",
    Obstacle.INVITATION_ONLY: "invitation-only",
    Obstacle.FULL: "full",
    Obstacle.PAYMENT: "payment",
}


@dataclass(frozen=True)
class Step:
    """What the page says: the panel's name of it, and what belongs to it. ``retry_after`` is in seconds."""

    name: str
    obstacle: str = ""
    reason: str = ""
    payment_url: str = ""
    retry_after: int | None = None
    wanted_to: str = ""

    @property
    def quoted_reason(self) -> str:
        """The LMS's own words, marked as such, in whatever direction they run."""
        return format_html('<q dir="auto">{}</q>', self.reason)

    @classmethod
    def of(cls, enrollment: Enrollment) -> Step:
        """Return the step of who is logged in."""
        if enrollment.is_active:
            return cls("enrolled")
        return cls.of_obstacle(enrollment.obstacle, enrollment.payment_url) if enrollment.obstacle else cls("idle")

    @classmethod
    def of_obstacle(cls, obstacle: Obstacle, payment_url: str = "") -> Step:
        """Return the step of somebody who may not enroll."""
        return cls(STEPS[obstacle], obstacle=obstacle.value, payment_url=payment_url)

    @classmethod
    def of_failure(cls, error: EnrollmentFailed, wanted_to: str) -> Step:
        """Return the step of what went wrong with what was wanted: ``read``, ``enroll`` or ``leave``."""
        if isinstance(error, EnrollmentRefused) and error.obstacle is not None:
            return cls.of_obstacle(error.obstacle, error.payment_url)
        if isinstance(error, EnrollmentRefused):
            return cls("refused", reason=error.reason, wanted_to=wanted_to)
        if isinstance(error, UnknownLearner):
            return cls("unknown-learner", wanted_to=wanted_to)
        if isinstance(error, LMSUnavailable):
            seconds = None if error.retry_after is None else max(1, round(error.retry_after))
            return cls("unavailable", retry_after=seconds, wanted_to=wanted_to)
        return cls("misconfigured", wanted_to=wanted_to)


@method_decorator([login_not_required, transaction.non_atomic_requests, csrf_protect], name="dispatch")
class EnrollmentPageView(View):
    """One run, one learner, and what she can do next."""

    http_method_names = ["get", "post", "head"]

    def setup(self, request: HttpRequest, *args: Any, **kwargs: Any) -> None:
        """Let no report of an error tell who called."""
        super().setup(request, *args, **kwargs)
        conceal_values(request)

    def dispatch(self, request: HttpRequest, *args: Any, **kwargs: Any) -> Any:
        """Answer in the language of the page that the learner came from."""
        with translation.override(chosen_language(request)):
            return super().dispatch(request, *args, **kwargs)

    def get(self, request: HttpRequest, run_id: str) -> HttpResponse:
        """Show the step."""
        served, now = self.find(run_id), timezone.now()
        step = self.read(request, served, now=now)
        if step.name == "enrolled" and "leave" in request.GET and served.can_unenroll:
            step = Step("leaving")
        if request.user.is_authenticated and take_wish(request, served, now=now) and step.name == "idle":
            step = Step("confirming")
        return self.show(request, served, step, now=now)

    def post(self, request: HttpRequest, run_id: str) -> HttpResponse:
        """Enroll or leave, or log in to do so; what went well is shown by the page itself."""
        served, now = self.find(run_id), timezone.now()
        wants_to_leave = request.POST.get("action") == "leave"
        if not request.user.is_authenticated:
            if not wants_to_leave:
                make_wish(request, served, now=now)
            return HttpResponseRedirect(login_address(page_address(served.run.pk)))
        take_wish(request, served, now=now)
        step = self.write(request, served, is_active=not wants_to_leave, now=now)
        return self.show(request, served, step, now=now) if step else HttpResponseRedirect(page_address(served.run.pk))

    @staticmethod
    def find(run_id: str) -> ServedRun:
        """Return the run. Raises ``Http404``."""
        try:
            return find_served_run(run_id)
        except NoSuchRun:
            raise Http404 from None

    @staticmethod
    def read(request: HttpRequest, served: ServedRun, *, now: dt.datetime) -> Step:
        """Return where the visitor stands."""
        if not request.user.is_authenticated:
            obstacle = obstacle_of(served, now=now)
            return Step.of_obstacle(obstacle) if obstacle else Step("anonymous")
        seconds = count_call(request.user, now=now)
        if seconds:
            return Step("unavailable", retry_after=seconds, wanted_to="read")
        try:
            return Step.of(read_enrollment(served, request.user, now=now))
        except EnrollmentFailed as error:
            return Step.of_failure(error, "read")

    @staticmethod
    def write(request: HttpRequest, served: ServedRun, *, is_active: bool, now: dt.datetime) -> Step | None:
        """Do it, and return None; else the step of what went wrong."""
        wanted_to = "enroll" if is_active else "leave"
        seconds = count_call(request.user, now=now)
        if seconds:
            return Step("unavailable", retry_after=seconds, wanted_to=wanted_to)
        try:
            write_enrollment(served, request.user, is_active=is_active, now=now)
        except EnrollmentFailed as error:
            return Step.of_failure(error, wanted_to)
        return None

    @staticmethod
    def show(request: HttpRequest, served: ServedRun, step: Step, *, now: dt.datetime) -> HttpResponse:
        """Return the page, under the headers of a course page."""
        course = served.run.course
        page = course_page(course, get_language())
        context = {
            "step": step,
            "title": course_title(course, get_language()),
            "panel": build_panel(served.run, now=now),
            "page_url": page_address(served.run.pk),
            "can_unenroll": served.can_unenroll,
            "is_known": request.user.is_authenticated,
            "course_page_url": page.get_url(request) if page else None,
            "login_address": login_address(page_address(served.run.pk)),
            "register_url": register_url(),
        }
        response = render(request, "cms_lms/enrollment/server_page.html", context)
        response["Cache-Control"] = "private, no-store"
        response = secure_course_page(request, response)
        if not request.user.is_authenticated:
            # The form's answer redirects to wherever people log in, and browsers hold that to be where it goes.
            policy = response.headers["Content-Security-Policy"]
            response["Content-Security-Policy"] = policy.replace("form-action 'self'", "form-action 'self' https:")
        return response


def make_wish(request: HttpRequest, served: ServedRun, *, now: dt.datetime) -> None:
    """Remember in the session that somebody wants to enroll in a run, once she has logged in."""
    request.session[WISH] = {"run": served.run.pk, "until": now.timestamp() + WISH_SECONDS}


def take_wish(request: HttpRequest, served: ServedRun, *, now: dt.datetime) -> bool:
    """Return whether the session holds a fresh wish for the run; it holds none any more."""
    wish = request.session.get(WISH)
    if wish is None:
        return False
    del request.session[WISH]
    return (
        isinstance(wish, dict)
        and wish.get("run") == served.run.pk
        and isinstance(wish.get("until"), (int, float))
        and now.timestamp() < wish["until"]
    )
