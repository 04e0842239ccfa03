"""The wheel holds everything, and the README's five lines are all that a new Wagtail project needs."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import sysconfig
import zipfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).resolve().parents[2]
SECRET = "a secret of the new site"

pytestmark = pytest.mark.packaging


def run(*command: str | Path, cwd: Path, **environment: str) -> str:
    """Run a command away from this checkout and its settings; return what it printed."""
    inherited = {
        name: value
        for name, value in os.environ.items()
        if not name.startswith(("PYTHON", "DJANGO_", "CMS_LMS_", "PYTEST_")) and name != "DATABASE_URL"
    }
    done = subprocess.run(
        list(map(str, command)), cwd=cwd, env={**inherited, **environment}, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, f"{' '.join(map(str, command))}\n{done.stdout}\n{done.stderr}"
    return done.stdout


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The wheel, built from the source archive as a release is, without the network."""
    folder = tmp_path_factory.mktemp("dist")
    run(sys.executable, "-m", "build", "--no-isolation", "--outdir", folder, ROOT, cwd=folder)
    (wheel,) = folder.glob("*.whl")
    return wheel


@pytest.fixture(scope="module")
def names(wheel: Path) -> set[str]:
    with zipfile.ZipFile(wheel) as archive:
        return set(archive.namelist())


def tracked(*folders: str) -> set[str]:
    """The files in these folders that git knows or would take."""
    listed = run("git", "ls-files", "--cached", "--others", "--exclude-standard", *folders, cwd=ROOT)
    return {name for name in listed.splitlines() if (ROOT / name).exists()}


def test_templates_and_static_files_are_inside_the_package(names: set[str]) -> None:
    expected = {f"cms_lms/{name}" for name in tracked("templates", "static")}

    assert len(expected) > 20
    assert expected - names == set()


def test_scripts_are_in_the_wheel_without_their_comments(wheel: Path) -> None:
    name = "static/cms_lms/js/lms-enrollment.js"
    with zipfile.ZipFile(wheel) as archive:
        light = archive.read(f"cms_lms/{name}").decode()

    assert 'customElements.define("lms-enrollment"' in light
    assert "/**" not in light
    assert len(light) < len((ROOT / name).read_text(encoding="utf-8"))


def test_the_whole_package_is_in_the_wheel(names: set[str]) -> None:
    expected = tracked("cms_lms")

    assert {"cms_lms/py.typed", "cms_lms/migrations/0001_initial.py"} <= expected
    assert expected - names == set()


def test_the_documentation_is_inside_the_package_without_its_pictures(names: set[str]) -> None:
    expected = {f"cms_lms/{name}" for name in tracked("docs") if name.endswith(".md")}

    assert "cms_lms/docs/openedx.md" in expected
    assert {name for name in names if name.startswith("cms_lms/docs/")} == expected


def test_nothing_else_is_in_the_wheel(names: set[str]) -> None:
    strangers = {name for name in names if not re.match(r"cms_lms/|cms_lms-[^/]+\.dist-info/", name)}

    assert strangers == set()
    assert not [name for name in names if "/tests/" in name or name.endswith((".pyc", ".sqlite3"))]
    assert [name for name in names if name.endswith("dist-info/licenses/LICENSE")]


def test_templates_and_static_files_are_named_after_the_package() -> None:
    strangers = [name for name in tracked("templates", "static") if not re.match(r"(templates|static)/cms_lms/", name)]

    assert strangers == [], "A file outside cms_lms/ could shadow one of the host's."


# A new project, and the lines that the README tells people to add to it.


@dataclass(frozen=True)
class Addition:
    """Lines that the README adds to a file of the project: at its end, or above the line that holds ``above``."""

    file: str
    above: str
    lines: tuple[str, ...]

    def apply(self, project: Path) -> None:
        path = project / self.file
        text = path.read_text(encoding="utf-8")
        if not self.above:
            path.write_text("\n".join([text, *self.lines, ""]), encoding="utf-8")
            return
        before, after = [], text.splitlines()
        while after and self.above not in after[0]:
            before.append(after.pop(0))
        assert after, f"{self.file} has no line with {self.above}."
        path.write_text("\n".join([*before, *self.lines, *after, ""]), encoding="utf-8")


