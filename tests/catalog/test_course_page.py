"""The course page as visitors and staff get it: what it shows, under which headers, for how many queries."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from bs4 import BeautifulSoup
from django.contrib.auth import get_user_model
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone
from wagtail.models import Locale

from cms_lms.matching.handler import LMSHandler
from cms_lms.models import CourseRun
from cms_lms.runs.fields import CatalogVisibility
from tests.catalog.makers import make_course_page, make_index_page
from tests.factories import course_regex, make_backend, make_course, make_run

pytestmark = pytest.mark.django_db


@pytest.fixture
def soup(client):
    """Return the parsed page behind an address."""
    return lambda url: BeautifulSoup(client.get(url).content, "html.parser")


def open_dates() -> dict[str, datetime]:
    now = timezone.now()
    return {
        "start": now - timedelta(days=10),
        "end": now + timedelta(days=90),
        "enrollment_start": now - timedelta(days=20),
        "enrollment_end": now + timedelta(days=20),
    }


def test_the_page_is_complete_without_javascript(soup):
    make_backend(name="Campus")
    run = make_run(title="Spring edition", languages=["en", "fr"], **open_dates())
    page = soup(make_course_page(run.course, title="Bread").url)

    assert page.html["lang"] == "en"
    assert page.h1.text == "Bread"
    assert "Its text." in page.text
    assert "Spring edition" in page.select_one("h3.course-run__title").text
    assert "English, French" in page.select_one(".course-run__details").text
    link = page.select_one("lms-enrollment .lms-enrollment__fallback a")
    assert link["href"] == run.resource_link
    assert "Campus" in link.text


def test_the_panel_names_the_matching_backend(soup):
    make_backend(course_regex=course_regex("other.example.com"), base_url="https://other.example.com")
    make_backend(name="Campus")
    run = make_run(resource_link="https://lms.example.com/courses/course-v1:edX+DemoX+1/info")
    panel = soup(make_course_page(run.course).url).select_one("lms-enrollment")

    assert panel["data-base-url"] == "https://lms.example.com"
    assert panel["data-js-backend"] == "openedx-hawthorn"
    assert panel["data-module"] == "/static/cms_lms/js/backends/openedx-hawthorn.js"
    assert panel["data-course-id"] == "course-v1:edX+DemoX+1"
    assert panel["data-lms-name"] == "Campus"
    assert datetime.fromisoformat(panel["data-start"]) == run.start


@pytest.mark.parametrize("js_backend", ["", None])
def test_a_run_without_a_js_backend_is_a_plain_link(soup, js_backend):
    if js_backend is not None:
        make_backend(js_backend=js_backend)
    run = make_run()
    page = soup(make_course_page(run.course).url)

    assert not page.select("lms-enrollment")
    assert not page.select("#lms-enrollment-steps")
    assert page.select_one(".lms-enrollment a")["href"] == run.resource_link


def test_only_visible_runs_are_shown(soup):
    course = make_course()
    shown = make_run(course=course, title="Shown")
    make_run(course=course, title="Unpublished", live=False)
    make_run(course=course, title="Secret", catalog_visibility=CatalogVisibility.HIDDEN)
    make_run(course=make_course(code="Other"), title="Elsewhere")
    titles = [title.text.strip() for title in soup(make_course_page(course).url).select(".course-run__title")]

    assert titles == [shown.title]


def test_a_draft_of_a_live_run_is_not_shown(soup):
    run = make_run(title="Public title")
    run.title = "Draft title"
    run.save_revision()
    page = soup(make_course_page(run.course).url)

    assert "Public title" in page.text
    assert "Draft title" not in page.text


def test_a_page_without_a_course_or_without_runs_is_fine(soup):
    assert not soup(make_course_page(None, title="Alone").url).select(".course__runs")
    assert "no runs" in soup(make_course_page(make_course(), title="Empty").url).text


def test_the_steps_are_on_the_page_once(soup):
    make_backend()
    course = make_course()
    for _ in range(3):
        make_run(course=course)
    page = soup(make_course_page(course).url)

    assert len(page.select("lms-enrollment")) == 3
    assert len(page.select("#lms-enrollment-steps")) == 1
    assert len(page.select("template[data-state=idle]")) == 1


@pytest.mark.parametrize("date", [datetime(1, 1, 1, tzinfo=UTC), datetime(9999, 12, 31, 23, 59, tzinfo=UTC)])
@pytest.mark.parametrize("zone", ["America/Lima", "Pacific/Auckland"])
def test_dates_at_the_ends_of_time_do_no_harm(client, settings, date, zone):
    settings.TIME_ZONE = zone
    run = make_run()
    CourseRun.objects.update(start=date, end=date, enrollment_start=date, enrollment_end=date)

    page = make_course_page(run.course)

    assert client.get(page.url).status_code == 200
    assert client.get(page.get_parent().url).status_code == 200


def test_the_headers_allow_the_lmss_of_the_page_and_nothing_else(client):
    make_backend()
    make_backend(base_url="https://other.example.com:8443", course_regex=course_regex("other.example.com"))
    make_backend(base_url="https://absent.example.com", course_regex=course_regex("absent.example.com"))
    course = make_course()
    make_run(course=course)
    make_run(course=course, resource_link="https://other.example.com/courses/course-v1:edX+DemoX+other/info")
    response = client.get(make_course_page(course).url)

    policy = dict(directive.split(" ", 1) for directive in response["Content-Security-Policy"].split("; "))
    assert policy == {
        "default-src": "'self'",
        "script-src": "'self'",
        "style-src": "'self'",
        "img-src": "'self' data:",
        "font-src": "'self'",
        "connect-src": "'self' https://lms.example.com https://other.example.com:8443",
        "frame-ancestors": "'self'",
        "form-action": "'self'",
        "base-uri": "'self'",
        "object-src": "'none'",
    }
    assert response["Referrer-Policy"] == "strict-origin-when-cross-origin"


def test_every_run_has_an_anchor_and_one_that_is_open_alone_needs_no_heading(soup):
    course = make_course()
    running, over = make_run(course=course, **open_dates()), make_run(course=course)
    page = soup(make_course_page(course).url)

    assert [heading.text for heading in page.select(".course-runs__heading")] == ["Archived"]
    assert "lms-enrollment--prominent" in page.select_one(f"#run-{running.pk} .lms-enrollment")["class"]
    assert "lms-enrollment--prominent" not in page.select_one(f"#run-{over.pk} .lms-enrollment")["class"]
    assert page.select_one(f"#run-{over.pk} h4")


def test_more_than_ten_archived_runs_are_a_click_away_without_javascript(soup):
    course = make_course()
    for _ in range(12):
        make_run(course=course)
    page = soup(make_course_page(course).url)

    assert len(page.select(".course-runs__group > ul > li")) == 10
    assert len(page.select("details.course-runs__more li")) == 2
    assert page.summary.text.strip() == "Show 2 more"


def test_runs_in_the_language_of_the_page_come_first(soup):
    course = make_course()
    make_run(course=course, title="In English", languages=["en"], **open_dates())
    make_run(course=course, title="In French", languages=["fr-ca"], **open_dates())
    french, _ = Locale.objects.get_or_create(language_code="fr")
    page = make_course_page(course, title="Pain", slug="pain", locale=french)
    titles = [title.text.strip() for title in soup(page.url).select(".course-run__title")]

    assert titles == ["In French", "In English"]


def test_visitors_get_no_cookie(client):
    response = client.get(make_course_page(make_run().course).url)

    assert not response.cookies
    assert b"csrfmiddlewaretoken" not in response.content


def count_queries(client, url: str) -> int:
    client.get(url)
    with CaptureQueriesContext(connection) as queries:
        assert client.get(url).status_code == 200
    return len(queries)


@pytest.mark.parametrize("run_count", [1, 10, 100])
def test_runs_cost_few_queries_however_many(client, run_count):
    hosts = ["lms.example.com", "two.example.com", "three.example.com"]
    for host in hosts:
        make_backend(base_url=f"https://{host}", course_regex=course_regex(host))
    course = make_course()
    bare = make_course_page(None, title="Bare")
    page = make_course_page(course, title="Full")
    for number in range(run_count):
        link = f"https://{hosts[number % 3]}/courses/course-v1:edX+DemoX+{number}/info"
        make_run(course=course, resource_link=link, **open_dates())
    LMSHandler.configuration()

    assert count_queries(client, page.url) - count_queries(client, bare.url) <= 6


def test_a_copied_page_shows_the_runs_of_the_same_course(soup):
    page = make_course_page(make_run(title="Once").course)
    copy = page.copy(update_attrs={"slug": "copy", "title": "Copy"})

    assert "Once" in soup(copy.url).text


class TestPreview:
    """What staff see before the public does."""

    @pytest.fixture
    def preview(self):
        """Return the parsed preview of an object, and its response."""

        def render(instance, mode=""):
            response = instance.make_preview_request(preview_mode=mode)
            return BeautifulSoup(response.content, "html.parser"), response

        return render

    def test_a_page_shows_drafts_and_marks_them(self, preview):
        course = make_course()
        make_run(course=course, title="Public")
        make_run(course=course, title="New draft", live=False)
        changed = make_run(course=course, title="Before")
        changed.title = "After"
        changed.save_revision()
        page, response = preview(make_course_page(course))
        titles = {" ".join(title.text.split()) for title in page.select(".course-run__title")}

        assert titles == {"Public", "New draft Draft", "After Draft"}
        assert "frame-ancestors 'self'" in response["Content-Security-Policy"]

    def test_staff_see_why_a_run_is_not_offered_and_the_public_does_not(self, preview, soup):
        make_backend(name="Campus", is_enabled=False)
        run = make_run()
        page = make_course_page(run.course)
        note = preview(page)[0].select_one("[data-problem]")

        assert note["data-problem"] == "disabled"
        assert "Only staff see this:" in note.text
        assert "“Campus”" in note.text
        assert preview(run)[0].select("[data-problem=disabled]")
        assert preview(run)[0].select_one(".lms-enrollment a")["href"] == run.resource_link
        public = soup(page.url)
        assert not public.select("[data-problem], .course-run__problem")
        assert public.select_one(".lms-enrollment a")["href"] == run.resource_link

    def test_staff_see_also_what_only_the_browser_finds_out(self, preview, soup):
        make_backend()
        course = make_run().course
        page = make_course_page(course)

        for instance in (page, course.course_runs.get()):
            assert preview(instance)[0].select_one("lms-enrollment")["data-problem"] == ""
        assert not soup(page.url).select("[data-problem]")

    def test_a_run_takes_its_own_place_among_the_public_ones(self, preview):
        make_backend()
        course = make_course()
        run = make_run(course=course, title="Before")
        make_run(course=course, title="Sibling")
        make_run(course=course, title="Draft of another", live=False)
        make_course_page(course, title="Title of the page")
        run.title = "After"
        page, response = preview(run)
        titles = {" ".join(title.text.split()) for title in page.select(".course-run__title")}

        assert response.status_code == 200
        assert titles == {"After Draft", "Sibling"}
        assert page.h1.text == "Title of the page"
        assert page.select("lms-enrollment")

    def test_a_run_without_a_page_is_previewed_under_the_title_of_its_course(self, preview):
        page, _ = preview(make_run(course=make_course(title="Only a course")))

        assert page.h1.text == "Only a course"


class TestAdmin:
    """The page's edit form."""

    def test_it_lists_the_runs_of_the_course_for_reading(self, admin_client):
        course = make_course()
        live, draft = make_run(course=course, title="One"), make_run(course=course, title="Two", live=False)
        page = make_course_page(course)
        html = admin_client.get(f"/admin/pages/{page.pk}/edit/").content.decode()
        panel = BeautifulSoup(html, "html.parser").select_one(".cms-lms-course-runs")

        assert live.resource_link in panel.text
        assert draft.resource_link in panel.text
        assert not panel.select("input, select, textarea")

    def test_a_new_page_says_what_to_do(self, admin_client):
        parent = make_index_page()
        response = admin_client.get(f"/admin/pages/add/cms_lms_catalog/coursepage/{parent.pk}/")

        assert "Choose a course" in response.content.decode()


