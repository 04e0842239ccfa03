"""What tests of calls over the network need: names, loopback addresses that may be called, an authority."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from contextlib import ExitStack
from datetime import UTC, datetime

import pytest

from .http_servers import HOST, Authority, Names
from .openedx_patient import Patient, open_lms


@pytest.fixture
def names(monkeypatch: pytest.MonkeyPatch) -> Names:
    """Names under ``example.test``; ``lms.example.test`` is this machine."""
    names = Names()
    monkeypatch.setattr(socket, "getaddrinfo", names.getaddrinfo)
    return names


@pytest.fixture
def loopback(settings, names: Names) -> Names:
    """The same, on a site that may call this machine, with or without encryption."""
    settings.CMS_LMS_PRIVATE_NETWORKS = ["127.0.0.0/8", "::1/128"]
    settings.CMS_LMS_ALLOW_INSECURE_URLS = True
    return names


@pytest.fixture(scope="session")
def authority(tmp_path_factory) -> Authority:
    """An authority of our own."""
    return Authority(tmp_path_factory.mktemp("authority"), datetime.now(UTC))


@pytest.fixture
def trusted(settings, authority: Authority) -> Authority:
    """The same, trusted by this site."""
    settings.CMS_LMS_CA_BUNDLE = str(authority.bundle)
    return authority


@pytest.fixture
def release() -> str:
    """The release of the Open edX that is examined; tests name others by parameters."""
    return "ulmo"


@pytest.fixture
def patient(loopback: Names, trusted: Authority, release: str) -> Iterator[Patient]:
    """An Open edX with which all is well."""
    with ExitStack() as stack:
        lms = stack.enter_context(open_lms(release, tls=trusted.tls(HOST)))
        yield Patient(lms, loopback, trusted, stack, release)
