"""Replays: what an LMS once sent goes the same way again, on the word of staff, once its cause is mended."""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Sequence
from typing import Any

from django.utils import translation

from cms_lms.matching.handler import LMSHandler
from cms_lms.models import SyncDelivery
from cms_lms.sync.calls import Call, close, open_log, process
from cms_lms.sync.secrets import Signer

BACKEND_GONE = {"detail": "The LMS backend whose secret signed this delivery is disabled or gone."}


def replay(delivery: SyncDelivery, *, user: Any, is_dry_run: bool = False, now: dt.datetime) -> SyncDelivery:
    """Apply a delivery's payload again, and return the delivery that this leaves.

    It may write what the secret of the first could write. What is refused is refused in that delivery: nothing is
    raised for it. Permission is the caller's to check.
    """
    return _process(
        delivery.payload,
        signer_scope=delivery.signer_scope,
        secret_name=delivery.secret_name,
        user=user,
        replay_of=delivery,
        is_dry_run=is_dry_run,
        now=now,
    )


def replay_payload(
    payload: Any,
    *,
    signer_scope: Sequence[int] | None,
    secret_name: str,
    user: Any,
    replay_of: SyncDelivery | None = None,
    is_dry_run: bool = False,
    now: dt.datetime,
) -> SyncDelivery:
    """As ``replay``, for one run's payload or a list of them that somebody kept.

    ``signer_scope``: the ids of the backends whose runs may be written, None for all.
    """
    return _process(
        json.dumps(payload),
        signer_scope=signer_scope,
        secret_name=secret_name,
        user=user,
        replay_of=replay_of,
        is_dry_run=is_dry_run,
        now=now,
    )


def _process(
    text: str,
    *,
    signer_scope: Sequence[int] | None,
    secret_name: str,
    user: Any,
    replay_of: SyncDelivery | None,
    is_dry_run: bool,
    now: dt.datetime,
) -> SyncDelivery:
    backend_ids = None if signer_scope is None else frozenset(signer_scope)
    signer = Signer(secret_name, backend_ids, is_protected=True)  # no stranger replays
    call = Call(
        body=text.encode(),
        signer=signer,
        received_at=now,
        event_at=_event_time(replay_of),
        is_dry_run=is_dry_run,
        replay_of=replay_of,
        replayed_by=user,
    )
    with translation.override("en"):  # the answers are the contract's
        if _may_write_nothing(signer):
            return close(open_log(call), 400, BACKEND_GONE)
        return process(call)


def _may_write_nothing(signer: Signer) -> bool:
    return signer.backend_ids is not None and not any(map(signer.may_write, LMSHandler.configuration().backends))


def _event_time(delivery: SyncDelivery | None) -> dt.datetime | None:
    """Return of when a delivery's values are: no later than they came."""
    return None if delivery is None else delivery.event_at or delivery.received_at
