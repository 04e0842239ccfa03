"""<lms-session> in a page's header: what it shows in each state, its menu by keyboard and mouse, and how it shares with
panels what it knows.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from types import SimpleNamespace
from typing import Any
from urllib.parse import quote

import pytest
from django.utils import translation
from playwright.sync_api import expect

from tests.axe import find_violations

from .conftest import make_panel, render
from .openedx import ME, enrolled, expect_step, log_in
from .servers import Answer

pytestmark = pytest.mark.browser

ANONYMOUS = Answer(401, {"detail": "Authentication credentials were not provided."})
LINKS = [("Dashboard", "{url}/dashboard"), ("Profile", "{url}/u/(username)?of=(username)")]

HAWTHORN = "/static/cms_lms/js/backends/openedx-hawthorn.js"

#: One that sends learners to nowhere.
ODD = f"""
import Hawthorn from "{HAWTHORN}";
export default class extends Hawthorn {{
  registerUrl() {{ return "javascript:alert(1)"; }}
}}
"""

FONZIE = Answer(json={"username": "ada", "full_name": "Ada Lovelace", "access_token": "t"})
NOT_ON_SITE = {"username": None, "full_name": "", "csrf_header": "X-CSRFToken", "csrf_token": ""}

#: What says who is logged in: its path, and its answers for nobody and for Ada; and what ends her session.
LOGINS = {
    "openedx-hawthorn": (ME, ANONYMOUS, Answer(json={"username": "ada", "name": "Ada Lovelace"}), ("GET", "/logout")),
    "openedx-dogwood": (
        "/api/mobile/v0.5/my_user_info",
        ANONYMOUS,
        Answer(json={"username": "ada", "name": "Ada Lovelace"}),
        ("GET", "/logout"),
    ),
    "openedx-fonzie": ("/api/v1.0/user/me", Answer(403, {"detail": "No."}), FONZIE, ("GET", "/logout")),
    "server": (
        "/api/session",
        Answer(json=NOT_ON_SITE),
        Answer(json={**NOT_ON_SITE, "username": "ada", "full_name": "Ada Lovelace", "csrf_token": "t"}),
        ("DELETE", "/api/session"),
    ),
}


def make_session(url: str, name: str = "Campus", **changes: Any) -> SimpleNamespace:
    """What the template reads of a session."""
    values = {
        "is_interactive": True,
        "slug": name.lower(),
        "lms_name": name,
        "base_url": url,
        "js_backend": "openedx-hawthorn",
        "module_url": HAWTHORN,
        "home_url": f"{url}/dashboard",
        "links": [SimpleNamespace(label=label, url=link.format(url=url)) for label, link in LINKS],
    }
    return SimpleNamespace(**{**values, **changes})


@pytest.fixture
def open_sessions(page, site) -> Callable[..., Any]:
    """Show a page with these sessions in its header, and return the first one's locator."""

    def open_sessions(*sessions, panels=(), language="en", path="/course/") -> Any:
        with translation.override(language):
            direction = "rtl" if translation.get_language_bidi() else "ltr"
            site.pages[path] = "".join(
                [
                    f'<!doctype html><html lang="{language}" dir="{direction}"><head><meta charset="utf-8">',
                    "<title>Course</title>",
                    render("media.html"),
                    render("session_media.html", sessions=sessions),
                    "</head><body><header>",
                    render("sessions.html", sessions=sessions, is_alone=len(sessions) == 1),
                    '</header><main><h1 id="text">Course</h1>',
                    *(render("panel.html", panel=panel) for panel in panels),
                    '<p><button id="elsewhere">Elsewhere</button></p></main></body></html>',
                ]
            )
        page.goto(site.url + path)
        return page.locator("lms-session").first

    return open_sessions


def expect_session(session, state: str) -> None:
    expect(session).to_have_attribute("data-session", state)


def come_back(page) -> None:
    """The learner has been away for a while, in another tab."""
    page.clock.fast_forward(60_000)
    page.evaluate("dispatchEvent(new Event('focus'))")


