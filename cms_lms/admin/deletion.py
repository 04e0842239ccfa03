"""Deleting: refused while runs depend on the object, and always written into the audit log."""

from __future__ import annotations

from dataclasses import dataclass

from django.contrib.contenttypes.models import ContentType
from django.db.models import Count, Model, Q
from django.http import HttpRequest
from django.template.response import TemplateResponse
from django.urls import reverse
from wagtail.log_actions import log
from wagtail.models import Revision
from wagtail.permission_policies import ModelPermissionPolicy
from wagtail.snippets.bulk_actions.delete import DeleteBulkAction

from cms_lms.admin.ids import PossibleIdsMixin
from cms_lms.matching.run_index import reindex_runs
from cms_lms.models import Course, CourseRun, LMSBackend


@dataclass(frozen=True)
class Obstacle:
    """An object that cannot be deleted, because ``run_count`` runs depend on it."""

    instance: Model
    run_count: int
    runs_url: str
    disable_url: str | None = None


def find_obstacles(instances: list[Model]) -> list[Obstacle]:
    """Return which of the instances (of one model) runs depend on.

    A backend's dependents are the runs that it matches now, so the index is brought up to date first. A
    course's are its runs, and the drafts that would move a run to it.
    """
    model = type(instances[0]) if instances else None
    if model is LMSBackend:
        reindex_runs()
        counts = _count_by(CourseRun.objects.filter(matched_backend__in=instances), "matched_backend")
        return _obstacles(instances, counts, "matched_backend")
    if model is Course:
        counts = _count_by(CourseRun.objects.filter(course__in=instances), "course")
        for course_id in _courses_of_drafts():
            counts[course_id] = counts.get(course_id, 0) + 1
        return _obstacles(instances, counts, "course")
    return []


def _count_by(runs, field: str) -> dict[int, int]:
    return dict(runs.order_by().values_list(field).annotate(Count("pk")))


def _courses_of_drafts() -> list[int]:
    """Return the courses that drafts and scheduled revisions name other than their run's own."""
    runs = CourseRun.objects.filter(has_unpublished_changes=True)
    pending = Revision.objects.filter(
        Q(pk__in=runs.values("latest_revision")) | Q(approved_go_live_at__isnull=False),
        content_type=ContentType.objects.get_for_model(CourseRun),
    ).values_list("object_id", "content__course")
    courses = {str(pk): course_id for pk, course_id in CourseRun.objects.values_list("pk", "course_id")}
    return [course_id for object_id, course_id in pending if course_id and course_id != courses.get(object_id)]


def _obstacles(instances: list[Model], counts: dict[int, int], filter_name: str) -> list[Obstacle]:
    runs_url = reverse(CourseRun.snippet_viewset.get_url_name("list"))
    found = []
    for instance in instances:
        if run_count := counts.get(instance.pk):
            disable_url = None
            if isinstance(instance, LMSBackend):
                disable_url = reverse(LMSBackend.snippet_viewset.get_url_name("disable"), args=[instance.pk])
            found.append(Obstacle(instance, run_count, f"{runs_url}?{filter_name}={instance.pk}", disable_url))
    return found


def refuse_deletion(request: HttpRequest, instances) -> TemplateResponse | None:
    """Answer in place of Wagtail's confirmation, for one object or many; None where nothing is in the way.

    Receiver of the hook ``before_delete_snippet``, which Wagtail runs after its permission check and
    before it shows or does anything.
    """
    instances = list(instances)
    obstacles = find_obstacles(instances)
    if not obstacles:
        return None
    model = type(instances[0])
    viewset = model.snippet_viewset
    context = {
        "obstacles": obstacles,
        "model_opts": model._meta,
        "header_icon": viewset.icon,
        "index_url": reverse(viewset.get_url_name("list")),
        "can_disable": model is LMSBackend and ModelPermissionPolicy(model).user_has_permission(request.user, "change"),
    }
    status = 200 if request.method == "GET" else 409
    return TemplateResponse(request, "cms_lms/admin/deletion_refused.html", context, status=status)


class LoggedDeleteBulkAction(PossibleIdsMixin, DeleteBulkAction):
    """Wagtail's action, with the log entries that deleting one by one would leave."""

    models = [LMSBackend, Course, CourseRun]

    @classmethod
    def execute_action(cls, objects, user=None, **kwargs) -> tuple[int, int]:
        """Log and delete."""
        request_user = kwargs["self"].request.user
        for instance in objects:
            log(instance, "wagtail.delete", user=request_user, deleted=True)
        return super().execute_action(objects, user=user, **kwargs)
