"""RunPlan: what the items of one call make of one run, decided in memory before anything is written.

The table of the web hook's contract, "What each mode does", is this module. A list may name a run many times: each
item is decided on what those before it left, and the run is written once, as the last one leaves it.
"""

from __future__ import annotations

import copy
import datetime as dt
from collections.abc import Iterable, Mapping
from typing import Any, cast

from django.db.models import Field
from django.utils.translation import gettext_noop

from cms_lms.backends.base import BaseLMSBackend
from cms_lms.matching.run_index import find_match
from cms_lms.models import Course, CourseRun
from cms_lms.models.delivery import Outcome
from cms_lms.runs.fields import CONTENT_FIELDS, COUNTER_FIELDS, SyncMode
from cms_lms.sync.effects import is_counter_due
from cms_lms.sync.items import Item
from cms_lms.sync.results import Changes, ItemResult
from cms_lms.sync.waiting import DRAFT_FIELDS, draft_values

IS_MANUAL = gettext_noop("The run is synchronised manually.")
IS_OLDER = gettext_noop("The call is older than the one that was last applied to this run.")


def _get_fields(names: Iterable[str]) -> dict[str, Field]:
    return {name: cast("Field", CourseRun._meta.get_field(name)) for name in names}


#: What the LMS says, and what staff edit, as a revision names it.
SENT_FIELDS = _get_fields(CONTENT_FIELDS)
EDITED_FIELDS = _get_fields(DRAFT_FIELDS)


def differences(run: CourseRun, values: Mapping[str, Any]) -> Changes:
    """Return the fields in which a run differs from the values, as (old, new)."""
    return {name: (getattr(run, name), value) for name, value in values.items() if getattr(run, name) != value}


def assign(run: CourseRun, changes: Changes) -> None:
    """Set the new values on a run in memory."""
    for name, (_old, new) in changes.items():
        setattr(run, name, new)


def read_draft(run: CourseRun) -> CourseRun:
    """Return what staff edit, read from the stored content: having Wagtail build it takes several queries."""
    draft = copy.copy(run)
    for name, value in draft_values(run).items():
        setattr(draft, EDITED_FIELDS[name].attname, value)
    return draft


