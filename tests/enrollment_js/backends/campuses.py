"""A panel of each JS backend before the stand-in of its LMS, with one call for what differs between them.

A page holds many panels; each has its LMS below a path of its own and a run of its own, so that it fails alone.
"""

from __future__ import annotations

import uuid
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from types import SimpleNamespace
from typing import Any
from urllib.parse import quote

from tests.enrollment_js.conftest import NOW, make_panel
from tests.enrollment_js.servers import Site
from tests.fake_joanie import FakeJoanie
from tests.fake_lms import FakeLMS
from tests.fake_lms.courses import Mode
from tests.fake_lms.faults import ENROLLMENT

KEY = "course-v1:edX+DemoX+Demo_Course"
LEARNER = "learner"

#: The backends that speak to an LMS, and a release of it.
RELEASES = {
    "openedx-dogwood": "eucalyptus",
    "openedx-hawthorn": "ulmo",
    "openedx-fonzie": "lilac",
    "joanie": "lilac",
}

#: Method and path of each operation: a regular expression for the faults.
_ENROLLMENT = "/api/enrollment/v1/enrollment"
_OPENEDX = {
    "read": ("GET", f"^{_ENROLLMENT}/"),
    "write": ("POST", f"^{_ENROLLMENT}$"),
    "leave": ("POST", "^/change_enrollment$"),
}
OPERATIONS: dict[str, dict[str, tuple[str, str]]] = {
    "openedx-dogwood": {"whoami": ("GET", "^/api/mobile/"), **_OPENEDX},
    "openedx-hawthorn": {"whoami": ("GET", "^/api/user/v1/me$"), **_OPENEDX},
    "openedx-fonzie": {"whoami": ("GET", "^/api/v1.0/user/me$"), **_OPENEDX},
    "joanie": {
        "whoami": ("GET", "^/api/v1.0/user/me$"),
        "read": ("GET", "^/api/v1.0/enrollments/$"),
        "write": ("POST", "^/api/v1.0/enrollments/$"),
        "leave": ("PATCH", "^/api/v1.0/enrollments/.+"),
    },
}


@dataclass
class Campus:
    """The servers behind one page of panels of one JS backend."""

    backend: str
    site_url: str
    lms: FakeLMS
    joanie: FakeJoanie

    @classmethod
    def open(cls, backend: str, site: Site, lms: FakeLMS, joanie: FakeJoanie) -> Campus:
        """Set the servers up for pages of `site`, whose name the LMS shares."""
        campus = cls(backend, site.url.replace("127.0.0.1", "localhost"), lms, joanie)
        lms.state.reset()
        lms.state.change_settings(
            cms_url=campus.site_url, fonzie="0.7.0", throttled=False, release=RELEASES.get(backend, "ulmo")
        )
        lms.clock.set(NOW)
        joanie.state.reset()
        joanie.state.clock.set(NOW)
        joanie.settings.cors_origins = [campus.site_url]
        site.connect += [lms.url, joanie.url]
        return campus

    def log_in(self, context: Any) -> None:
        """Let the browser be the learner's."""
        cookie = {"name": "edx_session", "value": self.lms.state.open_session(LEARNER), "sameSite": "Lax"}
        context.add_cookies([{**cookie, "url": self.lms.url}])

    def place(self, number: int) -> Place:
        """A run that is open for enrollment, on an LMS of its own."""
        return Place.open(self, number)


@dataclass
class Place:
    """One panel's LMS and run."""

    campus: Campus
    mount: str
    run: str

    @classmethod
    def open(cls, campus: Campus, number: int) -> Place:
        """See `Campus.place`."""
        start = datetime(2024, 5, 1, 8, tzinfo=UTC)
        window = {"start": start, "end": None, "enrollment_start": start, "enrollment_end": None}
        if campus.backend == "joanie":
            run = str(uuid.uuid5(uuid.NAMESPACE_OID, str(number)))
            link = f"{campus.lms.url}/courses/{KEY}/course/"
            campus.joanie.state.add_run(run, "Run", course=str(number), lms_link=link, **window)
        else:
            run = f"course-v1:Orgé+C{number}+R"
            runs = campus.lms.state.runs
            modes = [Mode("audit", "Audit")]
            runs[run] = replace(runs[KEY], key=run, modes=modes, invitation_only=False, is_full=False, **window)
        return cls(campus, f"/~{number}", run)

    @property
    def is_joanie(self) -> bool:
        return self.campus.backend == "joanie"

    @property
    def lms_url(self) -> str:
        return self.campus.lms.url + self.mount

    def panel(self, **changes: Any) -> SimpleNamespace:
        """What the template gets."""
        name = self.campus.backend
        values: dict[str, Any] = {
            "js_backend": name,
            "module_url": f"/static/cms_lms/js/backends/{name}.js",
            "base_url": self.lms_url,
            "course_id": self.run,
            "learner_url": f"{self.lms_url}/courses/{quote(self.run)}/about",
            "enrollment_end": None,
            "end": None,
        }
        if self.is_joanie:
            values |= {
                "base_url": self.campus.joanie.url + self.mount,
                "login_base_url": self.lms_url,
                "course_id": f"course-runs/{self.run}",
                "learner_url": None,
            }
        return make_panel(values.pop("base_url"), **{**values, **changes})

    def fail(self, operation: str, kind: str, *, times: int | None = None, **params: Any) -> None:
        """Let an operation of this panel go wrong."""
        method, path = OPERATIONS[self.campus.backend][operation]
        server = self.campus.joanie if self.is_joanie and operation != "whoami" else self.campus.lms
        # What the rules of enrolling say is about the run.
        where = {"run": self.run} if kind in ENROLLMENT else {"mount": self.mount}
        server.state.faults.add(kind, method=method, path=path, times=times, **where, **params)

    def enroll(self, *, is_active: bool = True, **more: Any) -> None:
        """Let the learner have an enrollment."""
        if self.is_joanie:
            self.campus.joanie.state.add_enrollment(LEARNER, self.run, is_active=is_active, **more)
        else:
            self.campus.lms.state.set_enrollment(LEARNER, self.run, is_active=is_active)

    def is_enrolled(self) -> bool:
        """Whether the LMS has her."""
        if self.is_joanie:
            return self.campus.joanie.state.is_enrolled(LEARNER, self.run)
        return self.campus.lms.state.is_enrolled(LEARNER, self.run)

    def update(self, **changes: Any) -> None:
        """Change the run on the LMS alone: the page does not know."""
        runs = self.campus.joanie.state.runs if self.is_joanie else self.campus.lms.state.runs
        for name, value in changes.items():
            setattr(runs[self.run], name, value)
