"""The block of settings to paste: valid Python with the right values, in the form that the release wants."""

from __future__ import annotations

import ast
from typing import Any

import pytest
from django.utils.translation import override

from cms_lms.backends.openedx_release import RELEASES, ReleaseRange
from cms_lms.backends.openedx_settings import SETTINGS, settings_block

LMS = "https://lms.example.com"
SITE = "https://cms.example.com"
ANY = ReleaseRange()


def pasted(text: str, **before: Any) -> dict[str, Any]:
    """What the LMS's settings module holds when the text stands at its end."""
    namespace: dict[str, Any] = {"FEATURES": {}} | before
    exec(compile(text, "settings.py", "exec"), namespace)  # noqa: S102 (what an LMS does with it)
    return {name: value for name, value in namespace.items() if name.isupper()}


def only(release: str) -> ReleaseRange:
    return ReleaseRange(release, release)


FLAT = {
    "ENABLE_CORS_HEADERS": True,
    "ENABLE_CROSS_DOMAIN_CSRF_COOKIE": True,
    "CORS_ALLOW_CREDENTIALS": True,
    "CORS_ALLOW_INSECURE": False,
    "CORS_ORIGIN_WHITELIST": [SITE],
    "CROSS_DOMAIN_CSRF_COOKIE_DOMAIN": ".example.com",
    "CROSS_DOMAIN_CSRF_COOKIE_NAME": "edx_csrf_token",
    "SESSION_COOKIE_NAME": "edx_session",
    "CSRF_TRUSTED_ORIGINS": [SITE],
    "LOGIN_REDIRECT_WHITELIST": ["cms.example.com"],
}
FEATURES = {"ENABLE_CORS_HEADERS": True, "ENABLE_CROSS_DOMAIN_CSRF_COOKIE": True}


def test_every_setting_is_there() -> None:
    assert set(FLAT) == set(SETTINGS)


@pytest.mark.parametrize("release", RELEASES)
def test_values_in_the_form_of_the_release(release: str) -> None:
    expected: dict[str, Any] = dict(FLAT)
    place = RELEASES.index(release)
    if place < RELEASES.index("ulmo"):
        expected = {name: value for name, value in FLAT.items() if name not in FEATURES} | {"FEATURES": FEATURES}
    if place < RELEASES.index("maple"):
        expected["CORS_ORIGIN_WHITELIST"] = ["cms.example.com"]
    if place < RELEASES.index("quince"):
        del expected["CSRF_TRUSTED_ORIGINS"]
    text = settings_block(LMS, [SITE], only(release))

    assert {"FEATURES": {}} | expected == pasted(text)
    assert ("CSRF_TRUSTED_ORIGINS_WITH_SCHEME" in text) == (release in ("redwood", "sumac", "teak"))
    assert f"({release.capitalize()})" in text


@pytest.mark.parametrize("before", [{}, {"FEATURES": {"OTHER": True}}])
def test_an_unknown_release_gets_what_each_may_need(before: dict[str, Any]) -> None:
    text = settings_block(LMS, [SITE], ANY)

    after = pasted(text, **before)
    assert after == FLAT | {"FEATURES": before.get("FEATURES", {}) | FEATURES}
    assert "# Up to Lilac without the scheme: ['cms.example.com']" in text
    assert "# Since Ulmo:" in text


def test_no_features_are_needed_where_there_are_none_any_more() -> None:
    text = settings_block(LMS, [SITE], ReleaseRange("redwood", "willow"))
    namespace: dict[str, Any] = {}
    exec(compile(text, "settings.py", "exec"), namespace)  # noqa: S102
    assert namespace["ENABLE_CORS_HEADERS"] is True


def test_lists_that_are_there_are_kept() -> None:
    mfe = "https://apps.lms.example.com"
    before = {
        "CORS_ORIGIN_WHITELIST": (mfe,),
        "CSRF_TRUSTED_ORIGINS": [mfe],
        "LOGIN_REDIRECT_WHITELIST": ["apps.lms.example.com"],
    }
    after = pasted(settings_block(LMS, [SITE], only("ulmo")), **before)
    assert after["CORS_ORIGIN_WHITELIST"] == after["CSRF_TRUSTED_ORIGINS"] == [mfe, SITE]
    assert after["LOGIN_REDIRECT_WHITELIST"] == ["apps.lms.example.com", "cms.example.com"]