@pytest.mark.parametrize("name", LOGINS)
def test_every_js_backend_s_learners_come_and_go(open_sessions, lms, page, name):
    path, nobody, ada, (method, way_out) = LOGINS[name]
    lms.on("GET", path, nobody)
    lms.on(method, way_out, Answer(204))
    site = SimpleNamespace(
        api_url=f"{lms.url}/api/", login_url=f"{lms.url}/login", register_url="", capabilities="log-out"
    )
    session = open_sessions(
        make_session(
            lms.url,
            js_backend=name,
            module_url=f"/static/cms_lms/js/backends/{name}.js",
            site=site if name == "server" else None,
        )
    )
    expect_session(session, "anonymous")
    expect(session.get_by_role("link", name="Log in")).to_have_attribute("href", re.compile("/login"))
    lms.on("GET", path, ada)
    come_back(page)
    session.get_by_role("button", name="Ada Lovelace").click()
    lms.on("GET", path, nobody)
    session.get_by_role("button", name="Log out").click()
    expect_session(session, "anonymous")

    assert len(lms.calls(method, way_out)) >= 1
    lms.on("GET", path, ada)
    come_back(page)
    expect_session(session, "known")
    lms.on("GET", path, nobody)
    come_back(page)
    expect_session(session, "expired")


def test_the_development_backend_believes_everybody(open_sessions, page, site):
    base = "/static/cms_lms/js/backends/base.js"
    session = open_sessions(make_session(site.url, js_backend="base", module_url=base))
    session.get_by_role("link", name="Log in").click()
    session.get_by_role("button", name="developer").click()
    session.get_by_role("button", name="Log out").click()

    expect_session(session, "anonymous")


def test_who_is_not_logged_in_can_log_in_or_register_and_comes_back(open_sessions, lms, page):
    session = open_sessions(make_session(lms.url))
    expect_session(session, "anonymous")

    back = quote(page.url, safe="")
    expect(session.get_by_role("link", name="Log in")).to_have_attribute("href", f"{lms.url}/login?next={back}")
    expect(session.get_by_role("link", name="Register")).to_have_attribute("href", f"{lms.url}/register?next={back}")
    expect(session.get_by_role("link")).to_have_count(2)


def test_who_is_logged_in_is_named_and_has_her_links(open_sessions, lms):
    lms.on("GET", ME, Answer(json={"username": "ada/ &é", "name": "Ada <b>Lovelace"}))
    session = open_sessions(make_session(lms.url))
    expect_session(session, "known")

    button = session.get_by_role("button", name="Ada <b>Lovelace")
    expect(button).to_have_attribute("aria-expanded", "false")
    expect(session.get_by_role("link")).to_have_count(0)
    button.click()
    expect(button).to_have_attribute("aria-expanded", "true")
    who = quote("ada/ &é", safe="")
    expect(session.get_by_role("link", name="Dashboard")).to_have_attribute("href", f"{lms.url}/dashboard")
    expect(session.get_by_role("link", name="Profile")).to_have_attribute("href", f"{lms.url}/u/{who}?of={who}")


def test_the_menu_by_keyboard(open_sessions, lms, page):
    log_in(lms)
    session = open_sessions(make_session(lms.url))
    expect_session(session, "known")
    menu = session.get_by_role("list")

    page.keyboard.press("Tab")
    expect(session.get_by_role("button", name="ada")).to_be_focused()
    expect(menu).to_have_count(0)
    page.keyboard.press("Enter")
    expect(menu).to_be_visible()
    page.keyboard.press("Tab")
    expect(session.get_by_role("link", name="Dashboard")).to_be_focused()
    page.keyboard.press("Escape")
    expect(menu).to_have_count(0)
    expect(session.get_by_role("button", name="ada")).to_be_focused()
    page.keyboard.press("Space")
    for _ in range(4):
        page.keyboard.press("Tab")
    expect(page.locator("#elsewhere")).to_be_focused()
    expect(menu).to_have_count(0)


