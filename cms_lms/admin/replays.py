"""Replaying deliveries, one or a selection, also as a dry run: asked first, and the result led to."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import Any

from django.db.models import QuerySet
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import reverse
from django.utils import timezone
from django.utils.functional import cached_property
from django.utils.http import urlencode
from django.utils.text import capfirst
from django.utils.translation import gettext_lazy as _
from django.utils.translation import ngettext
from django.views.generic import TemplateView
from wagtail.admin import messages
from wagtail.admin.views.generic.base import WagtailAdminTemplateMixin
from wagtail.admin.views.generic.permissions import PermissionCheckedMixin

from cms_lms.admin.ids import is_possible_id
from cms_lms.models import SyncDelivery
from cms_lms.models.delivery import Outcome
from cms_lms.sync.replay import replay

#: How many deliveries are replayed while somebody waits.
MAX_SELECTED = 100


class ReplayView(PermissionCheckedMixin, WagtailAdminTemplateMixin, TemplateView):
    """Shows what is to be replayed, and replays it in the order in which it came."""

    model = SyncDelivery
    permission_required = "replay"
    template_name = "cms_lms/admin/replay.html"
    page_title = _("Replay deliveries")
    header_icon = "rotate"
    index_url_name: str | None = None
    inspect_url_name: str | None = None

    @cached_property
    def deliveries(self) -> QuerySet:
        """The deliveries that the address names."""
        ids = [pk for pk in self.request.GET.getlist("id") if is_possible_id(pk)][:MAX_SELECTED]
        return SyncDelivery.objects.filter(pk__in=ids).select_related("backend").order_by("received_at", "pk")

    def get_breadcrumbs_items(self) -> list[dict[str, Any]]:
        """Lead back to the list."""
        return [
            *self.breadcrumbs_items,
            {"url": reverse(self.index_url_name), "label": capfirst(SyncDelivery._meta.verbose_name_plural)},
            {"url": "", "label": self.page_title},
        ]

    def get_context_data(self, **kwargs) -> dict[str, Any]:
        """Add the deliveries. Raises ``Http404`` where there are none."""
        deliveries = list(self.deliveries.defer("payload", "response", "items"))
        if not deliveries:
            raise Http404
        return {
            **super().get_context_data(**kwargs),
            "deliveries": deliveries,
            "inspect_url_name": self.inspect_url_name,
            "cancel_url": self._result_url(deliveries),
            "max_selected": MAX_SELECTED if len(self.request.GET.getlist("id")) > MAX_SELECTED else None,
        }

    def get(self, request: HttpRequest, *args, **kwargs) -> HttpResponse:
        """Ask; who pressed the button without a choice is told so."""
        if "id" not in request.GET:
            messages.warning(request, _("Nothing was chosen: tick the deliveries that are to be replayed."))
            return redirect(self.index_url_name)
        return super().get(request, *args, **kwargs)

    def post(self, request: HttpRequest, *args, **kwargs) -> HttpResponse:
        """Replay one by one: each holds its payload in memory."""
        replays = []
        is_dry_run = "dry_run" in request.POST
        for delivery in self.deliveries.iterator(chunk_size=1):
            replays.append(replay(delivery, user=request.user, is_dry_run=is_dry_run, now=timezone.now()))
        if not replays:
            raise Http404
        tell = messages.success if all(done.status_code == 200 for done in replays) else messages.warning
        tell(request, self._message(replays, is_dry_run))
        return redirect(self._result_url(replays, kind="dry_run" if is_dry_run else "replay"))

    def _result_url(self, deliveries: Sequence[SyncDelivery], **filters: str) -> str:
        """Return the page of the only delivery, or the list."""
        if len(deliveries) == 1:
            return reverse(self.inspect_url_name, args=[deliveries[0].pk])
        return f"{reverse(self.index_url_name)}?{urlencode(filters)}"

    @staticmethod
    def _message(replays: Sequence[SyncDelivery], is_dry_run: bool) -> str:
        counts: Counter[str] = Counter()
        for done in replays:
            counts.update(done.counts)
        labels = dict(Outcome.choices)
        items = ", ".join(f"{labels[outcome]}: {count}" for outcome, count in counts.items() if count)
        if is_dry_run:
            text = ngettext(
                "Nothing was written. A replay of %(count)d delivery would end so: %(items)s.",
                "Nothing was written. A replay of %(count)d deliveries would end so: %(items)s.",
                len(replays),
            )
        else:
            text = ngettext(
                "%(count)d delivery was replayed: %(items)s.",
                "%(count)d deliveries were replayed: %(items)s.",
                len(replays),
            )
        return text % {"count": len(replays), "items": items or _("refused as a whole")}
