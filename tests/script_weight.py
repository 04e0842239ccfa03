"""What the scripts of a page weigh: the modules that it loads, with all that they import, each without its comments, as
the wheel carries it and the runnable site serves it, and compressed by itself.
"""

from __future__ import annotations

import gzip
import re
from collections.abc import Iterable
from pathlib import Path

from cms_lms.site.scripts import lighten

STATIC = Path(__file__).resolve().parents[1] / "static"

#: What a page with panels and the header's sessions loads, besides the module of its JS backend.
ENTRIES = ("cms_lms/js/lms-enrollment.js", "cms_lms/js/lms-session.js")

#: All of them together, with any JS backend of the app's.
LIMIT_BYTES = 12 * 1024

_IMPORT = re.compile(r"""^(?:import|export)\b[^;"']*["'](\.[^"']+)["'];?\s*$""", re.M)


def modules_of(entries: Iterable[str]) -> set[str]:
    """Return these modules and all that they import, as static paths."""
    found: set[str] = set()
    waiting = [entry for entry in entries if (STATIC / entry).exists()]
    while waiting:
        name = waiting.pop()
        if name in found:
            continue
        found.add(name)
        path = STATIC / name
        for imported in _IMPORT.findall(path.read_text(encoding="utf-8")):
            waiting.append(str((path.parent / imported).resolve().relative_to(STATIC)))
    return found


def compressed_bytes(module: str) -> int:
    """Return what a light module weighs as ``gzip -9`` leaves it, without a name or a time."""
    light = lighten((STATIC / module).read_text(encoding="utf-8"))
    return len(gzip.compress(light.encode(), compresslevel=9, mtime=0))


def page_weights(backend_module: str) -> dict[str, int]:
    """Return what each module of a page with panels of one JS backend weighs, the heaviest first."""
    weights = {module: compressed_bytes(module) for module in modules_of([*ENTRIES, backend_module])}
    return dict(sorted(weights.items(), key=lambda item: -item[1]))
