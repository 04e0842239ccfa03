"""The inbox of drafts: a page with all that waits for publication, its line in the menu, its panel on the home page."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import Any

from django.forms import Media
from django.http import HttpRequest
from django.urls import path, reverse, reverse_lazy
from django.utils import timezone
from django.utils.functional import cached_property
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _
from wagtail.admin.menu import MenuItem
from wagtail.admin.paginator import WagtailPaginator
from wagtail.admin.staticfiles import versioned_static
from wagtail.admin.ui.components import Component
from wagtail.admin.ui.sidebar import LinkMenuItem
from wagtail.admin.views import generic

from cms_lms.admin.fields import time_zone_note
from cms_lms.admin.filters import WaitingRunFilterSet
from cms_lms.admin.inbox_actions import DiscardDraftsView, PublishDraftsView, address_of
from cms_lms.admin.inbox_preview import DraftPreviewView
from cms_lms.admin.listings import WordSearchMixin
from cms_lms.admin.permissions import may_see_waiting
from cms_lms.models import Course, CourseRun, LMSBackend
from cms_lms.models.course_run_sets import CourseRunQuerySet
from cms_lms.sync.drafts import find_hindrance
from cms_lms.sync.waiting import WaitingRun, read_waiting

#: How many runs a page shows, the first by default. Django takes no more than a thousand fields of a form.
PAGE_SIZES = (25, 100, 500)

#: How many runs the home page names.
PANEL_SIZE = 5


@dataclass(frozen=True)
class InboxRow:
    """One run of the page; the addresses are None where the user may not go."""

    waiting: WaitingRun
    address: str
    hindrance: str
    preview_url: str
    edit_url: str | None
    delete_url: str | None

    @property
    def may_be_discarded(self) -> bool:
        """Whether there is a public version to go back to."""
        return not self.waiting.is_new


@dataclass(frozen=True)
class InboxGroup:
    """The runs of one course on one LMS."""

    course: Course
    backend: LMSBackend | None
    rows: Sequence[InboxRow]


class InboxView(WordSearchMixin, generic.IndexView):
    """All runs that wait, by course and backend, with what differs."""

    any_permission_required = ["change", "publish"]
    template_name = "cms_lms/admin/inbox.html"
    results_template_name = "cms_lms/admin/inbox_results.html"
    page_title = _("Waiting for publication")
    filterset_class = WaitingRunFilterSet
    search_fields = ["resource_link", "title", "course__code", "course__title"]
    search_backend_name = None
    is_searchable = True
    list_display: Sequence[Any] = ()
    default_ordering = ("course__code", "course__organisation", "matched_backend__name", "-draft_synced_at", "pk")
    publish_url_name: str | None = None
    discard_url_name: str | None = None
    preview_url_name: str | None = None

    def get_base_queryset(self) -> CourseRunQuerySet:
        """Return all that wait; what a row needs is loaded for the page alone."""
        return CourseRun.objects.waiting()

    def paginate_queryset(self, queryset, page_size: int) -> tuple[Any, Any, list[CourseRun], bool]:
        """Sort ids, then load the page's runs with what their rows need: drafts are long, and thousands may wait."""
        paginator, page, ids, is_paginated = super().paginate_queryset(queryset.values_list("pk", flat=True), page_size)
        ids = list(ids)
        runs = (
            CourseRun.objects.with_holds().select_related("course", "matched_backend", "latest_revision").in_bulk(ids)
        )
        return paginator, page, [runs[pk] for pk in ids if pk in runs], is_paginated

    def get_paginate_by(self, queryset) -> int:
        """Return the size that was asked for, if it is one of those offered."""
        asked = self.request.GET.get("size", "")
        return next((size for size in PAGE_SIZES if str(size) == asked), PAGE_SIZES[0])

    def get_paginator(self, *args, **kwargs) -> WagtailPaginator:
        """Count once what the menu counts, too."""
        paginator = super().get_paginator(*args, **kwargs)
        if not (self.is_searching or self.is_filtering):
            paginator.count = count_waiting(self.request)
        return paginator

    @cached_property
    def no_results_message(self) -> str:
        """Say that there is nothing to do."""
        if self.is_searching or self.is_filtering:
            return gettext("Nothing that waits for publication matches.")
        return gettext("Nothing waits for publication.")

    def get_groups(self, runs: Iterable[CourseRun]) -> list[InboxGroup]:
        """Return the page's runs under their courses and backends."""
        waiting = read_waiting(runs)
        grouped = groupby(waiting, key=lambda entry: (entry.run.course, entry.run.matched_backend))
        return [
            InboxGroup(course, backend, [self.get_row(entry) for entry in entries])
            for (course, backend), entries in grouped
        ]

    def get_row(self, waiting: WaitingRun) -> InboxRow:
        """Return a run with what can be done about it."""
        hindrance = find_hindrance(waiting, user=self.request.user, now=timezone.now())
        return InboxRow(
            waiting=waiting,
            address=address_of(waiting),
            hindrance=hindrance.message if hindrance else "",
            preview_url=reverse(self.preview_url_name, args=[waiting.run.pk]),
            edit_url=self.get_edit_url(waiting.run),
            delete_url=self.get_delete_url(waiting.run) if waiting.is_new else None,
        )

    def get_own_url(self) -> str:
        """Return the address of the page as it is filtered, for the way back."""
        parameters = self.request.GET.copy()
        parameters.pop("_w_filter_fragment", None)
        return f"{self.index_url}?{parameters.urlencode()}" if parameters else self.index_url

    def get_context_data(self, **kwargs) -> dict[str, Any]:
        """Add the groups, and what the user may do to the runs that are chosen."""
        context = super().get_context_data(**kwargs)
        context["media"] += inbox_media()
        return {
            **context,
            "groups": self.get_groups(context["object_list"]),
            "may_publish": self.user_has_permission("publish"),
            "may_discard": self.user_has_permission("change"),
            "publish_url": reverse(self.publish_url_name),
            "discard_url": reverse(self.discard_url_name),
            "own_url": self.get_own_url(),
            "page_sizes": PAGE_SIZES,
            "page_size": context["paginator"].per_page,
            "time_zone_note": time_zone_note(),
        }


