"""Learners who enroll through this site's server: from a run and a user of the site to what the LMS says.

Finds the run's LMS, the learner's name there and the credentials, and lets the backend class ask, within the time that
a learner waits. Passing failures are tried again, permanent ones are told to the site's staff in the log, in which no
learner is ever named. Knows records, and no request.
"""

from __future__ import annotations

import datetime as dt
import logging
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any, TypeVar
from urllib.parse import urlsplit

from django.utils.translation import gettext as _
from django.views.decorators.debug import sensitive_variables

from cms_lms.backends.base import BaseLMSBackend
from cms_lms.backends.enrollment import (
    Capability,
    Enrollment,
    EnrollmentFailed,
    EnrollmentRefused,
    Learner,
    LMSAccess,
    LMSMisconfigured,
    LMSUnavailable,
    Obstacle,
    UnknownLearner,
)
from cms_lms.backends.errors import LMSUnreachable
from cms_lms.backends.http import LMSSession
from cms_lms.backends.learner_matchers import UnknownLearnerMatcher, get_learner_matcher
from cms_lms.conf import settings as lms_settings
from cms_lms.encryption import Secret
from cms_lms.enrollment.identifiers import parse_id
from cms_lms.enrollment.turns import NoTurn, Turn
from cms_lms.matching.handler import LMSHandler
from cms_lms.models import BackendCredential, CourseRun
from cms_lms.models.stored_secret import SecretUnavailable
from cms_lms.patterns.urls import InvalidURL
from cms_lms.runs.fields import Offer
from cms_lms.sync.rate_limit import RateLimit

logger = logging.getLogger("cms_lms")

#: Seconds for all calls of one answer: browsers wait for ten.
TIME_LIMIT = 8.0

#: How often a passing failure is tried in all, and the seconds before the second time, which double.
TRIES = 3
PAUSE = 0.3

#: What is not worth another try after less than this: seconds.
SHORTEST_TRY = 0.5

#: Ways in which a connection fails until somebody mends something.
PERMANENT = ("invalid_request", "insecure", "address_refused", "tls", "moved")

#: What costs money, in the words of an offer: enrolling from here would be for nothing.
PAID_OFFERS = (Offer.PAID, Offer.SUBSCRIPTION)

Answer = TypeVar("Answer")


class NoSuchRun(LookupError):
    """No run with that id is public, or learners do not enroll in it through this site's server."""


@dataclass(frozen=True)
class ServedRun:
    """A public run that learners enroll in through this site's server."""

    run: CourseRun
    backend: BaseLMSBackend
    course_id: str

    @property
    def can_unenroll(self) -> bool:
        """Whether learners may leave from here."""
        return Capability.UNENROLL in self.backend.capabilities


def find_served_run(run_id: str) -> ServedRun:
    """Return the run with that id. Raises ``NoSuchRun``."""
    pk = parse_id(run_id)
    run = None if pk is None else CourseRun.objects.public().select_related("course").filter(pk=pk).first()
    if run is None:
        raise NoSuchRun(run_id)
    backend = LMSHandler.select_lms(run.resource_link)
    if backend is None or not backend.config.is_called_by_server:
        raise NoSuchRun(run_id)
    course_id = backend.extract_course_id(run.resource_link)
    if not course_id or Capability.ENROLL not in backend.capabilities:
        raise NoSuchRun(run_id)
    return ServedRun(run, backend, course_id)


@sensitive_variables()
def read_enrollment(served: ServedRun, user: Any, *, now: dt.datetime) -> Enrollment:
    """Return what the LMS says of a user of the site and a run. ``now`` is aware. Raises ``EnrollmentFailed``."""
    ends_at = time.monotonic() + TIME_LIMIT
    enrollment = _read(served, _find_learner(served, user), ends_at) or Enrollment(is_active=False)
    if enrollment.is_active or enrollment.obstacle is not None:
        return replace(enrollment, payment_url=_web_address(enrollment.payment_url))
    obstacle = obstacle_of(served, now=now)
    return replace(enrollment, obstacle=obstacle, payment_url=_payment_url(served, obstacle))


