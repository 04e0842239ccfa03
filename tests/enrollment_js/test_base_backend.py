"""The development backend: a whole enrollment without any LMS."""

from __future__ import annotations

import pytest
from playwright.sync_api import expect

from .conftest import make_panel
from .openedx import expect_step

pytestmark = pytest.mark.browser

BASE = {"js_backend": "base", "module_url": "/static/cms_lms/js/backends/base.js"}


def test_log_in_enroll_and_come_back(open_page, page, site):
    one = make_panel("http://dev.example", course_id="one", **BASE)
    other = make_panel("http://dev.example", course_id="other", **BASE)
    open_page(one, other, path="/course/")
    page.goto(f"{site.url}/course/?tab=runs#here")
    panels = page.locator("lms-enrollment")
    expect_step(panels.nth(0), "anonymous")

    panels.nth(0).get_by_role("link", name="Log in to enroll").click()
    expect_step(panels.nth(0), "confirming")
    expect_step(panels.nth(1), "idle")
    expect(page).to_have_url(f"{site.url}/course/?tab=runs#here")

    panels.nth(0).get_by_role("button", name="Enroll now").click()
    expect_step(panels.nth(0), "enrolled")
    page.reload()
    expect_step(panels.nth(0), "enrolled")
    expect_step(panels.nth(1), "idle")

    panels.nth(0).get_by_role("button", name="Leave the course").click()
    panels.nth(0).get_by_role("button", name="Leave the course").click()
    expect_step(panels.nth(0), "idle")
    page.reload()
    expect_step(panels.nth(0), "idle")


def test_the_ways_in_and_out(open_page, page, site):
    expect_step(open_page(make_panel("http://dev.example", **BASE)), "anonymous")
    said = page.evaluate("""async () => {
        const { default: Backend } = await import("/static/cms_lms/js/backends/base.js");
        const backend = new Backend({ baseUrl: "http://dev.example", courseId: "", courseUrl: "" });
        history.replaceState(null, "", backend.registerUrl(location.href));
        const before = await backend.whoami();
        await backend.logOut();
        return { before, after: await backend.whoami(), capabilities: backend.capabilities, url: location.href };
    }""")
    assert said == {
        "before": {"username": "developer"},
        "after": None,
        "capabilities": ["register", "log-out", "unenroll"],
        "url": f"{site.url}/course/",
    }


def test_one_development_lms_knows_nothing_of_another(open_page, page):
    open_page(make_panel("http://one.example", **BASE), make_panel("http://other.example", **BASE))
    panels = page.locator("lms-enrollment")
    panels.nth(0).get_by_role("link", name="Log in to enroll").click()
    expect_step(panels.nth(0), "confirming")
    expect_step(panels.nth(1), "anonymous")


def test_forbidden_storage_is_an_lms_that_cannot_be_reached(open_page, page):
    page.add_init_script(
        "Object.defineProperty(window, 'sessionStorage', "
        "{ get() { throw new DOMException('Access is denied', 'SecurityError'); } });"
    )
    expect_step(open_page(make_panel("http://dev.example", **BASE)), "unavailable")
