"""An Open edX to be examined: the stand-in over TLS, and the record, credentials and pages of this site that fit it."""

from __future__ import annotations

import re
from contextlib import ExitStack
from dataclasses import dataclass, field

from cms_lms.backends.connection import Finding
from cms_lms.encryption import Secret
from cms_lms.matching.connection import visit_backend
from cms_lms.models import LMSBackend
from tests.fake_lms import FakeLMS

from .http_servers import HOST, Authority, Names

SITE = "https://cms.example.test"
DEMO = "course-v1:edX+DemoX+2027_T1"


@dataclass
class Patient:
    """An LMS, and the record, the credentials and the pages of this site that go with it."""

    lms: FakeLMS
    names: Names
    authority: Authority
    stack: ExitStack
    release: str
    credentials: dict[str, str] = field(
        default_factory=lambda: {
            "oauth2_client_id": "cms-client",
            "oauth2_client_secret": "cms-secret",
            "api_key": "fake-lms-api-key",
        }
    )
    origins: list[str] = field(default_factory=lambda: [SITE])
    path: str = ""
    course_id: str = DEMO
    js_backend: str | None = None
    base_url: str = ""

    @property
    def _default_js_backend(self) -> str:
        """The seed had one for the oldest releases; the later one cannot speak to them."""
        return "openedx-dogwood" if self.release == "eucalyptus" else "openedx-hawthorn"

    def change(self, **settings) -> None:
        """Set something else on the LMS."""
        self.lms.state.change_settings(**settings)

    def replace(self, **options) -> None:
        """Have another LMS instead."""
        self.lms = self.stack.enter_context(open_lms(self.release, **options))

    def examine(self) -> dict[str, Finding]:
        """Examine the connection."""
        record = LMSBackend(
            name="LMS",
            slug="lms",
            backend="cms_lms.backends.openedx.OpenEdXBackend",
            base_url=self.base_url or self.lms.url + self.path,
            course_regex=rf"{re.escape(self.lms.url)}/courses/(?P<course_id>[^/]+)/info",
            js_backend=self._default_js_backend if self.js_backend is None else self.js_backend,
            sample_urls=[f"{self.lms.url}/courses/{self.course_id}/info"] if self.course_id else [],
        )
        credentials = {name: Secret(value) for name, value in self.credentials.items()}
        findings = visit_backend(record, credentials=credentials, site_origins=self.origins)
        return {finding.name: finding for finding in findings}


def open_lms(release: str, **options) -> FakeLMS:
    lms = FakeLMS(host=HOST, cms_url=SITE, **options)
    lms.state.change_settings(
        release=release, cors_allow_insecure=False, csrf_cookie_domain=".example.test", csrf_cookie_name="csrftoken"
    )
    return lms
