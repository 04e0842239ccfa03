"""The answers that endpoints share, in the words of OpenAPI."""

from __future__ import annotations

from typing import Any

from drf_spectacular.utils import OpenApiResponse

#: Errors by the name of the field they are about.
ERRORS: dict[str, Any] = {
    "type": "object",
    "additionalProperties": {"type": "array", "items": {"type": "string"}, "minItems": 1},
    "minProperties": 1,
}

#: A reason for people.
DETAIL: dict[str, Any] = {
    "type": "object",
    "properties": {"detail": {"type": "string"}},
    "required": ["detail"],
    "additionalProperties": False,
}


def explained(description: str) -> OpenApiResponse:
    """Return the answer that gives its reason as ``detail``."""
    return OpenApiResponse(DETAIL, description)
