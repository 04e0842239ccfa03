"""Puts the public pages' scripts into the wheel without their comments; pyproject.toml names this as a build hook.

A wheel for development is a path to the checkout and holds no files, hence nothing of this.
"""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface


class LightScripts(BuildHookInterface):
    """Adds a light copy of each script; pyproject.toml leaves the originals out."""

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        """Write the copies. Called before the wheel is made."""
        if version != "standard":
            return
        sys.path.insert(0, self.root)
        from cms_lms.site.scripts import lighten

        static = Path(self.root) / "static"
        self._copies = tempfile.TemporaryDirectory()
        for script in sorted((static / "cms_lms" / "js").rglob("*.js")):
            name = script.relative_to(static)
            copy = Path(self._copies.name) / name
            copy.parent.mkdir(parents=True, exist_ok=True)
            copy.write_text(lighten(script.read_text(encoding="utf-8")), encoding="utf-8")
            build_data["force_include"][str(copy)] = f"cms_lms/static/{name.as_posix()}"

    def finalize(self, version: str, build_data: dict[str, Any], artifact_path: str) -> None:
        """Remove the copies."""
        if version == "standard":
            self._copies.cleanup()
