"""What holds for all tests: how several workers share them out, which of them another database can change, and that
no page breaks its own policy.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from django.utils import translation

from tests.chromium import VIOLATIONS, PolicyViolations

#: Files, or folders of them, whose tests share what is dear to make: each file stays with one worker.
TOGETHER = ("tests/browser/", "tests/enrollment_js/", "tests/project/", "tests/proxy/", "tests/site/")

#: The fixtures by which pytest-django opens the database.
DATABASE_FIXTURES = {"db", "transactional_db"}


def pytest_addoption(parser: pytest.Parser) -> None:
    """Let the runs after the first leave out what would only repeat itself."""
    parser.addoption(
        "--database-only",
        action="store_true",
        help="only tests that use the database, and the wheel's: the rest is the same on every database and Wagtail",
    )
    parser.addoption(
        "--write-snapshots", action="store_true", help="write the files anew that hold what is not to change unseen"
    )


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> Any:
    """Share out single tests, but files as a whole where that saves time.

    In the order of collection: tests that empty the database come after those that rely on what migrations put there.
    """
    from xdist.scheduler import LoadScopeScheduling

    config.option.loadscopereorder = False

    class Scheduling(LoadScopeScheduling):
        def _split_scope(self, nodeid: str) -> str:
            return nodeid.partition("::")[0] if nodeid.startswith(TOGETHER) else nodeid

    return Scheduling(config, log)


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Leave out what does not use the database, if asked to."""
    if config.getoption("--database-only"):
        pure = [item for item in items if not uses_database(item)]
        config.hook.pytest_deselected(items=pure)
        items[:] = [item for item in items if uses_database(item)]


@pytest.fixture
def policy_violations() -> PolicyViolations:
    """What the policies of this test's pages made the browser refuse; whoever wants some clears them."""
    return VIOLATIONS


@pytest.fixture(autouse=True)
def no_policy_violations(request: pytest.FixtureRequest) -> Iterator[None]:
    """No page breaks its own Content-Security-Policy, in any test with a browser."""
    yield
    if request.node.get_closest_marker("browser"):
        found = [*VIOLATIONS.console, *VIOLATIONS.reports]
        VIOLATIONS.clear()
        assert found == []


@pytest.fixture(autouse=True)
def own_language() -> Iterator[None]:
    """Each test begins in the site's language: what a request has activated stays so in its thread."""
    translation.deactivate()
    yield
    translation.deactivate()


def uses_database(item: pytest.Item) -> bool:
    """Whether the test asks for a database: by its mark, by a fixture's, or in a site of its own."""
    has_mark = item.get_closest_marker("django_db") or item.get_closest_marker("packaging")
    return has_mark is not None or not DATABASE_FIXTURES.isdisjoint(getattr(item, "fixturenames", ()))
