"""RunWriter: how a synchronisation writes to runs, row and draft.

The table of the web hook's contract, "What each mode does", is this module. Rows are locked by the
caller, and the caller's transaction holds everything that is written here.
"""

from __future__ import annotations

import copy
import datetime as dt
from collections.abc import Iterable, Mapping
from typing import Any, cast

from django.db import connections
from django.db.models import Field
from wagtail.models import Revision

from cms_lms.backends.base import BaseLMSBackend
from cms_lms.models import Course, CourseRun
from cms_lms.models.delivery import Outcome
from cms_lms.runs.fields import COUNTER_FIELDS, VERSIONED_FIELDS, SyncMode
from cms_lms.sync.effects import announced_by_caller, is_counter_due
from cms_lms.sync.history import SyncHistory

Changes = dict[str, tuple[Any, Any]]

#: What an editor may set beside the versioned fields, and what makes a draft differ from the public version too.
SCHEDULE_FIELDS = ("go_live_at", "expire_at")


def differences(run: CourseRun, values: Mapping[str, Any]) -> Changes:
    """Return the fields in which a run differs from the values, as (old, new)."""
    return {name: (getattr(run, name), value) for name, value in values.items() if getattr(run, name) != value}


def assign(run: CourseRun, changes: Changes) -> None:
    """Set the new values on a run in memory."""
    for name, (_old, new) in changes.items():
        setattr(run, name, new)


def load_drafts(runs: Iterable[CourseRun]) -> None:
    """Load the drafts that ``update_draft`` compares with, by one query."""
    pending = [run for run in runs if run.sync_mode == SyncMode.TO_DRAFT and run.has_unpublished_changes]
    revisions = Revision.objects.in_bulk({run.latest_revision_id for run in pending} - {None}) if pending else {}
    for run in pending:
        run.latest_revision = revisions.get(run.latest_revision_id)


def draft_values(run: CourseRun, names: Iterable[str]) -> dict[str, Any]:
    """Return what staff edit, read from the stored content: building a run from it takes several queries."""
    revision = run.latest_revision if run.has_unpublished_changes else None
    content = revision.content if revision else {}
    return {
        name: cast("Field", run._meta.get_field(name)).to_python(content[name])
        if name in content
        else getattr(run, name)
        for name in names
    }


