"""``check_lms``: tables, JSON and exit codes, against servers on this machine."""

from __future__ import annotations

import io
import json

import pytest
from django.core.management import CommandError, call_command

from cms_lms.backends.connection import ConnectionCheck, Finding, Visit
from cms_lms.encryption import Secret
from cms_lms.models import BackendCredential, LMSBackend
from tests.backends.http_servers import Server, answer, closed_port
from tests.factories import make_backend

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("loopback")]

BASE = "cms_lms.backends.base.BaseLMSBackend"


def check(*arguments: str) -> tuple[int, str, str]:
    """Return the exit code, what was printed, and what was complained about."""
    out, err = io.StringIO(), io.StringIO()
    try:
        call_command("check_lms", *arguments, stdout=out, stderr=err, no_color=True)
    except CommandError as error:
        return error.returncode, out.getvalue(), str(error)
    return 0, out.getvalue(), err.getvalue()


def make(slug: str, base_url: str, **fields) -> LMSBackend:
    return make_backend(slug=slug, base_url=base_url, backend=BASE, js_backend="", **fields)


@pytest.fixture
def lms():
    with Server(answer("hello")) as server:
        yield server


def test_a_table_of_all_that_are_enabled(lms):
    make("campus", lms.url)
    make("old", "https://old.example.test", is_enabled=False)
    code, printed, complaint = check()
    lines = printed.splitlines()
    assert (code, complaint) == (0, "")
    assert lines[0] == f"campus  {lms.url}"
    assert lines[1] == "  ✓ passed   Name and address           “lms.example.test” is at 127.0.0.1."
    assert lines[3].startswith("  ✓ passed   The LMS answers            Status 200 after ")
    assert lines[4] == "  – skipped  Clocks                     The LMS does not say what time it is."
    assert "old" not in printed


def test_a_failure_exits_1_with_what_to_do(lms):
    make("campus", lms.url)
    with closed_port() as port:
        make("broken", f"http://lms.example.test:{port}")
        code, printed, complaint = check()
    assert (code, complaint) == (1, "1 LMS backend has a failed check.")
    assert (
        f"  ✗ failed   Connection and encryption  Nothing accepts connections at lms.example.test, port {port}"
        in printed
    )
    assert "\n             → Check the host and the port, and that the LMS runs.\n" in printed
    # The other was examined all the same.
    assert "Status 200" in printed


def test_warnings_exit_0(lms, loopback):
    loopback.addresses["lms.example.test"] = ["10.0.0.1", "127.0.0.1"]
    make("campus", lms.url)
    code, printed, _complaint = check("campus")
    assert (code, "  ! warning  Name and address" in printed) == (0, True)


def test_those_that_are_named_also_disabled_ones_each_once(lms):
    make("campus", lms.url)
    make("old", lms.url, is_enabled=False)
    code, printed, _complaint = check("old", "old")
    assert (code, printed.count("old  http"), "campus" in printed) == (0, 1, False)


def test_json(lms):
    make("campus", lms.url, name="Campus")
    with closed_port() as port:
        make("broken", f"http://lms.example.test:{port}")
        code, printed, _complaint = check("--json")
    campus, broken = json.loads(printed)
    assert code == 1
    assert (campus["slug"], campus["name"], campus["base_url"]) == ("campus", "Campus", lms.url)
    assert [finding["name"] for finding in campus["findings"]] == ["address", "connection", "answer", "clock"]
    assert [finding["status"] for finding in broken["findings"]] == ["passed", "failed", "skipped", "skipped"]
    assert broken["findings"][1]["fix"] == "Check the host and the port, and that the LMS runs."
    assert broken["findings"][1]["title"] == "Connection and encryption"


def test_an_unknown_backend_exits_2_and_says_which_there_are(lms):
    make("campus", lms.url)
    make("old", lms.url, is_enabled=False)
    code, printed, complaint = check("campus", "capmus")
    assert (code, printed) == (2, "")
    assert complaint == "There is no LMS backend “capmus”. There are: campus, old."
    assert lms.calls == []


def test_without_backends():
    assert check() == (0, "", "No LMS backend is enabled.\n")
    assert check("--json") == (0, "[]\n", "No LMS backend is enabled.\n")
    assert check("x")[2] == "There is no LMS backend “x”. There are: none."


@pytest.mark.parametrize("origin", ["cms.example.com", "ftp://cms.example.com", "https://u@cms.example.com", ""])
def test_an_origin_that_is_none_exits_2(origin):
    code, _printed, complaint = check("--site-origin", origin)
    assert (code, complaint.startswith("--site-origin: ")) == (2, True)


class Telling(ConnectionCheck):
    """Tells what it was given, in the words of an LMS that means harm."""

    name = "telling"
    title = "Telling"

    def run(self, visit: Visit) -> Finding:
        return self.warning(f"{visit.site_origins} \x1b[2J\u202e", "Paste:", "A = [\n    1,\n]")


@pytest.fixture
def _telling(monkeypatch):
    monkeypatch.setattr("cms_lms.backends.base.BaseLMSBackend.connection_checks", (Telling,))


@pytest.mark.usefixtures("_telling")
def test_the_sites_address_may_be_said(lms):
    make("campus", lms.url)
    _code, printed, _complaint = check("--site-origin", "https://CMS.example.com/path", "--site-origin", "http://a:80")
    assert "['https://cms.example.com', 'http://a']" in printed


@pytest.mark.usefixtures("_telling")
def test_what_is_to_be_pasted_keeps_its_form_and_terminals_obey_nobody(lms):
    make("campus", lms.url)
    _code, printed, _complaint = check()
    assert "             → Paste:\n                 A = [\n                     1,\n                 ]\n" in printed
    assert "\x1b" not in printed
    assert "\u202e" not in printed


def test_no_secret_is_printed(settings):
    settings.CMS_LMS_BACKENDS = ["cms_lms.backends.openedx.OpenEdXBackend"]
    with Server(answer("<html>", "500 Internal Server Error")) as server:
        backend = make_backend(slug="campus", base_url=server.url)
        for field in backend.get_backend().credential_fields:
            credential = BackendCredential(
                backend=backend, name=field.name, origin=server.url, changed_at="2026-01-01T00:00:00Z"
            )
            credential.set_secret(Secret("hunter2-hunter2"))
            credential.save()
        for arguments in ([], ["--json"], ["--traceback"]):
            assert "hunter2" not in "".join(map(str, check(*arguments)))
