"""Form fields and widgets of the admin forms; each maps one stored shape to what a browser can post."""

from __future__ import annotations

import datetime as dt
import re
from typing import Any

from django import forms
from django.db.models import Model
from django.utils.functional import Promise
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.text import capfirst
from django.utils.timezone import get_current_timezone_name
from django.utils.translation import gettext_lazy as _
from wagtail.admin.staticfiles import versioned_static
from wagtail.admin.widgets import AdminAutoHeightTextInput, AdminDateTimeInput

#: Wagtail's default format stops at the minute, and what is not shown is lost at the next save.
DATETIME_FORMAT = "%Y-%m-%d %H:%M:%S"


def described(model: type[Model], name: str) -> dict[str, Any]:
    """Return label and help text of a model field, for a form field that replaces Django's own."""
    field = model._meta.get_field(name)
    return {"label": capfirst(field.verbose_name), "help_text": field.help_text}


class LinesField(forms.Field):
    """A list of strings as a text area with one string a line."""

    widget = AdminAutoHeightTextInput

    def prepare_value(self, value: Any) -> Any:
        """Return the text for the text area."""
        return "\n".join(map(str, value)) if isinstance(value, list) else value

    def to_python(self, value: Any) -> list[str]:
        """Return the lines that are not blank, trimmed."""
        if isinstance(value, list):
            return value
        # Not str.splitlines: that takes control characters for line ends, which validation should see.
        return [line.strip(" \t") for line in re.split(r"\r\n|\r|\n", value or "") if line.strip(" \t")]

    def has_changed(self, initial: Any, data: Any) -> bool:
        """Compare lists, not texts."""
        return not self.disabled and (initial or []) != self.to_python(data)


class ExactDateTimeField(forms.DateTimeField):
    """A moment, to the second; one that the editor leaves alone keeps its stored value to the microsecond.

    ``stored`` is that value, set by the form. What the browser posts is compared with what the form had
    printed, so that also a moment which the text cannot say (a repeated hour when clocks go back, the
    last hours of year 9999) comes back unharmed.
    """

    widget = AdminDateTimeInput

    def __init__(self, **kwargs) -> None:
        kwargs.setdefault("widget", AdminDateTimeInput(format=DATETIME_FORMAT))
        super().__init__(**kwargs)
        self.stored: dt.datetime | None = None

    def prepare_value(self, value: Any) -> Any:
        """Return the moment in the current time zone, in UTC where it has no date there."""
        try:
            return super().prepare_value(value)
        except OverflowError:
            return value.replace(tzinfo=None)

    def clean(self, value: Any) -> dt.datetime | None:
        """Return the stored moment if the posted text is the one that was printed for it."""
        return self.stored if self._is_stored(value) else super().clean(value)

    def has_changed(self, initial: Any, data: Any) -> bool:
        """Whether the editor put in another moment."""
        return not self.disabled and not self._is_stored(data) and super().has_changed(initial, data)

    def _is_stored(self, value: Any) -> bool:
        if self.stored is None:
            return False
        if isinstance(value, dt.datetime):  # a disabled field is given the initial value, without microseconds
            return value == self.stored.replace(microsecond=0) or value == self.stored
        return value == self.widget.format_value(self.prepare_value(self.stored))


def time_zone_note() -> str:
    """Return the sentence that says in which zone the form's times are."""
    return _("Time zone: %(zone)s.") % {"zone": get_current_timezone_name()}


class ScrollingCheckboxes(forms.CheckboxSelectMultiple):
    """Checkboxes of a long list in a box that scrolls, the chosen ones first.

    The box takes the focus, since disabled checkboxes take none and it could not be scrolled by keyboard.
    ``label`` names it for screen readers.
    """

    def __init__(self, attrs: dict[str, Any] | None = None, choices=(), *, label: str | Promise) -> None:
        super().__init__(attrs, choices)
        self.label = label

    def optgroups(self, name: str, value: list[str], attrs=None):
        """Sort the chosen options before the others."""
        return sorted(super().optgroups(name, value, attrs), key=lambda group: not group[1][0]["selected"])

    def render(self, name: str, value: Any, attrs=None, renderer=None) -> SafeString:
        """Put the checkboxes into the box."""
        return format_html(
            '<div class="cms-lms-scrolling-checkboxes" role="group" aria-label="{}" tabindex="0">{}</div>',
            self.label,
            super().render(name, value, attrs, renderer),
        )

    @property
    def media(self) -> forms.Media:
        """The box's style."""
        return forms.Media(css={"all": [versioned_static("cms_lms/admin/admin.css")]})
