"""Giving runs their new links when their LMS has moved: in bulk, each chunk in a transaction of its own.

With the row goes every revision that may yet be published, else a later publish would bring the old link back; and the
tombstones of deleted runs, else these would be born again. Each run is judged anew under its row's lock, so whatever
happened since somebody looked, no run gets a link that it must not have. Broken off, it may be begun again.
"""

from __future__ import annotations

import datetime as dt
import uuid
from collections import defaultdict
from collections.abc import Mapping, Sequence
from functools import partial
from typing import Any

from django.contrib.contenttypes.models import ContentType
from django.db import IntegrityError, connections, transaction
from wagtail.models import ModelLogEntry, Revision, TaskState

from cms_lms.matching.changed_configuration import hold_configuration
from cms_lms.matching.handler import LMSHandler
from cms_lms.matching.relocation import LinkedRun, PlannedMove, Relocation, Verdict, plan_moves, runs_by_key
from cms_lms.models import CourseRun, DeletedRun
from cms_lms.patterns.urls import InvalidURL, resource_key
from cms_lms.sync.conflicts import despite_conflicts
from cms_lms.sync.effects import announce
from cms_lms.sync.history import RELINK_ACTION

#: How many rows one statement changes where it names every value twice.
BATCH_SIZE = 500

COLUMNS = ("resource_link", "resource_key", "matched_backend", "matched_course_id", "latest_revision", "live_revision")


def relink_runs(relocation: Relocation, *, user: Any, now: dt.datetime) -> int:
    """Move every run that can be moved, under the user's name; return how many.

    Memory is constant, and the number of queries grows with the number of chunks. Permission is the caller's to check.
    """
    configuration, line = LMSHandler.configuration(), uuid.uuid4()
    moved = 0
    for runs in runs_by_key():
        moving = [move.run for move in plan_moves(relocation, configuration, runs) if move.verdict is Verdict.MOVES]
        if moving:
            chunk = partial(_relink_chunk, relocation, moving, user=user, now=now, line=line)
            # A call may just have made a run with one of the new links; at the next look it is taken.
            moved += despite_conflicts(chunk, also=(IntegrityError,))
    _relink_deleted_runs(relocation)
    return moved


@transaction.atomic
def _relink_chunk(
    relocation: Relocation, runs: Sequence[LinkedRun], *, user: Any, now: dt.datetime, line: uuid.UUID
) -> int:
    configuration = hold_configuration()
    rows = CourseRun.objects.lock(run.resource_key for run in runs)
    locked = [LinkedRun(row.pk, row.resource_link, row.resource_key) for row in rows.values()]
    moves = [move for move in plan_moves(relocation, configuration, locked) if move.verdict is Verdict.MOVES]
    _write(relocation, moves, rows, user=user, now=now, line=line)
    return len(moves)


def _write(
    relocation: Relocation,
    moves: Sequence[PlannedMove],
    rows: Mapping[str, CourseRun],
    *,
    user: Any,
    now: dt.datetime,
    line: uuid.UUID,
) -> None:
    if not moves:
        return
    moved = [rows[move.run.resource_key] for move in moves]
    for row, move in zip(moved, moves, strict=True):
        row.resource_link, row.resource_key = move.new_link, move.new_key
        row.matched_backend_id, row.matched_course_id = relocation.backend_id, move.course_id
    _relink_scheduled_revisions(relocation, moved)
    _renew_latest_revisions(relocation, moved, now)
    _store(moved)
    _note(moves, user=user, now=now, line=line)
    announce([row.pk for row in moved if row.live])


def _relink_scheduled_revisions(relocation: Relocation, rows: Sequence[CourseRun]) -> None:
    """Change them in place: nobody can be editing them, and a newer one would not be what goes live at the date."""
    scheduled = Revision.objects.filter(
        content_type=_content_type(), object_id__in=[str(row.pk) for row in rows], approved_go_live_at__isnull=False
    )
    changed = [revision for revision in scheduled if _relink_content(relocation, revision)]
    # By the manager: saving a scheduled revision logs that its schedule was cancelled.
    Revision.objects.bulk_update(changed, ["content"], batch_size=BATCH_SIZE)


