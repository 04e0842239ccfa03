"""What waits for publication: how the draft of a run differs from what the public sees, and whose doing that is.

Reads many runs at once with as many queries as for one, from the stored content of their revisions: building a
run from each would take several queries a run. A field counts as the LMS's where its draft has the value that a
synchronisation wrote last; every other difference is the staff's.
"""

from __future__ import annotations

import datetime as dt
import hashlib
import json
from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, cast

from django.contrib.contenttypes.models import ContentType
from django.db.models import BigIntegerField, Field, OuterRef, Q, Subquery
from django.db.models.functions import Cast, Coalesce
from wagtail.models import ModelLogEntry, Revision, WorkflowState

from cms_lms.models import Course, CourseRun
from cms_lms.runs.fields import SCHEDULE_FIELDS, VERSIONED_FIELDS, SyncMode
from cms_lms.sync.history import SYNC_ACTION, field_label, value_label
from cms_lms.sync.results import changes_as_json

DRAFT_FIELDS = (*VERSIONED_FIELDS, *SCHEDULE_FIELDS)

#: How much of the fingerprint is shown: enough that no two drafts of one run share it.
FINGERPRINT_LENGTH = 24


@dataclass(frozen=True)
class DraftChange:
    """One field of a draft, in words: what the public sees, what it would see, and whether the LMS says so."""

    name: str
    old: str
    new: str
    is_synced: bool

    @property
    def label(self) -> str:
        """What people call the field."""
        return field_label(self.name)


@dataclass(frozen=True)
class WaitingRun:
    """A run with all that decides about its draft. ``shown`` names this very draft: it changes with each value.

    ``scheduled_at``: when a version goes live that was scheduled; None without one. ``editors``: the users whose
    edits are in the draft, as far as their accounts still exist.
    """

    run: CourseRun
    shown: str
    changes: tuple[DraftChange, ...]
    editors: tuple[Any, ...]
    scheduled_at: dt.datetime | None
    is_in_moderation: bool

    @property
    def is_new(self) -> bool:
        """Whether the public has never seen the run."""
        return self.run.is_unpublished_draft

    @property
    def synced_fields(self) -> tuple[str, ...]:
        """The names of the fields that wait because of a synchronisation."""
        return tuple(change.name for change in self.changes if change.is_synced)

    @property
    def is_edited(self) -> bool:
        """Whether staff's edits are mixed in."""
        return any(not change.is_synced for change in self.changes)


def read_waiting(runs: Iterable[CourseRun]) -> list[WaitingRun]:
    """Return what waits in each of the runs, in their order.

    They are those of ``with_holds()``; their ``latest_revision`` and ``course`` should come with them.
    """
    runs = list(runs)
    keys = [str(run.pk) for run in runs]
    synced = _last_synced_values(runs, keys)
    editors = _editors(keys)
    drafts = [draft_values(run) for run in runs]
    courses = _courses(runs, drafts)
    return [
        WaitingRun(
            run=run,
            shown=fingerprint(run, draft),
            changes=tuple(_changes(run, draft, synced[key], courses)),
            editors=tuple(editors[key]),
            scheduled_at=run.scheduled_at,
            is_in_moderation=run.is_in_moderation,
        )
        for run, key, draft in zip(runs, keys, drafts, strict=True)
    ]


def draft_values(run: CourseRun) -> dict[str, Any]:
    """Return what would be published, by field; a course is its id."""
    revision = run.latest_revision if run.has_unpublished_changes else None
    content = revision.content if revision else {}
    kept: Collection[str] = run.owned_fields if run.sync_mode == SyncMode.TO_PUBLIC else ()
    return {
        name: _field(name).to_python(content[name])
        if name in content and name not in kept
        else getattr(run, _field(name).attname)
        for name in DRAFT_FIELDS
    }


def fingerprint(run: CourseRun, draft: Mapping[str, Any]) -> str:
    """Return what tells this draft of a run from every other, an earlier one with the same values included."""
    values = changes_as_json({name: (None, value) for name, value in draft.items()})
    stored = json.dumps([run.pk, run.latest_revision_id, values], sort_keys=True)
    return hashlib.sha256(stored.encode()).hexdigest()[:FINGERPRINT_LENGTH]


