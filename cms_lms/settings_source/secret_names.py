"""Which names say that what they hold is a secret."""

from __future__ import annotations

import re

_SECRET = re.compile(r"TOKEN|SECRET|PASSWORD|PASSWD|CREDENTIAL|AUTHORIZATION|(API|PRIVATE|ACCESS)_?KEY", re.IGNORECASE)


def names_a_secret(key: object) -> bool:
    """Whether a key is one whose value must be neither shown nor imported."""
    return isinstance(key, str) and _SECRET.search(key) is not None
