"""Who had a hand in course runs: staff, or nobody but syncs."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

from django.contrib.contenttypes.models import ContentType
from django.db.models import QuerySet
from wagtail.models import ModelLogEntry, Revision, WorkflowState

from cms_lms.models.course_run import CourseRun


def runs_edited_by_staff(run_ids: Collection[int]) -> set[int]:
    """Return those of the runs that anybody edited, by one query.

    The log is asked too: it still says who edited when that user's account was deleted.
    """
    return _union(_edited(run_ids)) if run_ids else set()


def runs_in_hands_of_staff(run_ids: Collection[int]) -> set[int]:
    """Return those of the runs that anybody edited or scheduled, or that are in moderation or sent back by it."""
    if not run_ids:
        return set()
    runs = _condition(run_ids)
    scheduled = Revision.objects.filter(approved_go_live_at__isnull=False, **runs)
    in_moderation = WorkflowState.objects.active().filter(**runs)
    return _union([*_edited(run_ids), scheduled, in_moderation])


def _condition(run_ids: Collection[int]) -> dict[str, Any]:
    content_type = ContentType.objects.get_for_model(CourseRun)
    return {"content_type": content_type, "object_id__in": [str(pk) for pk in run_ids]}


def _edited(run_ids: Collection[int]) -> list[QuerySet[Any]]:
    runs = _condition(run_ids)
    entries = ModelLogEntry.objects.filter(user__isnull=False, content_changed=True, **runs)
    return [Revision.objects.filter(user__isnull=False, **runs), entries]


def _union(sets: list[QuerySet[Any]]) -> set[int]:
    first, *others = [rows.order_by().values_list("object_id") for rows in sets]
    return {int(object_id) for (object_id,) in first.union(*others)}