class RunWriter:
    """Writes the runs of one call; row updates wait for ``flush`` and are written together.

    ``public_runs`` collects the ids of runs whose public version changed; ``counter_runs`` those of which a counter
    alone did, sooner than caches are to hear of it; ``draft_runs`` those whose draft changed.
    """

    def __init__(self, now: dt.datetime) -> None:
        self.now = now
        self.public_runs: set[int] = set()
        self.counter_runs: set[int] = set()
        self.draft_runs: set[int] = set()
        self._rows: dict[int, CourseRun] = {}
        self._columns: set[str] = set()
        self._history = SyncHistory(now)

    def create(
        self, resource_link: str, course: Course, mode: str, values: Mapping[str, Any], backend: BaseLMSBackend
    ) -> tuple[CourseRun, Changes]:
        """Create a run: live in ``sync_to_public``, a draft that waits for staff in ``sync_to_draft``.

        Raises ``IntegrityError`` if another transaction created the run first.
        """
        run = CourseRun(
            course=course,
            resource_link=resource_link,
            sync_mode=mode,
            live=False,
            matched_backend=backend.record,
            last_synced_at=self.now,
            draft_synced_at=self.now if mode == SyncMode.TO_DRAFT else None,
        )
        changes = differences(run, values)
        assign(run, changes)
        run.save()
        revision = run.save_revision(clean=False)
        if mode == SyncMode.TO_PUBLIC:
            self._publish(run, revision)
        else:
            self.draft_runs.add(run.pk)
        self._history.add(run, backend, changes, revision=revision)
        return run, changes

    def update_public(
        self, run: CourseRun, values: Mapping[str, Any], backend: BaseLMSBackend
    ) -> tuple[Outcome, Changes]:
        """Update the row, and with it every draft, since those keep the row's values of these fields.

        A run that only syncs have touched goes live; one that staff began, scheduled, submitted or
        unpublished stays as it is.
        """
        changes = differences(run, values)
        goes_live = not run.live and self._may_go_live(run)
        if not changes and not goes_live:
            return Outcome.UNCHANGED, changes
        assign(run, changes)
        if changes.keys() - set(COUNTER_FIELDS) and run.is_unpublished_draft and not goes_live:
            run.draft_synced_at = self.now
            self.draft_runs.add(run.pk)
        self._write_row(run, changes, backend)
        if goes_live:
            self.flush()
            self._publish(run, run.save_revision(clean=False))
        else:
            self._note_public_change(run, changes)
        content_changed = bool(changes.keys() - set(COUNTER_FIELDS))
        if content_changed or goes_live:
            self._history.add(run, backend, changes)
        return (Outcome.UPDATED if run.live or not content_changed else Outcome.DRAFTED), changes

    def update_draft(
        self, run: CourseRun, values: Mapping[str, Any], backend: BaseLMSBackend
    ) -> tuple[Outcome, Changes]:
        """Update the draft alone; the counter goes to the row at once.

        A draft that came to equal the public version again waits for nobody.
        """
        counters = differences(run, {name: values[name] for name in COUNTER_FIELDS if name in values})
        content = {name: value for name, value in values.items() if name not in COUNTER_FIELDS}
        drafted = draft_values(run, content)
        changes = {name: (drafted[name], value) for name, value in content.items() if drafted[name] != value}
        if counters:
            assign(run, counters)
            self._write_row(run, counters, backend)
            self._note_public_change(run, counters)
        if not changes:
            return (Outcome.UPDATED if counters else Outcome.UNCHANGED), counters
        public = {name: getattr(run, name) for name in (*VERSIONED_FIELDS, *SCHEDULE_FIELDS)}
        draft = run.get_latest_revision_as_object()
        if draft is run:
            draft = copy.copy(run)
        assign(draft, {**counters, **changes})
        if not run.live:
            assign(run, changes)
            self._write_row(run, changes, backend)
        revision = draft.save_revision(clean=False)
        run.latest_revision = revision
        run.has_unpublished_changes = not run.live or bool(differences(draft, public))
        # What staff took off the site waits for nobody.
        is_waiting = run.is_unpublished_draft if not run.live else run.has_unpublished_changes
        run.draft_synced_at = self.now if is_waiting else None
        run.last_synced_at = self.now
        columns = ("has_unpublished_changes", "draft_synced_at", "last_synced_at")
        CourseRun.objects.filter(pk=run.pk).update(**{name: getattr(run, name) for name in columns})
        self.draft_runs.add(run.pk)
        self._history.add(run, backend, changes, revision=revision)
        return Outcome.DRAFTED, {**counters, **changes}

    def flush(self) -> None:
        """Write the rows and the history lines that wait."""
        rows, self._rows = list(self._rows.values()), {}
        columns, self._columns = sorted(self._columns), set()
        if len(rows) == 1:
            CourseRun.objects.filter(pk=rows[0].pk).update(**{name: getattr(rows[0], name) for name in columns})
        elif rows:
            # The rows are there, so that nothing is inserted. bulk_update() takes three times as long.
            has_target = connections[CourseRun.objects.db].features.supports_update_conflicts_with_target
            CourseRun.objects.bulk_create(
                rows, update_conflicts=True, update_fields=columns, unique_fields=["id"] if has_target else None
            )
        self._history.flush()

    def _write_row(self, run: CourseRun, changes: Changes, backend: BaseLMSBackend) -> None:
        run.last_synced_at = self.now
        run.matched_backend_id = backend.record.pk
        self._rows[run.pk] = run
        self._columns |= {*changes, "last_synced_at", "draft_synced_at", "counter_announced_at", "matched_backend_id"}

    def _note_public_change(self, run: CourseRun, changes: Changes) -> None:
        """Collect a run whose row is written, if the public sees it."""
        if not run.live:
            return
        if changes.keys() <= set(COUNTER_FIELDS):
            if not is_counter_due(run.counter_announced_at, self.now):
                self.counter_runs.add(run.pk)
                return
            run.counter_announced_at = self.now
        self.public_runs.add(run.pk)

    def _may_go_live(self, run: CourseRun) -> bool:
        return (
            run.first_published_at is None
            and run.is_created_by_lms
            and run.scheduled_revision is None
            and not run.workflow_in_progress
        )

    def _publish(self, run: CourseRun, revision) -> None:
        with announced_by_caller():
            run.publish(revision, log_action=False)
        run.refresh_from_db()
        self.public_runs.add(run.pk)
