"""Everything the LMS knows, in memory: users, sessions, tokens, runs, enrollments and its settings."""

import secrets
import threading
from dataclasses import dataclass, field, fields
from datetime import datetime, timedelta
from typing import Any
from urllib.parse import urlsplit

from .clock import Clock
from .courses import DATE_FIELDS, CourseRun, iso_z, parse_moment
from .dataset import load_joanie_items, load_runs
from .faults import Fault, Faults
from .journal import Journal
from .releases import at_least
from .throttle import Throttle

DEFAULT_SECRET = "SharedSecret"
EDITABLE_RUN_FIELDS = (
    "name",
    *DATE_FIELDS,
    "language",
    "enrollment_count",
    "catalog_visibility",
    "invitation_only",
    "is_full",
    "pacing",
)


class InvalidChange(ValueError):
    """The control API or the studio asked for something that makes no sense."""


class UnknownRun(InvalidChange):
    """No run has this key."""


def origin_of(url: str) -> str:
    """Scheme, host and port of an address, as browsers write an origin; empty when it has none."""
    try:
        parts = urlsplit(url)
    except ValueError:
        return ""
    return f"{parts.scheme}://{parts.netloc}".lower() if parts.scheme and parts.netloc else ""


@dataclass
class Settings:
    """The switches of the LMS. Origins that are None mean the site's."""

    cms_url: str
    secret: str = DEFAULT_SECRET
    release: str = "ulmo"
    cors_origins: list[str] | None = None
    trusted_origins: list[str] | None = None
    # ENABLE_CORS_HEADERS, CORS_ALLOW_CREDENTIALS and CORS_ALLOW_HEADERS (None: upstream's).
    cors_enabled: bool = True
    cors_allow_credentials: bool = True
    cors_allow_headers: list[str] | None = None
    # Real LMSs hand the cross-domain cookie to https referers alone; the fake one may speak plain http.
    cors_allow_insecure: bool = True
    # ENABLE_CROSS_DOMAIN_CSRF_COOKIE, and the cookie that it adds to the LMS's own.
    cross_domain_cookie: bool = True
    cross_domain_cookie_name: str = "edx_csrf_token"
    csrf_cookie_domain: str | None = None
    # Real LMSs have Django's "csrftoken"; on localhost the site has a cookie of that name already.
    csrf_cookie_name: str = "lms_csrftoken"
    # LOGIN_REDIRECT_WHITELIST: hosts. None means the site's.
    login_redirect_whitelist: list[str] | None = None
    # AUTHN_MICROFRONTEND_URL, where that is on.
    authn_mfe_url: str | None = None
    # CATALOG_MICROFRONTEND_URL, where that is on; since Ulmo.
    catalog_mfe_url: str | None = None
    # The version of the plugin, where it is installed.
    fonzie: str | None = None
    # SIMPLE_JWT["SIGNING_KEY"], which a Joanie knows too.
    fonzie_signing_key: str = "a key that Fonzie and Joanie share"
    throttled: bool = True
    healthy: bool = True
    api_key: str | None = "fake-lms-api-key"
    token_lifetime: int = 3600
    # How many runs the estimate of the course list counts that nobody ever gets to see.
    phantom_runs: int = 2
    hook_path: str = "/api/v1.0/course-runs-sync/"

    def __post_init__(self) -> None:
        self.cms_url = self.cms_url.rstrip("/")

    @property
    def hook_url(self) -> str:
        """Where course runs are posted."""
        return self.cms_url.rstrip("/") + self.hook_path

    def allowed_origins(self) -> list[str]:
        """CORS_ORIGIN_WHITELIST."""
        return [origin_of(self.cms_url)] if self.cors_origins is None else self.cors_origins

    def login_hosts(self) -> list[str]:
        """LOGIN_REDIRECT_WHITELIST."""
        if self.login_redirect_whitelist is None:
            return [urlsplit(self.cms_url).netloc.lower()]
        return self.login_redirect_whitelist

    def csrf_origins(self) -> list[str]:
        """CSRF_TRUSTED_ORIGINS."""
        return [origin_of(self.cms_url)] if self.trusted_origins is None else self.trusted_origins


