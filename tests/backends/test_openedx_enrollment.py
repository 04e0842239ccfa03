"""Enrollments in an Open edX from this site's server, against the fake Open edX: every answer that it has."""

from __future__ import annotations

import logging
from datetime import UTC, datetime

import pytest

from cms_lms.backends.config import BackendConfig
from cms_lms.backends.enrollment import (
    Enrollment,
    EnrollmentRefused,
    Learner,
    LearnerField,
    LMSAccess,
    LMSMisconfigured,
    LMSUnavailable,
    Obstacle,
    UnknownLearner,
)
from cms_lms.backends.errors import LMSUnreachable
from cms_lms.backends.http import LMSSession
from cms_lms.backends.openedx import OpenEdXBackend
from cms_lms.backends.openedx_token import Token, TokenStore
from cms_lms.encryption import Secret
from tests.fake_lms import FakeLMS
from tests.fake_lms.courses import Mode
from tests.fake_lms.responses import message

KEY = "course-v1:edX+DemoX+Demo_Course"
NOW = datetime(2024, 6, 15, 12, tzinfo=UTC)
OPEN = {"enrollment_start": "2024-04-01T08:00:00+00:00", "enrollment_end": "2024-07-01T08:00:00+00:00"}

OAUTH2 = {"oauth2_client_id": Secret("cms-client"), "oauth2_client_secret": Secret("cms-secret")}
API_KEY = {"api_key": Secret("fake-lms-api-key")}

LEARNER = Learner(LearnerField.USERNAME, "learner")


@pytest.fixture(autouse=True)
def _loopback(settings):
    settings.CMS_LMS_ALLOW_INSECURE_URLS = True
    settings.CMS_LMS_PRIVATE_NETWORKS = ["127.0.0.0/8", "::1/128"]
    settings.CMS_LMS_READ_TIMEOUT = 0.4


@pytest.fixture(scope="module")
def server():
    with FakeLMS() as lms:
        yield lms


@pytest.fixture
def lms(server, monkeypatch):
    monkeypatch.setattr("cms_lms.backends.openedx_enrollment.TOKENS", TokenStore())
    server.state.reset()
    server.journal.clear()
    server.clock.set(NOW)
    server.state.update_run(KEY, **OPEN)
    return server


@pytest.fixture
def call(lms):
    """Ask the backend class, with the OAuth2 client's credentials unless told otherwise."""

    def call(is_active: bool | None = None, *, learner=LEARNER, credentials=OAUTH2, key: str = KEY):
        config = BackendConfig(slug="campus", name="Campus", base_url=lms.url, course_regex="")
        with LMSSession() as session:
            access = LMSAccess(session, credentials)
            if is_active is None:
                return OpenEdXBackend(config).get_enrollment(key, learner, access)
            return OpenEdXBackend(config).set_enrollment(key, learner, access, is_active=is_active)

    return call


def calls(lms, path: str) -> list:
    return [entry for entry in lms.journal.entries() if entry.path.startswith(path)]


@pytest.mark.parametrize("credentials", [OAUTH2, API_KEY], ids=["oauth2", "api-key"])
def test_in_and_out_and_in_again(call, lms, credentials):
    assert call(credentials=credentials) is None
    assert call(False, credentials=credentials) == Enrollment(is_active=False)
    assert call(True, credentials=credentials) == Enrollment(is_active=True)
    assert lms.state.is_enrolled("learner", KEY)
    assert call(credentials=credentials) == Enrollment(is_active=True)
    assert call(False, credentials=credentials) == Enrollment(is_active=False)
    assert not lms.state.is_enrolled("learner", KEY)
    assert call(credentials=credentials) == Enrollment(is_active=False)
    assert call(True, credentials=credentials) == Enrollment(is_active=True)


def test_what_is_so_already_is_not_written(call, lms):
    lms.state.set_enrollment("learner", KEY)
    lms.state.update_run(KEY, enrollment_end="2024-06-01T00:00:00+00:00")

    assert call(True) == Enrollment(is_active=True)
    assert [entry.method for entry in calls(lms, "/api/enrollment")] == ["GET"]


def test_names_and_keys_with_strange_characters_arrive(call, lms):
    lms.state.add_user("ada @+b")
    learner = Learner(LearnerField.USERNAME, "ada @+b")

    assert call(True, learner=learner) == Enrollment(is_active=True)
    assert call(learner=learner) == Enrollment(is_active=True)
    assert lms.state.is_enrolled("ada @+b", KEY)


