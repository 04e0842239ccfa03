"""Addresses and fields that no browser would send: not found or refused, never a server error."""

from __future__ import annotations

import pytest
from django.urls import reverse

from cms_lms.models import Course, CourseRun, LMSBackend
from tests.admin.browsing import errors, submit, url
from tests.factories import make_backend, make_course, make_run

pytestmark = pytest.mark.django_db

MODELS = (Course, CourseRun, LMSBackend)
RUBBISH = ("", "abc", "\x00", "-1", "1.5", "9" * 40, "²", "😀", "'\"<script>", "\u202e", "a" * 3000)

LISTINGS = [
    (url(CourseRun, "list"), ["p", "ordering", "q", "matched_backend", "course", "state", "sync_mode", "status"]),
    (url(Course, "list"), ["p", "ordering", "q", "organisation", "has_runs"]),
    (url(LMSBackend, "list"), ["p", "ordering", "q", "backend", "js_backend", "is_enabled", "default_sync_mode"]),
    (reverse("syncdelivery:index"), ["p", "ordering", "q", "status_code", "backend", "outcome"]),
]


def chooser(model: type, view: str) -> str:
    return reverse(model.snippet_viewset.chooser_viewset.get_url_name(view))


@pytest.fixture
def records(db) -> CourseRun:
    make_backend()
    return make_run(course=make_course(title="Bread"))


@pytest.mark.parametrize(("address", "names"), LISTINGS)
def test_query_of_a_listing(root, records, address, names):
    for name in names:
        for value in RUBBISH:
            # A page that does not exist is not found; everything else is ignored or finds nothing.
            assert root.get(address, {name: value}).status_code in ({200, 404} if name == "p" else {200})


@pytest.mark.parametrize("action", ["delete", "sync_mode"])
@pytest.mark.parametrize("value", [value for value in RUBBISH if value])
def test_ids_of_a_bulk_action(root, records, action, value):
    address = reverse("wagtail_bulk_action", args=["cms_lms", "courserun", action])
    assert root.get(address, {"id": value}).status_code == 404
    assert root.get(address, {"id": [value, records.pk]}).status_code == 200


@pytest.mark.parametrize("model", [CourseRun, LMSBackend])
@pytest.mark.parametrize("pk", ["abc", "\x00", "9" * 40, "0"])
def test_id_of_a_comparison(root, records, model, pk):
    assert root.get(url(model, "revisions_compare", pk, "live", "latest")).status_code == 404


@pytest.mark.parametrize("model", MODELS)
def test_the_chooser(root, records, model):
    for value in RUBBISH:
        assert root.get(chooser(model, "choose"), {"q": value}).status_code == 200
        assert root.get(chooser(model, "choose_results"), {"q": value}).status_code == 200
        assert root.get(chooser(model, "chosen_multiple"), {"id": value}).status_code == 200


def test_the_chooser_finds_parts_of_words(root, records):
    make_course(title="Water")
    results = root.get(chooser(Course, "choose_results"), {"q": "rea bre"}).content.decode()
    assert "Bread" in results
    assert "Water" not in results


@pytest.mark.parametrize("value", [value for value in RUBBISH if value])
def test_a_course_that_is_none(root, value):
    response = submit(root, url(CourseRun, "add"), {"course": value, "resource_link": "https://lms.example.com/a"})
    assert response.status_code == 200
    assert "course" in errors(response)


@pytest.mark.parametrize("model", MODELS)
@pytest.mark.parametrize("method", ["get", "post"])
def test_creating_in_a_chooser(root, model, method):
    """The dialogue offers it for none of them."""
    assert getattr(root, method)(chooser(model, "create"), {"name": "x"}).status_code == 404
