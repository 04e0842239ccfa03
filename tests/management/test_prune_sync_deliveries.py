"""Old deliveries are deleted by a command, in parts, and nothing else is."""

from __future__ import annotations

import io
from datetime import timedelta

import pytest
from django.core.management import CommandError, call_command
from django.utils import timezone

from cms_lms.models import SyncDelivery, SyncDeliveryLink, UnplacedRun
from cms_lms.models.unplaced_run import Problem
from cms_lms.sync import retention

pytestmark = pytest.mark.django_db


def make_delivery(days: float, **fields) -> SyncDelivery:
    received_at = timezone.now() - timedelta(days=days)
    return SyncDelivery.objects.create(received_at=received_at, secret_name="1", status_code=200, **fields)


def run(*arguments: str) -> str:
    output = io.StringIO()
    call_command("prune_sync_deliveries", *arguments, stdout=output)
    return output.getvalue().strip()


def test_what_is_older_than_the_setting_says_goes():
    kept, old = make_delivery(89.9), make_delivery(90.1)
    SyncDeliveryLink.objects.create(delivery=old, resource_key="a")
    SyncDeliveryLink.objects.create(delivery=kept, resource_key="a")
    replay = make_delivery(1, replay_of=old)
    unplaced = UnplacedRun.objects.create(
        resource_link="https://lms.example.com/1",
        resource_key="a",
        problem=Problem.UNKNOWN_COURSE,
        payload={"resource_link": "https://lms.example.com/1"},
        delivery=old,
        first_seen_at=old.received_at,
        last_seen_at=old.received_at,
    )
    assert run("--dry-run") == "1 delivery would be deleted."
    assert SyncDelivery.objects.count() == 3
    assert run() == "1 delivery deleted."
    assert set(SyncDelivery.objects.all()) == {kept, replay}
    assert SyncDeliveryLink.objects.get().delivery == kept
    replay.refresh_from_db()
    unplaced.refresh_from_db()
    assert (replay.replay_of, unplaced.delivery) == (None, None)
    assert unplaced.payload == {"resource_link": "https://lms.example.com/1"}
    assert run() == "0 deliveries deleted."


def test_in_parts(monkeypatch, django_assert_max_num_queries):
    monkeypatch.setattr(retention, "CHUNK_SIZE", 4)
    for _ in range(10):
        make_delivery(100, payload="x")
    with django_assert_max_num_queries(3 * 9 + 1):
        assert run() == "10 deliveries deleted."


def test_for_ever(settings):
    settings.CMS_LMS_DELIVERY_RETENTION_DAYS = None
    make_delivery(1000)
    make_delivery(10)
    assert run() == "Deliveries are kept for ever, as the setting says."
    assert run("--days", "500") == "1 delivery deleted."


@pytest.mark.parametrize("days", ["0", "-1", "x", "1.5", "99999999999", "²"])
def test_nonsense(days):
    make_delivery(1000)
    with pytest.raises(CommandError, match="no number of days"):
        run(f"--days={days}")
    assert SyncDelivery.objects.count() == 1
