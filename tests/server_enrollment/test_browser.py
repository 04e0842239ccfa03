"""The panel of the JS backend “server” in a browser: every state, and every way in which an LMS behind it may fail.

One page with a run for each case, half of them in a Moodle and half in an Open edX; browsers call neither.
"""

from __future__ import annotations

import re
from datetime import timedelta

import pytest
from django.utils import timezone
from playwright.sync_api import expect

from cms_lms.encryption import Secret
from cms_lms.models import BackendCredential, CourseRun
from tests.axe import find_violations
from tests.catalog.makers import make_course_page
from tests.factories import make_backend, make_course, make_run
from tests.fake_lms import FakeLMS
from tests.server_enrollment.browsing import expect_step, open_page
from tests.server_enrollment.conftest import DATES, make_moodle_backend

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True, serialized_rollback=True)]

FOREVER = {name: date.isoformat() for name, date in DATES.items()}


@pytest.fixture
def edx(live_server):
    with FakeLMS(cms_url=live_server.url) as edx:
        edx.state.settings.throttled = False
        yield edx


@pytest.fixture
def course(db, settings, moodle, edx):
    """A course with a page, and both LMSs."""
    settings.CMS_LMS_ENROLLMENT_RATE = None
    settings.CMS_LMS_READ_TIMEOUT = 1.0
    make_moodle_backend(moodle)
    backend = make_backend(
        name="Open edX campus",
        base_url=edx.url,
        js_backend="server",
        course_regex=rf"^{re.escape(edx.url)}/courses/(?P<course_id>[^/]+)/info$",
    )
    for name, value in {"oauth2_client_id": "cms-client", "oauth2_client_secret": "cms-secret"}.items():
        BackendCredential.objects.store(backend, name, Secret(value), now=timezone.now())
    course = make_course()
    make_course_page(course)
    return course


@pytest.fixture
def add_run(course, moodle, edx):
    """Make a run by the name of its case, in one of the LMSs; return what that LMS calls it."""

    def in_moodle(name: str, **fields):
        there = moodle.state.add_course(name, name)
        make_run(
            course=course,
            title=name,
            resource_link=f"{moodle.url}/course/view.php?id={there.id}",
            **{**DATES, **fields},
        )
        return there

    def in_edx(name: str, **changes):
        template = next(iter(edx.state.runs.values()))
        key = f"course-v1:edX+{name}+1"
        edx.state.runs[key] = type(template)(**{**vars(template), "key": key, "enrollment_count": 0})
        edx.state.update_run(key, **{**FOREVER, **changes})
        make_run(course=course, title=name, resource_link=f"{edx.url}/courses/{key}/info", **DATES)
        return key

    return {"moodle": in_moodle, "edx": in_edx}


FAULTS = {
    "throttled": {"retry_after": 60},
    "server_error": {},
    "bad_gateway": {},
    "reset": {},
    "slow": {"seconds": 3},
    "truncated": {},
    "html": {},
    "login_redirect": {},
    "wrong": {"kind": "status", "status": 200, "body": '{"is_active": "<script>alert(1)</script>"}'},
    "gone": {"kind": "status", "status": 404, "body": ""},
}


