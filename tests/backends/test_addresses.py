"""Which addresses may be called, however they are spelled."""

from __future__ import annotations

from ipaddress import ip_address

import pytest

from cms_lms.backends.addresses import private_networks, refusal
from cms_lms.backends.http import LMSSession, LMSUnreachable

from .http_servers import HOST, Server, answer

pytestmark = pytest.mark.usefixtures("names")

REFUSED = {
    "metadata service": [
        "169.254.169.254",
        "169.254.170.2",
        "fd00:ec2::254",
        "fd20:ce::254",
        "100.100.100.200",
        "192.0.0.192",
        "168.63.129.16",
    ],
    "this server itself": ["127.0.0.1", "127.255.255.254", "::1", "0.0.0.1", "0.1.2.3", "::"],
    "the local link": ["169.254.0.1", "fe80::1", "fe80::1%1"],
    "a private network": [
        "10.0.0.1",
        "172.16.0.1",
        "172.31.255.255",
        "192.168.1.1",
        "100.64.0.1",
        "100.127.255.255",
        "fc00::1",
        "fdff::1",
        "fec0::1",
    ],
    "a group of receivers": ["224.0.0.1", "239.255.255.255", "255.255.255.255", "ff02::1", "ff0e::1"],
    "a network with a special purpose": [
        "192.0.0.1",
        "192.0.2.1",
        "192.88.99.1",
        "198.18.0.1",
        "198.51.100.1",
        "203.0.113.1",
        "240.0.0.1",
        "100::1",
        "2001::1",  # Teredo
        "2001:db8::1",
        "3fff::1",
        "4000::1",
        "5f00::1",
        "64:ff9b:1::1",  # NAT64 of one's own
        "::7f00:1",  # compatible with IPv4, long gone
        "::ffff:0:7f00:1",
    ],
}

#: An IPv4 address that packets for an IPv6 address end at.
EMBEDDED = {
    "::ffff:127.0.0.1": "this server itself",
    "::ffff:10.1.2.3": "a private network",
    "::ffff:169.254.169.254": "metadata service",
    "64:ff9b::a9fe:a9fe": "metadata service",
    "64:ff9b::c0a8:101": "a private network",
    "2002:7f00:1::1": "this server itself",
    "2002:a00:1::": "a private network",
}

PUBLIC = [
    "1.1.1.1",
    "93.184.216.34",
    "100.63.255.255",
    "100.128.0.1",
    "172.15.0.1",
    "172.32.0.1",
    "2606:2800:220:1::1",
    "2001:200::1",
    "::ffff:1.1.1.1",
    "64:ff9b::101:101",
    "2002:101:101::1",
]


@pytest.mark.parametrize(
    ("owner", "address"),
    [
        *[(owner, address) for owner, addresses in REFUSED.items() for address in addresses],
        *[(owner, address) for address, owner in EMBEDDED.items()],
    ],
)
def test_what_is_not_the_public_internet_is_refused_by_the_name_of_its_owner(names, settings, owner, address):
    settings.CMS_LMS_PRIVATE_NETWORKS = []
    names.addresses[HOST] = [address]
    with LMSSession() as session, pytest.raises(LMSUnreachable) as refused:
        session.get(f"https://{HOST}/")
    assert refused.value.code == "address_refused"
    assert HOST in str(refused.value)
    assert owner in str(refused.value)
    may_be_allowed = owner in ("this server itself", "the local link", "a private network")
    assert ("CMS_LMS_PRIVATE_NETWORKS" in refused.value.fix) == may_be_allowed


@pytest.mark.parametrize("address", PUBLIC)
def test_the_public_internet_is_not_refused(names, settings, address):
    settings.CMS_LMS_PRIVATE_NETWORKS = []
    names.addresses[HOST] = [address]
    with LMSSession() as session:
        assert [entry.owner for entry in session.addresses(f"https://{HOST}/")] == [None]


