"""The documentation says what is so: its links lead somewhere, its names exist, its examples run."""

from __future__ import annotations

import re
import shutil
import subprocess
from pathlib import Path

import pytest

from cms_lms.conf import PREFIX, Settings
from cms_lms.models import CourseRun
from tests.factories import make_backend, make_course

ROOT = Path(__file__).resolve().parents[2]
PAGES = sorted([*ROOT.glob("*.md"), *ROOT.glob("docs/*.md")])


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_links_lead_somewhere(page: Path) -> None:
    links = re.findall(r"\]\(([^)#\s]+)[^)]*\)", page.read_text(encoding="utf-8"))
    lost = [link for link in links if "://" not in link and not (page.parent / link).exists()]

    assert lost == []


def test_every_setting_is_documented() -> None:
    text = (ROOT / "docs" / "settings.md").read_text(encoding="utf-8")
    documented = re.findall(rf"^\| `{PREFIX}(\w+)`", text.partition("## Of the runnable site")[0], re.M)

    assert sorted(documented) == sorted(Settings.DEFAULTS)


def test_every_variable_of_the_site_is_documented() -> None:
    text = (ROOT / "docs" / "settings.md").read_text(encoding="utf-8").partition("## Of the runnable site")[2]
    names = [line.split("|")[1] for line in text.splitlines() if line.startswith("| `")]
    documented = set(re.findall(r"`([A-Z_]+)`", "".join(names)))
    source = (ROOT / "cms_lms" / "site" / "settings.py").read_text(encoding="utf-8")
    read = set(re.findall(r"\benv(?:\.\w+)?\(\s*\"([A-Z_]+)\"", source))

    assert documented == read


@pytest.mark.django_db(transaction=True, serialized_rollback=True)
@pytest.mark.skipif(not (shutil.which("openssl") and shutil.which("curl")), reason="openssl or curl is not installed")
def test_the_example_in_shell_is_accepted(live_server, settings, tmp_path: Path) -> None:
    text = (ROOT / "docs" / "web-hook.md").read_text(encoding="utf-8")
    (script,) = re.findall(r"^```sh\n(.*?)^```", text, re.M | re.S)
    assert "SECRET=SharedSecret" in script
    settings.CMS_LMS_SYNC_SECRETS = ["SharedSecret"]
    script = script.replace("http://localhost:8000", live_server.url)
    make_course(code="DemoX")
    make_backend(
        base_url="https://localhost:8001",
        course_regex=r"^https?://localhost:8001/courses/(?P<course_id>[^/]+)/info$",
    )

    done = subprocess.run(["sh", "-e", "-c", script], cwd=tmp_path, capture_output=True, text=True, check=False)

    assert (done.stdout, done.stderr) == ('{"success":true}', "")
    assert CourseRun.objects.get().enrollment_count == 42
