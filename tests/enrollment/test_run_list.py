"""The runs of a course: which are shown, under which headings, in which order."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from cms_lms.enrollment.run_list import course_draft_panels, course_panels, group_panels
from cms_lms.models import CourseRun
from cms_lms.runs.fields import CatalogVisibility, DisplayMode
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

    def test_one_open_run_is_prominent_unless_it_is_compact(self):
        course = make_course()
        run = make_run(course=course, **STATES["future, open"])
        make_run(course=course, **STATES["ongoing, closed"])
        groups = group_panels(course_panels(course, now=NOW))

        assert [group.is_prominent for group in groups] == [True, False]
        assert [panel.is_prominent for group in groups for panel in group.panels] == [True, False]

        CourseRun.objects.filter(pk=run.pk).update(display_mode=DisplayMode.COMPACT)
        assert not group_panels(course_panels(course, now=NOW))[0].is_prominent

    def test_two_open_runs_are_equals(self):
        course = make_course()
        for _ in range(2):
            make_run(course=course, **STATES["future, open"])
        (group,) = group_panels(course_panels(course, now=NOW))

        assert not group.is_prominent
        assert not any(panel.is_prominent for panel in group.panels)

    def test_the_page_s_language_comes_first_then_what_is_over_last(self):
        course = make_course()
        for title, languages, state in [
            ("archived, French", ["fr"], "archived, open"),
            ("English", ["en"], "ongoing, open"),
            ("Canadian", ["en", "fr-CA"], "future, open"),
            ("French", ["fr"], "ongoing, open"),
            ("none", [], "ongoing, open"),
        ]:
            make_run(course=course, title=title, languages=languages, **STATES[state])
        panels = course_panels(course, now=NOW)

        def titles(language: str | None) -> list[str]:
            (group,) = group_panels(panels, language=language)
            return [panel.title for panel in group.panels]

        assert titles("fr") == ["French", "Canadian", "archived, French", "English", "none"]
        assert titles("fr-be") == titles("fr")
        assert titles("en") == ["English", "Canadian", "French", "none", "archived, French"]
        assert titles(None) == ["English", "French", "none", "Canadian", "archived, French"]

    def test_ten_archived_runs_are_in_sight(self):
        course = make_course()
        for age in range(1, 13):
            make_run(course=course, title=str(age), **days(-60, -age, -90, -70))
        (group,) = group_panels(course_panels(course, now=NOW))

        assert [panel.title for panel in group.panels] == [str(age) for age in range(1, 11)]
        assert [panel.title for panel in group.more] == ["11", "12"]

    def test_what_open_edx_has_not_scheduled_is_to_be_scheduled_unless_it_is_open(self):
        course = make_course()
        placeholder = datetime(2030, 1, 1, tzinfo=UTC)
        make_run(course=course, title="nothing", start=placeholder, end=None, enrollment_start=placeholder)
        make_run(course=course, title="open", start=placeholder, end=None, enrollment_start=NOW, enrollment_end=None)
        groups = group_panels(course_panels(course, now=NOW))

        assert [(group.key, group.panels[0].title) for group in groups] == [
            ("open", "open"),
            ("unscheduled", "nothing"),
        ]
        assert [group.panels[0].state.datetime for group in groups] == [None, None]

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
