"""Encryption and certificates: what is wrong is said."""

from __future__ import annotations

import socket
import ssl
import threading
import warnings

import pytest

from cms_lms.backends.http import LMSSession

from .calls import get, refused
from .http_servers import HOST, Server, answer

pytestmark = pytest.mark.usefixtures("loopback")


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
