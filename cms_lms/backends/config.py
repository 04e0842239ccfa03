"""How one LMS is reached and which course URLs are its own, as plain values."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class BackendConfig:
    """The columns of an ``LMSBackend`` that backend classes may look at; no secret is among them.

    ``default_sync_mode`` is blank where the site's default applies.
    """

    slug: str
    name: str
    base_url: str
    course_regex: str
    js_backend: str = ""
    js_course_regex: str = ""
    default_sync_mode: str = ""
    no_update_fields: frozenset[str] = frozenset()
    sample_urls: tuple[str, ...] = ()
