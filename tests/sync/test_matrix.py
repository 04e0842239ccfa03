"""The whole table "What each mode does", on every situation of a run: what a call does and what it leaves alone.

The table is written out, so that each expectation can be read, and disputed, in its line.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, NamedTuple

import pytest
from django.db import transaction
from wagtail.models import ModelLogEntry, Revision, TaskState, WorkflowState

from cms_lms.models import CourseRun
from cms_lms.runs.fields import VERSIONED_FIELDS, SyncMode
from cms_lms.sync.effects import course_run_synced
from tests.admin.conftest import make_client
from tests.factories import make_backend, make_course, make_run
from tests.sync.payloads import LINK, payload
from tests.sync.situations import SITUATIONS, Makers

pytestmark = pytest.mark.django_db

NEW_DATE = "2027-07-15T22:00:00+00:00"

#: What is new in the payload: the field, and its value. The backend protects ``enrollment_end``.
CHANGES: dict[str, tuple[str, Any]] = {
    "nothing": ("end", payload()["end"]),
    "owned": ("end", NEW_DATE),
    "protected": ("enrollment_end", NEW_DATE),
    "counter": ("enrollment_count", 43),
}

#: What calls note of themselves, whatever they change.
MOMENTS = {"last_synced_at", "last_event_at", "draft_synced_at", "draft_notified_at", "counter_announced_at"}

#: Wagtail's own columns, of which the table speaks.
PUBLICATION = {
    "live",
    "has_unpublished_changes",
    "latest_revision_id",
    "live_revision_id",
    "first_published_at",
    "last_published_at",
}

# situation, mode, change   The first line that fits holds; * fits all.
# outcome                   what the header counts
# row, draft                the value of the field that the payload changes: on the row, and as staff see it
# live, pending, waits      whether the run is live, has unpublished changes, and since when something of a sync
#                           waits for staff: now, never (-), or (=) as before
# revision, line, signal    whether there is a new revision, a new line in the history, and a signal to the site
TABLE = """
situation        mode            change     outcome    row  draft  live  pending  waits  revision  line  signal

*                manual          *          ignored    old  old    =     =        =      no        no    no

*                sync_to_draft   nothing    unchanged  old  old    =     =        =      no        no    no
*                sync_to_draft   protected  unchanged  old  old    =     =        =      no        no    no
live             sync_to_draft   counter    updated    new  new    yes   no       -      no        no    yes
live_pending     sync_to_draft   counter    updated    new  new    yes   yes      -      no        no    yes
live_scheduled   sync_to_draft   counter    updated    new  new    yes   yes      -      no        no    yes
live_moderated   sync_to_draft   counter    updated    new  new    yes   yes      -      no        no    yes
live_locked      sync_to_draft   counter    updated    new  new    yes   no       -      no        no    yes
*                sync_to_draft   counter    updated    new  new    no    yes      =      no        no    no
synced_draft     sync_to_draft   owned      drafted    new  new    no    yes      now    yes       yes   no
begun_draft      sync_to_draft   owned      drafted    new  new    no    yes      now    yes       yes   no
edited_draft     sync_to_draft   owned      drafted    new  new    no    yes      now    yes       yes   no
scheduled_draft  sync_to_draft   owned      drafted    new  new    no    yes      now    yes       yes   no
moderated_draft  sync_to_draft   owned      drafted    new  new    no    yes      now    yes       yes   no
rejected_draft   sync_to_draft   owned      drafted    new  new    no    yes      now    yes       yes   no
locked_draft     sync_to_draft   owned      drafted    new  new    no    yes      now    yes       yes   no
live             sync_to_draft   owned      drafted    old  new    yes   yes      now    yes       yes   no
live_pending     sync_to_draft   owned      drafted    old  new    yes   yes      now    yes       yes   no
live_scheduled   sync_to_draft   owned      drafted    old  new    yes   yes      now    yes       yes   no
live_moderated   sync_to_draft   owned      drafted    old  new    yes   yes      now    yes       yes   no
live_locked      sync_to_draft   owned      drafted    old  new    yes   yes      now    yes       yes   no
unpublished      sync_to_draft   owned      drafted    new  new    no    yes      -      yes       yes   no

