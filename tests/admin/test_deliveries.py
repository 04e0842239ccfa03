"""The log of deliveries in the admin."""

from __future__ import annotations

import json
from datetime import UTC, datetime

import pytest
from django.urls import reverse
from wagtail.users.models import UserProfile

from cms_lms.admin import deliveries
from cms_lms.admin.listings import BoundedPaginator
from cms_lms.models import CourseRun, SyncDelivery, SyncDeliveryLink, UnplacedRun
from cms_lms.patterns.urls import resource_key
from cms_lms.sync.signature import sign
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


def test_kinds_and_dates(administrator):
    first = make_delivery()
    interrupted = make_delivery(received_at=datetime(2024, 6, 16, tzinfo=UTC), status_code=None)
    dry_run = make_delivery(received_at=datetime(2024, 6, 17, tzinfo=UTC), is_dry_run=True)
    replay = make_delivery(received_at=datetime(2024, 6, 18, tzinfo=UTC), replay_of=first)
    orphan = make_delivery(received_at=datetime(2024, 6, 19, tzinfo=UTC), replayed_by=administrator.user)
    for query, expected in [
        ({"status_code": "none"}, [interrupted]),
        ({"kind": "call"}, [interrupted, first]),
        ({"kind": "dry_run"}, [dry_run]),
        ({"kind": "replay"}, [orphan, replay]),
        ({"received_at_from": "2024-06-16", "received_at_to": "2024-06-17"}, [dry_run, interrupted]),
        ({"received_at_to": "2024-06-15"}, [first]),
        ({"received_at_from": "rubbish"}, [orphan, replay, dry_run, interrupted, first]),
    ]:
        assert found(administrator.get(LIST, query)) == [delivery.pk for delivery in expected], query
    rows = [row.get_text(" ", strip=True) for row in soup(administrator.get(LIST)).select("table.listing tbody tr")]
    for row, text in zip(rows, ["Replay", "Replay", "Dry run", "In progress or interrupted", "200"], strict=True):
        assert text in row


@pytest.mark.parametrize(
    "typed",
    [
        "https://lms.example.com/courses/course-v1:edX+DemoX+1/info",
        "http://LMS.example.com:80/courses/course-v1%3AedX+DemoX+1/info/",
        "  https://lms.example.com/courses/course-v1:edX+DemoX+1/info ",
    ],
)
def test_a_run_is_found_by_its_link_however_it_is_written(administrator, typed):
    link = "https://lms.example.com/courses/course-v1:edX+DemoX+1/info"
    delivery, other = make_delivery(payload="…"), make_delivery(payload=f'{{"resource_link": "{link}23"}}')
    for _ in range(2):
        SyncDeliveryLink.objects.create(delivery=delivery, resource_key=resource_key(link))
    response = administrator.get(LIST, {"q": typed})
    assert found(response) == [delivery.pk]
    assert "however it is written" in response.content.decode()
    response = administrator.get(LIST, {"q": "https://lms.example.com/courses/"})
    assert found(response) == [other.pk]
    assert "Words are looked for" in response.content.decode()


def test_words_are_looked_for_among_the_latest(administrator, monkeypatch):
    monkeypatch.setattr(deliveries, "SEARCHED", 2)
    old = make_delivery(payload="beginning")
    make_delivery(received_at=datetime(2024, 6, 16, tzinfo=UTC), payload="middle")
    make_delivery(received_at=datetime(2024, 6, 17, tzinfo=UTC), payload="end")
    assert found(administrator.get(LIST, {"q": "beginning"})) == []
    assert found(administrator.get(LIST, {"q": "beginning", "received_at_to": "2024-06-15"})) == [old.pk]
    assert len(found(administrator.get(LIST, {"q": "middle"}))) == 1


