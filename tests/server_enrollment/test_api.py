"""The enrollment API: every answer of it, and what it never does."""

from __future__ import annotations

import logging
from datetime import timedelta

import pytest
from django.test import Client
from django.utils import timezone

from cms_lms.backends.enrollment import Enrollment, EnrollmentRefused, LMSMisconfigured, LMSUnavailable, Obstacle
from cms_lms.backends.moodle import MoodleBackend
from cms_lms.catalog.models import CoursePage
from cms_lms.encryption import Secret
from cms_lms.models import BackendCredential, CourseRun, LMSBackend
from cms_lms.runs.fields import CatalogVisibility
from tests.server_enrollment.conftest import API

pytestmark = pytest.mark.django_db

IN = {"username": "learner", "is_active": True, "obstacle": None, "payment_url": ""}
OUT = {**IN, "is_active": False}


def refusal(code: str, **details) -> dict:
    return {"code": code, "reason": "", "obstacle": None, "payment_url": "", "retry_after": None, **details}


def answer(response) -> tuple[int, dict]:
    return response.status_code, response.json()


def is_enrolled(moodle) -> bool:
    return moodle.state.is_enrolled(moodle.state.learner.id, moodle.state.course.id)


def test_in_and_out(api, moodle):
    assert answer(api()) == (200, OUT)
    assert answer(api("post")) == (200, IN)
    assert is_enrolled(moodle)
    assert answer(api("post")) == answer(api()) == (200, IN)
    assert answer(api("delete")) == (200, OUT)
    assert not is_enrolled(moodle)
    assert answer(api("delete")) == answer(api()) == (200, OUT)


# Who it is


def test_the_session_says_who_is_logged_in(api, client, settings):
    settings.CMS_LMS_REGISTER_URL = "/join/"
    session = api(path="session").json()

    assert session.pop("csrf_token") != ""
    assert session == {
        "username": "learner",
        "full_name": "Lena Learner",
        "login_url": "/login/",
        "register_url": "/join/",
        "csrf_header": "X-CSRFTOKEN",
    }


def test_strangers_get_no_cookie_by_asking(client, db):
    response = client.get(f"{API}session")

    assert response.json() == {
        "username": None,
        "full_name": "",
        "login_url": "/login/",
        "register_url": "",
        "csrf_header": "X-CSRFTOKEN",
        "csrf_token": "",
    }
    assert not response.cookies


@pytest.mark.parametrize("method", ["get", "post", "delete"])
def test_strangers_are_told_so(client, run, method):
    assert answer(getattr(client, method)(f"{API}{run.pk}")) == (403, refusal("anonymous"))


def test_who_was_disabled_is_a_stranger(api, learner):
    learner.is_active = False
    learner.save()

    assert answer(api("post")) == (403, refusal("anonymous"))


@pytest.mark.parametrize("is_kept_by_script", [False, True])
def test_writes_need_the_token_of_the_session(learner, run, moodle, settings, is_kept_by_script):
    settings.CSRF_COOKIE_HTTPONLY = not is_kept_by_script
    client = Client(enforce_csrf_checks=True)
    client.force_login(learner)

    for method in (client.post, client.delete):
        assert answer(method(f"{API}{run.pk}")) == (403, refusal("csrf_failed"))
    assert answer(client.delete(f"{API}session")) == (403, refusal("csrf_failed"))
    assert not is_enrolled(moodle)

    session = client.get(f"{API}session").json()
    headers = {session["csrf_header"]: session["csrf_token"]}
    assert answer(client.post(f"{API}{run.pk}", headers=headers)) == (200, IN)
    assert client.delete(f"{API}session", headers=headers).status_code == 204
    assert client.get(f"{API}session").json()["username"] is None


def test_each_learner_acts_for_herself(api, moodle, django_user_model):
    moodle.state.enroll(moodle.state.add_user("ada").id, moodle.state.course.id)

    assert answer(api()) == (200, OUT)
    client = Client()
    client.force_login(django_user_model.objects.create_user("ada"))
    run = CourseRun.objects.get()
    assert answer(client.get(f"{API}{run.pk}?username=learner")) == (200, {**IN, "username": "ada"})


# Which run it is


