"""Backends as a file in the admin: the export, the preview of an import, and the import itself."""

from __future__ import annotations

import json
import tempfile
from typing import Any

import pytest
from django.contrib.auth.models import Permission
from django.core.files.uploadedfile import SimpleUploadedFile
from django.http import HttpResponse
from django.test import Client
from wagtail.models import ModelLogEntry, Revision

from cms_lms.models import LMSBackend
from tests.admin.browsing import errors, form_values, messages, soup, url
from tests.admin.conftest import make_client
from tests.factories import OPENEDX, course_regex, make_backend, make_run

pytestmark = pytest.mark.django_db

CAMPUS = {
    "NAME": "Campus",
    "SLUG": "campus",
    "BASE_URL": "https://lms.example.com",
    "BACKEND": OPENEDX,
    "COURSE_REGEX": course_regex("lms.example.com"),
    "JS_BACKEND": "openedx-hawthorn",
}
PARTNERS = {
    **CAMPUS,
    "NAME": "Partners",
    "SLUG": "partners",
    "BASE_URL": "https://partners.example.org",
    "COURSE_REGEX": course_regex("partners.example.org"),
}

FORM = "form[enctype]"


def address() -> str:
    return url(LMSBackend, "import_file")


def upload(client: Client, content: Any, name: str = "lms.json") -> HttpResponse:
    octets = content if isinstance(content, bytes) else json.dumps(content).encode()
    return client.post(address(), {"file": SimpleUploadedFile(name, octets), "text": ""})


def paste(client: Client, setting: Any) -> HttpResponse:
    return client.post(address(), {"text": json.dumps(setting)})


def confirm(client: Client, preview: HttpResponse, **more: str) -> HttpResponse:
    """Press the button below a preview."""
    button = soup(preview).select_one("button[name=impact-confirm]")
    assert button is not None, soup(preview).get_text()
    return client.post(address(), {**form_values(preview, FORM), "impact-confirm": button["value"], **more})


def text_of(response: HttpResponse) -> str:
    return " ".join(soup(response).select_one("main").get_text(" ").split())


def refusals(response: HttpResponse) -> list[list[str]]:
    return [[cell.get_text(strip=True) for cell in row.select("td")] for row in soup(response).select("tbody tr")]


@pytest.fixture(params=["administrator", "root"])
def client(request) -> Client:
    return request.getfixturevalue(request.param)


def test_the_listing_has_both_buttons(client):
    links = {link.get_text(strip=True): link["href"] for link in soup(client.get(url(LMSBackend, "list"))).select("a")}
    assert links["Import"] == address()
    assert links["Export"] == url(LMSBackend, "export_file")


def test_an_upload_is_previewed_and_then_imported(client):
    make_backend(name="Other", slug="other")
    preview = upload(client, [PARTNERS, CAMPUS])
    assert not LMSBackend.objects.filter(slug="campus").exists()
    text = text_of(preview)
    assert "2 created." in text
    assert "Campus campus – is created at position 3" in text
    assert "Not in the file, and not changed: “Other”" in text
    assert "No course run changes its backend." in text
    done = confirm(client, preview)
    assert (done.status_code, done.url) == (302, url(LMSBackend, "list"))
    assert messages(done) == ["Imported: 2 created."]
    assert list(LMSBackend.objects.order_by("sort_order").values_list("slug", flat=True)) == [
        "other",
        "partners",
        "campus",
    ]


def test_the_history_names_who_imported(client):
    make_backend(slug="campus", name="Old name")
    make_backend(slug="partners", name="Partners", course_regex=PARTNERS["COURSE_REGEX"])
    confirm(client, paste(client, [PARTNERS, CAMPUS]))
    campus = LMSBackend.objects.get(slug="campus")
    entries = ModelLogEntry.objects.for_instance(campus)
    assert {(entry.action, entry.user_id) for entry in entries} == {
        ("wagtail.edit", client.user.pk),
        ("cms_lms.reorder", client.user.pk),
    }
    assert entries.get(action="cms_lms.reorder").data["position"] == {"old": 1, "new": 2}
    assert campus.latest_revision.user_id == client.user.pk
    history = text_of(client.get(url(LMSBackend, "history", campus.pk)))
    assert "Moved from position 1 to position 2." in history


