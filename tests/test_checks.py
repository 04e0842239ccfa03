"""Each wrong setting is found at start-up, and its hint says the fix."""

from __future__ import annotations

from pathlib import Path

import pytest
from django.apps import apps
from django.core.checks import Tags, run_checks
from django.test import override_settings
from django.utils import timezone

from cms_lms.checks import check_settings, check_that_somebody_may_sign
from cms_lms.models import LMSBackend
from cms_lms.models.sync_secret import SyncSecret
from tests.factories import make_backend

BASE = "cms_lms.backends.base.BaseLMSBackend"
MODULE, TEMPLATE = "cms_lms/js/backends/base.js", "cms_lms/admin/connection_openedx.html"


def examined_by(connection: object) -> dict[str, dict[str, object]]:
    """Return a JS backend whose connection these examine."""
    return {"base": {"label": "Base", "module": MODULE, "connection": connection}}


def found() -> dict[str, str]:
    """Return the ids of what the checks find, with the hints."""
    return {message.id: message.hint for message in check_settings()}


def test_the_settings_of_the_site_are_right():
    assert found() == {}


@pytest.mark.parametrize(
    ("name", "value", "expected_id", "hint"),
    [
        ("SYNC_SECRETS", "secret", "cms_lms.E003", "CMS_LMS_SYNC_SECRETS = ["),
        ("SYNC_SECRETS", [b"secret"], "cms_lms.E003", "CMS_LMS_SYNC_SECRETS = ["),
        ("SYNC_SECRETS", None, "cms_lms.E003", "CMS_LMS_SYNC_SECRETS = ["),
        ("SYNC_SECRETS", ["secret", ""], "cms_lms.E004", "Remove it"),
        ("SYNC_SECRETS", ["  "], "cms_lms.E004", "Remove it"),
        ("DEFAULT_SYNC_MODE", "sync", "cms_lms.E005", "sync_to_draft"),
        ("DEFAULT_SYNC_MODE", "", "cms_lms.E005", "sync_to_draft"),
        ("DELIVERY_RETENTION_DAYS", 0, "cms_lms.E034", "at least 1, or to None"),
        ("DELIVERY_RETENTION_DAYS", "90", "cms_lms.E034", "at least 1, or to None"),
        ("COURSE_LANGUAGES", "en", "cms_lms.E006", '("en", "English")'),
        ("COURSE_LANGUAGES", [], "cms_lms.E006", '("en", "English")'),
        ("COURSE_LANGUAGES", ["en"], "cms_lms.E006", '("en", "English")'),
        ("BACKENDS", BASE, "cms_lms.E007", "CMS_LMS_BACKENDS = ["),
        ("BACKENDS", [], "cms_lms.E007", "CMS_LMS_BACKENDS = ["),
        ("BACKENDS", ["nowhere.Backend"], "cms_lms.E008", "Correct the path"),
        ("BACKENDS", ["Backend"], "cms_lms.E008", "Correct the path"),
        ("BACKENDS", [None], "cms_lms.E008", "Correct the path"),
        ("BACKENDS", ["cms_lms.backends.base.BackendConfig"], "cms_lms.E009", "BaseLMSBackend"),
        ("JS_BACKENDS", ["base"], "cms_lms.E010", '"label"'),
        ("JS_BACKENDS", {"base": "base.js"}, "cms_lms.E011", '"label"'),
        ("JS_BACKENDS", {"base": {"label": "Base"}}, "cms_lms.E011", '"label"'),
        ("JS_BACKENDS", {"base": {"label": "Base", "module": "no/such.js"}}, "cms_lms.E012", "Correct the module"),
        ("JS_BACKENDS", examined_by("connection.js"), "cms_lms.E011", '"template"'),
        ("JS_BACKENDS", examined_by({"module": MODULE}), "cms_lms.E011", '"template"'),
        ("JS_BACKENDS", examined_by({"module": 1, "template": 2}), "cms_lms.E011", '"template"'),
        ("JS_BACKENDS", examined_by({"module": "x.js", "template": TEMPLATE}), "cms_lms.E012", "Correct the module"),
        ("JS_BACKENDS", examined_by({"module": MODULE, "template": "x"}), "cms_lms.E012", "Correct the template"),
        ("ALLOW_INSECURE_URLS", "no", "cms_lms.E013", "True or False"),
        ("ALLOW_INSECURE_URLS", True, "cms_lms.W002", "False"),
        ("SYNC_MAX_BODY_BYTES", "2 MB", "cms_lms.E014", "above 0"),
        ("SYNC_MAX_BODY_BYTES", True, "cms_lms.E014", "above 0"),
        ("SYNC_MAX_ITEMS", 0, "cms_lms.E014", "CMS_LMS_SYNC_MAX_ITEMS"),
        ("SYNC_FAILURE_RATE", "30 a minute", "cms_lms.E032", "60/minute"),
        ("SYNC_FAILURE_RATE", "0/minute", "cms_lms.E032", "60/minute"),
        ("SYNC_RATE", 30, "cms_lms.E032", "CMS_LMS_SYNC_RATE"),
        ("PROXY_COUNT", "1", "cms_lms.E033", "CMS_LMS_PROXY_COUNT"),
        ("PROXY_COUNT", -1, "cms_lms.E033", "0 for none"),
        ("MAX_RESPONSE_BYTES", 0, "cms_lms.E014", "CMS_LMS_MAX_RESPONSE_BYTES"),
        ("COUNTER_REFRESH_SECONDS", -1, "cms_lms.E031", "0 for none"),
        ("COUNTER_REFRESH_SECONDS", None, "cms_lms.E031", "whole number of seconds"),
        ("PAGE_CACHE_SECONDS", -1, "cms_lms.E031", "CMS_LMS_PAGE_CACHE_SECONDS"),
        ("ENROLLMENT_COUNT_THRESHOLD", -1, "cms_lms.E045", "None to show no numbers"),
        ("ENROLLMENT_COUNT_THRESHOLD", "100", "cms_lms.E045", "CMS_LMS_ENROLLMENT_COUNT_THRESHOLD"),
        ("CSP_REPORT_URI", None, "cms_lms.E035", "CMS_LMS_CSP_REPORT_URI"),
        ("CSP_REPORT_URI", "reports", "cms_lms.E035", "https://reports.example.com/csp"),
        ("CSP_REPORT_URI", "https://x.example; script-src *", "cms_lms.E035", "one address"),
        ("ENCRYPTION_KEYS", "a key that is long enough", "cms_lms.E016", "CMS_LMS_ENCRYPTION_KEYS = ["),
        ("ENCRYPTION_KEYS", [b"a key that is long enough"], "cms_lms.E016", "CMS_LMS_ENCRYPTION_KEYS = ["),
        ("ENCRYPTION_KEYS", None, "cms_lms.E016", "CMS_LMS_ENCRYPTION_KEYS = ["),
        ("ENCRYPTION_KEYS", ["a key that is long enough", ""], "cms_lms.E017", "token_urlsafe"),
        ("ENCRYPTION_KEYS", [" " * 20], "cms_lms.E017", "token_urlsafe"),
        ("ENCRYPTION_KEYS", ["fifteen letters"], "cms_lms.E017", "16 characters"),
        ("ENCRYPTION_KEYS", ["a key that is long enough\n"], "cms_lms.E017", "white space"),
        ("SECRET_ENVIRONMENT_PREFIX", "", "cms_lms.E018", "CMS_LMS_SECRET_"),
        ("SECRET_ENVIRONMENT_PREFIX", None, "cms_lms.E018", "CMS_LMS_SECRET_"),
        ("SECRET_ENVIRONMENT_PREFIX", "lms_secret_", "cms_lms.E018", "capital letters"),
        ("SECRET_ENVIRONMENT_PREFIX", "LMS-SECRET-", "cms_lms.E018", "underscores"),
        ("SECRET_ENVIRONMENT_PREFIX", "SECRET_", "cms_lms.E019", "editors may send"),
        ("SECRET_ENVIRONMENT_PREFIX", "DATABASE_", "cms_lms.E019", "editors may send"),
        ("SECRET_ENVIRONMENT_PREFIX", "CMS_LMS_", "cms_lms.E019", "editors may send"),
        ("SECRET_ENVIRONMENT_PREFIX", "X_", "cms_lms.E019", "8 characters"),
        ("PRIVATE_NETWORKS", "10.1.2.0/24", "cms_lms.E020", "CMS_LMS_PRIVATE_NETWORKS = ["),
        ("PRIVATE_NETWORKS", ["lms.internal"], "cms_lms.E020", "CIDR"),
        ("PRIVATE_NETWORKS", [167837952], "cms_lms.E020", "CIDR"),
        ("PRIVATE_NETWORKS", ["10.1.2.3/24"], "cms_lms.E020", "no bits set"),
        ("PRIVATE_NETWORKS", ["0.0.0.0/0"], "cms_lms.W003", "Name only"),
        ("PRIVATE_NETWORKS", ["::/0"], "cms_lms.W003", "Name only"),
        ("PRIVATE_NETWORKS", ["10.0.0.0/8", "169.254.169.254/32"], "cms_lms.W004", "link-local"),
        ("PRIVATE_NETWORKS", ["128.0.0.0/1"], "cms_lms.W004", "narrower"),
        ("PRIVATE_NETWORKS", ["fe80::/64"], "cms_lms.W004", "link-local"),
        ("PRIVATE_NETWORKS", ["fd00::/8"], "cms_lms.W004", "narrower"),
        ("CA_BUNDLE", "/no/such/bundle.pem", "cms_lms.E021", "Correct the path"),
        ("CA_BUNDLE", "", "cms_lms.E021", "remove CMS_LMS_CA_BUNDLE"),
        ("CA_BUNDLE", True, "cms_lms.E021", "Correct the path"),
        ("CONNECT_TIMEOUT", 0, "cms_lms.E022", "CMS_LMS_CONNECT_TIMEOUT"),
        ("CONNECT_TIMEOUT", True, "cms_lms.E022", "CMS_LMS_CONNECT_TIMEOUT"),
        ("READ_TIMEOUT", None, "cms_lms.E022", "CMS_LMS_READ_TIMEOUT"),
        ("READ_TIMEOUT", "10", "cms_lms.E022", "CMS_LMS_READ_TIMEOUT"),
        ("TOTAL_TIMEOUT", -1.5, "cms_lms.E022", "CMS_LMS_TOTAL_TIMEOUT"),
        ("TOTAL_TIMEOUT", float("inf"), "cms_lms.E022", "seconds above 0"),
        ("TOTAL_TIMEOUT", float("nan"), "cms_lms.E022", "seconds above 0"),
        ("PREVIEW_TEMPLATE", "no/such.html", "cms_lms.E015", "CMS_LMS_PREVIEW_TEMPLATE"),
        ("PREVIEW_TEMPLATE", None, "cms_lms.E015", "CMS_LMS_PREVIEW_TEMPLATE"),
    ],
)
def test_wrong_setting(name, value, expected_id, hint):
    with override_settings(**{f"CMS_LMS_{name}": value}):
        messages = found()
    assert list(messages) == [expected_id]
    assert hint in messages[expected_id]


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("ENCRYPTION_KEYS", ["a key that is long enough", "an older key, still needed"]),
        ("SECRET_ENVIRONMENT_PREFIX", "UNIVERSITY_LMS_"),
        ("PRIVATE_NETWORKS", []),
        ("PRIVATE_NETWORKS", ("10.1.2.0/24", "192.168.7.9", "fd12:3456::/32", "127.0.0.0/8", "::1/128")),
        ("CA_BUNDLE", __file__),
        ("CA_BUNDLE", Path(__file__)),
        ("CONNECT_TIMEOUT", 1),
        ("CSP_REPORT_URI", "/csp-reports/"),
        ("PAGE_CACHE_SECONDS", 0),
        ("ENROLLMENT_COUNT_THRESHOLD", None),
    ],
)
def test_right_setting(name, value):
    with override_settings(**{f"CMS_LMS_{name}": value}):
        assert found() == {}


