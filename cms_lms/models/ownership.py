"""Which fields the LMS owns, asked from below.

What an LMS owns depends on the backend that matches the run's link, and matching stands above the
models. ``matching`` therefore plugs its answer in here when the app starts; without it every content
field counts as owned, which protects the most.
"""

from __future__ import annotations

from collections.abc import Callable, Collection

from cms_lms.runs.fields import lms_owned_fields

NoUpdateFieldsResolver = Callable[[str], Collection[str]]

_resolver: NoUpdateFieldsResolver | None = None


def set_no_update_fields_resolver(resolver: NoUpdateFieldsResolver) -> None:
    """Register how to find the protected fields for a resource link."""
    global _resolver
    _resolver = resolver


def owned_fields_for(resource_link: str) -> tuple[str, ...]:
    """Return the content fields that the LMS of this link owns, in declared order."""
    return lms_owned_fields(_resolver(resource_link) if _resolver else ())
