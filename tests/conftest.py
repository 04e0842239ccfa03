"""What holds for all tests: how several workers share them out."""

from __future__ import annotations

import pytest
from django.contrib.contenttypes.models import ContentType


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Keep what is heavy together, one kind to a worker: two browsers at once only get in each other's way."""
    for item in items:
        for kind in ("browser", "packaging"):
            if item.get_closest_marker(kind):
                item.add_marker(pytest.mark.xdist_group(kind))


@pytest.fixture(autouse=True)
def _fresh_content_types(request: pytest.FixtureRequest) -> None:
    """Forget the content types of the test before, whose database was emptied: Django caches them."""
    if {"transactional_db", "live_server"} & set(request.fixturenames):
        request.getfixturevalue("transactional_db")
        ContentType.objects.clear_cache()
