"""What the admin writes into the audit log beyond Wagtail's own actions, and how the history shows it."""

from __future__ import annotations

from typing import Any

from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from wagtail.log_actions import LogFormatter
from wagtail.models import ModelLogEntry

from cms_lms.backends.registry import backend_choices, get_backend_class
from cms_lms.matching.setting_import import REORDER_ACTION
from cms_lms.runs.fields import SyncMode
from cms_lms.sync.decisions import ADD_ALIAS_ACTION, REMOVE_ALIAS_ACTION
from cms_lms.sync.drafts import DISCARD_ACTION
from cms_lms.sync.history import change_label
from cms_lms.sync.modes import SYNC_MODE_ACTION
from cms_lms.sync.new_courses import CREATE_COURSE_ACTION

ENABLE = "cms_lms.enable"
DISABLE = "cms_lms.disable"
REORDER = REORDER_ACTION
CREDENTIALS = "cms_lms.credentials"
ADD_SYNC_SECRET = "cms_lms.sync_secret.add"  # noqa: S105
LIFT = "cms_lms.deleted_run.lift"
RETIRE_SYNC_SECRET = "cms_lms.sync_secret.retire"  # noqa: S105


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


class CreateCourseFormatter(LogFormatter):
    """Says for whose runs a course was created."""

    label = gettext_lazy("Create")

    def format_message(self, log_entry: ModelLogEntry) -> str:
        """Name the LMS backend."""
        if not log_entry.data["backend"]:
            return _("Created.")
        return _("Created for %(backend)s.") % log_entry.data


class AddAliasFormatter(LogFormatter):
    """Says by which other key the course is known."""

    label = gettext_lazy("Add alias")

    def format_message(self, log_entry: ModelLogEntry) -> str:
        """Name the key."""
        return _("Runs of “%(alias)s” belong to it from now on.") % log_entry.data


class RemoveAliasFormatter(LogFormatter):
    """Says by which key the course is not known any more."""

    label = gettext_lazy("Remove alias")

    def format_message(self, log_entry: ModelLogEntry) -> str:
        """Name the key."""
        return _("Runs of “%(alias)s” do not belong to it any more.") % log_entry.data


class ReorderFormatter(LogFormatter):
    """Says from which position to which."""

    label = gettext_lazy("Reorder")

    def format_message(self, log_entry: ModelLogEntry) -> str:
        """Name both positions, counted from 1."""
        return _("Moved from position %(old)s to position %(new)s.") % log_entry.data["position"]


def credential_label(name: str) -> str:
    """Return what a class of this site calls a credential; its name if none asks for it any more."""
    classes = [get_backend_class(path) for path, _label in backend_choices()]
    labels = {field.name: field.label for chosen in classes for field in chosen.credential_fields}
    return str(labels.get(name, name))


class CredentialsFormatter(LogFormatter):
    """Says what was done to which credential. The log knows no values."""

    label = gettext_lazy("Change API credentials")

    def format_message(self, log_entry: ModelLogEntry) -> str:
        """Name each credential."""
        changes = ", ".join(map(self.describe, log_entry.data["credentials"]))
        return _("API credentials changed: %(changes)s.") % {"changes": changes}

    @staticmethod
    def describe(change: dict[str, str]) -> str:
        """Return one change in words."""
        words = {**change, "name": credential_label(change["name"])}
        if change["done"] == "cleared":
            return _("%(name)s cleared") % words
        if change.get("environment"):
            return _("%(name)s set to the environment variable %(environment)s") % words
        return _("%(name)s set") % words


class AddSyncSecretFormatter(LogFormatter):
    """Says which secret the backend got, by its name."""

    label = gettext_lazy("Add web hook secret")

    def format_message(self, log_entry: ModelLogEntry) -> str:
        """Name the secret, and the variable that holds it if one does."""
        if log_entry.data["sync_secret"].get("environment"):
            return (
                _("Web hook secret “%(name)s” added, read from the environment variable %(environment)s.")
                % log_entry.data["sync_secret"]
            )
        return _("Web hook secret “%(name)s” generated.") % log_entry.data["sync_secret"]


class RetireSyncSecretFormatter(LogFormatter):
    """Says which secret the backend lost, by its name."""

    label = gettext_lazy("Retire web hook secret")

    def format_message(self, log_entry: ModelLogEntry) -> str:
        """Name the secret."""
        return _("Web hook secret “%(name)s” retired.") % log_entry.data["sync_secret"]


class DiscardFormatter(LogFormatter):
    """Says which values of the LMS were discarded, and what is said instead."""

    label = gettext_lazy("Discard")

    def format_message(self, log_entry: ModelLogEntry) -> str:
        """Name the fields and their values."""
        changes = log_entry.data["changes"].items()
        return _("Discarded what the LMS sent: %(fields)s.") % {
            "fields": ", ".join(change_label(name, change) for name, change in changes)
        }


def register(actions: Any) -> None:
    """Make the actions known to Wagtail's log."""
    actions.register_action(ENABLE, gettext_lazy("Enable"), gettext_lazy("Enabled"))
    actions.register_action(DISABLE, gettext_lazy("Disable"), gettext_lazy("Disabled"))
    actions.register_action(LIFT, gettext_lazy("Let come back"), gettext_lazy("Let come back at the next call"))
    actions.register_action(REORDER)(ReorderFormatter)
    actions.register_action(DISCARD_ACTION)(DiscardFormatter)
    actions.register_action(SYNC_MODE_ACTION)(SyncModeFormatter)
    actions.register_action(CREATE_COURSE_ACTION)(CreateCourseFormatter)
    actions.register_action(ADD_ALIAS_ACTION)(AddAliasFormatter)
    actions.register_action(REMOVE_ALIAS_ACTION)(RemoveAliasFormatter)
    actions.register_action(CREDENTIALS)(CredentialsFormatter)
    actions.register_action(ADD_SYNC_SECRET)(AddSyncSecretFormatter)
    actions.register_action(RETIRE_SYNC_SECRET)(RetireSyncSecretFormatter)
