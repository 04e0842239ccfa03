"""``import_lms_backends``: Richie's setting becomes records, in order, all or nothing."""

from __future__ import annotations

import io
import json
import re
from pathlib import Path
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from wagtail.models import ModelLogEntry, Revision

from cms_lms.models import LMSBackend
from tests.factories import make_backend

pytestmark = pytest.mark.django_db

EDX = {
    "BASE_URL": "https://lms.example.com",
    "BACKEND": "richie.apps.courses.lms.edx.EdXLMSBackend",
    "COURSE_REGEX": r"^https://lms\.example\.com/courses/(?P<course_id>.*)/course/?$",
    "JS_BACKEND": "openedx-hawthorn",
    "JS_COURSE_REGEX": r"^https://lms\.example\.com/courses/(.*)/course/?$",
    "COURSE_RUN_SYNC_NO_UPDATE_FIELDS": ["languages"],
    "DEFAULT_COURSE_RUN_SYNC_MODE": "sync_to_public",
}
JOANIE = {
    "BASE_URL": "https://joanie.example.com",
    "BACKEND": "richie.apps.courses.lms.joanie.JoanieBackend",
    "COURSE_REGEX": r"^.*/api/v1.0(?P<resource_uri>(?:/(?:courses|course-runs|products)/[^/]+)+)/?$",
    "JS_COURSE_REGEX": r"^.*/api/v1.0((?:/(?:courses|course-runs|products)/[^/]+)+)/?$",
    "COURSE_RUN_SYNC_NO_UPDATE_FIELDS": [],
    "DEFAULT_COURSE_RUN_SYNC_MODE": "sync_to_draft",
}
BASE = {
    "BASE_URL": "https://dev.example.com",
    "BACKEND": "richie.apps.courses.lms.base.BaseLMSBackend",
    "COURSE_REGEX": r"^.*/courses/(?P<course_id>.*)/course/?$",
    "JS_BACKEND": "dummy",
    "JS_COURSE_REGEX": r"^.*/courses/(.*)/course/?$",
}


