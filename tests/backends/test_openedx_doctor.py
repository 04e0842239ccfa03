"""The whole examination of an Open edX, over TLS and under sibling names: all is well, and then one thing after another
is not, and exactly that one is named.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import pytest

from cms_lms.backends.connection import Finding, Status
from cms_lms.backends.openedx import OpenEdXBackend

from .http_servers import HOST
from .openedx_patient import SITE, Patient

RELEASES = ("eucalyptus", "hawthorn", "maple", "redwood", "ulmo")
CHECKS = {check.name: check for check in OpenEdXBackend.connection_checks}


def by_status(findings: dict[str, Finding], *statuses: Status) -> dict[str, str]:
    return {name: str(finding.cause) for name, finding in findings.items() if finding.status in statuses}


def rest_on(name: str) -> set[str]:
    """The checks that cannot be made without that one."""
    resting = {name}
    for check in OpenEdXBackend.connection_checks:
        if resting & set(check.requires):
            resting.add(check.name)
    return resting - {name}


def not_told_by(release: str) -> set[str]:
    return {"openedx-rights"} if release in ("eucalyptus", "hawthorn") else set()


@pytest.mark.parametrize("release", RELEASES)
def test_all_is_well(patient: Patient, release: str) -> None:
    findings = patient.examine()

    assert list(findings) == list(CHECKS)
    assert by_status(findings, Status.FAILED, Status.WARNING) == {}
    assert set(by_status(findings, Status.SKIPPED)) == not_told_by(release)


@dataclass(frozen=True)
class Breakage:
    """One thing that is not as it should be: the check that names it, with words of its cause and of its fix."""

    check: str
    arrange: Callable[[Patient], object]
    cause: str
    fix: str = ""
    status: Status = Status.FAILED
    releases: tuple[str, ...] = ("ulmo",)
    #: What is mended by the settings that come with it.
    setting: str = ""
    #: What cannot be told then either, though it does not rest on it.
    also_skipped: frozenset[str] = frozenset()


def expire(patient: Patient) -> None:
    patient.replace(tls=patient.authority.tls(HOST, days=-1))


def move_to_an_unrelated_domain(patient: Patient) -> None:
    patient.origins = ["https://cms.example.org"]
    patient.change(cms_url="https://cms.example.org")


def forget_the_name(patient: Patient) -> None:
    del patient.names.addresses[HOST]


SINCE_DJANGO_4 = ("redwood", "ulmo")
COOKIE_SETTING = "CROSS_DOMAIN_CSRF_COOKIE_DOMAIN = '.example.test'"

BREAKAGES = {
    "unresolvable name": Breakage("address", forget_the_name, HOST),
    "expired certificate": Breakage("connection", expire, "expired", "Renew"),
    "nothing but errors": Breakage(
        "answer", lambda p: p.lms.state.fail("bad_gateway", path="/", times=None), "error of its own (status 502)"
    ),
    "clock off": Breakage("clock", lambda p: p.lms.clock.advance(600), "10 minutes ahead"),
    "captive portal": Breakage(
        "openedx", lambda p: p.lms.state.fail("html", path="/", times=None), "there is a web page (status 200)"
    ),
    "empty answers": Breakage(
        "openedx",
        lambda p: p.lms.state.fail("empty", path="/", times=None),
        "answers nothing at /heartbeat",
        "base URL",
    ),
    "everything behind a login": Breakage(
        "openedx",
        lambda p: p.lms.state.fail("login_redirect", path="^/(heartbeat|api|oauth2)", times=None),
        "At /login there is a web page",
    ),
    "connections broken off": Breakage(
        "openedx", lambda p: p.lms.state.fail("reset", path="^/heartbeat", times=None), "broke off", "log"
    ),
    "path in the base URL": Breakage(
        "openedx", lambda p: setattr(p, "path", "/courses"), "not below the path of the base URL", "without a path"
    ),
    "firewall": Breakage(
        "openedx", lambda p: p.lms.state.fail("status", path="^/(heartbeat|api)", times=None, status=403), "refuses"
    ),
    "unwell": Breakage(
        "openedx-health", lambda p: p.change(healthy=False), "modulestore (No connection", "log", releases=RELEASES
    ),
    "wrong client secret": Breakage(
        "openedx-oauth2",
        lambda p: p.credentials.update(oauth2_client_secret="wrong"),
        "does not know the client id, or its secret",
        "Enter both again",
        releases=RELEASES,
    ),
    "unknown client": Breakage(
        "openedx-oauth2", lambda p: p.credentials.update(oauth2_client_id="?"), "does not know the client id"
    ),
    "half of the client": Breakage(
        "openedx-oauth2", lambda p: p.credentials.pop("oauth2_client_secret"), "The client secret is missing"
    ),
    "client for another grant": Breakage(
        "openedx-oauth2",
        lambda p: p.credentials.update(oauth2_client_id="web-client", oauth2_client_secret="web-secret"),
        "another kind of grant",
        "Client credentials",
    ),
    "too many tokens": Breakage(
        "openedx-oauth2", lambda p: p.lms.state.fail("throttled", path="^/oauth2/", times=None), "(status 429)"
    ),
    "page instead of a token": Breakage(
        "openedx-oauth2", lambda p: p.lms.state.fail("html", path="^/oauth2/", times=None), "there is a web page"
    ),
    "no provider of tokens": Breakage(
        "openedx-oauth2",
        lambda p: p.lms.state.fail("status", path="^/oauth2/", times=None, status=404),
        "not an OAuth2 provider",
    ),
    "token expired at once": Breakage(
        "openedx-oauth2",
        lambda p: p.lms.state.fail("expired_token", times=None),
        "calls expired at once",
        "clocks",
        releases=RELEASES,
    ),
    "account without rights": Breakage(
        "openedx-rights",
        lambda p: p.credentials.update(oauth2_client_id="learner-client", oauth2_client_secret="learner-secret"),
        "“learner” is not staff",
        "/admin/auth/user/",
        releases=("maple", "ulmo"),
    ),
    "wrong API key": Breakage(
        "openedx-api-key",
        lambda p: p.credentials.update(api_key="wrong"),
        "does not accept",
        "EDX_API_KEY",
        releases=RELEASES,
    ),
    "API keys switched off": Breakage(
        "openedx-api-key", lambda p: p.change(api_key=None), "does not accept", "Where that is not set"
    ),
    "the API key that everybody has": Breakage(
        "openedx-api-key",
        lambda p: (p.change(api_key="PUT_YOUR_API_KEY_HERE"), p.credentials.update(api_key="PUT_YOUR_API_KEY_HERE")),
        "everybody knows it",
        status=Status.WARNING,
    ),
    "an API key alone": Breakage(
        "openedx-api-key",
        lambda p: setattr(p, "credentials", {"api_key": "fake-lms-api-key"}),
        "going to take API keys away",
        "OAuth2",
        status=Status.WARNING,
        also_skipped=frozenset({"openedx-oauth2", "openedx-rights"}),
    ),
    "unknown sample course": Breakage(
        "openedx-course",
        lambda p: setattr(p, "course_id", "course-v1:No+Such+Run"),
        "knows no course “course-v1:No+Such+Run”",
        "correct the course regex",
        releases=RELEASES,
    ),
    "no https": Breakage("browser-https", Patient.replace, "is not encrypted", "Let both have https"),
    "no https on the site": Breakage(
        "browser-https",
        lambda p: (p.origins.append("http://www.example.test"), p.change(cors_origins=p.origins)),
        "http://www.example.test is not encrypted",
    ),
    "unrelated domain": Breakage(
        "browser-siblings", move_to_an_unrelated_domain, "are not below one domain of yours", "Move one of the two"
    ),
    "CORS off": Breakage(
        "browser-origin",
        lambda p: p.change(cors_enabled=False),
        f"does not allow {SITE}",
        setting="CORS_ORIGIN_WHITELIST = ",
    ),
    "origin not whitelisted": Breakage(
        "browser-origin",
        lambda p: p.change(cors_origins=["https://www.example.test"]),
        f"does not allow {SITE}",
        setting="CORS_ORIGIN_WHITELIST = ",
        releases=RELEASES,
    ),
    "one of two origins not whitelisted": Breakage(
        "browser-origin",
        lambda p: (p.origins.append("https://fr.example.test"), p.change(login_redirect_whitelist=ALL_HOSTS)),
        "does not allow https://fr.example.test",
        setting="'https://fr.example.test'",
    ),
    "preflight redirected": Breakage(
        "browser-origin",
        lambda p: p.lms.state.fail("login_redirect", method="OPTIONS", path="/", times=None),
        "redirects the question",
    ),
    "credentials not allowed": Breakage(
        "browser-credentials",
        lambda p: p.change(cors_allow_credentials=False),
        "does not allow calls with cookies",
        setting="CORS_ALLOW_CREDENTIALS = True",
    ),
    "headers not allowed": Breakage(
        "browser-headers",
        lambda p: p.change(cors_allow_headers=["accept", "content-type"]),
        "the headers x-csrftoken:",
        "CORS_ALLOW_HEADERS",
    ),
    "cookie withheld": Breakage(
        "openedx-csrf-cookie",
        lambda p: p.change(cross_domain_cookie=False),
        f"gives the pages of {SITE} no cookie",
        setting=COOKIE_SETTING,
        releases=RELEASES,
    ),
    "cookie of the LMS's host": Breakage(
        "openedx-csrf-cookie",
        lambda p: p.change(csrf_cookie_domain=None),
        "for the host of the LMS alone: cms.example.test cannot read it",
        setting=COOKIE_SETTING,
    ),
    "cookie of another domain": Breakage(
        "openedx-csrf-cookie",
        lambda p: p.change(csrf_cookie_domain=".example.com"),
        "example.com, in which lms.example.test itself is not",
        setting=COOKIE_SETTING,
    ),
    "cookie of the LMS's domain": Breakage(
        "openedx-csrf-cookie",
        lambda p: p.change(csrf_cookie_domain=HOST),
        "in which cms.example.test is not",
        setting=COOKIE_SETTING,
    ),
    "cookie of a public suffix": Breakage(
        "openedx-csrf-cookie",
        lambda p: p.change(csrf_cookie_domain=".test"),
        "below which anybody may have names",
        setting=COOKIE_SETTING,
    ),
    "cookie of another name": Breakage(
        "openedx-csrf-cookie",
        lambda p: p.change(cross_domain_cookie_name="prod-edx-csrftoken"),
        "“prod-edx-csrftoken”; course pages look for “edx_csrf_token”",
        'data-csrf-cookie="prod-edx-csrftoken"',
        status=Status.WARNING,
        setting="CROSS_DOMAIN_CSRF_COOKIE_NAME = 'edx_csrf_token'",
    ),
    "origin not trusted": Breakage(
        "openedx-trusted-origins",
        lambda p: p.change(trusted_origins=[]),
        f"refuses writes from the pages of {SITE}",
        "Since Django 4",
        releases=SINCE_DJANGO_4,
        setting="CSRF_TRUSTED_ORIGINS = ",
    ),
    "no way back after the login": Breakage(
        "openedx-login-return",
        lambda p: p.change(login_redirect_whitelist=[]),
        f"does not lead back to {SITE}",
        status=Status.WARNING,
        setting="['cms.example.test']",
        releases=RELEASES,
    ),
    "no login page": Breakage(
        "openedx-login-return",
        lambda p: p.lms.state.fail("status", path="^/login$", times=None, status=404),
        "no login page",
        also_skipped=frozenset({"openedx-trusted-origins"}),
    ),
}
ALL_HOSTS = ["cms.example.test", "fr.example.test", "www.example.test"]


@pytest.mark.parametrize(
    ("release", "breakage"),
    [
        pytest.param(release, breakage, id=f"{name}, {release}")
        for name, breakage in BREAKAGES.items()
        for release in breakage.releases
    ],
)
def test_exactly_what_is_broken_is_named(patient: Patient, release: str, breakage: Breakage) -> None:
    breakage.arrange(patient)

    findings = patient.examine()

    named = by_status(findings, Status.FAILED, Status.WARNING)
    assert list(named) == [breakage.check], named
    finding = findings[breakage.check]
    assert finding.status == breakage.status
    assert breakage.cause in str(finding.cause)
    assert breakage.fix in str(finding.fix)
    assert finding.fix or finding.snippet
    assert breakage.setting in finding.snippet
    # Only what rests on it is left out.
    skipped = set(by_status(findings, Status.SKIPPED))
    assert skipped - not_told_by(release) <= rest_on(breakage.check) | breakage.also_skipped
