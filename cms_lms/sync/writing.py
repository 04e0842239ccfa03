"""RunWriter: writes what was planned for the runs of one call, in a few statements for any number of runs.

Rows are locked by the caller, and the caller's transaction holds everything that is written here. Written in bulk,
runs send none of Django's signals; ``sync.effects`` does after the commit what would follow them.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Sequence

from django.db import connections
from django.utils import timezone
from wagtail.models import Revision

from cms_lms.models import Course, CourseRun
from cms_lms.models.row_writing import update_row
from cms_lms.sync.history import SyncHistory
from cms_lms.sync.planning import RunPlan


class RunWriter:
    """Writes the runs of one call, and tells by their ids what became of them.

    ``public_runs``: the public version changed; ``quiet_runs``: a counter of it alone did, sooner than caches are to
    hear of it. ``draft_runs``: the draft changed. ``created_runs``: they are new. ``now``: when the call came.
    """

    def __init__(self, now: dt.datetime) -> None:
        self._now = now
        self.public_runs: set[int] = set()
        self.quiet_runs: set[int] = set()
        self.draft_runs: set[int] = set()
        self.created_runs: set[int] = set()

    def write(self, plans: Sequence[RunPlan]) -> None:
        """Write runs in the order of their keys. Raises ``DatabaseError``; the transaction is then lost."""
        changed = [plan for plan in plans if plan.is_changed]
        for plan in changed:
            plan.settle()
        self._insert_rows([plan for plan in changed if plan.is_new])
        self._write_revisions([plan for plan in changed if plan.needs_revision])
        self._update_rows([plan for plan in changed if plan.columns])
        self._write_history(changed)
        for plan in changed:
            self._note(plan)

    @staticmethod
    def _insert_rows(plans: Sequence[RunPlan]) -> None:
        if plans:
            CourseRun.objects.bulk_create(plan.run for plan in plans)
            for plan in plans:
                plan.note_stored()

    @staticmethod
    def _write_revisions(plans: Sequence[RunPlan]) -> None:
        """Write the revisions of drafts, and of runs that begin or go live."""
        if not plans:
            return
        _load_courses([plan.edited for plan in plans])
        # An editor may have saved since the call came, and the order of revisions is that of these moments.
        moment = timezone.now()
        revisions = Revision.objects.bulk_create(_make_revision(plan, moment) for plan in plans)
        for plan, revision in zip(plans, revisions, strict=True):
            plan.run.latest_revision = revision
            if plan.run.live and (plan.goes_live or plan.is_new):
                plan.run.live_revision = revision

    @staticmethod
    def _update_rows(plans: Sequence[RunPlan]) -> None:
        columns = sorted({name for plan in plans for name in plan.columns})
        if len(plans) == 1:
            run = plans[0].run
            update_row(CourseRun, run.pk, {name: getattr(run, name) for name in columns})
        elif plans:
            # The rows are there, so that nothing is inserted. bulk_update() takes three times as long.
            has_target = connections[CourseRun.objects.db].features.supports_update_conflicts_with_target
            CourseRun.objects.bulk_create(
                [plan.run for plan in plans],
                update_conflicts=True,
                update_fields=columns,
                unique_fields=["id"] if has_target else None,
            )

    def _write_history(self, plans: Sequence[RunPlan]) -> None:
        history = SyncHistory(self._now)
        for plan in plans:
            changes = plan.content_changes
            if changes or plan.is_new or plan.goes_live:
                revision = plan.run.latest_revision if plan.needs_revision else None
                history.add(plan.run, plan.backend, changes, revision=revision)
        history.flush()

    def _note(self, plan: RunPlan) -> None:
        """Collect what became of a run."""
        pk = plan.run.pk
        if plan.is_new:
            self.created_runs.add(pk)
        if plan.is_draft_changed:
            self.draft_runs.add(pk)
        if plan.is_loud:
            self.public_runs.add(pk)
        elif plan.run.live and plan.is_counter_changed:
            self.quiet_runs.add(pk)


def _make_revision(plan: RunPlan, moment: dt.datetime) -> Revision:
    return Revision(
        content_type=CourseRun.get_content_type(),
        base_content_type=CourseRun.get_base_content_type(),
        object_id=str(plan.run.pk),
        created_at=moment,
        content=plan.edited.serializable_data(),
        object_str=str(plan.edited),
    )


def _load_courses(runs: Iterable[CourseRun]) -> None:
    """Load the courses of runs, whose titles they have, by one query."""
    missing = [run for run in runs if not CourseRun.course.is_cached(run)]
    courses = Course.objects.in_bulk({run.course_id for run in missing}) if missing else {}
    for run in missing:
        if (course := courses.get(run.course_id)) is not None:
            run.course = course
