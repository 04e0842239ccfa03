"""The views of LMS backends: listing, forms and usage."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlsplit

from django.db.models import F, Func, IntegerField, OuterRef, Q, QuerySet, Subquery
from django.http import HttpRequest, HttpResponse
from django.urls import reverse
from django.utils.functional import cached_property
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _
from wagtail.admin import messages
from wagtail.admin.admin_url_finder import AdminURLFinder
from wagtail.admin.panels import (
    FieldPanel,
    FieldRowPanel,
    MultiFieldPanel,
    ObjectList,
    PageChooserPanel,
    TitleFieldPanel,
)
from wagtail.admin.ui.tables import BooleanColumn, Column, NumberColumn, Table, TitleColumn
from wagtail.admin.views.generic.base import BaseListingView
from wagtail.admin.widgets.button import Button
from wagtail.snippets.views import snippets

from cms_lms.admin import (
    backend_order,
    backend_secrets,
    config_file,
    connection,
    deletion,
    help_pages,
    impact,
    impact_views,
    pattern_presets,
    relink,
    url_tester,
)
from cms_lms.admin.backend_form import LMSBackendForm, free_slug
from cms_lms.admin.choosers import WordSearchChooserViewSet
from cms_lms.admin.comparisons import ComparedFieldPanel
from cms_lms.admin.filters import LMSBackendFilterSet
from cms_lms.admin.ids import CompareView
from cms_lms.admin.listings import RunCountColumn, WideListingMixin, WordSearchMixin
from cms_lms.admin.panels import PatternWarningsPanel
from cms_lms.backends.registry import backend_choices, js_backend_choices
from cms_lms.models import CourseRun, LMSBackend
from cms_lms.patterns.urls import InvalidURL, normalize_url

#: What stands beside the plain editing of backends; each brings its addresses and its buttons.
FEATURES = (url_tester, pattern_presets, impact_views, backend_secrets, connection, relink, config_file, help_pages)


class ChoiceColumn(Column):
    """A registered name, shown by its label; one that the settings dropped is shown as it is."""

    def __init__(self, name: str, choices, **kwargs) -> None:
        super().__init__(name, sort_key=name, **kwargs)
        self.choices = choices

    def get_value(self, instance: LMSBackend) -> str:
        """Return the label."""
        value = super().get_value(instance)
        return dict(self.choices()).get(value, value)


class BackendIndexView(WordSearchMixin, WideListingMixin, snippets.IndexView):
    """Backends in the order in which they are asked."""

    def get_base_queryset(self) -> QuerySet:
        """Annotate the number of runs and the position, in the listing's one query."""
        not_later = Q(sort_order__lt=OuterRef("sort_order")) | Q(
            sort_order=OuterRef("sort_order"), pk__lte=OuterRef("pk")
        )
        count = Func(F("pk"), function="COUNT", output_field=IntegerField())
        position = LMSBackend.objects.order_by().filter(not_later).annotate(position=count).values("position")
        return super().get_base_queryset().with_run_counts().annotate(position=Subquery(position))

    @cached_property
    def header_more_buttons(self) -> list[Button]:
        """Add the features'."""
        return [
            *super().header_more_buttons,
            *(button for feature in FEATURES for button in feature.index_buttons(self)),
        ]

    def get_context_data(self, **kwargs) -> dict[str, Any]:
        """Add where the listing learns what a move did."""
        context = super().get_context_data(**kwargs)
        context["media"] += impact.impact_media()
        return {**context, "reorder_impact_url": reverse(LMSBackend.snippet_viewset.get_url_name("reorder_impact"))}

    def get_table(self, object_list) -> Table:
        """Leave position and count out while rows are being moved: they would be the ones from before."""
        table = super().get_table(object_list)
        if self.show_ordering_column:
            for name in ("position", "run_count"):
                table.columns.pop(name)
        return table


class EditorViewMixin(impact_views.ReviewedFormMixin):
    """What creating, copying and editing a backend have in common."""

    def setup(self, request: HttpRequest, *args, **kwargs) -> None:
        """Save when the editor says so: there is no draft here, a pattern is in force once it is stored."""
        super().setup(request, *args, **kwargs)
        self.autosave_enabled = False

    def save_action(self) -> HttpResponse:
        """Tell the editor what is valid but probably not meant."""
        response = super().save_action()
        for warning in self.object.get_warnings():
            messages.warning(self.request, warning.message)
        for message in backend_secrets.warnings_after_saving(self.object):
            messages.warning(self.request, message)
        return response


class BackendCreateView(EditorViewMixin, snippets.CreateView):
    """Creates a backend; it is asked last. ``?sample_url=`` is a link that it is to own."""

    def get_initial_form_instance(self) -> LMSBackend:
        """Start from the link, if there is one: it is a sample, and its host the base URL."""
        url = self.request.GET.get("sample_url", "")
        try:
            parts = urlsplit(normalize_url(url))
        except InvalidURL:
            return super().get_initial_form_instance()
        return LMSBackend(sample_urls=[url], base_url=f"{parts.scheme}://{parts.netloc}")


