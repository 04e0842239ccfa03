"""Long figures: many senders at once against editors who publish, and long fuzzing. ``make test-long``."""

from __future__ import annotations

import datetime as dt
import json
import random
from concurrent.futures import ThreadPoolExecutor

import pytest
from django.db import OperationalError, connection, connections
from django.test import Client
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from cms_lms.models import CourseRun
from cms_lms.sync.signature import sign
from tests.factories import make_backend, make_course
from tests.sync.conftest import SECRET, URL
from tests.sync.payloads import link, payload
from tests.sync.test_rubbish import FIELDS, VALUES

pytestmark = [pytest.mark.long, pytest.mark.django_db(transaction=True, serialized_rollback=True)]

RUNS = 20
ROUNDS = 5


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


def test_senders_and_editors_at_once(catalogue):
    senders, editors = (50, 5) if connection.vendor != "sqlite" else (4, 1)

    def send(number: int) -> set[int]:
        order = random.Random(number)  # noqa: S311
        codes = set()
        for turn in range(ROUNDS):
            items = [
                payload(resource_link=link(f"R{run}"), enrollment_count=number * ROUNDS + turn) for run in range(RUNS)
            ]
            order.shuffle(items)
            codes.add(call(json.dumps(items if turn % 2 else items[0]).encode()))
        connections.close_all()
        return codes

    def edit(number: int) -> int:
        refused = 0
        for turn in range(ROUNDS):
            for run in CourseRun.objects.all():
                draft = run.get_latest_revision_as_object()
                draft.title = f"{number}.{turn}"
                try:
                    draft.save_revision(clean=False).publish()
                except OperationalError:
                    refused += 1
        connections.close_all()
        return refused

    with ThreadPoolExecutor(senders + editors) as pool:
        sent = [pool.submit(send, number) for number in range(senders)]
        edited = [pool.submit(edit, number) for number in range(editors)]
        assert set().union(*(future.result() for future in sent)) == {200}
        assert sum(future.result() for future in edited) == 0
    assert CourseRun.objects.count() == RUNS
    assert not CourseRun.objects.exclude(end=dt.datetime(2027, 6, 30, 22, tzinfo=dt.UTC)).exists()
    assert not CourseRun.objects.filter(live=False).exists()


@settings(max_examples=5000, deadline=None, suppress_health_check=list(HealthCheck))
@given(items=st.lists(st.dictionaries(FIELDS, VALUES, max_size=8), max_size=3), is_list=st.booleans())
def test_any_json_gets_an_answer_below_500(catalogue, items, is_list):
    for item in items:
        item.setdefault("resource_link", link())

    assert call(json.dumps(items if is_list else (items[0] if items else {})).encode()) in (200, 400)
