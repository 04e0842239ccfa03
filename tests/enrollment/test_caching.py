"""What caches are told of course pages: one copy for everybody while it is true, and none of anybody's own."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta

import pytest
from django.contrib.auth.models import Group
from django.contrib.messages import get_messages
from django.contrib.messages.storage import default_storage
from django.http import HttpResponse, HttpResponseRedirect, StreamingHttpResponse
from django.middleware.csrf import get_token
from django.urls import include, path
from django.utils import timezone
from wagtail import urls as wagtail_urls
from wagtail.models import PageViewRestriction

from cms_lms.enrollment.caching import page_etag, shared_seconds, tell_caches
from cms_lms.enrollment.headers import PageNotes, secure_course_page
from cms_lms.models import CourseRun
from tests.catalog.makers import make_course_page, make_index_page
from tests.factories import make_backend, make_run

urlpatterns = [path("", include("cms_lms.urls")), path("", include(wagtail_urls))]

NOW = datetime(2026, 11, 23, 12, tzinfo=UTC)
PRIVATE = {"private", "no-store"}

#: What a learner brings: the cookies of her LMS, and of whatever else shares the domain.
LEARNER_COOKIES = {"edx_session": "1", "csrftoken": "2", "edx-user-info": "{}", "cms_lms_csrf": "a" * 32}


def directives(response) -> set[str]:
    return set(re.split(r",\s*", response.get("Cache-Control", "")))


def told(request, response=None, *, change=None):
    return tell_caches(request, response or HttpResponse("<p>A page.</p>"), next_change=change, now=NOW)


@pytest.fixture
def page(db):
    """A course page with a run that can be enrolled in, below an index page."""
    backend = make_backend(
        base_url="https://lms.example.com", course_regex=r"^https://lms\.example\.com/(?P<course_id>.+)$"
    )
    now = timezone.now()
    run = make_run(
        resource_link=f"{backend.base_url}/C1",
        start=now + timedelta(days=20),
        end=now + timedelta(days=40),
        enrollment_start=now - timedelta(days=1),
        enrollment_end=now + timedelta(days=10),
    )
    return make_course_page(run.course, parent=make_index_page())


class TestSharedSeconds:
    """A shared cache lets go of a page before what it says ceases to be true."""

    @pytest.mark.parametrize(
        ("left", "seconds"),
        [(None, 300), (3600, 300), (302, 300), (301.9, 299), (60, 58), (2.9, 0), (2, 0), (0.5, 0), (-5, 0)],
    )
    def test_end_with_a_margin_before_the_change(self, left, seconds):
        change = None if left is None else NOW + timedelta(seconds=left)

        assert shared_seconds(change, now=NOW) == seconds

    @pytest.mark.parametrize("rendered", [0, 0.05, 0.5, 0.999])
    @pytest.mark.parametrize("travelled", [0, 0.2, 0.9])
    def test_a_cache_that_counts_whole_seconds_is_not_late_either(self, rendered, travelled):
        now, change = NOW + timedelta(seconds=rendered), NOW + timedelta(seconds=10)
        arrival = int(rendered + travelled)  # as nginx's clock says
        last_fresh_second = arrival + shared_seconds(change, now=now)

        assert last_fresh_second + 1 <= 10

    @pytest.mark.parametrize(("longest", "seconds"), [(0, 0), (10, 10), (86400, 3598)])
    def test_are_limited_by_the_setting(self, settings, longest, seconds):
        settings.CMS_LMS_PAGE_CACHE_SECONDS = longest

        assert shared_seconds(NOW + timedelta(hours=1), now=NOW) == seconds


class TestPagesForEverybody:
    def test_are_kept_by_shared_caches_and_asked_about_by_browsers(self, client, page):
        client.cookies.load(LEARNER_COOKIES)
        for url in (page.url, page.get_parent().url):
            response = client.get(url)

            assert directives(response) == {"public", "max-age=0", "must-revalidate", "s-maxage=300"}
            assert "Vary" not in response
            assert not response.cookies
            assert "wagtail-userbar" not in response.content.decode()

    def test_do_not_read_the_session(self, client, page):
        def fail(request):
            raise AssertionError("The session was read.")

        client.get(page.url)
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr("django.contrib.auth.middleware.get_user", fail)
            patch.setattr("django.contrib.sessions.backends.db.SessionStore.load", fail)
            assert client.get(page.url).status_code == client.get(page.get_parent().url).status_code == 200

    def test_are_let_go_of_when_a_run_changes_its_state(self, client, page):
        make_run(course=page.course, start=timezone.now() + timedelta(seconds=90))
        for url in (page.url, page.get_parent().url):
            (seconds,) = re.findall(r"s-maxage=(\d+)", client.get(url)["Cache-Control"])

            assert 0 < int(seconds) <= 88

    def test_are_not_kept_without_asking_where_the_site_says_so(self, client, page, settings):
        settings.CMS_LMS_PAGE_CACHE_SECONDS = 0

        assert directives(client.get(page.url)) == {"public", "max-age=0", "must-revalidate", "s-maxage=0"}

    def test_are_known_again(self, client, page):
        for url in (page.url, page.get_parent().url):
            first = client.get(url)
            again = client.get(url, headers={"If-None-Match": first["ETag"]})

            assert first["ETag"].startswith('W/"')
            assert (again.status_code, again.content) == (304, b"")
            assert again["ETag"] == first["ETag"]
            assert "s-maxage" in again["Cache-Control"]
            assert again.get("Vary") == first.get("Vary")
            assert client.head(url)["ETag"] == first["ETag"]

    def test_are_other_pages_once_they_say_something_else(self, client, page):
        before = client.get(page.url)
        assert b"data-now" in before.content
        run = CourseRun.objects.get(course=page.course)
        run.enrollment_end = timezone.now() - timedelta(hours=1)
        run.save()
        after = client.get(page.url, headers={"If-None-Match": before["ETag"]})

        assert after.status_code == 200
        assert after["ETag"] != before["ETag"]

    @pytest.mark.parametrize(("left", "longest", "status"), [(3, 300, 304), (2, 300, 200), (2, 0, 304)])
    def test_are_sent_anew_where_no_time_is_left(self, rf, settings, left, longest, status):
        """From a 304 without a lifetime nginx would go on with that of the copy it has, past the change."""
        settings.CMS_LMS_PAGE_CACHE_SECONDS = longest

        assert (
            told(rf.get("/", headers={"If-None-Match": "*"}), change=NOW + timedelta(seconds=left)).status_code
            == status
        )

    @pytest.mark.parametrize("header", ["*, W/", '"', 'W/"\x00', "x" * 5000, 'W/"a", "b"'])
    def test_survive_any_header(self, client, page, header):
        for name in ("If-None-Match", "If-Match", "If-Modified-Since", "Range"):
            assert client.get(page.url, headers={name: header}).status_code in (200, 304, 412)

    def test_speak_the_language_of_the_reader(self, client, page, settings):
        """Where the site's addresses have no language."""
        settings.ROOT_URLCONF = __name__
        tags = {code: client.get(page.url, headers={"Accept-Language": code})["ETag"] for code in ("en", "fr")}

        assert tags["en"] != tags["fr"]


