"""What the examination of an Open edX makes of releases, health reports, tokens and pages that are not as usual."""

from __future__ import annotations

import json

import pytest

from cms_lms.backends.connection import Status
from cms_lms.backends.openedx_release import RELEASES
from tests.fake_lms import FakeLMS
from tests.fake_lms.faults import KINDS

from .http_servers import HOST, Server, answer, redirect
from .openedx_patient import SITE, Patient

SECRETS = ("cms-secret", "fake-lms-api-key")


def told(release: str, *, by_course: bool) -> str:
    """What can be known of a release from outside; a sample course and its details tell more."""
    for first, last, words, words_with_course in (
        ("dogwood", "eucalyptus", "Eucalyptus or older", "Eucalyptus or older"),
        # Django's CSRF cookie has one length up to Ginkgo and from Redwood on.
        ("ficus", "ginkgo", "between Ficus and Ironwood", "between Ficus and Ironwood"),
        ("hawthorn", "ironwood", "between Hawthorn and Ironwood", "between Hawthorn and Ironwood"),
        ("juniper", "koa", "between Ironwood and Palm", "between Ironwood and Lilac"),
        ("lilac", "palm", "between Ironwood and Palm", "between Lilac and Palm"),
        ("quince", "quince", "between Palm and Quince", "between Palm and Quince"),
        ("redwood", "verawood", "between Redwood and Verawood", "between Redwood and Verawood"),
        ("willow", "willow", "Willow", "Willow"),
    ):
        if RELEASES.index(first) <= RELEASES.index(release) <= RELEASES.index(last):
            return words_with_course if by_course else words
    raise AssertionError(release)


@pytest.mark.parametrize("release", RELEASES)
def test_the_release_is_told_as_far_as_it_can_be(patient: Patient, release: str) -> None:
    assert told(release, by_course=True) in str(patient.examine()["openedx-release"].cause)

    if release in ("juniper", "maple"):
        patient.course_id = ""
        assert told(release, by_course=False) in str(patient.examine()["openedx-release"].cause)


@pytest.mark.parametrize(
    ("release", "words"),
    [
        ("koa", "between Koa and Lilac"),
        ("nutmeg", "between Lilac and Palm"),
        ("teak", "between Redwood and Verawood"),
        ("ulmo", "Ulmo and Verawood"),
    ],
)
def test_micro_frontends_tell_of_the_release(patient: Patient, words: str) -> None:
    apps = "https://apps.lms.example.test"
    patient.change(authn_mfe_url=f"{apps}/authn", catalog_mfe_url=f"{apps}/catalog")
    assert words in str(patient.examine()["openedx-release"].cause)


@pytest.mark.parametrize("release", ["maple"])
def test_a_login_elsewhere_that_is_not_the_micro_frontend_tells_nothing(patient: Patient) -> None:
    patient.change(authn_mfe_url="https://sso.example.test")
    patient.course_id = ""
    assert "between Ironwood and Palm" in str(patient.examine()["openedx-release"].cause)


def test_a_redirect_to_nowhere_tells_nothing_of_the_release(patient: Patient) -> None:
    health = answer(b'{"sql": {"status": true}}', Content_Type="application/json")
    answers = {"/": answer(), "/heartbeat": health, "/login": redirect("//["), "/courses": redirect("https://[::1")}
    with Server(answers, tls=patient.authority.tls(HOST)) as server:
        patient.base_url = server.url
        finding = patient.examine()["openedx-release"]
    assert "Eucalyptus or older" in str(finding.cause)


def test_what_is_not_answered_tells_nothing_of_the_release(patient: Patient) -> None:
    patient.lms.state.fail("server_error", path="^/(api/(user|enrollment)|login$)", times=None)
    finding = patient.examine()["openedx-release"]
    assert finding.status is Status.PASSED
    assert "of an unknown release" in str(finding.cause)


def test_fonzie_is_named(patient: Patient) -> None:
    assert "Fonzie" not in str(patient.examine()["openedx-release"].cause)
    patient.change(fonzie="0.7.0")
    assert "with Fonzie 0.7.0" in str(patient.examine()["openedx-release"].cause)


def test_the_js_backend_of_fonzie_needs_fonzie(patient: Patient) -> None:
    patient.js_backend = "openedx-fonzie"
    finding = patient.examine()["openedx-release"]
    assert finding.status is Status.FAILED
    assert "Hawthorn and later" in str(finding.fix)


@pytest.mark.parametrize("release", ["eucalyptus"])
def test_the_oldest_releases_need_another_js_backend(patient: Patient) -> None:
    patient.js_backend = "openedx-hawthorn"
    finding = patient.examine()["openedx-release"]
    assert finding.status is Status.FAILED
    assert "Dogwood and Eucalyptus" in str(finding.fix)


def test_the_health_report_may_be_kept_from_strangers(patient: Patient) -> None:
    patient.lms.state.fail("status", path="^/heartbeat$", times=None, status=404)
    findings = patient.examine()
    assert findings["openedx"].status is Status.PASSED
    assert findings["openedx-health"].status is Status.SKIPPED
    assert not [finding for finding in findings.values() if finding.status in (Status.FAILED, Status.WARNING)]


