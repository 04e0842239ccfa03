"""The tags with which any site's templates show course runs.

``{% load cms_lms %}`` then ``{% course_runs page.course %}`` for all runs of a course under their
headings, or ``{% lms_enrollment run %}`` for one run; ``{% lms_enrollment_media %}`` once, in the head. In the
frame of all pages, ``{% lms_session %}`` in the header and ``{% lms_session_media %}`` in the head.
"""

from __future__ import annotations

from typing import Any

from django import template
from django.utils import timezone
from django.utils.translation import get_language
from wagtail.admin.templatetags.wagtailuserbar import wagtailuserbar

from cms_lms.enrollment.caching import has_session_cookie
from cms_lms.enrollment.calendar_links import course_calendar_url
from cms_lms.enrollment.courses import course_title
from cms_lms.enrollment.headers import PageNotes
from cms_lms.enrollment.panel import EnrollmentPanel, build_panel
from cms_lms.enrollment.run_list import course_draft_panels, course_panels, course_panels_with, group_panels
from cms_lms.enrollment.see_as import see_panel_as
from cms_lms.enrollment.sessions import learner_sessions
from cms_lms.models import Course, CourseRun

register = template.Library()


@register.inclusion_tag("cms_lms/enrollment/course_runs.html", takes_context=True)
def course_runs(
    context: template.Context,
    course: Course | None,
    preview_run: CourseRun | None = None,
    language: str | None = None,
) -> dict[str, Any]:
    """Show the visible runs of a course, grouped by state; those that are open in the order of their languages.

    The ``language`` that comes first is that of the ``page`` in the context unless another is given, else the active
    one. In a page's preview the drafts are shown too, marked as such. ``preview_run``, or the request's
    ``preview_course_run``, takes the place of the public version of the same run.
    """
    request, now = context.get("request"), timezone.now()
    is_preview = getattr(request, "is_preview", False)
    preview_run = preview_run or getattr(request, "preview_course_run", None)
    if preview_run is not None:
        panels = course_panels_with(preview_run, now=now)
    elif is_preview:
        panels = course_draft_panels(course, now=now)
    else:
        panels = course_panels(course, now=now)
    notes = PageNotes.of(request)
    if is_preview:
        panels = [see_panel_as(panel, notes.see_as) for panel in panels]
    notes.add_panels(panels)
    # All panels of a page share one set of steps, which comes with the first that need it.
    with_shared_steps = not notes.has_steps and any(panel.is_interactive for panel in panels)
    notes.has_steps = notes.has_steps or with_shared_steps
    return {
        "groups": group_panels(panels, language=language or _page_language(context) or get_language()),
        "with_shared_steps": with_shared_steps,
        "calendar_url": _shared_calendar_url(course, panels),
        "request": request,
    }


def _shared_calendar_url(course: Course | None, panels: list[EnrollmentPanel]) -> str:
    several = sum(bool(panel.calendar_url) for panel in panels) > 1
    return course_calendar_url(course) if course is not None and several else ""


def _page_language(context: template.Context) -> str | None:
    return getattr(getattr(context.get("page"), "locale", None), "language_code", None)


@register.inclusion_tag("cms_lms/enrollment/panel.html", takes_context=True)
def lms_enrollment(context: template.Context, run: CourseRun | EnrollmentPanel) -> dict[str, Any]:
    """Show the panel of one run."""
    request = context.get("request")
    panel = run if isinstance(run, EnrollmentPanel) else build_panel(run, now=timezone.now())
    PageNotes.of(request).add_panels([panel])
    return {"panel": panel, "request": request}


@register.inclusion_tag("cms_lms/enrollment/media.html")
def lms_enrollment_media() -> dict[str, Any]:
    """Link the panels' style sheet and script."""
    return {}


@register.inclusion_tag("cms_lms/enrollment/sessions.html", takes_context=True)
def lms_session(context: template.Context) -> dict[str, Any]:
    """Show who is logged in to the LMSs that are to be in each page's header, and let learners log in and out."""
    request, sessions = context.get("request"), learner_sessions()
    PageNotes.of(request).add_sessions(sessions)
    return {"sessions": sessions, "is_alone": len(sessions) == 1, "request": request}


@register.inclusion_tag("cms_lms/enrollment/session_media.html")
def lms_session_media() -> dict[str, Any]:
    """Link the sessions' style sheet and script, where there are sessions."""
    return {"sessions": learner_sessions()}


@register.simple_tag
def course_page_title(course: Course) -> str:
    """Return the title of a course's live page in the reader's language, else of any, else the course's own."""
    return course_title(course, get_language())


@register.simple_tag(takes_context=True)
def session_userbar(context: template.Context, position: str = "bottom-right") -> str:
    """Show Wagtail's user bar to whoever may be logged in: who has this site's session cookie.

    ``{% wagtailuserbar %}`` asks everybody, so that caches have to keep the page once for each visitor's cookies.
    """
    request = context.get("request")
    return wagtailuserbar(context, position) if request is not None and has_session_cookie(request) else ""
