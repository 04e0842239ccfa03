"""A real Chromium, a site with the real templates and static files, and an LMS, for the panel's JavaScript."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from types import SimpleNamespace
from typing import Any

import pytest
from django.template import Context, Engine
from django.utils import translation

from tests.chromium import open_chromium

from .openedx import COURSE_ID, log_in
from .servers import STATIC, Answer, ScriptedLMS, Site

NOW = datetime(2024, 6, 15, 12, tzinfo=UTC)

# The panel's templates need nothing of a site: two of Django's own tag libraries and translations.
ENGINE = Engine(
    dirs=[STATIC.parent / "templates"],
    libraries={"i18n": "django.templatetags.i18n", "static": "django.templatetags.static"},
)


# Not for the whole session: while Playwright's loop runs, Django refuses to use the database.
@pytest.fixture(scope="package")
def chromium() -> Iterator[Any]:
    """The browser."""
    with open_chromium() as browser:
        yield browser


@pytest.fixture
def page(chromium: Any) -> Iterator[Any]:
    """A new page of a new visitor, whose console must stay free of errors and refused resources."""
    context = chromium.new_context(locale="en-GB", timezone_id="UTC", viewport={"width": 1000, "height": 700})
    page = context.new_page()
    page.set_default_timeout(5000)
    page.errors = []
    page.on("pageerror", lambda error: page.errors.append(str(error)))
    page.on("console", lambda message: page.errors.append(message.text) if "Security Policy" in message.text else None)
    page.clock.install(time=NOW)
    yield page
    assert page.errors == []
    context.close()


@pytest.fixture
def site() -> Iterator[Site]:
    site = Site()
    yield site
    site.close()


@pytest.fixture
def lms(site: Site) -> Iterator[ScriptedLMS]:
    """An LMS on which nobody is logged in."""
    lms = ScriptedLMS(site.url)
    lms.on("GET", "/api/user/v1/me", Answer(401, {"detail": "Authentication credentials were not provided."}))
    site.connect.append(lms.url)
    yield lms
    lms.close()


OPEN = {
    "start": "2024-05-01T08:00:00+00:00",
    "end": "2024-08-01T08:00:00+00:00",
    "enrollment_start": "2024-04-01T08:00:00+00:00",
    "enrollment_end": "2024-07-01T08:00:00+00:00",
}


def make_panel(lms_url: str, **changes: Any) -> SimpleNamespace:
    """What the template reads of a panel: a run under way whose enrollment is open, unless changed."""
    values = {
        "is_interactive": True,
        "base_url": lms_url,
        "js_backend": "openedx-hawthorn",
        "module_url": "/static/cms_lms/js/backends/openedx-hawthorn.js",
        "course_id": COURSE_ID,
        "learner_url": f"{lms_url}/courses/{COURSE_ID}/info",
        "lms_name": "Example LMS",
        "name": "Course run",
        "now": NOW.isoformat(),
        **OPEN,
        **changes,
    }
    for date in ("start", "end", "enrollment_start", "enrollment_end", "now"):
        if isinstance(values[date], str):
            values[date] = datetime.fromisoformat(values[date])
    return SimpleNamespace(**values)


def render(name: str, **context: Any) -> str:
    return ENGINE.get_template(f"cms_lms/enrollment/{name}").render(Context(context))


def render_page(*panels: SimpleNamespace, language: str = "en", shared_steps: bool = False) -> str:
    """A page with these panels, from the project's own templates."""
    with translation.override(language):
        html = [
            f'<!doctype html><html lang="{language}"><head><meta charset="utf-8"><title>Course</title>',
            render("media.html"),
            "</head><body><h1>Course</h1>",
            *(render("panel.html", panel=panel, shared_steps=shared_steps) for panel in panels),
            render("shared_steps.html") if shared_steps else "",
            '<p><button id="elsewhere">Elsewhere</button></p></body></html>',
        ]
    return "".join(html)


@pytest.fixture
def open_page(page: Any, site: Site) -> Callable[..., Any]:
    """Show a page with these panels and return its first panel's locator."""

    def open_page(*panels: SimpleNamespace, path: str = "/course/", **options: Any) -> Any:
        site.pages[path] = render_page(*panels, **options)
        page.goto(site.url + path)
        return page.locator("lms-enrollment").first

    return open_page


@pytest.fixture
def open_cases(open_page, lms, page):
    """Show a page with one panel for each case, and return them with their cases.

    Each has an LMS of its own, below its own path on the same server. `arrange(at, case)` scripts that path and may
    return changes to the panel.
    """

    def open_cases(cases, arrange) -> list:
        page.set_viewport_size({"width": 1000, "height": 150 * len(cases)})
        panels = []
        for number, case in enumerate(cases):
            at = f"/case-{number}"
            log_in(lms, at=at)
            panels.append(make_panel(lms.url + at, **(arrange(at, case) or {})))
        open_page(*panels, shared_steps=True)
        return [(page.locator("lms-enrollment").nth(number), case) for number, case in enumerate(cases)]

    return open_cases


@pytest.fixture
def open_played(open_page, page, site):
    """Show a page with these panels of the LMS that is played (played.py), which answers so."""
    from .played import MODULE, PATH, play

    site.modules[PATH] = MODULE
    site.pages["/blank/"] = site.pages["/login"] = "<!doctype html><title>Elsewhere</title>"

    def open_played(*panels: SimpleNamespace, answers: dict[str, Any] | None = None) -> Any:
        page.goto(f"{site.url}/blank/")
        play(page, answers or {})
        open_page(*panels, shared_steps=True)
        return page.locator("lms-enrollment")

    return open_played
