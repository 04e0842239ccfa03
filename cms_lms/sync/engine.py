"""The engine: from validated payloads to changed course runs.

Everything is decided before anything is written. First on the rows as they are, without a lock: a call that repeats
what is known ends there. Then, in one transaction, on the same rows under their locks, taken in the order of the keys,
and what was decided is written in bulk. A transaction that met another one is tried again; should the database refuse
the whole, each item is tried in a transaction of its own, so that one bad item never spoils the others.
"""

from __future__ import annotations

import datetime as dt
import logging
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from django.db import DatabaseError, IntegrityError, OperationalError, transaction
from django.utils.translation import gettext_noop

from cms_lms.conf import settings as lms_settings
from cms_lms.models.delivery import Outcome
from cms_lms.runs.fields import SyncMode
from cms_lms.sync.conflicts import despite_conflicts
from cms_lms.sync.effects import announce, announce_drafts
from cms_lms.sync.items import NO_CREATION, NOT_STORED, Item, Refused, prepare
from cms_lms.sync.placing import Overtaken, Places
from cms_lms.sync.planning import RunPlan
from cms_lms.sync.references import index_references
from cms_lms.sync.results import ItemResult
from cms_lms.sync.secrets import Signer
from cms_lms.sync.writing import RunWriter

logger = logging.getLogger("cms_lms")

IS_DELETED = gettext_noop("The run was deleted here.")

Journal = Callable[[list[ItemResult]], object]
Receipt = Callable[[list[ItemResult]], object]


def synchronize(
    payloads: Sequence[Mapping[str, Any]],
    *,
    signer: Signer,
    now: dt.datetime,
    journal: Journal,
    receipt: Receipt | None = None,
    event_at: dt.datetime | None = None,
    is_dry_run: bool = False,
) -> list[ItemResult]:
    """Apply items that all name a link, and return what became of each, in their order.

    ``signer`` says whose runs may be written. ``now``: when the call came. ``event_at``: of when its values are, None
    if the sender does not say: a run that has had newer ones ignores them. ``receipt`` is called once, if anything is
    to be written, before it is and outside the transaction that does, with the results as they look by then.
    ``journal`` is called with the results inside the transaction that made them true, and again should that have to be
    repeated; where nothing was written, outside of any. A dry run has no receipt, and its journal is called after
    everything else was rolled back.
    """
    prepared = [prepare(payload, signer) for payload in payloads]

    def complete(decided: Sequence[ItemResult]) -> list[ItemResult]:
        following = iter(decided)
        return [next(following) if isinstance(entry, Item) else entry for entry in prepared]

    sync = Synchronization(
        now,
        event_at,
        is_dry_run,
        receipt=None if is_dry_run or receipt is None else lambda decided: receipt(complete(decided)),
        journal=lambda decided: journal(complete(decided)),
    )
    return complete(sync.apply([entry for entry in prepared if isinstance(entry, Item)]))


class Synchronization:
    """One call on its way into the catalogue; for the arguments see ``synchronize``."""

    def __init__(
        self,
        now: dt.datetime,
        event_at: dt.datetime | None,
        is_dry_run: bool,
        *,
        receipt: Receipt | None,
        journal: Journal,
    ) -> None:
        self._now = now
        self._event_at = event_at
        self._is_dry_run = is_dry_run
        self._receipt = receipt
        self._journal = journal

    def apply(self, items: Sequence[Item]) -> list[ItemResult]:
        """Apply items together, or each alone where the database refuses that; return what became of each."""
        try:
            return self._apply_patiently(items, self._journal)
        except OperationalError:
            raise
        except DatabaseError:
            results = [self._apply_alone(item) for item in items]
        despite_conflicts(lambda: self._journal(results))
        return results

    def _apply_alone(self, item: Item) -> ItemResult:
        try:
            (result,) = self._apply_patiently([item], _keep_nothing)
        except OperationalError:
            raise
        except DatabaseError:
            logger.exception("The database refused the course run %s.", item.resource_link)
            return item.refused(Refused(NOT_STORED))
        return result

    def _apply_patiently(self, items: Sequence[Item], journal: Journal) -> list[ItemResult]:
        """Apply items in one transaction, again if another one was in the way. Raises ``DatabaseError``."""
        # Somebody else may have created one of the runs meanwhile, or changed what the next look will find.
        return despite_conflicts(lambda: self._apply_once(items, journal), also=(IntegrityError, Overtaken))

    def _apply_once(self, items: Sequence[Item], journal: Journal) -> list[ItemResult]:
        places = Places(items, self._now)
        results = self._decide(items, places)
        if not places.are_changed:
            journal(results)
            return results
        self._give_receipt(results)
        with transaction.atomic():
            places.lock()
            results = self._decide(items, places)
            self._write(places)
            self._name_runs(items, results, places)
            if self._is_dry_run:
                transaction.set_rollback(True)
            else:
                journal(results)
        if self._is_dry_run:
            journal(results)
        return results

    def _give_receipt(self, results: list[ItemResult]) -> None:
        if self._receipt is not None:
            self._receipt(results)
            self._receipt = None

    def _decide(self, items: Sequence[Item], places: Places) -> list[ItemResult]:
        """Plan what becomes of the runs, and return the decision on each item."""
        results = []
        for item in items:
            try:
                results.append(self._decide_one(item, places))
            except Refused as refusal:
                results.append(item.refused(refusal))
        self._name_runs(items, results, places)
        return results

    def _decide_one(self, item: Item, places: Places) -> ItemResult:
        plan = places.find(item)
        if plan is not None:
            return plan.apply(item, self._event_at)
        if places.is_deleted(item):
            return item.result(Outcome.IGNORED, reason=IS_DELETED)
        item.values(is_new=True)  # what is wrong with the fields is told before the course is looked for
        mode = item.backend.config.default_sync_mode or lms_settings.DEFAULT_SYNC_MODE or SyncMode.TO_PUBLIC
        course = places.courses.get(item.course_key)
        if course is None and mode != SyncMode.MANUAL:
            course = places.new_courses.get(item)
        if course is None:
            raise item.unknown_course()
        if mode == SyncMode.MANUAL:
            raise Refused(NO_CREATION)
        plan, result = RunPlan.create(item, course, mode, self._now, self._event_at)
        places.add(item, plan)
        return result

    def _write(self, places: Places) -> None:
        writer = RunWriter(self._now)
        writer.write(places.plans)
        if not self._is_dry_run:
            announce(writer.public_runs, writer.quiet_runs)
            announce_drafts(writer.draft_runs)
            index_references(writer.created_runs)

    def _name_runs(self, items: Sequence[Item], results: Sequence[ItemResult], places: Places) -> None:
        """Tell the results the ids of their runs; those of a dry run are of nothing."""
        for item, result in zip(items, results, strict=True):
            plan = places.find(item)
            if plan is not None and not (plan.is_new and self._is_dry_run):
                result.run_id = plan.run.pk


def _keep_nothing(results: Sequence[ItemResult]) -> None:
    """The journal of an item whose call keeps one for all its items."""