def test_several_sites_with_ports() -> None:
    sites = ["https://cms.learn.example.com:8443", "https://fr.learn.example.com"]
    after = pasted(settings_block("https://lms.learn.example.com", sites, only("ulmo")))
    assert after["CORS_ORIGIN_WHITELIST"] == sites
    assert after["LOGIN_REDIRECT_WHITELIST"] == ["cms.learn.example.com:8443", "fr.learn.example.com"]
    assert after["CROSS_DOMAIN_CSRF_COOKIE_DOMAIN"] == ".learn.example.com"


@pytest.mark.parametrize("site", ["https://cms.example.org", "https://192.0.2.1", "http://localhost:8000"])
def test_no_cookie_without_a_domain_that_both_share(site: str) -> None:
    # With the feature on and no domain, Open edX answers every page with an error.
    text = settings_block(LMS, [site], only("ulmo"))
    after = pasted(text)
    assert "ENABLE_CROSS_DOMAIN_CSRF_COOKIE" not in after
    assert "CROSS_DOMAIN_CSRF_COOKIE_DOMAIN" not in after
    assert "# CROSS_DOMAIN_CSRF_COOKIE_DOMAIN: there is none." in text


def test_insecure_pages_need_a_setting_for_development() -> None:
    assert pasted(settings_block("http://lms.example.com", [SITE], only("ulmo")))["CORS_ALLOW_INSECURE"] is True
    text = settings_block(LMS, ["http://cms.example.com"], only("ulmo"))
    assert pasted(text)["CORS_ALLOW_INSECURE"] is True
    assert "# For development alone" in text


def test_a_part_of_it() -> None:
    text = settings_block(LMS, [SITE], only("ulmo"), ["LOGIN_REDIRECT_WHITELIST", "CORS_ALLOW_CREDENTIALS"])
    assert pasted(text) == {
        "FEATURES": {},
        "CORS_ALLOW_CREDENTIALS": True,
        "LOGIN_REDIRECT_WHITELIST": ["cms.example.com"],
    }


@pytest.mark.parametrize(
    "origin",
    [
        'https://cms.example.com"\nimport os #',
        "https://cms.example.com', print('x'), '",
        "https://cms.example.com\r\nDEBUG = True",
        "https://cms.example.com\u2028DEBUG = True",
        "https://cms.example.com\\",
    ],
)
def test_an_origin_can_only_be_a_value(origin: str) -> None:
    for releases in (ANY, only("hawthorn"), only("ulmo")):
        text = settings_block(LMS, [origin], releases)
        names = {
            target.id
            for statement in ast.parse(text).body
            if isinstance(statement, ast.Assign)
            for target in statement.targets
            if isinstance(target, ast.Name)
        }
        assert names <= set(SETTINGS)
        assert not [node for node in ast.walk(ast.parse(text)) if isinstance(node, ast.Import)]
    assert origin in pasted(settings_block(LMS, [origin], only("ulmo")))["CSRF_TRUSTED_ORIGINS"]


@pytest.mark.parametrize(
    ("first", "last", "text"),
    [
        ("dogwood", "willow", "of an unknown release"),
        ("redwood", "teak", "between Redwood and Teak"),
        ("dogwood", "eucalyptus", "Eucalyptus or older"),
        ("redwood", "willow", "Redwood or later"),
        ("willow", "willow", "Willow"),
    ],
)
def test_ranges_in_words(first: str, last: str, text: str) -> None:
    assert str(ReleaseRange(first, last)) == text


def test_ranges_are_narrowed_by_what_fits() -> None:
    releases = ReleaseRange().narrowed(first="ironwood").narrowed(last="palm")
    assert releases == ReleaseRange("ironwood", "palm")
    assert releases.narrowed(first="redwood") == releases
    assert releases.narrowed(last="hawthorn") == releases
    assert [releases.since(name) for name in ("hawthorn", "ironwood", "lilac", "palm", "quince")] == [
        True,
        True,
        None,
        None,
        False,
    ]


@pytest.mark.parametrize("language", ["en", "fr"])
def test_python_2_takes_it(language: str) -> None:
    with override(language):
        assert settings_block(LMS, [SITE], only("hawthorn")).isascii()
        assert settings_block(LMS, [SITE], ANY).isascii()
