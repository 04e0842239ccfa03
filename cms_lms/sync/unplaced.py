"""Keeping the runs that calls were refused for want of a course or of a backend, until somebody gives them a place.

Written in the transaction that records the delivery, in a few queries for a call of any length. A sender cannot fill
the table: of each backend, and of links that are no backend's, so many are kept as the setting says, and none that
is larger than a run can honestly be. What is not kept here is in its delivery all the same.
"""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Iterable, Mapping, Sequence
from typing import Any
from urllib.parse import urlsplit

from django.db import connections
from django.db.models.signals import post_save

from cms_lms.conf import settings as lms_settings
from cms_lms.models import CourseRun, SyncDelivery, UnplacedRun
from cms_lms.models.delivery import Outcome
from cms_lms.models.unplaced_run import GROUP_FIELDS, HOST_MAX_LENGTH, KEY_MAX_LENGTH, Problem
from cms_lms.patterns.urls import normalize_url
from cms_lms.runs.codes import normalize_code
from cms_lms.sync.results import ItemResult, storable

#: Bytes of a payload in JSON. The longest honest one is a tenth of this.
MAX_PAYLOAD_BYTES = 16 * 1024

#: How deep a payload may be nested: not every database takes JSON of any depth.
MAX_PAYLOAD_DEPTH = 8

#: What a replay finds out anew, ...
FOUND_FIELDS = ("problem", "backend", "organisation", "code", "host")

#: ... and what the LMS says anew when it sends a run once more. A replay may be of what was sent long ago.
SENT_FIELDS = ("resource_link", "payload", "signer_scope", "delivery", "last_seen_at", "times_seen")


def record_unplaced(results: Iterable[ItemResult], *, delivery: SyncDelivery, now: dt.datetime) -> None:
    """Keep what found no place, and strike what a call gave one. ``now``: when the call came."""
    wanting: dict[str, ItemResult] = {}
    placed: set[str] = set()
    for result in results:
        if result.problem:
            wanting[result.resource_key] = result
        elif result.outcome is Outcome.CREATED or "resource_link" in result.changes:
            placed.add(result.resource_key)
    if placed:
        UnplacedRun.objects.filter(resource_key__in=placed).delete()
    rows = [
        _make_row(result, delivery, now)
        for key, result in wanting.items()
        if key not in placed and is_keepable(result.payload)
    ]
    if rows:
        is_replay = delivery.replay_of_id is not None or delivery.replayed_by_id is not None
        _keep(rows, FOUND_FIELDS if is_replay else (*FOUND_FIELDS, *SENT_FIELDS))


def on_run_saved(instance: CourseRun, created: bool, raw: bool, using: str, **kwargs) -> None:
    """Strike a run that somebody makes by hand; those that a call creates are written past this."""
    if created and not raw:
        UnplacedRun.objects.using(using).filter(resource_key=instance.resource_key).delete()


def connect() -> None:
    """Connect the receiver, once, when the app starts."""
    post_save.connect(on_run_saved, sender=CourseRun, dispatch_uid="cms_lms.run_placed")


def is_keepable(payload: Mapping[str, Any]) -> bool:
    """Return whether a payload is what a run can honestly be, and what every database takes."""
    if not _is_shallow(payload, MAX_PAYLOAD_DEPTH):
        return False
    try:
        text = json.dumps(payload, allow_nan=False, ensure_ascii=False)
        return len(text.encode()) <= MAX_PAYLOAD_BYTES and "\\u0000" not in text
    except ValueError:  # an infinite number, or half a character
        return False


def _is_shallow(value: Any, depth: int) -> bool:
    if isinstance(value, Mapping):
        value = value.values()
    elif not isinstance(value, list):
        return True
    return depth > 0 and all(_is_shallow(part, depth - 1) for part in value)


def _make_row(result: ItemResult, delivery: SyncDelivery, now: dt.datetime) -> UnplacedRun:
    key = result.course_key
    organisation, code = (storable(key.organisation), normalize_code(key.code)) if key else ("", "")
    if max(len(organisation), len(code)) > KEY_MAX_LENGTH:
        organisation = code = ""  # no course can have it
    link = result.payload["resource_link"].strip()
    has_backend = result.problem != Problem.NO_BACKEND
    return UnplacedRun(
        resource_link=link,
        resource_key=result.resource_key,
        problem=result.problem,
        backend_id=result.backend_id,
        organisation=organisation,
        code=code,
        host="" if has_backend else urlsplit(normalize_url(link)).netloc[:HOST_MAX_LENGTH],
        payload=dict(result.payload),
        signer_scope=delivery.signer_scope,
        delivery=delivery,
        first_seen_at=now,
        last_seen_at=now,
    )


def _keep(rows: Sequence[UnplacedRun], renewed_fields: Sequence[str]) -> None:
    """Write rows; of those that are there already some fields are renewed."""
    by_key = {row.resource_key: row for row in rows}
    times = dict(UnplacedRun.objects.filter(resource_key__in=by_key).values_list("resource_key", "times_seen"))
    for key, count in times.items():
        by_key[key].times_seen = count + 1
    if len(times) < len(rows):
        new = [row for row in rows if row.resource_key not in times]
        for row in _without_room(new):
            del by_key[row.resource_key]
        _ignore_with_others(new)
    has_target = connections[UnplacedRun.objects.db].features.supports_update_conflicts_with_target
    UnplacedRun.objects.bulk_create(
        # In the order of the keys, so that two calls never wait for each other crosswise.
        [by_key[key] for key in sorted(by_key)],
        update_conflicts=True,
        update_fields=list(renewed_fields),
        unique_fields=["resource_key"] if has_target else None,
    )


def _without_room(rows: Iterable[UnplacedRun]) -> list[UnplacedRun]:
    """Return the new rows that are one too many of their backend."""
    counts = UnplacedRun.objects.counts_by_backend()
    refused = []
    for row in rows:
        counts[row.backend_id] = counts.get(row.backend_id, 0) + 1
        if counts[row.backend_id] > lms_settings.UNPLACED_RUNS_MAX:
            refused.append(row)
    return refused


def _ignore_with_others(rows: Sequence[UnplacedRun]) -> None:
    """Ignore new runs of what staff ignore: they decided on the course, or the host, not on one link."""
    alike = UnplacedRun.objects.filter(code__in={row.code for row in rows}, host__in={row.host for row in rows})
    ignored = set(alike.ignored().values_list(*GROUP_FIELDS).distinct())
    for row in rows:
        row.is_ignored = tuple(getattr(row, name) for name in GROUP_FIELDS) in ignored