@sensitive_variables()
def write_enrollment(served: ServedRun, user: Any, *, is_active: bool, now: dt.datetime) -> Enrollment:
    """Enroll a user of the site in a run, or let her leave it. ``now`` is aware. Raises ``EnrollmentFailed``."""
    ends_at = time.monotonic() + TIME_LIMIT
    learner = _find_learner(served, user)
    if not is_active and not served.can_unenroll:
        raise EnrollmentRefused(_("Leave the course on the LMS itself."))
    obstacle = obstacle_of(served, now=now) if is_active else None
    if obstacle is not None:
        # Not every LMS knows of dates and prices. Who is enrolled already stays it.
        known = _read(served, learner, ends_at)
        if known is not None and known.is_active:
            return known
        raise EnrollmentRefused(obstacle=obstacle, payment_url=_payment_url(served, obstacle))

    def write(access: LMSAccess) -> Enrollment:
        return served.backend.set_enrollment(served.course_id, learner, access, is_active=is_active)

    try:
        # Two clicks, two tabs: the second finds what the first has done.
        with Turn(f"{served.backend.config.slug} {served.course_id} {user.pk}", seconds=TIME_LIMIT):
            written = _ask(served, write, ends_at)
    except NoTurn:
        raise LMSUnavailable(retry_after=1) from None
    if is_active and not written.is_active and written.obstacle is not None:
        raise EnrollmentRefused(obstacle=written.obstacle, payment_url=_web_address(written.payment_url))
    if written.is_active != is_active:
        raise _logged(served, LMSMisconfigured(_("The LMS did not change the enrollment, and did not say why.")))
    return written


@sensitive_variables()
def _read(served: ServedRun, learner: Learner, ends_at: float) -> Enrollment | None:
    return _ask(served, lambda access: served.backend.get_enrollment(served.course_id, learner, access), ends_at)


def _payment_url(served: ServedRun, obstacle: Obstacle | None) -> str:
    """Return where to pay: the run's page on the LMS."""
    if obstacle is not Obstacle.PAYMENT:
        return ""
    return _web_address(served.backend.learner_url(served.run.resource_link) or "")


def count_call(user: Any, *, now: dt.datetime) -> int | None:
    """Count a learner's call; return for how many seconds she has to wait if it is one too many, else None."""
    limit = RateLimit("enrollments", lms_settings.ENROLLMENT_RATE, str(user.pk), now)
    if limit.is_reached():
        return max(1, limit.seconds_left)
    limit.count()
    return None


def obstacle_of(served: ServedRun, *, now: dt.datetime) -> Obstacle | None:
    """Return what this site itself knows against an enrollment. ``now`` is aware."""
    run = served.run
    if run.get_state(now).call_to_action is None:
        closes = run.enrollment_end or run.end
        return Obstacle.CLOSED if closes is not None and closes <= now else Obstacle.NOT_OPEN
    return Obstacle.PAYMENT if run.offer in PAID_OFFERS else None


@sensitive_variables()
def _find_learner(served: ServedRun, user: Any) -> Learner:
    try:
        learner = get_learner_matcher(served.backend.config.learner_matcher)(user)
    except UnknownLearnerMatcher:
        raise _logged(served, LMSMisconfigured(_("The way in which learners are found is unknown."))) from None
    except EnrollmentFailed as error:
        raise _logged(served, error) from None
    except Exception as error:  # noqa: BLE001  (a site's own function; what it says may name somebody)
        raise _logged(served, _defect(error)) from None
    if learner is None:
        raise UnknownLearner(_("This site cannot say who the learner is on the LMS."))
    return learner