synced_draft     sync_to_public  nothing    updated    old  old    yes   no       -      yes       yes   yes
locked_draft     sync_to_public  nothing    updated    old  old    yes   no       -      yes       yes   yes
*                sync_to_public  nothing    unchanged  old  old    =     =        =      no        no    no
synced_draft     sync_to_public  protected  updated    old  old    yes   no       -      yes       yes   yes
locked_draft     sync_to_public  protected  updated    old  old    yes   no       -      yes       yes   yes
*                sync_to_public  protected  unchanged  old  old    =     =        =      no        no    no
synced_draft     sync_to_public  counter    updated    new  new    yes   no       -      yes       yes   yes
locked_draft     sync_to_public  counter    updated    new  new    yes   no       -      yes       yes   yes
live             sync_to_public  counter    updated    new  new    yes   no       -      no        no    yes
live_pending     sync_to_public  counter    updated    new  new    yes   yes      -      no        no    yes
live_scheduled   sync_to_public  counter    updated    new  new    yes   yes      -      no        no    yes
live_moderated   sync_to_public  counter    updated    new  new    yes   yes      -      no        no    yes
live_locked      sync_to_public  counter    updated    new  new    yes   no       -      no        no    yes
*                sync_to_public  counter    updated    new  new    no    yes      =      no        no    no
synced_draft     sync_to_public  owned      updated    new  new    yes   no       -      yes       yes   yes
begun_draft      sync_to_public  owned      drafted    new  new    no    yes      now    no        yes   no
edited_draft     sync_to_public  owned      drafted    new  new    no    yes      now    no        yes   no
scheduled_draft  sync_to_public  owned      drafted    new  new    no    yes      now    no        yes   no
moderated_draft  sync_to_public  owned      drafted    new  new    no    yes      now    no        yes   no
rejected_draft   sync_to_public  owned      drafted    new  new    no    yes      now    no        yes   no
locked_draft     sync_to_public  owned      updated    new  new    yes   no       -      yes       yes   yes
live             sync_to_public  owned      updated    new  new    yes   no       -      no        yes   yes
live_pending     sync_to_public  owned      updated    new  new    yes   yes      -      no        yes   yes
live_scheduled   sync_to_public  owned      updated    new  new    yes   yes      -      no        yes   yes
live_moderated   sync_to_public  owned      updated    new  new    yes   yes      -      no        yes   yes
live_locked      sync_to_public  owned      updated    new  new    yes   no       -      no        yes   yes
unpublished      sync_to_public  owned      drafted    new  new    no    yes      -      no        yes   no
"""


class Line(NamedTuple):
    """A line of the table."""

    situation: str
    mode: str
    change: str
    outcome: str
    row: str
    draft: str
    live: str
    pending: str
    waits: str
    revision: str
    line: str
    signal: str

    def fits(self, *case: str) -> bool:
        """Whether the line speaks of a situation, mode and change."""
        return all(named in ("*", asked) for named, asked in zip(self, case, strict=False))


LINES = [Line(*line.split()) for line in TABLE.splitlines()[2:] if line]

CASES = [(situation, mode, change) for situation in SITUATIONS for mode in SyncMode.values for change in CHANGES]


class State(NamedTuple):
    """All that a call could change of a run, or around it."""

    row: dict[str, Any]
    draft: dict[str, Any]
    revisions: dict[int, dict[str, Any]]
    schedule: list[dict[str, Any]]
    moderation: list[dict[str, Any]]
    lines: int
    others: list[dict[str, Any]]


def take_state() -> State:
    """Read the run afresh."""
    run = CourseRun.objects.for_link(LINK).get()
    draft = run.get_latest_revision_as_object()
    return State(
        row=CourseRun.objects.filter(pk=run.pk).values().get(),
        draft={name: getattr(draft, name) for name in (*VERSIONED_FIELDS, "enrollment_count", "go_live_at")},
        revisions={revision.pk: revision.content for revision in run.revisions},
        schedule=list(run.revisions.exclude(approved_go_live_at=None).values("pk", "approved_go_live_at", "content")),
        moderation=[*WorkflowState.objects.order_by("pk").values(), *TaskState.objects.order_by("pk").values()],
        lines=ModelLogEntry.objects.count(),
        others=list(CourseRun.objects.exclude(pk=run.pk).values()),
    )


@pytest.fixture
def makers(db, post) -> Makers:
    """The LMS and its course, people, and another run of the course with something pending."""
    make_backend(name="Campus", no_update_fields=["enrollment_end"])
    sibling = make_run(course=make_course(code="DemoX"), sync_mode=SyncMode.TO_PUBLIC)
    sibling.title = "Pending"
    sibling.save_revision()
    return Makers(post, make_client("Course editors"), make_client("Course publishers"))


@pytest.fixture
def signals():
    """Collect the ids of runs whose public version changed."""
    ids: list[int] = []

    def receive(sender, run_id, **kwargs):
        ids.append(run_id)

    course_run_synced.connect(receive)
    yield ids
    course_run_synced.disconnect(receive)


@pytest.mark.parametrize("situation", SITUATIONS)
def test_what_a_call_does(situation, makers, post, signals, subtests):
    SITUATIONS[situation](makers)
    for mode in SyncMode.values:
        with undone():
            makers.set_mode(CourseRun.objects.for_link(LINK).get(), mode)
            for change in CHANGES:
                with subtests.test(mode=mode, change=change), undone():
                    expected = next(line for line in LINES if line.fits(situation, mode, change))
                    check(expected, *CHANGES[change], post, signals)


@contextmanager
def undone() -> Iterator[None]:
    """Take back what the block does."""
    with transaction.atomic():
        yield
        transaction.set_rollback(True)


def check(expected: Line, field: str, value: Any, post, signals: list[int]) -> None:
    """Post a payload with a value of a field, and look at all that it could have changed."""
    before = take_state()
    signals.clear()

    response = post(payload(**{field: value}))

    assert (response.status_code, response.json()) == (200, {"success": True})
    after = take_state()
    new = dt.datetime.fromisoformat(value) if isinstance(value, str) else value
    values = {"old": before.draft[field], "new": new}
    assert expected.outcome + "=1" in response["Sync-Outcome"].split(", ")
    assert (after.row[field], after.draft[field]) == (values[expected.row], values[expected.draft])
    for column, told in (("live", expected.live), ("has_unpublished_changes", expected.pending)):
        assert after.row[column] == {"yes": True, "no": False, "=": before.row[column]}[told]
    waits = {"now": after.row["last_synced_at"], "-": None, "=": before.row["draft_synced_at"]}
    assert after.row["draft_synced_at"] == waits[expected.waits]
    assert (expected.waits == "now") <= (after.row["draft_synced_at"] != before.row["draft_synced_at"])
    assert len(after.revisions) - len(before.revisions) == (expected.revision == "yes")
    assert after.lines - before.lines == (expected.line == "yes")
    assert signals == ([after.row["id"]] if expected.signal == "yes" else [])

    # What no call does, whatever the line.
    changed = {name for name in before.draft if after.draft[name] != before.draft[name]}
    assert changed <= {field}
    changed = {name for name in before.row if after.row[name] != before.row[name]}
    assert changed <= {field, *MOMENTS, *PUBLICATION}
    assert before.revisions.items() <= after.revisions.items()
    assert after.schedule == before.schedule
    assert after.moderation == before.moderation
    assert after.others == before.others
    newest = Revision.objects.filter(pk__in=after.revisions.keys() - before.revisions.keys())
    assert [revision.user for revision in newest] == [None] * (expected.revision == "yes")
    lines = ModelLogEntry.objects.filter(action="cms_lms.sync").order_by("-pk")[: after.lines - before.lines]
    assert [(line.user, line.data["backend"]) for line in lines] == [(None, "Campus")] * (expected.line == "yes")
    if after.row["has_unpublished_changes"] == before.row["has_unpublished_changes"] and expected.revision == "no":
        assert after.row["latest_revision_id"] == before.row["latest_revision_id"]


def test_every_line_of_the_table_is_the_first_that_fits_a_case():
    first = {next(line for line in LINES if line.fits(*case)) for case in CASES}

    assert first == set(LINES)
