"""The log of deliveries in the admin."""

from __future__ import annotations

import json
from datetime import UTC, datetime

import pytest
from django.urls import reverse

from cms_lms.models import CourseRun, SyncDelivery
from tests.admin.browsing import soup, url
from tests.factories import make_backend, make_run

pytestmark = pytest.mark.django_db

LIST = reverse("syncdelivery:index")


def make_delivery(**fields) -> SyncDelivery:
    values = {
        "received_at": datetime(2024, 6, 15, 12, tzinfo=UTC),
        "remote_address": "192.0.2.1",
        "secret_name": "secret 1",
        "status_code": 200,
        "duration_ms": 12,
        "response": {"success": True},
        **fields,
    }
    return SyncDelivery.objects.create(**values)


def found(response):
    return [delivery.pk for delivery in response.context["object_list"]]


def test_list(administrator):
    delivery = make_delivery(backend=make_backend(name="Campus"), created_count=3, refused_count=1)
    text = soup(administrator.get(LIST)).select_one("table.listing tbody tr").get_text(" ", strip=True)
    for expected in ("2024-06-15 12:00:00", "192.0.2.1", "secret 1", "Campus", "Created: 3, Refused: 1", "200", "12"):
        assert expected in text
    assert soup(administrator.get(LIST)).select_one(f'a[href="{reverse("syncdelivery:inspect", args=[delivery.pk])}"]')


def test_latest_first_filters_and_search(administrator):
    backend = make_backend()
    old = make_delivery(status_code=400, payload='{"resource_link": "https://lms.example.com/caf\\u00e9/1"}')
    new = make_delivery(received_at=datetime(2024, 6, 16, tzinfo=UTC), backend=backend, created_count=1)
    for query, expected in [
        ({}, [new.pk, old.pk]),
        ({"status_code": "400"}, [old.pk]),
        ({"backend": backend.pk}, [new.pk]),
        ({"backend": "none"}, [old.pk]),
        ({"outcome": "created"}, [new.pk]),
        ({"outcome": "refused"}, []),
        ({"q": "example.com/caf"}, [old.pk]),
        ({"q": "café/1"}, [old.pk]),
        ({"q": "elsewhere"}, []),
    ]:
        assert found(administrator.get(LIST, query)) == expected, query


def test_inspect(administrator, root):
    run = make_run()
    items = [
        {
            "resource_link": run.resource_link,
            "outcome": "updated",
            "backend": "campus",
            "run": run.pk,
            "reason": "",
            "changes": {"start": ["2024-01-01", "2024-02-01"], "gone": [None, "<b>"]},
        },
        {"resource_link": None, "outcome": "refused", "reason": "There is no course “CS101”."},
    ]
    payload = json.dumps({"resource_link": run.resource_link, "title": "Été"})
    delivery = make_delivery(payload=payload, items=items)
    address = reverse("syncdelivery:inspect", args=[delivery.pk])
    page = administrator.get(address)
    text = " ".join(soup(page).get_text().split())
    for expected in (
        "Updated",
        "Course start: 2024-01-01 → 2024-02-01",
        "gone: – → <b>",
        "Refused",
        "no course “CS101”",
    ):
        assert expected in text
    assert '"title": "Été"' in text
    edit = url(CourseRun, "edit", run.pk)
    assert edit not in page.content.decode()
    assert edit in root.get(address).content.decode()
    run.delete()
    assert edit not in root.get(address).content.decode()


@pytest.mark.parametrize("payload", ["", "{", "[" * 100_000, "null", "<script>alert(1)</script>", "9" * 5000])
def test_inspect_rubbish(administrator, payload):
    delivery = make_delivery(payload=payload)
    page = administrator.get(reverse("syncdelivery:inspect", args=[delivery.pk]))
    assert page.status_code == 200
    assert b"<script>alert(1)" not in page.content


def test_number_of_queries(administrator, django_assert_max_num_queries):
    for _ in range(5):
        make_delivery(backend=make_backend())
    administrator.get(LIST)
    with django_assert_max_num_queries(12):
        administrator.get(LIST)


def test_nobody_changes_anything(root):
    delivery = make_delivery()
    for view, args in [("add", []), ("edit", [delivery.pk]), ("delete", [delivery.pk])]:
        for method in (root.get, root.post):
            assert method(reverse(f"syncdelivery:{view}", args=args)).status_code == 302
    assert SyncDelivery.objects.get() == delivery
    assert not soup(root.get(LIST)).select(f'a[href="{reverse("syncdelivery:add")}"]')
