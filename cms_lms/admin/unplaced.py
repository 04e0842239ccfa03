"""The queue of runs without a place: what LMSs send and the catalogue has no course or no backend for."""

from __future__ import annotations

from typing import Any

from django.http import HttpRequest
from django.urls import path, reverse
from django.utils.functional import cached_property
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _
from django.views.generic import TemplateView
from wagtail.admin.menu import MenuItem
from wagtail.admin.paginator import WagtailPaginator
from wagtail.admin.ui.sidebar import LinkMenuItem
from wagtail.admin.viewsets.base import ViewSet

from cms_lms.admin.delivery_page import DECISIONS, with_field_labels
from cms_lms.admin.ids import is_possible_id
from cms_lms.admin.permissions import may_edit_runs, may_place_runs
from cms_lms.admin.unplaced_group import UnplacedGroupView
from cms_lms.admin.unplaced_pages import UnplacedPageMixin
from cms_lms.conf import settings as lms_settings
from cms_lms.models import CourseRun, SyncDelivery, UnplacedRun
from cms_lms.models.delivery import Outcome
from cms_lms.models.unplaced_run import GROUP_FIELDS, Problem

PAGE_SIZE = 50


class UnplacedIndexView(UnplacedPageMixin, TemplateView):
    """The groups on which somebody has to decide; with ``?ignored=1`` those that were ignored."""

    template_name = "cms_lms/admin/unplaced.html"
    page_title = _("Unknown courses")

    def get_breadcrumbs_items(self) -> list[dict[str, Any]]:
        """Lead nowhere: this is the queue."""
        return [*self.breadcrumbs_items, {"url": "", "label": self.page_title}]

    def get_context_data(self, **kwargs) -> dict[str, Any]:
        """Add a page of groups, and whether runs were left out for want of room."""
        is_ignored = self.request.GET.get("ignored") == "1"
        runs = UnplacedRun.objects.ignored() if is_ignored else UnplacedRun.objects.waiting()
        page = WagtailPaginator(runs.groups(), PAGE_SIZE).get_page(self.request.GET.get("p"))
        labels = dict(Problem.choices)
        for group in page:
            group["label"] = UnplacedRun(**{name: group[name] for name in GROUP_FIELDS}).group_label
            group["problem_label"] = labels.get(group["problem"], group["problem"])
        counts = UnplacedRun.objects.counts_by_backend().values()
        return {
            **super().get_context_data(**kwargs),
            "page": page,
            "elided_page_range": page.paginator.get_elided_page_range(page.number),
            "is_ignored": is_ignored,
            "max_runs": lms_settings.UNPLACED_RUNS_MAX,
            "is_full": max(counts, default=0) >= lms_settings.UNPLACED_RUNS_MAX,
            "ignored_count": UnplacedRun.objects.ignored().groups().count(),
            "index_url": reverse(self.index_url_name),
            "group_url_name": self.group_url_name,
        }


class UnplacedResultView(UnplacedPageMixin, TemplateView):
    """What became of runs that the reader sent again: of deliveries in her own name alone, named by ``delivery``."""

    template_name = "cms_lms/admin/unplaced_result.html"
    page_title = _("What became of the runs")

    def get_context_data(self, **kwargs) -> dict[str, Any]:
        """Add the decision on each item."""
        return {
            **super().get_context_data(**kwargs),
            "items": [self.get_item(item) for delivery in self.deliveries for item in delivery.items],
            "index_url": reverse(self.index_url_name),
        }

    @cached_property
    def deliveries(self) -> list[SyncDelivery]:
        """The deliveries, in the order in which they were made."""
        ids = [value for value in self.request.GET.getlist("delivery") if is_possible_id(value)]
        return list(SyncDelivery.objects.filter(pk__in=ids, replayed_by=self.request.user).order_by("pk"))

    @cached_property
    def existing_runs(self) -> dict[int, CourseRun]:
        """The runs among the items that are still there, by their ids."""
        ids = {item.get("run") for delivery in self.deliveries for item in delivery.items}
        return CourseRun.objects.select_related("course").in_bulk(ids - {None})

    def get_item(self, item: dict[str, Any]) -> dict[str, Any]:
        """Return an item as the template shows it."""
        run = self.existing_runs.get(item.get("run"))
        edit_url = None
        if run is not None and may_edit_runs(self.request.user):
            edit_url = reverse(CourseRun.snippet_viewset.get_url_name("edit"), args=[run.pk])
        outcome = item.get("outcome")
        return {
            **item,
            "outcome_label": dict(Outcome.choices).get(outcome, outcome),
            "decision": DECISIONS.get(outcome, ""),
            "reason": with_field_labels(item.get("reason") or ""),
            "course_run": run,
            "edit_url": edit_url,
        }


class UnplacedMenuItem(MenuItem):
    """The queue in the menu, with how many decisions wait."""

    def is_shown(self, request: HttpRequest) -> bool:
        """As the page decides."""
        return may_place_runs(request.user)

    def render_component(self, request: HttpRequest) -> LinkMenuItem:
        """Add the number; none is not worth a word."""
        component = super().render_component(request)
        if count := UnplacedRun.objects.waiting().groups().count():
            component.label = gettext("%(label)s (%(count)d)") % {"label": self.label, "count": count}
        return component


class UnplacedViewSet(ViewSet):
    """The queue in the admin."""

    name = "lms_unplaced_runs"
    url_prefix = "lms-unknown-courses"
    icon = "help"
    menu_label = _("Unknown courses")
    menu_name = "lms-unknown-courses"
    menu_item_class = UnplacedMenuItem

    def get_common_view_kwargs(self, **kwargs) -> dict[str, Any]:
        """Tell the views of each other."""
        return super().get_common_view_kwargs(
            index_url_name=self.get_url_name("index"),
            group_url_name=self.get_url_name("group"),
            result_url_name=self.get_url_name("result"),
            **kwargs,
        )

    def get_urlpatterns(self) -> list[Any]:
        """Return the queue, a group of it, and what became of one."""
        return [
            path("", self.construct_view(UnplacedIndexView), name="index"),
            path("<int:pk>/", self.construct_view(UnplacedGroupView), name="group"),
            path("result/", self.construct_view(UnplacedResultView), name="result"),
        ]