def test_the_preview_shows_each_key_that_differs(client):
    make_backend(name="Campus", slug="campus", no_update_fields=["start"], is_enabled=False)
    preview = paste(client, [{**CAMPUS, "NAME": "<b>New</b>", "ENABLED": True}])
    rows = {
        row.select_one("th code").get_text(strip=True): [cell.get_text(strip=True) for cell in row.select("td")]
        for row in soup(preview).select("tbody tr")
    }
    assert rows == {
        "NAME": ["Campus", "<b>New</b>"],
        "ENABLED": ["No", "Yes"],
        "COURSE_RUN_SYNC_NO_UPDATE_FIELDS": ["start", "–"],
    }
    assert "<b>New</b>" not in preview.content.decode()


def test_an_export_is_nothing_to_import(client):
    make_backend(name="Fédération", slug="campus")
    export = client.get(url(LMSBackend, "export_file"))
    assert export["Content-Disposition"] == 'attachment; filename="lms-backends.json"'
    assert export["Content-Type"] == "application/json"
    assert [entry["SLUG"] for entry in json.loads(export.content)] == ["campus"]
    preview = upload(client, export.content)
    assert "There is nothing to import" in text_of(preview)
    assert not soup(preview).select("button[name=impact-confirm]")


def test_warnings_are_shown_before_and_hinder_nothing(client):
    preview = paste(client, [{**CAMPUS, "COURSE_REGEX": r".*/courses/(?P<course_id>[^/]+)/course/?$"}])
    (warning,) = {item.code.text for item in soup(preview).select(".cms-lms-warnings li")}
    assert warning == "COURSE_REGEX"
    assert "any host" in text_of(preview)
    confirm(client, preview)
    assert LMSBackend.objects.filter(slug="campus").exists()


def test_runs_that_move_are_counted(client):
    make_backend(name="Old", slug="old")
    make_run()
    preview = paste(client, [CAMPUS, {**PARTNERS, "SLUG": "old", "NAME": "Old"}])
    assert "1 course run moves from “Old” to “Campus”." in text_of(preview)
    confirm(client, preview)
    assert LMSBackend.objects.filter(slug="campus").exists()


def test_runs_that_become_orphans_need_a_tick(client):
    make_backend(name="Campus", slug="campus")
    make_run()
    moved = {**PARTNERS, "SLUG": "campus", "NAME": "Campus"}
    preview = paste(client, [moved])
    assert "1 course run of “Campus” is no longer matched by any backend." in text_of(preview)
    again = confirm(client, preview)
    assert again.status_code == 200
    assert "Tick this box" in text_of(again)
    assert LMSBackend.objects.get().base_url == CAMPUS["BASE_URL"]
    done = confirm(client, again, **{"impact-orphans": "on"})
    assert done.status_code == 302
    assert LMSBackend.objects.get().base_url == moved["BASE_URL"]


def test_the_tick_alone_confirms_nothing(client):
    make_backend(name="Campus", slug="campus")
    make_run()
    setting = [{**PARTNERS, "SLUG": "campus"}]
    client.post(address(), {"text": json.dumps(setting), "impact-orphans": "on"})
    client.post(address(), {"text": json.dumps(setting), "impact-orphans": "on", "impact-confirm": "x" * 64})
    assert LMSBackend.objects.get().base_url == CAMPUS["BASE_URL"]


def test_a_confirmation_is_of_what_was_shown(client, django_user_model):
    shown = paste(client, [CAMPUS])
    other = confirm(client, shown, text=json.dumps([PARTNERS]))
    assert other.status_code == 200
    assert "not what they were when you confirmed" in text_of(other)
    make_backend(slug="meanwhile")
    stale = confirm(client, shown)
    assert "not what they were when you confirmed" in text_of(stale)
    assert LMSBackend.objects.count() == 1
    somebody_else = make_client("LMS administrators", username="else")
    assert confirm(somebody_else, stale).status_code == 200
    assert LMSBackend.objects.count() == 1
    assert confirm(client, stale).status_code == 302
    assert LMSBackend.objects.filter(slug="campus").exists()