class Import:
    """Runs the command on a file and keeps what it printed."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.out = self.err = ""

    def __call__(self, setting: Any) -> list[str]:
        """Import a setting; return the lines of the standard output."""
        return self.octets(json.dumps(setting).encode())

    def octets(self, octets: bytes) -> list[str]:
        """Import a file of these bytes."""
        self.path.write_bytes(octets)
        out, err = io.StringIO(), io.StringIO()
        call_command("import_lms_backends", str(self.path), stdout=out, stderr=err)
        self.out, self.err = out.getvalue(), err.getvalue()
        return self.out.splitlines()

    def refused(self, setting: Any) -> list[str]:
        """Import a setting that must be refused; return the lines of the reason."""
        with pytest.raises(CommandError) as refusal:
            self(setting)
        assert refusal.value.returncode == 1
        return str(refusal.value).splitlines()


@pytest.fixture
def load(tmp_path: Path) -> Import:
    return Import(tmp_path / "backends.json")


def slugs() -> list[str]:
    return list(LMSBackend.objects.order_by("sort_order", "pk").values_list("slug", flat=True))


def test_a_richie_setting_becomes_records_in_its_order(load):
    assert load([EDX, JOANIE, BASE]) == [
        "1: created lms-example-com-openedx",
        "2: created joanie-example-com-joanie",
        "3: created dev-example-com-base",
    ]
    edx, joanie, base = LMSBackend.objects.order_by("sort_order")
    assert (edx.backend, edx.js_backend) == ("cms_lms.backends.openedx.OpenEdXBackend", "openedx-hawthorn")
    assert (edx.base_url, edx.course_regex) == (EDX["BASE_URL"], EDX["COURSE_REGEX"])
    assert edx.js_course_regex == EDX["JS_COURSE_REGEX"]
    assert (edx.no_update_fields, edx.default_sync_mode, edx.is_enabled) == (["languages"], "sync_to_public", True)
    assert edx.name == "lms.example.com"
    assert (joanie.backend, joanie.js_backend) == ("cms_lms.backends.joanie.JoanieBackend", "")
    assert (base.backend, base.js_backend) == ("cms_lms.backends.base.BaseLMSBackend", "base")


def test_what_is_probably_not_meant_is_said_with_the_entry_and_key(load):
    load([EDX, {**BASE, "COURSE_REGEX": r".*/courses/(?P<course_id>.*)/course/?$"}])
    warnings = load.err.splitlines()
    assert any(line.startswith("entry 2: COURSE_REGEX: warning: ") and "any host" in line for line in warnings)
    assert any(line.startswith("entry 2: COURSE_REGEX: warning: ") and "start with ^" in line for line in warnings)


def test_the_same_file_again_changes_nothing(load, django_assert_num_queries):
    load([EDX, JOANIE])
    before = list(LMSBackend.objects.order_by("pk").values())
    revisions, lines = Revision.objects.count(), ModelLogEntry.objects.count()
    assert load([EDX, JOANIE]) == [
        "1: unchanged lms-example-com-openedx",
        "2: unchanged joanie-example-com-joanie",
    ]
    assert list(LMSBackend.objects.order_by("pk").values()) == before
    assert (Revision.objects.count(), ModelLogEntry.objects.count()) == (revisions, lines)


def test_a_change_is_stored_with_a_revision_and_a_line_in_the_history(load):
    load([EDX, JOANIE])
    edx = LMSBackend.objects.get(slug="lms-example-com-openedx")
    assert load([{**EDX, "DEFAULT_COURSE_RUN_SYNC_MODE": "manual"}, JOANIE])[0].startswith("1: updated ")
    changed = LMSBackend.objects.get(pk=edx.pk)
    assert changed.default_sync_mode == "manual"
    assert changed.latest_revision.content["default_sync_mode"] == "manual"
    assert list(ModelLogEntry.objects.for_instance(edx).order_by("pk").values_list("action", flat=True)) == [
        "wagtail.create",
        "wagtail.edit",
    ]
    assert edx.revisions.count() == 2


def test_a_changed_python_pattern_leaves_the_stated_javascript_pattern_alone(load):
    edx = {**EDX, "COURSE_REGEX": r"^https://lms\.example\.com/courses/(?P<course_id>[^/]+)/course/?$"}
    derived = {**edx, "JS_COURSE_REGEX": r"^https:\/\/lms\.example\.com/courses/([^/]+)/course/?$"}
    for setting in (edx, derived, edx):
        load([setting])
        assert LMSBackend.objects.get().js_course_regex == setting["JS_COURSE_REGEX"]
        assert load([setting]) == ["1: unchanged lms-example-com-openedx"]


def test_a_missing_javascript_pattern_is_derived(load):
    load([{key: value for key, value in EDX.items() if key != "JS_COURSE_REGEX"}])
    assert LMSBackend.objects.get().js_course_regex == r"^https://lms\.example\.com/courses/(.*)/course/?$"


def test_a_record_is_known_by_its_slug_however_its_name_changed(load):
    load([{**EDX, "SLUG": "main", "NAME": "Main"}])
    assert load([{**EDX, "SLUG": "main", "NAME": "The main one"}]) == ["1: updated main"]
    assert LMSBackend.objects.get().name == "The main one"
    assert load([{**EDX, "SLUG": "main"}]) == ["1: unchanged main"]


def test_a_name_alone_makes_the_slug(load):
    assert load([{**EDX, "NAME": "Fédération · FUN"}]) == ["1: created federation-fun"]


def test_two_entries_of_one_lms_are_two_records(load):
    assert load([EDX, EDX]) == ["1: created lms-example-com-openedx", "2: created lms-example-com-openedx-2"]
    assert load([EDX, EDX]) == ["1: unchanged lms-example-com-openedx", "2: unchanged lms-example-com-openedx-2"]


def test_records_of_others_keep_their_places(load):
    make_backend(slug="theirs-1")
    load([{**EDX, "SLUG": "a"}, {**JOANIE, "SLUG": "b"}])
    make_backend(slug="theirs-2")
    assert slugs() == ["theirs-1", "a", "b", "theirs-2"]
    outcome = load([{**JOANIE, "SLUG": "b"}, {**BASE, "SLUG": "c"}, {**EDX, "SLUG": "a"}])
    assert outcome == ["1: moved b", "2: created c", "3: moved a"]
    assert slugs() == ["theirs-1", "b", "c", "theirs-2", "a"]
    assert load([{**JOANIE, "SLUG": "b"}, {**BASE, "SLUG": "c"}, {**EDX, "SLUG": "a"}])[1] == "2: unchanged c"
    assert slugs() == ["theirs-1", "b", "c", "theirs-2", "a"]


def test_an_order_with_twins_is_mended(load):
    make_backend(slug="a")
    make_backend(slug="b")
    LMSBackend.objects.update(sort_order=0)
    settings = [{**JOANIE, "SLUG": "b"}, {**EDX, "SLUG": "a"}]
    load(settings)
    assert slugs() == ["b", "a"]
    assert load(settings) == ["1: unchanged b", "2: unchanged a"]


def test_all_refusals_are_named_and_nothing_is_imported(load):
    broken = {
        "BASE_URL": "http://lms.example.com/../x",
        "BACKEND": "richie.apps.courses.lms.sakai.SakaiBackend",
        "COURSE_REGEX": "(?P<course_id>.*",
        "JS_BACKEND": "openedx-lilac",
        "JS_COURSE_REGEX": "(",
        "DEFAULT_COURSE_RUN_SYNC_MODE": "sometimes",
        "COURSE_RUN_SYNC_NO_UPDATE_FIELDS": ["colour"],
        "SELECTOR_REGEX": ".*",
    }
    lines = load.refused([EDX, broken, {"BASE_URL": 7}, "text", {**JOANIE, "COURSE_REGEX": "(?=x)"}])
    assert lines[0] == "Nothing was imported."
    named = [tuple(line.split(": ")[:2]) for line in lines[1:]]
    assert named[:1] == [("entry 2", "SELECTOR_REGEX")]
    assert set(named) == {
        ("entry 2", "SELECTOR_REGEX"),
        ("entry 2", "BASE_URL"),
        ("entry 2", "BACKEND"),
        ("entry 2", "JS_BACKEND"),
        ("entry 2", "JS_COURSE_REGEX"),
        ("entry 2", "DEFAULT_COURSE_RUN_SYNC_MODE"),
        ("entry 2", "COURSE_RUN_SYNC_NO_UPDATE_FIELDS"),
        ("entry 3", "BASE_URL"),
        ("entry 3", "BACKEND"),
        ("entry 3", "COURSE_REGEX"),
        ("entry 4", "An entry must be an object with the keys of one LMS backend."),
        ("entry 5", "COURSE_REGEX"),
    }
    text = "\n".join(lines)
    assert re.search(
        r"BACKEND: richie\.apps\S+Sakai.* Choose one of: .*cms_lms\.backends\.openedx\.OpenEdXBackend", text
    )
    assert re.search(r"JS_BACKEND: openedx-lilac .* Choose one of: .*openedx-hawthorn", text)
    assert not LMSBackend.objects.exists()
    assert not Revision.objects.exists()


def test_a_refused_file_leaves_known_records_as_they_were(load):
    load([EDX])
    before = list(LMSBackend.objects.values())
    load.refused([{**EDX, "NAME": "New", "SLUG": "lms-example-com-openedx"}, {**JOANIE, "BASE_URL": ""}])
    assert list(LMSBackend.objects.values()) == before


@pytest.mark.parametrize("key", ["TOKEN", "API_TOKEN", "JS_API_TOKEN", "SECRET", "api_key", "Password"])
def test_secrets_are_refused_and_never_repeated(load, key):
    lines = load.refused([{**EDX, key: "hunter2"}])
    assert lines[1].startswith(f"entry 1: {key}: A secret has no place in this file")
    assert "hunter2" not in "\n".join(lines)


def test_a_slug_that_is_stated_twice_is_refused(load):
    assert load.refused([{**EDX, "SLUG": "a"}, {**JOANIE, "SLUG": "a"}])[1:] == [
        "entry 2: SLUG: Entry 1 has this slug already."
    ]


@pytest.mark.parametrize(
    ("change", "key"),
    [
        ({"NAME": "a\x00b"}, "NAME"),
        ({"NAME": "half \ud800"}, "NAME"),
        ({"NAME": ""}, "NAME"),
        ({"NAME": "x" * 101}, "NAME"),
        ({"NAME": None}, "NAME"),
        ({"SLUG": "not a slug"}, "SLUG"),
        ({"SLUG": "a\x00"}, "SLUG"),
        ({"ENABLED": 1}, "ENABLED"),
        ({"BASE_URL": "https://lms.example.com\x00"}, "BASE_URL"),
        ({"BASE_URL": ["https://lms.example.com"]}, "BASE_URL"),
        ({"BASE_URL": "http://lms.example.com"}, "BASE_URL"),
        ({"COURSE_REGEX": None}, "COURSE_REGEX"),
        ({"COURSE_REGEX": "^(?P<course_id>a\x00)"}, "COURSE_REGEX"),
        ({"JS_COURSE_REGEX": 5}, "JS_COURSE_REGEX"),
        ({"JS_COURSE_REGEX": "^(a)(b)"}, "JS_COURSE_REGEX"),
        ({"COURSE_RUN_SYNC_NO_UPDATE_FIELDS": "languages"}, "COURSE_RUN_SYNC_NO_UPDATE_FIELDS"),
        ({"COURSE_RUN_SYNC_NO_UPDATE_FIELDS": [{}]}, "COURSE_RUN_SYNC_NO_UPDATE_FIELDS"),
        ({"SAMPLE_URLS": ["https://lms.example.com/nothing"]}, "SAMPLE_URLS"),
        ({"REJECTED_URLS": ["a\x00b"]}, "REJECTED_URLS"),
        ({"REJECTED_URLS": ["\ud800"]}, "REJECTED_URLS"),
        ({"REJECTED_URLS": ["https://lms.example.com/courses/x/course/"]}, "REJECTED_URLS"),
        ({"UNKNOWN\n\x1b[31m": 1}, '"UNKNOWN\\n\\u001b[31m"'),
    ],
)
def test_each_wrong_value_is_refused_on_its_key(load, change, key):
    lines = load.refused([{**EDX, **change}])
    assert {line.split(": ")[1] for line in lines[1:]} == {key}
    assert not LMSBackend.objects.exists()


@pytest.mark.parametrize(
    "octets",
    [
        b"",
        b"{",
        b"not json",
        b"\xff\xfe\x00",
        b"[1, 2",
        b'"text"',
        b"{}",
        b"null",
        b"7",
        b"[" * 100_000,
        b"[" + b"9" * 5000 + b"]",
        b"[NaN]",
        b"\x00",
        b'[{"SLUG": "a", "SLUG": "b"}]',
    ],
    ids=lambda octets: repr(octets[:20]),
)
def test_rubbish_files_are_refused_in_words(load, octets):
    with pytest.raises(CommandError):
        load.octets(octets)
    assert not LMSBackend.objects.exists()


def test_an_empty_list_is_an_import_of_nothing(load):
    assert load([]) == []


def test_a_byte_order_mark_is_no_part_of_the_json(load):
    assert load.octets(b"\xef\xbb\xbf" + json.dumps([EDX]).encode()) == ["1: created lms-example-com-openedx"]


def test_a_missing_file_and_a_directory_are_refused_in_words(tmp_path):
    for path in (tmp_path / "missing.json", tmp_path):
        with pytest.raises(CommandError, match="cannot be read"):
            call_command("import_lms_backends", str(path))


def test_the_standard_input_is_a_file_too(monkeypatch):
    monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO(json.dumps([EDX]).encode())))
    out = io.StringIO()
    call_command("import_lms_backends", "-", stdout=out, stderr=io.StringIO())
    assert out.getvalue() == "1: created lms-example-com-openedx\n"
