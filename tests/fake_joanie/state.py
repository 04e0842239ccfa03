"""Everything that Joanie knows, in memory: course runs, who came by, enrollments and its settings."""

from __future__ import annotations

import threading
import uuid
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from tests.fake_lms.clock import Clock
from tests.fake_lms.courses import iso_z
from tests.fake_lms.faults import Faults
from tests.fake_lms.journal import Journal
from tests.fake_lms.state import Settings as LMSSettings

API = "/api/v1.0"
RUN = "7f2c9f3e-1c1b-4c63-9d0c-5f4d8a0b9a11"

#: Text and call to action of a run's states, by their priorities (`CourseState`).
STATES = [
    ("closing on", "enroll now"),
    ("starting on", "enroll now"),
    ("closing on", "study now"),
    ("starting on", None),
    ("enrollment closed", None),
    ("on-going", None),
    ("archived", None),
    ("to be scheduled", None),
]
#: Runs up to this one are open for enrollment.
ARCHIVED_OPEN = 2


@dataclass
class Settings:
    """The switches. `instead`: what answers below a path, status and body, for what goes wrong."""

    cors_origins: list[str] = field(default_factory=list)
    cors_headers: str = "accept, authorization, content-type, user-agent, x-csrftoken, x-requested-with"
    instead: dict[str, tuple[int, str]] = field(default_factory=dict)
    # Fonzie's.
    signing_key: str = LMSSettings.fonzie_signing_key
    # The LMS behind does not answer.
    lms_fails: bool = False
    page_size: int = 20


@dataclass
class Run:
    """A course run. `lms_link` is its page on the LMS behind; `needs_order` makes it part of a product."""

    id: str
    title: str
    lms_link: str = "https://lms.example.com/courses/course-v1:Org+Course+Run/course/"
    course: str = "00001"
    start: datetime | None = None
    end: datetime | None = None
    enrollment_start: datetime | None = None
    enrollment_end: datetime | None = None
    languages: list[str] = field(default_factory=lambda: ["en"])
    is_listed: bool = True
    needs_order: bool = False

    def state(self, now: datetime) -> int:
        """The priority of its state (`CourseRun.compute_state`)."""
        if not self.start or not self.enrollment_start:
            return 7
        is_open = self.enrollment_start < now and (self.enrollment_end is None or now < self.enrollment_end)
        if self.start < now:
            if self.end is None or self.end > now:
                return 0 if is_open else (3 if self.enrollment_start > now else 5)
            return 2 if is_open else 6
        if self.enrollment_start > now:
            return 3
        return 1 if is_open else 4


@dataclass
class User:
    """Somebody whom a token named; made when it first came."""

    username: str
    full_name: str
    language: str
    id: str = field(default_factory=lambda: str(uuid.uuid4()))


@dataclass
class Enrollment:
    """One row a learner and run; never deleted."""

    user: str
    run: str
    is_active: bool
    was_created_by_order: bool
    created_on: datetime
    state: str = ""
    id: str = field(default_factory=lambda: str(uuid.uuid4()))


class State:
    """The store. `on_set` is told of each enrollment that reaches the LMS behind: username, run, whether active."""

    def __init__(self, url: str) -> None:
        self.url = url
        self.stopping = threading.Event()
        self.lock = threading.RLock()
        self.reset()

    def reset(self) -> None:
        """As it was when it was started."""
        self.clock = Clock()
        self.journal = Journal()
        self.faults = Faults()
        self.settings = Settings()
        self.users: dict[str, User] = {}
        self.enrollments: dict[str, Enrollment] = {}
        #: Who holds a valid order, by username and run.
        self.orders: set[tuple[str, str]] = set()
        self.on_set: Callable[[str, Run, bool], None] = lambda username, run, is_active: None
        self.runs: dict[str, Run] = {}
        self.add_run(RUN, "Computer science")

    def add_run(self, run_id: str, title: str, **more: Any) -> Run:
        """Add a run that is open for enrollment, unless `more` says otherwise."""
        now = self.clock.now()
        window = {"start": now - timedelta(days=30), "enrollment_start": now - timedelta(days=60)}
        self.runs[run_id] = Run(run_id, title, **(window | more))
        return self.runs[run_id]

    def enrollment(self, username: str, run_id: str) -> Enrollment | None:
        """The learner's row for the run, active or not."""
        rows = (row for row in list(self.enrollments.values()) if (row.user, row.run) == (username, run_id))
        return next(rows, None)

    def add_enrollment(self, username: str, run_id: str, *, is_active: bool = True, **more: Any) -> Enrollment:
        """Write a row without asking any rule."""
        values = {"was_created_by_order": False, "created_on": self.clock.now(), "state": "set"} | more
        row = Enrollment(username, run_id, is_active, **values)
        self.enrollments[row.id] = row
        return row

    def is_enrolled(self, username: str, run_id: str) -> bool:
        """Whether the learner has an active row that has reached the LMS behind."""
        row = self.enrollment(username, run_id)
        return row is not None and row.is_active and row.state == "set"

    def describe_run(self, run: Run) -> dict[str, Any]:
        """The run as the API shows it: `resource_link` is its page on the LMS behind."""
        priority = run.state(self.clock.now())
        text, call_to_action = STATES[priority]
        dates = ("start", "end", "enrollment_start", "enrollment_end")
        return {
            "id": run.id,
            "title": run.title,
            "resource_link": run.lms_link,
            **{name: iso_z(getattr(run, name)) for name in dates},
            "languages": run.languages,
            "course": {"id": run.course, "code": run.course, "title": run.title, "cover": None},
            "state": {"priority": priority, "text": text, "call_to_action": call_to_action, "datetime": None},
        }

    def describe_enrollment(self, row: Enrollment) -> dict[str, Any]:
        """The row as the API shows it."""
        return {
            "id": row.id,
            "created_on": iso_z(row.created_on),
            "is_active": row.is_active,
            "state": row.state,
            "was_created_by_order": row.was_created_by_order,
            "certificate_id": None,
            "orders": [],
            "offerings": [],
            "course_run": self.describe_run(self.runs[row.run]),
        }
