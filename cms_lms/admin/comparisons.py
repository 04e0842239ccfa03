"""How two versions of a backend are compared: choices by their labels, lists line by line."""

from __future__ import annotations

from collections.abc import Iterator
from difflib import SequenceMatcher
from typing import Any

from django.utils.safestring import SafeString
from django.utils.translation import gettext as _
from wagtail.admin.compare import FieldComparison, TextDiff
from wagtail.admin.panels import FieldPanel

from cms_lms.admin.backend_form import protectable_field_choices
from cms_lms.backends.registry import backend_choices, js_backend_choices

#: What stands for the values of these fields.
LABELS = {
    "backend": backend_choices,
    "js_backend": js_backend_choices,
    "no_update_fields": protectable_field_choices,
}


class WordsComparison(FieldComparison):
    """Compares what people read. A name that the settings dropped, or that an old version has, is shown as it is."""

    def htmldiff(self) -> SafeString:
        """Return the lines of both, what is only in one of them marked."""
        return TextDiff(list(self._changes()), separator="<br>").to_html()

    def _changes(self) -> Iterator[tuple[str, str]]:
        before, after = self._lines(self.val_a), self._lines(self.val_b)
        for kind, start, end, new_start, new_end in SequenceMatcher(None, before, after, autojunk=False).get_opcodes():
            if kind == "equal":
                yield from (("equal", line) for line in before[start:end])
            else:
                yield from (("deletion", line) for line in before[start:end])
                yield from (("addition", line) for line in after[new_start:new_end])

    def _lines(self, value: Any) -> list[str]:
        if isinstance(value, bool):
            return [_("Yes") if value else _("No")]
        labels = dict(LABELS[self.field.name]()) if self.field.name in LABELS else {}
        names = value if isinstance(value, list) else [value]
        return [str(labels.get(str(name), name)) for name in names if name not in (None, "")]


class ComparedFieldPanel(FieldPanel):
    """A field whose versions are compared in words."""

    def get_comparison_class(self) -> type[FieldComparison]:
        """Return the comparison."""
        return WordsComparison
