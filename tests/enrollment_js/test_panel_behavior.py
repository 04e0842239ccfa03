"""How the panel behaves whatever the LMS says: without JavaScript, with the keyboard, among others, as time passes."""

from __future__ import annotations

import threading

import pytest
from playwright.sync_api import expect

from .conftest import make_panel, render_page
from .openedx import CLOSED, COURSE_ID, ENROLLMENT, ME, enroll, enrolled, expect_step, log_in
from .servers import Answer

pytestmark = pytest.mark.browser

DAY_MS = 24 * 3600 * 1000


# When something is missing, the plain link stays.


def test_without_javascript_there_is_a_link(chromium, site, lms):
    site.pages["/"] = render_page(make_panel(lms.url))
    with chromium.new_context(java_script_enabled=False) as context:
        page = context.new_page()
        page.goto(site.url)
        link = page.locator("lms-enrollment").get_by_role("link", name="Go to the course on Example LMS")
        expect(link).to_have_attribute("href", f"{lms.url}/courses/{COURSE_ID}/info")
        expect(page.locator("lms-enrollment")).to_have_text("Go to the course on Example LMS")


@pytest.mark.parametrize(
    "changes",
    [{"module_url": "/static/cms_lms/js/backends/none.js"}, {"module_url": ""}, {"module_url": "https://["}],
)
def test_without_its_backend_the_link_stays(open_page, lms, page, changes):
    with page.expect_event("pageerror"):
        panel = open_page(make_panel(lms.url, **changes))
    page.errors.clear()
    expect(panel).to_have_text("Go to the course on Example LMS")
    expect(panel.get_by_role("link")).to_be_visible()


def test_without_the_markup_of_a_step_the_link_stays(page, site, lms):
    html = render_page(make_panel(lms.url))
    site.pages["/"] = html.replace('<template data-state="closed">', '<template data-state="other">')
    with page.expect_event("pageerror") as error:
        page.goto(site.url)
    assert 'template[data-state="closed"]' in str(error.value)
    page.errors.clear()
    expect(page.locator("lms-enrollment")).to_have_text("Go to the course on Example LMS")
    assert lms.journal == []


def test_a_run_that_no_backend_serves_is_a_plain_link(open_page, lms, page):
    open_page(make_panel(lms.url, is_interactive=False, lms_name=""))
    expect(page.locator(".lms-enrollment")).to_have_text("Go to the course")
    expect(page.locator(".lms-enrollment").get_by_role("link")).to_be_visible()


def test_a_backends_own_fault_is_not_the_end_of_the_page(open_page, lms, page, site):
    site.modules["/fault.js"] = (
        "export default class { loginUrl() { return ''; } whoami() { throw new RangeError(); } }"
    )
    with page.expect_event("pageerror"):
        panel = open_page(make_panel(lms.url, module_url="/fault.js"))
    page.errors.clear()
    expect_step(panel, "unavailable")


# Clicks, keys and what is read out


def test_a_double_click_posts_once(open_page, lms):
    log_in(lms)
    answer = threading.Event()
    lms.on("POST", ENROLLMENT, Answer(json={"is_active": True}, hold=answer))
    panel = open_page(make_panel(lms.url))
    expect_step(panel, "idle")
    panel.get_by_role("button", name="Enroll now").dblclick()
    expect_step(panel, "enrolling")
    panel.get_by_role("button", name="Enroll now").dispatch_event("click")
    answer.set()
    expect_step(panel, "enrolled")
    assert len(lms.calls("POST")) == 1


def test_by_keyboard_alone_the_focus_is_never_lost(open_page, lms, page):
    log_in(lms)
    answer = threading.Event()
    refusal = Answer(403, {"message": "Not yet."}, hold=answer)
    lms.on("POST", ENROLLMENT, refusal, enrolled())
    panel = open_page(make_panel(lms.url))
    expect_step(panel, "idle")
    page.keyboard.press("Tab")
    expect(panel.get_by_role("button", name="Enroll now")).to_be_focused()
    page.keyboard.press("Enter")
    expect_step(panel, "enrolling")
    button = panel.get_by_role("button", name="Enroll now")
    expect(button).to_be_focused()
    expect(button).to_have_attribute("aria-disabled", "true")
    answer.set()
    expect(panel.get_by_role("button", name="Try again")).to_be_focused()
    page.keyboard.press("Space")
    expect(panel.get_by_role("link", name="Go to course")).to_be_focused()


