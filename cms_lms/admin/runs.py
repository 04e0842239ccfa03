"""The views of course runs."""

from __future__ import annotations

import datetime as dt
from typing import Any

from django.contrib.admin.utils import quote
from django.db.models import Q, QuerySet
from django.urls import path, reverse
from django.utils import timezone
from django.utils.functional import cached_property
from django.utils.translation import gettext_lazy as _
from wagtail.admin.panels import FieldPanel, FieldRowPanel, MultiFieldPanel, ObjectList, PublishingPanel
from wagtail.admin.ui.tables import Column, DateColumn, Table, TitleColumn
from wagtail.admin.widgets.button import Button
from wagtail.snippets.views import snippets

from cms_lms.admin import inbox
from cms_lms.admin.choosers import WordSearchChooserViewSet
from cms_lms.admin.filters import CourseRunFilterSet
from cms_lms.admin.ids import CompareView
from cms_lms.admin.listings import ResourceLinkColumn, RunStatusColumn, StateColumn, WideListingMixin, WordSearchMixin
from cms_lms.admin.open_edits import OpenEditViewMixin
from cms_lms.admin.panels import SyncPanel
from cms_lms.admin.run_form import CourseRunForm
from cms_lms.admin.sync_mode import SyncModeView
from cms_lms.models import CourseRun
from cms_lms.patterns.urls import InvalidURL, resource_key


class CourseRunIndexView(WordSearchMixin, WideListingMixin, snippets.IndexView):
    """Runs with what the columns need, in one query."""

    sync_mode_url_name: str | None = None

    def get_base_queryset(self) -> QuerySet:
        """Annotate state and schedule."""
        runs = super().get_base_queryset().select_related("course", "matched_backend")
        return runs.with_state(self.listed_at).with_holds()

    @cached_property
    def listed_at(self) -> dt.datetime:
        """The moment of the request, which all states are of."""
        return timezone.now()

    def get_table(self, object_list) -> Table:
        """Let the moment travel with each run; MariaDB would give it back as text."""
        for run in object_list:
            run.listed_at = self.listed_at
        return super().get_table(object_list)

    def get_word_condition(self, word: str) -> Q:
        """Find a run by any way of writing its link, too."""
        condition = super().get_word_condition(word)
        try:
            return condition | Q(resource_key=resource_key(word))
        except InvalidURL:
            return condition

    def _get_title_column(self, field_name: str, column_class=TitleColumn, **kwargs) -> Column:
        column = super()._get_title_column(field_name, column_class, **kwargs)
        column.label = _("Title")
        column.sort_key = "title"
        column.width = "20%"
        return column

    def get_sync_mode_url(self, instance: CourseRun) -> str | None:
        """Return where the mode is changed, for those who may."""
        if self.user_has_permission("change"):
            return reverse(self.sync_mode_url_name, args=[quote(instance.pk)])
        return None

    def get_list_more_buttons(self, instance: CourseRun) -> list[Any]:
        """Add the change of mode."""
        buttons = super().get_list_more_buttons(instance)
        if url := self.get_sync_mode_url(instance):
            label = _("Change synchronisation")
            buttons.append(Button(label, url=f"{url}?next={self.index_url}", icon_name="rotate", priority=25))
        return buttons


class CourseRunEditView(OpenEditViewMixin, snippets.EditView):
    """Edits a run."""

    sync_mode_url_name: str | None = None

    @cached_property
    def header_more_buttons(self) -> list[Any]:
        """Add the change of mode."""
        buttons = list(super().header_more_buttons)
        if self.user_has_permission("change"):
            url = reverse(self.sync_mode_url_name, args=[quote(self.object.pk)])
            buttons.append(Button(_("Change synchronisation"), url=url, icon_name="rotate", priority=15))
        return buttons


class CourseRunViewSet(snippets.SnippetViewSet):
    """Course runs in the admin."""

    model = CourseRun
    icon = "calendar-alt"
    menu_label = _("Course runs")
    menu_name = "lms-course-runs"
    copy_view_enabled = False
    index_view_class = CourseRunIndexView
    edit_view_class = CourseRunEditView
    chooser_viewset_class = WordSearchChooserViewSet
    revisions_compare_view_class = CompareView
    filterset_class = CourseRunFilterSet
    search_fields = ["resource_link", "title", "course__code", "course__title"]
    search_backend_name = None
    list_display = [
        "display_title",
        ResourceLinkColumn(),
        Column("matched_backend", label=_("LMS backend"), sort_key="matched_backend__name"),
        Column("course", accessor="course.code", label=_("Course"), sort_key="course__code"),
        StateColumn(),
        Column("sync_mode", accessor="get_sync_mode_display", label=_("Synchronisation"), sort_key="sync_mode"),
        RunStatusColumn(),
        DateColumn("last_synced_at", label=_("Last synchronised"), sort_key="last_synced_at"),
    ]
    edit_handler = ObjectList(
        [
            MultiFieldPanel([SyncPanel()], heading=_("Synchronisation"), icon="rotate"),
            MultiFieldPanel(
                [FieldPanel("course"), FieldPanel("resource_link", required_on_save=True), FieldPanel("title")],
                heading=_("Course run"),
            ),
            MultiFieldPanel(
                [
                    FieldRowPanel([FieldPanel("start"), FieldPanel("end")]),
                    FieldRowPanel([FieldPanel("enrollment_start"), FieldPanel("enrollment_end")]),
                ],
                heading=_("Dates"),
            ),
            MultiFieldPanel([FieldPanel("languages")], heading=_("Languages")),
            MultiFieldPanel([FieldPanel("catalog_visibility"), FieldPanel("display_mode")], heading=_("Display")),
            MultiFieldPanel(
                [
                    FieldRowPanel([FieldPanel("offer"), FieldPanel("price_currency")]),
                    FieldRowPanel([FieldPanel("price"), FieldPanel("discounted_price"), FieldPanel("discount")]),
                    FieldPanel("certificate_offer"),
                    FieldRowPanel(
                        [
                            FieldPanel("certificate_price"),
                            FieldPanel("certificate_discounted_price"),
                            FieldPanel("certificate_discount"),
                        ]
                    ),
                ],
                heading=_("Price"),
            ),
            PublishingPanel(),
        ],
        base_form_class=CourseRunForm,
    )

    def get_index_view_kwargs(self, **kwargs) -> dict[str, Any]:
        """Tell the listing where the mode is changed."""
        return super().get_index_view_kwargs(sync_mode_url_name=self.get_url_name("sync_mode"), **kwargs)

    def get_edit_view_kwargs(self, **kwargs) -> dict[str, Any]:
        """Tell the edit view where the mode is changed."""
        return super().get_edit_view_kwargs(sync_mode_url_name=self.get_url_name("sync_mode"), **kwargs)

    @property
    def sync_mode_view(self):
        """The view that changes the mode."""
        return self.construct_view(
            SyncModeView, index_url_name=self.get_url_name("list"), edit_url_name=self.get_url_name("edit")
        )

    def get_urlpatterns(self) -> list[Any]:
        """Add the change of mode, and the inbox of drafts."""
        sync_mode = path("sync-mode/<int:pk>/", self.sync_mode_view, name="sync_mode")
        return [*super().get_urlpatterns(), sync_mode, *inbox.get_urlpatterns(self)]