@pytest.mark.parametrize(
    ("status", "report", "kind", "health", "words"),
    [
        ("200 OK", {"sql": {"status": True, "message": "OK"}}, "passed", "passed", "sql"),
        ("503 X", {"sql": {"status": False, "message": "gone"}}, "passed", "failed", "sql (gone)"),
        ("503 X", {"sql": {"status": False}}, "passed", "failed", "sql (?)"),
        # The oldest form, and a report that fails itself: not Open edX's alone, so the API is asked as well.
        ("200 OK", {"SQL": True, "mongo": True}, "passed", "passed", "SQL, mongo"),
        ("503 X", {"SQL": "no connection"}, "passed", "failed", "SQL (no connection)"),
        ("503 X", {"error": "boom"}, "passed", "failed", "error (boom)"),
        ("200 OK", {"status": "up"}, "passed", "skipped", "strangers"),
        ("200 OK", [], "passed", "skipped", "strangers"),
        ("200 OK", {}, "passed", "skipped", "strangers"),
        ("418 Teapot", {"sql": {"status": True}}, "passed", "skipped", "strangers"),
    ],
)
def test_health_reports_of_all_ages(
    patient: Patient, status: str, report: object, kind: str, health: str, words: str
) -> None:
    number, _space, _reason = status.partition(" ")
    patient.lms.state.fail("status", path="^/heartbeat$", times=None, status=int(number), body=json.dumps(report))
    findings = patient.examine()
    assert findings["openedx"].status == kind
    assert findings["openedx-health"].status == health
    assert words in str(findings["openedx-health"].cause)


def test_an_error_in_json_is_no_open_edx(patient: Patient) -> None:
    body = answer(b'{"message": "no Route matched"}', "503 Service Unavailable", Content_Type="application/json")
    with Server({"/": answer(b"hello"), "/heartbeat": body}, tls=patient.authority.tls("lms.example.test")) as server:
        patient.base_url = server.url
        finding = patient.examine()["openedx"]
    assert finding.status is Status.FAILED
    assert "status 503" in str(finding.cause)


def test_another_program_is_no_open_edx(patient: Patient) -> None:
    page = answer(b'{"name": "something"}', Content_Type="application/json")
    with Server(page, tls=patient.authority.tls("lms.example.test")) as server:
        patient.base_url = server.url
        finding = patient.examine()["openedx"]
    assert finding.status is Status.FAILED
    assert "neither a health report nor an enrollment API" in str(finding.cause)


def test_json_web_tokens_that_are_refused_where_they_should_work(patient: Patient) -> None:
    # Signed with a key that the API does not know; opaque tokens need none.
    patient.lms.state.fail("expired_token", times=1)
    finding = patient.examine()["openedx-oauth2"]
    assert finding.status is Status.WARNING
    assert "JWT_AUTH" in str(finding.fix)


def test_the_account_may_have_been_deleted(patient: Patient) -> None:
    patient.lms.state.applications["cms-client"].user = "gone"
    finding = patient.examine()["openedx-oauth2"]
    assert finding.status is Status.FAILED
    assert "User account has been disabled" in str(finding.cause)


def test_without_credentials_what_rests_on_them_is_left_to_browsers(patient: Patient) -> None:
    patient.credentials = {}
    findings = patient.examine()
    skipped = {name for name, finding in findings.items() if finding.status is Status.SKIPPED}
    assert skipped == {"openedx-oauth2", "openedx-rights", "openedx-api-key", "openedx-csrf-cookie"}
    assert "Store some" in str(findings["openedx-csrf-cookie"].cause)
    assert not [finding for finding in findings.values() if finding.status in (Status.FAILED, Status.WARNING)]


def test_without_a_sample_course_it_is_said_how_to_add_one(patient: Patient) -> None:
    patient.course_id = ""
    findings = patient.examine()
    assert findings["openedx-course"].status is Status.SKIPPED
    assert "Add one" in str(findings["openedx-course"].cause)
    assert findings["openedx-csrf-cookie"].status is Status.PASSED


@pytest.mark.parametrize("js_backend", ["", "base"])
def test_browsers_do_not_matter_to_an_lms_that_they_do_not_call(patient: Patient, js_backend: str) -> None:
    patient.js_backend = js_backend
    patient.change(cors_enabled=False)
    findings = patient.examine()
    skipped = {name for name, finding in findings.items() if finding.status is Status.SKIPPED}
    assert "browser-siblings" in skipped
    assert "openedx-settings" in skipped
    assert not [finding for finding in findings.values() if finding.status in (Status.FAILED, Status.WARNING)]


def test_a_site_that_does_not_know_its_address(patient: Patient) -> None:
    patient.origins = []
    finding = patient.examine()["browser-siblings"]
    assert finding.status is Status.SKIPPED
    assert "Settings → Sites" in str(finding.cause)


