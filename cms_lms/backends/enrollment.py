"""What a backend class is asked of one learner and one course run from this site's server, and how it answers.

For LMSs that browsers cannot call: ``BaseLMSBackend.get_enrollment`` and ``set_enrollment``. Plain values; knows no
record, no request and no user of the site.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from django.utils.functional import Promise

from cms_lms.backends.http import LMSSession
from cms_lms.encryption import Secret


class LearnerField(StrEnum):
    """By which of its own columns an LMS finds a learner."""

    USERNAME = "username"
    ID_NUMBER = "id_number"
    EMAIL = "email"


@dataclass(frozen=True)
class Learner:
    """Whom the LMS is asked about. The value is personal: no representation and no log shows it."""

    by: LearnerField
    value: str = field(repr=False)


class Obstacle(StrEnum):
    """Why a learner may not enroll; the words of ``static/cms_lms/js/types.d.ts``."""

    NOT_OPEN = "not-open"
    CLOSED = "closed"
    INVITATION_ONLY = "invitation-only"
    FULL = "full"
    PAYMENT = "payment"


class Capability(StrEnum):
    """What a backend class can do for learners from the server."""

    ENROLL = "enroll"
    UNENROLL = "unenroll"


@dataclass(frozen=True)
class Enrollment:
    """What an LMS says of a learner and a run. An ``obstacle`` matters only while ``is_active`` is false."""

    is_active: bool
    obstacle: Obstacle | None = None
    payment_url: str = ""


@dataclass(frozen=True)
class LMSAccess:
    """The way to the LMS for one answer: the session that may call it, and the backend's credentials by name."""

    http: LMSSession
    credentials: Mapping[str, Secret] = field(default_factory=dict, repr=False)


class EnrollmentFailed(Exception):
    """There is no enrollment to tell of. ``message`` is for a human of the site's staff, never personal."""

    code = "failed"

    def __init__(self, message: str | Promise = "") -> None:
        super().__init__(message)
        self.message = message

    def __str__(self) -> str:
        return str(self.message)


class EnrollmentRefused(EnrollmentFailed):
    """The LMS understood and said no: for an ``obstacle`` that is known, else for a ``reason``, its own words."""

    code = "refused"

    def __init__(self, reason: str = "", *, obstacle: Obstacle | None = None, payment_url: str = "") -> None:
        super().__init__(reason)
        self.reason = reason
        self.obstacle = obstacle
        self.payment_url = payment_url


class UnknownLearner(EnrollmentFailed):
    """The LMS has no such learner."""

    code = "unknown_learner"


class LMSUnavailable(EnrollmentFailed):
    """A passing failure: no sensible answer; trying again may help, after ``retry_after`` seconds where it is known."""

    code = "unavailable"

    def __init__(self, message: str | Promise = "", *, retry_after: float | None = None) -> None:
        super().__init__(message)
        self.retry_after = retry_after


class LMSMisconfigured(EnrollmentFailed):
    """A permanent failure: it cannot work until somebody mends the site or the LMS; ``message`` says what."""

    code = "misconfigured"
