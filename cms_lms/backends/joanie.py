"""Joanie, the enrollment manager: its links name API resources, its payloads name the course."""

from __future__ import annotations

from typing import ClassVar

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from cms_lms.backends.base import BaseLMSBackend
from cms_lms.backends.connection import ConnectionCheck
from cms_lms.backends.joanie_checks import JOANIE_CHECKS
from cms_lms.backends.reachability import GENERIC_CHECKS
from cms_lms.patterns.presets import PatternPreset, joanie_presets


class JoanieBackend(BaseLMSBackend):
    """Joanie. The course code comes with the payload; the link answers JSON, so learners get no link."""

    label: ClassVar[str | Promise] = _("Joanie")
    required_groups: ClassVar[tuple[tuple[str, ...], ...]] = (("resource_uri",), ("resource_type", "resource_id"))
    connection_checks: ClassVar[tuple[type[ConnectionCheck], ...]] = (*GENERIC_CHECKS, *JOANIE_CHECKS)

    @classmethod
    def pattern_presets(cls, base_url: str) -> list[PatternPreset]:
        """Return the presets for the resources of the API that name course runs and products."""
        return joanie_presets(base_url)

    def learner_url(self, resource_link: str) -> str | None:
        """Return None: a resource of the API is not a page."""
        return None

    def can_enroll(self, course_id: str) -> bool:
        """Return whether it is a course run: products are bought."""
        return "course-runs/" in course_id
