"""What pages about one LMS backend, beside its form, have in common."""

from __future__ import annotations

from typing import Any

from django.contrib.admin.utils import quote
from django.http import HttpRequest
from django.shortcuts import get_object_or_404
from django.urls import reverse
from django.utils.text import capfirst
from wagtail.admin.views.generic.base import WagtailAdminTemplateMixin
from wagtail.admin.views.generic.permissions import PermissionCheckedMixin

from cms_lms.models import LMSBackend


class BackendPageMixin(PermissionCheckedMixin, WagtailAdminTemplateMixin):
    """For views below one backend, for those who may change it; the breadcrumbs lead back to it and to the list."""

    model = LMSBackend
    permission_required = "change"
    index_url_name: str | None = None
    edit_url_name: str | None = None

    def setup(self, request: HttpRequest, *args, **kwargs) -> None:
        """Load the backend."""
        super().setup(request, *args, **kwargs)
        self.object = get_object_or_404(LMSBackend, pk=kwargs["pk"])

    def get_page_subtitle(self) -> str:
        """Name the backend."""
        return str(self.object)

    def get_breadcrumbs_items(self) -> list[dict[str, Any]]:
        """Lead back to the backend and to the list."""
        return [
            *self.breadcrumbs_items,
            {"url": reverse(self.index_url_name), "label": capfirst(LMSBackend._meta.verbose_name_plural)},
            {"url": self.get_edit_url(), "label": str(self.object)},
            {"url": "", "label": self.get_page_title()},
        ]

    def get_edit_url(self) -> str:
        """Return the backend's edit form."""
        return reverse(self.edit_url_name, args=[quote(self.object.pk)])
