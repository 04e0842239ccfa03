"""The dialogue in which editors choose a course, a run or a backend. It searches as the listings do."""

from __future__ import annotations

from typing import Any

from django.db.models import Model, QuerySet
from django.http import Http404, HttpRequest
from django.http.response import HttpResponseBase
from django.utils.functional import cached_property
from wagtail.admin.forms.choosers import BaseFilterForm, SearchFilterMixin
from wagtail.snippets.views import chooser
from wagtail.snippets.widgets import AdminSnippetChooser

from cms_lms.admin.ids import is_possible_id
from cms_lms.admin.listings import with_words
from cms_lms.compat import WAGTAIL_8


class WordFilterForm(SearchFilterMixin, BaseFilterForm):
    """Finds what contains every word; Wagtail's asks the search index, which may know nothing yet."""

    def filter(self, objects: QuerySet) -> QuerySet:
        """Filter by the query, if there is one."""
        query = self.cleaned_data.get("q")
        if not query:
            return objects
        self.is_searching, self.search_query = True, query
        return with_words(objects, query, objects.model.snippet_viewset.search_fields)


class ChooseView(chooser.ChooseView):
    """The dialogue."""

    filter_form_class = WordFilterForm


class ChooseResultsView(chooser.ChooseResultsView):
    """The dialogue's list."""

    filter_form_class = WordFilterForm


class ChosenMultipleView(chooser.SnippetChosenMultipleView):
    """Describes what was chosen."""

    def get_objects(self, pks: list[str]) -> QuerySet:
        """Return the objects that there are."""
        return super().get_objects([pk for pk in pks if is_possible_id(pk)])


class CreateView(chooser.SnippetChooserViewSet.create_view_class):
    """Nothing is created in the dialogue: it has no form for that, and Wagtail's view fails without one."""

    def dispatch(self, request: HttpRequest, *args, **kwargs) -> HttpResponseBase:
        """Find no such page."""
        raise Http404


class ObjectChooser(AdminSnippetChooser):
    """The field of a form; what was posted and is no id is shown as nothing chosen, with the form's error."""

    def get_instance(self, value: Any) -> Model | None:
        """Return the chosen object."""
        if isinstance(value, str) and not is_possible_id(value):
            return None
        return super().get_instance(value)


class WordSearchChooserViewSet(chooser.SnippetChooserViewSet):
    """The views of the dialogue."""

    choose_view_class = ChooseView
    choose_results_view_class = ChooseResultsView
    chosen_multiple_view_class = ChosenMultipleView
    create_view_class = CreateView
    base_widget_class = ObjectChooser

    @cached_property
    def widget_class(self) -> Any:
        """Return the field's class; Wagtail 7.4 never asks for ``base_widget_class``, and wants the field itself."""
        return super().widget_class if WAGTAIL_8 else ObjectChooser(model=self.model, icon=self.icon)
