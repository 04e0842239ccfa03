"""What browsers would make of an LMS's answers: each header, and each attribute of the cookie."""

from __future__ import annotations

import pytest

from cms_lms.backends.browser_access import EncryptedPages, SiblingDomains
from cms_lms.backends.config import BackendConfig
from cms_lms.backends.connection import Finding, Status, Visit
from cms_lms.backends.openedx_browser import SentCookie

from .openedx_patient import SITE, Patient

ORIGIN, CREDENTIALS, HEADERS = (
    "Access-Control-Allow-Origin",
    "Access-Control-Allow-Credentials",
    "Access-Control-Allow-Headers",
)
GOOD = {ORIGIN: SITE, CREDENTIALS: "true", HEADERS: "content-type, x-csrftoken"}


def look_at(check: type[EncryptedPages | SiblingDomains], base_url: str, *origins: str) -> Finding:
    """Run a check that calls nobody."""
    config = BackendConfig("lms", "LMS", base_url, "", js_backend="openedx-hawthorn")
    visit = Visit(config, {}, origins, http=None, now=None, extract_course_id=None)  # type: ignore[arg-type]
    return check().run(visit)


@pytest.mark.parametrize(
    ("base_url", "origin", "status", "words"),
    [
        ("https://lms.example.com", "https://cms.example.com", "passed", "below example.com"),
        ("https://lms.example.com:8443/x", "https://example.com", "passed", "below example.com"),
        ("https://lms.example.com", "https://cms.example.org", "failed", "lms.example.com and cms.example.org"),
        ("https://one.github.io", "https://two.github.io", "failed", "one.github.io and two.github.io"),
        ("https://192.0.2.1", "https://192.0.2.1:8000", "passed", "on one host"),
        ("https://192.0.2.1", "https://cms.example.com", "failed", "An IP address has no domain"),
        ("https://lms.example.com", "https://[2001:db8::1]", "failed", "An IP address has no domain"),
        ("http://localhost:8001", "http://localhost:8000", "passed", "on one host"),
        ("http://lms.localhost", "http://cms.localhost", "failed", "lms.localhost and cms.localhost"),
    ],
)
def test_siblings(base_url: str, origin: str, status: str, words: str) -> None:
    finding = look_at(SiblingDomains, base_url, origin)
    assert finding.status == status
    assert words in str(finding.cause)


def test_each_site_is_compared() -> None:
    finding = look_at(
        SiblingDomains, "https://lms.example.com", "https://cms.example.com", "https://a.example", "https://b.example"
    )
    assert "lms.example.com and a.example, b.example are not" in str(finding.cause)


@pytest.mark.parametrize(
    ("base_url", "origin", "status", "words"),
    [
        ("https://lms.example.com", "https://cms.example.com", "passed", "are encrypted"),
        ("http://lms.example.com", "https://cms.example.com", "failed", "http://lms.example.com is not encrypted"),
        ("https://lms.example.com", "http://cms.example.com", "failed", "http://cms.example.com is not encrypted"),
        ("http://localhost:8001", "http://127.0.0.1:8000", "warning", "On this machine alone"),
        ("http://localhost:8001", "https://cms.example.com", "failed", "http://localhost:8001 is not encrypted"),
    ],
)
def test_https_on_both_sides(base_url: str, origin: str, status: str, words: str) -> None:
    finding = look_at(EncryptedPages, base_url, origin)
    assert finding.status == status
    assert words in str(finding.cause)


