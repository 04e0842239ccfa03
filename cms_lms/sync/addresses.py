"""Where a call comes from: the address by which it is limited, the network by which deliveries tell senders apart."""

from __future__ import annotations

import ipaddress
from collections.abc import Mapping
from functools import lru_cache
from typing import Any

from cms_lms.conf import settings as lms_settings


def sender_address(meta: Mapping[str, Any]) -> str:
    """Return the sender's address from a request's ``META``; blank if it is not known.

    Of ``X-Forwarded-For`` only the entries that the site's own proxies wrote count: anybody can write the others.
    """
    forwarded = [entry.strip() for entry in meta.get("HTTP_X_FORWARDED_FOR", "").split(",")]
    proxies = lms_settings.PROXY_COUNT
    if proxies and any(forwarded):
        return forwarded[-min(proxies, len(forwarded))]
    return meta.get("REMOTE_ADDR", "")


def _parse(address: str) -> ipaddress.IPv4Address | ipaddress.IPv6Address | None:
    if address.startswith("["):  # some proxies add the port
        address = address[1:].partition("]")[0]
    elif address.count(":") == 1:
        address = address.partition(":")[0]
    try:
        parsed = ipaddress.ip_address(address)
    except ValueError:
        return None
    return getattr(parsed, "ipv4_mapped", None) or parsed


@lru_cache(maxsize=256)
def shorten_address(address: str) -> str:
    """Return a sender's network, which is enough to tell senders apart; blank for what is no address."""
    return _network(address, 24, 48)


@lru_cache(maxsize=256)
def limited_address(address: str) -> str:
    """Return what one sender cannot leave: an address, or the network that a subscriber of IPv6 has; else blank."""
    return _network(address, 32, 64)


def _network(address: str, prefix4: int, prefix6: int) -> str:
    parsed = _parse(address)
    if parsed is None:
        return ""
    return str(ipaddress.ip_network((parsed, prefix4 if parsed.version == 4 else prefix6), strict=False))
