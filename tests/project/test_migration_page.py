"""The page for Richie sites: its commands run as they are written, in their order; its tables name what there is."""

from __future__ import annotations

import io
import json
import re
import shlex
from contextlib import redirect_stdout
from pathlib import Path

import pytest
from django.core.management import CommandError, call_command

from cms_lms.matching.richie_setting import KEYS, RENAMED_KEYS
from cms_lms.models import LMSBackend

ROOT = Path(__file__).resolve().parents[2]
RICHIE = ROOT / "tests" / "settings_source" / "richie_settings.py"
PAGE = ROOT / "docs" / "migrating-from-richie.md"
TEXT = PAGE.read_text(encoding="utf-8")


def commands() -> list[str]:
    """Return the lines of the page's examples."""
    return [line for block in re.findall(r"^```sh\n(.*?)^```", TEXT, re.M | re.S) for line in block.splitlines()]


@pytest.fixture
def run(tmp_path: Path, monkeypatch):
    """Run a line of the page in a folder where Richie's settings are, and return its exit code and what it printed."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "richie").mkdir()
    (tmp_path / "richie" / "settings.py").write_bytes(RICHIE.read_bytes())

    def run(line: str) -> tuple[int, str]:
        if line.startswith("export "):
            monkeypatch.setenv(*line.removeprefix("export ").split("=", 1))
            return 0, ""
        line, _arrow, target = line.partition(" > ")
        python, manage, *arguments = shlex.split(line)
        assert (python, manage) == ("python", "manage.py")
        out = io.StringIO()
        try:
            with redirect_stdout(out):
                call_command(*arguments, stderr=io.StringIO())
        except CommandError as error:
            return error.returncode, out.getvalue()
        if target:
            Path(target).write_text(out.getvalue(), encoding="utf-8")
        return 0, out.getvalue()

    return run


@pytest.mark.django_db
def test_the_commands_run_as_they_are_written(run, settings):
    export, diff, load, select, keep, compare, printed, again = commands()
    assert run(export) == (0, "")
    code, text = run(diff)
    assert (code, text.splitlines()[0]) == (1, "created lms-example-com-openedx at position 1")
    assert run(load) == (0, "1: created lms-example-com-openedx\n")
    assert run(load) == (0, "1: unchanged lms-example-com-openedx\n")
    code, text = run(select)
    assert (code, json.loads(text)["backend"]["slug"]) == (0, "lms-example-com-openedx")
    assert run(keep)[0] == 0
    assert run(compare) == (0, "1 LMS backend is unchanged.\n")
    LMSBackend.objects.update(name="By hand")
    assert run(compare)[0] == 1
    settings.RICHIE_LMS_BACKENDS = [
        {
            "BASE_URL": "https://lms.example.com",
            "BACKEND": "richie.apps.courses.lms.edx.EdXLMSBackend",
            "COURSE_REGEX": r"^https://lms\.example\.com/courses/(?P<course_id>.*)/course/?$",
            "JS_BACKEND": "openedx-hawthorn",
        }
    ]
    assert run(printed)[0] == 0
    assert run(again) == (0, "1: updated lms-example-com-openedx\n")


def test_every_key_is_in_the_page():
    assert [key.name for key in KEYS if f"`{key.name}`" not in TEXT] == []
    assert [name for name in RENAMED_KEYS if f"`{name}`" not in TEXT] == []
