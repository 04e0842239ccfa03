"""Tombstones: what is left of a run that was deleted, so that the next call of its LMS does not bring it back.

However a run is deleted, one is left; whoever makes a run of that link by hand takes it away.
"""

from __future__ import annotations

from django.db.models import Q
from django.db.models.signals import post_delete, post_save
from django.utils import timezone
from wagtail.log_actions import get_active_log_context

from cms_lms.models import CourseRun, DeletedRun, LMSBackend


def on_run_deleted(instance: CourseRun, using: str, **kwargs) -> None:
    """Leave a tombstone, in the name of who is at work in the admin, if anybody is."""
    # The instance may be older than the deletion of its backend.
    backend = LMSBackend.objects.using(using).filter(pk__in=[instance.matched_backend_id]).first()
    DeletedRun.objects.using(using).update_or_create(
        resource_key=instance.resource_key,
        defaults={
            "resource_link": instance.resource_link,
            "title": instance.display_title[: DeletedRun._meta.get_field("title").max_length],
            "matched_backend": backend,
            "matched_course_id": instance.matched_course_id,
            "deleted_at": timezone.now(),
            "deleted_by": get_active_log_context().user,
        },
    )


def on_run_saved(instance: CourseRun, created: bool, raw: bool, using: str, **kwargs) -> None:
    """Take the tombstone away when somebody makes the run anew, be it under another link that its LMS has for it."""
    if not created or raw:
        return
    condition = Q(resource_key=instance.resource_key)
    if instance.matched_course_id:
        condition |= Q(matched_backend=instance.matched_backend_id, matched_course_id=instance.matched_course_id)
    DeletedRun.objects.using(using).filter(condition).delete()


def connect() -> None:
    """Connect the receivers, once, when the app starts."""
    post_delete.connect(on_run_deleted, sender=CourseRun, dispatch_uid="cms_lms.run_deleted")
    post_save.connect(on_run_saved, sender=CourseRun, dispatch_uid="cms_lms.run_made")
