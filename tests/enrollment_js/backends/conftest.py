"""Pages of panels of one JS backend before the stand-ins of its LMS."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from tests.enrollment_js.conftest import render_page
from tests.fake_joanie import FakeJoanie
from tests.fake_lms import FakeLMS

from .campuses import Campus, Place


@pytest.fixture(scope="package")
def stand_ins() -> Iterator[tuple[FakeLMS, FakeJoanie]]:
    """An Open edX and a Joanie, as new for each page."""
    with FakeLMS() as lms, FakeJoanie() as joanie:
        yield lms, joanie


@pytest.fixture
def open_campus(page, site, stand_ins):
    """Show a page with one panel of a JS backend for each case, the learner being logged in.

    A case has `arrange(place)`, called before, and `panel`, changes to the panel. Returns the places and the panels.
    """

    def open_campus(backend: str, cases: list) -> tuple[list[Place], list[Any]]:
        campus = Campus.open(backend, site, *stand_ins)
        campus.log_in(page.context)
        places = [campus.place(number) for number in range(len(cases))]
        for place, case in zip(places, cases, strict=True):
            case.arrange(place)
        panels = [place.panel(**case.panel) for place, case in zip(places, cases, strict=True)]
        site.pages["/campus/"] = render_page(*panels, shared_steps=True)
        # All of them come near the window.
        page.set_viewport_size({"width": 1000, "height": 200 + 100 * len(cases)})
        page.goto(f"{campus.site_url}/campus/")
        return places, [page.locator("lms-enrollment").nth(number) for number in range(len(cases))]

    return open_campus