def test_every_state_and_every_failure(live_server, client, learner, add_run, moodle, edx):
    yesterday, tomorrow = timezone.now() - timedelta(days=1), timezone.now() + timedelta(days=1)
    moodle_run, edx_run = add_run["moodle"], add_run["edx"]
    moodle_run("Idle")
    moodle.state.enroll(moodle.state.learner.id, moodle_run("Enrolled").id)
    moodle_run("Starting", start=tomorrow)
    moodle_run("Closed", enrollment_end=yesterday)
    moodle_run("Later", start=tomorrow + timedelta(days=9), enrollment_start=tomorrow)
    moodle_run("Paid", offer="paid")
    moodle.state.enroll(moodle.state.learner.id, moodle_run("Selfmade").id, method="self")
    moodle_run("Unfit").manual = False
    edx_run("Invited", invitation_only=True)
    edx_run("Shut", enrollment_end=yesterday.isoformat())
    edx_run("Full", is_full=True)
    refused = edx_run("Refused")
    edx.state.fail("filter", run=refused, times=None, message="Your <b>membership</b> has ended.")
    lost = edx_run("Lost")
    for name, fault in FAULTS.items():
        key = edx_run(f"Bad{name}")
        # Half of no row would be none, too.
        edx.state.set_enrollment("learner", key, is_active=False)
        edx.state.fail(**{"kind": name, "path": "/enrollment/v1/enrollment", "times": None, "run": key, **fault})
    client.force_login(learner)
    with open_page(live_server.url, client) as page:
        page.goto("/a-course/")

        def panel(name: str):
            return page.locator(f"lms-enrollment[aria-label^='{name}']").first

        # What is shown at once.
        for name, step in {
            "Idle": "idle",
            "Enrolled": "enrolled",
            "Closed": "closed",
            "Later": "closed",
            "Paid": "payment",
            "Selfmade": "enrolled",
            "Invited": "idle",
        }.items():
            expect_step(panel(name), step)
        link = panel("Paid").get_by_role("link", name="Pay and enroll")
        expect(link).to_have_attribute("href", re.compile(re.escape(moodle.url)))
        for name in FAULTS:
            expect_step(panel(f"Bad{name}"), "misconfigured" if name == "gone" else "unavailable")
        expect(panel("Badthrottled")).to_contain_text("Please try again in 60 seconds.")

        # In and out.
        for name in ("Idle", "Starting"):
            panel(name).get_by_role("button", name="Enroll now").click()
            expect_step(panel(name), "enrolled")
        panel("Enrolled").get_by_role("button", name="Leave the course").click()
        panel("Enrolled").get_by_role("button", name="Leave the course").click()
        expect_step(panel("Enrolled"), "idle")

        # What the LMS says.
        for name, step in {
            "Unfit": "misconfigured",
            "Invited": "invitation-only",
            "Shut": "closed",
            "Full": "refused",
            "Refused": "refused",
        }.items():
            panel(name).get_by_role("button", name="Enroll now").click()
            expect_step(panel(name), step)
        expect(panel("Refused")).to_contain_text("Your <b>membership</b> has ended.")
        panel("Selfmade").get_by_role("button", name="Leave the course").click()
        panel("Selfmade").get_by_role("button", name="Leave the course").click()
        expect(panel("Selfmade")).to_contain_text("Leave the course there.")

        # It fails, and comes back.
        edx.state.fail("server_error", run=lost, times=None)
        panel("Lost").get_by_role("button", name="Enroll now").click()
        expect_step(panel("Lost"), "unavailable")
        edx.state.faults.clear()
        panel("Lost").get_by_role("button", name="Try again").click()
        expect_step(panel("Lost"), "idle")
        panel("Lost").get_by_role("button", name="Enroll now").click()
        expect_step(panel("Lost"), "enrolled")
        panel("Badhtml").get_by_role("button", name="Try again").click()
        expect_step(panel("Badhtml"), "idle")

        # Something before this site answers in its place.
        page.route("**/api/v1.0/enrollments/**", lambda route: route.fulfill(body="<h1>Maintenance</h1>"))
        panel("Badreset").get_by_role("button", name="Try again").click()
        expect_step(panel("Badreset"), "unavailable")
        page.unroute("**/api/v1.0/enrollments/**")

        # Somebody logs out in another tab.
        page.context.clear_cookies()
        panel("Badhtml").get_by_role("button", name="Enroll now").click()
        expect(panel("Badhtml")).to_have_attribute("data-step", re.compile("anonymous|expired"))
    assert edx.state.is_enrolled("learner", lost)
    # Browsers call neither LMS.
    for journal in (moodle.journal, edx.journal):
        assert not [entry for entry in journal.entries() if "Mozilla" in entry.headers.get("User-Agent", "")]


def test_from_the_login_of_this_site_to_the_course(live_server, settings, learner, add_run, moodle):
    settings.LOGIN_URL = "/account/login/"
    there = add_run["moodle"]("Idle")
    run = CourseRun.objects.get()
    with open_page(live_server.url) as page:
        page.goto("/a-course/")
        panel = page.locator("lms-enrollment")
        expect_step(panel, "anonymous")
        panel.get_by_role("link", name="Log in to enroll").click()
        page.get_by_label("Username").fill("learner")
        page.get_by_label("Password").fill("learner")
        page.get_by_role("button", name="Log in").click()
        expect(page).to_have_url(re.compile("/a-course/"))
        expect_step(panel, "confirming")
        panel.get_by_role("button", name="Enroll now").click()
        expect_step(panel, "enrolled")
        expect(panel.get_by_role("link", name="Go to course")).to_have_attribute(
            "href", f"{moodle.url}/course/view.php?id={there.id}"
        )
        # The same without JavaScript, where a machine looks for what keeps people out.
        page.goto(f"/enrollments/{run.pk}/?language=en")
        assert find_violations(page) == []
        page.get_by_role("link", name="Leave the course").click()
        expect(page.get_by_text("Do you want to leave this course?")).to_be_visible()
        assert find_violations(page) == []
    assert moodle.state.is_enrolled(moodle.state.learner.id, there.id)


def test_without_javascript(live_server, settings, learner, add_run, moodle):
    settings.LOGIN_URL = "/account/login/"
    there = add_run["moodle"]("Idle")
    with open_page(live_server.url, java_script_enabled=False) as page:
        page.goto("/a-course/")
        page.get_by_role("link", name="Enroll, or go to the course").click()
        page.get_by_role("button", name="Log in to enroll").click()
        page.get_by_label("Username").fill("learner")
        page.get_by_label("Password").fill("learner")
        page.get_by_role("button", name="Log in").click()
        expect(page.get_by_text("Welcome back, Lena Learner.")).to_be_visible()
        page.get_by_role("button", name="Enroll now").click()
        expect(page.get_by_text("You are enrolled.")).to_be_visible()
        page.get_by_role("link", name="Leave the course").click()
        page.get_by_role("button", name="Leave the course").click()
        expect(page.get_by_role("button", name="Enroll now")).to_be_visible()
    assert len(moodle.state.enrollments) == 1
    assert not moodle.state.is_enrolled(moodle.state.learner.id, there.id)
