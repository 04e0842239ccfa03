"""What the panel shows for each answer of an Open edX to an enrollment, and what trying again does."""

from __future__ import annotations

import json
import re
import threading

import pytest
from playwright.sync_api import expect

from .conftest import make_panel, render_page
from .openedx import (
    COURSE,
    COURSE_ID,
    ENROLLMENT,
    GENERIC,
    HTML,
    ME,
    enroll,
    enrolled,
    expect_step,
    log_in,
    not_enrolled,
)
from .servers import Answer

pytestmark = pytest.mark.browser


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
    (Answer(200, {"is_active": False}), "refused", "Example LMS gave no reason."),
    (HTML, "unavailable", "Example LMS cannot be reached"),
    (Answer(400, GENERIC), "refused", "An error occurred while creating the new course enrollment"),
    (Answer(400, EXPIRED), "refused", "The [audit] course mode is expired"),
    (Answer(400, LOCALIZED), "refused", "Example LMS says: Votre compte n'est pas approuvé."),
    (Answer(400, {"detail": "JSON parse error - x"}), "refused", "JSON parse error"),
    (Answer(400, body="Bad request"), "refused", "Example LMS gave no reason."),
    (Answer(401, {"detail": "Authentication credentials were not provided."}), "expired", "Log in again"),
    (Answer(403, {"detail": "CSRF Failed: CSRF cookie not set."}), "misconfigured", "You cannot enroll from"),
    (
        Answer(403, {"detail": "CSRF Failed: Referer checking failed - no Referer."}),
        "misconfigured",
        "You cannot enroll from",
    ),
    (Answer(403, LOCALIZED), "refused", "Votre compte n'est pas approuvé."),
    (Answer(403, EMBARGO), "refused", "Users from this location cannot access the course"),
    (Answer(403), "refused", "Example LMS gave no reason."),
    (Answer(404), "expired", "You are no longer logged in to Example LMS."),
    (Answer(404, body="<h1>Not Found</h1>"), "misconfigured", "You cannot enroll from"),
    (Answer(406, {"message": "The user ada does not exist."}), "refused", "The user ada does not exist."),
    (Answer(415, {"detail": "Unsupported media type"}), "refused", "Unsupported media type"),
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
        if step != "expired":
            expect(panel.get_by_role("link", name="Go to the course on Example LMS")).to_be_visible()


DETAILS = {"enrollment_start": None, "enrollment_end": None, "invite_only": False}


REFUSALS = [
    (
        Answer(json={**DETAILS, "enrollment_end": "2024-06-15T11:59:59Z"}),
        "closed",
        ["Example LMS has closed enrollment for this course."],
    ),
    (
        Answer(json={**DETAILS, "enrollment_start": "2024-06-16T00:00:00Z"}),
        "closed",
        ["Example LMS has not opened enrollment for this course yet."],
    ),
    (
        Answer(json={**DETAILS, "invite_only": True}),
        "invitation-only",
        ["This course is by invitation only.", "If you have an invitation, enroll on Example LMS."],
    ),
    (
        Answer(json={**DETAILS, "course_modes": [{"slug": "professional", "min_price": 99}]}),
        "payment",
        ["This course has to be paid for.", "You pay and enroll on Example LMS."],
    ),
    # Of the four that share the sentence, this is left.
    (
        Answer(json={**DETAILS, "course_modes": [{"slug": "audit", "min_price": 0}]}),
        "full",
        ["This course is full.", "A place may become free: come back later, or choose another date."],
    ),
    *(
        (answer, "refused", ["You could not be enrolled.", re.compile("^Example LMS says: An error occurred while")])
        for answer in (
            Answer(json=DETAILS),
            Answer(400, {"message": "No course found for course ID 'x'"}),
            Answer(500),
            HTML,
            None,
        )
    ),
]


def test_a_refusal_without_words_of_its_own_is_explained(open_cases, lms):
    def arrange(at, case):
        lms.on("POST", at + ENROLLMENT, Answer(400, GENERIC))
        lms.on("GET", at + COURSE, case[0])

    for panel, (_, step, texts) in open_cases(REFUSALS, arrange):
        enroll(panel)
        expect_step(panel, step)
        # One explanation at a time.
        expect(panel.locator("p:visible")).to_have_text(texts)


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
    expect_step(panel, "refused")
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
