"""The course runs of the LMS: their keys, their data, and the shapes in which each API and the web hook show them."""

import re
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any
from urllib.parse import quote

_PART = r"[\w\-~.:]+"
_OLD_PART = r"[\w\-~.]+"
COURSE_KEY = re.compile(
    rf"course-v1:{_PART}\+{_PART}\+{_PART}"
    rf"|ccx-v1:{_PART}\+{_PART}\+{_PART}\+ccx@\d+"
    rf"|library-v1:{_PART}\+{_PART}"
    rf"|{_OLD_PART}/{_OLD_PART}/{_OLD_PART}"
)

# Studio gives this start to a run that nobody has scheduled.
UNSCHEDULED = datetime(2030, 1, 1, tzinfo=UTC)
DATE_FIELDS = ("start", "end", "enrollment_start", "enrollment_end")


def is_course_key(text: str) -> bool:
    """Whether opaque-keys would parse `text` as the key of a course or library."""
    return COURSE_KEY.fullmatch(text) is not None


def parse_moment(value: datetime | str | None) -> datetime | None:
    """A moment in UTC from ISO 8601 (naive means UTC), None from nothing. Raises ValueError or TypeError."""
    if value is None or value == "":
        return None
    moment = value if isinstance(value, datetime) else datetime.fromisoformat(value)
    return moment.astimezone(UTC) if moment.tzinfo else moment.replace(tzinfo=UTC)


def iso_z(moment: datetime | None) -> str | None:
    """ISO 8601 in UTC with `Z`, as REST framework writes it."""
    return None if moment is None else moment.isoformat().replace("+00:00", "Z")


@dataclass
class Mode:
    """One way to take a run, such as audit or verified."""

    slug: str
    name: str
    min_price: int = 0
    currency: str = "usd"
    expiration_datetime: datetime | None = None

    def as_json(self) -> dict[str, Any]:
        """The item of `course_modes`."""
        return {
            "slug": self.slug,
            "name": self.name,
            "min_price": self.min_price,
            "suggested_prices": "",
            "currency": self.currency,
            "expiration_datetime": iso_z(self.expiration_datetime),
            "description": None,
            "sku": None,
            "bulk_sku": None,
        }


@dataclass
class CourseRun:
    """One run as Studio holds it. `record` is its item of the course list API as loaded."""

    key: str
    name: str
    start: datetime | None
    end: datetime | None
    enrollment_start: datetime | None
    enrollment_end: datetime | None
    language: str
    enrollment_count: int
    catalog_visibility: str
    invitation_only: bool = False
    pacing: str = "instructor"
    is_full: bool = False
    modes: list[Mode] = field(default_factory=list)
    record: dict[str, Any] = field(default_factory=dict)

    @property
    def org(self) -> str:
        """The organisation's code."""
        return self.record["org"]

    @property
    def hidden(self) -> bool:
        """Whether catalogues should leave it out."""
        return self.catalog_visibility in ("about", "none")

    @property
    def path_key(self) -> str:
        """The key for use in a path: `+`, `:`, `@` and the slashes of old keys stay as they are."""
        return quote(self.key, safe="+:@/~")

    def is_open(self, now: datetime) -> bool:
        """Whether anybody may enroll: strictly inside the window, where a missing end means none."""
        return (self.enrollment_start is None or self.enrollment_start < now) and (
            self.enrollment_end is None or now < self.enrollment_end
        )

    def available_modes(self, now: datetime, *, include_expired: bool = False) -> list[Mode]:
        """The modes that may still be taken."""
        return [
            mode
            for mode in self.modes
            if include_expired or mode.expiration_datetime is None or now < mode.expiration_datetime
        ]

    def list_item(self) -> dict[str, Any]:
        """The item of `/api/courses/v1/courses/`: no language, visibility or count."""
        return self.record | {
            "name": self.name,
            "start": iso_z(self.start),
            "end": iso_z(self.end),
            "enrollment_start": iso_z(self.enrollment_start),
            "enrollment_end": iso_z(self.enrollment_end),
            "start_type": "empty" if self.start in (None, UNSCHEDULED) else "timestamp",
            "pacing": self.pacing,
            "hidden": self.hidden,
            "invitation_only": self.invitation_only,
        }

    def sync_payload(self, base_url: str) -> dict[str, Any]:
        """What richie-openedx-sync 1.4.0 posts for this run, its keys in its order."""

        def isoformat(moment: datetime | None) -> str | None:
            return moment.isoformat() if moment else None

        return {
            "resource_link": f"{base_url}/courses/{self.key}/info",
            "start": isoformat(self.start),
            "end": isoformat(self.end),
            "enrollment_start": isoformat(self.enrollment_start or self.start),
            "enrollment_end": isoformat(self.enrollment_end),
            "languages": [self.language],
            "enrollment_count": self.enrollment_count,
            "catalog_visibility": self.catalog_visibility,
        }
