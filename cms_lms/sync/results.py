"""What became of the items of a delivery, as plain values."""

from __future__ import annotations

import datetime as dt
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any, Literal

from cms_lms.models.delivery import Outcome
from cms_lms.models.unplaced_run import Problem
from cms_lms.runs.codes import CourseKey
from cms_lms.sync.payload import Errors

Changes = dict[str, tuple[Any, Any]]


@dataclass
class ItemResult:
    """The decision on one item. ``changes`` maps names of fields to (old, new).

    ``payload``: the item as it was sent. ``resource_key``: of its link, blank for one that is no URL. ``reason``: why
    it was refused, in the sender's words, or ignored, as a sentence for staff that ``gettext`` translates.
    ``problem``: what the catalogue has to be given before the item can be applied, and ``course_key`` the course that
    it is about, where one is wanting. ``is_forbidden``: it was refused because whoever signed
    may not write the run.
    """

    resource_link: str
    outcome: Outcome
    backend_id: int | None = None
    backend_slug: str = ""
    run_id: int | None = None
    reason: str = ""
    errors: Errors = field(default_factory=dict)
    changes: Changes = field(default_factory=dict)
    is_forbidden: bool = False
    payload: Mapping[str, Any] = field(default_factory=dict)
    resource_key: str = ""
    problem: Problem | Literal[""] = ""
    course_key: CourseKey | None = None

    @property
    def is_refused(self) -> bool:
        """Whether the sender is told of errors."""
        return self.outcome is Outcome.REFUSED

    def as_record(self) -> dict[str, Any]:
        """Return the decision as a delivery stores it."""
        return {
            "resource_link": storable(self.resource_link),
            "outcome": self.outcome.value,
            "backend": self.backend_slug,
            "run": self.run_id,
            "reason": storable(self.reason),
            "changes": changes_as_json(self.changes),
        }


def changes_as_json(changes: Changes) -> dict[str, list[Any]]:
    """Return changes in values that JSON knows."""
    return {name: [_as_json(old), _as_json(new)] for name, (old, new) in changes.items()}


def _as_json(value: Any) -> Any:
    if isinstance(value, dt.datetime):
        return value.astimezone(dt.UTC).isoformat().replace("+00:00", "Z")
    if isinstance(value, Decimal):
        return str(value)
    return value


def storable(text: str) -> str:
    """Return text that every database and encoding takes: without NUL and lone surrogates."""
    return text.encode("utf-8", "replace").decode().replace("\x00", "\N{REPLACEMENT CHARACTER}")


def count_outcomes(results: Iterable[ItemResult]) -> dict[str, int]:
    """Return how many items ended in each outcome, in the order that the outcome header gives them."""
    counts = Counter(result.outcome.value for result in results)
    return {outcome.value: counts[outcome.value] for outcome in Outcome}
