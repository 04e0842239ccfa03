"""The views of courses."""

from __future__ import annotations

from typing import Any

from django.db.models import Count, QuerySet
from django.utils.translation import gettext_lazy as _
from wagtail.admin.panels import FieldPanel, MultiFieldPanel, ObjectList
from wagtail.admin.ui.tables import UpdatedAtColumn
from wagtail.snippets.views import snippets

from cms_lms.admin import course_aliases
from cms_lms.admin.choosers import WordSearchChooserViewSet
from cms_lms.admin.filters import CourseFilterSet
from cms_lms.admin.listings import CourseRunCountColumn, WideListingMixin, WordSearchMixin
from cms_lms.models import Course


class CourseIndexView(WordSearchMixin, WideListingMixin, snippets.IndexView):
    """Courses with the number of their runs."""

    def get_base_queryset(self) -> QuerySet:
        """Annotate the number of runs."""
        return super().get_base_queryset().annotate(run_count=Count("course_runs", distinct=True))


class CourseViewSet(snippets.SnippetViewSet):
    """Courses in the admin."""

    model = Course
    icon = "doc-full"
    menu_label = _("Courses")
    menu_name = "lms-courses"
    copy_view_enabled = False
    index_view_class = CourseIndexView
    chooser_viewset_class = WordSearchChooserViewSet
    filterset_class = CourseFilterSet
    search_fields = ["code", "title", "organisation"]
    search_backend_name = None
    # The model's own: a query that counts forgets it.
    ordering = ["code", "organisation"]
    list_display: list[Any] = [
        "code",
        "title",
        "organisation",
        CourseRunCountColumn("run_count", label=_("Course runs"), sort_key="run_count"),
        UpdatedAtColumn(),
    ]
    edit_handler = ObjectList(
        [
            FieldPanel("title"),
            FieldPanel("code"),
            FieldPanel("organisation"),
            MultiFieldPanel([course_aliases.CourseAliasesPanel()], heading=_("Aliases")),
        ]
    )

    def get_urlpatterns(self) -> list[Any]:
        """Add the removal of an alias."""
        return [*super().get_urlpatterns(), *course_aliases.get_urlpatterns(self)]
