"""What a walk through the site left behind, and the search for secrets in it, however they were written down.

A marker is made of letters and digits alone, so that quoting it for a URL, for HTML, for JSON or as a Python literal
changes nothing of it; what would change it is searched for as well. Parts of a marker count: half a secret is a leak.
"""

from __future__ import annotations

import base64
import hashlib
import json
import logging
import traceback
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import pytest
import re2
from django.contrib.sessions.models import Session
from django.core.cache import caches
from django.core.mail import EmailMessage
from django.db import connection
from django.http import HttpResponse

#: Characters of a part. Long enough for no accident to look like it.
PART_LENGTH = 12


def make_marker(name: str) -> str:
    """Return a secret that is nowhere else: letters beyond the hexadecimal ones, always the same for a name."""
    digest = hashlib.sha256(name.encode()).hexdigest()[:48]
    return digest.translate(str.maketrans("0123456789abcdef", "ghijkmnpqrstuvwx"))


def traces(secret: str) -> dict[str, str]:
    """Return what a secret looks like when it was written down, by the way of writing."""
    parts = [secret[start : start + PART_LENGTH] for start in range(0, len(secret) - PART_LENGTH + 1, PART_LENGTH)]
    found = dict.fromkeys(parts, "plain")
    data = secret.encode()
    found[data.hex()] = "hexadecimal"
    found[secret[::-1][:PART_LENGTH]] = "reversed"
    for shift in range(3):
        # Wherever the secret begins in what is encoded; the edges depend on its neighbours.
        encoded = base64.b64encode(b"\0" * shift + data).decode()
        inner = encoded[4 : 4 + 2 * PART_LENGTH]
        found[inner] = found[inner.replace("+", "-").replace("/", "_")] = "base64"
    return found


class Evidence:
    """Texts with the place where each was found."""

    def __init__(self) -> None:
        self.texts: dict[str, str] = {}

    def add(self, place: str, text: Any) -> None:
        """Keep a text, once, by the first place; bytes are read as UTF-8 as far as they are."""
        if isinstance(text, (bytes, bytearray, memoryview)):
            text = bytes(text).decode("utf-8", "replace")
        self.texts.setdefault(text if isinstance(text, str) else repr(text), place)

    def add_response(self, place: str, response: HttpResponse) -> None:
        """Keep what went out: status line, headers, cookies, body; and what stayed behind in the session."""
        self.add(f"{place}, headers", f"{response.reason_phrase} {dict(response.headers)} {response.cookies}")
        body = b"".join(response) if response.streaming else response.content
        self.add(f"{place}, body", body)
        session = getattr(getattr(response, "wsgi_request", None), "session", None)
        if session is not None:
            self.add(f"{place}, session", dict(session))

    def add_mail(self, mail: EmailMessage) -> None:
        """Keep a mail, with the pages attached to it."""
        self.add(f"mail “{mail.subject}”", f"{mail.subject} {mail.body} {getattr(mail, 'alternatives', '')}")

    def add_storage(self) -> None:
        """Keep every row of every table, the sessions as they are read, and the cache."""
        with connection.cursor() as cursor:
            for table in connection.introspection.table_names(cursor):
                cursor.execute(f"SELECT * FROM {connection.ops.quote_name(table)}")  # noqa: S608
                for row in cursor.fetchall():
                    self.add(f"table {table}", " ".join(_text_of_cell(cell) for cell in row))
        for session in Session.objects.all():
            self.add("stored session", session.get_decoded())
        for cache in caches.all():
            for key, value in getattr(cache, "_cache", {}).items():
                self.add(f"cache, {key}", value)
                self.add(f"cache, {key}", key)

    def search(self, secrets: Mapping[str, str]) -> list[str]:
        """Return where a trace of which secret is."""
        wanted = [(trace, name, way) for name, secret in secrets.items() for trace, way in traces(secret).items()]
        # All at once for a first look: nearly always there is nothing to look at twice.
        found = set(re2.findall("|".join(re2.escape(trace) for trace, _name, _way in wanted), "\n".join(self.texts)))
        suspicious = [(trace, name, way) for trace, name, way in wanted if trace in found]
        return sorted(
            {
                f"{name}, {way}: {place}"
                for trace, name, way in suspicious
                for text, place in self.texts.items()
                if trace in text
            }
        )


def _text_of_cell(cell: Any) -> str:
    if isinstance(cell, (bytes, bytearray, memoryview)):
        return bytes(cell).decode("utf-8", "replace")
    return json.dumps(cell, ensure_ascii=False) if isinstance(cell, (dict, list)) else str(cell)


@contextmanager
def logs_kept(evidence: Evidence, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Keep every record of every logger, whatever the levels, with its arguments and its traceback."""

    def keep(logger: logging.Logger, record: logging.LogRecord) -> None:
        failure = "".join(traceback.format_exception(*record.exc_info)) if record.exc_info else ""
        # A query's message says its parameters already.
        more = "" if record.name == "django.db.backends" else record.__dict__
        evidence.add(f"log {record.name}", f"{record.getMessage()} {more} {failure}")
        if record.levelno >= logging.WARNING:  # what a site's own handlers get, the mail to its administrators among it
            handle(logger, record)

    handle = logging.Logger.callHandlers
    with monkeypatch.context() as patch:
        patch.setattr(logging.Logger, "isEnabledFor", lambda logger, level: True)
        patch.setattr(logging.Logger, "callHandlers", keep)
        connection.force_debug_cursor = True
        yield
        connection.force_debug_cursor = False
