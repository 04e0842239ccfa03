"""What was synchronised while an editor had a run's form open.

Wagtail tells her so in the form, and asks before it stores an older page over a newer version. Whoever goes on
loses nothing here: what she typed stays hers, what she left alone takes the newer value of the LMS, and nothing
goes out that no page has shown her.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from django.http import HttpResponse
from django.utils.translation import gettext as _
from wagtail.admin import messages
from wagtail.models import Revision

from cms_lms.admin.ids import is_possible_id
from cms_lms.runs.fields import CONTENT_FIELDS
from cms_lms.sync.history import change_label, field_label, fields_synced_since
from cms_lms.sync.results import changes_as_json

#: What stores a draft, or nothing at all; any other action lets somebody see it.
QUIET_ACTIONS = {"edit", "cancel-workflow"}


class OpenEditFormMixin:
    """Compares what a run's page showed, what came back from it, and what the draft says by now.

    ``synced_meanwhile``: the fields that the editor left alone and synchronisations changed, as (shown, newer).
    ``owned_meanwhile``: the fields that she could change when the page was opened, and are the LMS's by now.
    """

    synced_meanwhile: Mapping[str, tuple[Any, Any]] = {}
    owned_meanwhile: tuple[str, ...] = ()

    def note_fields_that_were_enabled(self) -> None:
        """Note what the page would have changed, had the run not been put into ``sync_to_public``."""
        self.owned_meanwhile = tuple(
            name
            for name in self.instance.owned_fields
            if name in self.fields and self._posted(name) != self._printed(name, self.initial.get(name))
        )

    def take_what_was_synced_meanwhile(self) -> None:
        """Put the newer values of fields that were left as the page showed them into what was posted.

        A browser posts the whole form: what the page showed would be stored over what came since.
        """
        loaded = self._get_loaded_revision()
        if loaded is None or loaded.pk == self.instance.latest_revision_id:
            return
        synced = fields_synced_since(self.instance, loaded) & self.fields.keys()
        if not synced:
            return
        shown = loaded.as_object()
        changes = {}
        self.data = self.data.copy()
        for name in CONTENT_FIELDS:
            old, new = getattr(shown, name), self.initial.get(name)
            if name in synced and self._posted(name) == self._printed(name, old) != self._printed(name, new):
                self.data.setlist(self.add_prefix(name), self._printed(name, new))
                changes[name] = (old, new)
        self.synced_meanwhile = changes

    def _get_loaded_revision(self) -> Revision | None:
        """Return the revision that the page was made from; Wagtail's form says which."""
        pk = self.data.get("loaded_revision_id", "")
        return self.instance.revisions.filter(pk=pk).first() if is_possible_id(pk) else None

    def _posted(self, name: str) -> list[str]:
        return sorted(self.data.getlist(self.add_prefix(name)))

    def _printed(self, name: str, value: Any) -> list[str]:
        """Return what a browser posts of a field that was printed with a value."""
        field = self.fields[name]
        texts = field.widget.format_value(field.prepare_value(value))
        return sorted(texts) if isinstance(texts, list) else [texts or ""]


class OpenEditViewMixin:
    """Tells the editor of a run what came meanwhile."""

    def is_valid(self, form: OpenEditFormMixin) -> bool:
        """Let nothing go out with values that the editor has not seen: she gets the form again, with these."""
        is_valid = super().is_valid(form)
        if not form.synced_meanwhile or self.expects_json_response:
            return is_valid
        changes = {"changes": describe(form.synced_meanwhile)}
        if not is_valid:
            messages.warning(
                self.request,
                _("While you had this form open, a synchronisation changed %(changes)s. The form shows the new ones.")
                % changes,
            )
        elif self.action not in QUIET_ACTIONS:
            is_valid = False
            self.produced_error_message = (
                _(
                    "Nothing was saved yet: while you had this form open, a synchronisation changed %(changes)s. "
                    "The form shows the new values beside your own changes. Look at them and confirm."
                )
                % changes
            )
        return is_valid

    def save_action(self) -> HttpResponse:
        """Say which values the draft has that the editor's page did not show."""
        response = super().save_action()
        if not self.expects_json_response:
            if self.form.synced_meanwhile:
                messages.warning(
                    self.request,
                    _(
                        "While you had this form open, a synchronisation changed %(changes)s. "
                        "Your draft has the new values."
                    )
                    % {"changes": describe(self.form.synced_meanwhile)},
                )
            if self.form.owned_meanwhile:
                messages.warning(
                    self.request,
                    _(
                        "While you had this form open, the run was given to its LMS, whose values were kept for these "
                        "fields: %(fields)s."
                    )
                    % {"fields": ", ".join(map(field_label, self.form.owned_meanwhile))},
                )
        return response


def describe(changes: Mapping[str, tuple[Any, Any]]) -> str:
    """Return changes of fields in words."""
    return ", ".join(change_label(name, change) for name, change in changes_as_json(dict(changes)).items())