def test_counting_ends_somewhere(administrator, monkeypatch):
    monkeypatch.setattr(BoundedPaginator, "limit", 25)
    SyncDelivery.objects.bulk_create(
        SyncDelivery(received_at=datetime(2024, 6, 15, tzinfo=UTC), secret_name="1", status_code=200) for _ in range(26)
    )
    response = administrator.get(LIST, {"p": 2, "status_code": 200})
    assert len(found(response)) == 5
    text = " ".join(soup(response).get_text().split())
    assert "Page 2 of 2" in text
    assert "More than 25 deliveries" in text
    assert "There are more than 25 matches" in text
    SyncDelivery.objects.first().delete()
    text = " ".join(soup(administrator.get(LIST, {"status_code": 200})).get_text().split())
    assert "25 deliveries" in text
    assert "There are 25 matches" in text


def test_secrets_in_payloads_are_not_shown(administrator):
    payload = {
        "resource_link": "https://lms.example.com/x",
        "token": "s3cr3t-1",
        "nested": [{"apiKey": {"deep": "s3cr3t-2"}, "contact": "s3cr3t-3@example.com", "Instructor_Email": "s3cr3t-4"}],
        "languages": ["en"],
    }
    bodies = [json.dumps(payload), json.dumps([[payload]]), f"{json.dumps(payload)}…", "password=s3cr3t-5&a=b"]
    for body in bodies:
        delivery = make_delivery(payload=body, response={"x": {"client_secret": "s3cr3t-6"}})
        text = administrator.get(reverse("syncdelivery:inspect", args=[delivery.pk])).content.decode()
        assert "s3cr3t" not in text, body


def test_inspect(administrator, root):
    run = make_run()
    for client in (administrator, root):
        UserProfile.objects.create(user=client.user, current_time_zone="Asia/Kathmandu")
    items = [
        {
            "resource_link": run.resource_link,
            "outcome": "updated",
            "backend": "campus",
            "run": run.pk,
            "reason": "",
            "changes": {
                "start": ["2024-01-01T23:30:00Z", None],
                "catalog_visibility": ["hidden", "course_only"],
                "gone": [None, "<b>"],
            },
        },
        {"resource_link": None, "outcome": "refused", "reason": "resource_link: Unknown course: CS101."},
    ]
    payload = json.dumps({"resource_link": run.resource_link, "title": "Été"})
    delivery = make_delivery(payload=payload, items=items)
    address = reverse("syncdelivery:inspect", args=[delivery.pk])
    page = administrator.get(address)
    text = " ".join(soup(page).get_text().split())
    for expected in (
        "Updated",
        "Course start: Jan. 2, 2024, 5:15 a.m. → –",
        "Visibility: Hidden → Course page only",
        "gone: – → <b>",
        "The course run was updated.",
        "It was refused. Resource link: Unknown course: CS101.",
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


def test_reasons_are_told_in_the_reader_s_language(administrator):
    UserProfile.objects.create(user=administrator.user, preferred_language="fr")
    item = {"resource_link": "", "outcome": "refused", "reason": "This field is required."}
    page = administrator.get(reverse("syncdelivery:inspect", args=[make_delivery(items=[item]).pk]))
    assert "Ce champ est obligatoire." in page.content.decode()


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


def test_a_refused_run_is_given_a_place_from_its_delivery(root, administrator):
    make_backend()
    body = '{"resource_link": "https://lms.example.com/courses/course-v1:edX+NoX+1/info", "languages": ["en"]}'
    signed = {"Authorization": sign(body.encode(), "SharedSecret")}
    root.post("/api/v1.0/course-runs-sync/", body, content_type="application/json", headers=signed)
    address = reverse("syncdelivery:inspect", args=[SyncDelivery.objects.get().pk])
    group = reverse("lms_unplaced_runs:group", args=[UnplacedRun.objects.get().pk])
    assert soup(root.get(address)).select_one(f'a[href="{group}"]').text == "Give it a place"
    assert not soup(administrator.get(address)).select(f'a[href="{group}"]')
    UnplacedRun.objects.all().delete()
    assert not soup(root.get(address)).select(f'a[href="{group}"]')
