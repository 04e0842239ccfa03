"""What the panel shows for who the learner is, whether they are enrolled, and whether they may be."""

from __future__ import annotations

import re
from urllib.parse import parse_qs, urlsplit

import pytest
from playwright.sync_api import expect

from .conftest import make_panel
from .openedx import (
    CLOSED,
    ENROLLMENT,
    HTML,
    ME,
    MINE,
    enrolled,
    expect_step,
    log_in,
    not_enrolled,
)
from .servers import Answer

pytestmark = pytest.mark.browser


# Who is it?


@pytest.mark.parametrize("status", [401, 403])
def test_anonymous_logs_in_and_comes_back(open_page, lms, site, status):
    lms.on("GET", ME, Answer(status, {"detail": "Authentication credentials were not provided."}))
    panel = open_page(make_panel(lms.url), path="/course/")
    expect_step(panel, "anonymous")
    link = panel.get_by_role("link", name="Log in to enroll")
    address = urlsplit(link.get_attribute("href"))
    assert f"{address.scheme}://{address.netloc}{address.path}" == f"{lms.url}/login"
    assert parse_qs(address.query) == {"next": [f"{site.url}/course/"]}
    assert lms.calls("GET", ENROLLMENT) == []


WHOAMI = [
    (Answer(200, {"username": "ada"}), "idle"),
    (Answer(200, body='{"username": "ada"}', headers={"Content-Type": "text/plain"}), "idle"),
    (HTML, "unavailable"),
    (Answer(200), "unavailable"),
    (Answer(200, []), "unavailable"),
    (Answer(200, {"username": ""}), "unavailable"),
    (Answer(200, {"username": 7}), "unavailable"),
    (Answer(200, body='{"username": "a'), "unavailable"),
    (Answer(302, headers={"Location": "/login"}), "unavailable"),
    (Answer(404, body="Not found"), "misconfigured"),
    (Answer(418), "unavailable"),
    (Answer(429, {"detail": "Request was throttled."}), "unavailable"),
    (Answer(500, body="<h1>Server Error</h1>"), "unavailable"),
    (Answer(502), "unavailable"),
    (None, "unavailable"),
    (Answer(200, {"username": "ada"}, headers={"Access-Control-Allow-Origin": "https://other"}), "unavailable"),
]


def test_whoami(open_cases, lms):
    lms.on("GET", "/login", HTML)
    for panel, (_, step) in open_cases(WHOAMI, lambda at, case: lms.on("GET", at + ME, case[0])):
        expect_step(panel, step)


# Is she enrolled?


READS = [
    (not_enrolled(), "idle"),
    (Answer(json={"is_active": False}), "idle"),
    (enrolled(), "enrolled"),
    (Answer(200, body="null"), "idle"),
    (Answer(200, {"is_active": "yes"}), "unavailable"),
    (HTML, "unavailable"),
    (Answer(401, {"detail": "Authentication credentials were not provided."}), "anonymous"),
    (Answer(403), "refused"),
    # The session is another learner's by now; and an address that is not there.
    (Answer(404), "anonymous"),
    (Answer(404, body="<h1>Not Found</h1>"), "misconfigured"),
    (Answer(400, {"message": "An error occurred while retrieving enrollments for user 'ada'"}), "refused"),
    (Answer(429, {"detail": "Request was throttled. Expected available in 23 seconds."}), "unavailable"),
    (Answer(503), "unavailable"),
    (None, "unavailable"),
]


def test_reading_the_enrollment(open_cases, lms):
    for panel, (_, step) in open_cases(READS, lambda at, case: lms.on("GET", at + MINE, case[0])):
        expect_step(panel, step)


def test_names_and_keys_are_escaped_in_the_path(open_page, lms):
    log_in(lms, enrolled(), name="ada l/ø@x")
    expect_step(open_page(make_panel(lms.url)), "enrolled")
    path = lms.calls("GET", ENROLLMENT)[0].path
    assert path.endswith("/ada%20l%2F%C3%B8%40x,course-v1%3AOrg%C3%A9%2BC1%2BR1")


def test_enrolled_goes_to_the_course(open_page, lms):
    log_in(lms, enrolled())
    panel = open_page(make_panel(lms.url, learner_url=f"{lms.url}/courses/x/info"))
    expect(panel.get_by_role("link", name="Go to course")).to_have_attribute("href", f"{lms.url}/courses/x/info")
    expect(panel).not_to_contain_text("starts on")


def test_enrolled_before_the_start_says_when_and_still_leads_there(open_page, lms):
    log_in(lms, enrolled())
    panel = open_page(make_panel(lms.url, start="2024-07-20T10:00:00+00:00"))
    expect(panel).to_contain_text("Starts in 35 days, on July 20, 2024 at 10:00 AM UTC.")
    for time in panel.locator("time").all():
        expect(time).to_have_attribute("datetime", "2024-07-20T10:00:00.000Z")
    expect(panel.get_by_role("link", name="Go to course")).to_be_visible()