@pytest.mark.parametrize(
    ("changes", "obstacle"),
    [
        ({"enrollment_end": "2024-06-01T00:00:00+00:00"}, Obstacle.CLOSED),
        ({"enrollment_start": "2024-06-20T00:00:00+00:00"}, Obstacle.NOT_OPEN),
        ({"invitation_only": True}, Obstacle.INVITATION_ONLY),
        ({"is_full": True}, None),
    ],
)
def test_why_it_was_refused_is_found_by_the_clock_of_the_lms(call, lms, changes, obstacle):
    lms.state.update_run(KEY, **changes)

    with pytest.raises(EnrollmentRefused) as refused:
        call(True)
    assert refused.value.obstacle is obstacle
    assert bool(refused.value.reason) == (obstacle is None)


@pytest.mark.parametrize(
    ("changes", "obstacle"),
    [
        ({"enrollment_end": "2024-06-01T00:00:00+00:00"}, Obstacle.CLOSED),
        ({"enrollment_start": "2024-06-20T00:00:00+00:00"}, Obstacle.NOT_OPEN),
        ({"invitation_only": True}, Obstacle.INVITATION_ONLY),
    ],
)
@pytest.mark.parametrize("credentials", [OAUTH2, API_KEY], ids=["oauth2", "api-key"])
def test_who_left_comes_back_only_while_others_may_come(call, lms, changes, obstacle, credentials):
    # The LMS would let the account of the credentials do it.
    lms.state.update_run(KEY, **changes)
    lms.state.set_enrollment("learner", KEY, is_active=False)

    assert call(credentials=credentials) == Enrollment(False, obstacle)
    with pytest.raises(EnrollmentRefused) as refused:
        call(True, credentials=credentials)
    assert refused.value.obstacle is obstacle
    assert not lms.state.is_enrolled("learner", KEY)


def test_a_run_that_costs_something_names_the_page_to_pay_on(call, lms):
    lms.state.run(KEY).modes = [Mode("verified", "Verified", min_price=49)]

    with pytest.raises(EnrollmentRefused) as refused:
        call(True)
    assert refused.value.obstacle is Obstacle.PAYMENT
    assert refused.value.payment_url == f"{lms.url}/courses/{KEY}/about"


@pytest.mark.parametrize(
    ("kind", "reason"),
    [
        ("filter", "You can't enroll in this course because your membership has ended."),
        ("invalid_attribute", "The employee number is not valid."),
        ("embargo", f"Users from this location cannot access the course '{KEY}'."),
    ],
)
def test_the_lms_s_own_words_are_kept(call, lms, kind, reason):
    lms.state.fail(kind)

    with pytest.raises(EnrollmentRefused) as refused:
        call(True)
    assert (refused.value.reason, refused.value.obstacle) == (reason, None)


def test_what_the_lms_was_told_in_confidence_is_not_repeated(call, lms, monkeypatch):
    def repeat(state, error, username, run):
        token = lms.journal.entries()[-1].headers["Authorization"].partition(" ")[2]
        return message(f"Not with {token}!", 403)

    monkeypatch.setattr("tests.fake_lms.enrollment_api._refusal", repeat)
    lms.state.fail("filter")

    with pytest.raises(EnrollmentRefused) as refused:
        call(True)
    assert refused.value.reason == "Not with …!"


def test_before_ulmo_a_plugin_s_refusal_is_a_broken_server(call, lms):
    lms.state.settings.release = "teak"
    lms.state.fail("filter")

    with pytest.raises(LMSUnavailable):
        call(True)


def test_somebody_unknown(call):
    nobody = Learner(LearnerField.USERNAME, "nobody")

    assert call(learner=nobody) is None
    with pytest.raises(UnknownLearner):
        call(True, learner=nobody)


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"credentials": {}}, "No API credentials"),
        ({"credentials": {"oauth2_client_id": Secret("cms-client")}}, "No API credentials"),
        ({"credentials": {**OAUTH2, "oauth2_client_secret": Secret("wrong")}}, "OAuth2 client"),
        ({"credentials": {"api_key": Secret("wrong")}}, "does not accept the API credentials"),
        (
            {"credentials": {k: Secret(v.reveal().replace("cms", "learner")) for k, v in OAUTH2.items()}},
            "not staff",
        ),
        ({"learner": Learner(LearnerField.EMAIL, "learner@example.com")}, "username only"),
        ({"key": "course-v1:No+Such+Run"}, "does not know the course"),
        ({"key": "nonsense"}, "does not know the course"),
    ],
)
def test_what_somebody_must_mend(call, lms, options, words):
    lms.state.add_user("other")
    learner = Learner(LearnerField.USERNAME, "other")

    with pytest.raises(LMSMisconfigured, match=words):
        call(True, **{"learner": learner, **options})


