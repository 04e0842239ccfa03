"""The index of matches: which backend each run had when somebody last looked, and which course id that backend finds in
its link; for listings and counts, and for finding the run whose link has changed.
"""

from __future__ import annotations

from collections import defaultdict
from typing import NamedTuple

from django.db.models import Case, IntegerField, Value, When
from django_tasks import task

from cms_lms.backends.base import BaseLMSBackend
from cms_lms.matching.handler import LMSHandler, LoadedConfiguration
from cms_lms.models import ConfigurationVersion, CourseRun
from cms_lms.models.course_run import MATCHED_COURSE_ID_MAX_LENGTH
from cms_lms.patterns.urls import InvalidURL, normalize_url

CHUNK_SIZE = 2000

#: Runs whose course ids one statement writes: the longer it is, the longer the database takes for each of them.
RENAMED_SIZE = 500


class Match(NamedTuple):
    """What a run is indexed by: the id of a backend's record, and a course id, blank for one that is too long."""

    backend_id: int | None
    course_id: str


NO_MATCH = Match(None, "")


def match_of(backend: BaseLMSBackend, course_id: str) -> Match:
    """Return what a run is indexed by whose link a backend owns, and has this course id for it."""
    return Match(backend.record.pk, course_id if len(course_id) <= MATCHED_COURSE_ID_MAX_LENGTH else "")


def find_match(resource_link: str) -> Match:
    """Return what a run with this link is to be indexed by now."""
    return _find_match(LMSHandler.configuration(), resource_link)


def _find_match(configuration: LoadedConfiguration, resource_link: str) -> Match:
    try:
        url = normalize_url(resource_link)
    except InvalidURL:
        return NO_MATCH
    backend = configuration.select(url)
    return match_of(backend, backend.extract_from_normalized(url) or "") if backend else NO_MATCH


def reindex_runs() -> int:
    """Bring the index of all runs up to date; return how many changed.

    Memory is constant; a chunk costs one query, and a second one where backends changed. Course ids are each run's
    own: where they changed, that is a query for every few hundred runs.
    """
    configuration = LMSHandler.configuration()
    runs = CourseRun.objects.order_by("pk").only("resource_link", "matched_backend", "matched_course_id")
    last, changed = 0, 0
    while chunk := list(runs.filter(pk__gt=last)[:CHUNK_SIZE]):
        moved: dict[int | None, list[int]] = defaultdict(list)
        renamed: list[CourseRun] = []
        for run in chunk:
            match = _find_match(configuration, run.resource_link)
            if match == (run.matched_backend_id, run.matched_course_id):
                continue
            changed += 1
            if match.course_id == run.matched_course_id:
                moved[match.backend_id].append(run.pk)
            else:
                run.matched_backend_id, run.matched_course_id = match
                renamed.append(run)
        _store(moved)
        CourseRun.objects.bulk_update(renamed, ["matched_backend", "matched_course_id"], batch_size=RENAMED_SIZE)
        last = chunk[-1].pk
    return changed


def _store(moved: dict[int | None, list[int]]) -> None:
    """Write the backends that runs moved to, by one query."""
    if not moved:
        return
    cases = [When(pk__in=pks, then=Value(backend_id)) for backend_id, pks in moved.items() if backend_id is not None]
    backend_id = Case(*cases, default=None, output_field=IntegerField()) if cases else None
    runs = CourseRun.objects.filter(pk__in=[pk for pks in moved.values() for pk in pks])
    runs.update(matched_backend_id=backend_id)


@task()
def reindex_runs_for(token: str) -> None:
    """Reindex, unless the configuration has changed again since: that change brings its own task."""
    if str(ConfigurationVersion.objects.current()) == token:
        reindex_runs()
