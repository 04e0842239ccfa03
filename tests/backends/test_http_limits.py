"""Servers that are slow, say too much or talk nonsense: each call ends, in time and in words."""

from __future__ import annotations

import gzip
import socket
import zlib

import pytest

from cms_lms.backends.http import LMSSession, LMSUnreachable

from .bad_servers import (
    DRIPPING,
    NONSENSE,
    endless_body,
    endless_chunks,
    endless_headers,
    endless_interim_answers,
    endless_line,
    hang,
    hang_in_body,
    hang_in_headers,
    hang_up,
)
from .calls import get, refused
from .http_servers import HOST, Call, Server, answer, redirect

pytestmark = pytest.mark.usefixtures("loopback")


# Servers that take their time.


@pytest.mark.parametrize("said", [hang, hang_in_headers, hang_in_body])
def test_silence(settings, said):
    settings.CMS_LMS_READ_TIMEOUT = 0.1
    with Server(said) as server:
        error = refused(server.url)
    assert error.code == "read_timeout"
    assert str(error) == "The LMS accepted the call and then said nothing for 0.1 seconds."


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


@pytest.mark.parametrize("said", NONSENSE.values(), ids=NONSENSE)
def test_nonsense(said):
    with Server(hang_up(said)) as server:
        error = refused(server.url)
    assert error.code == "connection_broken"
    assert error.fix
