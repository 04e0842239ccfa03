"""The log of deliveries: listed, looked at and replayed, and changed by nobody."""

from __future__ import annotations

import json
from typing import Any

from django.db.models import Q, QuerySet
from django.urls import path, reverse
from django.utils.functional import cached_property
from django.utils.timezone import localtime
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _
from wagtail.admin.ui.tables import BaseColumn, Column, NumberColumn, TitleColumn
from wagtail.admin.views import generic
from wagtail.admin.viewsets.model import ModelViewSet
from wagtail.admin.widgets.button import Button

from cms_lms.admin.delivery_page import SyncDeliveryInspectView
from cms_lms.admin.filters import SyncDeliveryFilterSet
from cms_lms.admin.listings import BoundedPaginator, SelectionColumn, WideListingMixin, contains_word
from cms_lms.admin.permissions import DeliveryPermissionPolicy
from cms_lms.admin.replays import ReplayView
from cms_lms.models import SyncDelivery
from cms_lms.models.delivery import Outcome
from cms_lms.patterns.urls import InvalidURL

#: Among how many deliveries words are looked for: no index knows what payloads contain.
SEARCHED = 10_000

delivery_permission_policy = DeliveryPermissionPolicy(SyncDelivery)


def received_to_the_second(delivery: SyncDelivery) -> str:
    """Return when a delivery came, in the reader's time zone."""
    return f"{localtime(delivery.received_at):%Y-%m-%d %H:%M:%S}"


def outcome_summary(delivery: SyncDelivery) -> str:
    """Return how many items ended how, leaving out what no item did."""
    labels = dict(Outcome.choices)
    return ", ".join(f"{labels[outcome]}: {count}" for outcome, count in delivery.counts.items() if count)


def kind_summary(delivery: SyncDelivery) -> str:
    """Return what makes a delivery other than a call of an LMS; blank for such a call."""
    kinds = [(delivery.is_replay, gettext("Replay")), (delivery.is_dry_run, gettext("Dry run"))]
    return ", ".join(label for is_so, label in kinds if is_so)


def answer_summary(delivery: SyncDelivery) -> str:
    """Return the status that the sender got, or that there was none."""
    return gettext("In progress or interrupted") if delivery.status_code is None else str(delivery.status_code)


class SyncDeliveryIndexView(WideListingMixin, generic.IndexView):
    """Deliveries, the latest first."""

    any_permission_required = ["view"]
    paginator_class = BoundedPaginator
    results_template_name = "cms_lms/admin/delivery_results.html"

    replay_url_name: str | None = None

    #: Whether what was searched for is a link that deliveries are about; told once the search was made.
    is_link_search = False

    def get_base_queryset(self) -> QuerySet:
        """Leave what is long in the database."""
        return super().get_base_queryset().select_related("backend").defer("payload", "response", "items")

    def _get_title_column(self, field_name: str, column_class=TitleColumn, **kwargs) -> Column:
        column = super()._get_title_column(field_name, column_class, **kwargs)
        column.accessor = received_to_the_second
        return column

    @cached_property
    def columns(self) -> list[BaseColumn]:
        """Let those who may replay choose deliveries."""
        columns = super().columns
        return [SelectionColumn("selection"), *columns] if self.user_has_permission("replay") else columns

    def get_list_more_buttons(self, instance: SyncDelivery) -> list[Any]:
        """Add the replay."""
        buttons = super().get_list_more_buttons(instance)
        if self.user_has_permission("replay"):
            url = f"{reverse(self.replay_url_name)}?id={instance.pk}"
            buttons.append(Button(_("Replay"), url=url, icon_name="rotate", priority=30))
        return buttons

    def search_queryset(self, queryset: QuerySet) -> QuerySet:
        """Find the deliveries about a run by its link; by anything else, those whose payloads have the words."""
        if not self.is_searching:
            return queryset
        try:
            about = queryset.about_link(self.search_query)
        except InvalidURL:
            pass
        else:
            # Part of a link is one too, and no run's.
            self.is_link_search = about.exists()
            if self.is_link_search:
                return about
        queryset = queryset.filter(*self.among_the_latest(queryset))
        for word in self.search_query.split():
            # What JSON escapes is found, too.
            queryset = queryset.filter(contains_word(["payload"], word) | Q(payload__icontains=json.dumps(word)[1:-1]))
        return queryset

    @staticmethod
    def among_the_latest(queryset: QuerySet) -> list[Q]:
        """Return the condition that leaves the last ``SEARCHED`` deliveries of a set; none where there are fewer."""
        times = queryset.order_by("-received_at", "-pk").values_list("received_at", flat=True)
        return [Q(received_at__gte=moment) for moment in times[SEARCHED - 1 : SEARCHED]]

    def get_context_data(self, **kwargs) -> dict[str, Any]:
        """Add how far was looked, and where the chosen ones are replayed."""
        return {
            **super().get_context_data(**kwargs),
            "is_link_search": self.is_link_search,
            "searched": SEARCHED,
            "replay_url": reverse(self.replay_url_name) if self.user_has_permission("replay") else None,
        }


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
    # No other order than that of time: the database would sort millions.
    list_display = [
        "received_at",
        Column("remote_address", label=_("Sender")),
        Column("secret_name", label=_("Signed with")),
        Column("backend", label=_("LMS backend")),
        Column("kind", label=_("Kind"), accessor=kind_summary),
        Column("counts", label=_("Items"), accessor=outcome_summary),
        Column("status_code", label=_("Answer"), accessor=answer_summary),
        NumberColumn("duration_ms", label=_("Milliseconds")),
    ]

    def get_permissions_to_register(self) -> QuerySet:
        """Offer groups the rights that mean something."""
        return super().get_permissions_to_register().filter(codename__in=["view_syncdelivery", "replay_syncdelivery"])

    def get_index_view_kwargs(self, **kwargs) -> dict[str, Any]:
        """Tell the listing where deliveries are replayed."""
        return super().get_index_view_kwargs(replay_url_name=self.get_url_name("replay"), **kwargs)

    def get_inspect_view_kwargs(self, **kwargs) -> dict[str, Any]:
        """Tell the page of one delivery, too."""
        return super().get_inspect_view_kwargs(replay_url_name=self.get_url_name("replay"), **kwargs)

    @property
    def replay_view(self):
        """The view that replays."""
        urls = {f"{name}_url_name": self.get_url_name(name) for name in ("index", "inspect")}
        return self.construct_view(ReplayView, **urls)

    def get_urlpatterns(self) -> list[Any]:
        """Add the replay."""
        return [*super().get_urlpatterns(), path("replay/", self.replay_view, name="replay")]
