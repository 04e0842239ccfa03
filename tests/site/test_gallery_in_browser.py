"""Every state of the enrollment panel as people meet it: in light and in dark, on a small screen, magnified, from right
to left, in forced colours, without motion, by what a screen reader is told, and without scripts.

One page holds them all, so each test walks over all of them.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from functools import cache
from typing import Any

import pytest
from django.test import Client
from playwright.sync_api import FloatRect, Page, expect

from tests.axe import find_violations
from tests.chromium import open_chromium
from tests.enrollment_js.servers import STATIC, Site
from tests.pictures import take_picture

pytestmark = [pytest.mark.browser, pytest.mark.django_db]

ADDRESSES = {"en": "/gallery/", "ar": "/ar/gallery/", "de": "/de/gallery/"}

THEMING = (STATIC.parent / "docs" / "theming.md").read_text(encoding="utf-8")

#: What can be pressed in each step, by role, in the order in which Tab finds it.
CONTROLS = {
    "loading": ["link"],
    "anonymous": ["link", "link"],
    "expired": ["link"],
    "idle": ["button"],
    "confirming": ["button", "button"],
    "enrolling": ["button"],
    "enrolled": ["link", "button"],
    "leaving": ["button", "button"],
    "unenrolling": ["button"],
    "closed": ["link"],
    "invitation-only": ["link"],
    "full": ["link"],
    "payment": ["link", "link"],
    "refused": ["button", "link"],
    "unavailable": ["button", "link"],
    "misconfigured": ["link"],
}

#: Waits until the panels that are waited for have arrived.
ARRIVED = """
() => [...document.querySelectorAll("[data-expected-step]")].every(
    (item) => item.querySelector("lms-enrollment").dataset.step === item.dataset.expectedStep
)
"""

#: The states that have not arrived, for the failure's message.
NOT_ARRIVED = """
() => [...document.querySelectorAll("[data-expected-step]")].flatMap((item) => {
    const { step, seeAs } = item.querySelector("lms-enrollment").dataset;
    return step === item.dataset.expectedStep ? [] : [`${item.dataset.expectedStep}: ${step} (${seeAs})`];
})
"""

#: What sticks out of the window or of its panel.
STICKING_OUT = """
() => {
    const width = document.documentElement.clientWidth;
    const sticks = (box, frame) => box.width > 0 && (box.left < frame.left - 1 || box.right > frame.right + 1);
    const found = [];
    for (const element of document.querySelectorAll("main *")) {
        if (element.closest(".lms-visually-hidden")) continue;
        const panel = element.closest(".lms-enrollment");
        const frame = panel ? panel.getBoundingClientRect() : { left: 0, right: width };
        if (sticks(element.getBoundingClientRect(), frame)) found.push(element.outerHTML.slice(0, 120));
    }
    return found;
}
"""

#: Controls that are too small to be hit: 24 px for links, 44 px for buttons.
TOO_SMALL = """
() => [...document.querySelectorAll("main :is(a, button, summary)")].flatMap((control) => {
    const { width, height } = control.getBoundingClientRect();
    const least = control.matches(".lms-enrollment__button") ? 44 : 24;
    const isHidden = width === 0 || control.closest(".lms-visually-hidden");
    return isHidden || (width >= 24 && height >= least) ? [] : [`${control.textContent.trim()}: ${width} x ${height}`];
})
"""


@cache
def render_galleries() -> dict[str, str]:
    """Return the gallery in each language."""
    return {address: Client().get(address).content.decode() for address in ADDRESSES.values()}


@pytest.fixture
def site(db: None) -> Iterator[Site]:
    site = Site()
    site.pages.update(render_galleries())
    yield site
    site.close()


@pytest.fixture
def chromium(site: Site) -> Iterator[Any]:
    """The browser, started after the pages are rendered: while it runs, Django refuses the database."""
    with open_chromium() as browser:
        yield browser


@pytest.fixture
def open_gallery(chromium: Any, site: Site) -> Iterator[Callable[..., Page]]:
    """Return a function that shows the gallery, as high as it is, once all panels have arrived."""
    errors: list[str] = []
    contexts = []

    def open_gallery(language: str = "en", width: int = 1280, **options: Any) -> Page:
        context = chromium.new_context(
            locale="en-GB", timezone_id="Europe/Paris", viewport={"width": width, "height": 20_000}, **options
        )
        contexts.append(context)
        page = context.new_page()
        page.set_default_timeout(15_000)
        page.on("pageerror", lambda error: errors.append(str(error)))
        page.goto(site.url + ADDRESSES[language])
        if options.get("java_script_enabled", True):
            try:
                page.wait_for_function(ARRIVED)
            except Exception as error:
                raise AssertionError(page.evaluate(NOT_ARRIVED)) from error
        return page

    yield open_gallery
    for context in contexts:
        context.close()
    assert errors == []


def rooms(page: Page) -> list[FloatRect]:
    """Return where the rooms with states are, without the lists of runs below them."""
    boxes = [page.locator(".gallery__room").nth(number).bounding_box() for number in range(4)]
    width = page.evaluate("document.documentElement.clientWidth")
    return [{"x": 0, "y": box["y"] - 24, "width": width, "height": box["height"] + 48} for box in boxes]


def test_every_rule_holds_for_every_state_in_light_and_in_dark(open_gallery):
    page = open_gallery()
    grounds = []
    for scheme in ("light", "dark"):
        page.emulate_media(color_scheme=scheme, reduced_motion="reduce")
        assert find_violations(page) == [], scheme
        first, *_rest, last = rooms(page)
        whole = {**first, "height": last["y"] + last["height"] - first["y"]}
        take_picture(page, f"panel-states-{scheme}", pieces=[whole])
        grounds.append(page.locator(".course-run").first.evaluate("run => getComputedStyle(run).backgroundColor"))
    assert grounds[0] == "rgb(255, 255, 255)"
    assert grounds[1] != grounds[0]


def test_nothing_sticks_out_and_everything_can_be_hit(open_gallery):
    page = open_gallery()
    assert page.evaluate(TOO_SMALL) == []
    page.set_viewport_size({"width": 390, "height": 20_000})
    take_picture(page, "panel-states-phone", pieces=rooms(page))
    # 320 px are also what is left of 1280 px at 400 %.
    for width in (1280, 768, 320):
        page.set_viewport_size({"width": width, "height": 20_000})
        assert page.evaluate("document.documentElement.scrollWidth") <= width
        assert page.evaluate(STICKING_OUT) == [], width
    assert page.evaluate(TOO_SMALL) == []


def test_long_words_wrap_in_german(open_gallery):
    page = open_gallery("de", width=320)
    assert page.evaluate("document.documentElement.scrollWidth") <= 320
    assert page.evaluate(STICKING_OUT) == []


def test_from_right_to_left(open_gallery):
    page = open_gallery("ar", width=1280)
    assert page.locator("html").get_attribute("dir") == "rtl"
    run = page.locator(".course-run:has(lms-enrollment)").first
    facts, panel = (run.locator(selector).bounding_box() for selector in (".course-run__facts", "lms-enrollment"))
    assert facts["x"] > panel["x"]
    # The picture is at the right of what it belongs to.
    padding = page.locator(".lms-enrollment__status").first.evaluate(
        "status => { const range = document.createRange(); range.selectNodeContents(status.firstElementChild);"
        " return status.getBoundingClientRect().right - range.getBoundingClientRect().right; }"
    )
    assert padding >= 22
    for width in (1280, 320):
        page.set_viewport_size({"width": width, "height": 20_000})
        assert page.evaluate("document.documentElement.scrollWidth") <= width
        assert page.evaluate(STICKING_OUT) == []
    assert find_violations(page) == []


def test_in_forced_colours_pictures_and_buttons_are_seen(open_gallery):
    page = open_gallery(forced_colors="active")
    pictures = page.locator("lms-enrollment .lms-enrollment__status").evaluate_all(
        """(all) => all.map((status) => {
            const { backgroundColor, borderTopColor, clipPath } = getComputedStyle(status, "::before");
            return clipPath === "none" ? borderTopColor : backgroundColor;
        })"""
    )
    (canvas,) = {page.locator("body").evaluate("body => getComputedStyle(body).backgroundColor")}
    assert pictures
    assert canvas not in pictures
    borders = page.locator(".lms-enrollment__button").evaluate_all(
        "(all) => all.map((button) => getComputedStyle(button).borderTopColor)"
    )
    assert canvas not in borders


def test_without_motion_nothing_turns(open_gallery):
    page = open_gallery(reduced_motion="reduce")
    endless = "document.getAnimations().filter(({ effect }) => effect.getTiming().iterations === Infinity).length"
    assert page.evaluate(endless) == 0
    page.emulate_media(reduced_motion="no-preference")
    assert page.evaluate(endless) > 0


def test_what_a_screen_reader_is_told(open_gallery):
    page = open_gallery()
    # The way out of a long wait comes late.
    expect(page.locator("[data-expected-step=loading] a[data-link]")).to_be_visible()
    trees = {}
    for specimen in page.locator("[data-expected-step]").all():
        step = specimen.get_attribute("data-expected-step")
        tree = specimen.locator("lms-enrollment").aria_snapshot()
        trees.setdefault(step, tree)
        # One group with a name, in which everything has words, and no picture is read.
        assert re.match(r'- group "[^"]+":\n', tree), tree
        assert not re.search(r"\b(img|graphics)\b", tree), tree
        assert not re.search(r"- (link|button)(?: \[|:|$)", tree, re.MULTILINE), tree
    controls = {step: re.findall(r"- (link|button) ", tree) for step, tree in trees.items()}
    assert controls == CONTROLS
    assert all("[disabled]" in trees[step] for step in ("enrolling", "unenrolling"))


def test_a_theme_of_ten_lines(open_gallery, site):
    (theme,) = re.findall(r"^## In ten lines\n+```css\n(.*?)^```", THEMING, re.DOTALL | re.MULTILINE)
    assert len(theme.splitlines()) == 10
    site.style_sheets["/theme.css"] = theme
    address = ADDRESSES["en"]
    site.pages[address] = site.pages[address].replace("</head>", '<link rel="stylesheet" href="/theme.css"></head>')
    page = open_gallery()
    button = page.locator("lms-enrollment .lms-enrollment__button").first
    for scheme, ground in (("light", "rgb(15, 107, 79)"), ("dark", "rgb(127, 214, 180)")):
        page.emulate_media(color_scheme=scheme, reduced_motion="reduce")
        assert button.evaluate("button => getComputedStyle(button).backgroundColor") == ground
        assert find_violations(page) == [], scheme


def test_the_themes_table_is_complete():
    rows = dict(re.findall(r"^\| `(--lms-[\w-]+)` \|[^|]+\| (.+) \|$", THEMING, re.MULTILINE))
    css = (STATIC / "cms_lms" / "css" / "enrollment.css").read_text()
    for name, default in re.findall(r"var\((--lms-[\w-]+), (light-dark\(.*?\)|[^)]*)\)", css):
        light, _, dark = default.removeprefix("light-dark(").removesuffix(")").partition(", ")
        assert rows.pop(name) == f"`{light}` | `{dark}`".replace(" | ``", " |"), name
    assert rows == {}


def test_without_scripts_every_run_has_its_way_and_nothing_pretends(open_gallery):
    page = open_gallery(java_script_enabled=False)
    panels = page.locator(".lms-enrollment")
    assert panels.count() > 50
    for text in panels.all_text_contents():
        assert re.search("Go to the course on Campus|takes place on Campus|not available here", text), text
    assert page.locator("main").get_by_role("button").count() == 0
    for words in ("Log in to enroll", "Enroll now", "Checking your enrollment", "You are enrolled"):
        assert page.get_by_text(words).count() == 0
