"""The course page as it will be once a run's draft is published: for those who decide about it."""

from __future__ import annotations

from typing import Any

from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404
from django.utils.translation import get_language
from django.views.generic import View
from wagtail.admin.views.generic.permissions import PermissionCheckedMixin
from wagtail.models import Page

from cms_lms.models import Course, CourseRun
from cms_lms.models.course import course_page_field, course_page_models


class DraftPreviewView(PermissionCheckedMixin, View):
    """Serves the live page of the run's course with the draft in the place of the public version."""

    http_method_names = ["get"]
    model = CourseRun
    any_permission_required = ["change", "publish"]

    def get(self, request: HttpRequest, *args, **kwargs) -> HttpResponse:
        """Preview the page; a course without one has the template that previews runs."""
        run = get_object_or_404(CourseRun.objects.select_related("course", "latest_revision"), pk=kwargs["pk"])
        draft = run.get_latest_revision_as_object()
        page = find_page(draft.course)
        if page is None:
            return draft.make_preview_request(request, draft.default_preview_mode)
        attributes: dict[str, Any] = {"preview_course_run": draft}
        return page.make_preview_request(request, page.default_preview_mode, extra_request_attrs=attributes)


def find_page(course: Course) -> Page | None:
    """Return the live page of a course, in the reader's language if there is one."""
    pages = [
        page
        for model in course_page_models()
        for page in model._default_manager.filter(**{course_page_field(model): course}, live=True)
        .select_related("locale")
        .order_by("pk")
    ]
    in_language = [page for page in pages if page.locale.language_code == get_language()]
    return next(iter([*in_language, *pages]), None)
