"""The session that calls LMSs, against servers that do everything wrong that servers can do."""

from __future__ import annotations

import gzip
import logging
import socket
import ssl
import threading
import warnings
import zlib

import pytest
from django.views.debug import ExceptionReporter

from cms_lms.backends.http import LMSSession, LMSUnreachable, NotJSON

from .http_servers import HOST, Call, Server, answer, closed_port, has_ipv6, redirect

pytestmark = pytest.mark.usefixtures("loopback")

SECRET = "hunter2-hunter2"


def hang_up(said: bytes = b""):
    """Return what says something and goes."""

    def say(call: Call) -> None:
        call.send(said)

    return say


def get(url: str, **options):
    with LMSSession() as session:
        return session.get(url, **options)


def refused(url: str, method: str = "GET", **options) -> LMSUnreachable:
    """Return the error that a call ends with."""
    with LMSSession() as session, pytest.raises(LMSUnreachable) as error:
        session.request(method, url, **options)
    return error.value


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


@pytest.mark.parametrize("body", [b"<html>", b"{", b"\xff\xfe", b"[" * 100_000])
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


# Servers that take their time.


def hang(call: Call) -> None:
    call.hang()


def hang_in_headers(call: Call) -> None:
    call.send(b"HTTP/1.1 200 OK\r\nX-A: ")
    call.hang()


def hang_in_body(call: Call) -> None:
    call.send(b"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nabc")
    call.hang()


@pytest.mark.parametrize("said", [hang, hang_in_headers, hang_in_body])
def test_silence(settings, said):
    settings.CMS_LMS_READ_TIMEOUT = 0.1
    with Server(said) as server:
        error = refused(server.url)
    assert error.code == "read_timeout"
    assert str(error) == "The LMS accepted the call and then said nothing for 0.1 seconds."


def drip_status(call: Call) -> None:
    call.drip(b"H")


def drip_headers(call: Call) -> None:
    call.send(b"HTTP/1.1 200 OK\r\nX-A: ")
    call.drip(b"a")


def drip_body(call: Call) -> None:
    call.send(b"HTTP/1.1 200 OK\r\nContent-Length: 100000\r\n\r\n")
    call.drip(b"a")


