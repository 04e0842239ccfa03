"""Payloads as senders write them."""

from __future__ import annotations

from typing import Any

HOST = "https://lms.example.com"
LINK = f"{HOST}/courses/course-v1:edX+DemoX+R1/info"


def link(run: str = "R1", course: str = "DemoX") -> str:
    """Return the link that the Open edX plugin sends for a run."""
    return f"{HOST}/courses/course-v1:edX+{course}+{run}/info"


def payload(**fields: Any) -> dict[str, Any]:
    """Return a complete Open edX payload; ``fields`` replace its values."""
    return {
        "resource_link": LINK,
        "start": "2027-02-01T08:00:00+00:00",
        "end": "2027-06-30T22:00:00+00:00",
        "enrollment_start": "2026-10-01T00:00:00+00:00",
        "enrollment_end": "2027-01-31T23:59:59+00:00",
        "languages": ["en"],
        "enrollment_count": 42,
        "catalog_visibility": "both",
        **fields,
    }
