"""The index of matches: which backend each run had when somebody last looked, for listings and counts."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from itertools import islice

from django_tasks import task

from cms_lms.matching.handler import LMSHandler
from cms_lms.models import ConfigurationVersion, CourseRun
from cms_lms.patterns.urls import normalize_url

CHUNK_SIZE = 2000


def matched_backend_id(resource_link: str) -> int | None:
    """Return the id of the record that a link matches now."""
    backend = LMSHandler.select_lms(resource_link)
    return backend.record.pk if backend else None


def reindex_runs() -> int:
    """Bring ``matched_backend`` of all runs up to date, in constant memory; return how many changed."""
    rows = CourseRun.objects.order_by("pk").values_list("pk", "resource_link", "matched_backend_id").iterator(CHUNK_SIZE)
    configuration = LMSHandler.configuration()
    changed = 0
    for chunk in _chunks(rows):
        moved: dict[int | None, list[int]] = defaultdict(list)
        for pk, resource_link, indexed_id in chunk:
            backend = configuration.select(normalize_url(resource_link))
            backend_id = backend.record.pk if backend else None
            if backend_id != indexed_id:
                moved[backend_id].append(pk)
        for backend_id, pks in moved.items():
            changed += CourseRun.objects.filter(pk__in=pks).update(matched_backend_id=backend_id)
    return changed


def _chunks(rows: Iterator[tuple]) -> Iterator[list[tuple]]:
    while chunk := list(islice(rows, CHUNK_SIZE)):
        yield chunk


@task()
def reindex_runs_for(token: str) -> None:
    """Reindex, unless the configuration has changed again since: that change brings its own task."""
    if str(ConfigurationVersion.objects.current()) == token:
        reindex_runs()