class RunPlan:
    """One run of a call: ``run`` is the row as the items so far want it.

    ``may_go_live``: nobody but syncs has had a hand in the run. ``now``: when the call came.
    """

    #: Whose item was last applied.
    backend: BaseLMSBackend

    def __init__(self, run: CourseRun, now: dt.datetime, *, may_go_live: bool = False, is_new: bool = False) -> None:
        self.run = run
        self.is_new = is_new
        self.goes_live = False
        self._now = now
        self._may_go_live = may_go_live
        self._before = dict(vars(run))
        self._stored = self._before
        self._draft: CourseRun | None = None
        self._draft_before: dict[str, Any] = {}

    @classmethod
    def create(
        cls, item: Item, course: Course, mode: str, now: dt.datetime, event_at: dt.datetime | None
    ) -> tuple[RunPlan, ItemResult]:
        """Plan a new run: live in ``sync_to_public``, a draft that waits for staff in ``sync_to_draft``.

        Raises ``Refused``.
        """
        values = item.values(is_new=True)
        is_live = mode == SyncMode.TO_PUBLIC
        run = CourseRun(
            course=course,
            resource_link=item.resource_link,
            resource_key=item.key,
            sync_mode=mode,
            live=is_live,
            has_unpublished_changes=not is_live,
            first_published_at=now if is_live else None,
            last_published_at=now if is_live else None,
            draft_synced_at=None if is_live else now,
            last_event_at=event_at,
        )
        plan = cls(run, now, is_new=True)
        plan.backend = item.backend
        changes = differences(run, values)
        assign(run, changes)
        return plan, item.result(Outcome.CREATED, changes=changes)

    def apply(self, item: Item, event_at: dt.datetime | None) -> ItemResult:
        """Decide on an item that is about this run. Raises ``Refused``.

        ``event_at``: of when its values are, None if the sender does not say. One that does not say is applied as it
        comes, and leaves the time of those that do alone.
        """
        item.refuse_run_of_others(self.run)
        values = item.values(is_new=False)
        run = self.run
        if run.sync_mode == SyncMode.MANUAL:
            return item.result(Outcome.IGNORED, reason=IS_MANUAL)
        if event_at is not None and run.last_event_at is not None and event_at < run.last_event_at:
            return item.result(Outcome.IGNORED, reason=IS_OLDER)
        self.backend = item.backend
        if run.sync_mode == SyncMode.TO_DRAFT and not self.is_new:
            outcome, changes = self._update_draft(item, values)
        elif run.sync_mode == SyncMode.TO_DRAFT:
            outcome, changes = self._update_new_draft(item, values)
        else:
            outcome, changes = self._update_public(item, values)
        if event_at is not None:
            run.last_event_at = event_at
        return item.result(outcome, changes=changes)

    @property
    def draft(self) -> CourseRun:
        """What staff edit, as the items so far want it."""
        if self._draft is None:
            self._draft = read_draft(self.run)
            self._draft_before = dict(vars(self._draft))
        return self._draft

    @property
    def edited(self) -> CourseRun:
        """What a revision is made of: the draft if there was an item for it, else the row."""
        return self.run if self._draft is None else self._draft

    @property
    def columns(self) -> set[str]:
        """The columns of the row that are not stored yet as they are to be."""
        run, stored = vars(self.run), self._stored
        names = (field.attname for field in CourseRun._meta.concrete_fields)
        return {name for name in names if run[name] != stored[name]}

    @property
    def content_changes(self) -> Changes:
        """What becomes of the content: of the draft's while the run is synchronised to draft, else of the row's."""
        before, after = self._before if self._draft is None else self._draft_before, vars(self.edited)
        return {name: (before[name], after[name]) for name in CONTENT_FIELDS if before[name] != after[name]}

    @property
    def is_counter_changed(self) -> bool:
        """Whether a counter changes."""
        return any(self._before[name] != vars(self.run)[name] for name in COUNTER_FIELDS)

    @property
    def is_loud(self) -> bool:
        """Whether the public version changes in a way that caches are to hear of now."""
        before, after = self._before, vars(self.run)
        if not self.run.live:
            return False
        if self.is_new or self.goes_live or any(before[name] != after[name] for name in CONTENT_FIELDS):
            return True
        return self.is_counter_changed and is_counter_due(before["counter_announced_at"], self._now)

    @property
    def is_draft_changed(self) -> bool:
        """Whether what waits for publication changes, be it that nothing waits any more."""
        if self.goes_live or (self.is_new and self.run.live):
            return False
        return self.needs_revision or self.run.draft_synced_at != self._before["draft_synced_at"]

    @property
    def needs_revision(self) -> bool:
        """Whether the run gets a revision. In ``sync_to_public`` drafts follow the row without any."""
        return self.is_new or self.goes_live or (self._draft is not None and bool(self.content_changes))

    @property
    def is_changed(self) -> bool:
        """Whether there is anything to write."""
        return self.needs_revision or bool(self.columns)

    def settle(self) -> None:
        """Set what follows from all that was decided. To be called once, before the run is written."""
        run = self.run
        if self._draft is not None and self.needs_revision:
            run.has_unpublished_changes = not run.live or self._differs_from_public(self._draft, EDITED_FIELDS)
            # What staff took off the site waits for nobody, nor does what they alone changed.
            is_pending = run.live and self._differs_from_public(self._draft, SENT_FIELDS)
            is_waiting = is_pending or run.is_unpublished_draft
            run.draft_synced_at = self._now if is_waiting else None
        if self.is_loud and not self.is_new and not self.goes_live:
            run.counter_announced_at = self._now
        if self.needs_revision or self.columns - {"last_event_at"}:
            run.last_synced_at = self._now
            run.matched_backend_id, run.matched_course_id = find_match(run.resource_link)

    def note_stored(self) -> None:
        """Take the row as it is for stored."""
        self._stored = dict(vars(self.run))

    def _update_public(self, item: Item, values: dict[str, Any]) -> tuple[Outcome, Changes]:
        """Update the row, and with it every draft, since those keep the row's values of these fields.

        A run that only syncs have touched goes live; one that staff began, scheduled, submitted or unpublished stays
        as it is.
        """
        run = self.run
        changes = differences(run, self._with_link(item, run, values))
        self._assign_to_row(item, changes)
        if run.live:
            self._let_nothing_of_the_lms_wait()
        elif self._may_go_live:
            self.goes_live = True
            run.live, run.has_unpublished_changes, run.draft_synced_at = True, False, None
            run.first_published_at = run.last_published_at = self._now
            return Outcome.UPDATED, changes
        is_content_changed = bool(changes.keys() - set(COUNTER_FIELDS))
        if not changes:
            return Outcome.UNCHANGED, changes
        if is_content_changed and run.is_unpublished_draft:
            run.draft_synced_at = self._now
        return (Outcome.UPDATED if run.live or not is_content_changed else Outcome.DRAFTED), changes

    def _update_draft(self, item: Item, values: dict[str, Any]) -> tuple[Outcome, Changes]:
        """Update the draft alone; the counter goes to the row at once.

        What staff discarded does not come back by being repeated. A draft that came to equal the public version again
        waits for nobody.
        """
        draft = self.draft
        counters = differences(self.run, {name: values[name] for name in COUNTER_FIELDS if name in values})
        assign(self.run, counters)
        content = {name: value for name, value in values.items() if name not in COUNTER_FIELDS}
        changes = differences(draft, self._with_link(item, draft, content))
        if not changes or self.run.is_discarded({name: new for name, (_old, new) in changes.items()}):
            return (Outcome.UPDATED if counters else Outcome.UNCHANGED), counters
        assign(draft, changes)
        self.run.discarded_values = {}
        if not self.run.live:
            self._assign_to_row(item, changes)
        return Outcome.DRAFTED, {**counters, **changes}

    def _update_new_draft(self, item: Item, values: dict[str, Any]) -> tuple[Outcome, Changes]:
        """Update a draft that this very call creates."""
        changes = differences(self.run, self._with_link(item, self.run, values))
        self._assign_to_row(item, changes)
        return (Outcome.DRAFTED if changes else Outcome.UNCHANGED), changes

    def _assign_to_row(self, item: Item, changes: Changes) -> None:
        assign(self.run, changes)
        if "resource_link" in changes:
            self.run.resource_key = item.key

    @staticmethod
    def _with_link(item: Item, subject: CourseRun, values: dict[str, Any]) -> dict[str, Any]:
        """Return the values, and with them the link that was sent if it is another address of this very run.

        A link that staff wrote into a draft, and that leads elsewhere, is left to them.
        """
        if item.is_link_of(subject) or not item.is_about_the_run_at(subject.resource_link):
            return values
        return {"resource_link": item.resource_link, **values}

    def _let_nothing_of_the_lms_wait(self) -> None:
        """Forget that a sync left something waiting in an earlier mode: what the LMS owns is public now."""
        run = self.run
        if run.draft_synced_at is None:
            return
        run.draft_synced_at = None
        owned = set(run.owned_fields)
        others = {name: field for name, field in EDITED_FIELDS.items() if name not in owned}
        run.has_unpublished_changes = self._differs_from_public(read_draft(run), others)

    def _differs_from_public(self, draft: CourseRun, fields: Mapping[str, Field]) -> bool:
        return any(getattr(draft, field.attname) != getattr(self.run, field.attname) for field in fields.values())