def inbox_media() -> Media:
    """Return the inbox's style."""
    return Media(
        css={"all": [versioned_static("cms_lms/admin/admin.css"), versioned_static("cms_lms/admin/inbox.css")]}
    )


def count_waiting(request: HttpRequest) -> int:
    """Return how many runs wait; a request asks once."""
    if not hasattr(request, "cms_lms_waiting_count"):
        request.cms_lms_waiting_count = CourseRun.objects.waiting().count()  # type: ignore[attr-defined]
    return request.cms_lms_waiting_count  # type: ignore[attr-defined]


class InboxMenuItem(MenuItem):
    """The inbox in the menu, with the number of runs that wait, for those who may open it."""

    def __init__(self, order: int) -> None:
        url = reverse_lazy(CourseRun.snippet_viewset.get_url_name("waiting"))
        super().__init__(InboxView.page_title, url, name="lms-waiting", icon_name="draft", order=order)

    def is_shown(self, request: HttpRequest) -> bool:
        """As the page decides."""
        return may_see_waiting(request.user)

    def render_component(self, request: HttpRequest) -> LinkMenuItem:
        """Add the number; items are shared by all requests, so it is not kept on this one."""
        item = super().render_component(request)
        if count := count_waiting(request):
            item.label = gettext("%(label)s (%(count)d)") % {"label": self.label, "count": count}
        return item


class InboxPanel(Component):
    """What has waited longest, on the home page."""

    order = 150
    template_name = "cms_lms/admin/inbox_panel.html"

    @property
    def media(self) -> Media:
        """The inbox's style."""
        return inbox_media()

    def get_context_data(self, parent_context: Any) -> dict[str, Any]:
        """Count all, name some."""
        waiting = CourseRun.objects.waiting()
        oldest = waiting.select_related("course", "matched_backend").order_by("draft_synced_at", "pk")
        viewset = CourseRun.snippet_viewset
        return {
            "count": count_waiting(parent_context["request"]),
            "runs": [(run, reverse(viewset.get_url_name("edit"), args=[run.pk])) for run in oldest[:PANEL_SIZE]],
            "inbox_url": reverse(viewset.get_url_name("waiting")),
        }


def add_home_panel(request: HttpRequest, panels: list[Component]) -> None:
    """Add the panel for those who may open the inbox, where something waits (hook ``construct_homepage_panels``)."""
    if may_see_waiting(request.user) and count_waiting(request):
        panels.append(InboxPanel())


def get_urlpatterns(viewset: Any) -> list[Any]:
    """Return the addresses of the inbox and of what is done from it."""
    index_url_name = viewset.get_url_name("waiting")
    options = {
        "header_icon": "draft",
        "index_url_name": index_url_name,
        "index_results_url_name": viewset.get_url_name("waiting_results"),
        "add_url_name": None,
        "publish_url_name": viewset.get_url_name("waiting_publish"),
        "discard_url_name": viewset.get_url_name("waiting_discard"),
        "preview_url_name": viewset.get_url_name("waiting_preview"),
    }

    def view(view_class: type, **more: Any) -> Any:
        return viewset.construct_view(view_class, **options, **more)

    return [
        path("waiting/", view(InboxView), name="waiting"),
        path("waiting/results/", view(InboxView, results_only=True), name="waiting_results"),
        path("waiting/publish/", view(PublishDraftsView), name="waiting_publish"),
        path("waiting/discard/", view(DiscardDraftsView), name="waiting_discard"),
        path("waiting/preview/<int:pk>/", view(DraftPreviewView), name="waiting_preview"),
    ]
