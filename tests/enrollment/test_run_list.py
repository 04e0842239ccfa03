"""The runs of a course: which are shown, under which headings, in which order."""

from __future__ import annotations

import pytest

from cms_lms.enrollment.run_list import course_draft_panels, course_panels, group_panels
from cms_lms.models import CourseRun
from cms_lms.runs.fields import CatalogVisibility
from tests.enrollment.run_dates import NOW, STATES, days
from tests.factories import make_course, make_run

pytestmark = pytest.mark.django_db


class TestGroups:
    """The runs of a course under their headings."""

    def test_every_state_has_its_place(self):
        course = make_course()
        for title, dates in STATES.items():
            make_run(course=course, title=title, **dates)
        groups = group_panels(course_panels(course, now=NOW))

        assert [(group.key, [panel.title for panel in group.panels]) for group in groups] == [
            ("open", ["ongoing, open", "future, open", "archived, open"]),
            ("upcoming", ["future, not yet open", "future, closed"]),
            ("ongoing", ["ongoing, closed"]),
            ("unscheduled", ["to be scheduled"]),
            ("archived", ["archived, closed"]),
        ]

    def test_what_starts_first_comes_first_and_what_ended_last(self):
        course = make_course()
        for start in (30, 10, 20):
            make_run(course=course, title=f"starts in {start}", **days(start, 90, -5, 5))
            make_run(course=course, title=f"ended {start} ago", **days(-60, -start, -90, -70))
        open_group, archived_group = group_panels(course_panels(course, now=NOW))

        assert [panel.title for panel in open_group.panels] == ["starts in 10", "starts in 20", "starts in 30"]
        assert [panel.title for panel in archived_group.panels] == ["ended 10 ago", "ended 20 ago", "ended 30 ago"]

    def test_a_course_without_runs_or_no_course_has_none(self):
        assert group_panels(course_panels(make_course(), now=NOW)) == []
        assert course_panels(None, now=NOW) == course_draft_panels(None, now=NOW) == []


class TestDrafts:
    """The runs of a course as staff edit them."""

    def test_a_draft_that_moves_to_another_course_is_not_shown_here(self):
        run = make_run()
        run.course = make_course(code="Other")
        run.save_revision()
        course = CourseRun.objects.get(pk=run.pk).course

        assert course_draft_panels(course, now=NOW) == []
        assert len(course_panels(course, now=NOW)) == 1

    def test_a_draft_that_hides_the_run_hides_it(self):
        run = make_run()
        run.catalog_visibility = CatalogVisibility.HIDDEN
        run.save_revision()

        assert course_draft_panels(run.course, now=NOW) == []

    def test_an_unpublished_run_without_a_revision_is_shown_as_it_is(self):
        run = make_run()
        CourseRun.objects.update(live=False, latest_revision=None)

        assert [panel.is_draft for panel in course_draft_panels(run.course, now=NOW)] == [True]
