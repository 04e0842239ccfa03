"""The lines that synchronisations leave in a run's history, under no user's name."""

from __future__ import annotations

import datetime as dt
import uuid
from typing import Any

from django.contrib.contenttypes.models import ContentType
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from wagtail.log_actions import LogFormatter
from wagtail.models import ModelLogEntry, Revision

from cms_lms.backends.base import BaseLMSBackend
from cms_lms.models import CourseRun
from cms_lms.runs.fields import COUNTER_FIELDS
from cms_lms.sync.results import changes_as_json

SYNC_ACTION = "cms_lms.sync"


class SyncHistory:
    """Collects the history lines of one call and writes them with one query."""

    def __init__(self, now: dt.datetime) -> None:
        self._now = now
        self._uuid = uuid.uuid4()
        self._entries: list[ModelLogEntry] = []

    def add(
        self,
        run: CourseRun,
        backend: BaseLMSBackend,
        changes: dict[str, tuple[Any, Any]],
        revision: Revision | None = None,
    ) -> None:
        """Note that a run was synchronised from a backend's LMS. Counters are no history."""
        content = {name: change for name, change in changes.items() if name not in COUNTER_FIELDS}
        self._entries.append(
            ModelLogEntry(
                content_type=ContentType.objects.get_for_model(CourseRun, for_concrete_model=False),
                object_id=str(run.pk),
                label=run.resource_link,
                action=SYNC_ACTION,
                timestamp=self._now,
                uuid=self._uuid,
                data={"backend": backend.config.name, "changes": changes_as_json(content)},
                content_changed=True,
                revision=revision,
            )
        )

    def flush(self) -> None:
        """Write the lines collected so far."""
        entries, self._entries = self._entries, []
        if entries:
            ModelLogEntry.objects.bulk_create(entries)


class SyncLogFormatter(LogFormatter):
    """Says in the history where a synchronisation came from and what it changed."""

    label = gettext_lazy("Synchronise")

    def format_message(self, log_entry: ModelLogEntry) -> str:
        """Name the LMS and the fields."""
        values = {"backend": log_entry.data.get("backend", ""), "fields": ", ".join(log_entry.data.get("changes", {}))}
        if not values["fields"]:
            return _("Synchronised from %(backend)s.") % values
        return _("Synchronised from %(backend)s: %(fields)s.") % values

    def format_comment(self, log_entry: ModelLogEntry) -> str:
        """Nothing beyond the message."""
        return ""


def register_log_actions(actions: Any) -> None:
    """Register the action with Wagtail's log."""
    actions.register_action(SYNC_ACTION)(SyncLogFormatter)
