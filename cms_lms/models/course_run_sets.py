"""The sets of course runs that the rest of the app asks for. Stands below the model, whose manager it makes."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable
from typing import Any

from django.contrib.contenttypes.models import ContentType
from django.db import models
from django.db.models import Exists, F, OuterRef, Q, Subquery
from django.db.models.functions import Cast
from wagtail.models import Revision, WorkflowState

from cms_lms.models.course import Course, course_page_field, course_page_models
from cms_lms.models.locking import lock_rows, read_rows
from cms_lms.models.state_expressions import state_priority
from cms_lms.patterns.urls import resource_key
from cms_lms.runs.fields import CatalogVisibility


class CourseRunQuerySet(models.QuerySet[Any]):
    """Named for what the sets mean."""

    def visible(self) -> CourseRunQuerySet:
        """Return the runs that a live course page shows."""
        return self.filter(live=True).exclude(catalog_visibility=CatalogVisibility.HIDDEN)

    def listed(self) -> CourseRunQuerySet:
        """Return the visible runs that lists of courses and searches may speak of, not their course pages alone."""
        return self.visible().exclude(catalog_visibility=CatalogVisibility.COURSE_ONLY)

    def public(self) -> CourseRunQuerySet:
        """Return the runs that the public site shows: visible, and with a live course page.

        A site without any page model for courses has no pages to wait for.
        """
        runs = self.visible()
        pages = [
            Exists(model._default_manager.filter(**{course_page_field(model): OuterRef("course")}, live=True))
            for model in course_page_models()
        ]
        return runs.filter(Q(*pages, _connector=Q.OR)) if pages else runs

    def waiting(self) -> CourseRunQuerySet:
        """Return the runs of which something waits for publication because of a synchronisation."""
        return self.filter(draft_synced_at__isnull=False)

    def with_holds(self) -> CourseRunQuerySet:
        """Annotate what may hold a draft: ``scheduled_at``, when a version goes live, and ``is_in_moderation``."""
        of_run = {
            "base_content_type": ContentType.objects.get_for_model(self.model),
            "object_id": Cast(OuterRef("pk"), models.CharField(max_length=255)),
        }
        scheduled = Revision.objects.filter(**of_run, approved_go_live_at__isnull=False).order_by("approved_go_live_at")
        states = WorkflowState.objects.filter(**of_run, status=WorkflowState.STATUS_IN_PROGRESS)
        return self.annotate(
            scheduled_at=Subquery(scheduled.values("approved_go_live_at")[:1]), is_in_moderation=Exists(states)
        )

    def untold(self) -> CourseRunQuerySet:
        """Return the waiting runs that a synchronisation changed since publishers were last told of them.

        ``draft_notified_at`` is the ``draft_synced_at`` that they were told of.
        """
        return self.waiting().exclude(draft_notified_at=F("draft_synced_at"))

    def for_course(self, course: Course) -> CourseRunQuerySet:
        """Return the runs of one course."""
        return self.filter(course=course)

    def for_link(self, url: str) -> CourseRunQuerySet:
        """Return the run whose link has the same normal form as this one. Raises ``InvalidURL``."""
        return self.filter(resource_key=resource_key(url))

    def get_by_links(self, urls: Iterable[str]) -> dict[str, Any]:
        """Return the runs of many links with their courses, in one query; a link without a run is absent.

        Raises ``InvalidURL``.
        """
        keys = {url: resource_key(url) for url in urls}
        runs = {run.resource_key: run for run in self.filter(resource_key__in=keys.values()).select_related("course")}
        return {url: runs[key] for url, key in keys.items() if key in runs}

    def with_keys(self, resource_keys: Iterable[str]) -> dict[str, Any]:
        """Return the runs that have these keys by their keys, as they are now."""
        runs = read_rows(self.model, "resource_key", list(resource_keys), using=self.db)
        return {run.resource_key: run for run in runs}

    def lock(self, resource_keys: Iterable[str]) -> dict[str, Any]:
        """Return the runs that have these keys by their keys, locked in that order until the transaction ends."""
        runs = lock_rows(self.model, "resource_key", list(resource_keys), using=self.db)
        return {run.resource_key: run for run in runs}

    def with_state(self, now: dt.datetime) -> CourseRunQuerySet:
        """Annotate ``state_priority``: the priority of each run's state at a moment (aware)."""
        return self.annotate(state_priority=state_priority(now))

    def in_state(self, priority: int, now: dt.datetime) -> CourseRunQuerySet:
        """Return the runs whose state has this priority at a moment (aware)."""
        return self.alias(state_now=state_priority(now)).filter(state_now=priority)
