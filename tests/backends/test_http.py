"""The session that calls LMSs: what it sends, where nothing answers, when it calls again, what it tells nobody."""

from __future__ import annotations

import http.cookiejar
import logging
import socket
import threading

import pytest
import requests
from django.views.debug import ExceptionReporter

from cms_lms.backends.http import LMSSession, LMSUnreachable, NotJSON

from .bad_servers import (
    NONSENSE,
    drip_headers,
    endless_body,
    hang,
    hang_up,
)
from .calls import get, refused
from .http_servers import HOST, Call, Server, answer, closed_port, has_ipv6, redirect

pytestmark = pytest.mark.usefixtures("loopback")


SECRET = "hunter2-hunter2"


# What is sent, and what comes back.


def test_an_answer_is_read_to_its_end():
    body = answer('{"a": 1}', Content_Type="application/json; charset=utf-8", Set_Cookie="a=1, b; Path=/", X_B="2")
    with Server(body) as server:
        response = get(f"{server.url}/path?x=1", params={"y": "ü"}, headers={"Authorization": "Bearer x"})
    assert (response.status, response.json(), response.is_json) == (200, {"a": 1}, True)
    assert response.headers["x-b"] == "2"
    assert response.set_cookies == ("a=1, b; Path=/",)
    assert response.url == f"{server.url}/path?x=1&y=%C3%BC"
    assert 0 < response.seconds < 5
    (call,) = server.calls
    assert (call.method, call.target) == ("GET", "/path?x=1&y=%C3%BC")
    assert call.headers["host"] == f"{HOST}:{server.port}"
    assert call.headers["authorization"] == "Bearer x"
    assert call.headers["user-agent"].startswith("cms_lms/")
    assert call.headers["accept-encoding"] == "gzip, deflate"


def test_forms_and_json_are_sent():
    with Server(answer()) as server, LMSSession() as session:
        session.post(server.url, data={"wstoken": "a b", "x[0]": "1"})
        session.post(server.url, json={"a": None})
        session.options(server.url, headers={"Origin": "https://cms.example.com"})
    form, value, preflight = server.calls
    assert (form.body, form.headers["content-type"]) == (
        b"wstoken=a+b&x%5B0%5D=1",
        "application/x-www-form-urlencoded",
    )
    assert (value.body, value.headers["content-type"]) == (b'{"a": null}', "application/json")
    assert (preflight.method, preflight.headers["origin"]) == ("OPTIONS", "https://cms.example.com")


def test_an_answer_does_not_print_what_it_holds():
    with Server(answer(SECRET, X_Token=SECRET, Set_Cookie=SECRET)) as server:
        assert SECRET not in repr(get(server.url))


@pytest.mark.parametrize(
    "status", ["204 No Content", "404 Not Found", "500 Internal Server Error", "418 I am a teapot"]
)
def test_every_status_is_an_answer(status):
    with Server(answer(b"", status)) as server:
        response = get(server.url)
    assert (response.status, response.body) == (int(status[:3]), b"")
    with pytest.raises(NotJSON):
        response.json()


@pytest.mark.parametrize("body", [b"<html>", b"{", b"\xff\xfe", b"[" * 100_000, rb'{"a": "\ud800"}'])
def test_what_is_not_json_is_said_to_be(body):
    with Server(answer(body, Content_Type="application/json")) as server, pytest.raises(NotJSON):
        get(server.url).json()


def test_a_connection_serves_several_calls():
    with Server(answer("x")) as server, LMSSession() as session:
        for _number in range(3):
            session.get(server.url)
        assert (server.connections, len(server.calls)) == (1, 3)


@pytest.mark.skipif(not has_ipv6(), reason="this machine has no IPv6")
@pytest.mark.parametrize("host", [HOST, "[::1]"])
def test_ipv6(loopback, host):
    loopback.addresses[HOST] = ["::1"]
    with Server(answer("six"), address="::1", host=host) as server:
        assert get(server.url).body == b"six"
        assert server.calls[0].headers["host"] == f"{host}:{server.port}"


# The environment and earlier calls have no say.


def test_cookies_are_not_taken_from_one_call_to_the_next():
    with Server(answer("x", Set_Cookie="sessionid=1; Path=/")) as server, LMSSession() as session:
        session.get(server.url)
        session.get(server.url, headers={"Cookie": "mine=1"})
        session.get(server.url)
    assert [call.headers.get("cookie") for call in server.calls] == [None, "mine=1", None]


