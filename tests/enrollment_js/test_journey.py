"""A learner's whole way through the panel, against the fake Open edX with its real cookies, CORS and CSRF."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import expect

from tests.fake_lms import FakeLMS

from .conftest import NOW, make_panel, render_page
from .openedx import expect_step

pytestmark = pytest.mark.browser

KEY = "course-v1:edX+DemoX+Demo_Course"
OPEN = {
    "start": "2024-05-01T08:00:00+00:00",
    "end": None,
    "enrollment_start": "2024-04-01T08:00:00+00:00",
    "enrollment_end": "2024-07-01T08:00:00+00:00",
}


@pytest.fixture
def course_url(site):
    # Cookies ignore ports but not names: the LMS calls itself localhost, so must the site.
    return site.url.replace("127.0.0.1", "localhost") + "/course/"


@pytest.fixture
def edx(site, course_url):
    with FakeLMS(cms_url=course_url.removesuffix("/course/")) as lms:
        site.connect.append(lms.url)
        lms.clock.set(NOW)
        lms.state.update_run(KEY, **OPEN)
        yield lms


@pytest.fixture
def open_course(page, site, edx, course_url):
    """Show the course as a page that was rendered with these dates, which may be out of date."""

    def open_course(**dates):
        url = f"{edx.url}/courses/{KEY}/info"
        site.pages["/course/"] = render_page(
            make_panel(edx.url, course_id=KEY, learner_url=url, **{**OPEN, **dates}), language="en"
        )
        page.goto(course_url)
        return page.locator("lms-enrollment")

    return open_course


@pytest.fixture
def log_in(page, edx):
    def log_in() -> None:
        page.context.add_cookies(
            [{"name": "edx_session", "value": edx.state.open_session("learner"), "url": edx.url, "sameSite": "Lax"}]
        )

    return log_in


def test_from_anonymous_to_the_course(open_course, page, edx, course_url):
    panel = open_course()
    panel.get_by_role("link", name="Log in to enroll").click()
    page.get_by_label("Username").fill("learner")
    page.get_by_label("Password").fill("learner")
    page.get_by_role("button", name="Log in").click()
    expect(page).to_have_url(course_url)
    panel.get_by_role("button", name="Enroll now").click()
    expect_step(panel, "enrolled")
    assert edx.state.is_enrolled("learner", KEY)
    panel.get_by_role("link", name="Go to course").click()
    expect(page).to_have_url(re.compile(re.escape(edx.url)))
    expect(page.locator("body")).to_contain_text("You are enrolled in this course")


@pytest.mark.parametrize("release", ["hawthorn", "juniper", "maple", "redwood", "ulmo"])
def test_enrolling_on_each_kind_of_release(open_course, edx, log_in, release):
    edx.state.change_settings(release=release)
    log_in()
    panel = open_course()
    panel.get_by_role("button", name="Enroll now").click()
    expect_step(panel, "enrolled")


def test_a_learner_who_left_can_come_again(open_course, edx, log_in):
    edx.state.set_enrollment("learner", KEY, is_active=False)
    log_in()
    panel = open_course()
    panel.get_by_role("button", name="Enroll now").click()
    expect_step(panel, "enrolled")


def test_enrolled_beats_closed_on_a_real_lms(open_course, edx, log_in):
    edx.state.set_enrollment("learner", KEY)
    edx.state.update_run(KEY, enrollment_end="2024-06-01T00:00:00+00:00")
    log_in()
    panel = open_course(enrollment_end="2024-06-01T00:00:00+00:00")
    expect(panel.get_by_role("link", name="Go to course")).to_be_visible()


@pytest.mark.parametrize(
    ("changes", "step", "text"),
    [
        (
            {"enrollment_end": "2024-06-01T00:00:00+00:00"},
            "closed",
            "Example LMS has closed enrollment for this course.",
        ),
        (
            {"enrollment_start": "2024-06-20T00:00:00+00:00"},
            "closed",
            "Example LMS has not opened enrollment for this course yet.",
        ),
        ({"invitation_only": True}, "invitation-only", "This course is by invitation only."),
        ({"is_full": True}, "full", "This course is full."),
    ],
)
def test_the_lms_knows_better_than_the_page(open_course, edx, log_in, changes, step, text):
    edx.state.update_run(KEY, **changes)
    log_in()
    panel = open_course()
    panel.get_by_role("button", name="Enroll now").click()
    expect_step(panel, step)
    expect(panel).to_contain_text(text)
    assert not edx.state.is_enrolled("learner", KEY)


@pytest.mark.parametrize(
    ("fault", "step"),
    [
        ("filter", "refused"),
        ("embargo", "refused"),
        ("mode_expired", "refused"),
        ("throttled", "unavailable"),
        ("server_error", "unavailable"),
        ("bad_gateway", "unavailable"),
        ("html", "unavailable"),
        ("truncated", "unavailable"),
        ("reset", "unavailable"),
        ("cors_withheld", "unavailable"),
        ("login_redirect", "unavailable"),
        ("content_type", "enrolled"),
    ],
)
def test_what_may_go_wrong_with_the_write(open_course, edx, log_in, fault, step):
    log_in()
    panel = open_course()
    expect_step(panel, "idle")
    edx.state.fail(fault, method="POST")
    panel.get_by_role("button", name="Enroll now").click()
    expect_step(panel, step)
    if step == "unavailable":
        panel.get_by_role("button", name="Try again").click()
        expect(panel).to_have_attribute("data-step", re.compile("idle|enrolled"))


@pytest.mark.parametrize(
    "settings",
    [{"trusted_origins": []}, {"cors_allow_insecure": False}],
    ids=["the origin is not trusted", "the cookie is for https alone"],
)
def test_an_lms_that_is_not_set_up_for_the_site(open_course, edx, log_in, settings):
    edx.state.change_settings(**settings)
    log_in()
    panel = open_course()
    panel.get_by_role("button", name="Enroll now").click()
    expect_step(panel, "misconfigured")
    expect(panel.get_by_role("link", name="Go to the course on Example LMS")).to_be_visible()


def test_logged_out_meanwhile(open_course, edx, log_in):
    log_in()
    panel = open_course()
    expect_step(panel, "idle")
    edx.state.sessions.clear()
    panel.get_by_role("button", name="Enroll now").click()
    expect_step(panel, "expired")
