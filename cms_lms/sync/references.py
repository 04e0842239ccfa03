"""Wagtail's index of references, of runs that were written in bulk.

Wagtail keeps it up itself for what is saved one by one; it tells staff where a course is used before they delete it.
"""

from __future__ import annotations

from collections.abc import Collection
from functools import partial

from django.db import transaction
from django_tasks import task
from wagtail.models import ReferenceIndex

from cms_lms.models import CourseRun


def index_references(run_ids: Collection[int]) -> None:
    """Let the index follow for new runs, after the transaction's commit; nothing if there were none."""
    if run_ids:
        transaction.on_commit(partial(index_references_of.enqueue, sorted(run_ids)), robust=True)


@task()
def index_references_of(run_ids: list[int]) -> None:
    """Store what new runs refer to, by one statement. Does no harm when it is run twice."""
    if not ReferenceIndex.is_indexed(CourseRun):
        return
    content_type = CourseRun.get_content_type()
    ReferenceIndex.objects.bulk_create(
        [
            ReferenceIndex(
                content_type=content_type,
                base_content_type=CourseRun.get_base_content_type(),
                object_id=str(run.pk),
                to_content_type_id=to_content_type_id,
                to_object_id=to_object_id,
                model_path=model_path,
                content_path=content_path,
                content_path_hash=ReferenceIndex._get_content_path_hash(content_path),
            )
            # What Wagtail offers to the public takes an object at a time, and three queries for each.
            for run in CourseRun.objects.filter(pk__in=run_ids)
            for (
                to_content_type_id,
                to_object_id,
                model_path,
                content_path,
            ) in ReferenceIndex._extract_references_from_object(run)
        ],
        ignore_conflicts=True,
    )
