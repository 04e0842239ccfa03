"""The real browser of the browser tests: found, started, and missed in words that say what to do."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from playwright.sync_api import Browser, sync_playwright

#: Names under which distributions install it; the variable CHROMIUM names another.
NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")


def find_chromium() -> str | None:
    """Return the path of the browser's program, None where there is none."""
    chosen = os.environ.get("CHROMIUM")
    return next(filter(None, map(shutil.which, [chosen] if chosen else NAMES)), None)


@contextmanager
def open_chromium() -> Iterator[Browser]:
    """Start the browser for as long as the context lasts.

    Without one the test is skipped, and fails where the variable CI promises that nothing is. While it
    runs, Django refuses to use the database from this thread: prepare first.
    """
    path = find_chromium()
    if path is None:
        miss = pytest.fail if os.environ.get("CI") else pytest.skip
        miss("There is no Chromium: install it (apt-get install chromium), or name one in CHROMIUM.")
    # Chromium's sandbox refuses to run as root, as it would in a container.
    arguments = ["--disable-background-networking", *(["--no-sandbox"] if os.geteuid() == 0 else [])]
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=arguments)
        try:
            yield browser
        finally:
            browser.close()
