"""The read API: the contract "Read" of the wire protocol."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone
from decimal import Decimal
from urllib.parse import quote

import pytest
from rest_framework.versioning import URLPathVersioning
from rest_framework.views import APIView

from cms_lms.models import CourseRun
from cms_lms.runs.fields import SYNCED_FIELDS, CatalogVisibility
from tests.catalog.makers import make_course_page
from tests.factories import make_course, make_run

pytestmark = pytest.mark.django_db

LIST = "/api/v1.0/course-runs/"


@pytest.fixture
def run() -> CourseRun:
    """Return a public run."""
    run = make_run()
    make_course_page(run.course)
    return run


def links(response) -> set[str]:
    """Return the links of a page of the list."""
    assert response.status_code == 200
    return {item["resource_link"] for item in response.json()["results"]}


def test_a_run_is_what_its_sender_posted_and_its_state(client):
    run = make_run(
        title="Spring",
        resource_link="https://joanie.example.com/api/v1.0/course-runs/7f2c9f3e/",
        start=datetime(2024, 3, 1, 9, 30, 0, 123456, tzinfo=timezone(timedelta(hours=2))),
        end=None,
        enrollment_start=datetime(2024, 1, 1, 9, tzinfo=UTC),
        enrollment_end=None,
        languages=["en", "fr"],
        price=Decimal("59.99"),
        offer="paid",
        discounted_price=Decimal("50"),
        discount="-10%",
    )
    CourseRun.objects.update(enrollment_count=42)
    make_course_page(run.course)

    assert client.get(f"{LIST}{run.pk}/").json() == {
        "id": run.pk,
        "title": "Spring",
        "resource_link": "https://joanie.example.com/api/v1.0/course-runs/7f2c9f3e/",
        "start": "2024-03-01T07:30:00.123456Z",
        "end": None,
        "enrollment_start": "2024-01-01T09:00:00Z",
        "enrollment_end": None,
        "languages": ["en", "fr"],
        "catalog_visibility": "course_and_search",
        "price": "59.99",
        "price_currency": "EUR",
        "offer": "paid",
        "certificate_price": None,
        "certificate_offer": None,
        "discounted_price": "50.00",
        "discount": "-10%",
        "certificate_discounted_price": None,
        "certificate_discount": None,
        "enrollment_count": 42,
        "state": {"priority": 0, "datetime": None, "call_to_action": "enroll now", "text": "forever open"},
    }


def test_the_dates_are_in_utc_wherever_the_site_stands(client, settings, run):
    settings.TIME_ZONE = "America/Lima"
    start = datetime(2099, 3, 1, tzinfo=UTC)
    CourseRun.objects.update(start=start, end=datetime(9999, 12, 31, 23, tzinfo=UTC), enrollment_end=None)
    body = client.get(f"{LIST}{run.pk}/").json()

    assert body["start"] == "2099-03-01T00:00:00Z"
    assert body["end"] == "9999-12-31T23:00:00Z"
    assert body["state"]["datetime"] == "2099-03-01T00:00:00Z"
    assert body["state"]["text"] == "starting on"


def test_the_words_of_the_state_are_english_in_every_language(client, run):
    body = client.get(f"{LIST}{run.pk}/", headers={"Accept-Language": "fr"}).json()

    assert body["state"]["text"] == "archived"


def test_every_field_of_the_payload_is_there(client, run):
    assert set(client.get(f"{LIST}{run.pk}/").json()) == {"id", "title", "state", *SYNCED_FIELDS}


def test_what_the_public_sees_is_read_not_the_draft(client, run):
    run.title = "Draft"
    run.save_revision()

    assert client.get(f"{LIST}{run.pk}/").json()["title"] == ""


class TestWhatIsNotPublic:
    """A run that the public cannot see is not found, neither alone nor in the list."""

    def assert_absent(self, client, run: CourseRun) -> None:
        assert client.get(f"{LIST}{run.pk}/").status_code == 404
        assert links(client.get(LIST)) == set()

    def test_a_draft(self, client, admin_client):
        run = make_run(live=False)
        make_course_page(run.course)
        self.assert_absent(client, run)
        self.assert_absent(admin_client, run)

    def test_a_hidden_run(self, client):
        run = make_run(catalog_visibility=CatalogVisibility.HIDDEN)
        make_course_page(run.course)
        self.assert_absent(client, run)

    def test_a_run_without_a_live_page(self, client):
        run = make_run()
        make_course_page(run.course, live=False)
        self.assert_absent(client, run)


class TestList:
    """The list and its filters."""

    def test_it_is_paginated(self, client, run):
        for _ in range(4):
            make_run(course=run.course)
        first = client.get(LIST, {"page_size": 3}).json()
        second = client.get(first["next"]).json()

        assert (first["count"], len(first["results"]), len(second["results"])) == (5, 3, 2)
        assert second["next"] is None

    def test_a_link_is_found_however_it_is_written(self, client, run):
        other = make_run(course=run.course)
        variant = run.resource_link.replace("https://lms", "http://LMS") + "/"

        assert links(client.get(LIST, {"resource_link": variant})) == {run.resource_link}
        assert links(client.get(LIST)) == {run.resource_link, other.resource_link}

    def test_a_course_is_found_however_its_code_is_written(self, client, run):
        make_course_page(make_run(course=make_course(code="Other")).course)

        assert links(client.get(LIST, {"course": "demox"})) == {run.resource_link}
        assert links(client.get(LIST, {"course": "nothing"})) == set()

    def test_queries_do_not_grow_with_the_list(self, client, run, django_assert_max_num_queries):
        for _ in range(9):
            make_run(course=run.course)
        with django_assert_max_num_queries(2):
            assert len(links(client.get(LIST))) == 10


@pytest.mark.parametrize("method", ["post", "put", "patch", "delete"])
@pytest.mark.parametrize("path", [LIST, "{run.pk}"])
def test_nobody_writes(client, admin_client, run, method, path):
    path = path if path == LIST else f"{LIST}{run.pk}/"
    for user in (client, admin_client):
        response = getattr(user, method)(path, b"{", content_type="application/json")

        assert response.status_code == 405
        assert response["Content-Type"] == "application/json"
    assert CourseRun.objects.count() == 1


@pytest.mark.parametrize("run_id", ["0", "9" * 19, "9" * 400, "-1", "1.0", "abc", "٣", "%00", "1%00", "%ED%A0%80", "²"])
def test_a_rubbish_id_is_not_found(client, run_id):
    response = client.get(f"{LIST}{run_id}/")

    assert response.status_code == 404
    assert response["Content-Type"] == "application/json"


@pytest.mark.parametrize("name", ["resource_link", "course", "page", "page_size"])
@pytest.mark.parametrize(
    "value",
    ["\x00", "https://lms.example.com/\x00", "9" * 5000, "%ED%A0%80", "[::1]junk", "https://[", "' OR 1=1", "-1"],
)
def test_rubbish_in_the_query_never_breaks_the_list(client, run, name, value):
    raw = value if value.startswith("%") else quote(value)
    response = client.get(f"{LIST}?{name}={raw}")

    assert response.status_code in (200, 404)
    if name in ("resource_link", "course"):
        assert links(response) == set()


def test_the_slash_is_optional_and_other_versions_do_not_exist(client, run):
    assert client.get(LIST.rstrip("/")).status_code == 200
    assert client.get(f"{LIST}{run.pk}").status_code == 200
    assert client.get("/api/v2.0/course-runs/").status_code == 404


def test_the_versioning_of_a_site_s_own_api_does_not_apply(client, run, monkeypatch):
    class SiteVersioning(URLPathVersioning):
        allowed_versions = ("2.0",)

    monkeypatch.setattr(APIView, "versioning_class", SiteVersioning)

    assert client.get(LIST).status_code == 200
    assert client.get(f"{LIST}{run.pk}/").status_code == 200
