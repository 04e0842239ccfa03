"""The other keys by which LMSs know a course: listed on its form, and removed on a page of their own."""

from __future__ import annotations

from typing import Any

from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.urls import path, reverse
from django.utils.text import capfirst
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _
from django.views.generic import TemplateView
from wagtail.admin import messages
from wagtail.admin.panels import Panel
from wagtail.admin.views.generic.base import WagtailAdminTemplateMixin
from wagtail.admin.views.generic.permissions import PermissionCheckedMixin

from cms_lms.admin.permissions import may_change_courses
from cms_lms.models import Course, CourseAlias
from cms_lms.sync.decisions import detach


class CourseAliasesPanel(Panel):
    """Lists the aliases; nothing where there are none."""

    class BoundPanel(Panel.BoundPanel):
        """The panel of one course."""

        template_name = "cms_lms/admin/panels/course_aliases.html"

        def is_shown(self) -> bool:
            """Where there is something to list."""
            return self.instance.pk is not None and self.instance.aliases.exists()

        def get_context_data(self, parent_context: dict[str, Any] | None = None) -> dict[str, Any]:
            """Add the aliases, each with where it is removed by those who may."""
            may_remove = self.request is not None and may_change_courses(self.request.user)
            url_name = Course.snippet_viewset.get_url_name("remove_alias")
            return {
                **super().get_context_data(parent_context),
                "aliases": [
                    (alias, reverse(url_name, args=[self.instance.pk, alias.pk]) if may_remove else None)
                    for alias in self.instance.aliases.all()
                ],
            }


class RemoveAliasView(PermissionCheckedMixin, WagtailAdminTemplateMixin, TemplateView):
    """Asks whether a key is to mean the course no more, and says what that does."""

    model = Course
    permission_required = "change"
    template_name = "cms_lms/admin/course_alias_remove.html"
    page_title = _("Remove alias")
    header_icon = "doc-full"
    index_url_name: str | None = None
    edit_url_name: str | None = None

    def setup(self, request: HttpRequest, *args, **kwargs) -> None:
        """Load the course, and the alias if it is still there."""
        super().setup(request, *args, **kwargs)
        self.object = get_object_or_404(Course, pk=kwargs["pk"])
        self.alias = CourseAlias.objects.filter(course=self.object, pk=kwargs["alias_pk"]).first()

    def get_breadcrumbs_items(self) -> list[dict[str, Any]]:
        """Lead back to the course and to the list."""
        return [
            *self.breadcrumbs_items,
            {"url": reverse(self.index_url_name), "label": capfirst(Course._meta.verbose_name_plural)},
            {"url": self.get_edit_url(), "label": str(self.object)},
            {"url": "", "label": self.page_title},
        ]

    def get_edit_url(self) -> str:
        """Return the course's form."""
        return reverse(self.edit_url_name, args=[self.object.pk])

    def get(self, request: HttpRequest, *args, **kwargs) -> HttpResponse:
        """Ask, unless it is removed already."""
        return super().get(request, *args, **kwargs) if self.alias else self.leave(gettext("The alias is removed."))

    def post(self, request: HttpRequest, *args, **kwargs) -> HttpResponse:
        """Remove it."""
        if self.alias is not None:
            detach(self.alias, user=request.user)
        return self.leave(gettext("The alias is removed."))

    def leave(self, message: str) -> HttpResponse:
        """Go back to the course."""
        messages.success(self.request, message)
        return redirect(self.get_edit_url())

    def get_context_data(self, **kwargs) -> dict[str, Any]:
        """Add the alias."""
        return {
            **super().get_context_data(**kwargs),
            "course": self.object,
            "alias": self.alias,
            "edit_url": self.get_edit_url(),
        }


def get_urlpatterns(viewset: Any) -> list[Any]:
    """Return the page's address."""
    page = viewset.construct_view(
        RemoveAliasView, index_url_name=viewset.get_url_name("list"), edit_url_name=viewset.get_url_name("edit")
    )
    return [path("edit/<int:pk>/aliases/<int:alias_pk>/remove/", page, name="remove_alias")]
