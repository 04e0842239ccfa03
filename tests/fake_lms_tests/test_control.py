"""The control API, error injection, the clock and the journal: section 9 of the contracts."""

import json
import threading

import pytest
import requests

from tests.fake_lms import FakeLMS
from tests.fake_lms.__main__ import parse_arguments
from tests.fake_lms.server import PortUnavailable

from .conftest import Browser

DEMO = "course-v1:edX+DemoX+2027_T1"
OPEN = "course-v1:SC+BreadX+3T2015"
ME = "/api/user/v1/me"


def fail(session, kind, **more):
    response = session.post("/_control/faults", json={"kind": kind} | more, headers={"Origin": None})
    assert response.status_code == 200, response.text
    return response.json()


@pytest.fixture
def control(lms):
    return Browser(lms, origin=None)


@pytest.mark.parametrize(
    ("kind", "params", "status", "content_type", "body"),
    [
        ("status", {"status": 418, "body": '{"a": 1}'}, 418, "application/json", '{"a": 1}'),
        (
            "throttled",
            {},
            429,
            "application/json",
            '{"detail":"Request was throttled. Expected available in 2 seconds."}',
        ),
        ("server_error", {}, 500, "text/html; charset=utf-8", None),
        ("bad_gateway", {}, 502, "text/html; charset=utf-8", None),
        ("html", {}, 200, "text/html; charset=utf-8", None),
        ("empty", {}, 200, None, ""),
        ("truncated", {}, 200, "application/json", '{"username"'),
        ("content_type", {"content_type": "text/plain"}, 200, "text/plain", '{"username":"learner"}'),
    ],
)
def test_faults_that_answer(control, learner, kind, params, status, content_type, body):
    fail(control, kind, **params)
    response = learner.get(ME)
    assert (response.status_code, response.headers.get("Content-Type")) == (status, content_type)
    if body is not None:
        assert response.text == body
    if kind == "throttled":
        assert response.headers["Retry-After"] == "2"
    assert ("Access-Control-Allow-Origin" in response.headers) == (kind != "bad_gateway")
    assert learner.get(ME).json() == {"username": "learner"}


def test_redirect_to_login_and_reset(control, learner):
    fail(control, "login_redirect")
    response = learner.get(ME, allow_redirects=False)
    assert (response.status_code, response.headers["Location"]) == (302, "/login")
    fail(control, "reset")
    with pytest.raises(requests.ConnectionError):
        learner.get(ME)
    assert learner.get(ME).status_code == 200


def test_slow_delays_and_ends_with_the_server(lms, control, learner):
    fail(control, "slow", seconds=0.2)
    with pytest.raises(requests.Timeout):
        requests.get(lms.url + ME, timeout=0.1)
    fail(control, "slow", seconds=3600)
    waiting = threading.Thread(target=lambda: learner.get(ME))
    waiting.start()
    lms.state.stopping.set()
    waiting.join(timeout=5)
    assert not waiting.is_alive()


def test_filters_and_times(lms, control, learner):
    fail(control, "server_error", times=2, path="/enrollment/", user="learner", run=DEMO)
    other = Browser(lms).log_in("staff")
    assert learner.get(ME).status_code == 200
    assert other.get(f"/api/enrollment/v1/enrollment/{DEMO}").status_code == 200
    assert learner.get(f"/api/enrollment/v1/enrollment/{OPEN}").status_code == 200
    assert [learner.get(f"/api/enrollment/v1/enrollment/{DEMO}").status_code for _ in range(3)] == [500, 500, 200]
    fail(control, "server_error", times=None, run=DEMO, method="POST")
    for _ in range(3):
        assert learner.enroll(DEMO).status_code == 500
    assert learner.enroll(OPEN).status_code == 200
    preflight = {"Access-Control-Request-Method": "POST"}
    fail(control, "status", status=503)
    assert learner.options("/api/enrollment/v1/enrollment", headers=preflight).status_code == 200
    assert len(control.get("/_control/faults").json()["faults"]) == 2
    assert control.delete("/_control/faults").status_code == 204
    assert learner.enroll(DEMO).status_code == 200
    fail(control, "cors_withheld", method="OPTIONS")
    response = learner.options("/api/enrollment/v1/enrollment", headers=preflight)
    assert "Access-Control-Allow-Origin" not in response.headers


def test_faults_leave_pages_alone_unless_told(control, learner):
    fail(control, "server_error")
    assert learner.get("/dashboard").status_code == 200
    fail(control, "bad_gateway", path="^/dashboard")
    assert learner.get("/dashboard").status_code == 502


def test_clock(lms, control, learner):
    response = control.put("/_control/clock", json={"now": "2027-03-01T01:00:00+01:00", "frozen": True})
    assert response.json() == {"now": "2027-03-01T00:00:00Z", "frozen": True}
    assert learner.enroll(DEMO).status_code == 400
    assert (
        control.post("/_control/clock/advance", json={"seconds": -86400 * 40}).json()["now"] == "2027-01-20T00:00:00Z"
    )
    assert learner.enroll(DEMO).json()["created"] == "2027-01-20T00:00:00Z"
    assert control.delete("/_control/clock").json()["frozen"] is False
    lms.clock.set("2020-01-01T00:00:00")
    assert str(lms.clock.now()).startswith("2020-01-01 00:00:0")
    assert lms.clock.now() < lms.clock.now() or not lms.clock.frozen


