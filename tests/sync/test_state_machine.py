"""Syncs, editors, publishers, moderators and the clock, in any order, against a model of what the public should see and
what the draft should be.

The model is Wagtail's in a few lines, a row and what each revision says, with the two rules of this project: a sync
to draft writes to the draft, and in ``sync_to_public`` the row answers for what the LMS owns.
"""

from __future__ import annotations

import datetime as dt
import json
from typing import Any

import pytest
from django.core.management import call_command
from django.db import transaction
from django.test import Client, TestCase, override_settings
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)
from wagtail.models import Revision

from cms_lms.models import CourseRun, DeletedRun
from cms_lms.runs.fields import OFFER_FIELDS, SyncMode
from cms_lms.sync.signature import sign
from tests.admin.browsing import url
from tests.admin.conftest import make_client
from tests.factories import make_backend, make_course
from tests.sync.conftest import SECRET, URL
from tests.sync.payloads import LINK
from tests.sync.situations import make_workflow

Values = dict[str, Any]

OWNED = ("start", "end")
PROTECTED = ("enrollment_end",)
DATES = (*OWNED, *PROTECTED)

PAST = dt.datetime(2001, 1, 1, tzinfo=dt.UTC)
FUTURE = dt.datetime(2999, 1, 1, tzinfo=dt.UTC)

moments = st.none() | st.sampled_from([dt.datetime(2030, month, 1, tzinfo=dt.UTC) for month in (1, 2, 3)])
payloads = st.fixed_dictionaries({}, optional={**dict.fromkeys(DATES, moments), "enrollment_count": st.integers(0, 2)})


