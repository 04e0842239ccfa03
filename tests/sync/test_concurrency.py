"""Senders that post at the same moment: one run per link, nothing lost, nobody is answered 500."""

from __future__ import annotations

import json
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier

import pytest
from django.db import connection, connections
from django.test import Client
from wagtail.models import WorkflowState

from cms_lms.models import CourseRun, LMSBackend, SyncDelivery
from cms_lms.sync.moderation import moderate_draft
from cms_lms.sync.signature import sign
from tests.factories import make_backend, make_course, make_workflow
from tests.sync.conftest import SECRET, URL
from tests.sync.payloads import link, payload

pytestmark = pytest.mark.django_db(transaction=True, serialized_rollback=True)

RUNS = 5


@pytest.fixture
def threads():
    """How many senders post at once; SQLite has one writer at a time anyway."""
    return 12 if connection.vendor != "sqlite" else 4


@pytest.fixture
def catalogue(transactional_db):
    """An Open edX backend and one course."""
    make_backend()
    make_course(code="DemoX")


def post_at_once(bodies):
    """Post each body from a thread of its own, all at the same moment; return the status codes."""
    barrier = Barrier(len(bodies))

    def post(body):
        barrier.wait(timeout=30)
        try:
            return (
                Client(raise_request_exception=False)
                .post(URL, body, content_type="application/json", headers={"Authorization": sign(body, SECRET)})
                .status_code
            )
        finally:
            connections.close_all()

    with ThreadPoolExecutor(len(bodies)) as pool:
        return list(pool.map(post, bodies))


def test_first_posts_of_the_same_run_make_one(catalogue, threads):
    bodies = [json.dumps(payload()).encode()] * threads

    assert post_at_once(bodies) == [200] * threads
    run = CourseRun.objects.get()
    assert (run.live, run.has_unpublished_changes) == (True, False)
    assert run.revisions.count() == 1
    outcomes = SyncDelivery.objects.values_list("created_count", "unchanged_count")
    assert sorted(outcomes, reverse=True) == [(1, 0), *[(0, 1)] * (threads - 1)]


def test_lists_in_any_order_neither_deadlock_nor_double(catalogue, threads):
    items = [payload(resource_link=link(f"R{number}")) for number in range(RUNS)]
    bodies = [json.dumps(items[::-1] if number % 2 else items).encode() for number in range(threads)]

    assert post_at_once(bodies) == [200] * threads
    assert CourseRun.objects.count() == RUNS


@pytest.mark.parametrize("mode", ["sync_to_public", "sync_to_draft"])
def test_updates_of_different_fields_lose_nothing(catalogue, threads, mode):
    post_at_once([json.dumps(payload()).encode()])
    CourseRun.objects.update(sync_mode=mode)
    changes = [{"end": "2028-01-01T00:00:00Z"}, {"start": None}, {"languages": ["fr"]}, {"enrollment_count": 7}]
    bodies = [json.dumps({"resource_link": link()} | change).encode() for change in changes]

    assert post_at_once(bodies) == [200] * len(bodies)
    run = CourseRun.objects.get()
    latest = run.get_latest_revision_as_object()
    assert (latest.end.year, latest.start, latest.languages, run.enrollment_count) == (2028, None, ["fr"], 7)


def test_drafts_that_come_at_once_are_in_one_moderation(catalogue, threads):
    backend = LMSBackend.objects.get()
    backend.default_sync_mode, backend.submits_drafts = "sync_to_draft", True
    backend.save()
    make_workflow()
    bodies = [json.dumps(payload(end=f"20{30 + number}-01-01T00:00:00Z")).encode() for number in range(threads)]

    assert post_at_once(bodies) == [200] * threads
    state = WorkflowState.objects.get()
    assert state.status == WorkflowState.STATUS_IN_PROGRESS
    assert state.current_task_state.revision_id == CourseRun.objects.get().latest_revision_id


def test_tasks_that_run_at_once_submit_a_draft_once(catalogue, threads):
    backend = LMSBackend.objects.get()
    backend.default_sync_mode = "sync_to_draft"
    backend.save()
    make_workflow()
    post_at_once([json.dumps(payload()).encode()])
    backend.submits_drafts = True
    backend.save()
    run_id = CourseRun.objects.get().pk
    barrier = Barrier(threads)

    def moderate(_number):
        barrier.wait(timeout=30)
        try:
            return moderate_draft(run_id)
        finally:
            connections.close_all()

    with ThreadPoolExecutor(threads) as pool:
        assert sum(pool.map(moderate, range(threads))) == 1
    assert WorkflowState.objects.count() == 1