def test_a_file_that_is_refused_says_where_and_changes_nothing(client):
    make_backend(name="Campus", slug="campus")
    before = list(LMSBackend.objects.values()), Revision.objects.count(), ModelLogEntry.objects.count()
    response = paste(
        client,
        [
            {**CAMPUS, "NAME": "Changed"},
            {**PARTNERS, "COURSE_REGEX": "(?=x)(?P<course_id>.*)"},
            {**PARTNERS, "SLUG": "campus"},
            {**PARTNERS, "SLUG": "c", "BACKEND": "os.system"},
            {**PARTNERS, "SLUG": "d", "COURSE_REGEX": "(?P<course_id>" + "a" * 100_000 + ")"},
            {"x\x1b[31m": 1},
            [[[{}]]],
        ],
    )
    found = list(dict.fromkeys((entry, key) for entry, key, _reason in refusals(response)))
    assert found[:5] == [
        ("2", "COURSE_REGEX"),
        ("3", "SLUG"),
        ("4", "BACKEND"),
        ("5", "COURSE_REGEX"),
        ("6", '"x\\u001b[31m"'),
    ]
    assert ("7", "–") in found
    reasons = {entry: reason for entry, _key, reason in refusals(response)}
    assert reasons["3"] == "Entry 1 has this slug already."
    assert "os.system is not a backend class of this site. Choose one of: " in reasons["4"]
    assert "2000" in reasons["5"]
    assert len(response.content) < 300_000
    after = list(LMSBackend.objects.values()), Revision.objects.count(), ModelLogEntry.objects.count()
    assert after == before
    assert '"NAME": "Changed"' in soup(response).select_one("textarea[name=text]").text


def test_a_class_that_fails_to_import_is_refused_at_its_entry(client, settings):
    settings.CMS_LMS_BACKENDS = [OPENEDX, "tests.no_such_module.Backend"]
    response = paste(client, [CAMPUS, {**PARTNERS, "BACKEND": "tests.no_such_module.Backend"}])
    assert [(entry, key) for entry, key, _reason in refusals(response)] == [("2", "BACKEND")]


def test_what_a_page_cannot_show_is_spelled_out(client):
    response = paste(client, [{**CAMPUS, "BACKEND": "\ud800\x1b[31m", "\ud800": 1}])
    found = {key: reason for _entry, key, reason in refusals(response)}
    assert found["BACKEND"].startswith(r"\ud800\x1b[31m is not a backend class of this site.")
    assert '"\\ud800"' in found


@pytest.mark.parametrize("key", ["API_TOKEN", "SECRET", "Password"])
def test_secrets_are_refused_and_not_repeated(client, key):
    for response in (paste(client, [{**CAMPUS, key: "hunter2"}]), upload(client, [{**CAMPUS, key: "hunter2"}])):
        ((entry, name, reason),) = refusals(response)
        assert (entry, name) == ("1", key)
        assert "Enter it in the admin." in reason
        assert "hunter2" not in response.content.decode()
    nested = paste(client, [{**CAMPUS, "MORE": {key: "hunter2"}}])
    assert [name for _entry, name, _reason in refusals(nested)] == ["MORE"]
    assert "hunter2" not in nested.content.decode()


@pytest.mark.parametrize(
    ("octets", "reason"),
    [
        (b"", "it is empty"),
        (b"   ", "it is empty"),
        (b"{", "line 1 column 2"),
        (b"not json", "line 1 column 1"),
        (b"[NaN]", "NaN is not a value of JSON"),
        (b'[{"A": 1, "A": 2}]', 'the key "A" is there twice'),
        ("[]".encode("utf-16"), "it is not UTF-8, at byte 1"),
        ('["é"]'.encode("latin-1"), "it is not UTF-8, at byte 3"),
        (b"[" * 100_000, "nested too deeply"),
        (b" " * (1024 * 1024 + 1), "longer than 1024 kB"),
        (b" " * (3 * 1024 * 1024), "longer than 1024 kB"),
        (b"\x00", "line 1 column 1"),
    ],
    ids=lambda value: repr(value[:20]),
)
def test_files_that_are_no_json(client, octets, reason):
    (error,) = errors(upload(client, octets))["file"]
    assert error.startswith("This is not the JSON of LMS backends: ")
    assert reason in error


