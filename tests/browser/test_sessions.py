"""The header of the demonstration's site: a learner comes and goes, on her LMS and on the site itself."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import expect

from cms_lms.models import LMSBackend
from tests.axe import find_violations
from tests.browser.conftest import COURSE_PAGE
from tests.factories import make_backend

pytestmark = [
    pytest.mark.browser,
    pytest.mark.django_db(transaction=True, serialized_rollback=True),
]


@pytest.fixture
def both_sessions(open_run) -> None:
    """The LMS of the run, and a Moodle whose learners log in on this site, are in the header."""
    campus = LMSBackend.objects.get()
    campus.shows_session = True
    campus.save()
    make_backend(
        name="Moodle campus",
        slug="moodle",
        base_url="https://moodle.example.com",
        backend="cms_lms.backends.moodle.MoodleBackend",
        course_regex=r"^https://moodle\.example\.com/course/view\.php\?id=(?P<course_id>[0-9]+)$",
        js_backend="server",
        shows_session=True,
    )


def test_a_learner_comes_and_goes(both_sessions, new_page, lms):
    page = new_page()
    page.goto(COURSE_PAGE)
    campus, moodle = page.get_by_role("group", name="Campus"), page.get_by_role("group", name="Moodle campus")
    for width in (320, 1280):
        page.set_viewport_size({"width": width, "height": 800})
        assert find_violations(page) == []
        assert page.evaluate("document.documentElement.scrollWidth") <= width

    campus.get_by_role("link", name="Log in to Campus").click()
    page.get_by_label("Username").fill("learner")
    page.get_by_label("Password").fill("learner")
    page.keyboard.press("Enter")
    expect(page).to_have_url(re.compile(COURSE_PAGE))
    menu = campus.get_by_role("button", name=re.compile("learner", re.IGNORECASE))
    menu.click()
    expect(campus.get_by_role("link", name="Dashboard")).to_have_attribute("href", f"{lms.url}/dashboard")
    expect(campus.get_by_role("link", name="Profile")).to_have_attribute("href", f"{lms.url}/u/learner")
    expect(page.get_by_role("button", name="Enroll now")).to_be_visible()
    assert len(lms.journal.entries(path="/api/user/v1/me")) <= 2

    moodle.get_by_role("link", name="Log in to Moodle campus").click()
    page.get_by_label("Username").fill("learner")
    page.get_by_label("Password").fill("learner")
    page.keyboard.press("Enter")
    expect(page).to_have_url(re.compile(f"{COURSE_PAGE}$"))
    moodle.get_by_role("button", name="learner").click()
    moodle.get_by_role("button", name="Log out").click()
    expect(moodle.get_by_role("link", name="Log in to Moodle campus")).to_be_focused()

    menu.click()
    campus.get_by_role("button", name="Log out").click()
    expect(campus.get_by_role("link", name="Log in to Campus")).to_be_visible()
    expect(page.get_by_role("link", name="Log in to enroll")).to_be_visible()


def test_other_pages_have_it_too_with_scripts_or_without(both_sessions, new_page, browser, live_server, lms):
    page = new_page()
    for address in ("/", "/account/login/", "/nothing-here/"):
        page.goto(address)
        expect(page.get_by_role("group", name="Campus").get_by_role("link", name="Register on Campus")).to_be_visible()

    page = browser.new_context(base_url=live_server.url, java_script_enabled=False).new_page()
    page.goto("/")
    expect(page.get_by_role("link", name="Go to Campus")).to_have_attribute("href", f"{lms.url}/dashboard")
    expect(page.get_by_role("link", name="Go to Moodle campus")).to_have_attribute(
        "href", "https://moodle.example.com/my/"
    )
    expect(page.get_by_role("link", name=re.compile("Log in"))).to_have_count(0)