def test_the_focus_goes_to_the_text_where_no_control_is_left(open_page, lms, page):
    log_in(lms)
    panel = open_page(make_panel(lms.url))
    expect_step(panel, "idle")
    panel.get_by_role("button", name="Enroll now").focus()
    page.clock.fast_forward(16 * DAY_MS)  # past the deadline
    expect_step(panel, "closed")
    expect(panel.locator(".lms-enrollment__status")).to_be_focused()


def test_the_focus_is_not_stolen_from_elsewhere(open_page, lms, page):
    log_in(lms)
    answer = threading.Event()
    lms.on("POST", ENROLLMENT, Answer(json={"is_active": True}, hold=answer))
    panel = open_page(make_panel(lms.url))
    enroll(panel)
    page.locator("#elsewhere").focus()
    answer.set()
    expect_step(panel, "enrolled")
    expect(page.locator("#elsewhere")).to_be_focused()


def test_the_page_loads_in_silence_and_speaks_when_something_is_done(open_page, lms, page):
    log_in(lms)
    lms.on("POST", ENROLLMENT, enrolled())
    open_page(make_panel(lms.url, name="Spring"), make_panel(lms.url, name="Autumn"), shared_steps=True)
    panels = page.locator("lms-enrollment")
    for number in range(2):
        expect_step(panels.nth(number), "idle")
    region = page.locator("[aria-live], [role=status]")
    expect(region).to_have_count(1)
    expect(region).to_have_attribute("aria-live", "polite")
    expect(region).to_have_role("status")
    expect(region).to_be_empty()
    enroll(panels.nth(1))
    expect(region).to_have_text("AutumnYou are enrolled.")
    expect(region.get_by_role("link")).to_have_count(0)
    assert region.bounding_box()["width"] <= 1


def test_the_panel_is_named_after_its_run(open_page, lms, page):
    open_page(make_panel(lms.url, name='Spring "24" <b>'))
    expect(page.get_by_role("group", name='Spring "24" <b>')).to_be_visible()


def test_controls_are_large_enough_to_hit(open_page, lms):
    log_in(lms)
    lms.on("POST", ENROLLMENT, Answer(403, {"message": "No."}))
    panel = open_page(make_panel(lms.url))
    enroll(panel)
    expect_step(panel, "refused")
    for control in panel.locator("a:visible, button:visible").all():
        box = control.bounding_box()
        assert box["width"] >= 24
        assert box["height"] >= 24


# Several panels


def test_one_lms_is_asked_once_who_it_is(open_page, lms, page):
    keys = [f"course-v1:Org+C{number}+R" for number in range(5)]
    lms.on("GET", ME, Answer(json={"username": "ada"}))
    for key in keys:
        lms.on("GET", f"{ENROLLMENT}/ada,{key}", enrolled(key == keys[2]))
    open_page(*[make_panel(lms.url, course_id=key) for key in keys], shared_steps=True)
    panels = page.locator("lms-enrollment")
    for number in range(5):
        expect_step(panels.nth(number), "enrolled" if number == 2 else "idle")
    assert len(lms.calls("GET", ME)) == 1
    assert len(lms.calls("GET", ENROLLMENT)) == 5


def test_panels_far_away_wait_until_they_come_near(open_page, lms, page):
    open_page(*[make_panel(lms.url) for _ in range(60)], shared_steps=True)
    panels = page.locator("lms-enrollment")
    expect_step(panels.first, "anonymous")
    expect(panels.last).to_have_text("Go to the course on Example LMS")
    panels.last.scroll_into_view_if_needed()
    expect_step(panels.last, "anonymous")


# Time


def test_the_deadline_passes_before_the_learners_eyes(open_page, lms, page):
    log_in(lms)
    panel = open_page(make_panel(lms.url, enrollment_end="2024-06-15T13:00:00+00:00"))
    expect_step(panel, "idle")
    page.clock.fast_forward("59:00")
    expect_step(panel, "idle")
    page.clock.fast_forward("01:00")
    expect_step(panel, "closed")
    expect(panel).to_contain_text("Enrollment is closed.")


def test_a_run_opens_before_the_learners_eyes(open_page, lms, page):
    log_in(lms)
    panel = open_page(make_panel(lms.url, enrollment_start="2024-06-15T13:00:00+00:00"))
    expect_step(panel, "closed")
    page.clock.fast_forward("01:00:01")
    expect_step(panel, "idle")


