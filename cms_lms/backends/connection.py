"""The connection doctor's vocabulary: what a check is, what it may know, what it finds.

A backend class declares its checks (``connection_checks``); ``check_connection`` runs them in order. Nothing here
knows of records, requests or pages.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, ClassVar

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from cms_lms.backends.config import BackendConfig
from cms_lms.backends.errors import LMSUnreachable
from cms_lms.backends.http import LMSSession
from cms_lms.encryption import Secret

Text = str | Promise

#: Characters of an LMS's own words that are passed on, at a time.
MAX_QUOTE = 150


class Status(StrEnum):
    """How a check ended. ``SKIPPED``: it could say nothing, because one that it rests on failed or does not apply."""

    PASSED = "passed"
    WARNING = "warning"
    FAILED = "failed"
    SKIPPED = "skipped"


@dataclass(frozen=True)
class Finding:
    """What a check found. ``name`` is the check's; ``snippet`` is text to copy as it is."""

    name: str
    title: Text
    status: Status
    cause: Text = ""
    fix: Text = ""
    snippet: str = ""

    def as_json(self) -> dict[str, str]:
        """Return the finding in the reader's language."""
        return {
            "name": self.name,
            "title": str(self.title),
            "status": self.status.value,
            "cause": str(self.cause),
            "fix": str(self.fix),
            "snippet": self.snippet,
        }


@dataclass
class Visit:
    """One examination of one LMS: everything that its checks may use.

    ``site_origins`` are the origins of this site's pages, as browsers write them, the main one first. ``now`` asks
    the clock (aware). ``credentials`` are by the names that the backend class asks for; those that are not set are
    absent. ``facts`` is where a check leaves what later ones build on (its keys are documented by who writes them).
    """

    config: BackendConfig
    credentials: Mapping[str, Secret]
    site_origins: Sequence[str]
    http: LMSSession
    now: Callable[[], dt.datetime]
    extract_course_id: Callable[[str], str | None]
    facts: dict[str, Any] = field(default_factory=dict)


class ConnectionCheck:
    """One question about a connection. Subclasses set the class attributes and write ``run``.

    ``requires`` names checks that must not have failed or been skipped; else this one is skipped.
    """

    name: ClassVar[str]
    title: ClassVar[Text]
    requires: ClassVar[tuple[str, ...]] = ()

    def run(self, visit: Visit) -> Finding:
        """Ask, and return what was found. Raises ``LMSUnreachable``, which counts as a failure with its message."""
        raise NotImplementedError

    def passed(self, cause: Text = "") -> Finding:
        """Return that all is well; ``cause`` says what was seen."""
        return Finding(self.name, self.title, Status.PASSED, cause)

    def warning(self, cause: Text, fix: Text = "", snippet: str = "") -> Finding:
        """Return that it works, but not for long or not for all."""
        return Finding(self.name, self.title, Status.WARNING, cause, fix, snippet)

    def failed(self, cause: Text, fix: Text = "", snippet: str = "") -> Finding:
        """Return what is wrong and how it is mended."""
        return Finding(self.name, self.title, Status.FAILED, cause, fix, snippet)

    def skipped(self, cause: Text) -> Finding:
        """Return why the question does not arise."""
        return Finding(self.name, self.title, Status.SKIPPED, cause)


#: Seconds that an examination may take in all; checks that do not get their turn are skipped.
TIME_LIMIT = 30.0


def check_connection(
    checks: Sequence[type[ConnectionCheck]], visit: Visit, *, clock: Callable[[], float]
) -> Iterator[Finding]:
    """Run the checks in order and yield what each finds. ``clock`` counts seconds, as ``time.monotonic`` does."""
    deadline = clock() + TIME_LIMIT
    ended: dict[str, Status] = {}
    titles = {check.name: check.title for check in checks}
    for check in (check_class() for check_class in checks):
        missing = [name for name in check.requires if name in titles and ended[name] in (Status.FAILED, Status.SKIPPED)]
        if missing:
            finding = check.skipped(_("Not examined: “%(title)s” comes first.") % {"title": titles[missing[0]]})
        elif clock() > deadline:
            finding = check.skipped(_("Not examined: the LMS took too long over the checks before."))
        else:
            try:
                finding = check.run(visit)
            except LMSUnreachable as error:
                finding = check.failed(error.message, error.fix)
        ended[check.name] = finding.status
        yield finding
