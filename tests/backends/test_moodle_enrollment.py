"""Enrollments in a Moodle from this site's server, against the fake Moodle: every error that it has."""

from __future__ import annotations

import json
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
    UnknownLearner,
)
from cms_lms.backends.errors import LMSUnreachable
from cms_lms.backends.http import LMSSession
from cms_lms.backends.moodle import MoodleBackend
from cms_lms.backends.moodle_enrollment import course_field
from cms_lms.encryption import Secret
from tests.fake_moodle import FakeMoodle

LEARNER = Learner(LearnerField.USERNAME, "learner")


@pytest.fixture(autouse=True)
def _loopback(settings):
    settings.CMS_LMS_ALLOW_INSECURE_URLS = True
    settings.CMS_LMS_PRIVATE_NETWORKS = ["127.0.0.0/8"]
    settings.CMS_LMS_READ_TIMEOUT = 0.4


@pytest.fixture
def moodle():
    with FakeMoodle(path="/moodle") as moodle:
        yield moodle


@pytest.fixture
def call(moodle):
    """Ask the backend class about the learner and the course."""

    def call(is_active: bool | None = None, *, learner=LEARNER, course=None, parameter: str = "id", token=None):
        preset = next(p for p in MoodleBackend.pattern_presets(moodle.url) if p.name == f"moodle-{parameter}")
        config = BackendConfig(slug="moodle", name="Moodle", base_url=moodle.url, course_regex=preset.pattern)
        token = moodle.state.token.token if token is None else token
        course_id = str(moodle.state.course.id) if course is None else course
        with LMSSession() as session:
            access = LMSAccess(session, {"token": Secret(token)} if token else {})
            if is_active is None:
                return MoodleBackend(config).get_enrollment(course_id, learner, access)
            return MoodleBackend(config).set_enrollment(course_id, learner, access, is_active=is_active)

    return call


def is_enrolled(moodle) -> bool:
    return moodle.state.is_enrolled(moodle.state.learner.id, moodle.state.course.id)


@pytest.mark.parametrize("release", ["4.2", "4.5", "5.1"])
def test_in_and_out_and_in_again(call, moodle, release):
    moodle.settings.release = release
    assert call() is None
    assert call(False) == Enrollment(is_active=False)
    assert moodle.state.enrollments == {}
    assert call(True) == call() == Enrollment(is_active=True)
    assert is_enrolled(moodle)
    assert call(False) == Enrollment(is_active=False)
    assert not is_enrolled(moodle)
    assert call() is None
    # The row, and with it the grades, is still there.
    assert len(moodle.state.enrollments) == 1
    assert call(True) == Enrollment(is_active=True)


def test_what_is_so_already_is_not_written(call, moodle):
    row = moodle.state.enroll(moodle.state.learner.id, moodle.state.course.id, timeend=4102444800, role=3)

    assert call(True) == Enrollment(is_active=True)
    assert list(moodle.state.enrollments.values()) == [row]


@pytest.mark.parametrize(
    ("parameter", "course"), [("id", None), ("name", "CS101-2027"), ("idnumber", "CS-101"), ("id", "2")]
)
def test_courses_are_found_by_what_the_pattern_names(call, moodle, parameter, course):
    assert call(True, parameter=parameter, course=course) == Enrollment(is_active=True)
    assert is_enrolled(moodle)


def test_what_a_pattern_names():
    assert course_field(r"^https://m\.example\.com/course/view\.php\?idnumber=(?P<course_id>\w+)", "7") == "idnumber"
    assert course_field(r"^https://m\.example\.com/course/view\.php\?name=(?P<course_id>\w+)", "7") == "shortname"
    assert course_field(r"^https://m\.example\.com/c/(?P<course_id>\w+)", "7") == "id"
    assert course_field(r"^https://m\.example\.com/c/(?P<course_id>\w+)", "CS") == "shortname"


@pytest.mark.parametrize(
    "learner",
    [
        Learner(LearnerField.USERNAME, "Learner"),
        Learner(LearnerField.ID_NUMBER, "L-1"),
        Learner(LearnerField.EMAIL, "learner@example.com"),
    ],
)
def test_learners_are_found_by_each_of_their_columns(call, moodle, learner):
    assert call(True, learner=learner) == Enrollment(is_active=True)
    assert is_enrolled(moodle)


def suspended(moodle):
    moodle.state.learner.is_suspended = True


def deleted(moodle):
    moodle.state.learner.is_deleted = True


def unconfirmed(moodle):
    moodle.state.learner.is_confirmed = False


def same_id_number(moodle):
    moodle.state.add_user("another", idnumber="L-1")


