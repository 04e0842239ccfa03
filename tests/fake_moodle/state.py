"""Everything that the Moodle knows, in memory: users, courses, enrollments, tokens and its settings."""

import secrets
import threading
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from tests.fake_lms.clock import Clock
from tests.fake_lms.faults import Faults
from tests.fake_lms.journal import Journal

STUDENT_ROLE = 5
SITE_COURSE = 1

#: Release, as site administrators know it, to what `core_webservice_get_site_info` says of it.
RELEASES = {
    "3.11": ("3.11.18 (Build: 20231211)", "2021051718"),
    "4.2": ("4.2.6 (Build: 20240212)", "2023042406"),
    "4.5": ("4.5.6 (Build: 20250811)", "2024100706"),
    "5.0": ("5.0.2 (Build: 20250811)", "2025041402"),
    "5.1": ("5.1 (Build: 20251006)", "2025100600"),
}


@dataclass
class Settings:
    """The switches of the Moodle. `maintenance` is "" (none), "web" (set in the administration) or "cli"."""

    release: str = "4.5"
    web_services: bool = True
    rest: bool = True
    maintenance: str = ""
    #: What it believes to be its address; empty: the true one.
    wwwroot: str = ""


@dataclass
class User:
    """An account. A manager has the capabilities that the functions ask for, in every course."""

    id: int
    username: str
    password: str = ""
    idnumber: str = ""
    email: str = ""
    is_admin: bool = False
    is_manager: bool = False
    is_confirmed: bool = True
    is_suspended: bool = False
    is_deleted: bool = False

    def __post_init__(self) -> None:
        self.email = self.email or f"{self.username}@example.com"

    @property
    def fullname(self) -> str:
        """As Moodle shows it."""
        return f"{self.username.capitalize()} Example"


@dataclass
class Course:
    """A course. `manual` is whether it has the manual enrolment method, `self_enrolment` its own one."""

    id: int
    shortname: str
    fullname: str
    idnumber: str = ""
    lang: str = ""
    visible: bool = True
    startdate: int = 1704067200
    enddate: int = 0
    manual: bool = True
    self_enrolment: bool = False
    self_password: str = ""


@dataclass
class Enrollment:
    """A row of the manual method; times are Unix seconds, 0 for none."""

    user: int
    course: int
    role: int = STUDENT_ROLE
    timestart: int = 0
    timeend: int = 0
    is_suspended: bool = False
    method: str = "manual"

    def is_active(self, now: datetime) -> bool:
        """Whether the learner is in the course at that moment."""
        moment = now.timestamp()
        return not self.is_suspended and self.timestart <= moment and (not self.timeend or moment < self.timeend)


@dataclass
class Token:
    """A token of one user for one external service, which lists functions."""

    token: str
    user: int
    functions: set[str]
    valid_until: datetime | None = None
    ip_restriction: str = ""
    service_enabled: bool = True


@dataclass
class State:
    """The store. Whoever reads and then writes takes the lock."""

    url: str
    functions: frozenset[str]
    settings: Settings = field(default_factory=Settings)
    clock: Clock = field(default_factory=Clock)
    journal: Journal = field(default_factory=Journal)
    faults: Faults = field(default_factory=Faults)
    lock: Any = field(default_factory=threading.RLock, repr=False)

    def __post_init__(self) -> None:
        self.stopping = threading.Event()
        self.users: dict[int, User] = {}
        self.courses: dict[int, Course] = {}
        self.enrollments: dict[tuple[int, int, str], Enrollment] = {}
        self.tokens: dict[str, Token] = {}
        #: Session cookie to what the session holds: `user`, `wantsurl`.
        self.sessions: dict[str, dict[str, Any]] = {}
        self.add_user("guest")
        self.add_user("admin", is_admin=True, is_manager=True)
        self.service_user = self.add_user("cms", is_manager=True)
        self.learner = self.add_user("learner", idnumber="L-1")
        self.add_course("site", "Fake Moodle")
        self.course = self.add_course("CS101-2027", "Computer science", idnumber="CS-101", lang="fr")
        self.hidden_course = self.add_course("SECRET", "Not shown yet", visible=False)
        self.token = self.issue_token(self.service_user)

    @property
    def wwwroot(self) -> str:
        """What the Moodle says that its address is."""
        return self.settings.wwwroot or self.url

    def since(self, release: str) -> bool:
        """Whether the Moodle's release is `release` or newer."""
        order = list(RELEASES)
        return order.index(self.settings.release) >= order.index(release)

    def add_user(self, username: str, **more: Any) -> User:
        """Make an account; the password is the username unless given."""
        user = User(len(self.users) + 1, username, **{"password": username, **more})
        self.users[user.id] = user
        return user

    def add_course(self, shortname: str, fullname: str, **more: Any) -> Course:
        """Make a course. The first is the site itself."""
        course = Course(max(self.courses, default=0) + 1, shortname, fullname, **more)
        self.courses[course.id] = course
        return course

    def issue_token(self, user: User, functions: set[str] | None = None, text: str = "") -> Token:
        """Make a token for a service with these functions, or with all that the Moodle has."""
        allowed = set(self.functions if functions is None else functions)
        token = Token(text or secrets.token_hex(16), user.id, allowed)
        self.tokens[token.token] = token
        return token

    def enroll(self, user: int, course: int, **more: Any) -> Enrollment:
        """Write the row without asking any rule."""
        row = Enrollment(user, course, **more)
        with self.lock:
            self.enrollments[user, course, row.method] = row
        return row

    def is_enrolled(self, user: int, course: int) -> bool:
        """Whether the learner has an active row of any method."""
        now = self.clock.now()
        return any(
            row.is_active(now) for row in list(self.enrollments.values()) if (row.user, row.course) == (user, course)
        )

    def active_courses(self, user: int) -> list[Course]:
        """The courses that the learner is in."""
        return [course for course in self.courses.values() if self.is_enrolled(user, course.id)]

    def open_session(self, **values: Any) -> str:
        """Start a session. Returns the value of its cookie."""
        session = secrets.token_hex(13)
        self.sessions[session] = values
        return session
