"""Moodle: its course URLs name a course by number, short name or ID number; its payloads name the course."""

from __future__ import annotations

from typing import ClassVar

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from cms_lms.backends.base import BaseLMSBackend
from cms_lms.backends.connection import ConnectionCheck
from cms_lms.backends.credentials import CredentialField
from cms_lms.backends.moodle_checks import MOODLE_CHECKS
from cms_lms.backends.reachability import GENERIC_CHECKS
from cms_lms.patterns.presets import PatternPreset, moodle_presets


class MoodleBackend(BaseLMSBackend):
    """Moodle. Its web services answer servers that have a token, never browsers: there is no JS backend for it.

    The course is the code that the payload names, else the id in the link.
    """

    label: ClassVar[str | Promise] = _("Moodle")
    credential_fields: ClassVar[tuple[CredentialField, ...]] = (
        CredentialField(
            "token",
            _("Token"),
            _(
                "A token of the web services, for an external service with the functions that are needed here. "
                "In Moodle: Site administration → Server → Web services → Manage tokens."
            ),
        ),
    )
    connection_checks: ClassVar[tuple[type[ConnectionCheck], ...]] = (*GENERIC_CHECKS, *MOODLE_CHECKS)

    @classmethod
    def pattern_presets(cls, base_url: str) -> list[PatternPreset]:
        """Return the presets for course pages by number, short name and ID number."""
        return moodle_presets(base_url)
