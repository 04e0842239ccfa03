"""The real browser of the browser tests: found, started, missed in words that say what to do, and watched: what the
Content-Security-Policy of a page made it refuse is a fault of that page.
"""

from __future__ import annotations

import json
import os
import shutil
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest
from django.conf import UserSettingsHolder
from django.conf import settings as django_settings
from playwright.sync_api import Browser, BrowserContext, Page, sync_playwright

#: Names under which distributions install it; the variable CHROMIUM names another.
NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")


def find_chromium() -> str | None:
    """Return the path of the browser's program, None where there is none."""
    chosen = os.environ.get("CHROMIUM")
    return next(filter(None, map(shutil.which, [chosen] if chosen else NAMES)), None)


@dataclass
class PolicyViolations:
    """What browsers refused by a page's policy: as their consoles say it, and as they report it to ``url``."""

    console: list[str] = field(default_factory=list)
    reports: list[dict[str, Any]] = field(default_factory=list)
    url: str = ""

    def clear(self) -> None:
        """Forget them, for a test that has looked at those that it wanted."""
        self.console.clear()
        self.reports.clear()

    def watch(self, context: BrowserContext) -> BrowserContext:
        """Note what the pages of this context say; scripts or none."""
        context.on("console", lambda message: self._note(message.text))
        return context

    def watch_page(self, page: Page) -> Page:
        """As ``watch``, for a page that brings its own context."""
        self.watch(page.context)
        return page

    def _note(self, text: str) -> None:
        if "Content Security Policy" in text or "Content-Security-Policy" in text:
            self.console.append(text)

    @contextmanager
    def collector(self) -> Iterator[None]:
        """Take reports at an address of the loopback interface, which the site names in its policies meanwhile."""
        violations = self

        class Collector(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
                violations.reports.append(json.loads(body).get("csp-report", {}))
                self.send_response(204)
                self.end_headers()

            def log_message(self, *args: Any) -> None:
                """Say nothing: the tests read the reports."""

        server = ThreadingHTTPServer(("127.0.0.1", 0), Collector)
        server.daemon_threads = True
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)
        thread.start()
        self.url = f"http://127.0.0.1:{server.server_port}/"
        _set_base_setting("CMS_LMS_CSP_REPORT_URI", self.url)
        try:
            yield
        finally:
            _set_base_setting("CMS_LMS_CSP_REPORT_URI", "")
            server.shutdown()
            server.server_close()


def _set_base_setting(name: str, value: str) -> None:
    """Set what tests may override: a browser may outlive the tests whose overrides it would be among."""
    base = django_settings._wrapped
    while isinstance(base, UserSettingsHolder):
        base = base.default_settings
    setattr(base, name, value)
    django_settings.__dict__.pop(name, None)


VIOLATIONS = PolicyViolations()


@contextmanager
def open_chromium() -> Iterator[Browser]:
    """Start the browser for as long as the context lasts, watched for violations of policies.

    Without one the test is skipped, and fails where the variable CI promises that nothing is. While it
    runs, Django refuses to use the database from this thread: prepare first.
    """
    path = find_chromium()
    if path is None:
        miss = pytest.fail if os.environ.get("CI") else pytest.skip
        miss("There is no Chromium: install it (apt-get install chromium), or name one in CHROMIUM.")
    # Chromium's sandbox refuses to run as root, as it would in a container.
    arguments = ["--disable-background-networking", *(["--no-sandbox"] if os.geteuid() == 0 else [])]
    with VIOLATIONS.collector(), sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=arguments)
        new_context, new_page = browser.new_context, browser.new_page
        browser.new_context = lambda **options: VIOLATIONS.watch(new_context(**options))  # type: ignore[method-assign]
        browser.new_page = lambda **options: VIOLATIONS.watch_page(new_page(**options))  # type: ignore[method-assign]
        try:
            yield browser
        finally:
            browser.close()
