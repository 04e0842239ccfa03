"""What the LMS answers moves nothing on the page: the list of runs keeps room for it, wide and narrow."""

from __future__ import annotations

import threading
from types import SimpleNamespace

import pytest
from django.utils import translation

from .conftest import make_panel, render
from .openedx import ME, enrolled, expect_step, log_in
from .servers import Answer

pytestmark = pytest.mark.browser

#: The sum of all layout shifts since the page was opened, once whatever is pending has been drawn.
LAYOUT_SHIFT = """
() => new Promise((resolve) => {
    requestAnimationFrame(() => requestAnimationFrame(() => {
        new PerformanceObserver((list, observer) => {
            observer.disconnect();
            resolve(list.getEntries().reduce((sum, { value }) => sum + value, 0));
        }).observe({ type: "layout-shift", buffered: true });
        // Without any shift the observer stays silent.
        setTimeout(() => resolve(0), 200);
    }));
})
"""

NO_ROOM = ".course-run > lms-enrollment.lms-enrollment { min-block-size: 0 !important }"


@pytest.fixture
def open_list(lms, site, page):
    """Show a list of an anonymous learner's run, one that she may enroll in and one in which she is enrolled."""

    def open_list(width: int, language: str = "en", **changes):
        gate = threading.Event()
        log_in(lms, at="/idle")
        log_in(lms, enrolled(), at="/enrolled")
        lms.on("GET", f"/anonymous{ME}", Answer(401, hold=gate))
        for name in ("idle", "enrolled"):
            lms.on("GET", f"/{name}{ME}", Answer(json={"username": "ada"}, hold=gate))
        names = ("anonymous", "idle", "enrolled")
        state = SimpleNamespace(label="open for enrollment", datetime=None)
        panels = [make_panel(f"{lms.url}/{name}", title="Course run", state=state, **changes) for name in names]
        group = SimpleNamespace(key="open", heading="Open for enrollment", panels=panels)
        with translation.override(language):
            site.pages["/list/"] = (
                f'<!doctype html><html lang="{language}"><head><meta charset="utf-8"><title>Course</title>'
                f"{render('media.html')}</head><body>"
                f"{render('course_runs.html', groups=[group], with_shared_steps=True)}"
                "<p>What comes below.</p></body></html>"
            )
        page.set_viewport_size({"width": width, "height": 1600})
        page.goto(f"{site.url}/list/")
        elements = [page.locator("lms-enrollment").nth(number) for number in range(len(names))]
        for element in elements:
            expect_step(element, "loading")

        def answer() -> None:
            gate.set()
            for element, name in zip(elements, names, strict=True):
                expect_step(element, name)

        return answer

    return open_list


@pytest.mark.parametrize("kind", ["is_detailed", "is_compact", "is_prominent"])
@pytest.mark.parametrize("width", [1280, 800, 390])
def test_no_answer_moves_anything(open_list, page, width, kind):
    answer = open_list(width, **{kind: True})
    answer()
    assert page.evaluate(LAYOUT_SHIFT) == 0


@pytest.mark.parametrize("language", ["fr", "es", "pt", "de"])
def test_no_answer_moves_anything_in_other_languages(open_list, page, language):
    answer = open_list(1280, language)
    answer()
    assert page.evaluate(LAYOUT_SHIFT) == 0


def test_without_the_room_it_would(open_list, page):
    answer = open_list(390)
    page.evaluate("(rule) => document.styleSheets[1].insertRule(rule)", NO_ROOM)
    before = page.evaluate(LAYOUT_SHIFT)
    answer()
    assert page.evaluate(LAYOUT_SHIFT) > before
