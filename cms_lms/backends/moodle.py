"""Moodle: its course URLs name a course by number, short name or ID number; its payloads name the course."""

from __future__ import annotations

from typing import ClassVar

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from cms_lms.backends.base import BaseLMSBackend
from cms_lms.backends.connection import ConnectionCheck
from cms_lms.backends.credentials import CredentialField
from cms_lms.backends.enrollment import Capability, Enrollment, Learner, LMSAccess
from cms_lms.backends.moodle_checks import MOODLE_CHECKS
from cms_lms.backends.moodle_enrollment import MoodleEnrollments
from cms_lms.backends.profile_links import ProfileLink
from cms_lms.backends.reachability import GENERIC_CHECKS
from cms_lms.patterns.presets import PatternPreset, moodle_presets


class MoodleBackend(BaseLMSBackend):
    """Moodle. Its web services answer servers that have a token, never browsers: learners enroll through this site's.

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
    capabilities: ClassVar[frozenset[Capability]] = frozenset({Capability.ENROLL, Capability.UNENROLL})
    profile_links: ClassVar[tuple[ProfileLink, ...]] = (
        ProfileLink(_("Dashboard"), "{base_url}/my/"),
        ProfileLink(_("Profile"), "{base_url}/user/profile.php"),
    )

    #: The role that learners get. Each Moodle numbers its roles; it is 5 unless somebody has made a new one.
    student_role: ClassVar[int] = 5

    @classmethod
    def pattern_presets(cls, base_url: str) -> list[PatternPreset]:
        """Return the presets for course pages by number, short name and ID number."""
        return moodle_presets(base_url)

    def get_enrollment(self, course_id: str, learner: Learner, access: LMSAccess) -> Enrollment | None:
        """Return whether the learner is in the course, by whatever method."""
        return MoodleEnrollments(self.config, access, role=self.student_role).get(course_id, learner)

    def set_enrollment(self, course_id: str, learner: Learner, access: LMSAccess, *, is_active: bool) -> Enrollment:
        """Enroll by the manual method; leave by being suspended in it, which keeps the grades."""
        enrollments = MoodleEnrollments(self.config, access, role=self.student_role)
        return enrollments.set(course_id, learner, is_active=is_active)