def hidden(run):
    CourseRun.objects.update(catalog_visibility=CatalogVisibility.HIDDEN)


def unpublished(run):
    run.unpublish()


def without_page(run):
    CoursePage.objects.get().unpublish()


def of_no_backend(run):
    LMSBackend.objects.all().delete()


def of_a_disabled_backend(run):
    backend = LMSBackend.objects.get()
    backend.is_enabled = False
    backend.save()


def called_by_browsers(run):
    backend = LMSBackend.objects.get()
    backend.js_backend = "openedx-hawthorn"
    backend.save()


def of_a_class_that_cannot(run):
    backend = LMSBackend.objects.get()
    backend.backend = "cms_lms.backends.base.BaseLMSBackend"
    backend.save()


@pytest.mark.parametrize(
    "change",
    [
        hidden,
        unpublished,
        without_page,
        of_no_backend,
        of_a_disabled_backend,
        called_by_browsers,
        of_a_class_that_cannot,
    ],
)
def test_only_public_runs_that_the_server_serves(api, run, moodle, change):
    change(run)

    for method in ("get", "post", "delete"):
        assert answer(api(method)) == (404, refusal("not_found"))
    assert moodle.journal.entries() == []


@pytest.mark.parametrize("rubbish", ["0", "-1", "1e3", "٣", "9" * 20, "9" * 19, "x", "1.0", "%00", "session2", "1 "])
def test_what_is_no_run(api, rubbish):
    assert answer(api(path=rubbish)) == (404, refusal("not_found"))


def test_other_methods(api):
    assert answer(api("put")) == (405, refusal("method_not_allowed"))
    assert answer(api("post", "session")) == (405, refusal("method_not_allowed"))


# What speaks against it


def shift(run, **days) -> None:
    now = timezone.now()
    dates = {name: now + timedelta(days=number) if number is not None else None for name, number in days.items()}
    CourseRun.objects.filter(pk=run.pk).update(**dates)


@pytest.mark.parametrize(
    ("days", "obstacle"),
    [
        ({"enrollment_end": -1}, "closed"),
        ({"enrollment_start": 1}, "not-open"),
        ({"enrollment_start": -9, "enrollment_end": None, "start": None}, "not-open"),
        ({"end": -1, "enrollment_end": -2}, "closed"),
    ],
)
def test_moodle_knows_no_dates_but_this_site_does(api, run, moodle, days, obstacle):
    shift(run, **days)

    assert answer(api()) == (200, {**OUT, "obstacle": obstacle})
    assert answer(api("post")) == (409, refusal("refused", obstacle=obstacle))
    assert not is_enrolled(moodle)
    # Enrolled beats everything.
    moodle.state.enroll(moodle.state.learner.id, moodle.state.course.id)
    assert answer(api("post")) == answer(api()) == (200, IN)
    assert answer(api("delete")) == (200, {**OUT})


@pytest.mark.parametrize("offer", ["paid", "subscription"])
def test_nobody_gets_for_nothing_what_costs_something(api, run, moodle, offer):
    CourseRun.objects.filter(pk=run.pk).update(offer=offer)

    assert answer(api()) == (200, {**OUT, "obstacle": "payment", "payment_url": run.resource_link})
    assert answer(api("post")) == (409, refusal("refused", obstacle="payment", payment_url=run.resource_link))
    assert not is_enrolled(moodle)


def test_the_lms_s_own_words(api, moodle):
    moodle.state.enroll(moodle.state.learner.id, moodle.state.course.id, method="self")

    reason = "You were enrolled by the LMS itself. Leave the course there."
    assert answer(api("delete")) == (409, refusal("refused", reason=reason))


@pytest.mark.parametrize(
    ("raised", "expected"),
    [
        (EnrollmentRefused(obstacle=Obstacle.FULL), refusal("refused", obstacle="full")),
        (
            EnrollmentRefused("Pay.", obstacle=Obstacle.PAYMENT, payment_url="https://pay.example.com/1"),
            refusal("refused", reason="Pay.", obstacle="payment", payment_url="https://pay.example.com/1"),
        ),
        (
            EnrollmentRefused(obstacle=Obstacle.PAYMENT, payment_url="javascript:alert(1)"),
            refusal("refused", obstacle="payment"),
        ),
        (EnrollmentRefused(payment_url="https://[broken"), refusal("refused")),
    ],
)
def test_what_a_class_refuses_with(api, monkeypatch, raised, expected):
    def refuse(*args, **kwargs):
        raise raised

    monkeypatch.setattr(MoodleBackend, "set_enrollment", refuse)

    assert answer(api("post")) == (409, expected)


