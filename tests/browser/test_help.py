"""From a field of a backend's form to the heading that explains it."""

from __future__ import annotations

import pytest
from playwright.sync_api import expect

from cms_lms.models import LMSBackend
from tests.admin.browsing import url
from tests.browser.test_walk import log_in

pytestmark = [
    pytest.mark.browser,
    pytest.mark.django_db(transaction=True, serialized_rollback=True),
]


@pytest.fixture
def form(catalogue) -> str:
    """The address of the form, asked for before the browser starts."""
    return url(LMSBackend, "add")


def test_a_field_leads_to_what_explains_it(form, new_page, picture):
    page = new_page()
    log_in(page, "editor")
    page.goto(form)
    page.get_by_label("Name").fill("Half typed")
    picture(page, "help-form", full_page=True)
    with page.expect_popup() as opened:
        page.get_by_role("link", name="How matching works (opens in a new tab)").click()
    explanation = opened.value
    heading = explanation.get_by_role("heading", name="How matching works")
    expect(heading).to_be_in_viewport()
    picture(explanation, "help-page")
    # The header of the admin, which stays in the window, does not cover it.
    assert heading.evaluate(
        "(heading) => heading.contains(document.elementFromPoint("
        "heading.getBoundingClientRect().x + 5, heading.getBoundingClientRect().y + 5))"
    )
    # Nothing that was typed is lost.
    expect(page.get_by_label("Name")).to_have_value("Half typed")

    explanation.get_by_role("navigation", name="On this page").get_by_role("link", name="Warnings").click()
    expect(explanation.get_by_role("heading", name="Warnings")).to_be_in_viewport()
    explanation.set_viewport_size({"width": 320, "height": 800})
    explanation.emulate_media(color_scheme="dark")
    assert explanation.evaluate("document.documentElement.scrollWidth") <= 320
    picture(explanation, "help-page-narrow")
    explanation.goto(form.replace("add/", "help/"))
    explanation.get_by_role("link", name="Moodle").click()
    explanation.set_viewport_size({"width": 1280, "height": 900})
    picture(explanation, "help-moodle", full_page=True)
