"""Deliveries are replayed from the admin, one or a selection, by those who may."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from urllib.parse import urlencode

import pytest
from django.contrib.auth.models import Group, Permission
from django.urls import reverse

from cms_lms.models import CourseRun, LMSBackend, SyncDelivery
from tests.admin.browsing import messages, soup
from tests.admin.conftest import make_client
from tests.admin.test_deliveries import LIST, make_delivery
from tests.factories import make_backend, make_course

pytestmark = pytest.mark.django_db

LINK = "https://lms.example.com/courses/course-v1:edX+DemoX+1/info"


def replay_url(*deliveries):
    return f"{reverse('syncdelivery:replay')}?{urlencode([('id', delivery.pk) for delivery in deliveries])}"


def page_of(delivery):
    return reverse("syncdelivery:inspect", args=[delivery.pk])


def send(number: int = 1, **fields) -> SyncDelivery:
    payload = {"resource_link": LINK.replace("+1/", f"+{number}/"), "languages": ["en"]}
    return make_delivery(payload=json.dumps(payload), **{"status_code": 400, "refused_count": 1, **fields})


def test_a_refused_delivery_is_applied_once_its_cause_is_mended(administrator):
    make_backend()
    delivery = send()
    page = soup(administrator.get(page_of(delivery)))
    assert page.select(f'a[href="{replay_url(delivery)}"]')
    confirmation = administrator.get(replay_url(delivery))
    assert "Replay 1 delivery?" in soup(confirmation).get_text()
    assert SyncDelivery.objects.count() == 1

    response = administrator.post(replay_url(delivery))
    replay = SyncDelivery.objects.get(replay_of=delivery)
    assert (response.url, replay.refused_count, replay.replayed_by) == (page_of(replay), 1, administrator.user)
    assert "Unknown course: DEMOX." in administrator.get(response.url).content.decode()

    make_course()
    response = administrator.post(replay_url(delivery))
    assert messages(response)[-1] == "1 delivery was replayed: Created: 1."
    assert CourseRun.objects.get().resource_link == LINK
    text = " ".join(soup(administrator.get(response.url)).get_text().split())
    assert "The course run was not known, and was created." in text
    assert "Replay of 2024-06-15 12:00:00" in text
    replays = soup(administrator.get(page_of(delivery))).select("dl.cms-lms-facts ul a")
    assert replays[0]["href"] == response.url
    assert len(replays) == 2


def test_a_dry_run_writes_nothing_but_its_delivery(administrator):
    make_backend()
    make_course()
    response = administrator.post(replay_url(send()), {"dry_run": "1"})
    assert messages(response) == ["Nothing was written. A replay of 1 delivery would end so: Created: 1."]
    assert not CourseRun.objects.exists()
    text = " ".join(soup(administrator.get(response.url)).get_text().split())
    assert "A dry run: nothing was written." in text


def test_a_selection_is_replayed_in_the_order_in_which_it_came(administrator):
    make_backend()
    make_course()
    second = send(2)
    first = send(1, received_at=datetime(2024, 6, 14, tzinfo=UTC))
    page = soup(administrator.get(LIST))
    boxes = page.select('input[type=checkbox][name=id][form="selection"]')
    assert {box["value"] for box in boxes} == {str(first.pk), str(second.pk)}
    assert page.select_one("form#selection")["action"] == reverse("syncdelivery:replay")
    response = administrator.post(replay_url(second, first))
    assert messages(response) == ["2 deliveries were replayed: Created: 2."]
    assert response.url.startswith(LIST)
    replays = SyncDelivery.objects.filter(replayed_by=administrator.user).order_by("pk")
    assert [replay.replay_of for replay in replays] == [first, second]
    listed = administrator.get(response.url).context["object_list"]
    assert {delivery.replay_of_id for delivery in listed} == {first.pk, second.pk}


def test_its_backend_is_gone(administrator):
    backend = make_backend()
    make_course()
    delivery = send(signer_scope=[backend.pk])
    LMSBackend.objects.all().delete()
    response = administrator.post(replay_url(delivery))
    assert messages(response) == ["1 delivery was replayed: refused as a whole."]
    assert "The LMS backend whose secret signed this delivery is disabled or gone." in (
        administrator.get(response.url).content.decode()
    )


def test_looking_is_not_replaying(db):
    client = make_client("Course editors")
    client.user.user_permissions.add(Permission.objects.get(codename="view_syncdelivery"))
    delivery = send()
    for address in (LIST, page_of(delivery)):
        content = client.get(address).content.decode()
        assert reverse("syncdelivery:replay") not in content
        assert 'name="id"' not in content
    assert client.post(replay_url(delivery)).status_code == 302
    assert SyncDelivery.objects.count() == 1
    group = Group.objects.get(name="LMS administrators")
    assert group.permissions.filter(codename="replay_syncdelivery").exists()


@pytest.mark.parametrize("query", ["id=0", "id=rubbish", "id=9999999999999999999999", "id=-1", "id=%00"])
def test_rubbish(administrator, query):
    for method in (administrator.get, administrator.post):
        assert method(f"{reverse('syncdelivery:replay')}?{query}").status_code == 404


def test_nothing_chosen(administrator):
    response = administrator.get(reverse("syncdelivery:replay"))
    assert response.url == LIST
    assert "Nothing was chosen" in messages(response)[0]
    assert make_client().get(reverse("syncdelivery:replay")).url != LIST


@pytest.mark.parametrize("payload", ["", "{", "null", "[1]"])
def test_rubbish_stays_refused(administrator, payload):
    response = administrator.post(replay_url(make_delivery(payload=payload)))
    assert SyncDelivery.objects.latest("pk").status_code == 400
    assert administrator.get(response.url).status_code == 200
