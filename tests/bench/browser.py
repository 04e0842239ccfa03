"""What a learner's browser makes of a course page: what Lighthouse says, and how soon after the LMS's answer she sees
what she may do.
"""

from __future__ import annotations

import json
import os
import statistics
import subprocess
import sys
from pathlib import Path
from typing import Any

from tests.bench.measure import Figure, Report
from tests.bench.public_site import PublicSite, public_site

LIGHTHOUSE = Path(__file__).parent / "node_modules" / "lighthouse" / "cli" / "index.js"

CHROME_FLAGS = "--headless --no-sandbox --disable-background-networking"

#: At least so many points of a hundred.
TARGETS = {"performance": 99, "accessibility": 99, "best-practices": 95, "seo": 99}

#: The only one of the best practices that is missed: to ask an LMS who the learner is, is to be told 401 by it.
ALLOWED = {"errors-in-console"}

#: What performance is told by.
METRICS = ("first-contentful-paint", "largest-contentful-paint", "total-blocking-time", "cumulative-layout-shift")

FIRST_STATE_SECONDS = 0.1

#: Notes when a panel shows a state that the LMS has answered for, once that is painted.
WATCH = """
addEventListener("lms-enrollment:step", ({ detail, target }) => {
  if (detail.step === "loading") return;
  requestAnimationFrame(() => setTimeout(() => (target.dataset.shownAt ??= performance.now())));
});
"""

#: How long after the last byte of the LMS's last answer the state of the panel was on the screen, in milliseconds.
DELAY = """(element) => {
  const { baseUrl } = element.dataset;
  const answers = performance.getEntriesByType("resource").filter(({ name }) => name.startsWith(baseUrl));
  return element.dataset.shownAt - Math.max(...answers.map(({ responseEnd }) => responseEnd));
}"""


def measure_browser(report: Report) -> None:
    """Report Lighthouse's points for the demonstration's course page, and the time to its first state."""
    from tests.chromium import find_chromium

    if find_chromium() is None:
        sys.stderr.write("The browser is not measured: there is no Chromium (apt-get install chromium).\n")
        return
    with public_site() as site:
        _report_first_state(report, site)
        _report_lighthouse(report, site)


def _report_first_state(report: Report, site: PublicSite) -> None:
    from playwright.sync_api import sync_playwright

    from tests.chromium import find_chromium

    delays = []
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=find_chromium(), args=["--no-sandbox"])
        for _round in range(max(3, min(report.repeat, 30))):
            page = browser.new_context().new_page()
            page.add_init_script(WATCH)
            page.goto(site.course_page)
            page.wait_for_selector("lms-enrollment[data-shown-at]")
            delays.append(page.locator("lms-enrollment[data-shown-at]").first.evaluate(DELAY) / 1e3)
            page.context.close()
        browser.close()
    report.add(
        Figure(
            "from the LMS's answer to the state on the screen",
            statistics.median(delays),
            "s",
            minimum=min(delays),
            target="≤ 0.1 s",
            is_met=statistics.median(delays) <= FIRST_STATE_SECONDS,
        )
    )


def _report_lighthouse(report: Report, site: PublicSite) -> None:
    if not LIGHTHOUSE.exists():
        sys.stderr.write("Lighthouse is not installed: npm install --prefix tests/bench\n")
        return
    found = run_lighthouse(site.course_page)
    for name, least in TARGETS.items():
        category = found["categories"][name]
        points = round(category["score"] * 100)
        missed = missed_audits(found, name)
        is_met = points >= least and (name != "best-practices" or missed <= ALLOWED)
        title = f"Lighthouse {found['lighthouseVersion']}, {name}"
        if missed:
            title += f" (missed: {', '.join(sorted(missed))})"
        report.add(Figure(title, points, "points", target=f"≥ {least}", is_met=is_met))
    for name in (
        "first-contentful-paint",
        "largest-contentful-paint",
        "total-blocking-time",
        "cumulative-layout-shift",
    ):
        audit = found["audits"][name]
        report.add(Figure(f"Lighthouse, {name}", audit["numericValue"], audit["numericUnit"]))


def run_lighthouse(url: str) -> dict[str, Any]:
    """Return Lighthouse's report about a page, as it looks at one on a telephone. Raises ``CalledProcessError``."""
    from tests.chromium import find_chromium

    command = ["node", str(LIGHTHOUSE), url, "--quiet", "--output=json", f"--chrome-flags={CHROME_FLAGS}"]
    environment = {**os.environ, "CHROME_PATH": find_chromium() or ""}
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=True, timeout=300)
    return json.loads(done.stdout)


def missed_audits(found: dict[str, Any], category: str) -> set[str]:
    """Return the audits that cost points in a category."""
    audits = found["audits"]
    return {
        item["id"]
        for item in found["categories"][category]["auditRefs"]
        if item["weight"] and audits[item["id"]]["score"] is not None and audits[item["id"]]["score"] < 1
    }
