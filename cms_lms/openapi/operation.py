"""What is said of one endpoint, as attributes: the form that the descriptions of this room have."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from drf_spectacular.openapi import AutoSchema
from drf_spectacular.utils import OpenApiParameter


class Operation(AutoSchema):
    """An endpoint with one method. ``name``: what clients' functions are called; ``group``: where it is shown."""

    name: str
    summary: str
    description: str
    group: str
    parameters: Sequence[OpenApiParameter] = ()
    #: By media type; None where nothing is sent.
    payload: Mapping[str, Any] | None = None
    #: By status.
    answers: Mapping[int, Any]

    def get_operation_id(self) -> str:
        """Return the name."""
        return self.name

    def get_summary(self) -> str:
        """Return the headline."""
        return self.summary

    def get_description(self) -> str:  # type: ignore[override]
        """Return what else is to be said."""
        return self.description

    def get_tags(self) -> list[str]:
        """Return the group."""
        return [self.group]

    def get_override_parameters(self) -> Any:
        """Return the parameters beside those of the path and of the pagination."""
        return self.parameters

    def get_request_serializer(self) -> Any:
        """Return what is sent."""
        return self.payload

    def get_response_serializers(self) -> Any:
        """Return what is answered."""
        return self.answers

    def get_operation(self, *args: Any) -> dict[str, Any] | None:  # type: ignore[override]
        """As drf-spectacular's; what is sent must be there."""
        operation = super().get_operation(*args)
        if operation and "requestBody" in operation:
            operation["requestBody"]["required"] = True
        return operation