@pytest.mark.parametrize(
    ("network", "address", "is_allowed"),
    [
        ("10.1.2.0/24", "10.1.2.3", True),
        ("10.1.2.0/24", "10.1.3.3", False),
        ("10.1.2.0/24", "::ffff:10.1.2.3", True),
        ("10.1.2.0/24", "64:ff9b::a01:203", True),
        ("fd12::/16", "fd12::1", True),
        ("fe80::/10", "fe80::1%1", True),
        ("fd12::/16", "10.1.2.3", False),
        ("127.0.0.0/8", "::1", False),
        ("0.0.0.0/0", "127.0.0.1", True),
    ],
)
def test_the_settings_allow_networks(network, address, is_allowed):
    assert (refusal(ip_address(address), private_networks([network])) is None) == is_allowed


@pytest.mark.parametrize(
    "host",
    [
        "127.0.0.1",
        "127.1",
        "2130706433",
        "0x7f000001",
        "0x7f.0.0.1",
        "017700000001",
        "0177.0.0.1",
        "0",
        "[::1]",
        "[0:0:0:0:0:0:0:1]",
        "[::ffff:127.0.0.1]",
        "[::ffff:7f00:1]",
        "localhost",
        "LOCALHOST",
        "127。0。0。1",  # ideographic full stops
        "①②⑦.0.0.1",
    ],
)
def test_no_spelling_of_an_address_gets_through(settings, host):
    settings.CMS_LMS_PRIVATE_NETWORKS = []
    settings.CMS_LMS_ALLOW_INSECURE_URLS = True
    with Server(answer("secret")) as server, LMSSession() as session:
        with pytest.raises(LMSUnreachable) as refused:
            session.get(f"http://{host}:{server.port}/")
        # Those of other alphabets are no addresses in the first place.
        assert refused.value.code == ("address_refused" if host.isascii() else "invalid_request")
        assert server.connections == 0


@pytest.mark.parametrize(
    "url",
    [
        "http://192.0.2.1@127.0.0.1:{port}/",
        "http://127.0.0.1:{port}\\@192.0.2.1/",
        "http://192.0.2.1#@127.0.0.1:{port}/",
        "http://192.0.2.1?@127.0.0.1:{port}/",
        "http://127.0.0.1:{port}%2f@192.0.2.1/",
        "http:///127.0.0.1:{port}/",
        "//127.0.0.1:{port}/",
        "file:///etc/passwd",
        "gopher://127.0.0.1:{port}/",
        "http://127.0.0.1:{port} /",
        "http://127.0.0.1:{port}\n/",
        "http://",
        "",
    ],
)
def test_addresses_that_readers_understand_differently_are_no_addresses(settings, url):
    settings.CMS_LMS_PRIVATE_NETWORKS = ["127.0.0.0/8"]
    settings.CMS_LMS_ALLOW_INSECURE_URLS = True
    with Server(answer("secret")) as server, LMSSession() as session:
        with pytest.raises(LMSUnreachable) as refused:
            session.get(url.format(port=server.port))
        # In the third and the fourth "@" is no part of the host: they are what they look like.
        assert refused.value.code in ("invalid_request", "address_refused")
        assert server.connections == 0


def test_a_name_is_resolved_once_and_what_was_examined_is_called(loopback):
    loopback.addresses[HOST] = [["127.0.0.1"], ["169.254.169.254"]]
    # Each answer ends its connection, so that the second call needs another.
    with Server(answer("here", Connection="close")) as server, LMSSession() as session:
        assert [session.get(f"{server.url}/{number}").body for number in range(2)] == [b"here", b"here"]
        assert server.connections == 2
    assert loopback.asked == [HOST]


def test_a_session_of_its_own_examines_anew(loopback):
    loopback.addresses[HOST] = [["127.0.0.1"], ["169.254.169.254"]]
    with Server(answer("here")) as server:
        with LMSSession() as session:
            session.get(server.url)
        with LMSSession() as session, pytest.raises(LMSUnreachable, match="metadata"):
            session.get(server.url)
        assert len(server.calls) == 1


def test_of_several_addresses_only_those_that_may_be_are_called(loopback):
    loopback.addresses[HOST] = ["169.254.169.254", "10.0.0.1", "127.0.0.1"]
    with Server(answer("here")) as server, LMSSession() as session:
        assert session.get(server.url).body == b"here"


def test_the_next_address_is_tried_when_one_does_not_answer(loopback):
    loopback.addresses[HOST] = ["127.0.0.2", "127.0.0.1"]
    with Server(answer("here")) as server, LMSSession() as session:
        assert session.get(server.url).body == b"here"
