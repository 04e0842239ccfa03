"""The panel of a page's edit form that lists the runs of its course, for reading."""

from __future__ import annotations

from typing import Any

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
            finder, now = AdminURLFinder(self.request.user), timezone.now()
            runs = []
            if self.instance.course_id:
                runs = CourseRun.objects.for_course(self.instance.course).select_related("course", "matched_backend")
            return {
                **super().get_context_data(parent_context),
                "course": self.instance.course if self.instance.course_id else None,
                "runs": [
                    {"run": run, "state": run.get_state(now), "edit_url": finder.get_edit_url(run)} for run in runs
                ],
            }