@sensitive_variables()
def _ask(served: ServedRun, question: Callable[[LMSAccess], Answer], ends_at: float) -> Answer:
    """Return the LMS's answer to a question that may be asked twice; raises ``EnrollmentFailed``, logged.

    ``ends_at``: when the learner has waited long enough, by ``time.monotonic``.
    """
    try:
        return _ask_patiently(served, question, ends_at)
    except EnrollmentFailed as error:
        raise _logged(served, error) from None


@sensitive_variables()
def _ask_patiently(served: ServedRun, question: Callable[[LMSAccess], Answer], ends_at: float) -> Answer:
    try:
        credentials = BackendCredential.objects.for_address(served.backend.record).secrets()
    except (SecretUnavailable, InvalidURL) as error:
        raise LMSMisconfigured(error.message) from None
    with LMSSession(time_limit=ends_at - time.monotonic()) as session:
        for attempt in range(1, TRIES + 1):
            try:
                return question(LMSAccess(session, credentials))
            except LMSUnreachable as error:
                failure = _unreachable(error)
            except LMSUnavailable as error:
                _conceal(error, credentials)
                failure = error
            except EnrollmentFailed as error:
                _conceal(error, credentials)
                raise
            except Exception as error:  # noqa: BLE001  (a site's own class; what it says may name somebody)
                raise _defect(error) from None
            pause = PAUSE * 2 ** (attempt - 1) if failure.retry_after is None else max(failure.retry_after, 0)
            if attempt == TRIES or time.monotonic() + pause + SHORTEST_TRY > ends_at:
                raise failure
            time.sleep(pause)
    raise AssertionError("Every last try returns or raises.")


@sensitive_variables()
def _conceal(error: EnrollmentFailed, credentials: Mapping[str, Secret]) -> None:
    """Leave out of a failure what the LMS was told in confidence: some servers repeat what they got."""

    def conceal(text: str) -> str:
        for secret in filter(None, credentials.values()):
            text = text.replace(secret.reveal(), "…")
        return text

    error.message = conceal(str(error.message))
    if isinstance(error, EnrollmentRefused):
        error.reason, error.payment_url = conceal(error.reason), conceal(error.payment_url)


def _unreachable(error: LMSUnreachable) -> LMSUnavailable:
    """Return a failed connection as a passing failure; raises a permanent one. Its words may be a path with a name."""
    if error.code in PERMANENT:
        raise LMSMisconfigured(_("The LMS cannot be called (%(code)s).") % {"code": error.code}) from None
    return LMSUnavailable(_("The LMS cannot be reached (%(code)s).") % {"code": error.code})


def _defect(error: Exception) -> LMSMisconfigured:
    """Return an error that nobody foresaw, by its kind and its place alone."""
    place = error.__traceback__
    while place is not None and place.tb_next is not None:
        place = place.tb_next
    where = f"{place.tb_frame.f_code.co_filename}:{place.tb_lineno}" if place else "?"
    return LMSMisconfigured(
        _("A defect of the site: %(kind)s in %(place)s.") % {"kind": type(error).__name__, "place": where}
    )


def _logged(served: ServedRun, error: EnrollmentFailed) -> EnrollmentFailed:
    """Note a failure for the site's staff, and return it. What the LMS said to a learner is hers alone."""
    level = {LMSMisconfigured.code: logging.ERROR, LMSUnavailable.code: logging.WARNING}.get(error.code, logging.INFO)
    words = "" if isinstance(error, EnrollmentRefused) else f": {error}"
    logger.log(
        level, "LMS backend %s, course run %s: %s%s", served.backend.config.slug, served.run.pk, error.code, words
    )
    if isinstance(error, EnrollmentRefused):
        error.payment_url = _web_address(error.payment_url)
    return error


def _web_address(url: str) -> str:
    """Return a link that a page may show, blank for what is no address of the web."""
    try:
        parts = urlsplit(url)
    except ValueError:
        return ""
    return url if parts.scheme in ("http", "https") and parts.netloc else ""
