"""What the demonstration consists of: people, backends, courses and the deliveries of its LMSs.

Plain values only, read from ``data/`` and from here; the command ``seed_demo`` writes them.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

from cms_lms.backends.openedx import parse_course_key
from cms_lms.models.backend import DraftMail
from cms_lms.runs.codes import CourseKey, normalize_code
from cms_lms.runs.fields import SyncMode

DATA = Path(__file__).resolve().parent / "data"

#: The addresses that the data was written for.
DATA_LMS_URL = "https://lms.example.com"
DATA_MOODLE_URL = "https://moodle.example.com"

#: Courses that the Moodle alone offers, by code.
MOODLE_COURSES = {"TEACH-1": "Teaching Online", "STAT-1": "Statistics for Everybody"}

#: Offered by the LMS and left out of the catalogue, to show a refused delivery.
MISSING_COURSE = CourseKey("TX", "T201")

#: Whose runs wait for staff as drafts.
PARTNERS = ("DelftX", "UQx", "TsinghuaX")

#: What the stand-in LMSs know the site by: API credentials by slug of the backend.
CREDENTIALS = {
    "campus": {"oauth2_client_id": "cms-client", "oauth2_client_secret": "cms-secret"},
    "moodle": {"token": "0123456789abcdef0123456789abcdef"},
}

#: Backends whose LMS signs with a secret of its own, by slug, and the secret's name. The others use the site's.
SYNC_SECRETS = {"joanie": "demonstration"}


class DemoUser(NamedTuple):
    """A login whose password is its name."""

    name: str
    groups: tuple[str, ...] = ()
    is_superuser: bool = False


USERS = (
    DemoUser("admin", is_superuser=True),
    DemoUser("editor", ("Course editors", "LMS administrators")),
    DemoUser("publisher", ("Course publishers",)),
    DemoUser("learner"),
)


class DemoPage(NamedTuple):
    """What a course's page says in one language, the language of the site first."""

    language: str
    title: str
    description: str
    body: list[tuple[str, str]]


class DemoCourse(NamedTuple):
    """A course of the catalogue and its pages, one a language."""

    key: CourseKey
    title: str
    pages: list[DemoPage]


class DemoIndex(NamedTuple):
    """The catalogue's own page in one language."""

    language: str
    title: str
    introduction: str
    description: str


def read(name: str) -> Any:
    """Return a file of the data."""
    return json.loads((DATA / name).read_text(encoding="utf-8"))


def escape_url(url: str) -> str:
    """Return a pattern for an address. Not ``re.escape``: it escapes hyphens, which JavaScript refuses."""
    return re.sub(r"([.\[\]])", r"\\\1", url)


def demo_backends(lms_url: str, moodle_url: str) -> list[dict[str, Any]]:
    """Return the fields of each LMS backend, in order, for LMSs at addresses without trailing slash."""
    courses = f"^{escape_url(lms_url)}/courses/"
    partners = "|".join(PARTNERS)
    openedx = {
        "base_url": lms_url,
        "backend": "cms_lms.backends.openedx.OpenEdXBackend",
        "js_backend": "openedx-hawthorn",
    }
    partner_link = f"{lms_url}/courses/course-v1:DelftX+CTB3365DWx+1T2027/info"
    campus_links = [
        f"{lms_url}/courses/course-v1:edX+DemoX+2027_T1/info",
        f"{lms_url}/courses/ccx-v1:HarvardX+CS50+X+ccx@7/info",
        f"{lms_url}/courses/MITx/6.002x/2012_Fall/info",
    ]
    joanie = "https://joanie.example.com"
    return [
        {
            **openedx,
            "name": "Partners",
            "slug": "partners",
            "course_regex": (
                rf"{courses}(?P<course_id>course-v1:(?:{partners})\+[^/+]+\+[^/+]+)/(?:info|about|course)/?$"
            ),
            "default_sync_mode": SyncMode.TO_DRAFT,
            "draft_mail": DraftMail.DAILY,
            "sample_urls": [partner_link],
            "rejected_urls": [campus_links[0]],
        },
        {
            **openedx,
            "name": "Campus",
            "slug": "campus",
            "course_regex": (
                rf"{courses}(?P<course_id>(?:course|ccx)-v1:[^/]+|[^/:]+/[^/]+/[^/]+)/(?:info|about|course)/?$"
            ),
            "default_sync_mode": SyncMode.TO_PUBLIC,
            "shows_session": True,
            "sample_urls": campus_links,
            "rejected_urls": [f"{lms_url}/dashboard"],
        },
        {
            "name": "Joanie",
            "slug": "joanie",
            "base_url": joanie,
            "backend": "cms_lms.backends.joanie.JoanieBackend",
            "course_regex": (
                r"^https://joanie\.example\.com/api/v1\.0/"
                r"(?P<resource_type>course-runs|products)/(?P<resource_id>[^/]+)/?$"
            ),
            "default_sync_mode": SyncMode.TO_PUBLIC,
            "sample_urls": [
                f"{joanie}/api/v1.0/course-runs/7f2c9f3e-1c1b-4c63-9d0c-5f4d8a0b9a11/",
                f"{joanie}/api/v1.0/products/0d5e1a52-3a0e-4f0e-9a55-8f4e0d6a4b11/",
            ],
            "rejected_urls": [f"{joanie}/api/v1.0/orders/0d5e1a52-3a0e-4f0e-9a55-8f4e0d6a4b11/"],
        },
        {
            "name": "Moodle campus",
            "slug": "moodle",
            "base_url": moodle_url,
            "backend": "cms_lms.backends.moodle.MoodleBackend",
            "js_backend": "server",
            "shows_session": True,
            "course_regex": rf"^{escape_url(moodle_url)}/course/view\.php\?name=(?P<course_id>[^&#]+)$",
            "default_sync_mode": SyncMode.TO_PUBLIC,
            "sample_urls": [f"{moodle_url}/course/view.php?name=ONLINE-2026"],
            "rejected_urls": [f"{moodle_url}/my/"],
        },
    ]


