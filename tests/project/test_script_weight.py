"""All scripts of a page with panels weigh little, whatever its JS backend."""

from __future__ import annotations

import shutil
import subprocess

import pytest

from cms_lms.conf import Settings
from cms_lms.site.scripts import lighten
from tests.script_weight import LIMIT_BYTES, STATIC, modules_of, page_weights

BACKENDS = {name: entry["module"] for name, entry in Settings.DEFAULTS["JS_BACKENDS"].items()}


@pytest.mark.parametrize("name", sorted(BACKENDS))
def test_all_scripts_of_a_page_are_light(name: str) -> None:
    weights = page_weights(BACKENDS[name])

    assert BACKENDS[name] in weights
    assert sum(weights.values()) <= LIMIT_BYTES, weights


def test_every_module_is_counted_somewhere() -> None:
    """Else a page could load one that the limit has not heard of."""
    there = {str(path.relative_to(STATIC)) for path in (STATIC / "cms_lms" / "js").rglob("*.js")}
    counted = modules_of(["cms_lms/js/lms-enrollment.js", "cms_lms/js/lms-session.js", *BACKENDS.values()])

    # In the preview of staff alone.
    assert there - counted <= {"cms_lms/js/backends/preview.js"}


@pytest.mark.skipif(shutil.which("node") is None, reason="needs Node to parse modules")
@pytest.mark.parametrize("name", sorted(modules_of(["cms_lms/js/lms-enrollment.js", *BACKENDS.values()])))
def test_a_module_without_its_comments_is_still_a_module(name: str) -> None:
    light = lighten((STATIC / name).read_text(encoding="utf-8"))

    done = subprocess.run(["node", "--check", "--input-type=module"], input=light, text=True, check=False)

    assert done.returncode == 0
    assert "@param" not in light