class TestPagesOfSomebody:
    def test_are_never_kept(self, admin_client, page):
        for url in (page.url, page.get_parent().url):
            response = admin_client.get(url, headers={"If-None-Match": "*"})

            assert directives(response) == PRIVATE
            assert response.status_code == 200
            assert "ETag" not in response
            assert "wagtail-userbar" in response.content.decode()

    def test_a_session_that_is_over_is_one_all_the_same(self, client, page, settings):
        client.cookies[settings.SESSION_COOKIE_NAME] = "long gone"

        assert directives(client.get(page.url)) == PRIVATE

    @pytest.mark.parametrize(
        "kind", [PageViewRestriction.LOGIN, PageViewRestriction.GROUPS, PageViewRestriction.PASSWORD]
    )
    @pytest.mark.parametrize("inherited", [False, True])
    def test_nor_are_pages_that_not_everybody_may_see(self, client, admin_client, page, kind, inherited):
        restriction = PageViewRestriction.objects.create(
            page=page.get_parent() if inherited else page, restriction_type=kind, password="guess"
        )
        restriction.groups.add(Group.objects.create(name="Learners"))
        refused = client.get(page.url)
        session = admin_client.session
        session[PageViewRestriction.passed_view_restrictions_session_key] = [restriction.pk]
        session.save()
        shown = admin_client.get(page.url)

        assert refused.status_code == (200 if kind == PageViewRestriction.PASSWORD else 302)
        assert "lms-enrollment" in shown.content.decode()
        for response in (refused, shown):
            assert directives(response) >= PRIVATE
            assert "public" not in directives(response)
            assert "ETag" not in response

    def test_nor_what_only_this_response_shows_to_be_restricted(self, rf):
        """Wagtail marks the page when ``serve()`` has returned, before it is rendered."""
        response = told(rf.get("/"), HttpResponse(headers={"Cache-Control": "max-age=0, no-cache, no-store, private"}))

        assert response["Cache-Control"] == "max-age=0, no-cache, no-store, private"
        assert "ETag" not in response

    def test_nor_previews(self, page, rf):
        for shown in (page, page.get_parent().specific):
            response = shown.make_preview_request(rf.get("/admin/"))

            assert directives(response) == PRIVATE

    def test_nor_what_a_form_s_token_is_on(self, rf):
        request = rf.get("/")
        get_token(request)

        assert directives(told(request)) == PRIVATE

    def test_nor_what_sets_a_cookie(self, rf):
        response = HttpResponse()
        response.set_cookie("choice", "1")

        assert directives(told(rf.get("/"), response)) == PRIVATE

    def test_nor_answers_to_forms(self, rf):
        assert directives(told(rf.post("/"))) == PRIVATE

    def test_nor_what_stands_behind_a_password(self, rf):
        assert directives(told(rf.get("/", headers={"Authorization": "Basic eDp5"}))) == PRIVATE

    def test_nor_messages(self, rf):
        def request_with_message():
            request = rf.get("/")
            request.COOKIES["messages"] = "…"
            request.session = None
            request._messages = default_storage(request)
            return request

        unread, read = request_with_message(), request_with_message()
        list(get_messages(read))

        assert directives(told(unread)) != PRIVATE
        assert directives(told(read)) == PRIVATE

    def test_nor_a_language_that_was_chosen_by_a_cookie(self, client, page, settings):
        client.cookies["django_language"] = "fr"
        by_address = client.get(page.url)
        settings.ROOT_URLCONF = "tests.catalog.flat_urls"
        by_cookie = client.get(page.url)

        assert (by_address["Content-Language"], by_cookie["Content-Language"]) == ("en", "fr")
        assert "public" in directives(by_address)
        assert directives(by_cookie) == PRIVATE


