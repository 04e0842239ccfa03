"""The page of forms: every step of it, the wish that survives the login, and where it never leads."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from bs4 import BeautifulSoup
from django.test import Client
from django.utils import timezone, translation
from django.utils.html import escape
from django.utils.http import urlencode

from cms_lms.backends.enrollment import EnrollmentRefused, LMSUnavailable, Obstacle
from cms_lms.backends.moodle import MoodleBackend
from cms_lms.enrollment.server_page import WISH
from cms_lms.enrollment.site_access import page_address
from cms_lms.models import CourseRun, LMSBackend

pytestmark = pytest.mark.django_db


@pytest.fixture
def path(run) -> str:
    return f"/enrollments/{run.pk}/?language=en"


@pytest.fixture
def lena(client, learner):
    """The learner's browser, logged in."""
    client.force_login(learner)
    return client


class Page:
    """What a visitor sees."""

    def __init__(self, response) -> None:
        assert response.status_code == 200
        assert response["Cache-Control"] == "private, no-store"
        self.policy = response["Content-Security-Policy"]
        soup = BeautifulSoup(response.content, "html.parser")
        assert not soup.select("[style], style, script:not([src])")
        panel = soup.select_one(".lms-enrollment")
        self.step = panel["data-step"]
        self.text = " ".join(panel.get_text(" ").split())
        self.links = {" ".join(link.get_text().split()): link["href"] for link in panel.select("a[href]")}
        self.buttons = {button.get_text(): button["value"] for button in panel.select("button[name=action]")}
        self.form = panel.form
        assert self.form["method"] == "post"
        assert self.form.select_one("[name=csrfmiddlewaretoken]")


def is_enrolled(moodle) -> bool:
    return moodle.state.is_enrolled(moodle.state.learner.id, moodle.state.course.id)


def test_in_and_out(lena, path, moodle, run):
    page = Page(lena.get(path))
    assert (page.step, page.buttons) == ("idle", {"Enroll now": "enroll"})

    page = Page(lena.post(path, {"action": "enroll"}, follow=True))
    assert is_enrolled(moodle)
    assert page.text == "You are enrolled. Go to course Leave the course"
    assert page.links == {"Go to course": run.resource_link, "Leave the course": f"{path}&leave"}

    page = Page(lena.get(f"{path}&leave"))
    assert page.step == "leaving"
    assert "your progress may be lost" in page.text
    assert (page.links, page.buttons) == ({"Stay enrolled": path}, {"Leave the course": "leave"})
    assert is_enrolled(moodle)

    assert Page(lena.post(path, {"action": "leave"}, follow=True)).step == "idle"
    assert not is_enrolled(moodle)
    assert Page(lena.get(f"{path}&leave")).step == "idle"


def test_dates_name_their_zone(lena, path, run):
    CourseRun.objects.update(enrollment_end=datetime(2999, 3, 31, 22, tzinfo=UTC))

    assert "Enrollment closes on March 31, 2999, 10 p.m. (UTC)." in Page(lena.get(path)).text


def test_the_course_page_leads_here_and_back(client, run, path):
    course_page = client.get("/a-course/").content.decode()
    assert f'href="{escape(path)}"' in course_page
    assert run.resource_link not in BeautifulSoup(course_page, "html.parser").get_text()
    assert 'href="/a-course/">Back to the course page' in client.get(path).content.decode()


def test_course_pages_call_nobody_but_this_site(client, run, moodle):
    assert "connect-src 'self';" in client.get("/a-course/")["Content-Security-Policy"]


# The wish


def test_a_wish_survives_the_login_for_one_question(client, learner, path, moodle, settings):
    page = Page(client.get(path))
    assert (page.step, page.buttons) == ("anonymous", {"Log in to enroll": "enroll"})

    response = client.post(path, {"action": "enroll"})
    assert (response.status_code, response["Location"]) == (302, f"/login/?{urlencode({'next': path})}")
    client.login(username="learner", password="learner")

    page = Page(client.get(path))
    assert (page.step, page.buttons) == ("confirming", {"Enroll now": "enroll"})
    assert "Welcome back, Lena Learner. Do you want to enroll in this course?" in page.text
    assert not is_enrolled(moodle)
    assert Page(client.get(path)).step == "idle"
    assert Page(client.post(path, {"action": "enroll"}, follow=True)).step == "enrolled"


def wish(client, **values) -> None:
    session = client.session
    session[WISH] = values
    session.save()


@pytest.mark.parametrize(
    "values",
    [{"run": 0}, {"until": 1.0}, {"until": "for ever"}, {"run": None}],
    ids=["another run", "too late", "rubbish", "no run"],
)
def test_a_wish_that_does_not_count(lena, path, run, values):
    wish(lena, **{"run": run.pk, "until": timezone.now().timestamp() + 60, **values})

    assert Page(lena.get(path)).step == "idle"
    assert WISH not in lena.session


def test_a_wish_is_of_no_use_to_who_is_enrolled_or_may_not(lena, path, run, moodle):
    fresh = {"run": run.pk, "until": timezone.now().timestamp() + 60}
    moodle.state.enroll(moodle.state.learner.id, moodle.state.course.id)
    wish(lena, **fresh)
    assert Page(lena.get(path)).step == "enrolled"

    moodle.state.enrollments.clear()
    CourseRun.objects.update(enrollment_end=timezone.now() - timedelta(days=1))
    wish(lena, **fresh)
    assert Page(lena.get(path)).step == "closed"


def test_nobody_makes_a_wish_by_a_link(client, path):
    client.get(f"{path}&action=enroll&next=https://evil.example.com/")

    assert WISH not in client.session


