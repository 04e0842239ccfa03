"""The checks that every LMS gets: each broken thing is named, by its own check, with what to do."""

from __future__ import annotations

import datetime as dt
import time
from email.utils import format_datetime

import pytest

from cms_lms.backends.base import BaseLMSBackend
from cms_lms.backends.config import BackendConfig
from cms_lms.backends.connection import Finding, Visit, check_connection
from cms_lms.backends.http import LMSSession, LMSUnreachable
from cms_lms.backends.reachability import expect_json

from .http_servers import HOST, Call, Server, answer, closed_port, redirect

pytestmark = pytest.mark.usefixtures("loopback")

NOW = dt.datetime.now(dt.UTC).replace(microsecond=0)


def visit(url: str, now: dt.datetime = NOW) -> dict[str, Finding]:
    """Examine an LMS at an address and return what was found, by the checks' names."""
    with LMSSession() as session:
        findings = check_connection(
            BaseLMSBackend.connection_checks,
            Visit(
                config=BackendConfig(slug="lms", name="LMS", base_url=url, course_regex=""),
                credentials={},
                site_origins=["https://cms.example.com"],
                http=session,
                now=lambda: now,
                extract_course_id=lambda url: None,
            ),
            clock=time.monotonic,
        )
        return {finding.name: finding for finding in findings}


def dated(moment: dt.datetime = NOW, **headers: str) -> bytes:
    return answer("<p>Hello", Date=format_datetime(moment, usegmt=True), **headers)


def statuses(findings: dict[str, Finding]) -> dict[str, str]:
    return {name: finding.status.value for name, finding in findings.items()}


def the_one(findings: dict[str, Finding]) -> Finding:
    """Return the only finding that asks for something to be done."""
    (finding,) = (finding for finding in findings.values() if finding.status in ("failed", "warning"))
    return finding


ALL_PASSED = {"address": "passed", "connection": "passed", "answer": "passed", "clock": "passed"}


def test_all_is_well(trusted):
    with Server(dated(), tls=trusted.tls(HOST, days=90)) as server:
        findings = visit(server.url)
        assert len(server.calls) == 1
    assert statuses(findings) == ALL_PASSED
    assert findings["address"].cause == f"“{HOST}” is at 127.0.0.1."
    assert "valid until" in findings["connection"].cause
    assert findings["answer"].cause.startswith("Status 200 after 0.")


def test_an_lms_on_this_machine_needs_no_encryption():
    with Server(dated()) as server:
        findings = visit(server.url)
    assert statuses(findings) == ALL_PASSED
    assert "on this machine" in findings["connection"].cause


def test_an_lms_elsewhere_does(loopback, settings):
    settings.CMS_LMS_PRIVATE_NETWORKS = ["127.0.0.0/8", "10.0.0.0/8"]
    # Nothing is at the second address, which makes it no less another machine.
    loopback.addresses[HOST] = ["127.0.0.1", "10.0.0.1"]
    with Server(dated()) as server:
        finding = the_one(visit(server.url))
    assert (finding.name, finding.status) == ("connection", "warning")
    assert ("credentials can be read" in finding.cause, "https" in finding.fix) == (True, True)


# Addresses.


def test_the_metadata_service(settings):
    settings.CMS_LMS_PRIVATE_NETWORKS = []
    findings = visit("http://169.254.169.254/latest/meta-data")
    assert statuses(findings) == {**dict.fromkeys(ALL_PASSED, "skipped"), "address": "failed"}
    assert findings["address"].cause == (
        "169.254.169.254 belongs to the hosting provider’s metadata service. Such addresses are not called."
    )
    assert "“Name and address” comes first" in findings["connection"].cause


def test_a_name_that_leads_to_the_metadata_service(loopback):
    loopback.addresses["metadata.example.test"] = ["169.254.169.254"]
    finding = the_one(visit("https://metadata.example.test"))
    assert finding.cause == (
        "“metadata.example.test” is at 169.254.169.254, which belongs to the hosting provider’s metadata service. "
        "Such addresses are not called."
    )
    assert "no LMS is at such an address" in finding.fix


