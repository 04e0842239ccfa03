"""The tags with which any site's templates show course runs.

``{% load cms_lms %}`` then ``{% course_runs page.course %}`` for all runs of a course under their
headings, or ``{% lms_enrollment run %}`` for one run; ``{% lms_enrollment_media %}`` once, in the head.
"""

from __future__ import annotations

from typing import Any

from django import template
from django.http import HttpRequest
from django.utils import timezone
from django.utils.translation import get_language

from cms_lms.enrollment.headers import note_lms_origins
from cms_lms.enrollment.panel import (
    EnrollmentPanel,
    build_panel,
    course_draft_panels,
    course_panels,
    course_panels_with,
    course_title,
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
    return {
        "groups": group_panels(panels),
        "with_shared_steps": any(panel.is_interactive for panel in panels) and _is_first(request),
        "request": request,
    }


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


@register.simple_tag
def course_page_title(course: Course) -> str:
    """Return the title of a course's live page in the reader's language, else of any, else the course's own."""
    return course_title(course, get_language())


def _is_first(request: HttpRequest | None) -> bool:
    """Whether these are the first runs of the page: all its panels share one set of steps."""
    if request is None:
        return True
    is_first = not hasattr(request, "cms_lms_has_steps")
    request.cms_lms_has_steps = True  # type: ignore[attr-defined]
    return is_first
