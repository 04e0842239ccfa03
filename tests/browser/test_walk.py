"""The whole road, walked once: an editor configures LMSs, they push runs, staff publish, a learner enrolls."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import Page, expect

pytestmark = [
    pytest.mark.browser,
    pytest.mark.django_db(transaction=True, serialized_rollback=True),
]

PUBLIC_RUN = "course-v1:edX+DemoX+2027_T1"
DRAFT_RUN = "course-v1:DelftX+CTB3365DWx+1T2027"

#: Open whenever the walk is walked.
DATES = {"Start": "2001-01-01T00:00:00Z", "End": "2999-01-01T00:00:00Z"}
ENROLLMENT = {"Enrollment start": "2000-01-01T00:00:00Z", "Enrollment end": "2998-01-01T00:00:00Z"}


def log_in(page: Page, name: str) -> None:
    """Log in to the admin as one of the demonstration's people, whose passwords are their names."""
    page.goto("/admin/")
    page.get_by_label("Username").fill(name)
    page.get_by_label("Password").fill(name)
    page.get_by_role("button", name="Sign in").click()
    expect(page).to_have_url(re.compile(r"/admin/$"))


def fill_backend(page: Page, *, name: str, base_url: str, course_regex: str, mode: str) -> None:
    """Fill in the form of an LMS backend."""
    page.get_by_label("Name*").fill(name)
    page.get_by_label("Base URL*").fill(base_url)
    page.get_by_label("Backend class*").select_option(label="Open edX")
    page.get_by_label("JS backend").select_option("openedx-hawthorn")
    page.get_by_label("Course regex*", exact=True).fill(course_regex)
    page.get_by_label("Default synchronisation").select_option(label=mode)


def publish_run(page: Page, lms_url: str, key: str) -> None:
    """Open a run on the LMS and publish it from there, with dates that are open whenever this runs."""
    page.goto(f"{lms_url}/studio")
    card = page.locator(f'[data-run="{key}"]')
    for label, date in {**DATES, **ENROLLMENT}.items():
        card.get_by_label(label, exact=True).fill(date)
    card.get_by_role("button", name=f"Publish this run {key}").click()
    expect(page.locator(f'[data-run="{key}"] [role=status]')).to_contain_text('{"success":true}')


def test_the_whole_road(new_page, lms, picture):
    editor, studio, publisher, learner = (new_page() for _person in range(4))
    host = re.escape(lms.url)

    # The editor makes a mistake in a pattern, reads what is wrong where she made it, and mends it.
    log_in(editor, "editor")
    editor.get_by_role("button", name="Courses").click()
    editor.get_by_role("link", name="LMS backends").click()
    editor.get_by_role("link", name="Add LMS backend").first.click()
    fill_backend(
        editor,
        name="Campus",
        base_url=lms.url,
        course_regex=rf"^{host}/courses/(?P<course_id>course-v1:edX\+[^/]+/info$",
        mode="Synchronise to public",
    )
    editor.get_by_role("button", name="Save").click()
    error = editor.locator("#panel-child-course_regex-errors, [id$=course_regex-errors]").first
    expect(error).to_be_visible()
    expect(error).to_contain_text(re.compile("parenthes|closed|group", re.IGNORECASE))
    error.scroll_into_view_if_needed()
    picture(editor, "backend-error")
    editor.get_by_label("Course regex*", exact=True).fill(rf"^{host}/courses/(?P<course_id>course-v1:edX\+[^/]+)/info$")
    editor.get_by_role("button", name="Save").click()
    expect(editor.get_by_role("link", name="Campus")).to_be_visible()
    editor.get_by_role("link", name="Add LMS backend").first.click()
    fill_backend(
        editor,
        name="Partners",
        base_url=lms.url,
        course_regex=rf"^{host}/courses/(?P<course_id>course-v1:DelftX\+[^/]+)/info$",
        mode="Synchronise to draft",
    )
    editor.get_by_role("button", name="Save").click()
    expect(editor.get_by_role("link", name="Partners")).to_be_visible()
    picture(editor, "backend-saved")

    # The LMS publishes a run of each: one appears at once, one waits.
    publish_run(studio, lms.url, PUBLIC_RUN)
    publish_run(studio, lms.url, DRAFT_RUN)
    picture(studio, "studio")
    learner.goto("/edx-demonstration-course/")
    expect(learner.locator("lms-enrollment")).to_have_count(1)
    learner.goto("/drinking-water-treatment/")
    expect(learner.locator("lms-enrollment")).to_have_count(0)

    # Staff see the draft, and publish it.
    log_in(publisher, "publisher")
    publisher.get_by_role("button", name="Courses").click()
    publisher.get_by_role("link", name="Course runs").click()
    row = publisher.get_by_role("row").filter(has_text="Drinking Water Treatment")
    expect(row).to_contain_text("draft")
    picture(publisher, "runs-listing")
    row.get_by_role("link", name=re.compile("Drinking Water Treatment")).first.click()
    picture(publisher, "draft-waiting")
    publisher.get_by_role("button", name="More actions").click()
    publisher.get_by_role("button", name="Publish", exact=True).click()
    expect(publisher.get_by_text(re.compile("published"))).to_be_visible()
    learner.reload()
    expect(learner.locator("lms-enrollment")).to_have_count(1)

    # The learner logs in on the LMS, comes back to the page, enrolls, and the LMS knows.
    learner.goto("/edx-demonstration-course/")
    learner.get_by_role("link", name="Log in to enroll").click()
    learner.get_by_label("Username").fill("learner")
    learner.get_by_label("Password").fill("learner")
    learner.get_by_role("button", name="Log in").click()
    expect(learner).to_have_url(re.compile(r"/edx-demonstration-course/"))
    learner.get_by_role("button", name="Enroll now").click()
    go_to_course = learner.get_by_role("link", name=re.compile("Go to course"))
    expect(go_to_course).to_be_visible()
    picture(learner, "enrolled", full_page=True)
    go_to_course.click()
    expect(learner.get_by_text("You are enrolled in this course")).to_be_visible()
    picture(learner, "lms-enrolled")