def test_development_on_one_machine_without_https(patient: Patient) -> None:
    patient.lms = patient.stack.enter_context(FakeLMS())
    patient.origins = ["http://localhost:8000"]
    findings = patient.examine()
    not_well = {name: finding.status for name, finding in findings.items() if finding.status is not Status.PASSED}
    assert not_well == {"browser-https": Status.WARNING}
    assert "for localhost" in str(findings["openedx-csrf-cookie"].cause)


def test_a_login_page_elsewhere_makes_no_difference(patient: Patient) -> None:
    patient.change(authn_mfe_url="https://apps.lms.example.test/authn")
    assert {finding.status for finding in patient.examine().values()} == {Status.PASSED}


def test_a_logout_page_of_ones_own_says_nothing(patient: Patient) -> None:
    patient.lms.state.fail("html", path="^/logout$", times=None)
    findings = patient.examine()
    assert findings["openedx-login-return"].status is Status.SKIPPED
    assert "LOGIN_REDIRECT_WHITELIST" in str(findings["openedx-login-return"].cause)


def test_a_firewall_before_writes_says_nothing_of_trust(patient: Patient) -> None:
    patient.change(trusted_origins=[])
    patient.lms.state.fail("status", path="^/change_enrollment$", times=None, status=403, body="<h1>Blocked</h1>")
    assert patient.examine()["openedx-trusted-origins"].status is Status.SKIPPED


@pytest.mark.parametrize("release", ["hawthorn", "ulmo"])
def test_nothing_is_written_and_nobody_is_enrolled(patient: Patient) -> None:
    patient.examine()
    assert not patient.lms.state.enrollments
    assert not patient.lms.state.sessions
    writes = [entry for entry in patient.lms.journal.entries() if entry.method not in ("GET", "OPTIONS")]
    assert {entry.path for entry in writes} == {"/oauth2/access_token", "/change_enrollment"}
    # Nobody is who posts to the latter, and nothing is what is posted.
    for entry in writes:
        if entry.path == "/change_enrollment":
            assert entry.body == ""
            assert not {"Authorization", "X-Edx-Api-Key"} & entry.headers.keys()
            assert "edx_session" not in entry.headers["Cookie"]


def test_an_examination_is_short(patient: Patient) -> None:
    patient.examine()
    assert len(patient.lms.journal.entries()) <= 25


@pytest.mark.parametrize("kind", [kind for kind in KINDS if kind != "slow"])
def test_secrets_stay_out_of_what_is_found_whatever_goes_wrong(patient: Patient, kind: str) -> None:
    patient.lms.state.fail(kind, path="^/(?!$)", times=None)
    for finding in patient.examine().values():
        text = json.dumps(finding.as_json())
        assert not [secret for secret in SECRETS if secret in text]
    for entry in patient.lms.journal.entries():
        assert not [secret for secret in SECRETS if secret in entry.path + entry.query]


def test_secrets_go_to_the_lms_alone(patient: Patient) -> None:
    patient.lms.state.fail(
        "status", path="^/oauth2/", times=None, status=307, headers={"Location": "https://evil.example.test/"}
    )
    finding = patient.examine()["openedx-oauth2"]
    assert finding.status is Status.FAILED
    assert "redirects to https://evil.example.test/" in str(finding.cause)
    assert "evil.example.test" not in patient.names.asked


@pytest.mark.parametrize("path", ["^/oauth2/", "^/api/user/v1/me$"])
def test_an_lms_that_repeats_what_it_got_is_not_quoted(patient: Patient, path: str) -> None:
    said = {"error": "not cms-secret", "detail": "no cms-client with cms-secret"}
    patient.lms.state.fail("status", path=path, times=None, status=401, body=json.dumps(said))
    finding = patient.examine()["openedx-oauth2"]
    assert finding.status is Status.FAILED
    assert "…" in str(finding.cause)
    assert "cms-secret" not in str(finding.cause)


def test_a_token_that_is_repeated_is_not_quoted(patient: Patient) -> None:
    given = json.dumps({"access_token": "token-of-today"})
    patient.lms.state.fail("status", path="^/oauth2/", times=None, status=200, body=given)
    said = json.dumps({"detail": "Invalid token: token-of-today"})
    patient.lms.state.fail("status", path="^/api/user/v1/me$", times=None, status=401, body=said)
    cause = str(patient.examine()["openedx-oauth2"].cause)
    assert "Invalid token: …" in cause
    assert "token-of-today" not in cause


def test_an_lms_that_says_much_is_quoted_in_part(patient: Patient) -> None:
    patient.lms.state.fail(
        "status", path="^/oauth2/", times=None, status=400, body=json.dumps({"error": "<script>" + "x" * 100_000})
    )
    cause = str(patient.examine()["openedx-oauth2"].cause)
    assert len(cause) < 300


def test_the_sites_are_named_where_they_are_missing(patient: Patient) -> None:
    patient.origins = ["https://www.example.test", SITE]
    patient.change(login_redirect_whitelist=["cms.example.test", "www.example.test"])
    patient.change(cors_origins=[SITE])
    finding = patient.examine()["browser-origin"]
    assert "does not allow https://www.example.test" in str(finding.cause)