class TestIndexPage:
    """The list of courses."""

    def test_it_lists_live_pages_with_the_state_of_their_course(self, soup):
        course = make_course()
        make_run(course=course)
        make_run(course=course, **open_dates())
        parent = make_index_page()
        make_course_page(course, title="Bread")
        make_course_page(None, title="No course")
        make_course_page(make_course(code="X"), title="Draft page", live=False)
        page = soup(parent.url)

        assert [title.text for title in page.select(".course-card__title")] == ["Bread", "No course"]
        assert "Open for enrollment" in page.select_one(".course-card__state").text

    def test_what_never_closes_is_open(self, soup):
        course = make_run(**{**open_dates(), "enrollment_end": None}).course
        page = make_course_page(course)

        assert soup(page.get_parent().url).select_one(".course-card__state").text.strip() == "Open for enrollment"

    def test_the_number_of_courses_costs_no_queries(self, client):
        parent = make_index_page()
        make_course_page(make_run().course, title="First")
        few = count_queries(client, parent.url)
        for number in range(5):
            make_course_page(make_run(course=make_course(code=f"C{number}")).course, title=f"Course {number}")

        assert count_queries(client, parent.url) == few


def test_an_unknown_address_answers_with_the_site_s_own_page(client):
    make_index_page()
    response = client.get("/nowhere/")

    assert response.status_code == 404
    assert "There is no page at this address." in response.content.decode()


def test_staff_get_the_userbar_and_the_same_policy(client):
    get_user_model().objects.create_superuser("admin", password="admin")
    client.login(username="admin", password="admin")
    response = client.get(make_course_page(make_course()).url)

    assert "wagtail-userbar" in response.content.decode()
    assert "unsafe" not in response["Content-Security-Policy"]
