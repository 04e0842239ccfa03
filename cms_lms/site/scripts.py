"""Scripts without what browsers do not need: their comments and their indentation, which are half of their weight.

What is written is what runs: no name changes and no files are joined. The wheel carries the scripts like this, and the
runnable site serves them like this where debugging is off; a checkout serves them as they are. Knows no Django.
"""

from __future__ import annotations

import rjsmin


def is_lightened(path: str) -> bool:
    """Whether a static file, by its path below the root of static files, is a script of the public pages."""
    return path.startswith("cms_lms/js/") and path.endswith(".js")


def lighten(source: str) -> str:
    """Return a script without its comments and its indentation."""
    return rjsmin.jsmin(source) + "\n"