def test_cookies_are_handed_on_as_they_came(monkeypatch):
    # A jar reads a few headers of 30,000 names for seconds, which no limit of the session ends.
    read: list[list[str]] = []
    for reader in ("parse_ns_headers", "split_header_words"):
        monkeypatch.setattr(http.cookiejar, reader, lambda lines: read.append(lines) or [])
    hostile = b"HTTP/1.1 200 OK\r\nSet-Cookie: a=1\r\nSet-Cookie2: a;b\r\nset-cookie: b=2\r\nContent-Length: 0\r\n\r\n"
    with Server(hostile) as server:
        response = get(server.url)
    assert response.set_cookies == ("a=1", "b=2")
    assert read == []


def test_netrc_is_not_read(monkeypatch, tmp_path):
    (tmp_path / ".netrc").write_text(f"machine {HOST} login a password b\ndefault login a password b\n")
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("NETRC", str(tmp_path / ".netrc"))
    with Server(answer("x")) as server:
        get(server.url)
        get(server.url, headers={"Authorization": "Bearer x"})
    assert [call.headers.get("authorization") for call in server.calls] == [None, "Bearer x"]


def test_proxies_of_the_environment_are_not_used(monkeypatch, trusted):
    with (
        Server(answer("proxy")) as proxy,
        Server(answer("lms")) as lms,
        Server(answer("tls"), tls=trusted.tls(HOST)) as encrypted,
    ):
        for name in ("HTTP_PROXY", "http_proxy", "HTTPS_PROXY", "https_proxy", "ALL_PROXY", "all_proxy"):
            monkeypatch.setenv(name, f"http://127.0.0.1:{proxy.port}")
        assert get(lms.url).body == b"lms"
        assert get(encrypted.url).body == b"tls"
        assert proxy.connections == 0


def test_authorities_of_the_environment_are_not_trusted(monkeypatch, authority):
    for name in ("REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE", "SSL_CERT_FILE"):
        monkeypatch.setenv(name, str(authority.bundle))
    with Server(answer(), tls=authority.tls(HOST)) as server:
        assert refused(server.url).code == "tls"


# Where nothing answers.


def test_a_name_that_does_not_exist(loopback):
    error = refused("http://nowhere.example.test/")
    assert (error.code, str(error)) == ("name_not_found", "There is no server by the name of “nowhere.example.test”.")


def test_a_name_service_that_fails(loopback):
    loopback.addresses[HOST] = socket.gaierror(socket.EAI_AGAIN, "Temporary failure in name resolution")
    error = refused(f"http://{HOST}/")
    assert (error.code, str(error)) == ("name_not_found", f"The name service could not be asked where “{HOST}” is.")


def test_a_name_service_that_hangs(monkeypatch, settings):
    settings.CMS_LMS_TOTAL_TIMEOUT = 0.1
    over = threading.Event()
    monkeypatch.setattr(socket, "getaddrinfo", lambda *arguments, **options: over.wait() and [])
    error = refused(f"http://{HOST}/")
    over.set()
    assert (error.code, "0.1 seconds" in str(error)) == ("connect_timeout", True)


def test_a_label_that_no_name_has():
    assert refused(f"http://{'a' * 63}.{'b' * 63}.example.test/").code == "name_not_found"


def test_nothing_listens():
    with closed_port() as port:
        error = refused(f"http://{HOST}:{port}/")
    assert error.code == "connection_refused"
    assert str(error) == f"Nothing accepts connections at {HOST}, port {port}: Connection refused."


def test_packets_that_are_swallowed(settings):
    settings.CMS_LMS_CONNECT_TIMEOUT = 0.1
    # A listener that accepts nobody, with its queue full.
    with (
        socket.create_server(("127.0.0.1", 0), backlog=0) as listener,
        socket.socket() as first,
        socket.socket() as second,
    ):
        for waiting in (first, second):
            waiting.setblocking(False)
            waiting.connect_ex(listener.getsockname())
        error = refused(f"http://{HOST}:{listener.getsockname()[1]}/")
    assert (error.code, "within 0.1 seconds" in str(error)) == ("connect_timeout", True)


# Calling again.


@pytest.fixture
def waits(monkeypatch) -> list[float]:
    """What the session waited for, without waiting."""
    waits: list[float] = []
    monkeypatch.setattr("cms_lms.backends.http.time.sleep", waits.append)
    return waits


def busy_then(*busy: bytes):
    said = [*busy, answer("at last")]
    return lambda call: said[min(len(call.server.calls), len(said)) - 1]


BUSY = answer("", "503 Service Unavailable")


def test_nothing_is_called_again_unless_asked_for(waits):
    with Server(busy_then(BUSY)) as server:
        assert get(server.url).status == 503
    assert waits == []


