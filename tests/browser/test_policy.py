"""What the policy of a public page refuses comes to light in every test with a browser."""

from __future__ import annotations

import pytest

from .conftest import COURSE_PAGE

pytestmark = [
    pytest.mark.browser,
    pytest.mark.django_db(transaction=True, serialized_rollback=True),
]


def test_a_violation_is_noticed_and_reported(open_run, new_page, policy_violations):
    """On purpose: an inline style, which the browser refuses, says so on its console and reports it."""
    page = new_page()
    page.goto(COURSE_PAGE)
    assert (policy_violations.console, policy_violations.reports) == ([], [])
    page.evaluate("document.body.insertAdjacentHTML('beforeend', '<p style=\"color: red\">Red</p>')")
    for _attempt in range(100):
        if policy_violations.reports:
            break
        page.evaluate("fetch('/favicon.ico', {method: 'HEAD', cache: 'no-store'})")

    (report,) = policy_violations.reports
    assert report["effective-directive"] == "style-src-attr"
    assert report["document-uri"].endswith(COURSE_PAGE)
    assert len(policy_violations.console) == 1
    policy_violations.clear()
