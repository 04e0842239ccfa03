"""A call on its way: parsed, applied, answered and kept in a delivery.

Both ways in lead here, the web hook's and that of staff who replay. Who may call was decided before; of HTTP this
knows the status alone. The answers are part of the contract with senders, in English whatever the site's language.
"""

from __future__ import annotations

import datetime as dt
import logging
from collections.abc import Sequence
from contextlib import nullcontext
from dataclasses import dataclass
from typing import Any

from django.db import transaction
from django.utils.translation import gettext_noop

from cms_lms.conf import settings as lms_settings
from cms_lms.models import SyncDelivery
from cms_lms.sync.conflicts import despite_conflicts
from cms_lms.sync.deliveries import AnsweredElsewhere, DeliveryLog, message_key
from cms_lms.sync.engine import synchronize
from cms_lms.sync.items import REQUIRED, has_resource_link
from cms_lms.sync.payload import PayloadNotJSON, parse
from cms_lms.sync.results import ItemResult, storable
from cms_lms.sync.secrets import Signer
from cms_lms.sync.standard_webhooks import is_fresh
from cms_lms.sync.unplaced import record_unplaced

security_logger = logging.getLogger("django.security.cms_lms")

JSON = "application/json"

INVALID_AUTHENTICATION = 401, "Invalid authentication."

CLOCKS_DIFFER = gettext_noop(
    "The message says that it was sent more than five minutes ago, or in the future. Compare the clock of the sender "
    "with that of this site."
)
ID_REUSED = gettext_noop("The id of this message came before, with another body. The sender must give each its own.")


class CallRefused(Exception):
    """The call as a whole is refused; ``status``, ``body`` and ``headers`` are the answer."""

    def __init__(self, status: int, body: Any, headers: dict[str, str] | None = None) -> None:
        super().__init__(status, body)
        self.status = status
        self.body = body
        self.headers = headers


@dataclass(frozen=True)
class Call:
    """A call that somebody vouches for. Times are aware.

    ``message_id``: the sender's own id of it, blank without one. ``event_at``: of when its values are, None if nobody
    knows. ``is_dry_run``: it is to change nothing. ``replay_of`` and ``replayed_by``: of which delivery it is a
    replay, and by whom.
    """

    body: bytes
    signer: Signer
    received_at: dt.datetime
    content_type: str = JSON
    remote_address: str = ""
    message_id: str = ""
    event_at: dt.datetime | None = None
    is_dry_run: bool = False
    replay_of: SyncDelivery | None = None
    replayed_by: Any = None

    @property
    def is_of_another_time(self) -> bool:
        """Whether it is a message that is too old, or from the future."""
        return bool(self.message_id) and self.event_at is not None and not is_fresh(self.event_at, self.received_at)


def open_log(call: Call) -> DeliveryLog:
    """Return what keeps a call."""
    return DeliveryLog(
        received_at=call.received_at,
        remote_address=call.remote_address,
        secret_name=call.signer.name,
        signer_scope=call.signer.scope,
        webhook_id=call.message_id,
        event_at=call.event_at,
        is_dry_run=call.is_dry_run,
        replay_of=call.replay_of,
        replayed_by=call.replayed_by,
        body=call.body,
    )


def process(call: Call) -> SyncDelivery:
    """Apply a call and return the delivery that holds its answer: its own, or that of the same message before."""
    log = open_log(call)
    if call.is_of_another_time:
        security_logger.warning("Web hook: the secret %s signed a message of another time.", call.signer.name)
        return close(log, *INVALID_AUTHENTICATION, CLOCKS_DIFFER)
    if call.message_id and not call.is_dry_run:
        earlier = log.claim(message_key(call.signer.scope, call.message_id))
        if earlier is not None:
            return answer_again(call, log, earlier)
    try:
        return apply(call, log)
    except AnsweredElsewhere as elsewhere:
        return SyncDelivery.objects.get(pk=elsewhere.pk)


def answer_again(call: Call, log: DeliveryLog, earlier: SyncDelivery) -> SyncDelivery:
    """Return the delivery that answers a message whose id came before."""
    if log.has_body_of(earlier):
        log.repeat(earlier)
        return earlier
    security_logger.warning("Web hook: the secret %s signed two bodies under one message id.", call.signer.name)
    return close(log, 409, {"detail": "This message id came before, with another body."}, ID_REUSED)


def apply(call: Call, log: DeliveryLog) -> SyncDelivery:
    """Apply a call that is to be applied, and return its delivery. Raises ``AnsweredElsewhere``."""
    try:
        payload = read_payload(call)
    except CallRefused as refusal:
        return close(log, refusal.status, refusal.body)
    is_list = isinstance(payload, list)
    payloads = payload if is_list else [payload]
    closed: list[SyncDelivery] = []

    def journal(results: Sequence[ItemResult]) -> None:
        # The one row of the most frequent calls needs no transaction around it.
        is_one_row = len(results) == 1 and not results[0].problem
        with nullcontext() if is_one_row else transaction.atomic(savepoint=False):
            closed.append(log.close(*answer(results, is_list), results))
            if not call.is_dry_run:
                record_unplaced(results, delivery=closed[-1], now=call.received_at)

    results = synchronize(
        payloads,
        signer=call.signer,
        now=call.received_at,
        event_at=log.event_at,
        is_dry_run=call.is_dry_run,
        receipt=log.open,
        journal=journal,
    )
    if forbidden := sum(result.is_forbidden for result in results):
        security_logger.warning(
            "Web hook: the secret %s signed %s course runs that it may not write.", call.signer.name, forbidden
        )
    return closed[-1]


def close(log: DeliveryLog, status: int, body: Any, reason: str = "") -> SyncDelivery:
    """Store the answer to a call that is refused as a whole; ``reason`` is for staff. Raises ``AnsweredElsewhere``."""
    return despite_conflicts(lambda: log.close(status, body, reason=reason))


def read_payload(call: Call) -> Any:
    """Return an object, or a list of objects, each with a resource link. Raises ``CallRefused``."""
    if call.content_type != JSON:
        raise CallRefused(415, {"detail": f'Unsupported media type "{storable(call.content_type)}" in request.'})
    try:
        payload = parse(call.body)
    except PayloadNotJSON as error:
        raise CallRefused(400, {"detail": f"JSON parse error - {storable(str(error))}"}) from None
    items = payload if isinstance(payload, list) else [payload]
    if len(items) > lms_settings.SYNC_MAX_ITEMS:
        limit = lms_settings.SYNC_MAX_ITEMS
        raise CallRefused(413, {"detail": f"The list holds more than {limit} course runs. Send them in parts."})
    if not all(map(has_resource_link, items)):
        raise CallRefused(400, REQUIRED)
    return payload


def answer(results: Sequence[ItemResult], is_list: bool) -> tuple[int, Any]:
    """Return status and body. In a list an error wins over another item with the same link."""
    if not is_list and results[0].is_forbidden:
        return INVALID_AUTHENTICATION
    status = 400 if any(result.is_refused for result in results) else 200
    if not is_list:
        return status, results[0].errors or {"success": True}
    body: dict[str, Any] = {}
    for result in results:
        link = storable(result.resource_link)
        if result.is_refused:
            body[link] = result.errors
        else:
            body.setdefault(link, {"success": True})
    return status, body
