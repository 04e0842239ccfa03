"""The enrollment API: for learners who are logged in on this site, where browsers cannot call the LMS themselves.

Sessions and CSRF protection are Django's, whatever logs users in. Every answer is JSON and kept by nobody; every error
has a ``code`` that never changes. Views hold no rule: those are in ``enrolling``.
"""

from __future__ import annotations

import math
from typing import Any

from django.contrib.auth import logout
from django.contrib.auth.decorators import login_not_required
from django.db import transaction
from django.http import HttpRequest
from django.middleware.csrf import get_token
from django.utils import timezone, translation
from django.utils.cache import patch_cache_control
from django.utils.decorators import method_decorator
from django.utils.translation import gettext as _
from django.views.decorators.debug import sensitive_variables
from rest_framework import status
from rest_framework.authentication import SessionAuthentication
from rest_framework.exceptions import APIException, PermissionDenied
from rest_framework.parsers import BaseParser
from rest_framework.renderers import JSONRenderer
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from cms_lms.backends.enrollment import (
    Enrollment,
    EnrollmentFailed,
    EnrollmentRefused,
    LMSMisconfigured,
    LMSUnavailable,
    UnknownLearner,
)
from cms_lms.conf import settings as lms_settings
from cms_lms.enrollment.enrolling import (
    NoSuchRun,
    ServedRun,
    count_call,
    find_served_run,
    read_enrollment,
    write_enrollment,
)
from cms_lms.enrollment.site_access import chosen_language, login_url, register_url
from cms_lms.error_reports import conceal_values

#: The status of each failure. Statuses from 500 are left to what stands before the site.
STATUSES = {
    EnrollmentRefused.code: status.HTTP_409_CONFLICT,
    UnknownLearner.code: status.HTTP_409_CONFLICT,
    LMSUnavailable.code: status.HTTP_503_SERVICE_UNAVAILABLE,
    LMSMisconfigured.code: status.HTTP_424_FAILED_DEPENDENCY,
}


class Refusal(APIException):
    """A call that is not answered as it wants. ``code`` never changes."""

    def __init__(self, status_code: int, code: str, *, retry_after: float | None = None, **details: Any) -> None:
        super().__init__(code)
        self.status_code = status_code
        self.code = code
        self.retry_after = None if retry_after is None else max(1, math.ceil(retry_after))
        self.details = details

    def as_response(self) -> Response:
        """Return the answer, the same keys for every refusal."""
        body = {"code": self.code, "reason": "", "obstacle": None, "payment_url": "", **self.details}
        headers = {} if self.retry_after is None else {"Retry-After": str(self.retry_after)}
        return Response({**body, "retry_after": self.retry_after}, self.status_code, headers=headers)


class NoBody(BaseParser):
    """Nothing is said in a body, of whatever kind."""

    media_type = "*/*"

    def parse(self, stream: Any, media_type: str | None = None, parser_context: Any = None) -> dict[str, Any]:
        """Return nothing, unread."""
        return {}


class SiteSession(SessionAuthentication):
    """Django's session, with a code of its own for a failed CSRF check."""

    def enforce_csrf(self, request: Any) -> None:
        """As REST framework's."""
        try:
            super().enforce_csrf(request)
        except PermissionDenied:
            raise Refusal(status.HTTP_403_FORBIDDEN, "csrf_failed") from None


@method_decorator([login_not_required, transaction.non_atomic_requests], name="dispatch")
class SiteAPIView(APIView):
    """What both views share."""

    authentication_classes = (SiteSession,)
    permission_classes = ()
    # What a site sets for its own API does not apply to a fixed contract.
    throttle_classes = ()
    parser_classes = (NoBody,)
    versioning_class = None
    renderer_classes = (JSONRenderer,)

    def dispatch(self, request: HttpRequest, *args: Any, **kwargs: Any) -> Any:  # type: ignore[override]
        """Answer in the language of the page that asks."""
        with translation.override(chosen_language(request)):
            return super().dispatch(request, *args, **kwargs)

    def initial(self, request: Request, *args: Any, **kwargs: Any) -> None:
        """Let no report of an error tell who called."""
        conceal_values(request._request)
        super().initial(request, *args, **kwargs)

    def handle_exception(self, exc: Exception) -> Response:
        """Return refusals in one form, REST framework's own among them."""
        if isinstance(exc, Refusal):
            response = exc.as_response()
        elif isinstance(exc, APIException):
            response = Refusal(exc.status_code, str(exc.default_code)).as_response()
        else:
            return super().handle_exception(exc)
        response.exception = True
        return response

    def finalize_response(self, request: Any, response: Any, *args: Any, **kwargs: Any) -> Any:
        """Let nobody keep what is somebody's."""
        response = super().finalize_response(request, response, *args, **kwargs)
        patch_cache_control(response, private=True, no_store=True)
        return response


