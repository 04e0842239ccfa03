"""What the schema says of the enrollment API: the session, an enrollment, and every refusal."""

from __future__ import annotations

from typing import Any

from drf_spectacular.extensions import OpenApiViewExtension
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, OpenApiResponse
from rest_framework import serializers
from rest_framework.authentication import SessionAuthentication

from cms_lms.backends.enrollment import Obstacle
from cms_lms.openapi.operation import Operation

GROUP = "Enrollments"

OBSTACLES = [obstacle.value for obstacle in Obstacle]

CODES = (
    "anonymous",
    "csrf_failed",
    "not_found",
    "refused",
    "unknown_learner",
    "misconfigured",
    "throttled",
    "unavailable",
)

LANGUAGE = OpenApiParameter("language", str, description="Of the page that asks, for what is said to the learner.")

RUN_ID = OpenApiParameter("run_id", OpenApiTypes.INT64, OpenApiParameter.PATH)


class LearnerSession(serializers.Serializer):
    """Who is logged in on this site; without anybody, ``username`` is null and there is no token."""

    username = serializers.CharField(allow_null=True)
    full_name = serializers.CharField(allow_blank=True)
    login_url = serializers.CharField()
    register_url = serializers.CharField(allow_blank=True)
    csrf_header = serializers.CharField(help_text="The header in which a write carries the token.")
    csrf_token = serializers.CharField(allow_blank=True)


class LearnerEnrollment(serializers.Serializer):
    """What the LMS says of the learner and the run."""

    username = serializers.CharField()
    is_active = serializers.BooleanField()
    obstacle = serializers.ChoiceField(choices=OBSTACLES, allow_null=True)
    payment_url = serializers.CharField(allow_blank=True)


class EnrollmentRefusal(serializers.Serializer):
    """Why not. ``reason`` is for the learner, mostly in the LMS's own words; ``retry_after`` is in seconds."""

    code = serializers.ChoiceField(choices=CODES)
    reason = serializers.CharField(allow_blank=True)
    obstacle = serializers.ChoiceField(choices=OBSTACLES, allow_null=True)
    payment_url = serializers.CharField(allow_blank=True)
    retry_after = serializers.IntegerField(allow_null=True)


def refusal(description: str, *codes: str) -> OpenApiResponse:
    """Return the answer that says why not, with the codes that it may have."""
    return OpenApiResponse(EnrollmentRefusal, f"{description} {', '.join(f'`{code}`' for code in codes)}.")


RETRY_AFTER = OpenApiParameter(
    "Retry-After", int, OpenApiParameter.HEADER, response=[429, 503], description="Seconds to wait."
)

REFUSALS = {
    403: refusal("Nobody is logged in; or a write did not carry the token.", "anonymous", "csrf_failed"),
    404: refusal("No public run has this id, or learners do not enroll in it through this server.", "not_found"),
    409: refusal("The LMS, or this site, says no.", "refused", "unknown_learner"),
    424: refusal("It cannot work until somebody mends the site or the LMS.", "misconfigured"),
    429: refusal("Too many calls of this learner.", "throttled"),
    503: refusal("The LMS did not answer in time; trying again may help.", "unavailable"),
}


class SessionOperation(Operation):
    """The session."""

    group = GROUP

    METHODS = {
        "GET": ("get_learner_session", "Tell who is logged in on this site", {200: LearnerSession}),
        "DELETE": (
            "end_learner_session",
            "Log out of this site",
            {204: OpenApiResponse(description="Nobody is logged in."), 403: refusal("No token.", "csrf_failed")},
        ),
    }
    description = "For the pages of this site, whose session it is."

    def get_operation_id(self) -> str:
        """By the method."""
        return self.METHODS[self.method][0]

    def get_summary(self) -> str:
        """By the method."""
        return self.METHODS[self.method][1]

    def get_response_serializers(self) -> Any:
        """By the method."""
        return self.METHODS[self.method][2]


class EnrollmentOperation(SessionOperation):
    """The learner's enrollment in one run."""

    parameters = (RUN_ID, LANGUAGE, RETRY_AFTER)
    description = "Of whoever is logged in. Doing it twice is doing it once."
    METHODS = {
        "GET": ("get_enrollment", "Tell whether the learner is enrolled", {200: LearnerEnrollment, **REFUSALS}),
        "POST": ("enroll", "Enroll the learner", {200: LearnerEnrollment, **REFUSALS}),
        "DELETE": ("unenroll", "Let the learner leave the run", {200: LearnerEnrollment, **REFUSALS}),
    }


class SessionExtension(OpenApiViewExtension):
    """Describes the session, here and in a document of the project's own."""

    target_class = "cms_lms.enrollment.server_api.SessionView"

    def view_replacement(self) -> type:
        """Return the view with its description."""
        return described(self.target, SessionOperation())


class EnrollmentExtension(OpenApiViewExtension):
    """Describes the enrollment, here and in a document of the project's own."""

    target_class = "cms_lms.enrollment.server_api.EnrollmentView"

    def view_replacement(self) -> type:
        """Return the view with its description."""
        return described(self.target, EnrollmentOperation())


def described(view: Any, schema: Operation) -> type:
    """Return a view with its description, behind a session as REST framework knows them."""
    return type(view.__name__, (view,), {"schema": schema, "authentication_classes": (SessionAuthentication,)})
