"""The log of deliveries: read only."""

from __future__ import annotations

import json
from typing import Any

from django.db.models import Q, QuerySet
from django.urls import reverse
from django.utils.functional import cached_property
from django.utils.timezone import localtime
from django.utils.translation import gettext_lazy as _
from wagtail.admin.ui.tables import Column, NumberColumn, TitleColumn
from wagtail.admin.views import generic
from wagtail.admin.viewsets.model import ModelViewSet

from cms_lms.admin.filters import SyncDeliveryFilterSet
from cms_lms.admin.listings import WideListingMixin, WordSearchMixin
from cms_lms.admin.permissions import ReadOnlyPermissionPolicy, may_edit_runs
from cms_lms.models import CourseRun, SyncDelivery
from cms_lms.models.delivery import Outcome
from cms_lms.sync.history import field_label

delivery_permission_policy = ReadOnlyPermissionPolicy(SyncDelivery)


def received_to_the_second(delivery: SyncDelivery) -> str:
    """Return when a delivery came, in the reader's time zone."""
    return f"{localtime(delivery.received_at):%Y-%m-%d %H:%M:%S}"


def outcome_summary(delivery: SyncDelivery) -> str:
    """Return how many items ended how, leaving out what no item did."""
    labels = dict(Outcome.choices)
    return ", ".join(f"{labels[outcome]}: {count}" for outcome, count in delivery.counts.items() if count)


class SyncDeliveryIndexView(WordSearchMixin, WideListingMixin, generic.IndexView):
    """Deliveries, the latest first."""

    any_permission_required = ["view"]

    def get_base_queryset(self) -> QuerySet:
        """Leave what is long in the database."""
        return super().get_base_queryset().select_related("backend").defer("payload", "response", "items")

    def _get_title_column(self, field_name: str, column_class=TitleColumn, **kwargs) -> Column:
        column = super()._get_title_column(field_name, column_class, **kwargs)
        column.accessor = received_to_the_second
        return column

    def get_word_condition(self, word: str) -> Q:
        """Find what JSON escapes, too."""
        return super().get_word_condition(word) | Q(payload__icontains=json.dumps(word)[1:-1])


class SyncDeliveryInspectView(generic.InspectView):
    """One delivery: what came, and what was decided for each item."""

    any_permission_required = ["view"]
    template_name = "cms_lms/admin/delivery.html"

    def get_context_data(self, **kwargs) -> dict[str, Any]:
        """Add the payload for reading, and the items with labels and links."""
        return {
            **super().get_context_data(**kwargs),
            "delivery": self.object,
            "payload": readable_json(self.object.payload),
            "answer": json.dumps(self.object.response, indent=2, ensure_ascii=False),
            "items": [self.get_item(item) for item in self.object.items],
        }

    def get_item(self, item: dict[str, Any]) -> dict[str, Any]:
        """Return an item as the template shows it."""
        outcome, run_id = item.get("outcome"), item.get("run")
        return {
            **item,
            "outcome_label": dict(Outcome.choices).get(outcome, outcome),
            "run_url": self.get_run_url(run_id) if run_id in self.existing_runs else None,
            "changes": [(field_label(name), *change) for name, change in (item.get("changes") or {}).items()],
        }

    @cached_property
    def existing_runs(self) -> set[int]:
        """The runs among the items that were not deleted since, for those who may edit them."""
        if not may_edit_runs(self.request.user):
            return set()
        ids = [item["run"] for item in self.object.items if item.get("run")]
        return set(CourseRun.objects.filter(pk__in=ids).values_list("pk", flat=True))

    def get_run_url(self, run_id: int) -> str:
        """Return the run's edit form."""
        return reverse(CourseRun.snippet_viewset.get_url_name("edit"), args=[run_id])


def readable_json(text: str) -> str:
    """Return JSON with line breaks; what is no JSON, as it is."""
    try:
        return json.dumps(json.loads(text), indent=2, ensure_ascii=False)
    except (ValueError, RecursionError):
        return text


class SyncDeliveryViewSet(ModelViewSet):
    """Deliveries in the admin."""

    model = SyncDelivery
    permission_policy = delivery_permission_policy
    icon = "download"
    menu_label = _("Deliveries")
    menu_name = "lms-deliveries"
    add_to_reference_index = False
    copy_view_enabled = False
    inspect_view_enabled = True
    index_view_class = SyncDeliveryIndexView
    inspect_view_class = SyncDeliveryInspectView
    inspect_view_fields = ["received_at"]
    filterset_class = SyncDeliveryFilterSet
    search_fields = ["payload"]
    search_backend_name = None
    ordering = ["-received_at", "-pk"]
    exclude_form_fields: list[str] = []
    list_display = [
        "received_at",
        Column("remote_address", label=_("Sender"), sort_key="remote_address"),
        Column("secret_name", label=_("Signed with"), sort_key="secret_name"),
        Column("backend", label=_("LMS backend"), sort_key="backend__name"),
        Column("counts", label=_("Items"), accessor=outcome_summary),
        Column("status_code", label=_("Answer"), sort_key="status_code"),
        NumberColumn("duration_ms", label=_("Milliseconds"), sort_key="duration_ms"),
    ]

    def get_permissions_to_register(self) -> QuerySet:
        """Offer groups the right to look, the only one that means something."""
        return super().get_permissions_to_register().filter(codename="view_syncdelivery")
