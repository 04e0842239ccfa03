"""What an Open edX answers, byte for byte, and what the panel shows: shared by the tests of its steps."""

from __future__ import annotations

from playwright.sync_api import expect

from .servers import Answer

COURSE_ID = "course-v1:Orgé+C1+R1"
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


def enroll(panel) -> None:
    expect_step(panel, "idle")
    panel.get_by_role("button", name="Enroll now").click()
