"""What the admin writes into the audit log beyond Wagtail's own actions, and how the history shows it."""

from __future__ import annotations

from typing import Any

from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from wagtail.log_actions import LogFormatter
from wagtail.models import ModelLogEntry

from cms_lms.runs.fields import SyncMode
from cms_lms.sync.modes import SYNC_MODE_ACTION

ENABLE = "cms_lms.enable"
DISABLE = "cms_lms.disable"
REORDER = "cms_lms.reorder"


class SyncModeFormatter(LogFormatter):
    """Says from which mode to which."""

    label = gettext_lazy("Change synchronisation")

    def format_message(self, log_entry: ModelLogEntry) -> str:
        """Name both modes."""
        labels = dict(SyncMode.choices)
        change = log_entry.data["sync_mode"]
        return _("Synchronisation changed from “%(old)s” to “%(new)s”.") % {
            side: labels.get(change[side], change[side]) for side in ("old", "new")
        }


class ReorderFormatter(LogFormatter):
    """Says from which position to which."""

    label = gettext_lazy("Reorder")

    def format_message(self, log_entry: ModelLogEntry) -> str:
        """Name both positions, counted from 1."""
        return _("Moved from position %(old)s to position %(new)s.") % log_entry.data["position"]


def register(actions: Any) -> None:
    """Make the actions known to Wagtail's log."""
    actions.register_action(ENABLE, gettext_lazy("Enable"), gettext_lazy("Enabled"))
    actions.register_action(DISABLE, gettext_lazy("Disable"), gettext_lazy("Disabled"))
    actions.register_action(REORDER)(ReorderFormatter)
    actions.register_action(SYNC_MODE_ACTION)(SyncModeFormatter)
