"""Where debugging is off, static files are named by their content and compressed; modules import one another by these
names, so that no browser mixes two releases.
"""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from django.core.files.storage import FileSystemStorage

from cms_lms.site.static_files import ModuleStaticFilesStorage

STATIC = Path(__file__).resolve().parents[2] / "static"

IMPORT = re.compile(r"""\b(?:import|from)\s*["'](\.[^"']+)["']""")


@pytest.fixture(scope="module")
def collected(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder into which the app's scripts were collected."""
    folder = tmp_path_factory.mktemp("static")
    source, storage = FileSystemStorage(STATIC), ModuleStaticFilesStorage(location=folder, base_url="/static/")
    paths = {}
    # Comments name the types, which are looked for too.
    for path in [*STATIC.rglob("*.js"), *STATIC.rglob("*.d.ts")]:
        name = str(path.relative_to(STATIC))
        paths[name] = (source, name)
        with source.open(name) as file:
            storage.save(name, file)
    failed = [found for found in storage.post_process(paths) if isinstance(found[2], Exception)]
    assert failed == []
    return folder


def test_modules_are_imported_by_the_names_of_their_content(collected: Path) -> None:
    named = [path for path in collected.rglob("*.js") if re.search(r"\.[0-9a-f]{12}\.js$", path.name)]
    imports = [(path, found) for path in named for found in IMPORT.findall(path.read_text(encoding="utf-8"))]

    assert len(imports) > 5
    for path, found in imports:
        assert re.search(r"\.[0-9a-f]{12}\.js$", found), (path.name, found)
        assert (path.parent / found).exists(), (path.name, found)


@pytest.mark.parametrize("ending", ["gz", "br"])
def test_they_are_compressed_beforehand(collected: Path, ending: str) -> None:
    (script,) = collected.glob("cms_lms/js/lms-enrollment.????????????.js")

    assert 0 < script.with_name(f"{script.name}.{ending}").stat().st_size < script.stat().st_size / 2


def test_comments_stay_at_home(collected: Path) -> None:
    (script,) = collected.glob("cms_lms/js/lms-enrollment.????????????.js")
    light = script.read_text(encoding="utf-8")

    assert 'customElements.define("lms-enrollment"' in light
    assert "/**" not in light
