"""What importing Richie's setting would do, without doing it: the plan that the import then carries out.

The difference that is shown and the import that is made cannot disagree, since one is made from the other.
"""

from __future__ import annotations

import copy
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from django.core.exceptions import ValidationError
from django.utils.functional import cached_property
from django.utils.translation import gettext_lazy as _

from cms_lms.backends.base import BaseLMSBackend
from cms_lms.backends.registry import UnknownBackend
from cms_lms.matching.handler import LMSHandler, LoadedConfiguration
from cms_lms.matching.impact import Impact, compute_impact
from cms_lms.matching.richie_setting import (
    KEYS,
    ReadEntry,
    Remark,
    host_of,
    key_of_field,
    read_entry,
    slug_stem,
    write_entry,
)
from cms_lms.models import LMSBackend
from cms_lms.patterns.errors import InvalidPattern

#: More entries are refused before any is read.
MAX_ENTRIES = 1000


class SettingRefused(ValueError):
    """The setting cannot be imported; ``refusals`` are all the reasons, in the order of the entries."""

    def __init__(self, refusals: Sequence[Remark]) -> None:
        super().__init__(refusals)
        self.refusals = list(refusals)


class Outcome(StrEnum):
    """What an import does to one record; ``MOVED`` is for those that only change their place in the order."""

    CREATED = "created"
    UPDATED = "updated"
    MOVED = "moved"
    UNCHANGED = "unchanged"


@dataclass(frozen=True)
class KeyChange:
    """A key whose value differs; ``old`` is None for a record that is created."""

    key: str
    old: Any
    new: Any


@dataclass(frozen=True)
class BackendChange:
    """What becomes of one entry (counted from 1).

    ``record`` has the new values and is not saved. Positions count from 1 among all records; the old one is None
    for a record that is created.
    """

    entry: int
    record: LMSBackend
    keys: Sequence[KeyChange]
    old_position: int | None
    new_position: int

    @property
    def is_created(self) -> bool:
        """Whether there is no such record yet."""
        return self.old_position is None

    @property
    def is_moved(self) -> bool:
        """Whether a record that is there comes to stand elsewhere."""
        return self.old_position is not None and self.old_position != self.new_position

    @property
    def outcome(self) -> Outcome:
        """The change in one word."""
        if self.is_created:
            return Outcome.CREATED
        if self.keys:
            return Outcome.UPDATED
        return Outcome.MOVED if self.is_moved else Outcome.UNCHANGED

    def as_json(self) -> dict[str, Any]:
        """Return the change in values that JSON knows."""
        return {
            "entry": self.entry,
            "slug": self.record.slug,
            "name": self.record.name,
            "outcome": str(self.outcome),
            "old_position": self.old_position,
            "new_position": self.new_position,
            "keys": {change.key: {"old": change.old, "new": change.new} for change in self.keys},
        }


@dataclass(frozen=True)
class ImportPlan:
    """What an import does.

    ``order`` are all records as they will stand; ``unnamed`` are those of them that the setting does not name, which
    stay as they are.
    """

    changes: Sequence[BackendChange]
    order: Sequence[LMSBackend]
    unnamed: Sequence[LMSBackend]
    warnings: Sequence[Remark]

    @property
    def has_changes(self) -> bool:
        """Whether the import changes anything."""
        return any(change.outcome is not Outcome.UNCHANGED for change in self.changes)

    @cached_property
    def configuration(self) -> LoadedConfiguration:
        """The configuration as it will be."""
        return LoadedConfiguration(None, list(_usable(self.order)))

    def compute_impact(self) -> Impact:
        """Return what the import does to the runs that exist."""
        return compute_impact(LMSHandler.configuration(), self.configuration) if self.has_changes else Impact()


def _usable(records: Iterable[LMSBackend]) -> Iterable[BaseLMSBackend]:
    """Give what matching would load, leaving out what it would leave out."""
    for record in records:
        if not record.is_enabled:
            continue
        try:
            backend = record.get_backend()
            backend.course_regex  # noqa: B018  (compiled here, so that it fails here)
        except (UnknownBackend, InvalidPattern):
            continue
        yield backend


