"""The setting as a JSON file: from bytes to values, and back. It knows nothing of what the values mean."""

from __future__ import annotations

import json
from typing import Any, NoReturn

from django.utils.translation import gettext as _

#: Bytes of a longer file are not read. A thousand backends fit with room to spare.
MAX_BYTES = 1024 * 1024


class FileUnreadable(ValueError):
    """The file is no JSON that could be the setting; the message says what is wrong with it."""


def parse_setting(octets: bytes) -> Any:
    """Return the JSON value of a file. Raises ``FileUnreadable``."""
    if len(octets) > MAX_BYTES:
        raise FileUnreadable(
            _("it is longer than %(limit)s kB; split it, an import leaves alone what the file does not name")
            % {"limit": MAX_BYTES // 1024}
        )
    try:
        text = octets.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise FileUnreadable(
            _("it is not UTF-8, at byte %(position)s; save it in that encoding") % {"position": error.start + 1}
        ) from None
    if not text.strip():
        raise FileUnreadable(_("it is empty"))
    try:
        return json.loads(text, object_pairs_hook=_refuse_twins, parse_constant=_refuse_constant)
    except RecursionError:
        reason: object = _("it is nested too deeply")
    except ValueError as error:
        reason = error
    raise FileUnreadable(str(reason))


def write_setting(setting: Any) -> str:
    """Return the setting as JSON that people and version control can read."""
    return f"{json.dumps(setting, indent=2, ensure_ascii=False)}\n"


def _refuse_twins(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """Refuse an object that has a key twice: JSON would keep the last and say nothing."""
    value: dict[str, Any] = {}
    for name, item in pairs:
        if name in value:
            raise ValueError(_("the key %(name)s is there twice in one object") % {"name": json.dumps(name)})
        value[name] = item
    return value


def _refuse_constant(name: str) -> NoReturn:
    raise ValueError(_("%(name)s is not a value of JSON") % {"name": name})
