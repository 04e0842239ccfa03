"""The delivery log: every call with a valid signature leaves a ``SyncDelivery``."""

from __future__ import annotations

import ipaddress
import time
from collections.abc import Sequence
from functools import lru_cache
from typing import Any

from cms_lms.models import SyncDelivery
from cms_lms.sync.results import ItemResult, count_outcomes


@lru_cache(maxsize=256)
def shorten_address(address: str) -> str:
    """Return a sender's network, which is enough to tell senders apart; blank for what is no address."""
    try:
        parsed = ipaddress.ip_address(address)
    except ValueError:
        return ""
    prefix = 24 if parsed.version == 4 else 48
    return str(ipaddress.ip_network((parsed, prefix), strict=False))


def payload_text(body: bytes) -> str:
    """Return a body as a delivery keeps it. What is no JSON stays none, so that a replay is refused as well."""
    return body.decode("utf-8", "backslashreplace").replace("\x00", "\\x00")


class DeliveryLog:
    """One call on its way to being stored; ``columns`` is what is known of it from the start."""

    def __init__(self, *, body: bytes, remote_address: str = "", **columns: Any) -> None:
        self._clock = time.monotonic()
        self._columns = {
            **columns,
            "payload": payload_text(body),
            "remote_address": shorten_address(remote_address),
        }

    def record(self, status_code: int, response: Any, results: Sequence[ItemResult] = ()) -> SyncDelivery:
        """Store the call as received and as answered."""
        backend_ids = {result.backend_id for result in results}
        return SyncDelivery.objects.create(
            **self._columns,
            backend_id=backend_ids.pop() if len(backend_ids) == 1 else None,
            status_code=status_code,
            response=response,
            items=[result.as_record() for result in results],
            duration_ms=round((time.monotonic() - self._clock) * 1000),
            **{f"{name}_count": count for name, count in count_outcomes(results).items()},
        )
