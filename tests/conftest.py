"""What holds for all tests: how several workers share them out, and which of them another database can change."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from django.utils import translation

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


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Keep what is heavy together, one kind to a worker: two browsers at once only get in each other's way."""
    for item in items:
        for kind in ("browser", "packaging"):
            if item.get_closest_marker(kind):
                item.add_marker(pytest.mark.xdist_group(kind))
    if config.getoption("--database-only"):
        pure = [item for item in items if not uses_database(item)]
        config.hook.pytest_deselected(items=pure)
        items[:] = [item for item in items if uses_database(item)]


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
