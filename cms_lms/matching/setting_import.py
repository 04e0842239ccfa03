"""From the entries of Richie's setting to ``LMSBackend`` records: in order, all or nothing.

A record is known by its slug. What an import creates or changes gets a revision and a line in the history,
as in the admin; what it leaves as it was gets neither.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Any

from django.core.exceptions import ValidationError
from django.db import transaction
from django.utils.translation import gettext_lazy as _
from wagtail.log_actions import log

from cms_lms.matching.richie_setting import KEYS, Refusal, host_of, key_of_field, read_entry, slug_stem, write_entry
from cms_lms.models import LMSBackend
from cms_lms.patterns.errors import PatternWarning


class SettingRefused(ValueError):
    """The setting cannot be imported; ``refusals`` are all the reasons, in the order of the entries."""

    def __init__(self, refusals: Sequence[Refusal]) -> None:
        super().__init__(refusals)
        self.refusals = list(refusals)


class Outcome(StrEnum):
    """What an import did to one record; ``MOVED`` is for those that only changed their place in the order."""

    CREATED = "created"
    UPDATED = "updated"
    MOVED = "moved"
    UNCHANGED = "unchanged"


@dataclass(frozen=True)
class ImportedBackend:
    """What became of one entry (counted from 1), and what is valid in it but probably not meant."""

    entry: int
    record: LMSBackend
    outcome: Outcome
    warnings: Sequence[PatternWarning] = ()


def import_setting(setting: Any) -> list[ImportedBackend]:
    """Make the records say what the setting says, and return what became of each entry.

    The entries' records come to stand in the setting's order: in the places that they had among the other
    records, new ones last. Records that the setting does not name stay as they are. Raises
    ``SettingRefused``, and nothing is changed.
    """
    if not isinstance(setting, list):
        raise SettingRefused([Refusal(0, "", _("The setting must be a list of LMS backends."))])
    entries = [read_entry(number, entry) for number, entry in enumerate(setting, start=1)]
    refusals = [refusal for _values, of_entry in entries for refusal in of_entry]
    all_values = [values for values, _refusals in entries]
    refusals += _give_slugs(all_values)
    with transaction.atomic():
        known = {record.slug: record for record in LMSBackend.objects.select_for_update()}
        records = []
        for number, values in enumerate(all_values, start=1):
            record = known.get(values["slug"]) or LMSBackend(name=host_of(values.get("base_url", "")))
            for field, value in values.items():
                setattr(record, field, value)
            refusals += _validate(record, number, {refusal.key for refusal in refusals if refusal.entry == number})
            records.append(record)
        if refusals:
            raise SettingRefused(sorted(refusals, key=lambda refusal: refusal.entry))
        stored = {record.pk: record for record in LMSBackend.objects.all()}
        imported = [
            ImportedBackend(number, record, _store(record, stored.get(record.pk)), record.get_warnings())
            for number, record in enumerate(records, start=1)
        ]
        moved = _put_in_order(records)
    return [
        replace(result, outcome=Outcome.MOVED)
        if result.outcome is Outcome.UNCHANGED and result.record.pk in moved
        else result
        for result in imported
    ]


def export_setting() -> list[dict[str, Any]]:
    """Return all records as the setting, in order."""
    return [write_entry(record) for record in LMSBackend.objects.order_by("sort_order", "pk")]


def _give_slugs(all_values: Iterable[dict[str, Any]]) -> list[Refusal]:
    """Give each entry without a slug one of its own; refuse a slug that is stated twice."""
    all_values = list(all_values)
    taken: dict[str, int] = {}
    refusals = []
    for number, values in enumerate(all_values, start=1):
        if slug := values.get("slug"):
            if slug in taken:
                message = _("Entry %(entry)s has this slug already.") % {"entry": taken[slug]}
                refusals.append(Refusal(number, "SLUG", message))
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


def _validate(record: LMSBackend, number: int, refused_keys: set[str]) -> list[Refusal]:
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
            Refusal(number, key_of_field(field), message)
            for field, messages in error.message_dict.items()
            for message in messages
            if key_of_field(field) not in refused_keys
        ]
    finally:
        record.pk = pk
    return []


def _store(record: LMSBackend, stored: LMSBackend | None) -> Outcome:
    if stored is not None and write_entry(stored) == write_entry(record):
        return Outcome.UNCHANGED
    record.save()
    revision = record.save_revision(clean=False)
    log(record, "wagtail.edit" if stored else "wagtail.create", revision=revision, content_changed=True)
    return Outcome.UPDATED if stored else Outcome.CREATED


def _put_in_order(records: Sequence[LMSBackend]) -> set[int]:
    """Bring stored records into this order, within the places that they have; return the ids of those that moved."""
    stored = list(LMSBackend.objects.order_by("sort_order", "pk").values_list("pk", "sort_order"))
    current = [pk for pk, _sort_order in stored]
    ours = [record.pk for record in records]
    following = iter(ours)
    wanted = [next(following) if pk in set(ours) else pk for pk in current]
    if wanted == current:
        return set()
    sort_orders = dict(stored)
    renumbered = [LMSBackend(pk=pk, sort_order=place) for place, pk in enumerate(wanted) if sort_orders[pk] != place]
    LMSBackend.objects.bulk_update(renumbered, ["sort_order"])
    return {pk for place, pk in enumerate(wanted) if current[place] != pk}