@pytest.mark.parametrize(
    ("arrange", "learner"),
    [
        (None, Learner(LearnerField.USERNAME, "nobody")),
        (None, Learner(LearnerField.USERNAME, "Ä")),
        (None, Learner(LearnerField.USERNAME, "")),
        # To an empty ID number, most accounts would answer.
        (None, Learner(LearnerField.ID_NUMBER, "  ")),
        (same_id_number, Learner(LearnerField.ID_NUMBER, "L-1")),
        (suspended, LEARNER),
        (deleted, LEARNER),
        (unconfirmed, LEARNER),
    ],
)
def test_nobody_is_enrolled_for_a_learner_who_is_not_found(call, moodle, arrange, learner):
    if arrange:
        arrange(moodle)

    with pytest.raises(UnknownLearner):
        call(True, learner=learner)
    assert moodle.state.enrollments == {}


def test_who_is_in_by_another_method_leaves_on_moodle(call, moodle):
    moodle.state.enroll(moodle.state.learner.id, moodle.state.course.id, method="self")

    assert call() == Enrollment(is_active=True)
    with pytest.raises(EnrollmentRefused) as refused:
        call(False)
    assert "Leave the course there" in refused.value.reason


def no_token(moodle):
    moodle.state.tokens.clear()


def expired_token(moodle):
    moodle.state.token.valid_until = datetime(2020, 1, 1, tzinfo=UTC)


def not_in_the_service(moodle):
    moodle.state.token.functions.discard("enrol_manual_enrol_users")


def no_rights(moodle):
    moodle.state.token.functions.discard("core_user_get_users_by_field")


def no_manual_method(moodle):
    moodle.state.course.manual = False


def no_such_course(moodle):
    moodle.state.courses.pop(moodle.state.course.id)


def switched_off(moodle):
    moodle.settings.web_services = False


def moved(moodle):
    moodle.state.faults.add(
        "status", path="server.php", times=None, status=301, headers={"Location": "https://other.example.com/"}
    )


@pytest.mark.parametrize(
    "arrange",
    [no_token, expired_token, not_in_the_service, no_rights, no_manual_method, no_such_course, switched_off, moved],
)
def test_what_somebody_must_mend(call, moodle, arrange):
    arrange(moodle)

    with pytest.raises(LMSMisconfigured):
        call(True)


def test_without_a_token_nothing_is_asked(call, moodle):
    with pytest.raises(LMSMisconfigured, match="No token"):
        call(token="")
    assert moodle.journal.entries() == []


def test_a_course_that_is_not_found_by_its_name(call):
    with pytest.raises(LMSMisconfigured, match="no course"):
        call(parameter="name", course="Unknown")


def error(code: str, message: str = "learner@example.com is not well") -> dict:
    return {"status": 200, "body": json.dumps({"exception": "x", "errorcode": code, "message": message})}


@pytest.mark.parametrize(
    ("kind", "params", "retry_after"),
    [
        ("html", {}, None),
        ("empty", {}, None),
        ("server_error", {}, None),
        ("status", {"status": 502, "content_type": "text/html"}, None),
        ("status", {"status": 429, "headers": {"Retry-After": "3"}}, 3),
        ("status", {"status": 200, "body": '{"exce'}, None),
        ("status", {"status": 200, "body": '{"courses": 7}'}, None),
        ("status", {"status": 200, "body": '[{"id": "2"}]'}, None),
        ("status", error("codingerror"), None),
        ("status", error("dmlwriteexception"), None),
        ("status", error("sitemaintenance"), None),
    ],
)
def test_passing_failures(call, moodle, kind, params, retry_after):
    moodle.state.faults.add(kind, path="server.php", **params)

    with pytest.raises(LMSUnavailable) as failed:
        call(True)
    assert failed.value.retry_after == retry_after
    assert "learner" not in str(failed.value)


@pytest.mark.parametrize("maintenance", ["web", "cli"])
def test_maintenance_passes(call, moodle, maintenance):
    moodle.settings.maintenance = maintenance

    with pytest.raises(LMSUnavailable):
        call()


@pytest.mark.parametrize(("code", "shown"), [("whatever", "whatever"), ("<b>learner</b>", "?")])
def test_unknown_errors_are_told_by_their_code_alone(call, moodle, code, shown):
    moodle.state.faults.add("status", path="server.php", **error(code))

    with pytest.raises(LMSMisconfigured) as failed:
        call(True)
    assert str(failed.value) == f"Moodle refuses with “{shown}”."


def test_a_slow_moodle(call, moodle):
    moodle.state.faults.add("slow", path="server.php", seconds=2)

    with pytest.raises(LMSUnreachable) as failed:
        call()
    assert failed.value.code == "read_timeout"


def test_neither_token_nor_learner_stands_in_an_address(call, moodle):
    call(True)

    for entry in moodle.journal.entries():
        assert (entry.method, entry.query) == ("POST", "")