def test_a_busy_lms_is_called_again(waits):
    late = answer("", "429 Too Many Requests", Retry_After="3")
    with Server(busy_then(BUSY, late)) as server, LMSSession(retries=3) as session:
        assert session.get(server.url).body == b"at last"
    assert waits == [0.5, 3]


def test_an_lms_is_called_again_no_more_often_than_said(waits):
    with Server(BUSY) as server, LMSSession(retries=2) as session:
        assert session.get(server.url).status == 503
        assert len(server.calls) == 3


@pytest.mark.parametrize(
    ("retry_after", "wait"),
    [
        ("3600", 10),
        ("-5", 0.5),
        ("soon", 0.5),
        ("Wed, 21 Oct 2015 07:28:00 GMT", 0),
        ("Wed, 21 Oct 99999 07:28:00 GMT", 0.5),
    ],
)
def test_what_an_lms_asks_for_is_taken_with_a_grain_of_salt(waits, retry_after, wait):
    said = busy_then(answer("", "503 Service Unavailable", Retry_After=retry_after))
    with Server(said) as server, LMSSession(retries=1) as session:
        session.get(server.url)
    assert waits == [wait]


def test_nobody_waits_for_longer_than_a_call_may_take(settings, waits):
    settings.CMS_LMS_TOTAL_TIMEOUT = 2
    with Server(answer("", "503 Service Unavailable", Retry_After="5")) as server, LMSSession(retries=3) as session:
        assert session.get(server.url).status == 503
        assert len(server.calls) == 1
    assert waits == []


def test_a_connection_that_breaks_off_is_tried_again(waits):
    def say(call: Call) -> bytes | None:
        return answer("at last") if len(call.server.calls) > 1 else None

    with Server(say) as server, LMSSession(retries=1) as session:
        assert session.get(server.url).body == b"at last"
    assert waits == [0.5]


def test_writes_are_never_sent_again(waits):
    with Server(BUSY) as server, LMSSession(retries=3) as session:
        assert session.post(server.url, data={}).status == 503
        assert len(server.calls) == 1
    with Server(hang_up()) as server, LMSSession(retries=3) as session:
        with pytest.raises(LMSUnreachable):
            session.post(server.url, data={})
        assert len(server.calls) == 1


# Secrets stay where they are.


def secret_calls(server: Server):
    url = f"{server.url}/path"
    headers = {"Authorization": f"Bearer {SECRET}"}
    return [
        lambda: refused(url, headers=headers),
        lambda: refused(url, "POST", data={"client_secret": SECRET}),
        lambda: refused(url, "POST", json={"client_secret": SECRET}),
    ]


def test_nothing_sent_is_logged(caplog):
    caplog.set_level(logging.DEBUG)
    with Server(hang_up(NONSENSE["half a body"])) as server:
        for call in secret_calls(server):
            call()
        # The calls of others are.
        with pytest.raises(requests.RequestException):
            requests.get(f"{server.url}/others", timeout=5)
    assert SECRET not in caplog.text
    assert "/path" not in caplog.text
    assert "/others" in caplog.text


@pytest.mark.parametrize(
    "header", [f"{SECRET}\nX: y", f"{SECRET}\r\nX: y", f" {SECRET}", f"{SECRET}€", f"{SECRET}\udc80"]
)
def test_a_header_that_cannot_be_sent_is_not_quoted(header):
    with Server(answer("x")) as server:
        error = refused(server.url, headers={"Authorization": header})
        assert server.calls == []
    assert error.code == "invalid_request"
    assert SECRET not in f"{error} {error.fix}"
    assert error.__suppress_context__


@pytest.mark.parametrize("said", [hang_up(NONSENSE["half a body"]), hang, drip_headers, endless_body, redirect("/")])
def test_an_error_page_shows_nothing_of_what_was_sent(settings, said):
    settings.DEBUG = False
    settings.CMS_LMS_TOTAL_TIMEOUT = 0.25
    settings.CMS_LMS_MAX_RESPONSE_BYTES = 100_000
    with Server(said) as server, LMSSession() as session:
        try:
            session.get(f"{server.url}/", headers={"Authorization": SECRET, "X-Edx-Api-Key": SECRET})
            session.post(server.url, data={"a": SECRET})
        except LMSUnreachable as error:
            # What Django sends to the administrators.
            frames = ExceptionReporter(None, type(error), error, error.__traceback__).get_traceback_frames()
    assert {frame["function"] for frame in frames} >= {"get", "request"}
    assert [frame["function"] for frame in frames if SECRET in repr(frame["vars"])] == []
