"""Runs that were deleted here: what their LMS sends of them changes nothing, until somebody lets them come back."""

from __future__ import annotations

from typing import Any

from django.db import transaction
from django.db.models import Q, QuerySet
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import path, reverse
from django.utils.functional import cached_property
from django.utils.text import capfirst
from django.utils.translation import gettext_lazy as _
from django.utils.translation import ngettext
from django.views.generic import TemplateView
from wagtail.admin import messages
from wagtail.admin.ui.tables import BaseColumn, Column, DateColumn, UserColumn
from wagtail.admin.views import generic
from wagtail.admin.views.generic.base import WagtailAdminTemplateMixin
from wagtail.admin.views.generic.permissions import PermissionCheckedMixin
from wagtail.admin.viewsets.model import ModelViewSet
from wagtail.admin.widgets.button import Button
from wagtail.log_actions import log

from cms_lms.admin.filters import DeletedRunFilterSet
from cms_lms.admin.ids import is_possible_id
from cms_lms.admin.listings import SelectionColumn, WideListingMixin, WordSearchMixin
from cms_lms.admin.log_actions import LIFT
from cms_lms.admin.permissions import DeletedRunPermissionPolicy
from cms_lms.models import DeletedRun
from cms_lms.patterns.urls import InvalidURL, resource_key

deleted_run_permission_policy = DeletedRunPermissionPolicy(DeletedRun)


class DeletedRunIndexView(WordSearchMixin, WideListingMixin, generic.IndexView):
    """Deleted runs, the latest first."""

    any_permission_required = ["view"]
    results_template_name = "cms_lms/admin/deleted_run_results.html"
    lift_url_name: str | None = None

    def get_base_queryset(self) -> QuerySet:
        """Read who deleted what in the listing's one query."""
        return super().get_base_queryset().select_related("matched_backend", "deleted_by__wagtail_userprofile")

    def get_word_condition(self, word: str) -> Q:
        """Find a whole link however it is written."""
        condition = super().get_word_condition(word)
        try:
            return condition | Q(resource_key=resource_key(word))
        except InvalidURL:
            return condition

    @cached_property
    def columns(self) -> list[BaseColumn]:
        """Let those who may lift choose."""
        columns = super().columns
        return [SelectionColumn("selection"), *columns] if self.user_has_permission("lift") else columns

    def get_list_more_buttons(self, instance: DeletedRun) -> list[Any]:
        """Add the way back."""
        buttons = super().get_list_more_buttons(instance)
        if self.user_has_permission("lift"):
            url = f"{reverse(self.lift_url_name)}?id={instance.pk}"
            buttons.append(Button(_("Let it come back"), url=url, icon_name="undo", priority=30))
        return buttons

    def get_context_data(self, **kwargs) -> dict[str, Any]:
        """Add where the chosen ones are lifted."""
        lift_url = reverse(self.lift_url_name) if self.user_has_permission("lift") else None
        return {**super().get_context_data(**kwargs), "lift_url": lift_url}


class LiftView(PermissionCheckedMixin, WagtailAdminTemplateMixin, TemplateView):
    """Asks whether runs may come back, and lets them."""

    model = DeletedRun
    permission_required = "lift"
    template_name = "cms_lms/admin/deleted_run_lift.html"
    page_title = _("Let runs come back")
    header_icon = "undo"
    index_url_name: str | None = None

    @cached_property
    def deleted_runs(self) -> QuerySet:
        """The deleted runs that the address names."""
        ids = [pk for pk in self.request.GET.getlist("id") if is_possible_id(pk)]
        return DeletedRun.objects.filter(pk__in=ids)

    def get_breadcrumbs_items(self) -> list[dict[str, Any]]:
        """Lead back to the list."""
        return [
            *self.breadcrumbs_items,
            {"url": reverse(self.index_url_name), "label": capfirst(DeletedRun._meta.verbose_name_plural)},
            {"url": "", "label": self.page_title},
        ]

    def get(self, request: HttpRequest, *args, **kwargs) -> HttpResponse:
        """Ask; who pressed the button without a choice is told so."""
        if "id" not in request.GET:
            messages.warning(request, _("Nothing was chosen: tick the runs that may come back."))
            return redirect(self.index_url_name)
        return super().get(request, *args, **kwargs)

    def get_context_data(self, **kwargs) -> dict[str, Any]:
        """Add the runs. Raises ``Http404`` where there are none."""
        deleted_runs = list(self.deleted_runs)
        if not deleted_runs:
            raise Http404
        return {
            **super().get_context_data(**kwargs),
            "deleted_runs": deleted_runs,
            "cancel_url": reverse(self.index_url_name),
        }

    def post(self, request: HttpRequest, *args, **kwargs) -> HttpResponse:
        """Forget that they were deleted, with a line in the log for each."""
        with transaction.atomic():
            deleted_runs = list(self.deleted_runs.select_for_update())
            if not deleted_runs:
                raise Http404
            for deleted_run in deleted_runs:
                log(deleted_run, LIFT, user=request.user, deleted=True)
            DeletedRun.objects.filter(pk__in=[deleted_run.pk for deleted_run in deleted_runs]).delete()
        message = ngettext(
            "%(count)d run comes back when its LMS sends it again.",
            "%(count)d runs come back when their LMS sends them again.",
            len(deleted_runs),
        )
        messages.success(request, message % {"count": len(deleted_runs)})
        return redirect(self.index_url_name)


class DeletedRunViewSet(ModelViewSet):
    """Deleted runs in the admin."""

    model = DeletedRun
    permission_policy = deleted_run_permission_policy
    icon = "bin"
    menu_label = _("Deleted runs")
    menu_name = "lms-deleted-runs"
    add_to_reference_index = False
    copy_view_enabled = False
    index_view_class = DeletedRunIndexView
    filterset_class = DeletedRunFilterSet
    search_fields = ["resource_link", "title"]
    search_backend_name = None
    ordering = ["-deleted_at", "-pk"]
    exclude_form_fields: list[str] = []
    list_display = [
        "resource_link",
        Column("title", label=_("Title"), sort_key="title"),
        Column("matched_backend", label=_("LMS backend"), sort_key="matched_backend__name"),
        DateColumn("deleted_at", label=_("Deleted"), sort_key="deleted_at"),
        UserColumn("deleted_by", label=_("By")),
    ]

    def get_permissions_to_register(self) -> QuerySet:
        """Offer groups none: the rights are those to course runs."""
        return super().get_permissions_to_register().none()

    def get_index_view_kwargs(self, **kwargs) -> dict[str, Any]:
        """Tell the listing where runs are lifted."""
        return super().get_index_view_kwargs(lift_url_name=self.get_url_name("lift"), **kwargs)

    @property
    def lift_view(self):
        """The view that lifts."""
        return self.construct_view(LiftView, index_url_name=self.get_url_name("index"))

    def get_urlpatterns(self) -> list[Any]:
        """Add the way back."""
        return [*super().get_urlpatterns(), path("lift/", self.lift_view, name="lift")]
