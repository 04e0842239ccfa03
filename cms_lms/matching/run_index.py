"""The index of matches: which backend each run had when somebody last looked, for listings and counts."""

from __future__ import annotations

from collections import defaultdict

from django.db.models import Case, IntegerField, Value, When
from django_tasks import task

from cms_lms.matching.handler import LMSHandler, LoadedConfiguration
from cms_lms.models import ConfigurationVersion, CourseRun
from cms_lms.patterns.urls import InvalidURL, normalize_url

CHUNK_SIZE = 2000


def matched_backend_id(resource_link: str) -> int | None:
    """Return the id of the record that a link matches now."""
    return _backend_id(LMSHandler.configuration(), resource_link)


def _backend_id(configuration: LoadedConfiguration, resource_link: str) -> int | None:
    try:
        backend = configuration.select(normalize_url(resource_link))
    except InvalidURL:
        return None
    return backend.record.pk if backend else None


def reindex_runs() -> int:
    """Bring ``matched_backend`` of all runs up to date; return how many changed.

    Memory is constant; a chunk costs one query, and a second one where something changed.
    """
    configuration = LMSHandler.configuration()
    runs = CourseRun.objects.order_by("pk").values_list("pk", "resource_link", "matched_backend_id")
    last, changed = 0, 0
    while chunk := list(runs.filter(pk__gt=last)[:CHUNK_SIZE]):
        moved: dict[int | None, list[int]] = defaultdict(list)
        for pk, resource_link, indexed_id in chunk:
            backend_id = _backend_id(configuration, resource_link)
            if backend_id != indexed_id:
                moved[backend_id].append(pk)
        changed += _store(moved)
        last = chunk[-1][0]
    return changed


def _store(moved: dict[int | None, list[int]]) -> int:
    """Write the backends that runs moved to, by one query."""
    if not moved:
        return 0
    cases = [When(pk__in=pks, then=Value(backend_id)) for backend_id, pks in moved.items() if backend_id is not None]
    backend_id = Case(*cases, default=None, output_field=IntegerField()) if cases else None
    runs = CourseRun.objects.filter(pk__in=[pk for pks in moved.values() for pk in pks])
    return runs.update(matched_backend_id=backend_id)


@task()
def reindex_runs_for(token: str) -> None:
    """Reindex, unless the configuration has changed again since: that change brings its own task."""
    if str(ConfigurationVersion.objects.current()) == token:
        reindex_runs()