def test_the_menu_closes_for_a_click_elsewhere(open_sessions, lms, page):
    log_in(lms)
    session = open_sessions(make_session(lms.url))
    button = session.get_by_role("button", name="ada")

    button.click()
    page.locator("#text").click()
    expect(button).to_have_attribute("aria-expanded", "false")
    button.click()
    button.click()
    expect(button).to_have_attribute("aria-expanded", "false")


def test_what_assistive_technology_reads(open_sessions, lms):
    log_in(lms)
    session = open_sessions(make_session(lms.url))
    session.get_by_role("button", name="ada").click()

    expect(session).to_match_aria_snapshot("""
        - group "Campus":
          - button "ada" [expanded]
          - list:
            - listitem:
              - link "Dashboard"
            - listitem:
              - link "Profile"
            - listitem:
              - button "Log out"
    """)


def test_no_rule_is_broken_in_any_state(open_sessions, lms, page):
    for name in ("one", "two", "three"):
        log_in(lms, at=f"/{name}")
    lms.on("GET", f"/four{ME}", Answer(503))
    open_sessions(*[make_session(f"{lms.url}/{name}", name) for name in ("one", "two", "three", "four")])
    expect_session(page.get_by_role("group", name="three"), "known")
    expect_session(page.get_by_role("group", name="two"), "known")
    lms.on("GET", f"/two{ME}", ANONYMOUS)
    come_back(page)
    expect_session(page.get_by_role("group", name="two"), "expired")
    expect_session(page.get_by_role("group", name="four"), "unavailable")
    page.get_by_role("group", name="one").get_by_role("button").click()

    assert find_violations(page) == []


def test_session_and_panels_ask_once(open_sessions, lms):
    log_in(lms)
    session = open_sessions(make_session(lms.url), panels=[make_panel(lms.url) for _ in range(3)])
    expect_session(session, "known")
    expect_step(session.page.locator("lms-enrollment").last, "idle")

    assert len(lms.calls("GET", ME)) == 1


def test_logging_out_changes_the_whole_page(open_sessions, lms, page):
    log_in(lms, enrolled())
    lms.on("GET", "/logout", Answer(204))
    session = open_sessions(make_session(lms.url), panels=[make_panel(lms.url)])
    panel = page.locator("lms-enrollment")
    expect_step(panel, "enrolled")

    lms.on("GET", ME, ANONYMOUS)
    session.get_by_role("button", name="ada").click()
    session.get_by_role("button", name="Log out").click()
    expect_session(session, "anonymous")
    expect(session.get_by_role("link", name="Log in")).to_be_focused()
    expect_step(panel, "anonymous")
    assert len(lms.calls("GET", "/logout")) == 1


@pytest.mark.parametrize("answer", [None, Answer(500)])
def test_who_could_not_be_logged_out_is_told_so(open_sessions, lms, page, answer):
    log_in(lms)
    lms.on("GET", "/logout", answer)
    session = open_sessions(make_session(lms.url))
    session.get_by_role("button", name="ada").click()
    expect(session.get_by_text("You could not be logged out.")).to_be_hidden()
    session.get_by_role("button", name="Log out").click()

    expect(session.get_by_text("You could not be logged out. Please try again.")).to_be_visible()
    expect(page.get_by_role("status")).to_contain_text("You could not be logged out.")
    lms.on("GET", "/logout", Answer(204))
    lms.on("GET", ME, ANONYMOUS)
    session.get_by_role("button", name="Log out").click()
    expect_session(session, "anonymous")


def test_a_session_that_has_expired_asks_to_log_in_again(open_sessions, lms, page):
    log_in(lms)
    session = open_sessions(make_session(lms.url))
    expect_session(session, "known")

    lms.on("GET", ME, ANONYMOUS)
    come_back(page)
    expect_session(session, "expired")
    expect(session).to_contain_text("You are not logged in any more.")
    expect(session.get_by_role("link", name="Log in again")).to_have_attribute("href", re.compile("/login"))
    expect(page.get_by_role("status")).to_contain_text("You are not logged in any more.")