class Site(RuleBasedStateMachine):
    """One run, whatever happens to it. All is undone in the end; the LMS and the people are there before."""

    root: Client

    def __init__(self) -> None:
        super().__init__()
        self.transaction = transaction.atomic()
        self.transaction.__enter__()
        self.titles = 0
        self.is_tombstone = False
        self.forget()

    def teardown(self) -> None:
        """Undo all of it."""
        transaction.set_rollback(True)
        self.transaction.__exit__(None, None, None)

    # The model

    def forget(self) -> None:
        """There is no run."""
        self.row: Values = {}
        self.count = 0
        self.mode = ""
        self.live = self.was_live = self.pending = self.is_staffs = self.locked = False
        self.said: dict[int, Values] = {}  # by each revision
        self.latest: int | None = None
        self.scheduled: int | None = None
        self.moderation = ""
        self.promised: Values = {}  # what was last synchronised to public, while the run is in that mode

    def read(self, said: Values) -> Values:
        """Return what a revision stands for now."""
        owned = {name: self.row[name] for name in OWNED} if self.mode == SyncMode.TO_PUBLIC else {}
        return {**self.row, **said, **owned}

    @property
    def draft(self) -> Values:
        """What staff see."""
        return self.read(self.said[self.latest]) if self.pending else self.row

    def store(self, values: Values) -> None:
        """There is a new revision."""
        self.latest = self.run.latest_revision_id
        assert self.latest not in self.said
        left_out = OWNED if self.mode == SyncMode.TO_PUBLIC else ()
        self.said[self.latest] = {name: value for name, value in values.items() if name not in left_out}

    def save(self, values: Values) -> None:
        """Staff saved a draft: while nothing is public, the row follows it."""
        if not self.live:
            self.row = values
        self.store(values)
        self.pending = self.is_staffs = True

    def publish(self, pk: int) -> None:
        """A revision was published, or will be at its date."""
        values = self.read(self.said[pk])
        if values["go_live_at"] == FUTURE:
            self.scheduled = pk
            if self.live:
                return
            self.pending = True
        else:
            self.live = self.was_live = True
            self.pending = pk != self.latest
            self.scheduled = None
        self.row = values
        self.moderation = ""

    # The LMS

    @initialize(values=payloads, mode=st.sampled_from(SyncMode.values))
    def begin(self, values: Values, mode: str) -> None:
        """Usually there is a run."""
        self.synchronize(values, mode)

    @rule(values=payloads, mode=st.sampled_from(SyncMode.values))
    def synchronize(self, values: Values, mode: str) -> None:
        """The LMS posts; ``mode`` is the site's for new runs."""
        texts = {name: value and value.isoformat() for name, value in values.items() if name in DATES}
        body = json.dumps({"resource_link": LINK, "languages": ["en"], **values, **texts}).encode()
        with override_settings(CMS_LMS_DEFAULT_SYNC_MODE=mode), TestCase.captureOnCommitCallbacks(execute=True):
            headers = {"Authorization": sign(body, SECRET)}
            response = Client().post(URL, body, content_type="application/json", headers=headers)
        if self.row:
            assert response.status_code == 200, response.content
            self.update(values)
        elif self.is_tombstone or mode != SyncMode.MANUAL:
            assert response.status_code == 200, response.content
            if not self.is_tombstone:
                self.create(values, mode)
        else:
            assert response.status_code == 400, response.content

    def create(self, values: Values, mode: str) -> None:
        """The LMS named a new run."""
        self.mode = mode
        self.row = {"title": "", "go_live_at": None, **{name: values.get(name) for name in DATES}}
        self.count = values.get("enrollment_count", 0)
        self.live = self.was_live = mode == SyncMode.TO_PUBLIC
        self.pending = not self.live
        self.store(self.row)
        self.promise(values)

    def update(self, values: Values) -> None:
        """The LMS named the run again."""
        if self.mode == SyncMode.MANUAL:
            return
        self.count = values.get("enrollment_count", self.count)
        owned = {name: values[name] for name in OWNED if name in values}
        if self.mode == SyncMode.TO_PUBLIC:
            self.row = {**self.row, **owned}
            self.promise(values)
            if not (self.live or self.was_live or self.is_staffs or self.scheduled or self.moderation):
                self.store(self.row)
                self.publish(self.latest)
            return
        draft = self.draft
        changes = {name: value for name, value in owned.items() if draft[name] != value}
        if not changes:
            return
        if not self.live:
            self.row = {**self.row, **changes}
        self.store({**draft, **changes})
        self.pending = not self.live or {**draft, **changes} != self.row

    def promise(self, values: Values) -> None:
        """Remember what the public must see until the mode is changed."""
        if self.mode == SyncMode.TO_PUBLIC:
            self.promised |= {name: values[name] for name in OWNED if name in values}

    # Staff

    def is_run(self) -> bool:
        """Whether there is a run."""
        return bool(self.row)

    def is_editable(self) -> bool:
        """Whether Wagtail lets anybody into the form."""
        return self.is_run() and self.scheduled is None

    @property
    def run(self) -> CourseRun:
        """The run afresh."""
        return CourseRun.objects.get()

    def change(self, button: str, view: str = "edit", *args: Any, **changes: Any) -> Values:
        """Post the run's form with other values, and return what it should have stored."""
        self.titles += 1
        run = self.run
        shown = run.revisions.get(pk=args[0]).as_object() if args else run.get_latest_revision_as_object()
        values = {name: getattr(shown, name) for name in (*self.row, "enrollment_start", "display_mode", *OFFER_FIELDS)}
        if not args:
            values["title"] = f"Title {self.titles}"
        values |= changes
        texts = {
            name: f"{value:%Y-%m-%d %H:%M:%S}" if isinstance(value, dt.datetime) else value or ""
            for name, value in values.items()
        }
        texts |= {"course": run.course_id, "resource_link": LINK, "languages": ["en"], "catalog_visibility": "hidden"}
        response = self.root.post(url(CourseRun, view, run.pk, *args), {**texts, button or "save": "1"})
        assert response.status_code == 302, response.context["form"].errors
        return self.read({name: values[name] for name in self.row})

    @precondition(is_editable)
    @rule(changes=st.fixed_dictionaries({}, optional=dict.fromkeys(DATES, moments)))
    def edit(self, changes: Values) -> None:
        """An editor saves the form with dates of her own."""
        self.save(self.change("", **changes))

    @precondition(is_editable)
    @rule(go_live_at=st.sampled_from([None, None, FUTURE]))
    def edit_and_publish(self, go_live_at: dt.datetime | None) -> None:
        """A publisher publishes the form, now or at a date."""
        self.save(self.change("action-publish", go_live_at=go_live_at))
        self.publish(self.latest)

    @precondition(lambda self: self.is_editable() and self.moderation != "in_progress")
    @rule()
    def edit_and_submit(self) -> None:
        """An editor submits the form to moderation."""
        self.save(self.change("action-submit"))
        self.moderation = "in_progress"

    @precondition(lambda self: self.is_editable() and self.moderation == "in_progress")
    @rule(action=st.sampled_from(["approve", "reject"]))
    def moderate(self, action: str) -> None:
        """A moderator decides."""
        task = self.run.current_workflow_task_state
        address = url(CourseRun, "workflow_action", self.run.pk, action, task.pk)
        assert self.root.post(address, {"comment": ""}).status_code in (200, 302)
        if action == "approve":
            self.moderation = ""
            self.publish(self.latest)
        else:
            self.moderation = "needs_changes"

    @precondition(is_editable)
    @rule(data=st.data())
    def revert(self, data: st.DataObject) -> None:
        """An editor takes up an earlier version."""
        pk = data.draw(st.sampled_from(sorted(self.said)))
        self.save(self.change("", "revisions_revert", pk))

    @precondition(lambda self: self.live)
    @rule()
    def unpublish(self) -> None:
        """A publisher takes the run off the site."""
        self.root.post(url(CourseRun, "unpublish", self.run.pk))
        self.live, self.pending, self.scheduled = False, True, None

    @precondition(lambda self: self.scheduled)
    @rule()
    def unschedule(self) -> None:
        """A publisher calls the date off."""
        self.root.post(url(CourseRun, "revisions_unschedule", self.run.pk, self.scheduled))
        self.scheduled = None

    @precondition(lambda self: self.scheduled)
    @rule()
    def let_time_pass(self) -> None:
        """The date comes."""
        scheduled = Revision.objects.get(pk=self.scheduled)
        content = {**scheduled.content, "go_live_at": PAST.isoformat()}
        Revision.objects.filter(pk=self.scheduled).update(approved_go_live_at=PAST, content=content)
        call_command("publish_scheduled")
        self.said[self.scheduled]["go_live_at"] = PAST
        self.publish(self.scheduled)

    @precondition(is_run)
    @rule(mode=st.sampled_from(SyncMode.values))
    def set_mode(self, mode: str) -> None:
        """A publisher changes the synchronisation: what the row answered for, revisions have to say from now on."""
        self.root.post(url(CourseRun, "sync_mode", self.run.pk), {"sync_mode": mode})
        if mode == self.mode:
            return
        if self.mode == SyncMode.TO_PUBLIC:
            owned = {name: self.row[name] for name in OWNED}
            latest, self.latest = self.latest, self.run.latest_revision_id
            self.is_staffs |= latest != self.latest
            for pk in {latest, self.scheduled} - {None}:
                self.said[pk] = {**self.said[pk], **owned}
            self.said[self.latest] = self.said[latest]
        self.mode = mode
        self.promised = {}

    @precondition(is_run)
    @rule()
    def lock(self) -> None:
        """A publisher locks the run, or unlocks it."""
        self.root.post(url(CourseRun, "unlock" if self.locked else "lock", self.run.pk))
        self.locked = not self.locked

    @precondition(is_run)
    @rule()
    def delete(self) -> None:
        """A publisher deletes the run, and with it what its LMS says of it."""
        self.root.post(url(CourseRun, "delete", self.run.pk))
        self.forget()
        self.is_tombstone = True

    @precondition(lambda self: self.is_tombstone)
    @rule()
    def lift(self) -> None:
        """Somebody lets the LMS bring it back."""
        DeletedRun.objects.all().delete()
        self.is_tombstone = False

    # What must be so

    @invariant()
    def public_draft_and_plans_are_as_they_should_be(self) -> None:
        """Look at all of it."""
        assert CourseRun.objects.count() == self.is_run()
        if not self.is_run():
            return
        run = self.run
        draft = run.get_latest_revision_as_object()
        assert (run.live, run.has_unpublished_changes, run.sync_mode) == (self.live, self.pending, self.mode)
        assert {name: getattr(run, name) for name in self.row} == self.row
        assert {name: getattr(draft, name) for name in self.row} == self.draft
        assert (run.enrollment_count, draft.enrollment_count) == (self.count, self.count)
        assert {name: getattr(run, name) for name in self.promised} == self.promised
        scheduled = run.scheduled_revision
        assert (scheduled and scheduled.pk) == self.scheduled
        state = run.current_workflow_state
        assert (state.status if state else "") == self.moderation
        assert run.locked == self.locked
        if run.draft_synced_at is not None:
            assert run.has_unpublished_changes


@pytest.fixture
def machine(db) -> type[Site]:
    """The LMS, its course, and somebody who may do everything."""
    make_backend(no_update_fields=list(PROTECTED))
    make_course(code="DemoX")
    root = make_client("Course publishers", superuser=True, username="root")
    make_workflow(root)
    return type("Site", (Site,), {"root": root})


def check(machine: type[Site], **figures: Any) -> None:
    """Run the machine; the same way each time, so that what fails once fails always."""
    kinds = settings(deadline=None, derandomize=True, suppress_health_check=list(HealthCheck), **figures)
    run_state_machine_as_test(machine, settings=kinds)


def test_whatever_happens(machine):
    check(machine, max_examples=30, stateful_step_count=12)


@pytest.mark.long
def test_whatever_happens_for_long(machine):
    check(machine, max_examples=200, stateful_step_count=30)
