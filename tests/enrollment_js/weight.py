"""What the scripts of a page weigh on the wire: each file compressed by itself, as it is served."""

from __future__ import annotations

import gzip
import re
from pathlib import Path

from cms_lms.site.scripts import lighten

STATIC = Path(__file__).resolve().parents[2] / "static"

#: What every page with panels and a session loads, whatever its LMSs.
ENTRANCES = ("cms_lms/js/lms-enrollment.js", "cms_lms/js/lms-session.js")

IMPORT = re.compile(r'^(?:import|export)\b[^;]*?"(\.[^"]+)";', re.MULTILINE)


def loaded_with(*modules: str) -> set[str]:
    """Return these modules and all that they import, as paths below the root of static files."""
    found: set[str] = set()
    waiting = [name for name in modules if (STATIC / name).exists()]
    while waiting:
        name = waiting.pop()
        if name in found:
            continue
        found.add(name)
        folder = (STATIC / name).parent
        for target in IMPORT.findall((STATIC / name).read_text(encoding="utf-8")):
            waiting.append((folder / target).resolve().relative_to(STATIC).as_posix())
    return found


def weights(*modules: str) -> dict[str, int]:
    """Return the bytes that each script of a page takes, by its path, if its backends are these modules."""
    return {
        name: len(gzip.compress(lighten((STATIC / name).read_text(encoding="utf-8")).encode(), 9))
        for name in sorted(loaded_with(*ENTRANCES, *modules))
    }
