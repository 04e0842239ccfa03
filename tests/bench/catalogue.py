"""The catalogue that is measured: courses with ten runs and a page each."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

from django.utils.text import slugify
from wagtail.models import Locale, Page

from cms_lms.catalog.models import CourseIndexPage, CoursePage
from cms_lms.models import Course, CourseRun
from cms_lms.patterns.urls import resource_key
from cms_lms.runs.fields import SyncMode
from tests.bench.selection import host

RUNS_PER_COURSE = 10

START = datetime(2024, 3, 1, 9, tzinfo=UTC)


def course_code(number: int) -> str:
    """Return the code of a course of the catalogue."""
    return f"DEMO{number}X"


def resource_link(code: str, run: str) -> str:
    """Return the link of a run on the LMS that the catalogue's runs are from."""
    return f"https://{host(0)}/courses/course-v1:edX+{code}+{run}/info"


def make_payload(code: str, run: str, change: int = 0) -> dict[str, Any]:
    """Return what Open edX sends of a run after so many changes."""
    return {
        "resource_link": resource_link(code, run),
        "start": (START + timedelta(minutes=change)).isoformat(),
        "end": "2034-06-01T09:00:00+00:00",
        "enrollment_start": "2024-01-01T09:00:00+00:00",
        "enrollment_end": "2034-05-01T09:00:00+00:00",
        "languages": ["en"],
        "enrollment_count": change,
        "catalog_visibility": "both",
    }


def extend_catalogue(courses: int) -> None:
    """Add courses until there are this many."""
    known = Course.objects.filter(code__startswith="DEMO").count()
    for number in range(known, courses):
        make_course_page(course_code(number), RUNS_PER_COURSE)


def make_course_page(code: str, runs: int) -> CoursePage:
    """Make a course with live runs, and a live page for it."""
    course = Course.objects.create(code=code, title=f"Course {code}")
    links = [resource_link(code, f"R{number}") for number in range(runs)]
    CourseRun.objects.bulk_create(
        CourseRun(
            course=course,
            resource_link=link,
            resource_key=resource_key(link),
            sync_mode=SyncMode.TO_PUBLIC,
            live=True,
            languages=["en"],
            # Some of each state.
            start=START + timedelta(days=365 * (number % 12)),
            end=START + timedelta(days=365 * (number % 12) + 90),
            enrollment_start=START + timedelta(days=365 * (number % 12) - 60),
            enrollment_end=START + timedelta(days=365 * (number % 12) + 30),
        )
        for number, link in enumerate(links)
    )
    body = [("paragraph", "<p>What the course is about.</p>")]
    return index_page().add_child(
        instance=CoursePage(
            title=course.title, slug=slugify(code), course=course, body=body, locale=Locale.get_default()
        )
    )


def index_page() -> CourseIndexPage:
    """Return the page above all course pages."""
    found = CourseIndexPage.objects.first()
    if found is not None:
        return found
    home = Page.objects.get(depth=2)
    return home.add_child(instance=CourseIndexPage(title="Courses", slug="courses", locale=home.locale))
