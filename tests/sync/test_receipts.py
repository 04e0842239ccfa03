"""Whatever happens to the process, what was written has its delivery, and what was not can be replayed."""

from __future__ import annotations

import json
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from threading import Barrier

import pytest
from django.db import connection, connections
from django.test import Client
from django.utils import timezone

from cms_lms.models import CourseRun, DeletedRun, SyncDelivery, SyncDeliveryLink
from cms_lms.patterns.urls import resource_key
from cms_lms.sync.replay import replay
from cms_lms.sync.signature import sign
from cms_lms.sync.standard_webhooks import sign_message
from tests.factories import make_backend, make_course
from tests.sync.conftest import SECRET, URL
from tests.sync.payloads import LINK, link, payload

#: More statements than any call here has.
MANY = 100


class Killed(BaseException):
    """The process ends, as nothing in it could catch."""


@contextmanager
def killed_at(number: int):
    """End the process in the place of its statement of that number; what it left open is rolled back."""
    statements = iter(range(number))

    def wrapper(execute, sql, params, many, context):
        if next(statements, None) is None:
            raise Killed
        return execute(sql, params, many, context)

    with connection.execute_wrapper(wrapper):
        yield


def catalogue(mode: str) -> None:
    """An Open edX backend and one course."""
    make_backend(default_sync_mode=mode)
    make_course(code="DemoX")


def post(value, *, is_message: bool = False, number: int = MANY):
    """Post a value in a process that ends at a statement; return the answer, None if there was none."""
    body = json.dumps(value).encode()
    headers = {"Authorization": sign(body, SECRET)}
    if is_message:
        headers |= sign_message(body, SECRET, message_id="msg_1", sent_at=timezone.now())
    try:
        with killed_at(number):
            return Client().post(URL, body, content_type="application/json", headers=headers)
    except Killed:
        return None


def state(run: CourseRun) -> tuple:
    """Return what a run is, to the public and to staff."""
    draft = run.get_latest_revision_as_object()
    return run.resource_link, run.end, run.live, draft.end, run.has_unpublished_changes, run.revisions.count()


@pytest.mark.django_db(transaction=True, serialized_rollback=True)
@pytest.mark.parametrize("is_message", [False, True], ids=["call", "message"])
@pytest.mark.parametrize("mode", ["sync_to_public", "sync_to_draft"])
@pytest.mark.parametrize("is_known", [False, True], ids=["new", "known"])
def test_a_process_that_is_killed_leaves_all_or_nothing_and_a_delivery_that_says_so(mode, is_known, is_message):
    catalogue(mode)
    changed = payload(end="2029-01-01T00:00:00Z")
    interrupted = 0
    for number in range(MANY):
        for model in (CourseRun, DeletedRun, SyncDelivery):
            model.objects.all().delete()
        if is_known:
            assert post(payload()).status_code == 200
            SyncDelivery.objects.all().delete()
        before = [state(run) for run in CourseRun.objects.all()]

        answer = post(changed, is_message=is_message, number=number)

        if answer is not None:
            break
        assert [state(run) for run in CourseRun.objects.all()] == before
        deliveries = list(SyncDelivery.objects.all())
        assert [delivery.status_code for delivery in deliveries] in ([], [None])
        if deliveries:
            interrupted += 1
            assert json.loads(deliveries[0].payload) == changed
            again = post(changed, is_message=True) if is_message else None
            status = again.status_code if again else replay(deliveries[0], user=None, now=timezone.now()).status_code
            assert status == 200
            assert CourseRun.objects.get().get_latest_revision_as_object().end.year == 2029
    assert answer.status_code == 200
    assert SyncDelivery.objects.get().status_code == 200
    # From the receipt on, each statement was the last one once.
    assert interrupted >= 4


@pytest.mark.django_db
def test_a_call_that_changes_nothing_is_stored_once_with_its_answer(django_assert_num_queries):
    catalogue("sync_to_public")
    post(payload())

    # The version of the configuration, the run, and the delivery.
    with django_assert_num_queries(3):
        assert post(payload()).status_code == 200
    assert [delivery.status_code for delivery in SyncDelivery.objects.all()] == [200, 200]


@pytest.mark.django_db
def test_deliveries_are_found_by_the_links_of_their_items():
    catalogue("sync_to_public")
    links = [link("R1"), link("R2"), link("R1", course="Unknown"), "https://elsewhere.example.com/", "no URL"]
    post([payload(resource_link=text) for text in [*links, LINK]])

    found = SyncDeliveryLink.objects.filter(delivery=SyncDelivery.objects.get()).values_list("resource_key", flat=True)
    assert sorted(found) == sorted(resource_key(text) for text in links[:4])


@pytest.mark.django_db(transaction=True, serialized_rollback=True)
@pytest.mark.parametrize("mode", ["sync_to_public", "sync_to_draft"])
def test_a_message_that_comes_many_times_at_once_is_processed_once(mode):
    catalogue(mode)
    count = 4 if connection.vendor == "sqlite" else 12
    barrier = Barrier(count)
    body = json.dumps([payload()]).encode()
    headers = sign_message(body, SECRET, message_id="msg_1", sent_at=timezone.now())

    def send(_number):
        barrier.wait(timeout=30)
        try:
            client = Client(raise_request_exception=False)
            return client.post(URL, body, content_type="application/json", headers=headers)
        finally:
            connections.close_all()

    with ThreadPoolExecutor(count) as pool:
        answers = list(pool.map(send, range(count)))

    assert {(answer.status_code, answer.content, answer["Sync-Outcome"]) for answer in answers} == {
        (200, json.dumps({LINK: {"success": True}}, separators=(",", ":")).encode(), answers[0]["Sync-Outcome"])
    }
    assert answers[0]["Sync-Outcome"].startswith("created=1")
    assert CourseRun.objects.get().revisions.count() == 1
    assert SyncDelivery.objects.exclude(webhook_key=None).get().created_count == 1
    assert not SyncDelivery.objects.filter(status_code=None).exists()
    assert sum(SyncDelivery.objects.values_list("created_count", flat=True)) == 1
