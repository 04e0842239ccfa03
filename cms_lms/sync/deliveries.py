"""The delivery log: every call with a valid signature leaves a ``SyncDelivery``."""

from __future__ import annotations

import datetime as dt
import ipaddress
import time
from collections.abc import Sequence
from functools import lru_cache
from typing import Any

from cms_lms.models import SyncDelivery
from cms_lms.sync.results import ItemResult, count_outcomes, storable


@lru_cache(maxsize=256)
def shorten_address(address: str) -> str:
    """Return a sender's network, which is enough to tell senders apart; blank for what is no address."""
    try:
        parsed = ipaddress.ip_address(address)
    except ValueError:
        return ""
    prefix = 24 if parsed.version == 4 else 48
    return str(ipaddress.ip_network((parsed, prefix), strict=False))


class DeliveryLog:
    """One signed call on its way to being stored. ``received_at`` is aware."""

    def __init__(self, *, received_at: dt.datetime, remote_address: str, secret_name: str, body: bytes) -> None:
        self._clock = time.monotonic()
        self._received_at = received_at
        self._remote_address = remote_address
        self._secret_name = secret_name
        self._body = body

    def record(self, status_code: int, response: Any, results: Sequence[ItemResult] = ()) -> SyncDelivery:
        """Store the call as received and as answered."""
        backend_ids = {result.backend_id for result in results}
        return SyncDelivery.objects.create(
            received_at=self._received_at,
            remote_address=shorten_address(self._remote_address),
            secret_name=self._secret_name,
            backend_id=backend_ids.pop() if len(backend_ids) == 1 else None,
            payload=storable(self._body.decode("utf-8", "replace")),
            status_code=status_code,
            response=response,
            items=[result.as_record() for result in results],
            duration_ms=round((time.monotonic() - self._clock) * 1000),
            **{f"{name}_count": count for name, count in count_outcomes(results).items()},
        )
