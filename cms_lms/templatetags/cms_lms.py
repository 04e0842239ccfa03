"""The tags with which any site's templates show course runs.

``{% load cms_lms %}`` then ``{% course_runs page.course %}`` for all runs of a course under their
headings, or ``{% lms_enrollment run %}`` for one run; ``{% lms_enrollment_media %}`` once, in the head.
"""

from __future__ import annotations

from typing import Any

from django import template
from django.utils import timezone

from cms_lms.enrollment.headers import note_lms_origins
from cms_lms.enrollment.panel import (
    EnrollmentPanel,
    build_panel,
    course_draft_panels,
    course_panels,
    course_panels_with,
    group_panels,
)
from cms_lms.models import Course, CourseRun

register = template.Library()


@register.inclusion_tag("cms_lms/enrollment/course_runs.html", takes_context=True)
def course_runs(
    context: template.Context, course: Course | None, preview_run: CourseRun | None = None
) -> dict[str, Any]:
    """Show the visible runs of a course, grouped by state.

    In a page's preview the drafts are shown too, marked as such. ``preview_run`` takes the place of the
    public version of the same run.
    """
    request, now = context.get("request"), timezone.now()
    if preview_run is not None:
        panels = course_panels_with(preview_run, now=now)
    elif getattr(request, "is_preview", False):
        panels = course_draft_panels(course, now=now)
    else:
        panels = course_panels(course, now=now)
    note_lms_origins(request, panels)
    return {"groups": group_panels(panels), "request": request}


@register.inclusion_tag("cms_lms/enrollment/panel.html", takes_context=True)
def lms_enrollment(context: template.Context, run: CourseRun | EnrollmentPanel) -> dict[str, Any]:
    """Show the panel of one run."""
    request = context.get("request")
    panel = run if isinstance(run, EnrollmentPanel) else build_panel(run, now=timezone.now())
    note_lms_origins(request, [panel])
    return {"panel": panel, "request": request}


@register.inclusion_tag("cms_lms/enrollment/media.html")
def lms_enrollment_media() -> dict[str, Any]:
    """Link the panels' style sheet and script."""
    return {}