class SessionView(SiteAPIView):
    """Who is logged in on this site, and what a page needs to write in her name."""

    http_method_names = ["get", "delete"]

    def get(self, request: Request) -> Response:
        """Return the session; a visitor who is not logged in gets no cookie by it."""
        user = request.user
        is_known = bool(user.is_authenticated)
        return Response(
            {
                "username": str(user.get_username()) if is_known else None,
                "full_name": str(getattr(user, "get_full_name", str)()) if is_known else "",
                "login_url": login_url(),
                "register_url": register_url(),
                "csrf_header": lms_settings.csrf_header,
                "csrf_token": get_token(request._request) if is_known else "",
            }
        )

    def delete(self, request: Request) -> Response:
        """Log out."""
        logout(request._request)
        return Response(status=status.HTTP_204_NO_CONTENT)


class EnrollmentView(SiteAPIView):
    """The enrollment of whoever is logged in, in one run."""

    http_method_names = ["get", "post", "delete"]

    def initial(self, request: Request, *args: Any, **kwargs: Any) -> None:
        """Refuse strangers, and who calls too often."""
        super().initial(request, *args, **kwargs)
        if not request.user.is_authenticated:
            raise Refusal(status.HTTP_403_FORBIDDEN, "anonymous")
        seconds = count_call(request.user, now=timezone.now())
        if seconds:
            raise Refusal(status.HTTP_429_TOO_MANY_REQUESTS, "throttled", retry_after=seconds)

    def get(self, request: Request, run_id: str) -> Response:
        """Return what the LMS says."""
        return self.answer(request, run_id, None)

    def post(self, request: Request, run_id: str) -> Response:
        """Enroll."""
        return self.answer(request, run_id, True)

    def delete(self, request: Request, run_id: str) -> Response:
        """Leave the run."""
        return self.answer(request, run_id, False)

    @staticmethod
    @sensitive_variables()
    def answer(request: Request, run_id: str, is_active: bool | None) -> Response:
        """Read, or write what is wanted; the same body for both. Raises ``Refusal``."""
        try:
            served = find_served_run(run_id)
        except NoSuchRun:
            raise Refusal(status.HTTP_404_NOT_FOUND, "not_found") from None
        now = timezone.now()
        try:
            if is_active is None:
                enrollment = read_enrollment(served, request.user, now=now)
            else:
                enrollment = write_enrollment(served, request.user, is_active=is_active, now=now)
        except EnrollmentFailed as error:
            raise as_refusal(served, error) from None
        return Response({"username": str(request.user.get_username()), **as_json(enrollment)})


def as_json(enrollment: Enrollment) -> dict[str, Any]:
    """Return an enrollment as the API writes it; an obstacle says nothing about who is enrolled."""
    obstacle = None if enrollment.is_active else enrollment.obstacle
    return {
        "is_active": enrollment.is_active,
        "obstacle": obstacle.value if obstacle else None,
        "payment_url": enrollment.payment_url if obstacle else "",
    }


def as_refusal(served: ServedRun, error: EnrollmentFailed) -> Refusal:
    """Return a failure as the answer that it gets."""
    code = STATUSES.get(error.code, status.HTTP_424_FAILED_DEPENDENCY)
    if isinstance(error, EnrollmentRefused):
        obstacle = error.obstacle.value if error.obstacle else None
        return Refusal(code, error.code, reason=error.reason, obstacle=obstacle, payment_url=error.payment_url)
    if isinstance(error, UnknownLearner):
        return Refusal(code, error.code, reason=unknown_learner_words(served))
    return Refusal(code, error.code, retry_after=getattr(error, "retry_after", None))


def unknown_learner_words(served: ServedRun) -> str:
    """Return what a learner is told whom the LMS does not know."""
    name = served.backend.config.name
    return _("%(lms)s has no account of yours yet. Log in there once, then try again.") % {"lms": name}
