"""Each wrong setting is found at start-up, and its hint says the fix."""

from __future__ import annotations

import pytest
from django.apps import apps
from django.test import override_settings

from cms_lms.checks import check_settings

BASE = "cms_lms.backends.base.BaseLMSBackend"


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
        ("SYNC_SECRETS", [], "cms_lms.W001", "the LMS signs"),
        ("DEFAULT_SYNC_MODE", "sync", "cms_lms.E005", "sync_to_draft"),
        ("DEFAULT_SYNC_MODE", "", "cms_lms.E005", "sync_to_draft"),
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
        ("ALLOW_INSECURE_URLS", "no", "cms_lms.E013", "True or False"),
        ("ALLOW_INSECURE_URLS", True, "cms_lms.W002", "False"),
        ("SYNC_MAX_BODY_BYTES", "2 MB", "cms_lms.E014", "above 0"),
        ("SYNC_MAX_BODY_BYTES", True, "cms_lms.E014", "above 0"),
        ("SYNC_MAX_ITEMS", 0, "cms_lms.E014", "CMS_LMS_SYNC_MAX_ITEMS"),
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
    ("app", "expected_id"), [("wagtail.snippets", "cms_lms.E001"), ("rest_framework", "cms_lms.E002")]
)
def test_missing_app(monkeypatch, app, expected_id):
    installed = apps.is_installed
    monkeypatch.setattr(apps, "is_installed", lambda name: name != app and installed(name))
    assert app in found()[expected_id]


@override_settings(DEBUG=True, CMS_LMS_SYNC_SECRETS=[], CMS_LMS_ALLOW_INSECURE_URLS=None)
def test_development_may_do_without_secrets_and_https():
    assert found() == {}
