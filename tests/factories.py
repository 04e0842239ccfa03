"""Makers of test data: plain functions with defaults that are valid, so that a test names only what it is about."""

from __future__ import annotations

import itertools
from datetime import UTC, datetime
from typing import Any

from django.contrib.auth.models import Group
from django.contrib.contenttypes.models import ContentType
from wagtail.models import GroupApprovalTask, Workflow, WorkflowContentType, WorkflowTask

from cms_lms.models import Course, CourseRun, LMSBackend, UnplacedRun
from cms_lms.models.unplaced_run import Problem
from cms_lms.patterns.urls import resource_key
from cms_lms.runs.fields import SyncMode

OPENEDX = "cms_lms.backends.openedx.OpenEdXBackend"

COURSE_REGEX = (
    r"^https://lms\.example\.com/courses/"
    r"(?P<course_id>[^/]+(?:/[^/]+/[^/]+)?)/(?:info|course|about)/?$"
)

_numbers = itertools.count(1)


def course_regex(host: str) -> str:
    """Return the pattern of an Open edX at another host."""
    return COURSE_REGEX.replace(r"lms\.example\.com", host.replace(".", r"\."))


def make_backend(**fields: Any) -> LMSBackend:
    """Save a valid Open edX backend that matches ``https://lms.example.com/courses/…/info``."""
    number = next(_numbers)
    values: dict[str, Any] = {
        "name": f"LMS {number}",
        "slug": f"lms-{number}",
        "base_url": "https://lms.example.com",
        "backend": OPENEDX,
        "course_regex": COURSE_REGEX,
        "js_backend": "openedx-hawthorn",
        **fields,
    }
    backend = LMSBackend(**values)
    backend.full_clean()
    backend.save()
    return backend


def make_course(**fields: Any) -> Course:
    """Save a course; its code is DemoX unless there is one already."""
    code = fields.pop("code", None)
    if code is None:
        code = "DemoX" if not Course.objects.for_code("DemoX").exists() else f"DemoX{next(_numbers)}"
    return Course.objects.create(code=code, **{"title": "Demonstration", **fields})


def make_run(*, live: bool = True, **fields: Any) -> CourseRun:
    """Save a run of ``fields["course"]`` or of a new course; a live one is published through a revision."""
    if "course" not in fields:
        fields["course"] = make_course()
    values: dict[str, Any] = {
        "resource_link": f"https://lms.example.com/courses/course-v1:edX+DemoX+{next(_numbers)}/info",
        "sync_mode": SyncMode.MANUAL,
        "start": datetime(2024, 3, 1, 9, tzinfo=UTC),
        "end": datetime(2024, 6, 1, 9, tzinfo=UTC),
        "enrollment_start": datetime(2024, 1, 1, 9, tzinfo=UTC),
        "enrollment_end": datetime(2024, 5, 1, 9, tzinfo=UTC),
        "languages": ["en"],
        **fields,
    }
    run = CourseRun.objects.create(live=False, **values)
    revision = run.save_revision()
    if live:
        revision.publish()
    return CourseRun.objects.get(pk=run.pk)


def make_unplaced_run(**fields: Any) -> UnplacedRun:
    """Save a run that waits for the course edX+T201."""
    link = f"https://lms.example.com/courses/course-v1:edX+T201+{next(_numbers)}/info"
    values: dict[str, Any] = {
        "resource_link": link,
        "resource_key": resource_key(link),
        "problem": Problem.UNKNOWN_COURSE,
        "organisation": "edX",
        "code": "T201",
        "payload": {"resource_link": link, "languages": ["en"]},
        "first_seen_at": datetime(2024, 1, 1, 9, tzinfo=UTC),
        "last_seen_at": datetime(2024, 1, 1, 9, tzinfo=UTC),
        **fields,
    }
    return UnplacedRun.objects.create(**values)


def make_workflow(*steps: str) -> Workflow:
    """Assign a workflow to course runs, each step of which is approved by the publishers."""
    workflow = Workflow.objects.create(name="Two eyes")
    for position, name in enumerate(steps or ("Look at it",)):
        task = GroupApprovalTask.objects.create(name=name)
        task.groups.add(Group.objects.get(name="Course publishers"))
        WorkflowTask.objects.create(workflow=workflow, task=task, sort_order=position)
    WorkflowContentType.objects.create(content_type=ContentType.objects.get_for_model(CourseRun), workflow=workflow)
    return workflow
