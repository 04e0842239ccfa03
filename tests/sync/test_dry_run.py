"""A dry run goes the same way, is answered the same, and changes nothing."""

from __future__ import annotations

import pytest
from django.utils import timezone
from wagtail.models import ModelLogEntry, Revision

from cms_lms.models import CourseRun, SyncDelivery
from cms_lms.sync.standard_webhooks import sign_message
from tests.factories import make_backend, make_course
from tests.sync.conftest import URL
from tests.sync.payloads import LINK, link, payload

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def catalogue(db):
    """An Open edX backend and one course."""
    make_backend()
    make_course(code="DemoX")


def dry(value: str = "1") -> str:
    """Return the address of a dry run."""
    return f"{URL}?dry_run={value}"


@pytest.mark.parametrize("mode", ["sync_to_public", "sync_to_draft"])
@pytest.mark.parametrize(
    "value",
    [
        payload(enrollment_count=43),
        payload(end=None),
        payload(),
        payload(languages=[]),
        payload(resource_link=link("R2")),
        payload(resource_link=link(course="Unknown")),
        [payload(end=None), payload(resource_link=link("R2")), payload(resource_link=link(course="Unknown"))],
        [],
    ],
    ids=["counter", "dates", "repeat", "wrong", "new", "unknown", "list", "empty"],
)
def test_it_is_answered_as_the_real_call_and_changes_nothing(post, mode, value):
    post(payload())
    CourseRun.objects.update(sync_mode=mode)

    def state():
        return [list(model.objects.order_by("pk").values()) for model in (CourseRun, Revision, ModelLogEntry)]

    before = state()

    told = post(value, url=dry())

    assert state() == before
    delivery = SyncDelivery.objects.latest("pk")
    assert delivery.is_dry_run
    real = post(value)
    assert (told.status_code, told.content, told["Sync-Outcome"]) == (
        real.status_code,
        real.content,
        real["Sync-Outcome"],
    )


@pytest.mark.parametrize("value", ["1", "true", "True", "yes", ""])
def test_whoever_names_it_means_it(post, value):
    assert post(payload(), url=dry(value)).status_code == 200
    assert not CourseRun.objects.exists()


@pytest.mark.parametrize("value", ["0", "false", "False"])
def test_unless_it_is_denied(post, value):
    assert post(payload(), url=dry(value)).status_code == 200
    assert CourseRun.objects.get().resource_link == LINK
    assert not SyncDelivery.objects.get().is_dry_run


def test_it_takes_a_signature_as_well(send):
    assert send(b"[]", None, url=dry()).status_code == 403
    assert send(b"[]", "SIG-HMAC-SHA256 0", url=dry()).status_code == 401


def test_it_leaves_the_message_id_to_the_real_call(send):

    body = b"[]"
    headers = sign_message(body, "SharedSecret", message_id="msg_1", sent_at=timezone.now())
    extra = {f"HTTP_{name.upper().replace('-', '_')}": text for name, text in headers.items()}

    for _ in range(2):
        assert send(body, None, url=dry(), **extra).status_code == 200
    assert send(body, None, **extra).status_code == 200
    assert list(SyncDelivery.objects.order_by("pk").values_list("is_dry_run", flat=True)) == [True, True, False]
