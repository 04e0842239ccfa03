"""Which hosts browsers take for one site."""

from __future__ import annotations

import pytest

from cms_lms.backends.same_site import (
    is_in_domain,
    is_local,
    is_public_suffix,
    is_same_site,
    registrable_domain,
    shared_domain,
)


@pytest.mark.parametrize(
    ("host", "other", "same"),
    [
        ("lms.example.com", "cms.example.com", True),
        ("lms.example.com", "example.com", True),
        ("a.b.example.co.uk", "c.example.co.uk", True),
        ("lms.example.com", "cms.example.org", False),
        ("one.co.uk", "two.co.uk", False),
        ("one.github.io", "two.github.io", False),  # the list's private section
        ("a.one.github.io", "b.one.github.io", True),
        ("lms.xn--bcher-kva.example", "cms.xn--bcher-kva.example", True),
        ("lms.city.kobe.jp", "cms.city.kobe.jp", True),  # an exception to *.kobe.jp
        ("lms.example.unheard-of", "cms.example.unheard-of", True),
        ("localhost", "localhost", True),
        ("lms.localhost", "cms.localhost", False),
        ("192.0.2.1", "192.0.2.1", True),
        ("192.0.2.1", "192.0.2.2", False),
        ("127.0.2.1", "9.9.2.1", False),  # no domain, though its last parts look like one
        ("[2001:db8::1]", "[2001:db8::1]", True),
        ("lms", "cms", False),
    ],
)
def test_same_site(host: str, other: str, same: bool) -> None:
    assert is_same_site(host, other) is same
    assert is_same_site(other, host) is same


@pytest.mark.parametrize(
    ("hosts", "domain"),
    [
        (["lms.example.com", "cms.example.com"], "example.com"),
        (["lms.learn.example.com", "cms.learn.example.com"], "learn.example.com"),
        (["lms.example.com", "example.com"], "example.com"),
        (["lms.example.com", "fr.cms.example.com", "cms.example.com"], "example.com"),
        (["lms.example.com", "cms.example.com", "cms.example.org"], None),
        (["one.github.io", "two.github.io"], None),
        (["localhost", "localhost"], None),
        (["192.0.2.1", "192.0.2.1"], None),
        (["lms.example.com"], "lms.example.com"),
        ([], None),
    ],
)
def test_shared_domain(hosts: list[str], domain: str | None) -> None:
    assert shared_domain(hosts) == domain


def test_domains_of_cookies() -> None:
    assert is_in_domain("lms.example.com", ".example.com")
    assert is_in_domain("lms.example.com", "Example.com")
    assert is_in_domain("example.com", ".example.com")
    assert not is_in_domain("notexample.com", "example.com")
    assert not is_in_domain("1.192.0.2.1", "192.0.2.2")
    assert is_public_suffix("com")
    assert is_public_suffix("github.io")
    assert not is_public_suffix("example.com")
    assert not is_public_suffix("192.0.2.1")
    assert registrable_domain("com") is None


def test_the_browsers_own_machine() -> None:
    assert all(is_local(host) for host in ("localhost", "lms.localhost", "127.0.0.1", "127.1.2.3", "[::1]"))
    assert not any(is_local(host) for host in ("example.com", "192.0.2.1", "localhost.example.com"))