class BackendCopyView(EditorViewMixin, snippets.CopyView):
    """Fills the form of a new backend with another one's values."""

    def get_initial_form_instance(self) -> LMSBackend:
        """Return an unsaved copy with a name and a slug of its own."""
        original = self.get_object()
        copy = LMSBackend(**{field.name: getattr(original, field.name) for field in LMSBackend._meta.concrete_fields})
        copy.pk = copy.latest_revision = copy.sort_order = None
        copy.name = gettext("%(name)s (copy)") % {"name": original.name[:90]}
        copy.slug = free_slug(original.slug)
        return copy


class BackendEditView(EditorViewMixin, snippets.EditView):
    """Edits a backend."""

    @cached_property
    def header_more_buttons(self) -> list[Button]:
        """Add the features'."""
        return [
            *super().header_more_buttons,
            *(button for feature in FEATURES for button in feature.edit_buttons(self)),
        ]


class BackendUsageView(snippets.UsageView):
    """The runs that a backend matches, from their index: it is written in bulk, past Wagtail's reference index."""

    def get_queryset(self) -> QuerySet:
        """Return the runs."""
        return CourseRun.objects.filter(matched_backend=self.object).select_related("course")

    @cached_property
    def columns(self) -> list[Column]:
        """Link the runs for those who may edit them."""
        get_edit_url = AdminURLFinder(self.request.user).get_edit_url
        return [
            TitleColumn("display_title", label=_("Course run"), get_url=get_edit_url, width="30%"),
            Column("resource_link", label=_("Resource link")),
        ]

    def get_table(self, object_list, **kwargs) -> Table:
        """Show the runs as they are; Wagtail's view expects references."""
        return BaseListingView.get_table(self, object_list, **kwargs)


class BackendViewSet(snippets.SnippetViewSet):
    """LMS backends in the admin."""

    model = LMSBackend
    icon = "site"
    menu_label = _("LMS backends")
    menu_name = "lms-backends"
    index_view_class = BackendIndexView
    index_template_name = "cms_lms/admin/impact_listing.html"
    add_view_class = BackendCreateView
    copy_view_class = BackendCopyView
    edit_view_class = BackendEditView
    delete_view_class = deletion.BackendDeleteView
    delete_template_name = deletion.BackendDeleteView.template_name
    usage_view_class = BackendUsageView
    reorder_view_class = backend_order.BackendReorderView
    chooser_viewset_class = WordSearchChooserViewSet
    revisions_compare_view_class = CompareView
    filterset_class = LMSBackendFilterSet
    search_fields = ["name", "slug", "base_url"]
    search_backend_name = None
    # The model's own: a query that counts forgets it.
    ordering = ["sort_order", "pk"]
    list_display = [
        "name",
        NumberColumn("position", label=_("Order"), sort_key="position"),
        "base_url",
        ChoiceColumn("backend", backend_choices, label=_("Class")),
        ChoiceColumn("js_backend", js_backend_choices, label=_("JS backend")),
        BooleanColumn("is_enabled", label=_("Enabled"), sort_key="is_enabled"),
        RunCountColumn("run_count", label=_("Course runs"), sort_key="run_count"),
    ]
    edit_handler = ObjectList(
        [
            PatternWarningsPanel(),
            impact.ImpactPanel(),
            MultiFieldPanel(
                [TitleFieldPanel("name", placeholder=False), FieldPanel("slug"), ComparedFieldPanel("is_enabled")],
                heading=_("LMS backend"),
            ),
            MultiFieldPanel(
                [ComparedFieldPanel("backend"), FieldPanel("base_url"), ComparedFieldPanel("js_backend")],
                heading=_("Connection"),
            ),
            MultiFieldPanel(
                [
                    FieldPanel("learner_matcher"),
                    FieldPanel("login_backend"),
                    FieldPanel("shows_session"),
                    ComparedFieldPanel("profile_links"),
                ],
                heading=_("Learners"),
            ),
            connection.ConnectionPanel(heading=_("Check this connection")),
            backend_secrets.SecretsPanel(heading=_("Secrets")),
            MultiFieldPanel(
                [
                    pattern_presets.PresetsPanel(),
                    FieldPanel("course_regex"),
                    FieldPanel("js_course_regex"),
                    url_tester.DerivedPatternPanel(),
                    FieldRowPanel([ComparedFieldPanel("sample_urls"), ComparedFieldPanel("rejected_urls")]),
                ],
                heading=_("Course URLs"),
            ),
            url_tester.URLTesterPanel(heading=_("Test URLs")),
            MultiFieldPanel(
                [
                    FieldPanel("default_sync_mode"),
                    ComparedFieldPanel("no_update_fields"),
                    FieldPanel("requires_standard_webhooks"),
                    PageChooserPanel("course_parent_page"),
                ],
                heading=_("Synchronisation"),
            ),
            MultiFieldPanel([FieldPanel("submits_drafts"), FieldPanel("draft_mail")], heading=_("Drafts")),
        ],
        base_form_class=LMSBackendForm,
    )

    def get_urlpatterns(self) -> list[Any]:
        """Add the features'."""
        return [
            *super().get_urlpatterns(),
            *(pattern for feature in FEATURES for pattern in feature.get_urlpatterns(self)),
        ]