@dataclass
class User:
    """An account. `is_active` is false until the e-mail address is confirmed, which does not stop anyone."""

    username: str
    password: str
    email: str = ""
    name: str = ""
    is_staff: bool = False
    is_active: bool = True
    # Accounts that were made on the command line have none.
    has_profile: bool = True

    def __post_init__(self) -> None:
        self.email = self.email or f"{self.username}@example.com"
        self.name = self.name or self.username.capitalize()


@dataclass
class Enrollment:
    """One row: it stays, inactive, when the learner leaves."""

    user: str
    run: str
    mode: str
    is_active: bool
    created: datetime


@dataclass
class Application:
    """An OAuth2 application: its tokens act as `user`."""

    client_id: str
    client_secret: str
    user: str
    grant_type: str = "client_credentials"


@dataclass
class Token:
    """An opaque access token."""

    user: str
    expires: datetime


@dataclass
class State:
    """The store. Methods take the lock; who reads and then writes by hand takes it too."""

    url: str
    settings: Settings
    clock: Clock = field(default_factory=Clock)
    journal: Journal = field(default_factory=Journal)
    faults: Faults = field(default_factory=Faults)
    throttle: Throttle = field(default_factory=Throttle)
    lock: Any = field(default_factory=threading.RLock, repr=False)

    def __post_init__(self) -> None:
        self._first_settings = {item.name: getattr(self.settings, item.name) for item in fields(Settings)}
        # Where the site is and what is shared with it is wiring, not state: a reset keeps it.
        self._wiring = ("cms_url", "secret")
        self.stopping = threading.Event()
        self._load()

    def _load(self) -> None:
        self.runs: dict[str, CourseRun] = load_runs(self.url)
        self.joanie_items = load_joanie_items(self.url)
        self.users: dict[str, User] = {}
        self.sessions: dict[str, str] = {}
        self.enrollments: dict[tuple[str, str], Enrollment] = {}
        self.allowed: set[tuple[str, str]] = set()
        self.tokens: dict[str, Token] = {}
        self.signing_key = secrets.token_bytes(32)
        self.deliveries: list[Any] = []
        self.add_user("learner", "learner", name="Lena Learner")
        self.add_user("staff", "staff", name="Stan Staff", is_staff=True)
        self.applications = {
            "cms-client": Application("cms-client", "cms-secret", "staff"),
            "learner-client": Application("learner-client", "learner-secret", "learner"),
            "web-client": Application("web-client", "web-secret", "staff", grant_type="authorization_code"),
        }

    def reset(self) -> None:
        """As it was when it was started: data, settings, clock; nobody logged in, no journal, no faults."""
        with self.lock:
            for name, value in self._first_settings.items():
                if name not in self._wiring:
                    setattr(self.settings, name, value)
            self.clock.reset()
            self.journal.clear()
            self.faults.clear()
            self.throttle.clear()
            self._load()

    def since(self, release: str) -> bool:
        """Whether the LMS's release is `release` or newer."""
        return at_least(self.settings.release, release)

    def change_settings(self, **changes: Any) -> None:
        """Set switches by name. Raises InvalidChange, or UnknownRelease for a release that never was."""
        unknown = changes.keys() - self._first_settings.keys()
        if unknown:
            raise InvalidChange(f"Unknown setting: {', '.join(sorted(unknown))}.")
        at_least(changes.get("release", self.settings.release), "dogwood")
        with self.lock:
            for name, value in changes.items():
                setattr(self.settings, name, value)

    # People

    def add_user(self, username: str, password: str | None = None, **more: Any) -> User:
        """Make an account; the password is the username unless given. Raises InvalidChange when it exists."""
        with self.lock:
            if not username or username in self.users:
                raise InvalidChange(f"There is already an account {username!r}." if username else "No username.")
            self.users[username] = User(username, password or username, **more)
            return self.users[username]

    def open_session(self, username: str) -> str:
        """Log `username` in. Returns the value of the session cookie."""
        session = secrets.token_hex(16)
        with self.lock:
            self.sessions[session] = username
        return session

    def session_user(self, session: str | None) -> User | None:
        """Who is logged in with this cookie."""
        with self.lock:
            return self.users.get(self.sessions.get(session or "", ""))

    def close_session(self, session: str | None) -> None:
        """Log out."""
        with self.lock:
            self.sessions.pop(session or "", None)

    def issue_token(self, username: str) -> str:
        """A new opaque token, valid for `token_lifetime` seconds of the LMS's clock."""
        token = secrets.token_hex(20)
        expires = self.clock.now() + timedelta(seconds=self.settings.token_lifetime)
        with self.lock:
            self.tokens[token] = Token(username, expires)
        return token

    # Runs and enrollments

    def run(self, key: str) -> CourseRun:
        """The run with this key. Raises UnknownRun."""
        try:
            return self.runs[key]
        except KeyError:
            raise UnknownRun(f"No run has the key {key!r}.") from None

    def update_run(self, key: str, **changes: Any) -> CourseRun:
        """Edit a run as in Studio; dates may be ISO 8601 text or None. All or nothing. Raises InvalidChange."""
        run = self.run(key)
        unknown = changes.keys() - set(EDITABLE_RUN_FIELDS)
        if unknown:
            raise InvalidChange(f"Unknown field: {', '.join(sorted(unknown))}.")
        for name in DATE_FIELDS:
            if name in changes:
                try:
                    changes[name] = parse_moment(changes[name])
                except (TypeError, ValueError) as error:
                    raise InvalidChange(f"{name}: not a date in ISO 8601: {changes[name]}") from error
        if "enrollment_count" in changes:
            try:
                changes["enrollment_count"] = int(changes["enrollment_count"])
            except (TypeError, ValueError) as error:
                raise InvalidChange(f"enrollment_count: not a whole number: {changes['enrollment_count']}") from error
        with self.lock:
            for name, value in changes.items():
                setattr(run, name, value)
        return run

    def enrollment(self, username: str, key: str) -> Enrollment | None:
        """The learner's row for the run, active or not."""
        return self.enrollments.get((username, key))

    def is_enrolled(self, username: str, key: str) -> bool:
        """Whether the learner has an active row."""
        row = self.enrollment(username, key)
        return row is not None and row.is_active

    def set_enrollment(self, username: str, key: str, *, mode: str = "audit", is_active: bool = True) -> Enrollment:
        """Write the row without asking any rule. The run's count counts rows, inactive ones included."""
        run = self.run(key)
        with self.lock:
            row = self.enrollments.get((username, key))
            if row is None:
                row = Enrollment(username, key, mode, is_active, self.clock.now())
                self.enrollments[username, key] = row
                run.enrollment_count += 1
            else:
                row.mode, row.is_active = mode, is_active
            return row

    def allow_enrollment(self, username: str, key: str) -> None:
        """Let the learner enroll outside the window or without an invitation (CourseEnrollmentAllowed)."""
        self.allowed.add((username, self.run(key).key))

    def describe_enrollment(self, row: Enrollment) -> dict[str, Any]:
        """The row as the list for staff shows it."""
        return {
            "created": iso_z(row.created),
            "mode": row.mode,
            "is_active": row.is_active,
            "user": row.user,
            "course_id": row.run,
        }

    # Error injection

    def fail(self, kind: str, **filters_and_params: Any) -> Fault:
        """Shorthand for `faults.add`."""
        return self.faults.add(kind, **filters_and_params)
