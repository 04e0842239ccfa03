"""What of a delivery is not shown: values that senders put beside what the web hook asks for, and that are nobody's
business. Pure. What is stored is as it came, since a replay needs it.
"""

from __future__ import annotations

import json
import re
from typing import Any

from cms_lms.settings_source.secret_names import names_a_secret

#: What stands in the place of a value.
REDACTED = "•••"

_PERSONAL_NAME = re.compile(r"E-?MAIL|SIGNATURE|COOKIE|SESSION|(^|_)PASS(_|$)|PHONE", re.IGNORECASE)
_EMAIL = re.compile(r"(?<![\w.+-])[\w.+-]{1,64}@[\w-]{1,63}(?:\.[\w-]{1,63}){1,8}")

#: A name before its value, and such a value, in text that is no JSON.
_NAME = re.compile(r"""(?<![\w-])(?P<name>[\w-]{1,100})["']?\s{0,10}[:=]\s{0,10}""")
_VALUE = re.compile(r"""\s*(?:"[^"]*"?|'[^']*'?|\{[^{}]*\}?|\[[^\[\]]*\]?|[^\s,;&}]*)""")


def redacted(value: Any) -> Any:
    """Return values as JSON knows them, at any depth without those whose keys name a secret or an address of a person,
    and without e-mail addresses. Raises ``RecursionError`` for what is nested too deep.
    """
    if isinstance(value, dict):
        return {key: REDACTED if _is_private(key) else redacted(inner) for key, inner in value.items()}
    if isinstance(value, list):
        return [redacted(inner) for inner in value]
    return REDACTED if isinstance(value, str) and _EMAIL.fullmatch(value) else value


def readable(text: str) -> str:
    """Return a body for reading: JSON with line breaks, what is no JSON as it is; both redacted."""
    try:
        return json.dumps(redacted(json.loads(text)), indent=2, ensure_ascii=False)
    except (ValueError, RecursionError):
        return _EMAIL.sub(REDACTED, _redacted_text(text))


def _is_private(key: str) -> bool:
    return names_a_secret(key) or _PERSONAL_NAME.search(key) is not None


def _redacted_text(text: str) -> str:
    parts, end = [], 0
    for name in _NAME.finditer(text):
        value = _VALUE.match(text, name.end())
        if value is not None and name.start() >= end and _is_private(name["name"]):
            parts += [text[end : name.end()], REDACTED]
            end = value.end()
    return "".join([*parts, text[end:]])
