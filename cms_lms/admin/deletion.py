"""Deleting: a course is refused while runs depend on it, a backend shows first what becomes of its runs and its
secrets; and it is always written into the audit log.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from django.contrib.contenttypes.models import ContentType
from django.db import transaction
from django.db.models import Count, Model, Q
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404
from django.template.response import TemplateResponse
from django.urls import reverse
from wagtail.log_actions import log
from wagtail.models import Revision
from wagtail.permission_policies import ModelPermissionPolicy
from wagtail.snippets.bulk_actions.delete import DeleteBulkAction
from wagtail.snippets.views import snippets

from cms_lms.admin.ids import PossibleIdsMixin
from cms_lms.admin.impact import ImpactReview
from cms_lms.matching.changed_configuration import hold_configuration
from cms_lms.matching.handler import LMSHandler, LoadedConfiguration
from cms_lms.models import Course, CourseRun, LMSBackend
from cms_lms.models.credential import BackendCredential
from cms_lms.models.sync_secret import SyncSecret
from cms_lms.sync.effects import announced_together


@dataclass(frozen=True)
class Obstacle:
    """A course that cannot be deleted, because ``run_count`` runs depend on it."""

    instance: Course
    run_count: int
    runs_url: str


def find_obstacles(courses: Sequence[Course]) -> list[Obstacle]:
    """Return which of the courses runs depend on: their own, and those that a draft would move to them."""
    own = CourseRun.objects.filter(course__in=courses).order_by().values_list("course").annotate(Count("pk"))
    counts = dict(own)
    for course_id in _courses_of_drafts():
        counts[course_id] = counts.get(course_id, 0) + 1
    runs_url = reverse(CourseRun.snippet_viewset.get_url_name("list"))
    found = [(course, counts[course.pk]) for course in courses if course.pk in counts]
    return [Obstacle(course, run_count, f"{runs_url}?course={course.pk}") for course, run_count in found]


def _courses_of_drafts() -> list[int]:
    """Return the courses that drafts and scheduled revisions name other than their run's own."""
    runs = CourseRun.objects.filter(has_unpublished_changes=True)
    pending = Revision.objects.filter(
        Q(pk__in=runs.values("latest_revision")) | Q(approved_go_live_at__isnull=False),
        content_type=ContentType.objects.get_for_model(CourseRun),
    ).values_list("object_id", "content__course")
    courses = {str(pk): course_id for pk, course_id in CourseRun.objects.values_list("pk", "course_id")}
    return [course_id for object_id, course_id in pending if course_id and course_id != courses.get(object_id)]


def refuse_deletion(request: HttpRequest, instances: Sequence[Model]) -> TemplateResponse | None:
    """Answer in place of Wagtail's confirmation, for one course or many; None where nothing is in the way.

    Receiver of the hook ``before_delete_snippet``, which Wagtail runs after its permission check and
    before it shows or does anything.
    """
    courses = [instance for instance in instances if isinstance(instance, Course)]
    obstacles = find_obstacles(courses) if courses else []
    if not obstacles:
        return None
    viewset = Course.snippet_viewset
    context = {
        "obstacles": obstacles,
        "model_opts": Course._meta,
        "header_icon": viewset.icon,
        "index_url": reverse(viewset.get_url_name("list")),
    }
    status = 200 if request.method == "GET" else 409
    return TemplateResponse(request, "cms_lms/admin/deletion_refused.html", context, status=status)


def review_deletion(request: HttpRequest, before: LoadedConfiguration, backends: Sequence[LMSBackend]) -> ImpactReview:
    """Return what deleting backends would do to the runs."""
    keys = sorted(backend.pk for backend in backends)
    others = [backend for backend in before.backends if backend.record.pk not in set(keys)]
    return ImpactReview(request, before, LoadedConfiguration(None, others), {"delete": keys})


def count_secrets(backends: Sequence[LMSBackend]) -> int:
    """Return how many API credentials and live web hook secrets go with the backends."""
    credentials = BackendCredential.objects.filter(backend__in=backends).count()
    return credentials + SyncSecret.objects.live().filter(backend__in=backends).count()


class BackendDeleteView(snippets.DeleteView):
    """Deletes a backend once it was seen what becomes of its runs and its secrets."""

    template_name = "cms_lms/admin/impact_delete.html"

    def form_valid(self, form) -> HttpResponse:
        """Delete, or show what that would do."""
        with transaction.atomic():
            before = hold_configuration()
            self.object = get_object_or_404(LMSBackend, pk=self.object.pk)
            review = review_deletion(self.request, before, [self.object])
            if review.is_settled:
                return super().form_valid(form)
        return self.render_to_response(self.get_context_data(review=review))

    def get_context_data(self, **kwargs) -> dict[str, Any]:
        """Add the impact, the secrets, and the gentler way for those who may take it."""
        if "review" not in kwargs:
            kwargs["review"] = review_deletion(self.request, LMSHandler.configuration(), [self.object])
        disable_url = None
        may_change = ModelPermissionPolicy(LMSBackend).user_has_permission(self.request.user, "change")
        if may_change and self.object.is_enabled:
            disable_url = reverse(LMSBackend.snippet_viewset.get_url_name("disable"), args=[self.object.pk])
        return {
            **super().get_context_data(**kwargs),
            "secret_count": count_secrets([self.object]),
            "disable_url": disable_url,
        }


class LoggedDeleteBulkAction(PossibleIdsMixin, DeleteBulkAction):
    """Wagtail's action, with the log entries that deleting one by one would leave, and backends' impact."""

    models = [LMSBackend, Course, CourseRun]

    def get_template_names(self) -> list[str]:
        """Show the impact for backends."""
        return ["cms_lms/admin/impact_bulk_delete.html"] if self.model is LMSBackend else super().get_template_names()

    def form_valid(self, form) -> HttpResponse:
        """Delete; of backends, show first what that would do."""
        if self.model is not LMSBackend:
            return super().form_valid(form)
        with transaction.atomic():
            review = review_deletion(self.request, hold_configuration(), self.get_actionable_objects()[0])
            if review.is_settled:
                return super().form_valid(form)
        return self.render_to_response(self.get_context_data(form=form, review=review))

    def get_context_data(self, **kwargs) -> dict[str, Any]:
        """Add the impact and the secrets of backends."""
        if self.model is LMSBackend:
            backends = self.get_actionable_objects()[0]
            kwargs["secret_count"] = count_secrets(backends)
            if "review" not in kwargs:
                kwargs["review"] = review_deletion(self.request, LMSHandler.configuration(), backends)
        return super().get_context_data(**kwargs)

    @classmethod
    def execute_action(cls, objects, user=None, **kwargs) -> tuple[int, int]:
        """Log and delete."""
        request_user = kwargs["self"].request.user
        for instance in objects:
            log(instance, "wagtail.delete", user=request_user, deleted=True)
        with announced_together():
            return super().execute_action(objects, user=user, **kwargs)
