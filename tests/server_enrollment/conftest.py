"""A Moodle that browsers cannot call, a run of it that is open whenever a test runs, and a learner of this site."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import pytest
from django.contrib.auth import get_user_model
from django.core.cache import cache
from django.utils import timezone

from cms_lms.encryption import Secret
from cms_lms.models import BackendCredential, CourseRun, LMSBackend
from tests.catalog.makers import make_course_page
from tests.factories import make_backend, make_course, make_run
from tests.fake_moodle import FakeMoodle

MOODLE = "cms_lms.backends.moodle.MoodleBackend"
API = "/api/v1.0/enrollments/"

#: Open whenever the test runs.
DATES = {
    "start": datetime(2001, 1, 1, tzinfo=UTC),
    "end": datetime(2999, 1, 1, tzinfo=UTC),
    "enrollment_start": datetime(2000, 1, 1, tzinfo=UTC),
    "enrollment_end": datetime(2998, 1, 1, tzinfo=UTC),
}


@pytest.fixture(autouse=True)
def _site(settings):
    """Loopback may be called, nothing has been counted yet, and the time of one test is one test's."""
    cache.clear()
    settings.LOGIN_URL = "/login/"
    settings.CMS_LMS_ALLOW_INSECURE_URLS = True
    settings.CMS_LMS_PRIVATE_NETWORKS = ["127.0.0.0/8", "::1/128"]


@pytest.fixture
def naps(monkeypatch) -> list[float]:
    """Let nobody sleep between two tries; return for how long one would have."""
    naps: list[float] = []
    monkeypatch.setattr("cms_lms.enrollment.enrolling.time.sleep", naps.append)
    return naps


@pytest.fixture
def moodle() -> Iterator[FakeMoodle]:
    with FakeMoodle() as moodle:
        yield moodle


def make_moodle_backend(moodle: FakeMoodle, **fields: Any) -> LMSBackend:
    """Save a backend for the Moodle, whose learners enroll through this site's server."""
    backend = make_backend(
        **{
            "name": "Moodle campus",
            "base_url": moodle.url,
            "backend": MOODLE,
            "js_backend": "server",
            "course_regex": rf"^{re.escape(moodle.url)}/course/view\.php\?id=(?P<course_id>\d+)$",
            **fields,
        }
    )
    now = timezone.now()
    BackendCredential.objects.store(backend, "token", Secret(moodle.state.token.token), now=now)
    return backend


@pytest.fixture
def backend(moodle, db) -> LMSBackend:
    return make_moodle_backend(moodle)


@pytest.fixture
def run(backend, moodle) -> CourseRun:
    """A public run of the Moodle's course."""
    run = make_run(course=make_course(), resource_link=f"{moodle.url}/course/view.php?id=2", **DATES)
    make_course_page(run.course)
    return run


@pytest.fixture
def learner(db) -> Any:
    """A user of this site whom the Moodle knows by the same username."""
    return get_user_model().objects.create_user(
        "learner", "learner@example.com", "learner", first_name="Lena", last_name="Learner"
    )


@pytest.fixture
def api(client, learner, run):
    """Call the API as the learner."""
    client.force_login(learner)

    def api(method: str = "get", path: object = None, **options: Any):
        response = getattr(client, method)(f"{API}{run.pk if path is None else path}", **options)
        assert response["Cache-Control"] == "private, no-store"
        return response

    return api
