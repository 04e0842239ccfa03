"""The catalogue that is measured: courses with ten runs and a page each."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import uuid4

from django.contrib.contenttypes.models import ContentType
from django.db import connection
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


#: Courses that are made by one statement of each kind.
CHUNK = 1000

BODY = [("paragraph", "<p>What the course is about.</p>")]


def extend_catalogue(courses: int) -> None:
    """Add courses until there are this many, and let the database look at what it has now."""
    known = Course.objects.filter(code__startswith="DEMO").count()
    for first in range(known, courses, CHUNK):
        codes = [course_code(number) for number in range(first, min(first + CHUNK, courses))]
        made = [Course(code=code, title=f"Course {code}") for code in codes]
        Course.objects.bulk_create(made)
        CourseRun.objects.bulk_create(
            (run for course in made for run in make_runs(course, RUNS_PER_COURSE)), batch_size=CHUNK
        )
        make_pages(made)
    analyze()


def make_runs(course: Course, runs: int) -> list[CourseRun]:
    """Return live runs that are not stored yet, some of each state."""
    links = [resource_link(course.code, f"R{number}") for number in range(runs)]
    return [
        CourseRun(
            course=course,
            resource_link=link,
            resource_key=resource_key(link),
            sync_mode=SyncMode.TO_PUBLIC,
            live=True,
            languages=["en"],
            start=START + timedelta(days=365 * (number % 12)),
            end=START + timedelta(days=365 * (number % 12) + 90),
            enrollment_start=START + timedelta(days=365 * (number % 12) - 60),
            enrollment_end=START + timedelta(days=365 * (number % 12) + 30),
        )
        for number, link in enumerate(links)
    ]


def make_pages(courses: list[Course]) -> None:
    """Store a live page for each course, a thousand times as quickly as editors would: the tree's paths by hand."""
    index = index_page()
    slugs = {slugify(course.code): course for course in courses}
    Page.objects.bulk_create(
        Page(
            path=Page._get_path(index.path, index.depth + 1, index.numchild + number),
            depth=index.depth + 1,
            title=course.title,
            draft_title=course.title,
            slug=slug,
            url_path=f"{index.url_path}{slug}/",
            content_type=ContentType.objects.get_for_model(CoursePage),
            locale=index.locale,
            live=True,
        )
        for number, (slug, course) in enumerate(slugs.items(), 1)
    )
    Page.objects.filter(pk=index.pk).update(numchild=index.numchild + len(slugs))
    body = json.dumps([{"type": kind, "value": value, "id": str(uuid4())} for kind, value in BODY])
    with connection.cursor() as cursor:
        cursor.executemany(
            f"INSERT INTO {CoursePage._meta.db_table} (page_ptr_id, course_id, body) VALUES (%s, %s, %s)",  # noqa: S608
            [
                (pk, slugs[slug].pk, body)
                for pk, slug in Page.objects.child_of(index).filter(slug__in=slugs).values_list("pk", "slug")
            ],
        )


def analyze() -> None:
    """Give the database figures about its tables, as its own housekeeping does before long."""
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE")


def make_course_page(code: str, runs: int) -> CoursePage:
    """Make a course with live runs, and a live page for it."""
    course = Course.objects.create(code=code, title=f"Course {code}")
    CourseRun.objects.bulk_create(make_runs(course, runs))
    return index_page().add_child(
        instance=CoursePage(
            title=course.title, slug=slugify(code), course=course, body=BODY, locale=Locale.get_default()
        )
    )


def index_page() -> CourseIndexPage:
    """Return the page above all course pages."""
    found = CourseIndexPage.objects.first()
    if found is not None:
        return found
    home = Page.objects.get(depth=2)
    return home.add_child(instance=CourseIndexPage(title="Courses", slug="courses", locale=home.locale))
