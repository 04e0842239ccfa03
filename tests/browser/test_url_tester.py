"""An editor tries URLs and presets before she saves a backend, and a publisher asks whose a URL is."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import Page, expect

from cms_lms.models import LMSBackend
from tests.admin.browsing import url
from tests.browser.test_walk import log_in
from tests.factories import course_regex, make_backend

pytestmark = [
    pytest.mark.browser,
    pytest.mark.django_db(transaction=True, serialized_rollback=True),
]

ID = "course-v1:edX+DemoX+2027_T1"
CAMPUS = f"https://lms.campus.example/courses/{ID}/info"

#: Finds nothing in the end, after trying more ways than there is time for.
SLOW = r"^(https(?:(?:[a-z:/.]+)+)+)!$"


@pytest.fixture
def backends(catalogue) -> dict[str, LMSBackend]:
    return {
        name: make_backend(name=name, base_url=f"https://{host}", course_regex=course_regex(host))
        for name, host in {"Campus": "lms.campus.example", "Partners": "partners.example.org"}.items()
    }


@pytest.fixture
def addresses(backends) -> dict[str, str]:
    # The browser is started after them: while it runs, Django refuses to look anything up.
    return {
        "add": url(LMSBackend, "add"),
        "edit": url(LMSBackend, "edit", backends["Partners"].pk),
        "page": url(LMSBackend, "test_urls"),
    }


def paste(page: Page, *urls: str) -> None:
    page.get_by_label("URLs, one a line").fill("\n".join(urls))


def summary(page: Page):
    return page.locator("url-tester [role=status]")


def results(page: Page):
    return page.locator("url-tester li[data-status]")


def test_an_editor_tries_before_she_saves(addresses, new_page, picture):
    page = new_page()
    log_in(page, "admin")
    page.goto(addresses["add"])

    # The presets follow the class and the base URL, and one is filled in with its samples.
    presets = page.locator("pattern-presets")
    page.get_by_label("Backend class*").select_option(label="Open edX")
    expect(presets).to_contain_text("Enter the base URL first")
    page.get_by_label("Base URL*").fill("ftp://lms.new.example")
    expect(presets).to_contain_text("Correct the base URL first")
    page.get_by_label("Base URL*").fill("https://lms.new.example")
    use = presets.get_by_role("button", name="Use Any course page of the LMS: /info, /course/, /about or none of them")
    use.click()
    regex = page.get_by_label("Course regex*", exact=True)
    expect(regex).to_have_value(re.compile(r"\^https\?://lms\\\.new\\\.example/courses/"))
    expect(page.get_by_label("Sample course URLs")).to_have_value(re.compile("https://lms.new.example/courses/"))
    expect(presets.get_by_role("status")).to_contain_text("sample course URLs are filled in")
    expect(presets.get_by_role("button", name="Undo")).to_be_hidden()
    use.scroll_into_view_if_needed()
    picture(page, "pattern-presets")

    # The JavaScript pattern follows, and can be copied by keyboard.
    copy = page.get_by_role("button", name="Copy it into the field")
    expect(page.locator("[data-derived-pattern]")).to_have_text(re.compile(r"\^https\?://lms\\\.new\\\.example"))
    copy.focus()
    page.keyboard.press("Enter")
    expect(page.get_by_label("JS course regex")).to_have_value(re.compile(r"\^https\?://lms\\\.new\\\.example"))
    expect(copy).to_have_count(0)

    # Another preset says so, and is taken back.
    presets.get_by_role("button", name="Use /about alone").click()
    expect(regex).to_have_value(re.compile("/about/"))
    presets.get_by_role("button", name="Undo").click()
    expect(regex).to_have_value(re.compile(r"info\|course\|about"))
    expect(regex).to_be_focused()

    # The values being typed are tested, in this browser too.
    page.get_by_label("JS course regex").fill("")
    page.get_by_label("Name*").fill("New")
    paste(page, f"https://lms.new.example/courses/{ID}/info", CAMPUS, "https://lms.new.exomple/x", "rubbish")
    expect(summary(page)).to_have_text(
        "4 URLs: 1 goes to this backend, 1 goes to another backend, 1 is not matched, 1 is not a valid URL."
    )
    mine = results(page).nth(0)
    expect(mine).to_contain_text("this backend")
    expect(mine.locator("[data-search]")).to_have_text(ID)
    expect(mine).to_contain_text("Python, JavaScript on the server and this browser agree.")
    expect(results(page).nth(2)).to_contain_text("“a” expected, “o” found")
    summary(page).scroll_into_view_if_needed()
    picture(page, "url-tester-form")

    # What another backend takes is said to be shadowed; what cannot be used says why, where the tester is.
    regex.fill(r"^https?://[^/]+/courses/(?P<course_id>[^/]+)/info$")
    expect(summary(page)).to_contain_text("1 is shadowed by an earlier backend")
    picture(page, "url-tester-shadowed")
    regex.fill(r"^https?://[^/]+/courses/(?P<course_id>[^/]+)/info(?!x)$")
    expect(page.locator("url-tester [data-candidate]")).to_contain_text("Look-ahead")
    expect(results(page).nth(1)).to_contain_text("Campus")

    # A JavaScript pattern that would hang learners' browsers hangs neither the site nor this page.
    regex.fill(r"^https://lms\.new\.example/(?P<course_id>.*)$")
    page.get_by_label("JS course regex").fill(SLOW)
    paste(page, "https://lms.new.example/" + "a" * 60)
    expect(results(page).nth(0)).to_contain_text("stopped, since it took too long")
    expect(results(page).nth(0)).to_contain_text("They do not agree")
    expect(summary(page)).to_contain_text("the Python and the JavaScript pattern differ about 1")
    summary(page).scroll_into_view_if_needed()
    picture(page, "url-tester-slow")


def test_a_publisher_asks_whose_urls_are(addresses, new_page, picture):
    page = new_page()
    log_in(page, "publisher")
    page.get_by_role("button", name="Courses").click()
    page.get_by_role("link", name="Test URLs").click()
    expect(page).to_have_url(re.compile(f"{addresses['page']}$"))
    page.get_by_label("URLs, one a line").focus()
    page.keyboard.type(f"{CAMPUS}\n{CAMPUS.replace('lms', 'lsm')}")
    expect(summary(page)).to_have_text("2 URLs: 1 goes to a backend, 1 is not matched.")
    expect(results(page).nth(0).locator("[data-search]")).to_have_text(ID)
    expect(results(page).nth(1)).to_contain_text("“m” expected, “s” found")
    picture(page, "url-tester", full_page=True)
    # The button asks at once, without loading the page.
    page.evaluate("window.stays = true")
    paste(page, "rubbish")
    page.get_by_role("button", name="Test", exact=True).click()
    expect(summary(page)).to_have_text("1 URL: 1 is not a valid URL.")
    assert page.evaluate("window.stays")

    # A browser that finds something else than the server says so, in the sentence too; one without workers does not.
    other = "self.onmessage = () => self.postMessage({ id: 'other' }); self.postMessage({ ready: true });"
    page.context.route("**/regexp-worker.js", lambda route: route.fulfill(body=other, content_type="text/javascript"))
    paste(page, CAMPUS)
    expect(summary(page)).to_have_text(re.compile(r"^1 URL: 1 goes to a backend\. In this browser .* something else"))
    expect(results(page).nth(0)).to_contain_text("They do not agree")
    page.context.unroute("**/regexp-worker.js")
    page.context.route("**/regexp-worker.js", lambda route: route.abort())
    paste(page, CAMPUS, CAMPUS)
    expect(results(page).nth(1)).to_contain_text("not tried: this browser runs no background script")
    expect(summary(page)).to_have_text("2 URLs: 2 go to a backend.")
    # Without an answer the page says so, and goes on with the next.
    page.context.route("**/test-urls/answer/", lambda route: route.abort())
    paste(page, "rubbish")
    expect(summary(page)).to_contain_text("The test could not be made.")
    expect(results(page)).to_have_count(0)
    page.context.unroute("**/test-urls/answer/")
    paste(page, "rubbish ")
    expect(summary(page)).to_have_text("1 URL: 1 is not a valid URL.")


def test_a_search_that_the_next_question_ends_says_nothing(addresses, new_page):
    page = new_page()
    log_in(page, "publisher")
    silent = "self.postMessage({ ready: true });"
    page.context.route("**/regexp-worker.js", lambda route: route.fulfill(body=silent, content_type="text/javascript"))
    page.clock.install()
    page.goto(addresses["page"])
    paste(page, CAMPUS)
    with page.expect_worker():
        page.clock.run_for(300)
    search = results(page).locator("[data-search]")
    expect(search).to_have_text("searching …")
    # Its answer never comes.
    page.context.route("**/test-urls/answer/", lambda route: None)
    paste(page, "rubbish")
    with page.expect_request("**/test-urls/answer/"):
        page.clock.run_for(300)
    page.clock.run_for(1000)
    expect(search).to_have_text("searching …")