def test_who_has_logged_in_in_another_tab_is_greeted(open_sessions, lms, page):
    session = open_sessions(make_session(lms.url))
    expect_session(session, "anonymous")
    log_in(lms)
    come_back(page)

    expect(session.get_by_role("button", name="ada")).to_be_visible()


@pytest.mark.parametrize("answer", [None, Answer(503), Answer(200, body="<html>")])
def test_an_lms_that_does_not_answer_is_a_quiet_link(open_sessions, lms, page, answer):
    lms.on("GET", ME, answer)
    session = open_sessions(make_session(lms.url))
    expect_session(session, "unavailable")
    expect(session.get_by_role("link", name="Go to Campus")).to_have_attribute("href", f"{lms.url}/dashboard")

    log_in(lms)
    come_back(page)
    expect_session(session, "known")


def test_a_module_that_cannot_be_loaded_leaves_the_link(open_sessions, lms, page):
    session = open_sessions(make_session(lms.url, module_url="/modules/none.js"))
    expect_session(session, "unavailable")
    expect(session.get_by_role("link", name="Go to Campus")).to_be_visible()
    assert any("none.js" in error for error in page.errors)
    page.errors.clear()


def test_several_lmss_each_for_itself(open_sessions, lms, page):
    log_in(lms, at="/one")
    lms.on("GET", f"/two{ME}", ANONYMOUS)
    open_sessions(make_session(f"{lms.url}/one", "One"), make_session(f"{lms.url}/two", "Two"))

    expect(page.get_by_role("group", name="One").get_by_role("button", name="ada")).to_be_visible()
    expect(page.get_by_text("One", exact=True)).to_be_visible()
    expect(page.get_by_role("group", name="Two").get_by_role("link", name="Log in to Two")).to_be_visible()
    expect(page.get_by_role("link", name="Register on Two")).to_be_visible()


@pytest.mark.parametrize("count", [1, 2])
def test_what_the_lms_answers_moves_nothing(open_sessions, lms, page, count):
    page.add_init_script(
        "window.shifts = []; new PerformanceObserver((list) => window.shifts.push(...list.getEntries().map("
        "({ value }) => value))).observe({ type: 'layout-shift', buffered: true });"
    )
    log_in(lms)
    session = open_sessions(*[make_session(lms.url, f"Campus {number}") for number in range(count)])
    expect_session(session, "known")
    page.evaluate("new Promise((resolve) => requestAnimationFrame(() => requestAnimationFrame(resolve)))")

    assert page.evaluate("window.shifts") == []


def test_a_link_of_another_kind_is_left_out(open_sessions, lms, site):
    site.modules["/modules/odd.js"] = ODD
    session = open_sessions(make_session(lms.url, module_url="/modules/odd.js"))
    expect_session(session, "anonymous")

    expect(session.get_by_role("link")).to_have_count(1)


def test_from_right_to_left(open_sessions, lms, page):
    log_in(lms)
    page.set_viewport_size({"width": 320, "height": 600})
    session = open_sessions(make_session(lms.url), language="ar")
    button = session.get_by_role("button", name="ada")
    button.click()
    menu = session.locator(".lms-session__menu").bounding_box()

    assert menu["x"] >= 0
    assert menu["x"] + menu["width"] <= 320
    assert button.bounding_box()["x"] < 160
    with translation.override("ar"):
        word = translation.gettext("Log out")
    expect(session.get_by_role("button", name=word)).to_be_visible()
    assert page.evaluate("document.documentElement.scrollWidth") <= 320


def test_targets_are_large_enough(open_sessions, lms):
    log_in(lms)
    session = open_sessions(make_session(lms.url))
    session.get_by_role("button", name="ada").click()
    for control in session.locator("a:visible, button:visible").all():
        box = control.bounding_box()
        assert min(box["width"], box["height"]) >= 24, control.inner_text()