def drip_chunks(call: Call) -> None:
    call.send(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n")
    call.drip(b"1\r\na\r\n")


def drip_chunk_size(call: Call) -> None:
    call.send(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1;")
    call.drip(b"a")


def drip_interim_answers(call: Call) -> None:
    call.drip(b"HTTP/1.1 100 Continue\r\n\r\n")


def drip_nothing_gzipped(call: Call) -> None:
    """Send empty blocks, which are no bytes of the body."""
    call.send(b"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nTransfer-Encoding: chunked\r\n\r\n")
    call.send(b"a\r\n\x1f\x8b\x08\0\0\0\0\0\0\x03\r\n")
    call.drip(b"5\r\n\0\0\0\xff\xff\r\n")


DRIPPING = [
    drip_status,
    drip_headers,
    drip_body,
    drip_chunks,
    drip_chunk_size,
    drip_interim_answers,
    drip_nothing_gzipped,
]


@pytest.mark.parametrize("said", DRIPPING)
@pytest.mark.parametrize("is_encrypted", [False, True])
def test_dripping_ends_with_the_time_of_a_call(settings, trusted, said, is_encrypted):
    # Agreeing on encryption takes a while on a busy machine.
    seconds = settings.CMS_LMS_TOTAL_TIMEOUT = 0.5 if is_encrypted else 0.25
    with Server(said, tls=trusted.tls(HOST) if is_encrypted else None) as server:
        error = refused(server.url)
    assert error.code == "read_timeout"
    assert str(error) == f"The LMS did not finish its answer within {seconds} seconds."


def test_a_server_that_does_not_read(settings):
    settings.CMS_LMS_TOTAL_TIMEOUT = 0.25
    with socket.create_server(("127.0.0.1", 0)) as listener:
        error = refused(f"http://{HOST}:{listener.getsockname()[1]}/", "POST", data=b"x" * 20_000_000)
    assert error.code == "read_timeout"


def test_redirects_do_not_begin_a_new_time(settings):
    settings.CMS_LMS_TOTAL_TIMEOUT = 0.25

    def say(call: Call) -> bytes | None:
        call.server.is_closing.wait(0.1)
        return redirect(f"/{len(call.server.calls)}")

    with Server(say) as server:
        assert refused(server.url).code == "read_timeout"
        assert len(server.calls) <= 3


def test_a_session_ends_with_its_own_time():
    with Server(hang) as server, LMSSession(time_limit=0.1) as session:
        for _number in range(2):
            with pytest.raises(LMSUnreachable, match="no time left") as error:
                session.get(server.url)
            assert error.value.code == "read_timeout"


# Servers that say too much, or nonsense.


def endless_headers(call: Call) -> None:
    call.send(b"HTTP/1.1 200 OK\r\n")
    while True:
        call.send(b"X-A: " + b"a" * 60_000 + b"\r\n")


def endless_line(call: Call) -> None:
    call.send(b"HTTP/1.1 200 OK\r\nX-A: ")
    while True:
        call.send(b"a" * 60_000)


def endless_body(call: Call) -> None:
    call.send(b"HTTP/1.1 200 OK\r\n\r\n")
    while True:
        call.send(b"a" * 60_000)


def endless_chunks(call: Call) -> None:
    call.send(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n")
    while True:
        call.send(b"1000\r\n" + b"a" * 0x1000 + b"\r\n")


def endless_interim_answers(call: Call) -> None:
    while True:
        call.send(b"HTTP/1.1 100 Continue\r\n\r\n" * 1000)


@pytest.mark.parametrize("said", [endless_headers, endless_body, endless_chunks, endless_interim_answers])
def test_what_never_ends_is_cut_off(settings, said):
    settings.CMS_LMS_MAX_RESPONSE_BYTES = 100_000
    with Server(said) as server:
        error = refused(server.url)
    assert (error.code, "100000 bytes" in str(error)) == ("too_large", True)


def test_a_line_that_never_ends_is_nonsense():
    with Server(endless_line) as server:
        assert refused(server.url).code == "connection_broken"


@pytest.mark.parametrize(("size", "is_refused"), [(1000, False), (1001, True)])
def test_the_cap_is_exact(settings, size, is_refused):
    settings.CMS_LMS_MAX_RESPONSE_BYTES = 1000
    with Server(answer(b"a" * size)) as server:
        if is_refused:
            assert refused(server.url).code == "too_large"
        else:
            assert len(get(server.url).body) == size


@pytest.mark.parametrize(
    ("encoding", "pack"), [("gzip", gzip.compress), ("x-gzip", gzip.compress), ("deflate", zlib.compress)]
)
def test_packed_answers_are_unpacked(encoding, pack):
    with Server(answer(pack(b"a" * 5000), Content_Encoding=encoding)) as server:
        assert get(server.url).body == b"a" * 5000


@pytest.mark.parametrize(("encoding", "pack"), [("gzip", gzip.compress), ("deflate", zlib.compress)])
def test_a_bomb_is_cut_off(settings, encoding, pack):
    settings.CMS_LMS_MAX_RESPONSE_BYTES = 100_000
    with Server(answer(pack(bytes(50_000_000)), Content_Encoding=encoding)) as server:
        assert refused(server.url).code == "too_large"


@pytest.mark.parametrize("encoding", ["gzip, gzip", "gzip,gzip,gzip", "br", "zstd", "rot13"])
def test_what_is_packed_twice_or_otherwise_is_not_unpacked(encoding):
    with Server(answer(gzip.compress(gzip.compress(b"x")), Content_Encoding=encoding)) as server:
        assert refused(server.url).code == "connection_broken"


NONSENSE = {
    "nothing": b"",
    "not HTTP": b"SSH-2.0-OpenSSH_9.6\r\n",
    "half a status line": b"HTTP/1.1 20",
    "a status that is none": b"HTTP/1.1 abc OK\r\n\r\n",
    "half a body": b"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nabc",
    "a chunk of no size": b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nxyz\r\n",
    "half a chunk": b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\na\r\nabc",
    "two lengths": b"HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nab",
    "gzip that is none": answer(b"abc" * 100, Content_Encoding="gzip"),
    "too many headers": b"HTTP/1.1 200 OK\r\n" + b"A: b\r\n" * 200 + b"\r\n",
}


@pytest.mark.parametrize("said", NONSENSE.values(), ids=NONSENSE)
def test_nonsense(said):
    with Server(hang_up(said)) as server:
        error = refused(server.url)
    assert error.code == "connection_broken"
    assert error.fix


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


# Plain http, encryption, certificates.


def test_plain_http_is_refused_unless_the_site_allows_it(settings):
    settings.CMS_LMS_ALLOW_INSECURE_URLS = False
    with Server(answer("x")) as server:
        error = refused(server.url)
        assert server.connections == 0
    assert (error.code, "https" in error.fix) == ("insecure", True)


def test_encrypted(trusted):
    with Server(answer("x"), tls=trusted.tls(HOST)) as server, LMSSession() as session:
        assert session.certificate_ends(server.url) is None
        assert session.get(server.url).body == b"x"
        assert session.certificate_ends(server.url) is not None
        assert session.certificate_ends(f"https://{HOST}:1") is None


def test_the_certificate_is_checked_by_the_name_that_was_asked_for(trusted, loopback):
    loopback.addresses["other.example.test"] = ["127.0.0.1"]
    shown: list[str | None] = []
    context = trusted.tls(HOST)
    context.sni_callback = lambda connection, name, context: shown.append(name)
    with Server(answer("x"), tls=context) as server:
        assert get(server.url).body == b"x"
        error = refused(server.url.replace(HOST, "other.example.test"))
        assert (error.code, str(error)) == ("tls", "The certificate is not for other.example.test.")
        assert "not for 127.0.0.1" in str(refused(server.url.replace(HOST, "127.0.0.1")))
    assert shown == [HOST, "other.example.test", None]


def test_a_certificate_for_an_address(trusted):
    with Server(answer("x"), tls=trusted.tls("127.0.0.1"), host="127.0.0.1") as server:
        assert get(server.url).body == b"x"


def test_a_name_that_is_only_the_common_name_of_a_certificate(trusted):
    with Server(answer("x"), tls=trusted.tls(HOST, is_common_name_only=True)) as server:
        assert str(refused(server.url)) == f"The certificate is not for {HOST}."


@pytest.mark.parametrize(
    ("certificate", "message"),
    [
        ({"days": -1}, f"The certificate of {HOST} has expired."),
        ({"starts_in": 1}, f"The certificate of {HOST} is not valid yet."),
        ({"is_self_signed": True}, f"{HOST} has signed its certificate itself; no authority vouches for it."),
    ],
)
def test_bad_certificates(trusted, certificate, message):
    with Server(answer("x"), tls=trusted.tls(HOST, **certificate)) as server:
        error = refused(server.url)
        assert server.calls == []
    assert (error.code, str(error)) == ("tls", message)
    assert error.fix


def test_an_authority_that_is_not_known(authority):
    with Server(answer("x"), tls=authority.tls(HOST)) as server:
        error = refused(server.url)
    assert (error.code, "an authority that is not known here" in str(error)) == ("tls", True)
    assert "CMS_LMS_CA_BUNDLE" in error.fix


def test_authorities_that_cannot_be_read(settings, authority, tmp_path):
    (tmp_path / "empty.pem").touch()
    with Server(answer("x"), tls=authority.tls(HOST)) as server:
        for path in (tmp_path / "none.pem", tmp_path / "empty.pem"):
            settings.CMS_LMS_CA_BUNDLE = str(path)
            error = refused(server.url)
            assert (error.code, "CMS_LMS_CA_BUNDLE" in error.fix) == ("tls", True)


def test_https_where_there_is_only_http():
    def answer_plainly(listener: socket.socket) -> None:
        with listener.accept()[0] as connection:
            connection.sendall(answer("", "400 Bad Request"))
            connection.recv(10_000)

    with socket.create_server(("127.0.0.1", 0)) as listener:
        threading.Thread(target=answer_plainly, args=[listener]).start()
        error = refused(f"https://{HOST}:{listener.getsockname()[1]}/")
    assert (error.code, "does not speak TLS" in str(error)) == ("tls", True)


def test_http_where_there_is_only_https(trusted):
    with Server(answer("x"), tls=trusted.tls(HOST)) as server:
        assert refused(server.url.replace("https:", "http:")).code == "connection_broken"


def test_a_handshake_that_breaks_off():
    def accept_and_close(listener: socket.socket) -> None:
        listener.accept()[0].close()

    with socket.create_server(("127.0.0.1", 0)) as listener:
        threading.Thread(target=accept_and_close, args=[listener]).start()
        error = refused(f"https://{HOST}:{listener.getsockname()[1]}/")
    assert (error.code, "broke off" in str(error)) == ("tls", True)


def test_a_handshake_that_never_ends(settings):
    settings.CMS_LMS_CONNECT_TIMEOUT = 0.1
    with socket.create_server(("127.0.0.1", 0)) as listener:
        error = refused(f"https://{HOST}:{listener.getsockname()[1]}/")
    assert (error.code, "encryption" in str(error)) == ("connect_timeout", True)


def test_encryption_that_is_no_longer_safe(trusted):
    context = trusted.tls(HOST)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)
        context.minimum_version = ssl.TLSVersion.TLSv1
        context.maximum_version = ssl.TLSVersion.TLSv1_1
    context.set_ciphers("ALL:@SECLEVEL=0")
    with Server(answer("x"), tls=context) as server:
        error = refused(server.url)
    assert (error.code, "no longer safe" in str(error)) == ("tls", True)


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
    assert any(server.url.partition("//")[2].partition(":")[0] in record.getMessage() for record in caplog.records)
    assert SECRET not in caplog.text


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
