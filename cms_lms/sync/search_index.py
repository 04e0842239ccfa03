"""The search index of course runs, kept after each transaction instead of inside it.

Wagtail's own signal handlers index while the transaction is open, and the entries of the database backends
are one more thing that two transactions may wait for crosswise. ``CourseRun.search_auto_update`` is
therefore off, and the same is done here once the run is committed, in a background task.
"""

from __future__ import annotations

from collections.abc import Collection
from functools import partial

from django.db import transaction
from django.db.models.signals import post_delete, post_save
from django_tasks import task
from wagtail.search import index

from cms_lms.models import CourseRun

#: Columns that Wagtail writes by themselves and that no search looks at.
UNSEARCHED_FIELDS = frozenset({"latest_revision", "live_revision", "has_unpublished_changes"})


@task()
def index_runs(run_ids: list[int]) -> None:
    """Index runs as they are now; those that are gone are passed over."""
    for run in CourseRun.objects.filter(pk__in=run_ids).select_related("course"):
        index.insert_or_update_object(run)


def on_run_saved(instance: CourseRun, update_fields: Collection[str] | None = None, **kwargs) -> None:
    """Index a run after the transaction, unless only unsearched columns were written."""
    if update_fields is None or not UNSEARCHED_FIELDS.issuperset(update_fields):
        transaction.on_commit(partial(index_runs.enqueue, [instance.pk]))


def on_run_deleted(instance: CourseRun, **kwargs) -> None:
    """Take a run out of the index."""
    index.remove_object(instance)


def connect() -> None:
    """Connect the receivers, once, when the app starts."""
    post_save.connect(on_run_saved, sender=CourseRun, dispatch_uid="cms_lms.index_run")
    post_delete.connect(on_run_deleted, sender=CourseRun, dispatch_uid="cms_lms.remove_run")
