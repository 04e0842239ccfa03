"""What the panel shows for each answer of an Open edX, byte for byte as its contract says."""

from __future__ import annotations

import json
import re
import threading
from urllib.parse import parse_qs, urlsplit

import pytest
from playwright.sync_api import expect

from .conftest import COURSE_ID, make_panel, render_page
from .servers import Answer

pytestmark = pytest.mark.browser

ME = "/api/user/v1/me"
ENROLLMENT = "/api/enrollment/v1/enrollment"
COURSE = f"/api/enrollment/v1/course/{COURSE_ID}"
MINE = f"{ENROLLMENT}/ada,{COURSE_ID}"

HTML = Answer(200, body="<!doctype html><title>Maintenance</title>", headers={"Content-Type": "text/html"})
CLOSED = {"enrollment_end": "2024-06-01T00:00:00+00:00"}
GENERIC = {
    "message": "An error occurred while creating the new course enrollment for user 'ada' in course '" + COURSE_ID + "'"
}


def log_in(lms, *enrollment: Answer | None, name: str = "ada", at: str = "") -> None:
    """Let ada be logged in and have this enrollment; none at all if nothing is given."""
    lms.on("GET", f"{at}{ME}", Answer(json={"username": name}))
    lms.on("GET", f"{at}{ENROLLMENT}/{name},{COURSE_ID}", *(enrollment or (not_enrolled(),)))


def not_enrolled() -> Answer:
    """No row ever existed: 200, an empty body, no Content-Type; the CSRF cookie comes with it."""
    return Answer(headers={"Set-Cookie": "edx_csrf_token=s3cret; Path=/"})


def enrolled(is_active: bool = True) -> Answer:
    return Answer(json={"is_active": is_active, "mode": "audit", "user": "ada"})


def expect_step(panel, step: str) -> None:
    expect(panel).to_have_attribute("data-step", step)


@pytest.fixture
def open_cases(open_page, lms, page):
    """Show a page with one panel for each case, and return them with their cases.

    Each has an LMS of its own, below its own path on the same server. `arrange(at, case)` scripts that path and may
    return changes to the panel.
    """

    def open_cases(cases, arrange) -> list:
        page.set_viewport_size({"width": 1000, "height": 150 * len(cases)})
        panels = []
        for number, case in enumerate(cases):
            at = f"/case-{number}"
            log_in(lms, at=at)
            panels.append(make_panel(lms.url + at, **(arrange(at, case) or {})))
        open_page(*panels, shared_steps=True)
        return [(page.locator("lms-enrollment").nth(number), case) for number, case in enumerate(cases)]

    return open_cases


def enroll(panel) -> None:
    expect_step(panel, "idle")
    panel.get_by_role("button", name="Enroll now").click()


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
    (Answer(403), "anonymous"),
    (Answer(404), "unavailable"),
    (Answer(400, {"message": "An error occurred while retrieving enrollments for user 'ada'"}), "failed"),
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
    expect(panel).to_contain_text("The course starts on July 20, 2024.")
    expect(panel.locator("time")).to_have_attribute("datetime", "2024-07-20T10:00:00.000Z")
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


