"""What cms_lms asks of an LMS, and the backend class for development, which speaks to none.

A backend class knows how one kind of LMS names its courses and runs. It is built from plain values
(``BackendConfig``) and never touches the database or a request.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import cached_property
from typing import Any, ClassVar

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from cms_lms.backends.config import BackendConfig
from cms_lms.backends.connection import ConnectionCheck
from cms_lms.backends.credentials import CredentialField
from cms_lms.backends.enrollment import Capability, Enrollment, Learner, LMSAccess, LMSMisconfigured
from cms_lms.backends.profile_links import ProfileLink, fill_base_url, written_profile_links
from cms_lms.backends.reachability import GENERIC_CHECKS
from cms_lms.patterns.course_regex import CourseRegex, compile_course_regex
from cms_lms.patterns.presets import PatternPreset
from cms_lms.patterns.urls import InvalidURL, normalize_url
from cms_lms.runs.codes import CourseKey
from cms_lms.runs.fields import CatalogVisibility


class BaseLMSBackend:
    """An LMS without particulars: course ids as the pattern gives them, links as they are.

    ``record`` is whatever the caller bound the backend to (the handler binds the ``LMSBackend``); the
    class itself never looks at it.
    """

    label: ClassVar[str | Promise] = _("Base (development)")

    #: The named groups that a course regex must have: one of these tuples, all of it.
    required_groups: ClassVar[tuple[tuple[str, ...], ...]] = (("course_id",),)

    #: Further words for the three visibilities, as this LMS writes them.
    visibility_aliases: ClassVar[Mapping[str, str]] = {}

    #: What it proves itself with to its LMS; each field may be left blank.
    credential_fields: ClassVar[tuple[CredentialField, ...]] = ()

    #: What "Check this connection" examines, in order.
    connection_checks: ClassVar[tuple[type[ConnectionCheck], ...]] = GENERIC_CHECKS

    #: Where a learner goes who is logged in: the links of her menu, for backends whose record has none of its own.
    profile_links: ClassVar[tuple[ProfileLink, ...]] = ()

    #: What it can do for learners from this site's server, where browsers cannot call the LMS themselves.
    capabilities: ClassVar[frozenset[Capability]] = frozenset()

    def __init__(self, config: BackendConfig, record: Any = None) -> None:
        self.config = config
        self.record = record

    def __repr__(self) -> str:
        return f"<{type(self).__name__} {self.config.slug}>"

    @classmethod
    def pattern_presets(cls, base_url: str) -> list[PatternPreset]:
        """Return course regexes that are known to work for such an LMS at that address, the best first.

        Raises ``InvalidURL``.
        """
        return []

    @cached_property
    def course_regex(self) -> CourseRegex:
        """The compiled course regex. Raises ``InvalidPattern``."""
        return compile_course_regex(self.config.course_regex, self.required_groups)

    def extract_course_id(self, url: str) -> str | None:
        """Return the course id in a course URL, None if the URL is not one of this LMS's."""
        try:
            return self.extract_from_normalized(normalize_url(url))
        except InvalidURL:
            return None

    def extract_from_normalized(self, url: str) -> str | None:
        """As ``extract_course_id``, for a URL that has been through ``normalize_url`` already."""
        return self.course_regex.extract(url) or None

    def get_course_key(self, course_id: str, payload: Mapping[str, Any]) -> CourseKey:
        """Return which course a run belongs to: the code that the payload names, else the id itself."""
        code = payload.get("course")
        return CourseKey("", code if isinstance(code, str) and code else course_id)

    def learner_url(self, resource_link: str) -> str | None:
        """Return the address at which a learner finds the run, None if the link is not a page for her."""
        return resource_link

    def can_enroll(self, course_id: str) -> bool:
        """Return whether learners can enroll in what the id names: a run, not for example a product."""
        return bool(course_id)

    def learner_links(self) -> list[ProfileLink]:
        """Return the links of a logged-in learner's menu; the holes for her username are still in them."""
        lines, base_url = self.config.profile_links, self.config.base_url
        own = written_profile_links(lines, base_url)
        return own or [fill_base_url(link, base_url) for link in self.profile_links]

    def map_visibility(self, value: str) -> str | None:
        """Return the ``CatalogVisibility`` for the LMS's word, None if the word is unknown."""
        value = self.visibility_aliases.get(value, value)
        return value if value in CatalogVisibility.values else None

    def get_enrollment(self, course_id: str, learner: Learner, access: LMSAccess) -> Enrollment | None:
        """Return the learner's enrollment in a run, None if there never was one and nothing is known against one.

        Needs ``Capability.ENROLL``. Raises ``EnrollmentFailed`` (its subclasses say how) and ``LMSUnreachable``.
        """
        raise LMSMisconfigured(_("This backend class cannot enroll from the server."))

    def set_enrollment(self, course_id: str, learner: Learner, access: LMSAccess, *, is_active: bool) -> Enrollment:
        """Enroll the learner or, with ``Capability.UNENROLL``, let her leave; return what the LMS then says.

        Doing it twice is doing it once. Raises as ``get_enrollment``.
        """
        raise LMSMisconfigured(_("This backend class cannot enroll from the server."))
