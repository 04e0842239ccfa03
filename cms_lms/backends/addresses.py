"""Which internet addresses may be called, and which addresses a name has.

An LMS is on the public internet unless the site's settings say otherwise (``PRIVATE_NETWORKS``). Everything else is
refused: whoever edits a base URL could otherwise make this server speak to what only it can reach. What is examined
is the address itself, never its spelling.
"""

from __future__ import annotations

import queue
import socket
import threading
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network
from typing import Any

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from cms_lms.backends.errors import LMSUnreachable

Address = IPv4Address | IPv6Address
Network = IPv4Network | IPv6Network

METADATA, LOOPBACK = _("the hosting provider’s metadata service"), _("this server itself")
LINK_LOCAL, PRIVATE = _("the local link"), _("a private network")
MULTICAST, SPECIAL = _("a group of receivers"), _("a network with a special purpose")

#: What is not the public internet and what it belongs to; the first entry that holds an address counts. After the
#: special-purpose registries of IANA, and the metadata services of hosting providers.
_REFUSED: tuple[tuple[str | Promise, tuple[str, ...]], ...] = (
    (
        METADATA,
        (
            "169.254.169.254",  # nearly everyone
            "169.254.170.2",  # AWS, containers
            "169.254.170.23",
            "fd00:ec2::254",  # AWS
            "fd00:ec2::23",
            "fd20:ce::254",  # Google
            "100.100.100.200",  # Alibaba
            "192.0.0.192",  # Oracle
            "168.63.129.16",  # Azure: looks public, and is reached from inside only
        ),
    ),
    (LOOPBACK, ("127.0.0.0/8", "::1", "0.0.0.0/8", "::")),
    (LINK_LOCAL, ("169.254.0.0/16", "fe80::/10")),
    (PRIVATE, ("10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "100.64.0.0/10", "fc00::/7", "fec0::/10")),
    (MULTICAST, ("224.0.0.0/4", "ff00::/8", "255.255.255.255")),
    (
        SPECIAL,
        (
            "192.0.0.0/24",  # protocols
            "192.0.2.0/24",  # documentation
            "192.88.99.0/24",  # relays of 6to4
            "198.18.0.0/15",  # benchmarks
            "198.51.100.0/24",
            "203.0.113.0/24",
            "240.0.0.0/4",  # reserved
            "2001::/23",  # protocols, Teredo
            "2001:db8::/32",
            "3fff::/20",
        ),
    ),
)
_REFUSED_NETWORKS = tuple((owner, tuple(map(ip_network, networks))) for owner, networks in _REFUSED)

#: What of IPv6 is given out for the internet.
_GLOBAL_UNICAST = IPv6Network("2000::/3")
#: NAT64: the IPv4 address is the last part.
_NAT64 = IPv6Network("64:ff9b::/96")


def private_networks(networks: Iterable[str]) -> tuple[Network, ...]:
    """Return networks in CIDR notation as values. Raises ``ValueError``."""
    return tuple(ip_network(network) for network in networks)


def refusal(address: Address, allowed: Sequence[Network]) -> str | Promise | None:
    """Return whose address it is that must not be called, None for one that may be."""
    if isinstance(address, IPv6Address):
        address = IPv6Address(int(address))  # without its zone
    if any(address in network for network in allowed if network.version == address.version):
        return None
    if isinstance(address, IPv6Address) and (embedded := _embedded(address)) is not None:
        return refusal(embedded, allowed)
    for owner, networks in _REFUSED_NETWORKS:
        if any(address in network for network in networks if network.version == address.version):
            return owner
    return SPECIAL if isinstance(address, IPv6Address) and address not in _GLOBAL_UNICAST else None


def _embedded(address: IPv6Address) -> IPv4Address | None:
    """Return the IPv4 address that packets for this one end at."""
    if address in _NAT64:
        return IPv4Address(int(address) & 0xFFFFFFFF)
    return address.ipv4_mapped or address.sixtofour


@dataclass(frozen=True)
class Resolved:
    """One address of a name. A socket of ``family`` connects to ``target``, unless ``owner`` says whose it is."""

    address: Address
    family: socket.AddressFamily
    target: tuple[Any, ...]
    owner: str | Promise | None


def address_refused(host: str, entry: Resolved) -> LMSUnreachable:
    """Return the error for a name none of whose addresses may be called."""
    if host == str(entry.address):
        message = _("%(address)s belongs to %(owner)s. Such addresses are not called.")
    else:
        message = _("“%(host)s” is at %(address)s, which belongs to %(owner)s. Such addresses are not called.")
    return LMSUnreachable(
        message % {"host": host, "address": entry.address, "owner": entry.owner},
        "address_refused",
        way_out(entry.owner),
    )


def way_out(owner: str | Promise | None) -> str | Promise:
    """Return what to do about an address that is refused because of its owner."""
    if owner in (LOOPBACK, LINK_LOCAL, PRIVATE):
        return _(
            "Correct the base URL. If the LMS really is there, the site’s operator adds its network to the setting "
            "CMS_LMS_PRIVATE_NETWORKS."
        )
    return _("Correct the base URL, or the name in the name service (DNS): no LMS is at such an address.")


def resolve(host: str, port: int, *, allowed: Sequence[Network], seconds: float) -> list[Resolved]:
    """Ask once for the addresses of a name, or read the address that it spells, and examine each.

    Raises ``LMSUnreachable`` (``name_not_found``, ``connect_timeout``).
    """
    found: dict[Address, Resolved] = {}
    for family, _type, _protocol, _canonical_name, target in _look_up(host, port, seconds):
        address = ip_address(target[0])
        found.setdefault(address, Resolved(address, family, target, refusal(address, allowed)))
    return list(found.values())


def _look_up(host: str, port: int, seconds: float) -> list[Any]:
    # The system's resolver takes its own time and cannot be interrupted, only left behind.
    answers: queue.SimpleQueue[list[Any] | OSError | UnicodeError] = queue.SimpleQueue()

    def ask() -> None:
        try:
            answers.put(socket.getaddrinfo(host, port, type=socket.SOCK_STREAM))
        except (OSError, UnicodeError) as error:
            answers.put(error)

    threading.Thread(target=ask, name="cms_lms resolver", daemon=True).start()
    try:
        answer = answers.get(timeout=seconds)
    except queue.Empty:
        raise LMSUnreachable(
            _("The name service did not say within %(seconds)s seconds where “%(host)s” is.")
            % {"seconds": round(seconds, 1), "host": host},
            "connect_timeout",
            _("Try again. If it stays like this, the name service of this site’s server does not work."),
        ) from None
    if isinstance(answer, list) and answer:
        return answer
    if isinstance(answer, socket.gaierror) and answer.errno == socket.EAI_AGAIN:
        raise LMSUnreachable(
            _("The name service could not be asked where “%(host)s” is.") % {"host": host},
            "name_not_found",
            _("Try again. If it stays like this, check the name, and the name service of this site’s server."),
        )
    raise LMSUnreachable(
        _("There is no server by the name of “%(host)s”.") % {"host": host},
        "name_not_found",
        _("Correct the host in the base URL, or enter the name in the name service (DNS)."),
    )
