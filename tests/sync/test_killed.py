"""A process is killed at any statement of a call: each run is as before or as after, and its delivery says which."""

from __future__ import annotations

import json
import os
import signal
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime
from typing import Any
from urllib.parse import urlencode

import pytest
from django.contrib.auth.models import User
from django.db import connection, connections
from django.test import Client
from django.urls import reverse
from django.utils import timezone
from wagtail.models import ModelLogEntry

from cms_lms.models import CourseRun, SyncDelivery
from cms_lms.sync.history import SYNC_ACTION
from cms_lms.sync.signature import sign
from cms_lms.sync.standard_webhooks import sign_message
from tests.factories import make_backend, make_course
from tests.sync.conftest import SECRET, URL
from tests.sync.payloads import link, payload

pytestmark = pytest.mark.django_db(transaction=True, serialized_rollback=True)

BEFORE, AFTER = "2027-02-01T08:00:00+00:00", "2030-01-01T00:00:00+00:00"

#: More than any of these calls takes.
MOST_STATEMENTS = 200

#: The runs of each call, by what a call does to them.
CALLS = {
    "a public update": ("public",),
    "a draft update": ("draft",),
    "a creation": ("new",),
    "a list": ("public", "draft", "new", "other"),
}


@pytest.fixture
def catalogue(transactional_db):
    """An Open edX backend and one course."""
    make_backend()
    make_course(code="DemoX")


def post(names: list[str], start: str, message_id: str = "") -> int:
    """Post these runs, one alone or several as a list, as a message where an id is given; return the status code."""
    payloads = [payload(resource_link=link(name), start=start) for name in names]
    body = json.dumps(payloads if len(payloads) > 1 else payloads[0]).encode()
    headers = {"Authorization": sign(body, SECRET)}
    if message_id:
        headers = sign_message(body, SECRET, message_id=message_id, sent_at=timezone.now())
    return Client().post(URL, body, content_type="application/json", headers=headers).status_code


def make_runs(names: list[str]) -> None:
    """Make those that are known before the call."""
    known = [name for name in names if not name.startswith("new")]
    if known:
        assert post(known, BEFORE) == 200
    CourseRun.objects.filter(resource_link__in=[link(name) for name in known if name.startswith("draft")]).update(
        sync_mode="sync_to_draft"
    )


def state(name: str) -> tuple[Any, ...] | None:
    """Return what a run is: its row, its draft, its revisions and its history; None if there is none."""
    run = CourseRun.objects.for_link(link(name)).first()
    if run is None:
        return None
    draft: datetime = run.get_latest_revision_as_object().start
    history = ModelLogEntry.objects.filter(object_id=str(run.pk), action=SYNC_ACTION)
    return (run.start, draft, run.live, run.has_unpublished_changes, run.revisions.count(), history.count())


@contextmanager
def killed_before(number: int) -> Iterator[None]:
    """Kill this very process before it sends so many statements."""
    sent = iter(range(1, MOST_STATEMENTS))

    def execute(run: Callable[..., Any], *arguments: Any) -> Any:
        if next(sent) == number:
            os.kill(os.getpid(), signal.SIGKILL)
        return run(*arguments)

    with connection.execute_wrapper(execute):
        yield


def is_killed(number: int, call: Callable[[], object]) -> bool:
    """Make a call in a process of its own that is killed before its statement of this number; return whether it was."""
    connections.close_all()
    child = os.fork()
    if child == 0:
        try:
            with killed_before(number):
                call()
        finally:
            os._exit(0)
    _child, status = os.waitpid(child, 0)
    return os.WIFSIGNALED(status)


def replay(delivery: SyncDelivery) -> None:
    """Replay a delivery as staff do."""
    client = Client()
    client.force_login(User.objects.get_or_create(username="administrator", is_superuser=True)[0])
    assert client.post(f"{reverse('syncdelivery:replay')}?{urlencode({'id': delivery.pk})}").status_code == 302


@pytest.mark.parametrize("kinds", CALLS.values(), ids=CALLS)
def test_a_killed_call_leaves_all_or_nothing_and_says_which(catalogue, kinds):
    reference = [f"{kind}-reference" for kind in kinds]
    make_runs(reference)
    before = [state(name) for name in reference]
    post(reference, AFTER)
    after = [state(name) for name in reference]
    seen = set()
    for number in range(1, MOST_STATEMENTS):
        names = [f"{kind}-{number}" for kind in kinds]
        make_runs(names)
        known = SyncDelivery.objects.count()

        was_killed = is_killed(number, lambda names=names: post(names, AFTER))

        found = [state(name) for name in names]
        deliveries = list(SyncDelivery.objects.order_by("pk")[known:])
        codes = [delivery.status_code for delivery in deliveries]
        assert (found, codes) in [(before, []), (before, [None]), (after, [200])], number
        seen.add((found == after, *codes))
        if not was_killed:
            break
        # What is missing is had by a replay, or by the sender that got no answer.
        if codes == [None]:
            replay(deliveries[0])
        else:
            assert post(names, AFTER) == 200
        assert [state(name) for name in names] == after, number
        assert SyncDelivery.objects.latest("pk").status_code == 200
    assert not was_killed
    assert seen == {(False,), (False, None), (True, 200)}


def test_a_killed_message_is_completed_when_its_sender_sends_it_again(catalogue):
    post(["reference"], AFTER, "reference")
    after = state("reference")
    for number in range(1, MOST_STATEMENTS):
        name = f"message-{number}"
        known = SyncDelivery.objects.count()

        was_killed = is_killed(number, lambda name=name: post([name], AFTER, name))
        if not was_killed:
            break

        assert state(name) in (None, after), number
        assert post([name], AFTER, name) == 200
        assert state(name) == after, number
        first, *repeats = SyncDelivery.objects.order_by("pk")[known:]
        assert (first.status_code, first.created_count) == (200, 1)
        # Sent again after it was done, it is answered as it was.
        assert [(repeat.status_code, repeat.created_count) for repeat in repeats] in ([], [(200, 0)])
    assert not was_killed
    assert number > 1
