"""Conflicts of transactions never reach a sender: what lost one is tried again, and not for ever."""

from __future__ import annotations

import json
import sqlite3

import pytest
from django.db import DatabaseError, OperationalError, connection
from django.test import Client
from django.utils import timezone

from cms_lms.models import CourseRun, SyncDelivery
from cms_lms.sync import conflicts
from cms_lms.sync.conflicts import ATTEMPTS, despite_conflicts, is_conflict, pauses
from cms_lms.sync.replay import replay
from cms_lms.sync.signature import sign
from tests.factories import make_backend, make_course
from tests.sync.conftest import SECRET, URL
from tests.sync.payloads import LINK, link, payload


def deadlock() -> OperationalError:
    """Return what Django raises for a deadlock on this database."""
    return conflict({"postgresql": "40P01", "mysql": 1213, "sqlite": sqlite3.SQLITE_BUSY}[connection.vendor])


def conflict(code: int | str) -> OperationalError:
    """Return an error as it comes from a database: PostgreSQL, MariaDB and SQLite each say its kind in another way."""
    if isinstance(code, str):
        cause = type("DriverError", (Exception,), {"sqlstate": code})()
        error = OperationalError("could not serialize access")
    elif code > 1000:
        cause = Exception(code, "Deadlock found")
        error = OperationalError(code, "Deadlock found")
    else:
        cause = sqlite3.OperationalError("database is locked")
        cause.sqlite_errorcode = code
        error = OperationalError("database is locked")
    error.__cause__ = cause
    return error


@pytest.mark.parametrize("code", ["40001", "40P01", "55P03", 1213, 1205, 1020, 5, 6, sqlite3.SQLITE_BUSY_SNAPSHOT, 262])
def test_conflicts_are_known_on_every_database(code):
    assert is_conflict(conflict(code))


@pytest.mark.parametrize("error", [OperationalError("server closed the connection"), conflict(8), conflict(2006)])
def test_other_errors_are_none(error):
    assert not is_conflict(error)


def test_pauses_are_of_random_length_and_bounded():
    first, second = list(pauses()), list(pauses())

    assert len(first) == ATTEMPTS - 1
    assert first != second
    assert 0 <= min(first) <= max(first) <= conflicts.LONGEST_PAUSE


class Interference:
    """Fails the first statements of a kind, as a database does whose other users are in the way."""

    def __init__(self, beginning: str, error: type[DatabaseError] | DatabaseError, times: int) -> None:
        self.beginning = beginning
        self.error = error
        self.times = times

    def __call__(self, execute, sql, params, many, context):
        if self.times and sql.startswith(self.beginning):
            self.times -= 1
            raise self.error
        return execute(sql, params, many, context)


@pytest.mark.django_db(transaction=True, serialized_rollback=True)
class TestCalls:
    @pytest.fixture(autouse=True)
    def catalogue(self, monkeypatch):
        monkeypatch.setattr(conflicts, "FIRST_PAUSE", 0)
        make_backend()
        make_course(code="DemoX")

    @staticmethod
    def post(value):
        body = json.dumps(value).encode()
        headers = {"Authorization": sign(body, SECRET)}
        return Client(raise_request_exception=False).post(URL, body, content_type="application/json", headers=headers)

    @pytest.mark.parametrize(
        ("beginning", "sent"),
        [
            ('INSERT INTO "cms_lms_courserun"', payload()),
            ('INSERT INTO "wagtailcore_revision"', payload()),
            ('INSERT INTO "cms_lms_syncdelivery"', payload()),
            ('UPDATE "cms_lms_syncdelivery"', payload()),
            ('INSERT INTO "cms_lms_courserun"', [payload(), payload(resource_link=link("R2"))]),
        ],
    )
    @pytest.mark.parametrize("times", [1, 3])
    def test_what_lost_is_tried_again(self, beginning, sent, times):
        quoted = beginning.replace('"', connection.ops.quote_name("x")[0])
        with connection.execute_wrapper(Interference(quoted, deadlock(), times)):
            response = self.post(sent)

        assert response.status_code == 200
        runs = len(sent) if isinstance(sent, list) else 1
        assert CourseRun.objects.filter(live=True).count() == runs
        delivery = SyncDelivery.objects.get()
        assert (delivery.status_code, delivery.created_count) == (200, runs)

    def test_a_repeat_too(self):
        self.post(payload())
        quoted = f"INSERT INTO {connection.ops.quote_name('cms_lms_syncdelivery')}"
        with connection.execute_wrapper(Interference(quoted, deadlock(), 2)):
            response = self.post(payload())

        assert (response.status_code, SyncDelivery.objects.count()) == (200, 2)

    def test_one_item_that_the_database_refuses_spoils_no_other(self):
        def refuse(execute, sql, params, many, context):
            if sql.startswith("INSERT") and "cms_lms_courserun" in sql and link("R2") in map(str, flatten(params)):
                raise DatabaseError("not this one")
            return execute(sql, params, many, context)

        # What is kept at last, of all the items, is as patient as they were.
        late = Interference(f"UPDATE {connection.ops.quote_name('cms_lms_syncdelivery')}", deadlock(), 1)
        with connection.execute_wrapper(refuse), connection.execute_wrapper(late):
            response = self.post([payload(), payload(resource_link=link("R2")), payload(resource_link=link("R3"))])

        assert response.status_code == 400
        assert response.json()[link("R2")] == {"resource_link": ["The database refused this course run."]}
        assert set(CourseRun.objects.values_list("resource_link", flat=True)) == {link("R1"), link("R3")}
        assert late.times == 0
        assert SyncDelivery.objects.get().refused_count == 1

    def test_a_call_that_always_loses_is_told_to_come_back_and_can_be_replayed(self):
        quoted = f"INSERT INTO {connection.ops.quote_name('cms_lms_courserun')}"
        with connection.execute_wrapper(Interference(quoted, deadlock(), 100)):
            response = self.post(payload())

        assert (response.status_code, response["Retry-After"]) == (503, "1")
        assert not CourseRun.objects.exists()
        interrupted = SyncDelivery.objects.about_link(LINK).get()
        assert interrupted.status_code is None
        assert replay(interrupted, user=None, now=timezone.now()).created_count == 1

    def test_it_ends_some_time(self):
        with pytest.raises(OperationalError):
            despite_conflicts(self.lose)
        assert self.lost == ATTEMPTS

    lost = 0

    def lose(self) -> None:
        self.lost += 1
        raise deadlock()


def flatten(params) -> list:
    """Return the values of a statement; PostgreSQL gets those of an insertion in lists."""
    values = []
    for value in params or ():
        values.extend(value if isinstance(value, list) else [value])
    return values