def test_journal(lms, control, learner):
    learner.enroll(DEMO)
    entries = control.get("/_control/journal?method=post").json()["entries"]
    assert len(entries) == 1
    assert entries[0]["path"] == "/api/enrollment/v1/enrollment"
    assert entries[0]["headers"]["X-Csrftoken"] == learner.csrf
    assert entries[0]["body"] == json.dumps({"course_details": {"course_id": DEMO}})
    assert entries[0]["status"] == 200
    learner.get(f"/api/enrollment/v1/enrollment/learner,{DEMO.replace('+', '%2B')}?a=b")
    entry = lms.journal.entries(path="/enrollment/learner")[-1]
    assert entry.path.endswith("+2027_T1")
    assert entry.raw_path.endswith("%2B2027_T1")
    assert entry.query == "a=b"
    assert not lms.journal.entries(path="_control")
    assert control.delete("/_control/journal").status_code == 204
    assert len(lms.journal) == 0


def test_runs_users_enrollments_and_settings(lms, control, receiver):
    response = control.patch(f"/_control/runs/{DEMO}", json={"end": None, "enrollment_count": 7, "is_full": True})
    assert (response.json()["end"], response.json()["enrollment_count"]) == (None, 7)
    assert len(control.get("/_control/runs").json()["runs"]) == 17
    assert control.get("/_control/runs/MITx/6.002x/2012_Fall").json()["languages"] == ["en"]
    assert control.post("/_control/users", json={"username": "eve", "is_staff": True}).json()["password"] == "eve"
    row = {"user": "eve", "course_id": DEMO, "is_active": False}
    assert control.put("/_control/enrollments", json=row).json()["is_active"] is False
    assert len(control.get("/_control/enrollments").json()["enrollments"]) == 1
    assert control.patch("/_control/settings", json={"release": "teak"}).json()["release"] == "teak"
    data = control.post("/_control/publish", json={"course_id": DEMO, "variant": "compact"}).json()
    assert (data["status"], data["variant"]) == (200, "compact")
    control.post("/_control/learner-enrolls", json={"course_id": DEMO})
    assert control.post("/_control/joanie", json={}).json()["status"] == 200
    assert len(control.get("/_control/deliveries").json()["deliveries"]) == 3
    assert control.post("/_control/reset").status_code == 204
    assert lms.state.settings.release == "ulmo"
    assert lms.state.settings.cms_url == receiver.url
    assert lms.state.run(DEMO).enrollment_count == 112
    assert not lms.state.enrollments
    assert "eve" not in lms.state.users


@pytest.mark.parametrize(
    ("method", "path", "body", "status"),
    [
        ("POST", "faults", {"kind": "flood"}, 400),
        ("POST", "faults", {"kind": "status", "times": 0}, 400),
        ("POST", "faults", {"kind": "status", "path": "("}, 400),
        ("PUT", "clock", {"now": "soon"}, 400),
        ("PUT", "clock", {}, 400),
        ("PATCH", "settings", {"release": "zebra"}, 400),
        ("PATCH", "settings", {"colour": "red"}, 400),
        ("PATCH", f"runs/{DEMO}", {"colour": "red"}, 400),
        ("PATCH", f"runs/{DEMO}", {"start": 5}, 400),
        ("PATCH", "runs/nope", {}, 404),
        ("PUT", "enrollments", {"user": "nobody", "course_id": DEMO}, 400),
        ("POST", "users", {"username": "learner"}, 400),
        ("POST", "users", {"username": "x", "colour": "red"}, 400),
        ("POST", "publish", {"course_id": DEMO, "variant": "pigeon"}, 400),
        ("POST", "publish", [1], 400),
        ("POST", "nowhere", {}, 404),
        ("POST", "runs", {}, 405),
    ],
)
def test_control_says_what_is_wrong(control, method, path, body, status):
    response = control.request(method, f"/_control/{path}", json=body)
    assert response.status_code == status
    if status == 400:
        assert response.json()["error"]


def test_control_is_not_for_other_sites_pages(anonymous):
    assert anonymous.post("/_control/reset").status_code == 403


def test_ports_are_not_shared_and_are_given_back(lms):
    with pytest.raises(PortUnavailable, match=str(lms.port)):
        FakeLMS(port=lms.port)
    with FakeLMS() as other:
        port = other.port
    with FakeLMS(port=port) as other:
        assert other.port == port


def test_command_line(monkeypatch):
    monkeypatch.setenv("LMS_PORT", "9001")
    monkeypatch.setenv("CMS_URL", "http://localhost:9000")
    monkeypatch.setenv("CMS_LMS_SYNC_SECRETS", " one , two")
    options = parse_arguments([])
    assert (options.port, options.cms, options.secret) == (9001, "http://localhost:9000", "one")
    options = parse_arguments(["--port", "1", "--cms", "http://x", "--secret", "s"])
    assert (options.port, options.cms, options.secret) == (1, "http://x", "s")
