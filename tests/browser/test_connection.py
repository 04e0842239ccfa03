"""An editor checks a connection, breaks it, reads what is wrong and mends it."""

from __future__ import annotations

import re
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import Page, expect
from wagtail.models import Site

from cms_lms.models import LMSBackend
from tests.admin.browsing import url
from tests.browser.conftest import KEY
from tests.browser.test_walk import log_in

pytestmark = [
    pytest.mark.browser,
    pytest.mark.django_db(transaction=True, serialized_rollback=True),
]

#: All of a report, in a page whose frame scrolls by itself.
TALL = {"width": 1280, "height": 2600}


@pytest.fixture
def backend(open_run, lms, live_server, settings) -> LMSBackend:
    """The backend of an LMS on this machine, for a site that knows its own address."""
    settings.CMS_LMS_PRIVATE_NETWORKS = ["127.0.0.0/8", "::1/128"]
    parts = urlsplit(live_server.url)
    Site.objects.update(hostname=parts.hostname, port=parts.port)
    backend = LMSBackend.objects.get()
    backend.sample_urls = [f"{lms.url}/courses/{KEY}/info"]
    backend.save()
    return backend


def status_of(page: Page, name: str) -> str | None:
    return page.locator(f".cms-lms-finding[data-name={name}]").get_attribute("data-status")


def test_check_this_connection(backend, lms, new_page, picture):
    page = new_page()
    page.context.grant_permissions(["clipboard-read", "clipboard-write"])
    form, own_page = url(LMSBackend, "edit", backend.pk), url(LMSBackend, "connection", backend.pk)
    log_in(page, "editor")
    page.goto(form)
    panel = page.locator("cms-lms-connection")
    check = panel.get_by_role("button", name="Check this connection")
    said = panel.get_by_role("status")

    # What is typed is examined: first with a mistake in it, then without.
    page.get_by_label("Base URL*").fill("ftp://lms")
    check.focus()
    page.keyboard.press("Enter")
    expect(said).to_have_text("Nothing was examined: see below.")
    expect(panel).to_contain_text("Base URL: ")
    expect(check).to_be_focused()
    page.get_by_label("Base URL*").fill(lms.url)
    check.focus()
    page.keyboard.press("Enter")
    expect(said).to_have_text(re.compile(r"^0 of \d+ failed\."))
    expect(check).to_be_focused()
    assert status_of(page, "here-origin") == status_of(page, "here-readable") == "passed"
    assert status_of(page, "here-session") == "skipped"
    expect(page).to_have_url(re.compile(rf"{form}$"))
    picture(page, "connection-panel")

    # Logged in at the LMS, the editor's browser sees what a learner's sees.
    with page.expect_popup() as popup:
        panel.get_by_role("link", name="at the LMS").click()
    popup.value.get_by_label("Username").fill("learner")
    popup.value.get_by_label("Password").fill("learner")
    popup.value.get_by_role("button", name="Log in").click()
    popup.value.close()
    page.goto(own_page)
    check.click()
    expect(said).to_have_text(re.compile(r"^0 of \d+ failed\."))
    assert status_of(page, "here-session") == status_of(page, "here-cookie") == "passed"
    expect(panel).to_contain_text("sees “learner” logged in")
    page.set_viewport_size(TALL)
    picture(page, "connection")

    # The LMS forgets the site: the server and the browser both say so.
    lms.state.settings.cors_origins = []
    check.click()
    expect(said).to_have_text(re.compile(r"^[1-9]\d* of \d+ failed\."))
    assert status_of(page, "here-readable") == "failed"
    expect(panel.locator("[data-name=here-readable]")).to_contain_text("CORS_ORIGIN_WHITELIST")
    picture(page, "connection-failed")

    # What is to be pasted there can be copied, and what is wrong is a link away.
    panel.get_by_role("button", name="Copy").first.click()
    expect(said).to_have_text("Copied.")
    assert "CORS_ORIGIN_WHITELIST" in page.evaluate("navigator.clipboard.readText()")
    panel.get_by_role("link", name="This browser is shown what the LMS answers").click()
    expect(panel.locator("[data-name=here-readable]")).to_be_in_viewport()

    # Nothing was written there, and an LMS that takes long need not be waited for.
    assert {entry.method for entry in lms.journal.entries(path="/api/enrollment/")} <= {"GET", "OPTIONS"}
    lms.state.faults.add("slow", path="^/", times=None, seconds=30)
    check.click()
    expect(said).to_have_text(re.compile("^Examining"))
    panel.get_by_role("button", name="Cancel").click()
    expect(said).to_have_text("Cancelled. What was found before is kept.")
    assert status_of(page, "here-readable") == "failed"
    check.click()
    expect(said).to_have_text("Nothing was examined: see below.")
    expect(panel).to_contain_text("has not ended yet")
    lms.state.stopping.set()


#: What goes wrong where the browser asks, whether somebody is logged in there, and what is then said of what.
SEEN_FROM_HERE = [
    ({"kind": "status", "status": 404}, False, "here-readable", "failed", "older than the release Ficus"),
    ({"kind": "html"}, False, "here-readable", "failed", "something else (status 200)"),
    ({"kind": "server_error"}, False, "here-readable", "failed", "something else (status 500)"),
    ({"kind": "cors_withheld"}, False, "here-readable", "failed", "does not name that origin"),
    ({"kind": "reset"}, False, "here-readable", "failed", "The browser reaches nothing"),
    ({"kind": "csrf_withheld"}, True, "here-cookie", "failed", "there is no cookie edx_csrf_token"),
    (None, False, "here-cookie", "skipped", "people who are logged in"),
    (None, True, "here-cookie", "passed", "can be read here"),
]


def test_what_the_browser_sees(backend, lms, new_page):
    page = new_page()
    log_in(page, "editor")
    page.goto(url(LMSBackend, "edit", backend.pk))
    panel = page.locator("cms-lms-connection")
    check = panel.get_by_role("button", name="Check this connection")

    def look(name: str, status: str, words: str) -> None:
        check.click()
        expect(check).to_have_attribute("aria-disabled", "false")
        finding = panel.locator(f"[data-name={name}]")
        expect(finding).to_have_attribute("data-status", status)
        expect(finding).to_contain_text(words)

    for fault, is_logged_in, name, status, words in SEEN_FROM_HERE:
        page.context.clear_cookies(name=re.compile("^edx_"))
        lms.state.faults.clear()
        if is_logged_in:
            session = lms.state.open_session("learner")
            page.context.add_cookies([{"name": "edx_session", "value": session, "url": lms.url}])
        if fault:
            lms.state.faults.add(**fault, times=None)
        look(name, status, words)

    page.get_by_label("Sample course URLs").fill("")
    look("here-cookie", "skipped", "Add a sample course URL")
    page.get_by_label("Base URL*").fill("http://localhost:1")
    look("here-readable", "failed", "The browser reaches nothing at http://localhost:1")

    # What the site itself answers with is said too.
    page.route("**/connection/**", lambda route: route.fulfill(status=500, body="Server error"))
    check.click()
    expect(panel.get_by_role("status")).to_contain_text("No answer came from this site")
    page.route("**/connection/**", lambda route: route.abort())
    check.click()
    expect(panel.get_by_role("status")).to_contain_text("No answer came from this site")
    page.context.clear_cookies()
    page.unroute("**/connection/**")
    check.click()
    expect(panel.get_by_role("status")).to_contain_text("This site refused")
