"""Error injection: what shall go wrong, for which calls, and how often."""

import re
import threading
from dataclasses import asdict, dataclass, field
from typing import Any

# Each stage of a request asks for its own kinds, so that a slow answer can also be a wrong one.
DELAY = ("slow",)
INSTEAD = (
    "status",
    "throttled",
    "server_error",
    "bad_gateway",
    "reset",
    "html",
    "empty",
    "login_redirect",
    "endless",
)
AFTERWARDS = ("truncated", "content_type")
TOKEN = ("expired_token",)
CSRF_COOKIE = ("csrf_withheld",)
CORS = ("cors_withheld",)
ENROLLMENT = ("closed", "full", "invite_only", "embargo", "filter", "invalid_attribute", "mode_expired")
# A Joanie that does not reach the LMS behind it.
BEHIND = ("lms_failed",)
KINDS = DELAY + INSTEAD + AFTERWARDS + TOKEN + CSRF_COOKIE + CORS + ENROLLMENT + BEHIND

DEFAULT_PATH = r"^/(api|oauth2)/|^/change_enrollment$"


class InvalidFault(ValueError):
    """The fault as described cannot be injected."""


@dataclass(frozen=True)
class Target:
    """What a fault's filters are compared with."""

    method: str
    path: str
    user: str | None = None
    run: str | None = None
    mount: str | None = None


@dataclass
class Fault:
    """One thing that goes wrong, `times` times (None: until cleared). `path` is a regex searched in the path."""

    kind: str
    times: int | None = 1
    path: str = DEFAULT_PATH
    method: str | None = None
    user: str | None = None
    run: str | None = None
    mount: str | None = None
    params: dict[str, Any] = field(default_factory=dict)

    def matches(self, target: Target) -> bool:
        """Whether the filters let `target` through. A preflight matches only a fault that asks for OPTIONS."""
        if (self.method or "").upper() != target.method and (self.method or target.method == "OPTIONS"):
            return False
        return (
            re.search(self.path, target.path) is not None
            and self.user in (None, target.user)
            and self.run in (None, target.run)
            and self.mount in (None, target.mount)
        )

    def as_json(self) -> dict[str, Any]:
        """The fault in JSON's types."""
        return asdict(self)


class Faults:
    """The faults that wait for their call, first come first served within a stage."""

    def __init__(self) -> None:
        self._faults: list[Fault] = []
        self._lock = threading.Lock()

    def add(
        self,
        kind: str,
        *,
        times: int | None = 1,
        path: str | None = None,
        method: str | None = None,
        user: str | None = None,
        run: str | None = None,
        mount: str | None = None,
        **params: Any,
    ) -> Fault:
        """Let `kind` happen on the next `times` matching calls. Raises InvalidFault."""
        if kind not in KINDS:
            raise InvalidFault(f"Unknown kind of fault: {kind}. One of: {', '.join(KINDS)}.")
        if times is not None and (not isinstance(times, int) or times < 1):
            raise InvalidFault("`times` must be a whole number from 1, or null for always.")
        try:
            re.compile(path or DEFAULT_PATH)
        except (re.error, TypeError) as error:
            raise InvalidFault(f"`path` is not a regular expression: {error}.") from error
        fault = Fault(kind, times, path or DEFAULT_PATH, method, user, run, mount, params)
        with self._lock:
            self._faults.append(fault)
        return fault

    def take(self, kinds: tuple[str, ...], target: Target) -> Fault | None:
        """The first fault of `kinds` that matches, one of its times used up."""
        with self._lock:
            for fault in self._faults:
                if fault.kind in kinds and fault.matches(target):
                    if fault.times is not None:
                        fault.times -= 1
                        if not fault.times:
                            self._faults.remove(fault)
                    return fault
        return None

    def pending(self) -> list[Fault]:
        """The faults that have not happened yet."""
        with self._lock:
            return list(self._faults)

    def clear(self) -> None:
        """Let nothing go wrong any more."""
        with self._lock:
            self._faults.clear()
