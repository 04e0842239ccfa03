"""Enrollments in an Open edX from this site's server: as the staff account of an OAuth2 application, or by API key.

Reads before it writes, since the LMS looks at the enrollment window first, even for who is enrolled already; and finds
out why it refused, since closed, not open, full and by invitation share their words. Source: ``enrollments/views.py``.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from email.utils import parsedate_to_datetime
from typing import Any
from urllib.parse import quote

from django.utils import timezone
from django.utils.dateparse import parse_datetime
from django.utils.translation import gettext_lazy as _
from django.views.decorators.debug import sensitive_variables

from cms_lms.backends.config import BackendConfig
from cms_lms.backends.enrollment import (
    Enrollment,
    EnrollmentRefused,
    Learner,
    LearnerField,
    LMSAccess,
    LMSMisconfigured,
    LMSUnavailable,
    Obstacle,
    UnknownLearner,
)
from cms_lms.backends.http import LMSResponse, NotJSON
from cms_lms.backends.openedx_token import TOKENS, Scheme, ask_for_token, token_in
from cms_lms.encryption import Secret

API = "/api/enrollment/v1"

#: Characters of the LMS's own words that a learner is shown.
MAX_REASON = 500

#: What a token endpoint answers while it only wants to be left in peace.
_PASSING = (403, 429)


class OpenEdXEnrollments:
    """The enrollments of learners in one Open edX, for the time of one answer."""

    def __init__(self, config: BackendConfig, access: LMSAccess) -> None:
        self._url = config.base_url
        self._http = access.http
        self._credentials = access.credentials
        #: The token of the last call: no word of an answer that repeats it is passed on.
        self._token: Secret | None = None

    @sensitive_variables()
    def get(self, course_id: str, learner: Learner) -> Enrollment | None:
        """Return the learner's enrollment, None without a row."""
        path = f"{API}/enrollment/{quote(_username(learner), safe='')},{quote(course_id, safe='')}"
        response = self._call("GET", path)
        if response.status == 400:
            raise LMSMisconfigured(_("The LMS does not know the course of the run."))
        self._refuse_unusable(response)
        # No row ever existed: an empty body, and no content type.
        if not response.body.strip():
            return None
        return self._enrollment_in(response)

    @sensitive_variables()
    def set(self, course_id: str, learner: Learner, *, is_active: bool) -> Enrollment:
        """Enroll or leave, if that is not so already."""
        known = self.get(course_id, learner)
        if known is not None and known.is_active == is_active:
            return known
        if known is None and not is_active:
            return Enrollment(is_active=False)
        if known is not None and known.obstacle is not None:
            # To staff who bring an old row back to life, the LMS shows no window, invitation or price.
            raise EnrollmentRefused(obstacle=known.obstacle, payment_url=known.payment_url)
        payload = {
            "user": _username(learner),
            "is_active": is_active,
            "course_details": {"course_id": course_id},
        }
        response = self._call("POST", f"{API}/enrollment", json=payload)
        if response.status in (400, 403) and (refusal := self._refusal_in(course_id, response)):
            raise refusal
        if response.status == 406:
            raise UnknownLearner(_("The LMS has no account of that name."))
        self._refuse_unusable(response)
        written = self._enrollment_in(response)
        if written.is_active != is_active:
            # Ignored in silence: up to Ironwood only the API key may deactivate.
            raise LMSMisconfigured(_("The LMS did not change the enrollment: the account’s rights are not enough."))
        return written

    # How it is called

    @sensitive_variables()
    def _call(self, method: str, path: str, **options: Any) -> LMSResponse:
        """Return the answer to a call with the credentials; a token that is not taken is replaced once."""
        client_id = self._credentials.get("oauth2_client_id")
        client_secret = self._credentials.get("oauth2_client_secret")
        if not (client_id and client_secret):
            key = self._credentials.get("api_key")
            if not key:
                raise LMSMisconfigured(_("No API credentials are stored for this LMS."))
            return self._http.request(method, self._url + path, headers={"X-Edx-Api-Key": key.reveal()}, **options)
        client = (self._url, client_id, client_secret)
        if kept := TOKENS.get(*client):
            response = self._send(method, path, *kept, **options)
            if response.status != 401:
                return response
        # A new one: a JWT, or what releases before Ironwood take instead.
        for scheme in _SCHEMES:
            response = self._send(method, path, scheme, self._new_token(scheme), **options)
            if response.status != 401:
                break
            TOKENS.forget(*client)
        return response

    @sensitive_variables()
    def _send(self, method: str, path: str, scheme: Scheme, token: Secret, **options: Any) -> LMSResponse:
        headers = {"Authorization": f"{scheme} {token.reveal()}"}
        self._token = token
        return self._http.request(method, self._url + path, headers=headers, **options)

    @sensitive_variables()
    def _new_token(self, scheme: Scheme) -> Secret:
        client_id, client_secret = self._credentials["oauth2_client_id"], self._credentials["oauth2_client_secret"]
        response = ask_for_token(self._http, self._url, client_id, client_secret, scheme)
        token = token_in(response)
        if token is None:
            if response.status in _PASSING or response.status >= 500 or response.status == 200 or response.is_redirect:
                raise LMSUnavailable(_("The LMS gives no token at the moment."), retry_after=response.retry_after)
            raise LMSMisconfigured(_("The LMS does not accept the OAuth2 client."))
        TOKENS.keep(self._url, client_id, client_secret, scheme, token)
        return token.text

    # What it answers

    @staticmethod
    def _refuse_unusable(response: LMSResponse) -> None:
        """Raise for what is no answer to the question."""
        if response.status == 200:
            return
        if response.status == 429 or response.status >= 500 or response.is_redirect:
            raise LMSUnavailable(
                _("The LMS answers with status %(status)d.") % {"status": response.status},
                retry_after=response.retry_after,
            )
        reasons = {
            401: _("The LMS does not accept the API credentials."),
            403: _("The account of the API credentials may not do this."),
            404: _("The account of the API credentials is not staff: it may not act for learners."),
        }
        other = _("The LMS answers with status %(status)d.") % {"status": response.status}
        raise LMSMisconfigured(reasons.get(response.status, other))

    def _enrollment_in(self, response: LMSResponse) -> Enrollment:
        answer = _object_in(response)
        is_active = answer.get("is_active")
        if not isinstance(is_active, bool):
            raise LMSUnavailable(_("What the LMS answers is no enrollment."))
        details = answer.get("course_details")
        if is_active or not isinstance(details, dict):
            return Enrollment(is_active)
        obstacle = _obstacle_in(details, _now(response))
        return Enrollment(is_active, obstacle, self._payment_url(details) if obstacle is Obstacle.PAYMENT else "")

    @sensitive_variables()
    def _refusal_in(self, course_id: str, response: LMSResponse) -> Exception | None:
        """Return why an enrollment was refused, None where the answer is about the caller rather than the learner."""
        answer = _object_in(response)
        # A plugin's own words, meant for the learner.
        if words := self._words(answer, "localizedMessage"):
            return EnrollmentRefused(words)
        words = self._words(answer, "message")
        if response.status == 403:
            return EnrollmentRefused(words) if words else None
        course = self._http.get(f"{self._url}{API}/course/{quote(course_id, safe='')}")
        if course.status == 400:
            return LMSMisconfigured(_("The LMS does not know the course of the run."))
        details = _object_in(course) if course.status == 200 and course.is_json else {}
        obstacle = _obstacle_in(details, _now(course))
        if obstacle is not None:
            url = self._payment_url(details) if obstacle is Obstacle.PAYMENT else ""
            return EnrollmentRefused(obstacle=obstacle, payment_url=url)
        return EnrollmentRefused(words)

    def _words(self, answer: Mapping[str, Any], key: str) -> str:
        value = answer.get(key)
        if not isinstance(value, str):
            return ""
        if self._token:
            value = value.replace(self._token.reveal(), "…")
        return value.strip()[:MAX_REASON]

    def _payment_url(self, details: Mapping[str, Any]) -> str:
        course_id = details.get("course_id")
        return f"{self._url}/courses/{quote(course_id, safe='+:')}/about" if isinstance(course_id, str) else ""


