"""The ids of records as addresses carry them. Pure."""

from __future__ import annotations

#: A greater id is none of any database's, and some cannot even look for it.
MAX_ID = 2**63 - 1


def parse_id(text: str) -> int | None:
    """Return the id that a piece of an address names, None for anything else, however it looks."""
    if not (text.isascii() and text.isdigit() and len(text) <= len(str(MAX_ID))):
        return None
    number = int(text)
    return number if number <= MAX_ID else None
