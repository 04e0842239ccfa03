"""The panel of one run: what its template gets."""

from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal

import pytest
from bs4 import BeautifulSoup
from django.template.loader import render_to_string

from cms_lms.enrollment.panel import build_panel, url_origin
from cms_lms.models import CourseRun
from cms_lms.runs.fields import DisplayMode
from tests.enrollment.run_dates import STATES
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
        assert panel.lms_origins == {"https://lms.example.com"}
        assert panel.module_url == "/static/cms_lms/js/backends/openedx-hawthorn.js"

    def test_a_link_that_answers_json_is_no_link_for_learners(self):
        make_backend(**JOANIE)
        panel = build_panel(make_run(resource_link="https://joanie.example.com/api/v1.0/course-runs/1/"), now=NOW)

        assert panel.learner_url is None
        assert panel.lms_name == "Joanie"
        assert not panel.is_interactive
        assert panel.lms_origins == set()

    def test_learners_log_in_through_another_lms(self):
        login = make_backend(slug="campus", base_url="https://lms.example.com")
        make_backend(**{**JOANIE, "js_backend": "joanie", "slug": "joanie"}, login_backend=login)
        run = make_run(resource_link="https://joanie.example.com/api/v1.0/course-runs/1/")
        panel = build_panel(run, now=NOW)

        assert (panel.js_backend, panel.course_id) == ("joanie", "course-runs/1")
        assert panel.login_base_url == "https://lms.example.com"
        assert panel.lms_origins == {"https://joanie.example.com", "https://lms.example.com"}

        login.is_enabled = False
        login.save()
        assert build_panel(run, now=NOW).login_base_url == ""

    def test_products_are_not_enrolled_in(self):
        make_backend(**{**JOANIE, "js_backend": "joanie"})
        link = "https://joanie.example.com/api/v1.0/products/1/"

        assert not build_panel(make_run(resource_link=link), now=NOW).is_interactive

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


class TestFacts:
    """What is told beside the state."""

    def test_a_detailed_run_tells_all_that_is_known(self):
        run = make_run(price=Decimal("50"), offer="paid", certificate_offer="free")
        CourseRun.objects.update(enrollment_count=1234)
        run.refresh_from_db()
        panel = build_panel(run, now=NOW)

        assert panel.price is not None
        assert panel.price.amount == "€50.00"
        assert panel.certificate is not None
        assert panel.certificate.is_free
        assert panel.learner_count == "1,200"

    def test_a_compact_run_tells_less(self):
        panel = build_panel(make_run(offer="free", display_mode=DisplayMode.COMPACT), now=NOW)

        assert (panel.price, panel.certificate, panel.learner_count, panel.languages) == (None, None, "", ())
        assert panel.course_period

    def test_the_name_tells_runs_of_one_title_apart(self):
        assert build_panel(make_run(), now=NOW).name == "Demonstration, from March 1, 2024"
        assert build_panel(make_run(title="Spring edition"), now=NOW).name == "Spring edition"
        assert build_panel(make_run(start=None), now=NOW).name == "Demonstration"

    def test_what_open_edx_has_not_scheduled_has_no_date(self):
        placeholder = datetime(2030, 1, 1, tzinfo=UTC)
        panel = build_panel(make_run(start=placeholder, end=None, enrollment_start=NOW, enrollment_end=None), now=NOW)

        assert panel.is_start_unscheduled
        assert not panel.course_period
        assert panel.state.text == "open for enrollment"
        assert panel.start == placeholder


@pytest.mark.parametrize(
    ("state", "sentence"),
    [
        ("ongoing, open", "Enrollment is open."),
        ("future, open", "Enrollment is open. The course starts on Dec. 3, 2026."),
        ("archived, open", "The course has ended. You can still enroll and study its content."),
        ("future, not yet open", "Enrollment opens on Nov. 28, 2026."),
        ("future, closed", "Enrollment is closed."),
        ("ongoing, closed", "Enrollment is closed. The course is under way."),
        ("archived, closed", "Enrollment is closed. The course has ended."),
        ("to be scheduled", "The dates of this course are to be announced."),
    ],
)
def test_the_server_says_the_state_in_a_sentence(state, sentence):
    panel = build_panel(make_run(**STATES[state]), now=NOW)
    page = BeautifulSoup(render_to_string("cms_lms/enrollment/panel.html", {"panel": panel}), "html.parser")

    assert page.p.text.strip() == sentence
