"""The panels' context: one run, the groups of a course, the states of many."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from cms_lms.enrollment.panel import (
    build_panel,
    course_draft_panels,
    course_panels,
    course_states,
    course_title,
    group_panels,
    url_origin,
)
from cms_lms.models import CourseRun
from cms_lms.runs.fields import CatalogVisibility, DisplayMode
from tests.catalog.makers import make_course_page
from tests.factories import make_backend, make_course, make_run

pytestmark = pytest.mark.django_db

NOW = datetime(2026, 11, 23, 12, tzinfo=UTC)

JOANIE = {
    "name": "Joanie",
    "base_url": "https://joanie.example.com",
    "backend": "cms_lms.backends.joanie.JoanieBackend",
    "course_regex": r"^https://joanie\.example\.com/api/v1\.0/(?P<resource_type>[^/]+)/(?P<resource_id>[^/]+)/?$",
    "js_backend": "",
}


def days(start: int | None, end: int | None, enrollment_start: int | None, enrollment_end: int | None) -> dict:
    """Return the four dates, in days from now."""
    names = ("start", "end", "enrollment_start", "enrollment_end")
    offsets = (start, end, enrollment_start, enrollment_end)
    return {
        name: None if offset is None else NOW + timedelta(days=offset)
        for name, offset in zip(names, offsets, strict=True)
    }


STATES = {
    "ongoing, open": days(-10, 10, -20, 5),
    "future, open": days(10, 20, -5, 5),
    "archived, open": days(-30, -10, -40, 5),
    "future, not yet open": days(10, 20, 5, 8),
    "future, closed": days(10, 20, -20, -5),
    "ongoing, closed": days(-10, 10, -20, -5),
    "archived, closed": days(-30, -10, -40, -20),
    "to be scheduled": days(None, None, None, None),
}


class TestPanel:
    """One run."""

    def test_it_holds_what_the_backend_says(self):
        make_backend(name="Campus", base_url="https://lms.example.com")
        link = "https://lms.example.com/courses/course-v1:edX+DemoX+1/info"
        panel = build_panel(make_run(resource_link=link), now=NOW)

        assert panel.is_interactive
        assert panel.lms_name == "Campus"
        assert panel.course_id == "course-v1:edX+DemoX+1"
        assert panel.learner_url == link
        assert panel.lms_origin == "https://lms.example.com"
        assert panel.module_url == "/static/cms_lms/js/backends/openedx-hawthorn.js"

    def test_a_link_that_answers_json_is_no_link_for_learners(self):
        make_backend(**JOANIE)
        panel = build_panel(make_run(resource_link="https://joanie.example.com/api/v1.0/course-runs/1/"), now=NOW)

        assert panel.learner_url is None
        assert panel.lms_name == "Joanie"
        assert not panel.is_interactive
        assert panel.lms_origin == ""

    def test_a_js_backend_that_the_site_has_no_more_leaves_the_plain_link(self, settings):
        make_backend()
        settings.CMS_LMS_JS_BACKENDS = {}
        panel = build_panel(make_run(), now=NOW)

        assert not panel.is_interactive
        assert panel.learner_url

    @pytest.mark.parametrize("link", ["", "javascript:alert(1)", "https://user@lms.example.com/", "not a link"])
    def test_the_link_of_an_unfinished_draft_leads_nowhere(self, link):
        panel = build_panel(CourseRun(course=make_course(), resource_link=link), now=NOW)

        assert panel.learner_url is None
        assert not panel.is_interactive

    def test_languages_are_named_in_the_reader_s_language(self, settings):
        settings.CMS_LMS_COURSE_LANGUAGES = [("pt", "Portuguese"), ("fr", "French")]
        run = make_run(languages=["pt", "fr"])
        CourseRun.objects.update(languages=["pt", "xx"])
        run.refresh_from_db()

        assert build_panel(run, now=NOW).languages == ("Portuguese", "xx")

    def test_a_compact_run_says_so(self):
        assert build_panel(make_run(display_mode=DisplayMode.COMPACT), now=NOW).is_compact


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


def test_the_state_of_a_course_is_the_best_among_its_visible_runs(django_assert_num_queries):
    full, bare, hidden = make_course(), make_course(code="Bare"), make_course(code="Hidden")
    make_run(course=full, **STATES["archived, closed"])
    make_run(course=full, **STATES["future, open"])
    make_run(course=full, live=False, **STATES["ongoing, open"])
    make_run(course=hidden, catalog_visibility=CatalogVisibility.HIDDEN, **STATES["ongoing, open"])
    with django_assert_num_queries(1):
        found = course_states([full, bare, hidden], now=NOW)

    assert {pk: state.priority for pk, state in found.states.items()} == {full.pk: 1, bare.pk: 7, hidden.pk: 7}
    assert found.next_change == NOW + timedelta(days=5)


def test_a_course_is_called_as_its_live_page_calls_it():
    course = make_course(title="Record")
    assert course_title(course, "en") == "Record"

    make_course_page(course, title="Unpublished", live=False)
    assert course_title(course, "en") == "Record"

    make_course_page(course, title="Page")
    assert course_title(course, "en") == course_title(course, "fr") == course_title(course, None) == "Page"


@pytest.mark.parametrize(
    ("url", "origin"),
    [
        ("https://lms.example.com:8443/base/path", "https://lms.example.com:8443"),
        ("/static/", ""),
        ("//cdn.example.com/static/", ""),
        ("", ""),
    ],
)
def test_the_origin_of_a_url(url, origin):
    assert url_origin(url) == origin
