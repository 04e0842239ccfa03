"""Which redirects are followed, and what is never taken along."""

from __future__ import annotations

import gzip

import pytest

from cms_lms.backends.http import LMSSession

from .calls import get, refused
from .http_servers import HOST, Server, answer, redirect

pytestmark = pytest.mark.usefixtures("loopback")


SECRET = "hunter2-hunter2"


# Redirects.


def test_the_answer_before_a_redirect_is_held_to_the_same_limits(settings):
    settings.CMS_LMS_MAX_RESPONSE_BYTES = 100_000
    bomb = gzip.compress(bytes(50_000_000))
    with Server(answer(bomb, "302 Found", Location="/", Content_Encoding="gzip")) as server:
        assert refused(server.url).code == "too_large"
        assert refused(server.url, "POST").code == "too_large"


def test_redirects_within_the_host_are_followed():
    answers = {"/a": redirect("/b?x=1"), "/b": redirect("c", "307 Temporary Redirect"), "/c": answer("there")}
    with Server(answers) as server:
        response = get(f"{server.url}/a", headers={"Authorization": "Bearer x"}, params={"page": 1})
    assert (response.body, response.url) == (b"there", f"{server.url}/c")
    assert [call.target for call in server.calls] == ["/a?page=1", "/b?x=1", "/c"]
    assert {call.headers["authorization"] for call in server.calls} == {"Bearer x"}


def test_a_redirect_is_an_answer_when_it_is_not_to_be_followed():
    with Server(redirect("https://elsewhere.example.test/")) as server:
        response = get(server.url, follow_redirects=False)
    assert (response.status, response.is_redirect) == (302, True)
    assert response.location == "https://elsewhere.example.test/"


@pytest.mark.parametrize("method", ["POST", "PUT", "PATCH", "DELETE", "OPTIONS"])
@pytest.mark.parametrize("status", ["302 Found", "307 Temporary Redirect", "308 Permanent Redirect"])
def test_writes_are_never_redirected(method, status):
    with Server({"/a": redirect("/b", status)}) as server, LMSSession() as session:
        response = session.request(method, f"{server.url}/a", data={"a": "1"}, follow_redirects=True)
        assert (response.status, len(server.calls)) == (int(status[:3]), 1)


@pytest.mark.parametrize(
    ("status", "code"),
    [("301 Moved Permanently", "moved"), ("308 Permanent Redirect", "moved"), ("302 Found", "redirect_refused")],
)
def test_no_other_host_is_followed(loopback, status, code):
    with Server(answer("other")) as other, Server(redirect(f"http://127.0.0.1:{other.port}/x", status)) as server:
        error = refused(server.url, headers={"Authorization": SECRET})
        assert other.connections == 0
    assert error.code == code
    assert f"http://127.0.0.1:{other.port}" in str(error)
    assert f"http://127.0.0.1:{other.port}" in error.fix


def test_no_other_port_is_followed():
    with Server(answer("other")) as other, Server(redirect(other.url)) as server:
        assert refused(server.url).code == "redirect_refused"
        assert other.connections == 0


def test_encryption_is_taken_up_without_credentials(trusted):
    with Server(answer("safe"), tls=trusted.tls(HOST)) as encrypted, Server(redirect(encrypted.url)) as plain:
        assert get(plain.url, headers={"Accept": "text/html"}).body == b"safe"
        error = refused(plain.url, headers={"Authorization": SECRET})
        assert (error.code, "credentials are not taken along" in str(error)) == ("redirect_refused", True)
        assert len(encrypted.calls) == 1


def test_a_read_with_a_body_is_not_redirected():
    with Server(redirect("/b")) as server:
        assert get(server.url, json={"a": 1}).status == 302


def test_encryption_is_never_given_up(trusted):
    with Server(answer("plain")) as plain, Server(redirect(plain.url), tls=trusted.tls(HOST)) as encrypted:
        assert refused(encrypted.url).code == "redirect_refused"
        assert plain.connections == 0


def test_a_redirect_to_itself():
    with Server({"/a": redirect("/a")}) as server:
        error = refused(f"{server.url}/a")
        assert len(server.calls) == 1
    assert (error.code, str(error)) == ("redirect_loop", f"{server.url}/a redirects to itself.")


def test_redirects_in_a_circle():
    with Server({"/a": redirect("/b"), "/b": redirect("/a")}) as server:
        error = refused(f"{server.url}/a")
    assert (error.code, "in a circle" in str(error)) == ("redirect_loop", True)


def test_redirects_without_end():
    with Server(lambda call: redirect(f"/{len(call.server.calls)}")) as server:
        error = refused(f"{server.url}/0")
        assert len(server.calls) == 6
    assert (error.code, "more than 5 times" in str(error)) == ("redirect_loop", True)


@pytest.mark.parametrize(
    "location", ["javascript:alert(1)", "file:///etc/passwd", "http://[", "http://a b/", "http://u@a/", "http://a:b/"]
)
def test_a_redirect_to_nowhere(location):
    with Server({"/": redirect(location)}) as server:
        assert refused(server.url).code == "redirect_refused"


def test_a_location_in_another_alphabet():
    answers = {"/": redirect("/ü".encode().decode("latin-1")), "/%C3%BC": answer("there")}
    with Server(answers) as server:
        assert get(server.url).body == b"there"


def test_a_redirect_status_that_leads_nowhere_is_an_answer():
    with Server(answer("x", "304 Not Modified")) as one, Server(answer("x", "302 Found")) as two:
        assert [get(one.url).status, get(two.url).status] == [304, 302]
