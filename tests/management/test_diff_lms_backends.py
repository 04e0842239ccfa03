"""``diff_lms_backends``: what an import would change, for people and for CI; also from Richie's own settings."""

from __future__ import annotations

import io
import json
from pathlib import Path
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from django.db import DatabaseError

from cms_lms.models import LMSBackend
from tests.factories import OPENEDX, course_regex, make_backend, make_run

pytestmark = pytest.mark.django_db

RICHIE = Path(__file__).parents[1] / "settings_source" / "richie_settings.py"

CAMPUS = {
    "NAME": "Campus",
    "SLUG": "campus",
    "BASE_URL": "https://lms.example.com",
    "BACKEND": OPENEDX,
    "COURSE_REGEX": course_regex("lms.example.com"),
    "JS_BACKEND": "openedx-hawthorn",
}


class Run:
    """Runs a command and keeps what it printed and how it ended."""

    def __init__(self, folder: Path) -> None:
        self.path = folder / "backends.json"

    def __call__(self, setting: Any, *options: str, command: str = "diff_lms_backends") -> int:
        """Run the command on a setting; return the exit code."""
        self.path.write_text(json.dumps(setting), encoding="utf-8")
        return self.on(command, str(self.path), *options)

    def on(self, command: str, *arguments: str) -> int:
        """Run a command with these arguments; return the exit code."""
        out, err = io.StringIO(), io.StringIO()
        self.message = ""
        code = 0
        try:
            call_command(command, *arguments, stdout=out, stderr=err)
        except CommandError as error:
            self.message, code = str(error), error.returncode
        self.out, self.err = out.getvalue().splitlines(), err.getvalue()
        return code


@pytest.fixture
def run(tmp_path: Path) -> Run:
    return Run(tmp_path)


def test_an_export_has_no_differences(run, tmp_path):
    make_backend(name="Fédération", sample_urls=["https://lms.example.com/courses/a/info"])
    make_backend(is_enabled=False, js_backend="", no_update_fields=["start"])
    path = str(tmp_path / "export.json")
    run.on("export_lms_backends", "--output", path)
    assert run.on("diff_lms_backends", path) == 0
    assert run.out == ["2 LMS backends are unchanged."]
    assert (run.message, run.err) == ("", "")


def test_differences_are_printed_a_line_each(run):
    make_backend(name="Old", slug="campus")
    make_backend(slug="other", course_regex=course_regex("other.example.com"))
    make_run()
    assert run([{**CAMPUS, "SLUG": "new"}, {**CAMPUS, "COURSE_RUN_SYNC_NO_UPDATE_FIELDS": ["start"]}]) == 1
    assert run.message == "There are differences."
    assert run.out[0] == "created new at position 1"
    assert '  NAME: "Campus"' in run.out
    assert run.out[-5:] == [
        "updated campus from position 1 to 3",
        '  NAME: "Old" -> "Campus"',
        '  COURSE_RUN_SYNC_NO_UPDATE_FIELDS: [] -> ["start"]',
        "Not named, stays as it is: other.",
        "1 course run moves from “Old” to “Campus”.",
    ]
    assert LMSBackend.objects.count() == 2


def test_what_the_file_does_not_name_differs_only_to_the_strict(run):
    run([CAMPUS], command="import_lms_backends")
    make_backend(slug="other")
    assert run([CAMPUS]) == 0
    assert run([CAMPUS], "--strict") == 1
    assert run.out == ["1 LMS backend is unchanged.", "Not named, stays as it is: other."]


def test_warnings_are_no_differences(run):
    loose = {**CAMPUS, "COURSE_REGEX": r".*/courses/(?P<course_id>[^/]+)/course/?$"}
    run([loose], command="import_lms_backends")
    assert run([loose]) == 0
    assert "entry 1: COURSE_REGEX: warning: " in run.err


@pytest.mark.parametrize("setting", [{}, [{**CAMPUS, "COURSE_REGEX": "("}], [CAMPUS, CAMPUS], [CAMPUS] * 1001])
def test_what_cannot_be_imported_exits_2(run, setting):
    assert run(setting) == 2
    assert run.message.startswith("This cannot be imported.\n")


def test_what_cannot_be_read_exits_2(run, tmp_path, monkeypatch):
    assert run.on("diff_lms_backends", str(tmp_path / "missing.json")) == 2
    assert run.on("diff_lms_backends") == 2
    assert run.message == "Name either a file or --settings-module."
    run.path.write_bytes(b"\xff")
    assert run.on("diff_lms_backends", str(run.path)) == 2
    assert "not UTF-8, at byte 1" in run.message
    run.path.write_bytes(b" " * (1024 * 1024 + 1))
    assert run.on("diff_lms_backends", str(run.path)) == 2
    assert "longer than 1024 kB" in run.message

    def fail(*args, **kwargs):
        raise DatabaseError("no such table")

    monkeypatch.setattr("cms_lms.management.commands.diff_lms_backends.plan_import", fail)
    assert run([CAMPUS]) == 2
    assert run.message == "The database cannot be read: no such table"