CLOSED_RUNS = [
    (CLOSED, ["Enrollment is closed. The course is under way."]),
    ({**CLOSED, "end": "2024-06-10T00:00:00+00:00"}, ["Enrollment is closed. The course has ended."]),
    (
        {**CLOSED, "start": "2024-07-20T00:00:00+00:00"},
        ["Enrollment is closed.", "The course starts on July 20, 2024."],
    ),
    ({"start": None}, ["The dates of this course are not set yet."]),
    (
        {"enrollment_start": "2024-06-20T08:00:00+00:00"},
        ["Enrollment opens on June 20, 2024 at 8:00 AM UTC."],
    ),
    (
        {"enrollment_start": "2024-06-20T08:00:00+00:00", "start": "2024-07-20T00:00:00+00:00"},
        ["Enrollment opens on June 20, 2024 at 8:00 AM UTC.", "The course starts on July 20, 2024."],
    ),
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


OPEN_RUNS = [
    ({}, ["Enrollment is open.", "Enrollment closes on July 1, 2024 at 8:00 AM UTC."]),
    ({"enrollment_end": None}, ["Enrollment is open."]),
    ({"enrollment_end": "9999-12-31T23:59:59+00:00"}, ["Enrollment is open."]),
    ({"start": "2024-07-20T00:00:00+00:00", "enrollment_end": None}, ["Starts on July 20, 2024."]),
    (
        {"end": "2024-06-10T00:00:00+00:00", "enrollment_end": None},
        ["Enrollment is open."],
    ),
    (
        {"end": "2024-06-10T00:00:00+00:00"},
        [
            "The course has ended. You can still enroll and study its content.",
            "Enrollment closes on July 1, 2024 at 8:00 AM UTC.",
        ],
    ),
]


def test_open_says_what_its_dates_are(open_cases):
    for panel, (_, texts) in open_cases(OPEN_RUNS, lambda at, case: case[0]):
        expect_step(panel, "idle")
        expect(panel.locator("p:visible")).to_have_text(texts)


# The write


def test_enrolling(open_page, lms, site):
    log_in(lms)
    lms.on("POST", ENROLLMENT, enrolled())
    panel = open_page(make_panel(lms.url))
    enroll(panel)
    expect_step(panel, "enrolled")
    [post] = lms.calls("POST")
    assert post.path == ENROLLMENT
    assert post.headers["content-type"] == "application/json"
    assert post.headers["x-csrftoken"] == "s3cret"
    # The page's own policy is same-origin, which would have sent none.
    assert post.headers["referer"] == f"{site.url}/"
    assert post.headers["origin"] == site.url
    assert json.loads(post.body) == {
        "user": "ada",
        "is_active": True,
        "course_details": {"course_id": COURSE_ID},
    }
    # The cookie comes with a read, so one goes right before the write.
    assert [call.method for call in lms.journal if call.path.startswith(ENROLLMENT)] == ["GET", "GET", "POST"]


def test_the_name_of_the_csrf_cookie_is_the_sites(page, site, lms):
    log_in(lms, Answer(headers={"Set-Cookie": "other_name=0ther; Path=/"}))
    lms.on("POST", ENROLLMENT, enrolled())
    html = render_page(make_panel(lms.url)).replace(
        "<lms-enrollment ", '<lms-enrollment data-csrf-cookie="other_name" '
    )
    site.pages["/"] = html
    page.goto(site.url)
    panel = page.locator("lms-enrollment")
    enroll(panel)
    expect_step(panel, "enrolled")
    assert lms.calls("POST")[0].headers["x-csrftoken"] == "0ther"


def test_enrolled_elsewhere_meanwhile_is_not_written_again(open_page, lms):
    log_in(lms, not_enrolled(), enrolled())
    panel = open_page(make_panel(lms.url))
    enroll(panel)
    expect_step(panel, "enrolled")
    assert lms.calls("POST") == []


def test_a_learner_who_left_enrolls_again(open_page, lms):
    log_in(lms, enrolled(False))
    lms.on("POST", ENROLLMENT, enrolled())
    panel = open_page(make_panel(lms.url))
    enroll(panel)
    expect_step(panel, "enrolled")


LOCALIZED = {"message": "Refused", "localizedMessage": "Votre compte n'est pas approuvé."}
EMBARGO = {"message": "Users from this location cannot access the course 'C1'.", "user_message_url": "https://e"}
EXPIRED = {"message": "The [audit] course mode is expired or otherwise unavailable for course run [C1]."}


WRITES = [
    (Answer(200, {"is_active": False}), "failed", "Example LMS gave no reason."),
    (HTML, "unavailable", "Example LMS cannot be reached"),
    (Answer(400, GENERIC), "failed", "An error occurred while creating the new course enrollment"),
    (Answer(400, EXPIRED), "failed", "The [audit] course mode is expired"),
    (Answer(400, LOCALIZED), "failed", "Example LMS says: Votre compte n'est pas approuvé."),
    (Answer(400, {"detail": "JSON parse error - x"}), "failed", "JSON parse error"),
    (Answer(400, body="Bad request"), "failed", "Example LMS gave no reason."),
    (Answer(401, {"detail": "Authentication credentials were not provided."}), "anonymous", "Log in to enroll"),
    (Answer(403, {"detail": "CSRF Failed: CSRF cookie not set."}), "misconfigured", "You cannot enroll from"),
    (
        Answer(403, {"detail": "CSRF Failed: Referer checking failed - no Referer."}),
        "misconfigured",
        "You cannot enroll from",
    ),
    (Answer(403, LOCALIZED), "failed", "Votre compte n'est pas approuvé."),
    (Answer(403, EMBARGO), "failed", "Users from this location cannot access the course"),
    (Answer(403), "failed", "Example LMS gave no reason."),
    (Answer(404), "failed", "Example LMS gave no reason."),
    (Answer(406, {"message": "The user ada does not exist."}), "failed", "The user ada does not exist."),
    (Answer(415, {"detail": "Unsupported media type"}), "failed", "Unsupported media type"),
    (Answer(301, headers={"Location": "/elsewhere"}), "unavailable", "Example LMS cannot be reached"),
    (
        Answer(429, {"detail": "Request was throttled. Expected available in 37 seconds."}),
        "unavailable",
        "Please try again in 37 seconds.",
    ),
    (
        Answer(429, headers={"Retry-After": "5", "Access-Control-Expose-Headers": "Retry-After"}),
        "unavailable",
        "Please try again in 5 seconds.",
    ),
    (
        Answer(
            503,
            headers={
                "Retry-After": "Sat, 15 Jun 2024 13:00:00 GMT",
                "Access-Control-Expose-Headers": "Retry-After",
            },
        ),
        "unavailable",
        "Please try again in 60 minutes.",
    ),
    (Answer(500, body="<h1>Server Error</h1>"), "unavailable", "Example LMS cannot be reached"),
    (Answer(502), "unavailable", "Example LMS cannot be reached"),
    (Answer(504), "unavailable", "Example LMS cannot be reached"),
    (None, "unavailable", "Example LMS cannot be reached"),
]


def test_writing_the_enrollment(open_cases, lms):
    for panel, (_, step, text) in open_cases(WRITES, lambda at, case: lms.on("POST", at + ENROLLMENT, case[0])):
        enroll(panel)
        expect_step(panel, step)
        expect(panel).to_contain_text(text)
        if step != "anonymous":
            expect(panel.get_by_role("link", name="Go to the course on Example LMS")).to_be_visible()


DETAILS = {"enrollment_start": None, "enrollment_end": None, "invite_only": False}


REFUSALS = [
    (Answer(json={**DETAILS, "enrollment_end": "2024-06-15T11:59:59Z"}), "Enrollment for this course has closed."),
    (
        Answer(json={**DETAILS, "enrollment_start": "2024-06-16T00:00:00Z"}),
        "Enrollment for this course has not opened yet.",
    ),
    (Answer(json={**DETAILS, "invite_only": True}), "This course is by invitation only."),
    (Answer(json=DETAILS), "An error occurred while creating"),
    (Answer(400, {"message": "No course found for course ID 'x'"}), "An error occurred while creating"),
    (Answer(500), "An error occurred while creating"),
    (HTML, "An error occurred while creating"),
    (None, "An error occurred while creating"),
]


def test_a_refusal_without_words_of_its_own_is_explained(open_cases, lms):
    def arrange(at, case):
        lms.on("POST", at + ENROLLMENT, Answer(400, GENERIC))
        lms.on("GET", at + COURSE, case[0])

    for panel, (_, text) in open_cases(REFUSALS, arrange):
        enroll(panel)
        expect_step(panel, "failed")
        expect(panel).to_contain_text(text)
        # One explanation at a time.
        expect(panel.locator(".lms-enrollment__note:visible")).to_have_count(1)


def test_what_the_lms_says_is_text_and_nothing_else(open_page, lms, page):
    log_in(lms)
    lms.on("POST", ENROLLMENT, Answer(403, {"localizedMessage": "<img src=x onerror=alert(1)>"}))
    panel = open_page(make_panel(lms.url))
    enroll(panel)
    expect(panel.locator("q")).to_have_text("<img src=x onerror=alert(1)>")
    expect(panel.locator("img")).to_have_count(0)


# Trying again


def test_try_again_after_a_refusal_writes_again(open_page, lms):
    log_in(lms)
    lms.on("POST", ENROLLMENT, Answer(403, {"message": "Not yet."}), enrolled())
    panel = open_page(make_panel(lms.url))
    enroll(panel)
    expect_step(panel, "failed")
    panel.get_by_role("button", name="Try again").click()
    expect_step(panel, "enrolled")


def test_try_again_after_no_answer_reads_first(open_page, lms):
    """The write may have happened: 502, and yet the learner is enrolled."""
    log_in(lms, not_enrolled(), not_enrolled(), enrolled())
    lms.on("POST", ENROLLMENT, Answer(502))
    panel = open_page(make_panel(lms.url))
    enroll(panel)
    expect_step(panel, "unavailable")
    panel.get_by_role("button", name="Try again").click()
    expect_step(panel, "enrolled")
    assert len(lms.calls("POST")) == 1


def test_try_again_asks_again_who_it_is(open_page, lms):
    log_in(lms)
    lms.on("GET", ME, None, Answer(json={"username": "ada"}))
    panel = open_page(make_panel(lms.url))
    expect_step(panel, "unavailable")
    panel.get_by_role("button", name="Try again").click()
    expect_step(panel, "idle")


def test_an_lms_that_does_not_answer_is_given_up_after_ten_seconds(open_page, lms, page):
    never = threading.Event()
    lms.on("GET", ME, Answer(json={"username": "ada"}, hold=never))
    with page.expect_request(f"{lms.url}{ME}"):
        panel = open_page(make_panel(lms.url))
    page.clock.fast_forward(9_000)
    expect_step(panel, "loading")
    page.clock.fast_forward(1_500)
    expect_step(panel, "unavailable")
    never.set()
