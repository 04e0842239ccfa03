"""The stand-in Joanie answers as section 4 of the contracts says."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
import requests

from tests.fake_joanie import API, RUN, FakeJoanie
from tests.fake_lms import jwt

NOW = datetime(2026, 11, 23, 12, tzinfo=UTC)
OTHER = "0d5e1a52-3a0e-4f0e-9a55-8f4e0d6a4b11"
SITE = "https://courses.example.com"


@pytest.fixture
def joanie():
    with FakeJoanie() as joanie:
        joanie.state.clock.set(NOW, frozen=True)
        joanie.state.add_run(RUN, "Computer science")
        yield joanie


class Caller(requests.Session):
    """Somebody with a token."""

    def __init__(self, joanie: FakeJoanie, username: str = "ada", *, key: str = "", lifetime: int = 300) -> None:
        super().__init__()
        self.trust_env, self.joanie = False, joanie
        claims = {"token_type": "access", "exp": int(NOW.timestamp()) + lifetime, "username": username}
        token = jwt.sign(
            claims | {"full_name": "Ada L", "language": "fr"}, (key or joanie.settings.signing_key).encode()
        )
        self.headers["Authorization"] = f"Bearer {token}"

    def call(self, method: str, path: str, data: dict | None = None) -> tuple[int, dict]:
        response = self.request(method, f"{self.joanie.url}{API}/{path}", json=data, timeout=10)
        return response.status_code, response.json()

    def enroll(self, run: str = RUN, **changes) -> tuple[int, dict]:
        wish = {"course_run_id": run, "is_active": True, "was_created_by_order": False} | changes
        return self.call("POST", "enrollments/", {key: value for key, value in wish.items() if value is not None})


@pytest.fixture
def ada(joanie):
    return Caller(joanie)


def test_who_am_i(ada, joanie):
    status, me = ada.call("GET", "users/me/")
    assert (status, me["username"], me["full_name"]) == (200, "ada", "Ada L")
    assert set(joanie.state.users) == {"ada"}
    assert ada.call("GET", "users/me/")[1]["id"] == me["id"]


def test_tokens_are_checked(joanie):
    stranger = Caller(joanie)
    del stranger.headers["Authorization"]
    assert stranger.call("GET", "enrollments/") == (401, {"detail": "Authentication credentials were not provided."})
    for caller in (Caller(joanie, key="another"), Caller(joanie, lifetime=0)):
        status, body = caller.call("GET", "enrollments/")
        assert (status, body["code"]) == (401, "token_not_valid")
    joanie.state.faults.add("expired_token")
    assert Caller(joanie).call("GET", "enrollments/")[0] == 401
    assert Caller(joanie).call("GET", "enrollments/")[0] == 200


def test_enroll_leave_and_come_back(ada, joanie):
    told = []
    joanie.state.on_set = lambda username, run, is_active: told.append((username, run.id, is_active))
    status, row = ada.enroll()
    assert (status, row["is_active"], row["state"]) == (201, True, "set")
    assert row["course_run"]["resource_link"] == joanie.state.runs[RUN].lms_link
    assert row["course_run"]["state"]["priority"] == 0
    status, page = ada.call("GET", f"enrollments/?course_run_id={RUN}")
    assert (status, page["count"], page["results"]) == (200, 1, [row])
    assert Caller(joanie, "bob").call("GET", "enrollments/")[1]["results"] == []
    assert Caller(joanie, "bob").call("GET", f"enrollments/{row['id']}/")[0] == 404
    for is_active in (False, True):
        wish = {"is_active": is_active, "was_created_by_order": False}
        status, changed = ada.call("PATCH", f"enrollments/{row['id']}/", wish)
        assert (status, changed["is_active"]) == (200, is_active)
    assert ada.call("DELETE", f"enrollments/{row['id']}/")[0] == 405
    assert told == [("ada", RUN, True), ("ada", RUN, False), ("ada", RUN, True)]


def closed(joanie):
    joanie.state.runs[RUN].enrollment_end = NOW - timedelta(days=1)


def enrolled(joanie):
    joanie.state.add_enrollment("ada", RUN)


def enrolled_in_another_run(joanie):
    joanie.state.add_run(OTHER, "Computer science")
    joanie.state.add_enrollment("ada", OTHER)


def hidden(joanie):
    joanie.state.runs[RUN].is_listed = False


def sold(joanie):
    joanie.state.runs[RUN].needs_order = True


@pytest.mark.parametrize(
    ("arrange", "changes", "key", "text"),
    [
        (None, {"is_active": None}, "is_active", "This field is required."),
        (None, {"was_created_by_order": None}, "was_created_by_order", "This field is required."),
        (None, {"course_run_id": None}, "__all__", "You must provide a course run id"),
        (None, {"course_run_id": OTHER}, "__all__", f'A course run with id "{OTHER}" does not exist.'),
        (closed, {}, "__all__", "not opened for enrollment."),
        (enrolled, {}, "__all__", "already exists."),
        (enrolled_in_another_run, {}, "user", "You are already enrolled to an opened course run"),
        (hidden, {}, "was_created_by_order", "out of the scope of an order."),
        (sold, {}, "__all__", "requires a valid order to enroll."),
    ],
)
def test_each_refusal_has_its_key(ada, joanie, arrange, changes, key, text):
    if arrange:
        arrange(joanie)
    status, body = ada.enroll(**changes)
    assert (status, list(body)) == (400, [key])
    assert text in body[key][0]


def test_the_lms_behind_may_fail(ada, joanie):
    joanie.state.faults.add("lms_failed")
    status, row = ada.enroll()
    assert (status, row["is_active"], row["state"]) == (201, True, "failed")
    status, row = ada.call("PATCH", f"enrollments/{row['id']}/", {"is_active": True, "was_created_by_order": False})
    assert (status, row["state"]) == (200, "set")


def test_course_runs_are_read_by_everybody_and_listed_below_their_course(joanie):
    stranger = Caller(joanie)
    del stranger.headers["Authorization"]
    assert stranger.call("GET", f"course-runs/{RUN}/")[1]["title"] == "Computer science"
    assert [run["id"] for run in stranger.call("GET", "courses/00001/course-runs/")[1]["results"]] == [RUN]
    assert requests.get(f"{joanie.url}{API}/course-runs/", timeout=10).status_code == 404
    hidden(joanie)
    assert stranger.call("GET", f"course-runs/{RUN}/")[0] == 404


@pytest.mark.parametrize(
    ("dates", "priority"),
    [
        ({}, 0),
        ({"start": NOW + timedelta(days=1)}, 1),
        ({"end": NOW - timedelta(days=1)}, 2),
        ({"enrollment_start": NOW + timedelta(days=1), "start": NOW + timedelta(days=2)}, 3),
        ({"start": NOW + timedelta(days=1), "enrollment_end": NOW - timedelta(days=1)}, 4),
        ({"enrollment_end": NOW - timedelta(days=1)}, 5),
        ({"end": NOW - timedelta(days=1), "enrollment_end": NOW - timedelta(days=1)}, 6),
        ({"start": None}, 7),
    ],
)
def test_states(joanie, dates, priority):
    assert joanie.state.add_run(OTHER, "Another", **dates).state(NOW) == priority


def test_bad_ids_and_pages(ada, joanie):
    assert ada.call("GET", "enrollments/?course_run_id=7")[0] == 400
    for number in range(3):
        joanie.state.add_run(str(number), "Run", course=str(number))
        joanie.state.add_enrollment("ada", str(number))
    _status, page = ada.call("GET", "enrollments/?page_size=2")
    assert (page["count"], len(page["results"]), page["previous"]) == (3, 2, None)
    assert page["next"].endswith("?page=2")


def test_browsers_may_call_with_a_token_and_without_cookies(joanie):
    joanie.settings.cors_origins = [SITE]
    headers = {"Origin": SITE, "Access-Control-Request-Method": "PATCH"}
    response = requests.options(f"{joanie.url}{API}/enrollments/", headers=headers, timeout=10)
    assert response.headers["Access-Control-Allow-Origin"] == SITE
    assert "authorization" in response.headers["Access-Control-Allow-Headers"]
    assert "PATCH" in response.headers["Access-Control-Allow-Methods"]
    assert "Set-Cookie" not in response.headers
    joanie.state.faults.add("cors_withheld", times=None)
    response = requests.get(f"{joanie.url}{API}/course-runs/{RUN}/", headers=headers, timeout=10)
    assert "Access-Control-Allow-Origin" not in response.headers