def test_a_name_that_does_not_exist():
    finding = the_one(visit("https://nowhere.example.test"))
    assert (finding.name, finding.cause) == ("address", "There is no server by the name of “nowhere.example.test”.")


def test_one_address_of_two_is_private(loopback):
    loopback.addresses[HOST] = ["192.168.0.1", "127.0.0.1"]
    with Server(dated()) as server:
        finding = visit(server.url)["address"]
    assert finding.status == "warning"
    assert "is at 127.0.0.1, and also at 192.168.0.1, which belongs to a private network" in finding.cause


# Connections.


def test_nothing_listens():
    with closed_port() as port:
        finding = the_one(visit(f"https://{HOST}:{port}"))
    assert (finding.name, finding.status) == ("connection", "failed")
    assert "Nothing accepts connections" in finding.cause


def test_plain_http_on_a_site_that_forbids_it(settings):
    settings.CMS_LMS_ALLOW_INSECURE_URLS = False
    with Server(dated()) as server:
        finding = the_one(visit(server.url))
        assert server.connections == 0
    assert (finding.name, finding.status, finding.fix) == (
        "connection",
        "failed",
        "Let the base URL start with https://.",
    )


def test_a_certificate_that_has_expired(trusted):
    with Server(dated(), tls=trusted.tls(HOST, days=-1)) as server:
        finding = the_one(visit(server.url))
    assert (finding.name, finding.cause) == ("connection", f"The certificate of {HOST} has expired.")
    assert "Renew" in finding.fix


@pytest.mark.parametrize(
    ("days", "status", "cause"),
    [
        (15, "passed", "valid until"),
        (13.5, "warning", "The certificate ends in 13 days"),
        (1.5, "warning", "ends in 1 day;"),
        (0.5, "warning", "ends in 0 days"),
    ],
)
def test_a_certificate_that_ends_soon(trusted, days, status, cause):
    with Server(dated(), tls=trusted.tls(HOST, days=days)) as server:
        finding = visit(server.url)["connection"]
    assert finding.status == status
    assert cause in finding.cause


# Answers.


@pytest.mark.parametrize(
    ("said", "status", "cause"),
    [
        (answer("", "500 Internal Server Error"), "failed", "an error of its own (status 500)"),
        (answer("<html>", "502 Bad Gateway", Content_Type="text/html"), "failed", "an error of its own (status 502)"),
        (answer("", "404 Not Found"), "passed", "no page at the base URL itself (status 404)"),
        (answer("", "429 Too Many Requests"), "warning", "less often"),
        (answer("", "403 Forbidden"), "passed", "Status 403"),
        (answer("", "204 No Content"), "passed", "Status 204"),
        (lambda call: None, "failed", "The LMS broke off, or what it answers is not HTTP."),
        (lambda call: call.send(b"220 smtp.example.com ESMTP\r\n"), "failed", "not HTTP"),
    ],
)
def test_answers(said, status, cause):
    with Server(said) as server:
        finding = visit(server.url)["answer"]
    assert finding.status == status
    assert cause in finding.cause
    assert bool(finding.fix) == (status != "passed")


def test_an_lms_that_hangs(settings):
    settings.CMS_LMS_READ_TIMEOUT = 0.1
    with Server(Call.hang) as server:
        finding = the_one(visit(server.url))
    assert (finding.name, "said nothing for 0.1 seconds" in finding.cause) == ("answer", True)


def test_an_lms_that_is_slow(monkeypatch):
    monkeypatch.setattr("cms_lms.backends.reachability.SLOW_SECONDS", 0.0)
    with Server(dated()) as server:
        finding = the_one(visit(server.url))
    assert (finding.name, "answers slowly" in finding.cause) == ("answer", True)