@pytest.mark.parametrize(
    ("status", "headers", "check", "words"),
    [
        (200, {}, None, ""),
        (204, {}, None, ""),
        (200, {HEADERS: "X-CSRFToken,Content-Type , Accept"}, None, ""),
        (200, {ORIGIN: None}, "browser-origin", "does not allow"),
        (401, {ORIGIN: None}, "browser-origin", "does not allow"),
        (200, {ORIGIN: "*"}, "browser-origin", "which browsers do not accept for calls with cookies"),
        (200, {ORIGIN: f"{SITE}, *"}, "browser-origin", "Browsers take one"),
        (200, {ORIGIN: f"{SITE}/"}, "browser-origin", f"allows “{SITE}/”"),
        (200, {ORIGIN: "http://cms.example.test"}, "browser-origin", "scheme, host and port must be the same"),
        (200, {ORIGIN: "https://CMS.example.test"}, "browser-origin", "scheme, host and port must be the same"),
        (403, {}, "browser-origin", "with status 403"),
        (307, {"Location": "/x"}, "browser-origin", "redirects the question"),
        (200, {CREDENTIALS: None}, "browser-credentials", "does not allow calls with cookies"),
        (200, {CREDENTIALS: "True"}, "browser-credentials", "does not allow calls with cookies"),
        (200, {HEADERS: None}, "browser-headers", "the headers content-type, x-csrftoken"),
        (200, {HEADERS: "*"}, "browser-headers", "the headers content-type, x-csrftoken"),
        (200, {HEADERS: "content-type"}, "browser-headers", "the headers x-csrftoken"),
    ],
)
def test_preflights_are_read_as_browsers_read_them(
    patient: Patient, status: int, headers: dict[str, str | None], check: str | None, words: str
) -> None:
    sent = {name: value for name, value in (GOOD | headers).items() if value is not None}
    patient.lms.state.fail(
        "status", method="OPTIONS", path="/", times=None, status=status, headers=sent, cors=False, content_type=None
    )
    named = {
        name: str(finding.cause)
        for name, finding in patient.examine().items()
        if finding.status in (Status.FAILED, Status.WARNING)
    }
    assert list(named) == ([check] if check else [])
    assert words in named.get(check or "", "")


def test_what_is_asked_before_a_write(patient: Patient) -> None:
    patient.examine()
    (preflight,) = patient.lms.journal.entries(method="OPTIONS")
    assert preflight.path == "/api/enrollment/v1/enrollment"
    assert preflight.headers["Origin"] == SITE
    assert preflight.headers["Access-Control-Request-Method"] == "POST"
    assert preflight.headers["Access-Control-Request-Headers"] == "content-type,x-csrftoken"
    # Browsers ask without credentials.
    assert not {"Authorization", "X-Edx-Api-Key", "Cookie"} & preflight.headers.keys()


@pytest.mark.parametrize(
    ("cookie", "status", "words"),
    [
        ("edx_csrf_token=t; Domain=.example.test; Path=/; Secure", "passed", "“edx_csrf_token”, for .example.test"),
        ("edx_csrf_token=t; domain=example.test; SECURE; SameSite=Strict", "passed", "for example.test"),
        ("edx_csrf_token=t; Domain=.example.test; Secure; SameSite=None", "passed", "for .example.test"),
        ("edx_csrf_token=t; Domain=.example.test", "warning", "lacks Secure"),
        ("edx_csrf_token=t; Domain=.example.test; SameSite=None", "failed", "SameSite=None without Secure"),
        ("edx_csrf_token=t; Domain=.example.test; Secure; HttpOnly", "failed", "is HttpOnly"),
        ("edx_csrf_token=t; Secure", "failed", "for the host of the LMS alone"),
        ("edx_csrf_token=t; Domain=; Secure", "failed", "for the host of the LMS alone"),
        ("edx_csrf_token=t; Domain=test; Secure", "failed", "below which anybody may have names"),
        ("edx_csrf_token=t; Domain=ample.test; Secure", "failed", "in which lms.example.test itself is not"),
        ("csrftoken=t; Path=/", "failed", "no cookie"),
        ("other=t; Domain=.example.test; Secure", "failed", "no cookie"),
        ("csrftoken=t; Domain=.example.test; Secure", "warning", "is called “csrftoken”"),
        ("rubbish", "failed", "no cookie"),
        ("", "failed", "no cookie"),
    ],
)
def test_the_cookie_is_read_as_browsers_read_it(patient: Patient, cookie: str, status: str, words: str) -> None:
    patient.lms.state.fail(
        "status",
        method="GET",
        path="^/api/enrollment/v1/enrollment/",
        times=None,
        status=200,
        headers={"Set-Cookie": cookie},
    )
    findings = patient.examine()
    assert findings["openedx-csrf-cookie"].status == status
    assert words in str(findings["openedx-csrf-cookie"].cause)


def test_the_last_of_several_attributes_counts() -> None:
    cookie = SentCookie.parse("a=b=c; Domain=one.test; DOMAIN=two.test; ; Secure=x")
    assert cookie == SentCookie("a", {"domain": "two.test", "": "", "secure": "x"})
