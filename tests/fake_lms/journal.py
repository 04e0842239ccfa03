"""The record of every request that the LMS received, for assertions."""

import threading
from dataclasses import asdict, dataclass, field
from datetime import datetime
from typing import Any

from werkzeug.wrappers import Request


@dataclass
class Entry:
    """One request as received, and the status it was answered with (None while it is being answered)."""

    method: str
    path: str
    raw_path: str
    query: str
    headers: dict[str, str]
    body: str
    at: datetime
    status: int | None = field(default=None)

    def as_json(self) -> dict[str, Any]:
        """The entry in JSON's types."""
        return asdict(self) | {"at": self.at.isoformat()}


class Journal:
    """The entries, oldest first. Requests to the control API are not recorded."""

    def __init__(self) -> None:
        self._entries: list[Entry] = []
        self._lock = threading.Lock()

    def record(self, request: Request, at: datetime) -> Entry:
        """Note the request; `raw_path` keeps the percent-escapes as they came."""
        entry = Entry(
            method=request.method,
            path=request.path,
            raw_path=request.environ.get("RAW_URI", "").partition("?")[0],
            query=request.query_string.decode("latin-1"),
            headers=dict(request.headers),
            body=request.get_data(cache=True).decode("utf-8", "backslashreplace"),
            at=at,
        )
        with self._lock:
            self._entries.append(entry)
        return entry

    def entries(self, *, method: str | None = None, path: str | None = None) -> list[Entry]:
        """All entries, or those with this method and with `path` somewhere in their decoded path."""
        with self._lock:
            entries = list(self._entries)
        return [
            entry
            for entry in entries
            if (method is None or entry.method == method.upper()) and (path is None or path in entry.path)
        ]

    def clear(self) -> None:
        """Forget everything."""
        with self._lock:
            self._entries.clear()

    def __len__(self) -> int:
        return len(self._entries)