class TestWhatTheSiteHasSet:
    def test_stays(self, rf):
        response = told(rf.get("/"), HttpResponse(headers={"Cache-Control": "max-age=30", "ETag": '"mine"'}))

        assert (response["Cache-Control"], response["ETag"]) == ("max-age=30", '"mine"')

    def test_but_does_not_outlive_the_truth(self, rf):
        response = HttpResponse(headers={"Cache-Control": 'public, max-age="3600", s-maxage=86400'})
        told(rf.get("/"), response, change=NOW + timedelta(seconds=62))

        assert response["Cache-Control"] == "public, max-age=60, s-maxage=60"

    def test_nor_shows_others_what_is_somebody_s_own(self, rf, settings):
        request = rf.get("/")
        request.COOKIES[settings.SESSION_COOKIE_NAME] = "1"
        response = told(request, HttpResponse(headers={"Cache-Control": "public, max-age=3600"}))

        assert directives(response) >= PRIVATE
        assert "public" not in directives(response)

    @pytest.mark.parametrize(
        "response", [HttpResponseRedirect("/"), HttpResponse(status=404), StreamingHttpResponse(iter([b""]))]
    )
    def test_what_is_no_page_is_left_alone(self, rf, response):
        told(rf.get("/"), response)

        assert "Cache-Control" not in response
        assert "ETag" not in response


def test_a_page_of_the_site_s_own_kind_is_told_of_too(rf):
    """A view or page model that renders at once, or has no middleware about it."""
    request = rf.get("/")
    PageNotes.of(request).add_change(timezone.now() + timedelta(seconds=62))
    first = secure_course_page(request, HttpResponse("<p>A page.</p>"))
    again = secure_course_page(rf.get("/", headers={"If-None-Match": first["ETag"]}), HttpResponse("<p>A page.</p>"))

    assert re.search(r"public, max-age=0, must-revalidate, s-maxage=(59|60)$", first["Cache-Control"])
    assert again.status_code == 304


def test_the_moment_of_rendering_makes_no_new_page():
    one, other = b'<a data-now="2026-11-23T12:00:00+00:00">', b"<a data-now='2026-11-24T12:00:00+00:00'>"

    assert page_etag(one) == page_etag(other)
    assert page_etag(one) != page_etag(one + b"<b>")