def edited_by_staff() -> Q:
    """Return the condition for runs with a version by a user that is newer than the public one."""
    newer = (
        Revision.objects.filter(content_type=_content_type(), user__isnull=False)
        .annotate(run_id=Cast("object_id", BigIntegerField()))
        .filter(pk__gt=Coalesce(_live_revision_id("run_id"), 0))
    )
    return Q(pk__in=newer.values("run_id"))


def in_moderation() -> Q:
    """Return the condition for runs that are in moderation."""
    states = WorkflowState.objects.filter(
        base_content_type=_content_type(), status=WorkflowState.STATUS_IN_PROGRESS
    ).annotate(run_id=Cast("object_id", BigIntegerField()))
    return Q(pk__in=states.values("run_id"))


def _content_type() -> ContentType:
    return ContentType.objects.get_for_model(CourseRun)


def _field(name: str) -> Field:
    return cast("Field", CourseRun._meta.get_field(name))


def _live_revision_id(reference: str) -> Subquery:
    return Subquery(CourseRun.objects.order_by().filter(pk=OuterRef(reference)).values("live_revision_id")[:1])


def _last_synced_values(runs: Collection[CourseRun], keys: Collection[str]) -> dict[str, dict[str, Any]]:
    """Return the values that syncs wrote last since each run was published, by run and field."""
    never_published = {str(run.pk) for run in runs if run.is_unpublished_draft}
    lines = (
        ModelLogEntry.objects.filter(content_type=_content_type(), object_id__in=keys, action=SYNC_ACTION)
        .annotate(run_id=Cast("object_id", BigIntegerField()))
        .filter(Q(revision_id__isnull=True) | Q(revision_id__gt=Coalesce(_live_revision_id("run_id"), 0)))
        .order_by("pk")
        .values_list("object_id", "revision_id", "data")
    )
    found: dict[str, dict[str, Any]] = defaultdict(dict)
    for key, revision_id, data in lines:
        # A public synchronisation writes no revision; of a run that was published it is the past.
        if revision_id is not None or key in never_published:
            found[key].update({name: new for name, (_old, new) in data.get("changes", {}).items()})
    return found


def _editors(keys: Collection[str]) -> dict[str, list[Any]]:
    """Return the users who saved versions since each run was published, by run."""
    revisions = (
        Revision.objects.filter(content_type=_content_type(), object_id__in=keys, user__isnull=False)
        .annotate(run_id=Cast("object_id", BigIntegerField()))
        .filter(pk__gt=Coalesce(_live_revision_id("run_id"), 0))
        .select_related("user")
        .defer("content")
        .order_by("pk")
    )
    by_run: dict[str, list[Any]] = defaultdict(list)
    for revision in revisions:
        if revision.user not in by_run[revision.object_id]:
            by_run[revision.object_id].append(revision.user)
    return by_run


def _courses(runs: Iterable[CourseRun], drafts: Iterable[Mapping[str, Any]]) -> dict[Any, Course]:
    """Return the courses that the drafts name, by id; asks only for those that are not the runs' own."""
    courses = {run.course_id: run.course for run in runs}
    others = {draft["course"] for draft in drafts} - courses.keys()
    return courses | (Course.objects.in_bulk(others) if others else {})


def _changes(
    run: CourseRun, draft: Mapping[str, Any], synced: Mapping[str, Any], courses: Mapping[Any, Course]
) -> Iterator[DraftChange]:
    """Yield what differs from the public version; of a run without one, what somebody has filled in."""
    is_new = run.is_unpublished_draft
    for name, new in draft.items():
        old = _field(name).get_default() if is_new else getattr(run, _field(name).attname)
        if is_new and name in ("course", "resource_link"):
            continue  # by these it is listed
        if name == "course" and new not in courses:
            continue  # it was deleted since; the run keeps its own
        if new == old:
            continue
        old_label, new_label = _labels(name, None if is_new else old, new, courses)
        is_synced = name in synced and _field(name).to_python(synced[name]) == new
        yield DraftChange(name, old_label, new_label, is_synced)


def _labels(name: str, old: Any, new: Any, courses: Mapping[Any, Course]) -> list[str]:
    if name == "course":
        return [str(courses.get(value, value)) for value in (old, new)]
    (values,) = changes_as_json({name: (old, new)}).values()
    return [value_label(name, value) for value in values]
