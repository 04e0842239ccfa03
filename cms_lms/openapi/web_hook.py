"""What the schema says of the web hook: the payload, every answer of the contract, and how calls are signed."""

from __future__ import annotations

from typing import Any

from drf_spectacular.extensions import OpenApiAuthenticationExtension, OpenApiViewExtension
from drf_spectacular.openapi import AutoSchema
from drf_spectacular.utils import (
    OpenApiParameter,
    OpenApiResponse,
    PolymorphicProxySerializer,
    extend_schema_field,
)
from rest_framework import serializers
from rest_framework.authentication import BaseAuthentication

from cms_lms.openapi.answers import ERRORS, explained
from cms_lms.openapi.operation import Operation
from cms_lms.patterns.urls import MAX_URL_LENGTH
from cms_lms.runs.fields import PRICE_FIELDS, CatalogVisibility
from cms_lms.sync.payload import CourseRunPayload

#: An Open edX's words for where a run is found, taken beside the catalogue's own.
OPENEDX_VISIBILITIES = ("both", "about", "none")

SUCCESS: dict[str, Any] = {
    "type": "object",
    "properties": {"success": {"type": "boolean", "enum": [True]}},
    "required": ["success"],
    "additionalProperties": False,
}

RESULT_BY_LINK: dict[str, Any] = {
    "type": "object",
    "description": "For a list: what became of each resource link.",
    "additionalProperties": {"anyOf": [SUCCESS, ERRORS]},
}


def text(value: str) -> dict[str, Any]:
    """Return the schema of an answer that is this JSON string."""
    return {"type": "string", "enum": [value]}


@extend_schema_field({"anyOf": [{"type": "string"}, {"type": "number"}], "nullable": True})
class PriceField(serializers.Field):
    """A decimal, as text or as a number."""


class SentCourseRun(CourseRunPayload):
    """A course run as its LMS says it. Other keys are ignored; an absent key keeps the value that the run has."""

    resource_link = serializers.CharField(max_length=MAX_URL_LENGTH, help_text="The URL of the run on its LMS.")
    course = serializers.CharField(help_text="The course’s code, where the link does not have it.")
    catalog_visibility = serializers.ChoiceField(
        choices=[*CatalogVisibility.values, *OPENEDX_VISIBILITIES], allow_null=True
    )

    def get_fields(self) -> dict[str, Any]:
        """As they are taken: none but the link is required."""
        fields = super().get_fields()
        fields.update({name: PriceField() for name in PRICE_FIELDS})
        fields["languages"] = serializers.ListField(
            child=serializers.CharField(), min_length=1, help_text="Required to create a run."
        )
        for name, field in fields.items():
            field.required = name == "resource_link"
        return fields


class SignedCall(BaseAuthentication):
    """Stands for the signature, which is over the body rather than of a user."""


class SignatureExtension(OpenApiAuthenticationExtension):
    """Describes both ways to sign."""

    target_class = SignedCall
    name = ["signature", "standardWebhooks"]

    def get_security_requirement(self, auto_schema: AutoSchema) -> list[dict[str, list[Any]]]:
        """Either is enough; where both are sent, both must hold."""
        return [{"signature": []}, {"standardWebhooks": []}]

    def get_security_definition(self, auto_schema: AutoSchema) -> list[dict[str, Any]]:
        """Both are headers."""
        return [
            {
                "type": "apiKey",
                "in": "header",
                "name": "Authorization",
                "description": "`SIG-HMAC-SHA256 <hex>`: the HMAC-SHA256 of the raw body with the shared secret, as "
                "hexadecimal digits.",
            },
            {
                "type": "apiKey",
                "in": "header",
                "name": "webhook-signature",
                "description": "As [Standard Webhooks](https://www.standardwebhooks.com) says, over the headers "
                "`webhook-id` and `webhook-timestamp` and the body.",
            },
        ]


PARAMETERS = [
    OpenApiParameter("dry_run", str, description="`1`: the same answer, and nothing is written.", enum=["1"]),
    OpenApiParameter(
        "webhook-id",
        str,
        OpenApiParameter.HEADER,
        description="The sender’s own id of this call: it is processed once and answered the same ever after.",
    ),
    OpenApiParameter(
        "webhook-timestamp",
        str,
        OpenApiParameter.HEADER,
        description="When the call was sent, in seconds since 1970; at most 5 minutes from now.",
    ),
    OpenApiParameter(
        "Sync-Outcome",
        str,
        OpenApiParameter.HEADER,
        response=[200, 400],
        description="What became of the runs: `created=2, updated=1, drafted=0, unchanged=97, ignored=0, refused=0`.",
    ),
    OpenApiParameter("Retry-After", int, OpenApiParameter.HEADER, response=[429, 503], description="Seconds to wait."),
]

PAYLOAD = {
    "application/json": PolymorphicProxySerializer(
        "SentCourseRuns", [SentCourseRun, SentCourseRun(many=True)], resource_type_field_name=None, many=False
    )
}

ANSWERS = {
    200: OpenApiResponse({"anyOf": [SUCCESS, RESULT_BY_LINK]}, "Done, for each run."),
    400: OpenApiResponse(
        {"anyOf": [ERRORS, RESULT_BY_LINK, explained("").response]},
        "The body is no JSON, or a run was refused; the others of a list are kept.",
    ),
    401: OpenApiResponse(text("Invalid authentication."), "No live secret that may write the run made the signature."),
    403: OpenApiResponse(text("Missing authentication."), "The call is not signed."),
    409: explained("The `webhook-id` is that of another body."),
    413: explained("The body is too long, or the list. Send the runs in parts."),
    415: explained("The content type is not `application/json`."),
    429: explained("Too many calls."),
    503: explained("Too many calls about the same runs at once. Nothing was written."),
}


class WebHookOperation(Operation):
    """The web hook."""

    name = "synchronize_course_runs"
    summary = "Create and update course runs"
    description = "One course run, or a list of them; each is applied as a whole or not at all."
    group = "Web hook"
    parameters = PARAMETERS
    payload = PAYLOAD
    answers = ANSWERS


class CourseRunsSyncExtension(OpenApiViewExtension):
    """Describes the web hook, here and in a document of the project's own."""

    target_class = "cms_lms.sync.views.CourseRunsSyncView"

    def view_replacement(self) -> type:
        """Return the view with its description."""
        return type("WebHook", (self.target,), {"schema": WebHookOperation(), "authentication_classes": (SignedCall,)})
