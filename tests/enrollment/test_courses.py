"""What pages say of a course as a whole."""

from __future__ import annotations

from datetime import timedelta

import pytest

from cms_lms.enrollment.courses import course_states, course_title
from cms_lms.runs.fields import CatalogVisibility
from tests.catalog.makers import make_course_page
from tests.enrollment.run_dates import NOW, STATES
from tests.factories import make_course, make_run

pytestmark = pytest.mark.django_db


def test_the_state_of_a_course_is_the_best_among_its_listed_runs(django_assert_num_queries):
    full, bare, hidden = make_course(), make_course(code="Bare"), make_course(code="Hidden")
    make_run(course=full, **STATES["archived, closed"])
    make_run(course=full, **STATES["future, open"])
    make_run(course=full, live=False, **STATES["ongoing, open"])
    make_run(course=bare, catalog_visibility=CatalogVisibility.COURSE_ONLY, **STATES["ongoing, open"])
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