def test_an_account_that_may_not_deactivate_is_found_out(call, lms):
    lms.state.settings.release = "ironwood"
    lms.state.set_enrollment("learner", KEY)

    with pytest.raises(LMSMisconfigured, match="rights"):
        call(False)


@pytest.mark.parametrize(
    ("kind", "params", "retry_after"),
    [
        ("throttled", {"retry_after": 2}, 2),
        ("server_error", {}, None),
        ("bad_gateway", {}, None),
        ("bad_gateway", {"status": 504}, None),
        ("html", {}, None),
        ("login_redirect", {}, None),
        ("truncated", {}, None),
        ("status", {"status": 200, "body": '{"is_active": "yes"}'}, None),
        ("status", {"status": 200, "body": "[]"}, None),
        ("status", {"status": 503, "headers": {"Retry-After": "7"}}, 7),
    ],
)
@pytest.mark.parametrize("method", ["GET", "POST"])
def test_passing_failures(call, lms, method, kind, params, retry_after):
    lms.state.set_enrollment("learner", KEY, is_active=False)
    lms.state.fail(kind, method=method, path="/api/enrollment/v1/enrollment", **params)

    with pytest.raises(LMSUnavailable) as failed:
        call(True)
    assert failed.value.retry_after == retry_after


@pytest.mark.parametrize(("kind", "code"), [("reset", "connection_broken"), ("slow", "read_timeout")])
def test_broken_connections(call, lms, kind, code):
    lms.state.fail(kind, method="POST", path="/api/enrollment/", seconds=2)

    with pytest.raises(LMSUnreachable) as failed:
        call(True)
    assert failed.value.code == code


def test_an_empty_answer_to_a_write_is_no_success(call, lms):
    lms.state.fail("empty", method="POST", path="/api/enrollment/")

    with pytest.raises(LMSUnavailable):
        call(True)


@pytest.mark.parametrize("kind", ["throttled", "server_error", "html", "login_redirect"])
def test_a_token_that_is_not_given_for_now(call, lms, kind):
    lms.state.fail(kind, path="/oauth2/")

    with pytest.raises(LMSUnavailable):
        call()


@pytest.mark.parametrize("content_type", ["application/json; charset=utf-8", "text/plain"])
def test_the_content_type_is_not_what_counts(call, lms, content_type):
    lms.state.set_enrollment("learner", KEY)
    lms.state.fail("content_type", method="GET", content_type=content_type)

    assert call() == Enrollment(is_active=True)


def test_one_token_serves_many_calls_and_a_refused_one_is_replaced(call, lms):
    call()
    call(True)
    assert len(calls(lms, "/oauth2/")) == 1

    lms.state.fail("expired_token")
    assert call() == Enrollment(is_active=True)
    assert len(calls(lms, "/oauth2/")) == 2


def test_a_token_of_a_short_life_is_not_kept(call, lms):
    lms.state.settings.token_lifetime = 20

    call()
    call()
    assert len(calls(lms, "/oauth2/")) == 2


def test_before_ironwood_the_token_is_opaque(call, lms):
    lms.state.settings.release = "hawthorn"

    assert call(True) == Enrollment(is_active=True)
    assert call() == Enrollment(is_active=True)
    assert [entry.status for entry in calls(lms, "/oauth2/")] == [200, 200]


def test_kept_tokens_end_before_their_end():
    now = [0.0]
    store = TokenStore(lambda: now[0])
    client = ("https://lms.example.com", Secret("id"), Secret("secret"))
    store.keep(*client, "JWT", Token(Secret("token"), 100))

    assert store.get(*client) == ("JWT", Secret("token"))
    assert store.get("https://other.example.com", *client[1:]) is None
    assert store.get(*client[:2], Secret("another")) is None
    now[0] = 71
    assert store.get(*client) is None


def test_no_log_of_any_level_names_a_learner(call, lms, caplog):
    lms.state.add_user("usermarker")
    learner = Learner(LearnerField.USERNAME, "usermarker")
    caplog.set_level(logging.DEBUG)
    for logger in list(logging.root.manager.loggerDict):
        caplog.set_level(logging.DEBUG, logger)

    call(True, learner=learner)
    lms.state.fail("reset", path="/api/")
    with pytest.raises(LMSUnreachable):
        call(learner=learner)

    assert [entry for entry in lms.journal.entries() if "usermarker" in entry.path]
    assert "usermarker" not in caplog.text
