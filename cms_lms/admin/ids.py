"""Ids that come in addresses and forms as text: what cannot be an id belongs to no object, and is not found."""

from __future__ import annotations

from collections.abc import Iterable

from django.http import Http404
from wagtail.snippets.views.snippets import RevisionsCompareView

#: The longest that every database holds in a ``BigAutoField``, with certainty.
MAX_DIGITS = 18


def is_possible_id(value: str) -> bool:
    """Whether some object could have this id."""
    return value.isascii() and value.isdigit() and len(value) <= MAX_DIGITS


class PossibleIdsMixin:
    """For bulk actions: looks among the objects whose ids are possible."""

    @classmethod
    def get_queryset(cls, model, object_ids: Iterable[object]):
        """Return the objects; 404 where there are none."""
        possible = [value for value in object_ids if is_possible_id(str(value))]
        return super().get_queryset(model, possible)  # type: ignore[misc]


class CompareView(RevisionsCompareView):
    """Compares revisions; Wagtail's address takes any text for the id."""

    def get_object(self, queryset=None):
        """Return the object; 404 where there is none."""
        if not is_possible_id(self.pk):
            raise Http404
        return super().get_object(queryset)
