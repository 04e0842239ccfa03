"""What the pages of the queue of runs without a place have in common."""

from __future__ import annotations

from typing import Any

from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.urls import reverse
from django.utils.translation import gettext_lazy as _
from wagtail.admin.views.generic.base import WagtailAdminTemplateMixin

from cms_lms.admin.permissions import may_place_runs


class UnplacedPageMixin(WagtailAdminTemplateMixin):
    """For the queue's pages, for those who may say where runs belong."""

    header_icon = "help"
    index_url_name: str | None = None
    group_url_name: str | None = None
    result_url_name: str | None = None

    def dispatch(self, request: HttpRequest, *args, **kwargs) -> HttpResponse:
        """Refuse all others."""
        if not may_place_runs(request.user):
            raise PermissionDenied
        return super().dispatch(request, *args, **kwargs)  # type: ignore[misc]

    def get_breadcrumbs_items(self) -> list[dict[str, Any]]:
        """Lead back to the queue."""
        return [
            *self.breadcrumbs_items,
            {"url": reverse(self.index_url_name), "label": _("Unknown courses")},
            {"url": "", "label": self.get_page_title()},
        ]