def test_a_run_starts_before_the_learners_eyes(open_page, lms, page):
    log_in(lms, enrolled())
    panel = open_page(make_panel(lms.url, start="2024-06-15T13:00:00+00:00"))
    expect(panel).to_contain_text("on June 15, 2024 at 1:00 PM UTC.")
    page.clock.fast_forward("01:00:01")
    expect(panel).not_to_contain_text("Starts")
    expect_step(panel, "enrolled")


def test_a_click_after_the_deadline_posts_nothing(open_page, lms, page):
    log_in(lms)
    panel = open_page(make_panel(lms.url, enrollment_end="2024-06-15T13:00:00+00:00"))
    expect_step(panel, "idle")
    # The computer slept: the clock is ahead, no timer has run.
    page.clock.set_system_time("2024-06-15T14:00:00Z")
    panel.get_by_role("button", name="Enroll now").click()
    expect_step(panel, "closed")
    assert lms.calls("POST") == []


def test_a_cached_page_tells_the_truth(open_page, lms):
    """The page was made in April, before enrollment opened."""
    log_in(lms)
    panel = open_page(make_panel(lms.url, now="2024-03-01T00:00:00+00:00"))
    expect_step(panel, "idle")


def test_a_visitors_slow_clock_is_set_right(open_page, lms):
    log_in(lms)
    panel = open_page(make_panel(lms.url, now="2024-07-02T00:00:00+00:00"))
    expect_step(panel, "closed")


DATES = [
    ("fr", "1 juillet 2024 à 08:00 UTC", "dans 16 jours"),
    ("de", "1. Juli 2024 um 08:00 UTC", "in 16 Tagen"),
    ("ja", "2024年7月1日 8:00 UTC", "16 日後"),
    ("zh-hans", "2024年7月1日 UTC 08:00", "16天后"),
    ("xx_not-a-language", "1 July 2024 at 08:00 UTC", "in 16 days"),
]


def test_dates_are_written_in_the_language_of_the_page(open_page, lms):
    log_in(lms)
    for language, date, distance in DATES:
        panel = open_page(make_panel(lms.url), language=language)
        for time, text in (("datetime", date), ("relative", distance)):
            element = panel.locator(f"time[data-format={time}]:visible")
            expect(element).to_have_attribute("datetime", "2024-07-01T08:00:00.000Z")
            assert element.inner_text().replace("\u202f", " ") == text


# Coming back


def test_a_page_out_of_the_back_forward_cache_asks_again(open_page, lms, page):
    open_page(make_panel(lms.url), make_panel(lms.url), shared_steps=True)
    panels = page.locator("lms-enrollment")
    for number in range(2):
        expect_step(panels.nth(number), "anonymous")
    log_in(lms)
    page.evaluate("dispatchEvent(new PageTransitionEvent('pageshow', { persisted: true }))")
    for number in range(2):
        expect_step(panels.nth(number), "idle")
    assert len(lms.calls("GET", ME)) == 2


def test_a_panel_that_is_moved_goes_on(open_page, lms, page):
    log_in(lms)
    lms.on("POST", ENROLLMENT, enrolled())
    panel = open_page(make_panel(lms.url))
    expect_step(panel, "idle")
    page.evaluate("document.body.append(document.querySelector('lms-enrollment'))")
    enroll(panel)
    expect_step(panel, "enrolled")
    assert len(lms.calls("GET", ME)) == 1


def test_the_page_is_told_of_each_step(open_page, lms, page):
    log_in(lms)
    lms.on("POST", ENROLLMENT, enrolled())
    page.add_init_script(
        "window.steps = []; addEventListener('lms-enrollment:step', (event) => steps.push(event.detail.step));"
    )
    panel = open_page(make_panel(lms.url))
    enroll(panel)
    expect_step(panel, "enrolled")
    assert page.evaluate("steps") == ["loading", "idle", "enrolling", "enrolled"]


def test_closed_stays_closed_for_the_anonymous_who_wait(open_page, lms, page):
    panel = open_page(make_panel(lms.url, **CLOSED))
    expect_step(panel, "closed")
    page.clock.fast_forward(60 * DAY_MS)
    expect_step(panel, "closed")
    expect(panel).to_contain_text("The course has ended.")