@pytest.mark.parametrize(
    ("value", "reason"),
    [
        ({}, "must be a list"),
        (None, "must be a list"),
        ("text", "must be a list"),
        ([{}] * 1001, "1001 entries; 1000 are the most"),
    ],
    ids=["object", "null", "text", "too many"],
)
def test_json_that_is_no_list_of_backends(client, value, reason):
    ((entry, key, message),) = refusals(paste(client, value))
    assert (entry, key) == ("all", "–")
    assert reason in message


def test_a_file_or_its_text_and_not_both(client):
    for data in ({}, {"text": "[]", "file": SimpleUploadedFile("a.json", b"[]")}):
        assert "one of the two" in errors(client.post(address(), data))["__all__"][0]


def test_a_text_beyond_what_django_reads_is_said_in_words(client):
    response = client.post(address(), {"text": " " * (3 * 1024 * 1024)})
    assert errors(response) == {"text": ["This is longer than 1024 kB."]}


def test_an_upload_never_touches_the_disk(client, monkeypatch):
    def refuse(*args, **kwargs):
        raise AssertionError("A temporary file was made.")

    monkeypatch.setattr(tempfile, "NamedTemporaryFile", refuse)
    monkeypatch.setattr("django.core.files.uploadedfile.tempfile.NamedTemporaryFile", refuse)
    assert "longer than" in errors(upload(client, b" " * (5 * 1024 * 1024)))["file"][0]
    confirm(client, upload(client, [CAMPUS]))
    assert LMSBackend.objects.count() == 1


def test_the_csrf_token_is_asked_for(administrator):
    strict = Client(enforce_csrf_checks=True)
    strict.force_login(administrator.user)
    for data in ({"text": json.dumps([CAMPUS])}, {"text": " " * (3 * 1024 * 1024)}):
        strict.post(address(), data)
    assert strict.post(address(), {"text": json.dumps([CAMPUS])}).status_code == 403
    page = soup(strict.get(address()))
    token = page.select_one("form[enctype] input[name=csrfmiddlewaretoken]")["value"]
    allowed = strict.post(address(), {"text": json.dumps([CAMPUS]), "csrfmiddlewaretoken": token})
    assert "1 created." in text_of(allowed)


@pytest.mark.parametrize(
    ("codenames", "may_import", "may_export"),
    [
        (["add"], False, False),
        (["change"], False, True),
        (["view"], False, True),
        (["delete"], False, False),
        (["add", "change"], True, True),
    ],
)
def test_importing_takes_the_right_to_add_and_to_change(db, codenames, may_import, may_export):
    client = make_client(username="some")
    client.user.user_permissions.add(
        *Permission.objects.filter(codename__in=[f"{name}_lmsbackend" for name in codenames])
    )
    assert (client.get(address()).status_code == 200) is may_import
    assert "created" in text_of(paste(client, [CAMPUS])) if may_import else True
    assert (client.get(url(LMSBackend, "export_file")).status_code == 200) is may_export
    assert not LMSBackend.objects.exists()


def make_setting(count: int) -> list[dict[str, str]]:
    return [
        {
            **CAMPUS,
            "SLUG": f"lms-{number}",
            "NAME": f"LMS {number}",
            "COURSE_REGEX": course_regex(f"lms-{number}.example.com"),
        }
        for number in range(count)
    ]


def test_a_thousand_backends_are_previewed(root, django_assert_max_num_queries):
    with django_assert_max_num_queries(40):
        preview = paste(root, make_setting(1000))
    assert "1000 created." in text_of(preview)
    assert not soup(preview).select("details[open]")


def test_many_backends_are_imported(root):
    setting = make_setting(30)
    assert confirm(root, paste(root, setting)).status_code == 302
    assert LMSBackend.objects.count() == 30
    assert "There is nothing to import" in text_of(paste(root, setting))
