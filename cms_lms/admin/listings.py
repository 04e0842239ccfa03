"""What the listings of cms_lms have in common: how they search, and their columns."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from django.contrib.admin.utils import quote
from django.db.models import Q, QuerySet
from django.forms import Media
from django.urls import reverse
from django.utils.formats import date_format, number_format
from django.utils.functional import cached_property
from django.utils.timezone import localtime
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _
from wagtail.admin.paginator import WagtailPaginator
from wagtail.admin.staticfiles import versioned_static
from wagtail.admin.ui.tables import BaseColumn, Column, LiveStatusTagColumn
from wagtail.models import DraftStateMixin

from cms_lms.models import Course, CourseRun, LMSBackend


def contains_word(field_names: Iterable[str], word: str) -> Q:
    """Return the condition that one of the fields contains the word."""
    return Q(*((f"{name}__icontains", word) for name in field_names), _connector=Q.OR)


def with_words(queryset: QuerySet, query: str, field_names: Iterable[str]) -> QuerySet:
    """Return the rows that contain every word of a query, in any of the fields."""
    for word in query.split():
        queryset = queryset.filter(contains_word(field_names, word))
    return queryset


class WordSearchMixin:
    """Finds the rows that contain every word of the query, in any of ``search_fields``.

    By the database rather than by the search index: an index knows whole words and their beginnings, and
    editors paste parts of links.
    """

    def search_queryset(self, queryset: QuerySet) -> QuerySet:
        """Filter by each word in turn."""
        if not self.is_searching:
            return queryset
        for word in self.search_query.split():
            queryset = queryset.filter(self.get_word_condition(word))
        return queryset

    def get_word_condition(self, word: str) -> Q:
        """Return where a word may be."""
        return contains_word(self.search_fields, word)


class WideListingMixin:
    """Lets a listing scroll sideways where the window is too narrow for it; Wagtail cuts it off."""

    table_classname = "listing cms-lms-wide"

    def get_context_data(self, **kwargs) -> dict[str, Any]:
        """Add the style."""
        context = super().get_context_data(**kwargs)  # type: ignore[misc]
        context["media"] += Media(css={"all": [versioned_static("cms_lms/admin/admin.css")]})
        return context


class BoundedPaginator(WagtailPaginator):
    """Counts and turns pages no further than ``limit``: to count millions of rows takes longer than to show some."""

    limit = 10_000

    @cached_property
    def _found(self) -> int:
        """How many rows there are; one more than the limit for all that are beyond."""
        return self.object_list.order_by()[: self.limit + 1].count()

    @cached_property
    def count(self) -> int:
        """How many rows can be paged through."""
        return min(self._found, self.limit)

    @property
    def is_cut_off(self) -> bool:
        """Whether there are more rows than can be paged through."""
        return self._found > self.limit

    @cached_property
    def items_count_label(self) -> str:
        """Say that there are more, where there are."""
        if not self.is_cut_off:
            return super().items_count_label
        words = {"count": number_format(self.limit, force_grouping=True), "items": self.verbose_name_plural}
        return gettext("More than %(count)s %(items)s") % words


class SelectionColumn(BaseColumn):
    """A box to tick in each row, for the form with the id ``selection``: it works without scripts."""

    header_template_name = "cms_lms/admin/tables/selection_header.html"
    cell_template_name = "cms_lms/admin/tables/selection_cell.html"


class LinkColumn(Column):
    """A column whose value links to a page of the admin where ``get_url`` gives one."""

    cell_template_name = "cms_lms/admin/tables/link_cell.html"

    def get_url(self, instance: Any) -> str | None:
        """Return where the cell leads."""
        raise NotImplementedError

    def get_cell_context_data(self, instance: Any, parent_context: dict[str, Any]) -> dict[str, Any]:
        """Add the link."""
        return {**super().get_cell_context_data(instance, parent_context), "url": self.get_url(instance)}


class RunCountColumn(LinkColumn):
    """How many runs a backend matches, with a link to them."""

    def get_url(self, instance: LMSBackend) -> str:
        """Return the runs listing, filtered by the backend."""
        url_name = CourseRun.snippet_viewset.get_url_name("list")
        return f"{reverse(url_name)}?matched_backend={quote(instance.pk)}"


class CourseRunCountColumn(LinkColumn):
    """How many runs a course has, with a link to them."""

    def get_url(self, instance: Course) -> str:
        """Return the runs listing, filtered by the course."""
        url_name = CourseRun.snippet_viewset.get_url_name("list")
        return f"{reverse(url_name)}?course={quote(instance.pk)}"


class ResourceLinkColumn(Column):
    """The link of a run, which may break anywhere: links are long, and the columns many."""

    def __init__(self, **kwargs) -> None:
        super().__init__(
            "resource_link",
            label=_("Resource link"),
            sort_key="resource_link",
            classname="cms-lms-resource-link",
            **kwargs,
        )


class RunStatusColumn(LiveStatusTagColumn):
    """Wagtail's status tag, without its queries per row: the listing annotates schedule and moderation."""

    def get_value(self, instance: CourseRun) -> str:
        """Tell the run what the listing knows before it looks for itself."""
        if instance.scheduled_at is None:
            instance.scheduled_revision = None
        if not instance.is_in_moderation:
            return DraftStateMixin.status_string.fget(instance)
        return super().get_value(instance)


class StateColumn(Column):
    """The state of a run at the moment of the request."""

    def __init__(self, **kwargs) -> None:
        super().__init__("state", label=_("State"), sort_key="state_priority", **kwargs)

    def get_value(self, instance: CourseRun) -> str:
        """Return the label and its date; the listing's moment travels on the run."""
        state = instance.get_state(instance.listed_at)
        if state.datetime is None:
            return state.label
        return f"{state.label} {date_format(localtime(state.datetime), 'DATE_FORMAT')}"