@pytest.mark.parametrize("data", [{"action": "leave"}, {}, {"action": "enroll", "next": "https://evil.example.com/"}])
def test_the_login_leads_back_to_this_page_alone(client, path, data):
    response = client.post(path, data)

    assert response["Location"] == f"/login/?{urlencode({'next': path})}"


@pytest.mark.parametrize(
    ("login_url", "expected"),
    [
        ("/sso/?via=uni", "/sso/?via=uni&next=%2Fenrollments%2F"),
        ("https://login.example.com/go#form", "https://login.example.com/go?next=%2Fenrollments%2F"),
    ],
)
def test_sites_log_in_wherever_they_like(client, path, settings, login_url, expected):
    settings.LOGIN_URL = login_url

    assert client.post(path, {"action": "enroll"})["Location"].startswith(expected)
    # The form's answer goes there.
    assert "form-action 'self' https:" in Page(client.get(path)).policy


def test_writes_need_a_token(learner, path, moodle):
    client = Client(enforce_csrf_checks=True)
    client.force_login(learner)

    assert client.post(path, {"action": "enroll"}).status_code == 403
    assert not is_enrolled(moodle)
    token = BeautifulSoup(client.get(path).content, "html.parser").select_one("[name=csrfmiddlewaretoken]")["value"]
    assert client.post(path, {"action": "enroll", "csrfmiddlewaretoken": token}).status_code == 302
    assert is_enrolled(moodle)


# What is said


def test_what_is_no_run_of_the_server(client, run, path):
    LMSBackend.objects.update(js_backend="")
    assert client.get("/enrollments/999999/").status_code == 404
    assert client.put(path).status_code == 405


@pytest.mark.parametrize(
    ("dates", "step", "words"),
    [
        ({"enrollment_end": -1}, "closed", "Enrollment is closed."),
        ({"enrollment_start": 1}, "closed", "Enrollment is not open yet. Enrollment opens on"),
    ],
)
def test_dates(client, lena, path, dates, step, words):
    days = {name: timezone.now() + timedelta(days=number) for name, number in dates.items()}
    CourseRun.objects.update(**days)
    page, stranger = Page(lena.get(path)), Page(Client().get(path))

    assert page.step == stranger.step == step
    assert page.buttons == stranger.buttons == {}
    assert words in page.text
    assert "Already enrolled? Log in" in stranger.links
    assert Page(lena.post(path, {"action": "enroll"})).step == step


FAILURES = [
    (EnrollmentRefused(obstacle=Obstacle.FULL), "full", "This course is full."),
    (EnrollmentRefused(obstacle=Obstacle.INVITATION_ONLY), "invitation-only", "by invitation only"),
    (EnrollmentRefused(obstacle=Obstacle.PAYMENT, payment_url="https://pay.example.com/"), "payment", "to be paid"),
    (EnrollmentRefused("<script>No.</script>"), "refused", "Moodle campus says: <script>No.</script>"),
    (EnrollmentRefused(), "refused", "Moodle campus gave no reason."),
    (LMSUnavailable(retry_after=30.4), "unavailable", "Please try again in 30 seconds."),
    (LMSUnavailable(retry_after=0), "unavailable", "Please try again in 1 second."),
]


@pytest.mark.parametrize(("error", "step", "words"), FAILURES)
def test_what_the_lms_says_to_a_write(lena, path, monkeypatch, naps, error, step, words):
    def refuse(*args, **kwargs):
        raise error

    monkeypatch.setattr(MoodleBackend, "set_enrollment", refuse)
    page = Page(lena.post(path, {"action": "enroll"}))

    assert page.step == step
    assert words in page.text
    assert "Go to the course on Moodle campus" in page.links
    assert ("Pay and enroll" in page.links) == (step == "payment")


@pytest.mark.parametrize(
    ("kind", "step", "words"),
    [
        ("html", "unavailable", "Moodle campus cannot be reached at the moment."),
        ("reset", "unavailable", "cannot be reached"),
        ("bad_gateway", "unavailable", "cannot be reached"),
    ],
)
def test_an_lms_that_fails(lena, path, moodle, naps, kind, step, words):
    moodle.state.faults.add(kind, path="server.php", times=None)

    for response in (lena.get(path), lena.post(path, {"action": "enroll"}), lena.post(path, {"action": "leave"})):
        page = Page(response)
        assert (page.step, page.links["Try again"]) == (step, path)
        assert words in page.text


def test_what_somebody_must_mend(lena, path, moodle):
    moodle.state.tokens.clear()

    assert "Your enrollment could not be looked up." in Page(lena.get(path)).text
    page = Page(lena.post(path, {"action": "leave"}))
    assert page.step == "misconfigured"
    assert "You are still enrolled: you could not leave the course." in page.text


def test_an_unknown_learner(lena, path, moodle):
    moodle.state.learner.is_deleted = True

    page = Page(lena.post(path, {"action": "enroll"}))
    assert page.step == "unknown-learner"
    assert "You could not be enrolled. Moodle campus has no account of yours yet." in page.text


def test_learners_wait_their_turn(lena, path, settings):
    settings.CMS_LMS_ENROLLMENT_RATE = "1/day"
    lena.get(path)

    assert Page(lena.get(path)).step == Page(lena.post(path, {"action": "enroll"})).step == "unavailable"


def test_in_other_languages(lena, path):
    with translation.override("ar"):
        link = page_address(int(path.split("/")[2]))
    response = lena.get(link)

    assert '<html lang="ar" dir="rtl">' in response.content.decode()
    assert lena.post(link, {"action": "enroll"})["Location"] == link
    for rubbish in ("klingon", "x" * 1000, "%00"):
        assert lena.get(f"{link}&language={rubbish}").status_code == 200
