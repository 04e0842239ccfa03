"""Many senders at once against editors who publish, and long fuzzing. The long figures: ``make test-long``."""

from __future__ import annotations

import datetime as dt
import json
import random
from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.db import connection, connections
from django.test import Client
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from wagtail.models import ModelLogEntry

from cms_lms.models import CourseRun, SyncDelivery
from cms_lms.sync.history import SYNC_ACTION
from cms_lms.sync.signature import sign
from tests.admin.browsing import submit, url
from tests.factories import make_backend, make_course
from tests.sync.conftest import SECRET, URL
from tests.sync.payloads import link, payload
from tests.sync.test_rubbish import FIELDS, VALUES

pytestmark = pytest.mark.django_db(transaction=True, serialized_rollback=True)

#: What the values of a post are counted from: each post has a number of its own, and every field says it.
EPOCH = dt.datetime(2027, 1, 1, tzinfo=dt.UTC)
LENGTH = dt.timedelta(days=100)


@pytest.fixture
def catalogue(transactional_db):
    """An Open edX backend and one course."""
    make_backend()
    make_course(code="DemoX")


def call(body: bytes) -> int:
    """Post a body and return the status code."""
    return (
        Client(raise_request_exception=False)
        .post(URL, body, content_type="application/json", headers={"Authorization": sign(body, SECRET)})
        .status_code
    )


def numbered(run: int, number: int) -> dict[str, Any]:
    """Return the payload of a run whose every value is made of one number."""
    start = EPOCH + dt.timedelta(minutes=number)
    return payload(
        resource_link=link(f"R{run}"),
        start=start.isoformat(),
        end=(start + LENGTH).isoformat(),
        discount=str(number),
        enrollment_count=number,
    )


def number_of(run: CourseRun) -> int:
    """Return which of the load's runs it is."""
    return int(run.resource_link.rpartition("+R")[2].partition("/")[0])


def read_number(run: CourseRun) -> int:
    """Return the number that a run's values are made of; two of them would be a run that is half-written."""
    number = int(run.discount)
    start = EPOCH + dt.timedelta(minutes=number)
    assert (run.start, run.end) == (start, start + LENGTH)
    return number


