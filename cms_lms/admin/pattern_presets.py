"""Course regexes to start from, offered in a backend's form for the class that is chosen."""

from __future__ import annotations

from typing import Any

from wagtail.admin.panels import Panel
from wagtail.admin.widgets.button import Button


class PresetsPanel(Panel):
    """The presets of the chosen class."""

    class BoundPanel(Panel.BoundPanel):
        """The panel of one backend."""

        def is_shown(self) -> bool:
            """Nothing to show yet."""
            return False


def index_buttons(view: Any) -> list[Button]:
    """Return the buttons for the header of the listing."""
    return []


def edit_buttons(view: Any) -> list[Button]:
    """Return the buttons for the header of the edit form of ``view.object``."""
    return []


def get_urlpatterns(viewset: Any) -> list[Any]:
    """Return the addresses below the view set's."""
    return []
