"""The runs of real LMSs, as the stock senders post them, land rightly in both modes."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

import cms_lms.site
from cms_lms.models import CourseRun, SyncDelivery
from tests.factories import make_backend, make_course

pytestmark = pytest.mark.django_db

DATA = Path(cms_lms.site.__file__).parent / "data"
PAYLOADS = json.loads((DATA / "openedx-sync-payloads.json").read_text())
COURSES = json.loads((DATA / "openedx-courses-api.json").read_text())["results"]
LEFT_OUT = "T201"
LEFT_OUT_KEY = "TX+T201+3T2015"


@pytest.fixture
def catalogue(db):
    """All courses of the LMS but one."""
    for course in {(course["org"], course["number"]): course for course in COURSES}.values():
        if course["number"] != LEFT_OUT:
            make_course(code=course["number"], organisation=course["org"], title=course["name"])


@pytest.fixture(params=["sync_to_public", "sync_to_draft"])
def mode(request, catalogue):
    """A backend in either mode."""
    make_backend(default_sync_mode=request.param)
    return request.param


def run_of(part: str) -> CourseRun:
    """Return the run whose key contains a part."""
    return CourseRun.objects.get(resource_link__contains=part)


def test_every_run_of_a_known_course_lands_and_the_others_are_refused_with_the_reason(mode, post):
    for payload in PAYLOADS:
        response = post(payload)
        if LEFT_OUT_KEY in payload["resource_link"]:
            assert response.json() == {"resource_link": [f"Unknown course: {LEFT_OUT}."]}
        else:
            assert response.json() == {"success": True}, payload

    assert CourseRun.objects.count() == len(PAYLOADS) - 1
    assert SyncDelivery.objects.count() == len(PAYLOADS)
    assert LEFT_OUT in SyncDelivery.objects.get(status_code=400).items[0]["reason"]
    is_public = mode == "sync_to_public"
    assert set(CourseRun.objects.values_list("live", "has_unpublished_changes")) == {(is_public, not is_public)}

    assert run_of("MITx/6.002x/2012_Fall").course.code == "6002X"
    assert run_of("ccx-v1").course == run_of("course-v1:HarvardX+CS50").course
    assert run_of("ULisboa").languages == ["pt"]
    assert run_of("TsinghuaX").languages == ["zh-hans"]
    assert run_of("Sorbonne").course.title.startswith("Mathématiques")
    assert run_of("KyotoUx+000x+3T2016").catalog_visibility == "hidden"
    unscheduled = run_of("DelftX+CTB3365DWx+TBA")
    assert (unscheduled.start, unscheduled.end) == (None, None)


def test_all_in_one_list_and_again(mode, post):
    first, second = post(PAYLOADS), post(PAYLOADS)

    assert (first.status_code, second.status_code) == (400, 400)
    assert first["Sync-Outcome"].startswith(f"created={len(PAYLOADS) - 1}, updated=0")
    assert f"unchanged={len(PAYLOADS) - 1}, ignored=0, refused=1" in second["Sync-Outcome"]


def test_joanies_list(catalogue, post):
    make_backend(
        backend="cms_lms.backends.joanie.JoanieBackend",
        base_url="https://joanie.example.com",
        course_regex=r"^https://joanie\.example\.com/api/v1\.0/(?P<resource_uri>course-runs/[^/]+)/?$",
        js_backend="",
    )
    payload = json.loads((DATA / "joanie-sync-payload.json").read_text())

    response = post(payload)

    assert response.status_code == 200, response.content
    run = CourseRun.objects.get()
    assert (run.course.code, run.languages) == ("DEMOX", ["en", "fr"])
    assert (str(run.price), run.offer, run.discount, run.enrollment_count) == ("59.99", "paid", "-10%", 0)
    assert run.enrollment_end.microsecond == 500000
