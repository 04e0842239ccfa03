"""Two clicks, two tabs: nothing is enrolled twice, even by an LMS that would do it and a class that does not look."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor

import pytest
from django.core.cache import cache
from django.db import connections
from django.test import Client

from cms_lms.backends.base import BaseLMSBackend
from cms_lms.backends.enrollment import Capability, Enrollment
from cms_lms.enrollment.turns import NoTurn, Turn
from cms_lms.models import LMSBackend
from tests.enrollment_js.servers import Answer, ScriptedLMS
from tests.server_enrollment.conftest import API

pytestmark = pytest.mark.django_db(transaction=True, serialized_rollback=True)

CLICKS = 4


class TwiceIsTwice(BaseLMSBackend):
    """An LMS whose writes each make a row, after a read that may be out of date by then."""

    capabilities = frozenset({Capability.ENROLL})

    def get_enrollment(self, course_id, learner, access):
        rows = access.http.get(f"{self.config.base_url}/rows").json()
        return Enrollment(is_active=True) if rows else None

    def set_enrollment(self, course_id, learner, access, *, is_active):
        known = self.get_enrollment(course_id, learner, access)
        if known is None:
            access.http.post(f"{self.config.base_url}/rows", json={})
        return Enrollment(is_active=True)


@pytest.fixture
def rows(run, settings):
    """The rows of such an LMS, whose reads take until all who read at once have come, or a moment."""
    settings.CMS_LMS_BACKENDS = [f"{__name__}.TwiceIsTwice"]
    lms, rows = ScriptedLMS(""), []
    together = threading.Barrier(2)

    def read(request):
        known = list(rows)
        try:
            together.wait(0.3)
        except threading.BrokenBarrierError:
            together.reset()
        return Answer(json=known)

    lms.on("GET", "/rows", read)
    lms.on("POST", "/rows", lambda request: rows.append(1) or Answer(json={}))
    backend = LMSBackend.objects.get()
    backend.backend, backend.base_url = settings.CMS_LMS_BACKENDS[0], lms.url
    backend.save()
    yield rows
    lms.close()


def click(client: Client, run_id: int, start: threading.Barrier) -> dict:
    start.wait(10)
    try:
        return client.post(f"{API}{run_id}").json()
    finally:
        connections.close_all()


def test_many_clicks_at_once_enroll_once(rows, run, learner):
    start = threading.Barrier(CLICKS)
    clients = [Client() for _ in range(CLICKS)]
    for client in clients:
        client.force_login(learner)
    with ThreadPoolExecutor(CLICKS) as pool:
        answers = list(pool.map(lambda client: click(client, run.pk, start), clients))

    assert [answer.get("is_active") for answer in answers] == [True] * CLICKS
    assert len(rows) == 1


def test_two_learners_do_not_wait_for_each_other():
    with Turn("ada", seconds=5), Turn("lena", seconds=0):
        pass


def test_who_waits_too_long_gets_no_turn():
    with Turn("ada", seconds=5), pytest.raises(NoTurn), Turn("ada", seconds=0):
        pass
    with Turn("ada", seconds=0):
        pass


def test_who_overstays_does_not_end_another_s_turn():
    turn = Turn("ada", seconds=5)
    with turn:
        cache.set(turn._key, "another")
    assert cache.get(turn._key) == "another"
    cache.delete(turn._key)


def test_without_a_cache_nobody_waits(settings, caplog, monkeypatch):
    def broken(*args, **kwargs):
        raise ConnectionError("learner")

    monkeypatch.setattr("cms_lms.enrollment.turns.cache.add", broken)
    with Turn("ada", seconds=0):
        pass
    assert "ConnectionError" in caplog.text
    assert "learner" not in caplog.text