def readme_additions() -> list[Addition]:
    """Read the blocks of the README that begin with ``# mysite/…, at the end`` or ``…, above TEXT``."""
    blocks = re.findall(r"^```python\n(.*?)^```", (ROOT / "README.md").read_text(encoding="utf-8"), re.M | re.S)
    additions = []
    for block in blocks:
        first, *lines = block.splitlines()
        if match := re.fullmatch(r"# (mysite/\S+), (?:at the end|above (.+))", first):
            additions.append(Addition(match[1], match[2] or "", tuple(filter(None, lines))))
    return additions


def test_the_readme_adds_five_lines() -> None:
    additions = readme_additions()

    assert [addition.file for addition in additions] == ["mysite/settings/base.py", "mysite/urls.py"]
    assert sum(len(addition.lines) for addition in additions) == 5


@pytest.fixture(scope="module")
def visit(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """What a new site with the wheel and the five lines looks like from outside."""
    folder = tmp_path_factory.mktemp("new_site")
    environment = folder / "venv"
    run(sys.executable, "-m", "venv", "--without-pip", environment, cwd=folder)
    python = environment / "bin" / "python"
    run(sys.executable, "-m", "pip", "--python", python, "install", "--no-index", "--no-deps", wheel, cwd=folder)
    # Wagtail and the rest are borrowed from here, so that this needs no network. A path file inside a
    # borrowed folder is not read, hence an editable cms_lms does not come along.
    (site_packages,) = environment.glob("lib/python*/site-packages")
    (site_packages / "borrowed.pth").write_text(f"{sysconfig.get_path('purelib')}\n", encoding="utf-8")

    start = "from wagtail.bin.wagtail import main; main()"
    run(python, "-P", "-c", start, "start", "mysite", cwd=folder)
    project = folder / "mysite"
    for addition in readme_additions():
        addition.apply(project)
    site = {"DJANGO_SETTINGS_MODULE": "mysite.settings.dev", "CMS_LMS_SYNC_SECRET": SECRET}
    run(python, "manage.py", "check", "--fail-level", "WARNING", cwd=project, **site)
    run(python, "manage.py", "makemigrations", "--check", "--dry-run", cwd=project, **site)
    run(python, "manage.py", "migrate", "--verbosity", "0", cwd=project, **site)
    run(python, "manage.py", "collectstatic", "--noinput", "--verbosity", "0", cwd=project, **site)
    visitor = Path(__file__).with_name("visit_new_site.py")
    found = json.loads(run(python, "-P", visitor, cwd=project, **site))
    assert Path(found["package"]).is_relative_to(site_packages), "The new site uses another copy than the wheel's."
    return found


@pytest.mark.parametrize("entry", ["LMS backends", "Course runs", "Courses"])
def test_the_admin_menu_is_there(visit: dict[str, Any], entry: str) -> None:
    assert visit["dashboard"] == 200
    assert entry in visit["menu"]


def test_the_listings_open(visit: dict[str, Any]) -> None:
    assert visit["listings"] == {"LMSBackend": 200, "Course": 200, "CourseRun": 200}


def test_the_web_hook_answers_as_its_contract_says(visit: dict[str, Any]) -> None:
    assert visit["hook"] == {
        "unsigned": [403, "Missing authentication."],
        "wrong": [401, "Invalid authentication."],
        "signed": [200, {"success": True}],
    }
    ((link, live),) = visit["runs"]
    assert live
    assert [run["resource_link"] for run in visit["read"]["results"]] == [link]


def test_the_panel_is_on_the_course_page(visit: dict[str, Any]) -> None:
    assert visit["course_page"] == 200
    assert re.search(r"<lms-enrollment\b", visit["html"])
    assert 'data-course-id="course-v1:Org+C1+R1"' in visit["html"]
    assert visit["headers"]["Referrer-Policy"] == "strict-origin-when-cross-origin"


def test_the_panel_s_static_files_are_found(visit: dict[str, Any]) -> None:
    assert visit["static"]["cms_lms/js/lms-enrollment.js"]
    assert visit["static"]["cms_lms/js/backends/openedx-hawthorn.js"]
    assert all(visit["static"].values()), visit["static"]
