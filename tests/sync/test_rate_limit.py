"""How often strangers may try, and that nobody else is kept out."""

from __future__ import annotations

import datetime as dt
import json
import logging

import pytest
from django.core.cache import cache
from django.core.cache.backends.locmem import LocMemCache

from cms_lms.encryption import Secret
from cms_lms.models import SyncDelivery
from cms_lms.models.sync_secret import SyncSecret
from cms_lms.sync.signature import sign
from tests.factories import make_backend
from tests.sync.payloads import payload

pytestmark = pytest.mark.django_db

NOW = dt.datetime(2026, 11, 27, 12, 0, tzinfo=dt.UTC)
BODY = b"[]"


class BrokenCache(LocMemCache):
    """A cache that is down."""

    def get(self, *args, **kwargs):
        """Fail."""
        raise ConnectionError

    add = get


@pytest.fixture(autouse=True)
def limits(settings, monkeypatch):
    """Three wrong calls a minute, none counted yet, and a clock that stands still."""
    cache.clear()
    settings.CMS_LMS_SYNC_FAILURE_RATE = "3/minute"

    def set_clock(now):
        monkeypatch.setattr("cms_lms.sync.views.timezone.now", lambda: now)

    set_clock(NOW)
    return set_clock


@pytest.fixture
def statuses(send):
    """Post several times and return the status codes."""

    def statuses(count: int, authorization: str | None = "SIG-HMAC-SHA256 wrong", **kwargs) -> list[int]:
        return [send(BODY, authorization, **kwargs).status_code for _ in range(count)]

    return statuses


def test_after_too_many_wrong_calls_an_address_is_429_for_a_short_while(statuses, send, limits):
    assert statuses(4) == [401, 401, 401, 429]

    response = send(BODY, "SIG-HMAC-SHA256 wrong")

    assert response["Retry-After"] == "5"
    assert response.json() == {"detail": "Too many calls. Try again in 5 seconds."}
    assert statuses(1, sign(BODY, "SharedSecret")) == [429]
    limits(NOW + dt.timedelta(seconds=58))
    assert send(BODY, None)["Retry-After"] == "2"
    limits(NOW + dt.timedelta(minutes=1))
    assert statuses(1, sign(BODY, "SharedSecret")) == [200]


def test_calls_without_a_signature_count_too(statuses):
    assert statuses(4, None) == [403, 403, 403, 429]


def test_other_addresses_are_not_kept_out(statuses):
    statuses(4, REMOTE_ADDR="203.0.113.9")

    assert statuses(1, sign(BODY, "SharedSecret"), REMOTE_ADDR="203.0.113.10") == [200]


def test_an_ipv6_subscriber_has_one_address(statuses):
    assert statuses(3, REMOTE_ADDR="2001:db8::1") == [401, 401, 401]
    assert statuses(1, REMOTE_ADDR="2001:db8::ffff:2") == [429]
    assert statuses(1, REMOTE_ADDR="2001:db8:0:1::1") == [401]


def test_a_forwarded_address_is_not_believed(statuses):
    codes = [statuses(1, HTTP_X_FORWARDED_FOR=f"203.0.113.{number}")[0] for number in range(4)]

    assert codes == [401, 401, 401, 429]


def test_behind_the_site_s_own_proxies_their_entry_counts(statuses, settings):
    settings.CMS_LMS_PROXY_COUNT = 1

    assert statuses(4, HTTP_X_FORWARDED_FOR="spoofed, 203.0.113.1") == [401, 401, 401, 429]
    assert statuses(1, HTTP_X_FORWARDED_FOR="other, 203.0.113.1") == [429]
    assert statuses(1, sign(BODY, "SharedSecret"), HTTP_X_FORWARDED_FOR="203.0.113.1, 203.0.113.2") == [200]
    assert SyncDelivery.objects.get().remote_address == "203.0.113.0/24"


@pytest.mark.parametrize(
    "address", ["203.0.113.7:{port}", "[2001:db8::7]:{port}", "[2001:db8::7]", "::ffff:203.0.113.7"]
)
def test_a_port_is_no_part_of_an_address(statuses, settings, address):
    settings.CMS_LMS_PROXY_COUNT = 1
    ports = range(5000, 5004)

    codes = [statuses(1, HTTP_X_FORWARDED_FOR=address.format(port=port))[0] for port in ports]

    assert codes == [401, 401, 401, 429]


@pytest.mark.parametrize("address", ["", "unix:", "é\x00", "1.2.3.4, 5.6.7.8"])
def test_who_has_no_address_is_not_limited(statuses, address):
    assert statuses(5, REMOTE_ADDR=address) == [401] * 5


def test_right_calls_are_not_limited_unless_the_site_says_so(statuses, settings):
    right = sign(BODY, "SharedSecret")
    assert statuses(6, right) == [200] * 6

    settings.CMS_LMS_SYNC_RATE = "2/hour"

    assert statuses(3, right) == [200, 200, 429]
    assert SyncDelivery.objects.count() == 8


def test_one_secret_s_limit_is_not_another_s(statuses, settings):
    settings.CMS_LMS_SYNC_SECRETS = ["SharedSecret", "another"]
    settings.CMS_LMS_SYNC_RATE = "1/hour"

    assert statuses(2, sign(BODY, "SharedSecret")) == [200, 429]
    assert statuses(1, sign(BODY, "another")) == [200]


def test_no_rate_is_no_limit(statuses, settings):
    settings.CMS_LMS_SYNC_FAILURE_RATE = None

    assert statuses(5) == [401] * 5


def test_runs_of_others_are_no_wrong_calls(post, statuses):
    """A sender whose secret may not write some runs goes on writing the others."""
    make_backend()
    other = make_backend(slug="other", base_url="https://other.example.com", sort_order=9)
    SyncSecret.add(other, name="1", now=NOW, secret=Secret("other’s"))
    body = json.dumps(payload()).encode()

    assert [post(payload(), authorization=sign(body, "other’s")).status_code for _ in range(5)] == [401] * 5


def test_a_cache_that_is_down_keeps_nobody_out(statuses, settings, caplog):
    settings.CACHES = {"default": {"BACKEND": "tests.sync.test_rate_limit.BrokenCache"}}
    settings.CMS_LMS_SYNC_RATE = "1/hour"

    with caplog.at_level(logging.WARNING, "cms_lms"):
        assert statuses(5) == [401] * 5
        assert statuses(2, sign(BODY, "SharedSecret")) == [200, 200]
    assert "nobody is limited" in caplog.text


def test_the_security_log_says_once_who_was_shut_out(statuses, caplog):
    with caplog.at_level(logging.WARNING, "django.security.cms_lms"):
        statuses(6)

    assert caplog.text.count("refused unread") == 1
