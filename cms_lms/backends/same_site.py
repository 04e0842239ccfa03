"""Which hosts browsers take for one site: those below the same domain of somebody's own, by the public suffix list.

The list is the one that comes with ``publicsuffixlist``, its private section included: two tenants of ``github.io`` are
strangers to each other. Hosts are in lower-case ASCII, as ``patterns.urls`` writes them, without a port.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Sequence
from functools import cache

from publicsuffixlist import PublicSuffixList


def is_ip_address(host: str) -> bool:
    """Whether the host is an address, which has no domain, rather than a name."""
    try:
        ipaddress.ip_address(host.strip("[]"))
    except ValueError:
        return False
    return True


def is_local(host: str) -> bool:
    """Whether the host is the browser's own machine, which browsers trust without encryption."""
    if is_ip_address(host):
        return ipaddress.ip_address(host.strip("[]")).is_loopback
    return host == "localhost" or host.endswith(".localhost")


def is_public_suffix(domain: str) -> bool:
    """Whether anybody may register names below the domain: browsers take no cookie for such a one."""
    return not is_ip_address(domain) and _suffixes().is_public(domain)


def registrable_domain(host: str) -> str | None:
    """Return the domain that somebody registered, None for addresses, public suffixes and single words."""
    return None if is_ip_address(host) else _suffixes().privatesuffix(host)


def is_same_site(host: str, other: str) -> bool:
    """Whether browsers send the one's cookies along when a page of the other calls it."""
    domain = registrable_domain(host)
    return host == other or (domain is not None and domain == registrable_domain(other))


def shared_domain(hosts: Sequence[str]) -> str | None:
    """Return the longest domain that all hosts are in and whose cookies browsers give to each, None without one."""
    if not hosts or any(registrable_domain(host) is None for host in hosts):
        return None
    labels = [host.split(".")[::-1] for host in hosts]
    shared: list[str] = []
    for parts in zip(*labels, strict=False):
        if len(set(parts)) > 1:
            break
        shared.append(parts[0])
    domain = ".".join(reversed(shared))
    return domain if domain and registrable_domain(domain) is not None else None


def is_in_domain(host: str, domain: str) -> bool:
    """Whether a cookie of the domain reaches the host; a leading dot means nothing (RFC 6265, 5.2.3)."""
    domain = domain.lower().removeprefix(".")
    return host == domain or (host.endswith(f".{domain}") and not is_ip_address(host))


@cache
def _suffixes() -> PublicSuffixList:
    return PublicSuffixList()