def test_no_key_is_printed():
    with override_settings(CMS_LMS_ENCRYPTION_KEYS=["hunter2"]):
        assert "hunter2" not in str(check_settings())


@pytest.mark.parametrize(
    ("app", "expected_id"), [("wagtail.snippets", "cms_lms.E001"), ("rest_framework", "cms_lms.E002")]
)
def test_missing_app(monkeypatch, app, expected_id):
    installed = apps.is_installed
    monkeypatch.setattr(apps, "is_installed", lambda name: name != app and installed(name))
    assert app in found()[expected_id]


@pytest.fixture
def warned():
    """Run the checks that look into the database, as ``migrate`` does."""

    def warned() -> list[str]:
        messages = run_checks(tags=[Tags.database], databases=["default"])
        return [message.id for message in messages if message.id.startswith("cms_lms")]

    return warned


@pytest.mark.django_db
def test_a_web_hook_that_nobody_can_sign_for_is_warned_of(warned, settings):
    assert warned() == []
    settings.CMS_LMS_SYNC_SECRETS = []
    assert warned() == ["cms_lms.W001"]
    backend = make_backend(is_enabled=False)
    secret = SyncSecret.add(backend, name="production", now=timezone.now())
    assert warned() == ["cms_lms.W001"]
    LMSBackend.objects.update(is_enabled=True)
    assert warned() == []
    secret.retire(now=timezone.now())
    assert warned() == ["cms_lms.W001"]
    settings.DEBUG = True
    assert warned() == []


@override_settings(CMS_LMS_SYNC_SECRETS=[])
def test_the_database_is_not_asked_where_nobody_wants_it_to_be():
    assert check_that_somebody_may_sign(databases=None) == []
    assert check_that_somebody_may_sign(databases=["another"]) == []


@pytest.mark.django_db
@override_settings(CMS_LMS_SYNC_SECRETS=[])
def test_a_database_that_is_not_migrated_yet_is_not_asked(warned, monkeypatch):
    monkeypatch.setattr(SyncSecret._meta, "db_table", "not_there_yet")
    assert warned() == []


@override_settings(DEBUG=True, CMS_LMS_SYNC_SECRETS=[], CMS_LMS_ALLOW_INSECURE_URLS=None)
def test_development_may_do_without_secrets_and_https():
    assert found() == {}