def test_json_for_programs(run):
    make_backend(name="Old", slug="campus")
    make_run()
    assert run([{**CAMPUS, "ENABLED": False}], "--json") == 1
    answer = json.loads("\n".join(run.out))
    assert answer["different"] is True
    (backend,) = answer["backends"]
    assert (backend["slug"], backend["outcome"], backend["old_position"], backend["new_position"]) == (
        "campus",
        "updated",
        1,
        1,
    )
    assert backend["keys"] == {"NAME": {"old": "Old", "new": "Campus"}, "ENABLED": {"old": True, "new": False}}
    assert (answer["impact"]["orphans"], answer["unnamed"], answer["warnings"]) == (1, [], [])
    assert run([{**CAMPUS, "COURSE_REGEX": "("}], "--json") == 2
    (refusal,) = json.loads("\n".join(run.out))["refusals"]
    assert (refusal["entry"], refusal["key"]) == (1, "COURSE_REGEX")


def test_no_value_speaks_to_the_terminal(run):
    assert run([{**CAMPUS, "BACKEND": "\ud800\x1b[31m"}], "--json") == 2
    assert "\x1b" not in run.message + "".join(run.out)
    run.message.encode()
    "".join(run.out).encode()


# From Richie's own settings.


@pytest.fixture
def richie(run, monkeypatch):
    """Run a command on the settings of a Richie site, in the environment of its LMS."""
    monkeypatch.setenv("EDX_BASE_URL", "https://lms.example.com")

    def richie(command: str, *options: str) -> int:
        return run.on(command, "--settings-module", str(RICHIE), "--name", "RICHIE_LMS_BACKENDS", *options)

    return richie


def test_richies_settings_are_compared_imported_and_then_the_same(richie, run):
    assert richie("diff_lms_backends", "--class", "Production") == 1
    assert run.out[0] == "created lms-example-com-openedx at position 1"
    assert "Not set in this environment, so that defaults count: " in run.err
    assert "EDX_COURSE_REGEX" in run.err
    assert not LMSBackend.objects.exists()
    assert richie("import_lms_backends", "--class", "Production") == 0
    assert run.out == ["1: created lms-example-com-openedx"]
    assert LMSBackend.objects.get().course_regex == r"^.*/courses/(?P<course_id>.*)/course/?$"
    assert richie("diff_lms_backends", "--class", "Production") == 0


def test_joanie_is_imported_with_a_warning_about_its_login(richie, run, monkeypatch):
    monkeypatch.setenv("JOANIE_BASE_URL", "https://joanie.example.com")
    assert richie("import_lms_backends", "--class", "Production") == 0
    assert run.out == ["1: created lms-example-com-openedx", "2: created joanie-example-com-joanie"]
    assert "entry 2: JS_BACKEND: warning: " in run.err


def test_the_class_has_to_be_named_where_they_differ(richie, run):
    assert richie("diff_lms_backends") == 2
    assert "Choose one with --class: Base, Development, Test, Production, Staging." in run.message
    assert richie("import_lms_backends") == 1
    assert not LMSBackend.objects.exists()


def test_secrets_in_richies_settings_are_left_out(run, tmp_path):
    path = tmp_path / "old_settings.py"
    path.write_text(f"import os\nX = [{{**{CAMPUS!r}, 'API_TOKEN': 'hunter2', 'SECRET': read('hunter2')}}]")
    assert run.on("import_lms_backends", "--settings-module", str(path), "--name", "X") == 0
    assert "entry 1: API_TOKEN: warning: A secret is not imported. Enter it in the admin." in run.err
    assert "entry 1: SECRET: warning: " in run.err
    assert "hunter2" not in run.err + "".join(run.out)


def test_settings_that_cannot_be_evaluated_are_refused_with_the_place(run, tmp_path):
    path = tmp_path / "settings.py"
    path.write_text("RICHIE_LMS_BACKENDS = fetch('hunter2')")
    assert run.on("diff_lms_backends", "--settings-module", str(path)) == 2
    assert f"{path}:1:23: fetch: the name fetch is not assigned" in run.message
    assert "python manage.py shell -v 0 -c" in run.message
    assert "hunter2" not in run.message
    assert run.on("diff_lms_backends", str(path), "--settings-module", str(path)) == 2
