"""Pages with panels stay light: all their scripts, compressed, as the wheel carries them."""

from __future__ import annotations

import shutil
import subprocess

import pytest

from cms_lms.conf import Settings
from cms_lms.site.scripts import lighten

from .weight import STATIC, loaded_with, weights

LIMIT_BYTES = 12 * 1024

MODULES = sorted(entry["module"] for entry in Settings.DEFAULTS["JS_BACKENDS"].values())


@pytest.mark.parametrize("module", MODULES)
def test_the_scripts_of_a_page_are_light(module: str) -> None:
    found = weights(module)

    assert {"cms_lms/js/enrollment-machine.js", "cms_lms/js/run-state.js", module} <= found.keys()
    assert sum(found.values()) <= LIMIT_BYTES, found


@pytest.mark.skipif(shutil.which("node") is None, reason="needs Node to parse modules")
@pytest.mark.parametrize("name", sorted(loaded_with(*MODULES, "cms_lms/js/lms-enrollment.js")))
def test_a_lightened_script_is_still_a_module(name: str) -> None:
    light = lighten((STATIC / name).read_text(encoding="utf-8"))

    done = subprocess.run(["node", "--check", "--input-type=module"], input=light, text=True, check=False)

    assert done.returncode == 0
    assert "@param" not in light
