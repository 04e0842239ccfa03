"""Open edX, of any release: what its course keys and its words mean."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from cms_lms.backends.base import BaseLMSBackend
from cms_lms.backends.browser_access import EncryptedPages, SiblingDomains
from cms_lms.backends.connection import ConnectionCheck
from cms_lms.backends.credentials import CredentialField
from cms_lms.backends.enrollment import Capability, Enrollment, Learner, LMSAccess
from cms_lms.backends.openedx_browser import OPENEDX_BROWSER_CHECKS
from cms_lms.backends.openedx_checks import OpenEdXHealth, OpenEdXKind, OpenEdXRelease, OpenEdXSampleCourse
from cms_lms.backends.openedx_credentials import CREDENTIAL_FIELDS, APIKeyCheck, OAuth2Check, RightsCheck
from cms_lms.backends.openedx_enrollment import OpenEdXEnrollments
from cms_lms.backends.profile_links import ProfileLink
from cms_lms.backends.reachability import GENERIC_CHECKS
from cms_lms.patterns.presets import PatternPreset, openedx_presets
from cms_lms.runs.codes import CourseKey
from cms_lms.runs.fields import CatalogVisibility


def parse_course_key(course_id: str) -> CourseKey | None:
    """Split an Open edX course key into organisation and course, None if it is not one.

    ``course-v1:org+course+run`` and ``ccx-v1:org+course+run+ccx@1`` since Cypress, ``org/course/run``
    before. Source: opaque-keys' ``CourseLocator`` and ``CCXLocator``.
    """
    namespace, colon, rest = course_id.partition(":")
    if colon and namespace in ("course-v1", "ccx-v1"):
        parts, expected = rest.split("+"), 3 if namespace == "course-v1" else 4
    else:
        parts, expected = course_id.split("/"), 3
    if len(parts) != expected or not all(parts):
        return None
    return CourseKey(parts[0], parts[1])


class OpenEdXBackend(BaseLMSBackend):
    """Open edX. The course is the second part of the key."""

    label: ClassVar[str | Promise] = _("Open edX")
    visibility_aliases: ClassVar[Mapping[str, str]] = {
        "both": CatalogVisibility.COURSE_AND_SEARCH,
        "about": CatalogVisibility.COURSE_ONLY,
        "none": CatalogVisibility.HIDDEN,
    }
    credential_fields: ClassVar[tuple[CredentialField, ...]] = CREDENTIAL_FIELDS
    connection_checks: ClassVar[tuple[type[ConnectionCheck], ...]] = (
        *GENERIC_CHECKS,
        OpenEdXKind,
        OpenEdXHealth,
        OpenEdXRelease,
        OAuth2Check,
        RightsCheck,
        APIKeyCheck,
        OpenEdXSampleCourse,
        EncryptedPages,
        SiblingDomains,
        *OPENEDX_BROWSER_CHECKS,
    )
    capabilities: ClassVar[frozenset[Capability]] = frozenset({Capability.ENROLL, Capability.UNENROLL})
    profile_links: ClassVar[tuple[ProfileLink, ...]] = (
        ProfileLink(_("Dashboard"), "{base_url}/dashboard"),
        ProfileLink(_("Profile"), "{base_url}/u/(username)"),
        ProfileLink(_("Account"), "{base_url}/account/settings"),
    )

    @classmethod
    def pattern_presets(cls, base_url: str) -> list[PatternPreset]:
        """Return the presets for course pages, old and new, and for the learning micro-frontend."""
        return openedx_presets(base_url)

    def get_course_key(self, course_id: str, payload: Mapping[str, Any]) -> CourseKey:
        """Return organisation and course of the key; an id that is no key stands for a code of its own."""
        return parse_course_key(course_id) or CourseKey("", course_id)

    def get_enrollment(self, course_id: str, learner: Learner, access: LMSAccess) -> Enrollment | None:
        """Return the learner's row, None while there is none."""
        return OpenEdXEnrollments(self.config, access).get(course_id, learner)

    def set_enrollment(self, course_id: str, learner: Learner, access: LMSAccess, *, is_active: bool) -> Enrollment:
        """Enroll in the mode that the LMS takes for it, or deactivate the row."""
        return OpenEdXEnrollments(self.config, access).set(course_id, learner, is_active=is_active)
