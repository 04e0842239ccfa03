"""What holds for all tests: how several workers share them out."""

from __future__ import annotations

import pytest


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Keep what is heavy together, one kind to a worker: two browsers at once only get in each other's way."""
    for item in items:
        for kind in ("browser", "packaging"):
            if item.get_closest_marker(kind):
                item.add_marker(pytest.mark.xdist_group(kind))