@dataclass
class Load:
    """Senders and editors at the same runs at once. The first half of the runs is there before, synchronised to draft.

    ``last_sent``: by run, the number that each sender sent last. ``last_titles``: by run, what each editor last
    published.
    """

    senders: int
    editors: int
    runs: int
    rounds: int
    statuses: Counter[int] = field(default_factory=Counter)
    last_sent: dict[int, dict[int, int]] = field(default_factory=dict)
    last_titles: dict[int, dict[int, str]] = field(default_factory=dict)

    @property
    def drafts(self) -> range:
        """The runs that are synchronised to draft."""
        return range(self.runs // 2)

    @property
    def publics(self) -> range:
        """The runs that are not there before."""
        return range(self.runs // 2, self.runs)

    def run(self) -> None:
        """Let all of them work, each in a thread of its own."""
        self.last_sent = {run: {} for run in range(self.runs)}
        self.last_titles = {run: {} for run in range(self.runs)}
        assert call(json.dumps([numbered(run, 0) for run in self.drafts]).encode()) == 200
        CourseRun.objects.update(sync_mode="sync_to_draft")
        user = User.objects.create_superuser("editor")
        with ThreadPoolExecutor(self.senders + self.editors) as pool:
            sent = [pool.submit(self.send, number) for number in range(self.senders)]
            editing = [
                pool.submit(self.edit, number, self.by_revision if number % 2 == 0 else by_form(user))
                for number in range(self.editors)
            ]
            for future in [*sent, *editing]:
                future.result()

    def send(self, sender: int) -> None:
        """Post all runs in any order in a list, then each alone, and so on, with new numbers each time."""
        order = random.Random(sender)  # noqa: S311
        runs = list(range(self.runs))
        try:
            for turn in range(self.rounds):
                number = 1 + sender * self.rounds + turn
                order.shuffle(runs)
                items = [numbered(run, number) for run in runs]
                # The turns begin differently, so that lists meet single runs.
                bodies = [items] if (turn + sender) % 2 else items
                for body in bodies:
                    self.statuses[call(json.dumps(body).encode())] += 1
                for run in runs:
                    self.last_sent[run][sender] = number
        finally:
            connections.close_all()

    def edit(self, editor: int, publish: Callable[[CourseRun, str], bool]) -> None:
        """Give each run a title and publish it, again and again."""
        try:
            for turn in range(self.rounds):
                for run in CourseRun.objects.all():
                    title = f"{editor}.{turn}"
                    if publish(run, title):
                        self.last_titles[number_of(run)][editor] = title
        finally:
            connections.close_all()

    @staticmethod
    def by_revision(run: CourseRun, title: str) -> bool:
        """Publish as Wagtail's own actions do."""
        draft = run.get_latest_revision_as_object()
        draft.title = title
        draft.save_revision(clean=False).publish()
        return True


def by_form(user: User) -> Callable[[CourseRun, str], bool]:
    """Return what publishes through the admin; not where the form is shown again, since the run changed meanwhile."""
    client = Client(raise_request_exception=False)
    client.force_login(user)

    def publish(run: CourseRun, title: str) -> bool:
        answer = submit(client, url(CourseRun, "edit", run.pk), {"title": title}, "action-publish")
        assert answer.status_code in (200, 302)
        return answer.status_code == 302

    return publish


def check(load: Load) -> None:
    """Check that what is there now is what some order of one call after the other would have left."""
    assert set(load.statuses) == {200}
    runs = {number_of(run): run for run in CourseRun.objects.all()}
    assert sorted(runs) == list(range(load.runs))
    for number, run in runs.items():
        assert run.live
        titles = set(load.last_titles[number].values())
        assert run.title in (titles or {""}), number
        steps = steps_of(run)
        assert ModelLogEntry.objects.filter(object_id=str(run.pk), action=SYNC_ACTION).count() == len(steps)
        if number in load.publics:
            assert read_number(run) == run.enrollment_count
            assert read_number(run) in load.last_sent[number].values()
            assert read_number(run.get_latest_revision_as_object()) == read_number(run)
            check_chain(steps, run)
        else:
            # Editors publish drafts over those that were synchronised meanwhile, but no half of one.
            read_number(run)
            read_number(run.get_latest_revision_as_object())
            assert run.enrollment_count in load.last_sent[number].values()


def steps_of(run: CourseRun) -> list[tuple[str | None, str]]:
    """Return what each delivery says of a run's start: what it found and what it left."""
    return [
        tuple(item["changes"]["start"])
        for delivery in SyncDelivery.objects.all()
        for item in delivery.items
        if item["run"] == run.pk and "start" in item["changes"]
    ]


def check_chain(steps: list[tuple[str | None, str]], run: CourseRun) -> None:
    """Check that each step found what another one left, from nothing to what is there now: no update was lost."""
    following = dict(steps)
    assert len(following) == len(steps)
    reached, length = following.pop(None), 1
    while reached in following:
        reached = following.pop(reached)
        length += 1
    assert (dt.datetime.fromisoformat(reached), length) == (run.start, len(steps))


def test_senders_and_editors_at_once(catalogue):
    load = Load(senders=3, editors=2, runs=4, rounds=2)
    load.run()
    check(load)


@pytest.mark.long
def test_many_senders_and_editors_at_once(catalogue):
    senders, editors = (50, 5) if connection.vendor != "sqlite" else (4, 2)
    load = Load(senders=senders, editors=editors, runs=20, rounds=2)
    load.run()
    check(load)


@pytest.mark.long
@settings(max_examples=5000, deadline=None, suppress_health_check=list(HealthCheck))
@given(items=st.lists(st.dictionaries(FIELDS, VALUES, max_size=8), max_size=3), is_list=st.booleans())
def test_any_json_gets_an_answer_below_500(catalogue, items, is_list):
    for item in items:
        item.setdefault("resource_link", link())

    assert call(json.dumps(items if is_list else (items[0] if items else {})).encode()) in (200, 400)
