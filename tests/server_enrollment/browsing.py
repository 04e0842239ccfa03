"""A real browser before the live server: one start for a whole test, with no script that may fail."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from django.conf import settings
from django.test import Client
from playwright.sync_api import Page, expect

from tests.chromium import open_chromium


@contextmanager
def open_page(base_url: str, *clients: Client, **options: Any) -> Iterator[Page]:
    """Return a page with the session of the client, if there is one; no script and no policy is broken on it.

    Enter it when the database is ready: while the browser runs, Django refuses to use that.
    """
    cookies = [
        {"name": settings.SESSION_COOKIE_NAME, "value": client.cookies[settings.SESSION_COOKIE_NAME].value}
        for client in clients
    ]
    errors: list[str] = []
    with open_chromium() as browser:
        context = browser.new_context(
            base_url=base_url, locale="en-GB", timezone_id="UTC", viewport={"width": 1280, "height": 4000}, **options
        )
        context.add_cookies([{**cookie, "url": base_url} for cookie in cookies])
        page = context.new_page()
        page.set_default_timeout(15_000)
        page.on("pageerror", lambda error: errors.append(str(error)))
        page.on("console", lambda message: errors.append(message.text) if "Policy" in message.text else None)
        yield page
        context.close()
    assert errors == []


def expect_step(panel: Any, step: str) -> None:
    """Wait until a panel is in a step; the LMS may be slow."""
    expect(panel).to_have_attribute("data-step", step, timeout=15_000)
