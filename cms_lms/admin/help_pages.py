"""The documentation, to be read inside the admin."""

from __future__ import annotations

from typing import Any

from wagtail.admin.widgets.button import Button


def index_buttons(view: Any) -> list[Button]:
    """Return the buttons for the header of the listing."""
    return []


def edit_buttons(view: Any) -> list[Button]:
    """Return the buttons for the header of the edit form of ``view.object``."""
    return []


def get_urlpatterns(viewset: Any) -> list[Any]:
    """Return the addresses below the view set's."""
    return []
