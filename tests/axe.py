"""axe-core's rules in a page: what a machine can see of WCAG 2.2 AA."""

from __future__ import annotations

import os
from functools import cache
from pathlib import Path

import pytest
from playwright.sync_api import Page

AXE = Path(__file__).resolve().parents[1] / "node_modules" / "axe-core" / "axe.min.js"

RUN_AXE = """
async (left_out) => {
    const { violations } = await axe.run(document, {
        resultTypes: ["violations"],
        runOnly: ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"],
        rules: Object.fromEntries(left_out.map((rule) => [rule, { enabled: false }])),
    });
    return violations.flatMap(({ id, nodes }) => nodes.map((node) => `${id}: ${node.target.join(" ")}`));
}
"""


@cache
def axe_script() -> str:
    """Return the rules' script, as npm installs it (make lint does); without it the test is skipped, or fails in CI."""
    if not AXE.is_file():
        miss = pytest.fail if os.environ.get("CI") else pytest.skip
        miss("There is no axe-core: run npm install (make lint does).")
    return AXE.read_text(encoding="utf-8")


def find_violations(page: Page, *left_out: str) -> list[str]:
    """Return what breaks which rule on a page as it is now, but for the rules left out."""
    page.evaluate(axe_script())
    return page.evaluate(RUN_AXE, list(left_out))