def test_enrolled_without_a_page_for_learners(open_page, lms):
    log_in(lms, enrolled())
    panel = open_page(make_panel(lms.url, learner_url=None))
    expect(panel).to_contain_text("You are enrolled.")
    expect(panel.get_by_role("link")).to_have_count(0)


def test_an_address_that_is_no_web_address_is_no_link(open_page, lms):
    log_in(lms, enrolled())
    panel = open_page(make_panel(lms.url, learner_url="javascript:alert(1)"))
    expect(panel).to_contain_text("You are enrolled.")
    expect(panel.get_by_role("link")).to_have_count(0)


# May she?


SINCE = "Enrollment closed on June 1, 2024 at 12:00 AM UTC."
STARTS = "The course starts in 35 days, on July 20, 2024 at 12:00 AM UTC."
OPENS = "Enrollment opens in 5 days, on June 20, 2024 at 8:00 AM UTC."
START = {"start": "2024-07-20T00:00:00+00:00"}
UNSCHEDULED = {"start": "2030-01-01T00:00:00+00:00"}
CLOSED_RUNS = [
    (CLOSED, ["Enrollment is closed. The course is under way.", SINCE]),
    (
        {**CLOSED, "end": "2024-06-10T00:00:00+00:00"},
        [
            "Enrollment is closed. The course has ended.",
            SINCE,
            "The course ended on June 10, 2024 at 12:00 AM UTC.",
        ],
    ),
    ({**CLOSED, **START}, ["Enrollment is closed.", SINCE, STARTS]),
    ({**CLOSED, **UNSCHEDULED}, ["Enrollment is closed.", SINCE]),
    ({"start": None}, ["The dates of this course are to be announced."]),
    ({"enrollment_start": None}, ["The dates of this course are to be announced."]),
    ({**UNSCHEDULED, "enrollment_start": UNSCHEDULED["start"]}, ["The dates of this course are to be announced."]),
    ({"enrollment_start": "2024-06-20T08:00:00+00:00"}, [OPENS]),
    ({"enrollment_start": "2024-06-20T08:00:00+00:00", **START}, [OPENS, STARTS]),
    ({"enrollment_start": "2024-06-20T08:00:00+00:00", **UNSCHEDULED}, [OPENS]),
]


def test_closed_says_why(open_cases):
    for panel, (_, texts) in open_cases(CLOSED_RUNS, lambda at, case: case[0]):
        expect_step(panel, "closed")
        expect(panel.locator("p:visible")).to_have_text(texts)
        expect(panel.get_by_role("button")).to_have_count(0)
        expect(panel.get_by_role("link")).to_have_count(0)


def test_enrolled_beats_closed(open_cases, lms):
    def arrange(at, case):
        lms.on("GET", at + MINE, enrolled())
        return case[0]

    for panel, _ in open_cases(CLOSED_RUNS, arrange):
        expect_step(panel, "enrolled")
        expect(panel.get_by_role("link", name="Go to course")).to_be_visible()


def test_closed_lets_the_enrolled_log_in(open_page, lms):
    panel = open_page(make_panel(lms.url, **CLOSED))
    expect_step(panel, "closed")
    expect(panel.get_by_role("link", name="Already enrolled? Log in")).to_have_attribute(
        "href", re.compile(re.escape(lms.url) + r"/login\?next=")
    )


CLOSES = "Enrollment closes in 16 days, on July 1, 2024 at 8:00 AM UTC."
OPEN_RUNS = [
    ({}, ["Enrollment is open.", CLOSES]),
    ({"enrollment_end": None}, ["Enrollment is open."]),
    ({"enrollment_end": "9999-12-31T23:59:59+00:00"}, ["Enrollment is open."]),
    ({**START, "enrollment_end": None}, ["Starts in 35 days, on July 20, 2024 at 12:00 AM UTC."]),
    ({**UNSCHEDULED, "end": None}, ["Enrollment is open.", "The start of the course is to be announced.", CLOSES]),
    (
        {"end": "2024-06-10T00:00:00+00:00", "enrollment_end": None},
        ["Enrollment is open."],
    ),
    (
        {"end": "2024-06-10T00:00:00+00:00"},
        ["The course has ended. You can still enroll and study its content.", CLOSES],
    ),
]


def test_open_says_what_its_dates_are(open_cases):
    for panel, (_, texts) in open_cases(OPEN_RUNS, lambda at, case: case[0]):
        expect_step(panel, "idle")
        expect(panel.locator("p:visible")).to_have_text(texts)