def demo_courses() -> Iterator[DemoCourse]:
    """Yield each course once, by the key under which all its senders find it."""
    # Joanie names a course by its code alone, so its courses belong to no organisation.
    shared = {normalize_code(payload["course"]) for payload in read("joanie-sync-payload.json")}
    seen: set[str] = {normalize_code(MISSING_COURSE.code)}
    for entry in read("openedx-courses-api.json")["results"]:
        key = parse_course_key(entry["course_id"])
        code = normalize_code(key.code) if key else ""
        is_class_of_another = entry["course_id"].startswith("ccx-v1:")
        if key is None or is_class_of_another or code in seen:
            continue
        seen.add(code)
        organisation = "" if code in shared else key.organisation
        pages = list(_pages(code, key.organisation, entry))
        yield DemoCourse(CourseKey(organisation, key.code), entry["name"], pages)
    for code, title in MOODLE_COURSES.items():
        pages = list(_pages(code, "Moodle campus", {"name": title, "pacing": "self"}))
        yield DemoCourse(CourseKey("", code), title, pages)


def demo_indexes() -> Iterator[DemoIndex]:
    """Yield the catalogue's page in each language, that of the site first."""
    for language, texts in read("texts.json").items():
        index = texts["index"]
        yield DemoIndex(language, index["title"], f"<p>{index['introduction']}</p>", index["description"])


def _pages(code: str, organisation: str, entry: dict[str, Any]) -> Iterator[DemoPage]:
    """Yield the page of a course in the site's language, then in those into which it is translated."""
    for language, texts in read("texts.json").items():
        course = texts["courses"].get(code)
        if course is None and language != "en":
            continue
        title = course["title"] if course else entry["name"]
        body = [("paragraph", f"<p>{course['about']}</p>")] if course else []
        taught = texts["taught"].format(organisation=organisation, pacing=texts[entry["pacing"]])
        body += [
            ("paragraph", f"<p>{taught}</p>"),
            ("heading", texts["heading"]),
            ("paragraph", f"<p>{texts['how']}</p>"),
        ]
        yield DemoPage(language, title, texts["description"].format(title=title, organisation=organisation), body)


def demo_deliveries(lms_url: str, moodle_url: str) -> Iterator[tuple[list[str], bytes]]:
    """Yield what the LMSs post: the resource links of a call, and its body as the sender writes it."""
    payloads = [*read("openedx-sync-payloads.json"), *read("moodle-sync-payloads.json")]
    for payload in payloads:
        link = payload["resource_link"].replace(DATA_LMS_URL, lms_url, 1)
        payload["resource_link"] = link.replace(DATA_MOODLE_URL, moodle_url, 1)
        yield [payload["resource_link"]], json.dumps(payload).encode()
    runs = read("joanie-sync-payload.json")
    yield [run["resource_link"] for run in runs], json.dumps(runs).encode()