@pytest.mark.parametrize(
    ("returned", "expected"),
    [
        (Enrollment(False, Obstacle.INVITATION_ONLY), (409, refusal("refused", obstacle="invitation-only"))),
        (Enrollment(False), (424, refusal("misconfigured"))),
    ],
)
def test_a_class_may_say_no_without_raising(api, monkeypatch, returned, expected):
    monkeypatch.setattr(MoodleBackend, "set_enrollment", lambda *args, **kwargs: returned)

    assert answer(api("post")) == expected


def test_the_words_are_in_the_language_of_the_page(api, moodle):
    moodle.state.learner.is_deleted = True

    words = {code: api(path=f"{CourseRun.objects.get().pk}?language={code}").json()["reason"] for code in ("fr", "xx")}
    assert words["xx"].startswith("Moodle campus has no account")


@pytest.mark.parametrize("kind", [EnrollmentRefused, LMSMisconfigured, LMSUnavailable])
def test_what_the_lms_was_told_in_confidence_is_not_repeated(api, moodle, monkeypatch, naps, caplog, kind):
    def repeat(self, course_id, learner, access, **options):
        raise kind(f"Not with {access.credentials['token'].reveal()}!")

    monkeypatch.setattr(MoodleBackend, "set_enrollment", repeat)
    response = api("post")

    assert response.json()["reason"] == ("Not with …!" if kind is EnrollmentRefused else "")
    assert moodle.state.token.token not in response.content.decode() + caplog.text


def test_who_cannot_leave_is_told_where_to(api, monkeypatch):
    monkeypatch.setattr(MoodleBackend, "capabilities", {"enroll"})

    assert answer(api("delete")) == (409, refusal("refused", reason="Leave the course on the LMS itself."))


def test_an_unknown_learner(api, moodle):
    moodle.state.learner.is_deleted = True

    reason = "Moodle campus has no account of yours yet. Log in there once, then try again."
    assert answer(api()) == (409, refusal("unknown_learner", reason=reason))


# What goes wrong


def fail(moodle, kind, **options) -> None:
    moodle.state.faults.add(kind, path="server.php", **options)


PASSING = ["html", "empty", "server_error", "bad_gateway", "reset", "truncated", "login_redirect"]


@pytest.mark.parametrize("kind", PASSING)
def test_one_passing_failure_is_not_noticed(api, moodle, naps, kind):
    fail(moodle, kind)

    assert answer(api("post")) == (200, IN)
    assert naps == [0.3]


def test_the_lms_says_when_to_come_back(api, moodle, naps):
    fail(moodle, "status", status=429, headers={"Retry-After": "2"})

    assert answer(api()) == (200, OUT)
    assert naps == [2.0]


def test_who_would_wait_too_long_is_told_for_how_long(api, moodle, naps):
    fail(moodle, "status", status=429, headers={"Retry-After": "120"})

    response = api()
    assert answer(response) == (503, refusal("unavailable", retry_after=120))
    assert response["Retry-After"] == "120"
    assert naps == []


def test_a_failure_that_does_not_pass_ends(api, moodle, naps):
    fail(moodle, "server_error", times=None)

    assert answer(api()) == (503, refusal("unavailable"))
    assert naps == [0.3, 0.6]


@pytest.mark.parametrize("kind", ["truncated", "reset"])
def test_a_write_whose_answer_was_lost_is_found_done(api, moodle, naps, monkeypatch, kind):
    writes = []
    record = moodle.journal.record

    def lose_the_answer(request, at):
        entry = record(request, at)
        if "enrol_manual_enrol_users" in entry.body:
            writes.append(entry)
            if kind == "reset":
                moodle.state.enroll(moodle.state.learner.id, moodle.state.course.id)
            fail(moodle, kind)
        return entry

    monkeypatch.setattr(moodle.journal, "record", lose_the_answer)

    assert answer(api("post")) == (200, IN)
    assert len(writes) == 1
    assert naps == [0.3]


