"""The panel of a page's edit form that lists the runs of its course, for reading."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlencode

from django.urls import reverse
from django.utils import timezone
from wagtail.admin.admin_url_finder import AdminURLFinder
from wagtail.admin.panels import Panel

from cms_lms.models import CourseRun


class CourseRunsPanel(Panel):
    """Lists the runs of the page's course with their status; each name leads to the run's form."""

    class BoundPanel(Panel.BoundPanel):
        """The panel on one page's form."""

        template_name = "cms_lms/catalog/course_runs_panel.html"

        def get_context_data(self, parent_context: Any = None) -> dict[str, Any]:
            """Add the runs, each with its state now and the address of its form where the user may edit."""
            finder, now, course = AdminURLFinder(self.request.user), timezone.now(), None
            rows: list[dict[str, Any]] = []
            if self.instance.course_id:
                course = self.instance.course
                runs = CourseRun.objects.for_course(course).with_holds().select_related("course", "matched_backend")
                rows = [{"run": run, "state": run.get_state(now), "edit_url": finder.get_edit_url(run)} for run in runs]
            waiting_url = None
            if course and any(row["run"].draft_synced_at and row["edit_url"] for row in rows):
                inbox_url = reverse(CourseRun.snippet_viewset.get_url_name("waiting"))
                waiting_url = f"{inbox_url}?{urlencode({'course': course.code})}"
            return {
                **super().get_context_data(parent_context),
                "course": course,
                "runs": rows,
                "waiting_url": waiting_url,
            }
