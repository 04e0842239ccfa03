"""Rows that are written past Django's queries are those that Django would write."""

from __future__ import annotations

import pytest
from django.db import IntegrityError, transaction
from django.utils import timezone

from cms_lms.models import SyncDelivery
from cms_lms.models.row_writing import insert_row, update_row

pytestmark = pytest.mark.django_db


def make(**columns) -> SyncDelivery:
    """Return a delivery that is not stored."""
    return SyncDelivery(
        received_at=timezone.now(), secret_name="site 1", signer_scope=[7], items=[{"é": None}], payload="{}", **columns
    )


def test_a_row_is_as_django_stores_it(django_assert_num_queries):
    inserted, saved = make(), make()

    with django_assert_num_queries(1):
        insert_row(inserted)
    saved.save()

    rows = SyncDelivery.objects.in_bulk([inserted.pk, saved.pk])
    left_out = {"id", "received_at", "_state"}
    values = [{name: value for name, value in vars(row).items() if name not in left_out} for row in rows.values()]
    assert values[0] == values[1]
    assert rows[inserted.pk].received_at == inserted.received_at


def test_an_inserted_row_can_be_saved_again():
    delivery = make()
    insert_row(delivery)
    delivery.status_code = 200
    delivery.save()

    assert SyncDelivery.objects.get().status_code == 200


def test_what_is_unique_stays_unique():
    insert_row(make(webhook_key="k"))
    with pytest.raises(IntegrityError), transaction.atomic():
        insert_row(make(webhook_key="k"))


def test_an_update_writes_the_named_columns_alone_and_says_whether_there_was_a_row():
    delivery = make()
    delivery.save()
    columns = {"status_code": 200, "items": [{"b": ["é", None]}], "backend_id": None}

    assert update_row(SyncDelivery, delivery.pk, columns, if_null="status_code")
    stored = SyncDelivery.objects.get()
    assert (stored.status_code, stored.items, stored.secret_name) == (200, [{"b": ["é", None]}], "site 1")
    assert not update_row(SyncDelivery, delivery.pk, {"status_code": 400}, if_null="status_code")
    assert not update_row(SyncDelivery, delivery.pk + 1, {"status_code": 400})
    assert SyncDelivery.objects.get().status_code == 200
