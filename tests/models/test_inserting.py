"""Rows inserted by the statement that is built once are those that Django would insert."""

from __future__ import annotations

import pytest
from django.db import IntegrityError, transaction
from django.utils import timezone

from cms_lms.models import SyncDelivery
from cms_lms.models.inserting import insert_row

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