@pytest.mark.parametrize("method", ["get", "post", "delete"])
def test_a_permanent_failure_is_not_tried_again(api, moodle, naps, caplog, method):
    moodle.state.tokens.clear()

    assert answer(api(method)) == (424, refusal("misconfigured"))
    assert naps == []
    assert len(moodle.journal.entries()) == 1
    assert "misconfigured: Moodle refuses with “invalidtoken”." in caplog.text


@pytest.mark.parametrize(
    ("base_url", "expected"),
    [
        ("http://127.0.0.1:9", (503, refusal("unavailable"))),
        ("http://10.0.0.1", (424, refusal("misconfigured"))),
        ("http://lms.invalid", (503, refusal("unavailable"))),
    ],
)
def test_an_lms_that_cannot_be_called(api, backend, naps, base_url, expected):
    backend.base_url = base_url
    backend.save()
    BackendCredential.objects.store(backend, "token", Secret("token"), now=timezone.now())

    assert answer(api()) == expected


def test_credentials_that_cannot_be_read(api, naps):
    BackendCredential.objects.update(stored_value="env:CMS_LMS_SECRET_ABSENT")

    assert answer(api()) == (424, refusal("misconfigured"))


def test_credentials_are_not_sent_to_another_address(api, moodle, naps, settings):
    BackendCredential.objects.update(origin="https://elsewhere.example.com")

    assert answer(api()) == (424, refusal("misconfigured"))
    assert moodle.journal.entries() == []


def test_a_defect_of_a_class_is_told_by_its_kind_and_place(api, monkeypatch, caplog):
    def broken(self, course_id, learner, access):
        raise KeyError(learner.value)

    monkeypatch.setattr(MoodleBackend, "get_enrollment", broken)

    assert answer(api()) == (424, refusal("misconfigured"))
    assert "A defect of the site: KeyError in" in caplog.text
    assert "learner" not in caplog.text


def test_learners_wait_their_turn(api, settings, run):
    settings.CMS_LMS_ENROLLMENT_RATE = "2/day"

    assert [api().status_code, api("post").status_code] == [200, 200]
    response = api()
    assert response.status_code == 429
    assert response.json() == refusal("throttled", retry_after=int(response["Retry-After"]))
    assert 0 < int(response["Retry-After"]) <= 86400
    assert api(path="session").status_code == 200


def test_each_learner_has_a_limit_of_her_own(api, settings, run, django_user_model):
    settings.CMS_LMS_ENROLLMENT_RATE = "1/day"
    api()
    other = Client()
    other.force_login(django_user_model.objects.create_user("ada"))

    assert api().status_code == 429
    assert other.get(f"{API}{run.pk}").status_code != 429


# What nobody may find in a log


@pytest.mark.parametrize("kind", [None, "server_error", "html", "reset", "unknown", "defect"])
def test_no_log_of_any_level_names_a_learner(api, moodle, naps, caplog, django_user_model, monkeypatch, kind):
    django_user_model.objects.update(first_name="Lenamarker", last_name="Lastmarker", email="mail@marker.example")
    django_user_model.objects.update(username="usermarker")
    moodle.state.learner.username = "usermarker"
    if kind == "unknown":
        moodle.state.learner.username = "another"
    elif kind == "defect":
        monkeypatch.setattr(MoodleBackend, "set_enrollment", lambda *args, **kwargs: {}[args[2].value])
    elif kind:
        fail(moodle, kind, times=None)
    with caplog.at_level(logging.DEBUG):
        for logger in list(logging.root.manager.loggerDict):
            caplog.set_level(logging.DEBUG, logger)
        for method in ("get", "post", "delete"):
            api(method)

    records = "\n".join(f"{record.name} {record.getMessage()} {record.exc_text}" for record in caplog.records)
    sql = [line for line in records.splitlines() if line.startswith("django.db")]
    others = "\n".join(line for line in records.splitlines() if line not in sql)
    assert "marker" not in others.lower()