def _renew_latest_revisions(relocation: Relocation, rows: Sequence[CourseRun], now: dt.datetime) -> None:
    """Put a newer one in the place of each, under no user's name, so that an open editor is told."""
    latest = Revision.objects.filter(approved_go_live_at=None).in_bulk(
        {row.latest_revision_id for row in rows} - {None}
    )
    changed = {pk: revision for pk, revision in latest.items() if _relink_content(relocation, revision)}
    newer = {
        pk: Revision(
            content_type_id=revision.content_type_id,
            base_content_type_id=revision.base_content_type_id,
            object_id=revision.object_id,
            object_str=revision.object_str,
            created_at=now,
            content=revision.content,
        )
        for pk, revision in changed.items()
    }
    stored = Revision.objects.bulk_create(newer.values())
    ids = {pk: revision.pk for pk, revision in zip(newer, stored, strict=True)}
    for row in rows:
        row.live_revision_id = ids.get(row.live_revision_id, row.live_revision_id)
        row.latest_revision_id = ids.get(row.latest_revision_id, row.latest_revision_id)
    # What is in moderation is what was submitted, with another link: not an edit to be submitted anew.
    in_progress = TaskState.objects.filter(revision__in=list(ids), status=TaskState.STATUS_IN_PROGRESS)
    for pk, revision_id in list(in_progress.values_list("pk", "revision_id")):
        TaskState.objects.filter(pk=pk).update(revision_id=ids[revision_id])


def _relink_content(relocation: Relocation, revision: Revision) -> bool:
    """Change the link that a revision would publish; return whether it has one to change."""
    link = revision.content.get("resource_link")
    new_link = relocation.new_link(link) if isinstance(link, str) else None
    if new_link is None:
        return False
    revision.content = {**revision.content, "resource_link": new_link}
    return True


def _store(rows: Sequence[CourseRun]) -> None:
    features = connections[CourseRun.objects.db].features
    if features.supports_update_conflicts_with_target:
        # The rows are there, so that nothing is inserted. bulk_update() takes three times as long.
        CourseRun.objects.bulk_create(rows, update_conflicts=True, update_fields=COLUMNS, unique_fields=["id"])
    else:
        CourseRun.objects.bulk_update(rows, COLUMNS, batch_size=BATCH_SIZE)


def _note(moves: Sequence[PlannedMove], *, user: Any, now: dt.datetime, line: uuid.UUID) -> None:
    """Leave a line in each run's history. It is no edit: whoever edited a run before is who did."""
    content_type = _content_type()
    ModelLogEntry.objects.bulk_create(
        ModelLogEntry(
            content_type=content_type,
            object_id=str(move.run.pk),
            label=move.new_link,
            action=RELINK_ACTION,
            timestamp=now,
            uuid=line,
            user=user,
            data={"changes": {"resource_link": [move.run.resource_link, move.new_link]}},
            content_changed=False,
        )
        for move in moves
    )


def _relink_deleted_runs(relocation: Relocation) -> None:
    """Let the tombstones of the backend's runs, and of nobody's, be about the new links, unless a run has them."""
    of_others = DeletedRun.objects.exclude(matched_backend=None).exclude(matched_backend=relocation.backend_id)
    known = DeletedRun.objects.exclude(pk__in=of_others.values("pk")).only("resource_link", "resource_key")
    moved: dict[str, list[DeletedRun]] = defaultdict(list)
    for deleted_run in known.iterator():
        new_link = relocation.new_link(deleted_run.resource_link)
        if new_link is not None:
            try:
                moved[resource_key(new_link)].append(deleted_run)
            except InvalidURL:
                continue
            deleted_run.resource_link = new_link
    taken = {
        key
        for model in (DeletedRun, CourseRun)
        for key in model._default_manager.filter(resource_key__in=moved).values_list("resource_key", flat=True)
    }
    for key, (deleted_run, *_others) in moved.items():
        if key not in taken:
            deleted_run.resource_key = key
            deleted_run.save(update_fields=["resource_link", "resource_key"])


def _content_type() -> ContentType:
    return ContentType.objects.get_for_model(CourseRun, for_concrete_model=False)
