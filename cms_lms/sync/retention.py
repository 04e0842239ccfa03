"""How long deliveries are kept: what is older is deleted, in parts, so that neither memory nor locks grow with them.

A message id is remembered as long as its delivery. That is longer than a call may be repeated, as one whose timestamp
is more than some minutes off is refused: hence at least a day.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator

from cms_lms.models import SyncDelivery

#: How many are deleted in one transaction.
CHUNK_SIZE = 1000

MIN_DAYS = 1


def prune_deliveries(older_than: dt.timedelta, *, now: dt.datetime) -> Iterator[int]:
    """Delete the deliveries that came longer ago than that before ``now`` (aware); yield how many, part by part.

    What waits for a place keeps its payload, and replays stay until their own time comes.
    """
    outdated = SyncDelivery.objects.received_before(now - older_than).order_by("received_at")
    while ids := list(outdated.values_list("pk", flat=True)[:CHUNK_SIZE]):
        # Without the payloads: Django loads what it deletes, to find what refers to it.
        SyncDelivery.objects.filter(pk__in=ids).only("pk").delete()
        yield len(ids)
