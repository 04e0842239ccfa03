"""Courses in the admin."""

from __future__ import annotations

import pytest
from wagtail.models import ModelLogEntry

from cms_lms.models import Course, CourseRun
from tests.admin.browsing import errors, soup, submit, url
from tests.factories import make_course, make_run

pytestmark = pytest.mark.django_db

LIST = url(Course, "list")
ADD = url(Course, "add")


def codes(response):
    return [course.code for course in response.context["object_list"]]


def test_create_normalises_the_code(root):
    submit(root, ADD, {"title": "Demonstration", "code": "Demo X", "organisation": "edX"})
    course = Course.objects.get()
    assert (course.code, course.organisation) == ("DEMO-X", "edX")
    assert ModelLogEntry.objects.for_instance(course).get().action == "wagtail.create"


@pytest.mark.parametrize("code", ["", "+++", "demo x", "ß" * 51])
def test_refused_codes(root, code):
    make_course(code="demo-x")
    assert list(errors(submit(root, ADD, {"title": "Demonstration", "code": code}))) == ["code"]


def test_two_organisations_may_teach_the_same_code(root):
    make_course(code="CS101")
    submit(root, ADD, {"title": "Computing", "code": "CS101", "organisation": "edX"})
    assert Course.objects.filter(code="CS101").count() == 2


def test_edit_history_usage(root):
    run = make_run()
    course = run.course
    submit(root, url(Course, "edit", course.pk), {"title": "New title"})
    course.refresh_from_db()
    assert course.title == "New title"
    assert "Edited" in root.get(url(Course, "history", course.pk)).content.decode()
    assert url(CourseRun, "edit", run.pk) in root.get(url(Course, "usage", course.pk)).content.decode()


def test_list_search_and_filters(root):
    taught = make_course(code="B1", title="Botany", organisation="edX")
    make_course(code="A1", title="Anatomy")
    make_run(course=taught)
    assert codes(root.get(LIST)) == ["A1", "B1"]
    assert codes(root.get(LIST, {"q": "otan"})) == ["B1"]
    assert codes(root.get(LIST, {"q": "a1 anat"})) == ["A1"]
    assert codes(root.get(LIST, {"has_runs": "true"})) == ["B1"]
    assert codes(root.get(LIST, {"has_runs": "false"})) == ["A1"]
    assert codes(root.get(LIST, {"organisation": "edX"})) == ["B1"]
    link = soup(root.get(LIST)).select_one(f'a[href="{url(CourseRun, "list")}?course={taught.pk}"]')
    assert link.text == "1"