_SCHEMES: tuple[Scheme, ...] = ("JWT", "Bearer")


def _username(learner: Learner) -> str:
    if learner.by is not LearnerField.USERNAME:
        raise LMSMisconfigured(_("Open edX finds learners by their username only: choose another way to find them."))
    return learner.value


def _object_in(response: LMSResponse) -> Mapping[str, Any]:
    """Return the answer's object. Raises ``LMSUnavailable``: a page of a maintenance or of a proxy says 200, too."""
    try:
        answer = response.json()
    except NotJSON:
        answer = None
    if not isinstance(answer, dict):
        raise LMSUnavailable(_("A page came instead of data."))
    return answer


def _obstacle_in(details: Mapping[str, Any], now: dt.datetime) -> Obstacle | None:
    """Return what the public details of a course say against an enrollment. The window is strict on both sides."""
    opens, closes = _date(details, "enrollment_start"), _date(details, "enrollment_end")
    if opens is not None and opens >= now:
        return Obstacle.NOT_OPEN
    if closes is not None and closes <= now:
        return Obstacle.CLOSED
    if details.get("invite_only") is True:
        return Obstacle.INVITATION_ONLY
    modes = details.get("course_modes")
    if isinstance(modes, list) and modes and all(isinstance(mode, dict) and _costs(mode) for mode in modes):
        return Obstacle.PAYMENT
    return None


def _costs(mode: Mapping[str, Any]) -> bool:
    price = mode.get("min_price")
    return isinstance(price, (int, float)) and not isinstance(price, bool) and price > 0


def _date(details: Mapping[str, Any], key: str) -> dt.datetime | None:
    value = details.get(key)
    try:
        date = parse_datetime(value) if isinstance(value, str) else None
    except ValueError:  # the form of a date, and none
        return None
    return date if date is None or date.tzinfo else date.replace(tzinfo=dt.UTC)


def _now(response: LMSResponse) -> dt.datetime:
    """Return the time on the LMS's own clock, which decides."""
    try:
        return parsedate_to_datetime(response.headers["Date"]).astimezone(dt.UTC)
    except (KeyError, ValueError, TypeError):
        return timezone.now()