def test_an_lms_that_redirects_to_itself():
    with Server({"/": redirect("/")}) as server:
        finding = the_one(visit(f"{server.url}/"))
    assert (finding.name, finding.status) == ("answer", "failed")
    assert finding.cause == f"{server.url}/ redirects to itself."


@pytest.mark.parametrize("status", ["301 Moved Permanently", "302 Found"])
def test_an_lms_that_has_moved(status):
    with Server(redirect("https://new.example.test/login?next=/", status)) as server:
        finding = the_one(visit(server.url))
    assert (finding.name, finding.status) == ("answer", "warning")
    assert "redirects to another host, https://new.example.test," in finding.cause
    assert finding.fix == "If the LMS has moved, enter its new address as the base URL: https://new.example.test"


def test_an_lms_whose_front_page_is_elsewhere_has_a_clock():
    moment = format_datetime(NOW - dt.timedelta(minutes=10), usegmt=True)
    with Server(answer("", "302 Found", Location="https://www.example.test/", Date=moment)) as server:
        assert statuses(visit(server.url)) == {**ALL_PASSED, "answer": "warning", "clock": "failed"}


def test_a_redirect_within_the_lms_is_an_answer():
    with Server({"/": redirect("/dashboard"), "/dashboard": dated()}) as server:
        assert statuses(visit(f"{server.url}/")) == ALL_PASSED


# Clocks.


@pytest.mark.parametrize(
    ("seconds", "status", "cause"),
    [
        (0, "passed", "They agree."),
        (55, "passed", "They agree."),
        (-55, "passed", "They agree."),
        (65, "warning", "The clock of the LMS is 65 seconds ahead of this site’s."),
        (-65, "warning", "The clock of the LMS is 65 seconds behind this site’s."),
        (180, "warning", "3 minutes ahead"),
        (-310, "failed", "5 minutes behind"),
        (7200, "failed", "2 hours ahead"),
        (-3 * 86400, "failed", "3 days behind"),
    ],
)
def test_clocks(seconds, status, cause):
    with Server(dated(NOW + dt.timedelta(seconds=seconds))) as server:
        finding = visit(server.url)["clock"]
    assert (finding.status, cause in finding.cause) == (status, True)
    assert ("timedatectl" in finding.snippet) == (status != "passed")


def test_a_copy_from_a_cache_says_how_old_it_is():
    with Server(dated(NOW - dt.timedelta(hours=1), Age="3600")) as server:
        assert visit(server.url)["clock"].status == "passed"


@pytest.mark.parametrize(
    "headers", [{}, {"Date": "yesterday"}, {"Date": ""}, {"Date": "Wed, 21 Oct 99999 07:28:00 GMT"}, {"Age": "x"}]
)
def test_an_lms_without_a_clock(headers):
    with Server(answer("x", **headers)) as server:
        finding = visit(server.url)["clock"]
    assert (finding.status, finding.cause) == ("skipped", "The LMS does not say what time it is.")


# What an API answers.


@pytest.mark.parametrize(
    ("said", "code", "message"),
    [
        (answer("<html>", Content_Type="text/html"), "html", "At /api there is a web page (status 200)"),
        (answer(" <!doctype html>", "404 Not Found"), "html", "a web page (status 404)"),
        (answer("", "200 OK"), "empty", "The LMS answers nothing at /api (status 200)."),
        (answer("OK"), "not_json", "is not JSON"),
        (answer("{}", "503 Service Unavailable"), "server_error", "status 503"),
    ],
)
def test_what_is_no_answer_of_an_api(said, code, message):
    with Server(said) as server, LMSSession() as session, pytest.raises(LMSUnreachable) as error:
        expect_json(session.get(f"{server.url}/api?token=x"))
    assert error.value.code == code
    assert message in str(error.value)
    assert error.value.fix


def test_what_is():
    with Server(answer('{"a": 1}', "401 Unauthorized")) as server, LMSSession() as session:
        assert expect_json(session.get(server.url)) == {"a": 1}
