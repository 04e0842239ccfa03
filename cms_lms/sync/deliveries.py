"""The delivery log: every call with a valid signature leaves a ``SyncDelivery``.

A call that is about to change something is stored before it is applied, without an answer, and gets its answer in the
transaction that writes the runs: whatever happens to the process, nothing that was written is without its delivery,
and what was not can be replayed. A call with a message id is stored before anything else, which makes the id its own.
"""

from __future__ import annotations

import datetime as dt
import hashlib
import json
import time
from collections.abc import Iterable, Sequence
from contextlib import nullcontext
from typing import Any

from django.db import IntegrityError, transaction
from django.utils.translation import gettext_noop

from cms_lms.models import SyncDelivery, SyncDeliveryLink
from cms_lms.models.delivery import Outcome
from cms_lms.models.row_writing import insert_row, update_row
from cms_lms.sync.addresses import shorten_address
from cms_lms.sync.conflicts import despite_conflicts
from cms_lms.sync.results import ItemResult, count_outcomes

SENT_BEFORE = gettext_noop("This message came before. It is answered as it was then, and changes nothing.")


def payload_text(body: bytes) -> str:
    """Return a body as a delivery keeps it. What is no JSON stays none, so that a replay is refused as well."""
    return body.decode("utf-8", "backslashreplace").replace("\x00", "\\x00")


def message_key(scope: Sequence[int] | None, message_id: str) -> str:
    """Return the key under which a message is processed once: an id belongs to those who may write the same runs."""
    return hashlib.sha256(json.dumps([scope, message_id]).encode()).hexdigest()


class AnsweredElsewhere(Exception):
    """Another process has answered the same message meanwhile: what this one did is to be undone.

    ``pk`` is that of the delivery that holds the answer.
    """

    def __init__(self, pk: int) -> None:
        super().__init__(pk)
        self.pk = pk


class DeliveryLog:
    """One call on its way to being stored; ``columns`` is what is known of it from the start."""

    def __init__(self, *, body: bytes, remote_address: str = "", **columns: Any) -> None:
        self._clock = time.monotonic()
        self._receipt: SyncDelivery | None = None
        self._is_linked = False
        self._columns = {**columns, "payload": payload_text(body), "remote_address": shorten_address(remote_address)}

    @property
    def event_at(self) -> dt.datetime | None:
        """Of when the call's values are: if it was interrupted before, of when they were then."""
        return self._receipt.event_at if self._receipt else self._columns["event_at"]

    def open(self, results: Sequence[ItemResult]) -> None:
        """Store the call before it is applied, in a transaction of its own; once, however often it is asked for.

        ``results``: what becomes of its items if nobody else comes first; which runs they are of is known by then.
        """
        if self._receipt is None:
            self._receipt = despite_conflicts(lambda: self._insert(results))

    def claim(self, key: str) -> SyncDelivery | None:
        """Store the call as the one that its message id stands for; return the earlier one if there is one.

        One that was interrupted, of the same body, is taken over: None is returned, and this call completes it.
        """
        try:
            self._receipt = despite_conflicts(lambda: self._insert_alone(webhook_key=key))
            return None
        except IntegrityError:
            earlier = SyncDelivery.objects.filter(webhook_key=key).first()
            if earlier is None:
                raise
        if earlier.status_code is None and self.has_body_of(earlier):
            self._receipt = earlier
            return None
        return earlier

    def has_body_of(self, delivery: SyncDelivery) -> bool:
        """Return whether another call sent the same."""
        return self._columns["payload"] == delivery.payload

    def close(
        self, status_code: int, response: Any, results: Sequence[ItemResult] = (), *, reason: str = ""
    ) -> SyncDelivery:
        """Store what the call was answered, and what was decided for each item or, by ``reason``, for the whole.

        To be called in the transaction that writes the runs. Raises ``AnsweredElsewhere``.
        """
        backend_ids = {result.backend_id for result in results}
        decided = [*results, ItemResult("", Outcome.REFUSED, reason=reason)] if reason else results
        columns = {
            "backend_id": backend_ids.pop() if len(backend_ids) == 1 else None,
            "status_code": status_code,
            "response": response,
            "items": [result.as_record() for result in decided],
            "duration_ms": round((time.monotonic() - self._clock) * 1000),
            **{f"{name}_count": count for name, count in count_outcomes(results).items()},
        }
        if self._receipt is None:
            return self._insert(results, **columns)
        return self._complete(self._receipt, results, columns)

    def repeat(self, earlier: SyncDelivery) -> None:
        """Store that the call is one that was answered before, as it is answered again."""
        columns = {
            "replay_of": earlier,
            "status_code": earlier.status_code,
            "response": earlier.response,
            "items": [ItemResult("", Outcome.IGNORED, reason=SENT_BEFORE).as_record()],
        }
        despite_conflicts(lambda: self._insert(**columns))

    def _insert(self, results: Sequence[ItemResult] = (), **columns: Any) -> SyncDelivery:
        key, links = find_links(results)
        delivery = SyncDelivery(**{**self._columns, "resource_key": key, **columns})
        # The one row of the most frequent calls needs no transaction around it.
        with transaction.atomic(savepoint=False) if links else nullcontext():
            insert_row(delivery)
            link(delivery, links)
        self._is_linked = bool(results)
        return delivery

    def _insert_alone(self, **columns: Any) -> SyncDelivery:
        with transaction.atomic():  # a caller's transaction outlives a key that is there already
            return self._insert(**columns)

    def _complete(self, receipt: SyncDelivery, results: Sequence[ItemResult], columns: dict[str, Any]) -> SyncDelivery:
        if not self._is_linked:
            columns["resource_key"], links = find_links(results)
            link(receipt, links)
        if not update_row(SyncDelivery, receipt.pk, columns, if_null="status_code"):
            raise AnsweredElsewhere(receipt.pk)
        for name, value in columns.items():
            setattr(receipt, name, value)
        return receipt


def find_links(results: Iterable[ItemResult]) -> tuple[str, list[str]]:
    """Return the key of the one link that items are of, else a blank and the keys of their links."""
    keys = sorted({result.resource_key for result in results} - {""})
    return (keys[0], []) if len(keys) == 1 else ("", keys)


def link(delivery: SyncDelivery, keys: Iterable[str]) -> None:
    """Store that a list of runs is about those with these keys."""
    links = [SyncDeliveryLink(delivery=delivery, resource_key=key) for key in keys]
    if links:
        SyncDeliveryLink.objects.bulk_create(links)
