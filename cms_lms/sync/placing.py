"""Places: which runs the items of a call are about, and where those belong that the catalogue does not know yet.

A run is found by its link; one whose link has changed, by its backend and course id. What is deleted here stays
deleted. A look at all this costs a few queries for a call of any length, and no lock: most calls repeat what is known
and need no more. Whoever writes then locks the rows that were found, in the order of their keys.
"""

from __future__ import annotations

import datetime as dt
from collections import defaultdict
from collections.abc import Iterable, Sequence

from django.db import DatabaseError
from django.db.models import Q
from wagtail.models import Revision

from cms_lms.matching.run_index import Match, find_match
from cms_lms.models import Course, CourseRun, DeletedRun
from cms_lms.models.course_run_origins import runs_in_hands_of_staff
from cms_lms.runs.codes import CourseKey
from cms_lms.runs.fields import SyncMode
from cms_lms.sync.items import Item
from cms_lms.sync.new_courses import NewCourses
from cms_lms.sync.planning import RunPlan


class Overtaken(DatabaseError):
    """Between the look and the lock somebody else changed which run an item is about."""


class Places:
    """The plans of the runs that items are about.

    ``courses``: those that the items without a run name, by their keys; ``new_courses``: those that are wanting and may
    be created. ``now``: when the call came.
    """

    def __init__(self, items: Sequence[Item], now: dt.datetime) -> None:
        self._now = now
        #: By the keys that the rows have in the database, whatever the items make of their links.
        self._plans: dict[str, RunPlan] = {}
        self._moved_keys: dict[Match, str] = {}
        self._new: dict[str, RunPlan] = {}
        self._new_by_match: dict[Match, RunPlan] = {}
        self._deleted_keys: set[str] = set()
        self._deleted_matches: set[Match] = set()
        self.courses: dict[CourseKey, Course] = {}
        self.new_courses = NewCourses()
        self._look(items)

    @property
    def plans(self) -> list[RunPlan]:
        """The plans of all runs, in the order of the keys."""
        plans = self._plans | self._new
        return [plans[key] for key in sorted(plans)]

    @property
    def are_changed(self) -> bool:
        """Whether there is anything to write."""
        return bool(self._new) or any(plan.is_changed for plan in self._plans.values())

    def find(self, item: Item) -> RunPlan | None:
        """Return the plan of the run that an item is about, None if the catalogue has none."""
        plan = self._plans.get(item.key) or self._new.get(item.key)
        if plan is None and item.match.course_id and item.key not in self._deleted_keys:
            plan = self._plans.get(self._moved_keys.get(item.match, "")) or self._new_by_match.get(item.match)
        return plan

    def add(self, item: Item, plan: RunPlan) -> None:
        """Take in the run that an item is the first to name."""
        self._new[item.key] = plan
        self._new_by_match.setdefault(item.match, plan)

    def is_deleted(self, item: Item) -> bool:
        """Return whether the run was deleted here."""
        return item.key in self._deleted_keys or (bool(item.match.course_id) and item.match in self._deleted_matches)

    def lock(self) -> None:
        """Read the rows again, locked until the caller's transaction ends, and plan anew.

        Raises ``Overtaken`` if they are not those that were found.
        """
        keys = set(self._plans)
        rows = CourseRun.objects.lock(keys)
        if rows.keys() != keys:
            raise Overtaken
        self._new, self._new_by_match = {}, {}
        self.new_courses.may_write = True
        self._plan(rows)

    def _look(self, items: Sequence[Item]) -> None:
        rows = CourseRun.objects.with_keys([item.key for item in items])
        if unknown := [item for item in items if item.key not in rows]:
            self._find_deleted(unknown)
            moved = self._find_moved([item for item in unknown if item.key not in self._deleted_keys])
            rows |= moved
            self.courses = self._find_courses([item for item in unknown if item.match not in self._moved_keys])
        self._plan(rows)

    def _find_deleted(self, items: Sequence[Item]) -> None:
        """Find the tombstones of links and of course ids."""
        keys = [item.key for item in items]
        stones = DeletedRun.objects.filter(Q(resource_key__in=keys) | _with_matches(items))
        for stone in stones:
            self._deleted_keys.add(stone.resource_key)
            self._deleted_matches.add(Match(stone.matched_backend_id, stone.matched_course_id))

    def _find_moved(self, items: Sequence[Item]) -> dict[str, CourseRun]:
        """Return the runs that are known under another link, if it is one each.

        The index may be behind the backends, and databases disagree on capitals, so that the links are asked.
        """
        matches = {item.match for item in items if item.match.course_id}
        if not matches:
            return {}
        found: dict[Match, list[CourseRun]] = defaultdict(list)
        for run in CourseRun.objects.filter(_with_matches(items)):
            if (match := find_match(run.resource_link)) in matches:
                found[match].append(run)
        moved = {match: runs[0] for match, runs in found.items() if len(runs) == 1}
        self._moved_keys = {match: run.resource_key for match, run in moved.items()}
        return {run.resource_key: run for run in moved.values()}

    def _find_courses(self, items: Sequence[Item]) -> dict[CourseKey, Course]:
        keys = {item.course_key for item in items if not self.is_deleted(item)}
        return Course.objects.get_by_keys(keys) if keys else {}

    def _plan(self, rows: dict[str, CourseRun]) -> None:
        _load_drafts(rows.values())
        untouched = _find_untouched(rows.values())
        self._plans = {key: RunPlan(run, self._now, may_go_live=run.pk in untouched) for key, run in rows.items()}


def _with_matches(items: Iterable[Item]) -> Q:
    """Return the condition that a row is indexed by what one of the items is."""
    ids: dict[int | None, set[str]] = defaultdict(set)
    for item in items:
        if item.match.course_id:
            ids[item.match.backend_id].add(item.match.course_id)
    conditions = [Q(matched_backend=backend, matched_course_id__in=found) for backend, found in ids.items()]
    return Q(*conditions, _connector=Q.OR) if conditions else Q(pk__in=[])


def _load_drafts(runs: Iterable[CourseRun]) -> None:
    """Load the drafts that plans compare with, by one query."""
    pending = [
        run
        for run in runs
        if run.has_unpublished_changes and (run.sync_mode == SyncMode.TO_DRAFT or run.draft_synced_at is not None)
    ]
    revisions = Revision.objects.in_bulk({run.latest_revision_id for run in pending} - {None}) if pending else {}
    for run in pending:
        run.latest_revision = revisions.get(run.latest_revision_id)


def _find_untouched(runs: Iterable[CourseRun]) -> set[int]:
    """Return those that the public has never seen and that nobody but syncs has had a hand in, by one query."""
    candidates = {
        run.pk
        for run in runs
        if run.sync_mode == SyncMode.TO_PUBLIC and run.is_unpublished_draft and run.latest_revision_id is not None
    }
    return candidates - runs_in_hands_of_staff(candidates)
