"""The demonstration's site and the fake LMS, side by side, and a real browser to walk through both."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import UTC, datetime

import pytest
from playwright.sync_api import Browser, Page

from cms_lms.models import Course, CourseRun
from cms_lms.site.management.commands.seed_demo import Command as SeedDemo
from tests.chromium import open_chromium
from tests.factories import make_backend, make_run
from tests.fake_lms import FakeLMS
from tests.pictures import take_picture

#: The run that learners enroll in, and the page of its course.
KEY = "course-v1:edX+DemoX+2027_T1"
COURSE_PAGE = "/edx-demonstration-course/"

#: Open whenever the test runs.
DATES = {
    "start": datetime(2001, 1, 1, tzinfo=UTC),
    "end": datetime(2999, 1, 1, tzinfo=UTC),
    "enrollment_start": datetime(2000, 1, 1, tzinfo=UTC),
    "enrollment_end": datetime(2998, 1, 1, tzinfo=UTC),
}


@pytest.fixture
def lms(live_server, settings) -> Iterator[FakeLMS]:
    """The fake LMS, which posts to the site and lets its pages call it."""
    settings.CMS_LMS_ALLOW_INSECURE_URLS = True
    with FakeLMS(cms_url=live_server.url, secret=settings.CMS_LMS_SYNC_SECRETS[0]) as lms:
        yield lms


@pytest.fixture
def catalogue(lms, live_server) -> None:
    """The demonstration's people, courses and pages; no LMS backend and no run yet."""
    seed = SeedDemo()
    seed.seed_users()
    seed.seed_courses()


@pytest.fixture
def open_run(catalogue, lms) -> CourseRun:
    """A run that anybody may enroll in, on the site and on its LMS."""
    make_backend(
        name="Campus",
        base_url=lms.url,
        course_regex=rf"^{re.escape(lms.url)}/courses/(?P<course_id>[^/]+)/info$",
    )
    lms.state.update_run(KEY, **{name: date.isoformat() for name, date in DATES.items()})
    course = Course.objects.for_code("DemoX").get()
    return make_run(course=course, resource_link=f"{lms.url}/courses/{KEY}/info", **DATES)


@pytest.fixture
def browser(catalogue) -> Iterator[Browser]:
    """Chromium, started after the database is prepared: while it runs, Django refuses to use that."""
    with open_chromium() as browser:
        yield browser


@pytest.fixture
def new_page(browser, live_server):
    """Return a maker of pages, each of another person, on which no script may fail."""
    errors: list[str] = []

    def new_page() -> Page:
        context = browser.new_context(
            base_url=live_server.url, locale="en-GB", timezone_id="UTC", viewport={"width": 1280, "height": 900}
        )
        page = context.new_page()
        page.set_default_timeout(15_000)
        page.on("pageerror", lambda error: errors.append(str(error)))
        return page

    yield new_page
    assert errors == []


@pytest.fixture
def picture():
    """Return the function that takes a picture of a page, if pictures are wanted."""
    return take_picture