def plan_import(setting: Any, *, passes_over_secrets: bool = False) -> ImportPlan:
    """Return what importing the setting would do. Raises ``SettingRefused``.

    The entries' records come to stand in the setting's order: in the places that they have among the other
    records, new ones last.
    """
    entries = _read(setting, passes_over_secrets=passes_over_secrets)
    refusals = [refusal for entry in entries for refusal in entry.refusals]
    warnings = [warning for entry in entries for warning in entry.warnings]
    refusals += _give_slugs([entry.values for entry in entries])
    stored = list(LMSBackend.objects.in_order())
    by_slug = {record.slug: record for record in stored}
    refused_keys = defaultdict(set)
    for refusal in refusals:
        refused_keys[refusal.entry].add(refusal.key)
    planned = []
    for number, entry in enumerate(entries, start=1):
        record = _with_values(by_slug.get(entry.values["slug"]), entry.values)
        refusals += _validate(record, number, refused_keys[number])
        planned.append(record)
    if refusals:
        raise SettingRefused(sorted(refusals, key=lambda refusal: refusal.entry))
    for number, record in enumerate(planned, start=1):
        warnings += [Remark(number, "COURSE_REGEX", warning.message) for warning in record.get_warnings()]
    order = _order(stored, planned)
    named = {record.slug for record in planned}
    return ImportPlan(
        changes=_compare(stored, planned, order),
        order=order,
        unnamed=[record for record in stored if record.slug not in named],
        warnings=sorted(warnings, key=lambda warning: warning.entry),
    )


def _read(setting: Any, *, passes_over_secrets: bool) -> list[ReadEntry]:
    if not isinstance(setting, list):
        raise SettingRefused([Remark(0, "", _("The setting must be a list of LMS backends."))])
    if len(setting) > MAX_ENTRIES:
        message = _("The setting has %(count)s entries; %(limit)s are the most that can be imported at once.")
        raise SettingRefused([Remark(0, "", message % {"count": len(setting), "limit": MAX_ENTRIES})])
    return [
        read_entry(number, entry, passes_over_secrets=passes_over_secrets)
        for number, entry in enumerate(setting, start=1)
    ]


def _give_slugs(all_values: Sequence[dict[str, Any]]) -> list[Remark]:
    """Give each entry without a slug one of its own; refuse a slug that is stated twice."""
    taken: dict[str, int] = {}
    refusals = []
    for number, values in enumerate(all_values, start=1):
        if slug := values.get("slug"):
            if slug in taken:
                message = _("Entry %(entry)s has this slug already.") % {"entry": taken[slug]}
                refusals.append(Remark(number, "SLUG", message))
            taken.setdefault(slug, number)
    for number, values in enumerate(all_values, start=1):
        if not values.get("slug"):
            stem = slug = slug_stem(values)
            count = 1
            while slug in taken:
                count += 1
                slug = f"{stem}-{count}"
            values["slug"] = slug
            taken[slug] = number
    return refusals


def _with_values(stored: LMSBackend | None, values: dict[str, Any]) -> LMSBackend:
    """Return the stored record, else a new one, with these values; the stored one stays as it is."""
    record = copy.copy(stored) if stored else LMSBackend(name=host_of(values.get("base_url", "")))
    for field, value in values.items():
        setattr(record, field, value)
    return record


def _validate(record: LMSBackend, number: int, refused_keys: set[str]) -> list[Remark]:
    """Validate as the forms do; say nothing more about what has been refused for its shape already."""
    if "" in refused_keys:
        return []
    pk = record.pk
    # Without its key the record is validated for what the setting says of it. With it, a form's rule would
    # apply: a JavaScript pattern that has not been touched follows the Python one.
    record.pk = None
    try:
        record.full_clean(exclude=[key.field for key in KEYS if key.name in refused_keys], validate_unique=False)
    except ValidationError as error:
        return [
            Remark(number, key_of_field(field), message)
            for field, messages in error.message_dict.items()
            for message in messages
            if key_of_field(field) not in refused_keys
        ]
    finally:
        record.pk = pk
    return []


def _order(stored: Sequence[LMSBackend], planned: Sequence[LMSBackend]) -> list[LMSBackend]:
    """Return all records in the order that they will have: the planned ones within the places that are theirs."""
    named = {record.slug for record in planned}
    following = iter(planned)
    order = [next(following) if record.slug in named else record for record in stored]
    return [*order, *following]


def _compare(
    stored: Sequence[LMSBackend], planned: Sequence[LMSBackend], order: Sequence[LMSBackend]
) -> list[BackendChange]:
    old_positions = {record.slug: position for position, record in enumerate(stored, start=1)}
    new_positions = {record.slug: position for position, record in enumerate(order, start=1)}
    old_entries = {record.slug: write_entry(record) for record in stored}
    return [
        BackendChange(
            entry=number,
            record=record,
            keys=_compare_keys(old_entries.get(record.slug, {}), write_entry(record)),
            old_position=old_positions.get(record.slug),
            new_position=new_positions[record.slug],
        )
        for number, record in enumerate(planned, start=1)
    ]


def _compare_keys(old: dict[str, Any], new: dict[str, Any]) -> list[KeyChange]:
    """Return the keys that differ; of a record that is created, those that differ from a blank one's."""
    if not old:
        blank = write_entry(LMSBackend(is_enabled=False))
        return [KeyChange(key, None, value) for key, value in new.items() if value != blank[key]]
    return [KeyChange(key, old[key], value) for key, value in new.items() if old[key] != value]
