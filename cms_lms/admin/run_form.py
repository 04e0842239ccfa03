"""The form of a course run: who owns which field, and dates to the microsecond."""

from __future__ import annotations

from collections.abc import Iterable

from django import forms
from django.db import transaction
from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from wagtail.admin.forms import WagtailAdminModelForm

from cms_lms.admin.fields import ExactDateTimeField, ScrollingCheckboxes, described, time_zone_note
from cms_lms.admin.open_edits import OpenEditFormMixin
from cms_lms.conf import settings as lms_settings
from cms_lms.matching.handler import LMSHandler
from cms_lms.models import CourseRun
from cms_lms.runs.fields import BOOKKEEPING_FIELDS, CONTENT_FIELDS, DATE_FIELDS, SyncMode


def language_choices() -> list[tuple[str, str | Promise]]:
    """Return the languages that courses may be taught in."""
    return list(lms_settings.COURSE_LANGUAGES)


class CourseRunForm(OpenEditFormMixin, WagtailAdminModelForm):
    """Fields that the LMS owns are disabled in ``sync_to_public`` and marked in ``sync_to_draft``."""

    start = ExactDateTimeField(required=False, **described(CourseRun, "start"))
    end = ExactDateTimeField(required=False, **described(CourseRun, "end"))
    enrollment_start = ExactDateTimeField(required=False, **described(CourseRun, "enrollment_start"))
    enrollment_end = ExactDateTimeField(required=False, **described(CourseRun, "enrollment_end"))
    languages = forms.MultipleChoiceField(
        choices=language_choices,
        required=False,
        widget=ScrollingCheckboxes(label=gettext_lazy("Languages")),
        **described(CourseRun, "languages"),
    )

    def __init__(self, *args, **kwargs) -> None:
        super().__init__(*args, **kwargs)
        offered = dict(language_choices())
        dropped = [(code, code) for code in self.initial.get("languages") or [] if code not in offered]
        self.fields["languages"].choices = [*language_choices(), *dropped]
        for name in DATE_FIELDS:
            self.fields[name].stored = self.initial.get(name)
            self.fields[name].help_text = time_zone_note()
        if self.instance.pk and self.instance.sync_mode != SyncMode.MANUAL:
            self._mark_owned_fields()
        if self.instance.pk and self.is_bound:
            if self.add_prefix("resource_link") not in self.data:
                self._keep_fields_that_were_disabled()
            elif self.instance.sync_mode == SyncMode.TO_PUBLIC:
                self.note_fields_that_were_enabled()
            else:
                self.take_what_was_synced_meanwhile()

    def _keep_fields_that_were_disabled(self) -> None:
        """Keep what the editor's page had disabled, though mode or backend were changed since it was opened.

        A browser does not post disabled fields, and a missing date would read as one that was emptied. The
        link is always among them; unticked languages are not posted either.
        """
        is_public = self.instance.sync_mode == SyncMode.TO_PUBLIC
        for name in CONTENT_FIELDS:
            if is_public and name == "languages":
                continue
            if name in self.fields and self.add_prefix(name) not in self.data:
                self.fields[name].disabled = True

    def _mark_owned_fields(self) -> None:
        backend = LMSHandler.select_lms(self.instance.resource_link)
        lms = backend.config.name if backend else _("the LMS")
        is_public = self.instance.sync_mode == SyncMode.TO_PUBLIC
        if is_public:
            note = _("Owned by %(lms)s: it can only be changed there, or once the synchronisation is changed.")
        else:
            note = _("Owned by %(lms)s: the next synchronisation overwrites this in the draft.")
        for name in self.instance.owned_fields:
            if field := self.fields.get(name):
                field.disabled = is_public
                field.help_text = f"{field.help_text} {note % {'lms': lms}}".strip()

    def save(self, commit: bool = True) -> CourseRun:
        """Save over the row as it is now: what a sync wrote since the form was checked stays.

        Called by Wagtail inside the transaction that also writes the revision, so the lock holds until both
        are there; and outside of any for a preview, which keeps no lock.
        """
        with transaction.atomic(savepoint=False):
            row = CourseRun.objects.select_for_update().filter(pk=self.instance.pk).first()
        if row is not None:
            self._keep(row, BOOKKEEPING_FIELDS)
            if row.sync_mode == SyncMode.TO_PUBLIC:
                self._keep(row, row.owned_fields)
            elif row.latest_revision_id != self.instance.latest_revision_id:
                untouched = [name for name in row.owned_fields if name not in self.changed_data]
                self._keep(row.get_latest_revision_as_object(), untouched)
        return super().save(commit)

    def _keep(self, run: CourseRun, names: Iterable[str]) -> None:
        for name in names:
            attname = CourseRun._meta.get_field(name).attname
            setattr(self.instance, attname, getattr(run, attname))
