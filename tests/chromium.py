"""The browser of the browser tests: Debian's Chromium, without which they are skipped, or fail if CI=1."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from playwright.sync_api import Browser, sync_playwright

ARGUMENTS = ["--no-sandbox", "--disable-background-networking"]


@contextmanager
def running_chromium() -> Iterator[Browser]:
    """Run Chromium. Not for the whole session: while Playwright's loop runs, Django refuses to use the database."""
    path = shutil.which("chromium") or shutil.which("chromium-browser")
    if path is None:
        missing = pytest.fail if os.environ.get("CI") == "1" else pytest.skip
        missing("Chromium is not installed; make test says how to get it.")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=ARGUMENTS)
        yield browser
        browser.close()
