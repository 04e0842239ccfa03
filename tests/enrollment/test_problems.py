"""Why a run is not offered, in words for staff."""

from __future__ import annotations

import pytest

from cms_lms.enrollment.problems import find_problem
from cms_lms.models import ConfigurationVersion, LMSBackend
from tests.enrollment.test_panel import JOANIE
from tests.factories import course_regex, make_backend

pytestmark = pytest.mark.django_db

LINK = "https://lms.example.com/courses/course-v1:edX+DemoX+1/info"


def code_of(link: str) -> str | None:
    problem = find_problem(link)
    return problem and problem.code


def test_what_works_has_no_problem():
    make_backend()
    assert code_of(LINK) is None


def test_a_plain_link_that_was_chosen_is_none():
    make_backend(js_backend="")
    assert code_of(LINK) is None


@pytest.mark.parametrize("link", ["", "javascript:alert(1)", "not a link"])
def test_a_link_that_is_none(link):
    assert code_of(link) == "link"


def test_nobody_owns_the_link():
    make_backend(course_regex=course_regex("other.example.com"), is_enabled=False)
    assert code_of(LINK) == "no-backend"


def test_its_backend_is_disabled():
    make_backend(name="Campus", is_enabled=False)
    problem = find_problem(LINK)

    assert problem is not None
    assert problem.code == "disabled"
    assert "“Campus”" in problem.message


def test_a_disabled_backend_that_cannot_be_used_is_passed_over(settings):
    make_backend(is_enabled=False)
    settings.CMS_LMS_BACKENDS = ["cms_lms.backends.base.BaseLMSBackend"]

    assert code_of(LINK) == "no-backend"


def test_its_js_backend_is_gone(settings):
    make_backend(name="100 %s", js_backend="openedx-hawthorn")
    settings.CMS_LMS_JS_BACKENDS = {}
    problem = find_problem(LINK)

    assert problem is not None
    assert problem.code == "js-backend"
    assert "“openedx-hawthorn”" in problem.message
    assert "“100 %s”" in problem.message


def test_the_pattern_finds_no_course_id():
    make_backend(course_regex=r"^https://lms\.example\.com/courses/(?P<course_id>[a-z]*).*$", js_backend="base")
    assert code_of("https://lms.example.com/courses/123") == "course-id"


def test_the_link_is_no_page_and_nothing_else_is_there():
    make_backend(**JOANIE)
    assert code_of("https://joanie.example.com/api/v1.0/course-runs/1/") == "no-page"


def test_learners_log_in_at_an_lms_that_is_disabled():
    login = make_backend(slug="campus", course_regex=course_regex("campus.example.com"))
    shop = make_backend(slug="shop")
    LMSBackend.objects.filter(pk=shop.pk).update(login_backend=login)
    ConfigurationVersion.objects.renew()
    assert code_of(LINK) is None

    login.is_enabled = False
    login.save()
    assert code_of(LINK) == "login-backend"


def test_its_class_has_lost_the_way_to_enroll_from_the_server():
    backend = make_backend(js_backend="base", backend="cms_lms.backends.base.BaseLMSBackend")
    LMSBackend.objects.filter(pk=backend.pk).update(js_backend="server")
    ConfigurationVersion.objects.renew()

    assert code_of(LINK) == "server"
