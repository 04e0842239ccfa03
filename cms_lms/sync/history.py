"""The lines that synchronisations leave in a run's history, under no user's name."""

from __future__ import annotations

import datetime as dt
import uuid
from contextlib import suppress
from typing import Any, cast

from django.contrib.contenttypes.models import ContentType
from django.core.exceptions import FieldDoesNotExist
from django.db import models
from django.db.models import Q
from django.utils import timezone
from django.utils.dateparse import parse_datetime
from django.utils.formats import date_format
from django.utils.text import capfirst
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from wagtail.log_actions import LogFormatter
from wagtail.models import ModelLogEntry, Revision

from cms_lms.backends.base import BaseLMSBackend
from cms_lms.conf import settings as lms_settings
from cms_lms.models import CourseRun
from cms_lms.models.row_writing import insert_row
from cms_lms.runs.fields import COUNTER_FIELDS
from cms_lms.sync.results import changes_as_json

SYNC_ACTION = "cms_lms.sync"

#: Written by ``cms_lms.sync.relink``, under the name of who said that an LMS has moved.
RELINK_ACTION = "cms_lms.relink"


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
        if len(entries) == 1:
            insert_row(entries[0])
        elif entries:
            ModelLogEntry.objects.bulk_create(entries)


def fields_synced_since(run: CourseRun, revision: Revision) -> set[str]:
    """Return the names of the fields that synchronisations, or an LMS's move, changed after a revision was stored."""
    lines = ModelLogEntry.objects.for_instance(run).filter(action__in=[SYNC_ACTION, RELINK_ACTION])
    later = lines.filter(Q(revision_id__gt=revision.pk) | Q(timestamp__gt=revision.created_at))
    return {name for line in later for name in line.data.get("changes", {})}


def field_label(name: str) -> str:
    """Return the label of a run's field; its name if there is no such field any more."""
    field = _field(name)
    return name if field is None else str(capfirst(field.verbose_name))


def _field(name: str) -> models.Field | None:
    try:
        return cast("models.Field", CourseRun._meta.get_field(name))
    except FieldDoesNotExist:
        return None


def value_label(name: str, value: Any) -> str:
    """Return a logged value of a run's field as people read it: moments in their time zone, choices by their labels."""
    if value in (None, "", []):
        return "–"
    if name == "languages" and isinstance(value, list):
        labels = dict(lms_settings.COURSE_LANGUAGES)
        return ", ".join(str(_(labels[code])) if code in labels else str(code) for code in value)
    field = _field(name)
    moment = parse_datetime(value) if isinstance(field, models.DateTimeField) and isinstance(value, str) else None
    if moment is not None:
        with suppress(OverflowError):  # the last hours of year 9999 have no date further east
            moment = timezone.localtime(moment)
        return date_format(moment, "DATETIME_FORMAT")
    return str(dict(field.flatchoices).get(value, value)) if field is not None else str(value)


def change_label(name: str, change: Any) -> str:
    """Return a logged change of a run's field in words."""
    old, new = change
    words = {"field": field_label(name), "old": value_label(name, old), "new": value_label(name, new)}
    return _("%(field)s (%(old)s → %(new)s)") % words


class SyncLogFormatter(LogFormatter):
    """Says in the history where a synchronisation came from and what it changed."""

    label = gettext_lazy("Synchronise")

    def format_message(self, log_entry: ModelLogEntry) -> str:
        """Name the LMS, the fields and their values."""
        changes = log_entry.data.get("changes", {})
        fields = ", ".join(change_label(name, change) for name, change in changes.items())
        values = {"backend": log_entry.data.get("backend", ""), "fields": fields}
        if not values["fields"]:
            return _("Synchronised from %(backend)s.") % values
        return _("Synchronised from %(backend)s: %(fields)s.") % values

    def format_comment(self, log_entry: ModelLogEntry) -> str:
        """Nothing beyond the message."""
        return ""


class RelinkLogFormatter(LogFormatter):
    """Says from which link to which."""

    label = gettext_lazy("Re-link")

    def format_message(self, log_entry: ModelLogEntry) -> str:
        """Name both links."""
        old, new = log_entry.data["changes"]["resource_link"]
        return _("Re-linked: %(old)s → %(new)s") % {"old": old, "new": new}


def register_log_actions(actions: Any) -> None:
    """Register the actions with Wagtail's log."""
    actions.register_action(SYNC_ACTION)(SyncLogFormatter)
    actions.register_action(RELINK_ACTION)(RelinkLogFormatter)
