"""The template tags as any site's own templates use them."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from bs4 import BeautifulSoup
from django.template import Context, Template
from django.template.loader import get_template

from cms_lms.enrollment.headers import PageNotes
from tests.factories import make_backend, make_course, make_run

pytestmark = pytest.mark.django_db


def render(source: str, **context) -> BeautifulSoup:
    """Return the parsed output of a template that loads the tags."""
    return BeautifulSoup(Template("{% load cms_lms %}" + source).render(Context(context)), "html.parser")


def test_one_run_alone_brings_its_panel_and_steps():
    make_backend()
    page = render("{% lms_enrollment run %}", run=make_run())

    assert len(page.select("lms-enrollment template[data-state]")) == 16


def test_the_tags_need_no_request():
    make_backend()
    page = render("{% course_runs course %}", course=make_run().course)

    assert page.select("lms-enrollment")
    assert page.select("#lms-enrollment-steps template[data-state=idle]")


def test_two_courses_on_a_page_share_the_steps_and_the_notes(rf):
    make_backend()
    first, second = make_run().course, make_run(course=make_course(code="Second")).course
    request = rf.get("/")
    page = render("{% course_runs a %}{% course_runs b %}", a=first, b=second, request=request)

    assert len(page.select("lms-enrollment")) == 2
    assert len(page.select("#lms-enrollment-steps")) == 1
    assert PageNotes.of(request).origins == {"https://lms.example.com"}


def test_the_pieces_that_the_documentation_names_are_there():
    page = (Path(__file__).resolve().parents[2] / "docs" / "run-list.md").read_text(encoding="utf-8")
    pieces = re.findall(r"`([a-z_/]+\.html)`", page)

    assert len(pieces) > 10
    for piece in pieces:
        get_template(f"cms_lms/enrollment/{piece}")


def test_the_media_is_a_module_and_style_sheets():
    page = render("{% lms_enrollment_media %}")

    assert page.script["type"] == "module"
    assert not page.script.text
    assert [link["href"] for link in page.select("link[rel=stylesheet]")] == [
        "/static/cms_lms/css/course-runs.css",
        "/static/cms_lms/css/enrollment.css",
    ]


def test_what_staff_and_lmss_wrote_is_escaped():
    make_backend(name="<b>LMS</b>")
    page = render("{% course_runs course %}", course=make_run(title='"><script>alert(1)</script>').course)

    assert not page.select("script")
    assert not page.select(".lms-enrollment__fallback b")
