"""A draft in moderation: an LMS sends it, a reviewer finds it among what awaits her, and her approval publishes it."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import expect

from tests.browser.test_walk import DRAFT_RUN, log_in, publish_run
from tests.factories import make_backend, make_workflow

pytestmark = [
    pytest.mark.browser,
    pytest.mark.django_db(transaction=True, serialized_rollback=True),
]

TITLE = "Drinking Water Treatment"


@pytest.fixture
def workflow(catalogue, lms):
    """A partner whose drafts the publishers review."""
    make_backend(
        name="Partners",
        base_url=lms.url,
        course_regex=rf"^{re.escape(lms.url)}/courses/(?P<course_id>course-v1:DelftX\+[^/]+)/info$",
        default_sync_mode="sync_to_draft",
        submits_drafts=True,
    )
    return make_workflow("Publishers’ review")


def test_a_reviewer_publishes_what_an_lms_submitted(workflow, new_page, lms, picture):
    studio, publisher, learner = (new_page() for _person in range(3))
    publish_run(studio, lms.url, DRAFT_RUN)
    learner.goto("/drinking-water-treatment/")
    expect(learner.locator("lms-enrollment")).to_have_count(0)

    log_in(publisher, "publisher")
    review = publisher.locator("section", has=publisher.get_by_role("heading", name="Awaiting your review"))
    expect(review).to_contain_text(TITLE)
    picture(publisher, "moderation-home", full_page=True)
    publisher.set_viewport_size({"width": 375, "height": 800})
    picture(publisher, "moderation-home-narrow", full_page=True)
    publisher.set_viewport_size({"width": 1280, "height": 900})

    review.get_by_role("link", name=TITLE).first.click()
    picture(publisher, "moderation-edit")
    publisher.get_by_role("link", name="History", exact=True).first.click()
    expect(publisher.get_by_text("Submitted to moderation, since Partners changed the draft.")).to_be_visible()
    picture(publisher, "moderation-history", full_page=True)
    publisher.go_back()

    publisher.get_by_role("button", name="More actions").click()
    publisher.get_by_role("button", name="Approve and Publish", exact=True).click()
    expect(publisher.get_by_role("row").filter(has_text=TITLE)).to_contain_text("live")
    picture(publisher, "moderation-approved")
    learner.reload()
    expect(learner.locator("lms-enrollment")).to_have_count(1)
