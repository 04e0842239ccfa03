"""The headers of a course page: what the site has set stays, and caches let go of it in time."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from django.http import HttpResponse
from django.template.response import TemplateResponse
from django.utils import timezone

from cms_lms.enrollment.headers import PageNotes, content_security_policy, secure_course_page
from tests.catalog.makers import make_course_page, make_index_page
from tests.factories import make_run

NOW = datetime(2026, 11, 23, 12, tzinfo=UTC)


def test_the_site_s_own_headers_stay(rf):
    response = HttpResponse(headers={"Content-Security-Policy": "default-src *", "Referrer-Policy": "origin"})
    secured = secure_course_page(rf.get("/"), response)

    assert secured["Content-Security-Policy"] == "default-src *"
    assert secured["Referrer-Policy"] == "origin"


def test_a_plain_response_gets_them_at_once(rf):
    assert "frame-ancestors 'self'" in secure_course_page(rf.get("/"), HttpResponse())["Content-Security-Policy"]


def test_a_template_response_gets_them_once_it_is_rendered(rf):
    request = rf.get("/")
    response = secure_course_page(request, TemplateResponse(request, "cms_lms/enrollment/media.html"))
    assert "Content-Security-Policy" not in response
    PageNotes.of(request).origins.add("https://lms.example.com")
    response.render()

    assert "connect-src 'self' https://lms.example.com;" in response["Content-Security-Policy"]


def test_static_files_may_stand_on_another_host(settings):
    settings.STATIC_URL = "https://cdn.example.com/static/"
    policy = content_security_policy()

    assert "script-src 'self' https://cdn.example.com;" in policy
    assert "connect-src 'self';" in policy


@pytest.mark.parametrize("policy", [content_security_policy(), content_security_policy(["https://lms.example.com"])])
def test_nothing_unsafe_is_allowed(policy):
    assert "unsafe" not in policy
    assert "*" not in policy


class TestLifetime:
    """A cached page must not outlive what it says."""

    @pytest.mark.parametrize(
        ("seconds", "cache_control"),
        [([90.7, 1000], "max-age=90"), ([0.2], "max-age=0"), ([-5], "max-age=0"), ([3600], None), ([], None)],
    )
    def test_it_ends_at_the_next_change_of_state(self, rf, seconds, cache_control):
        request = rf.get("/")
        for offset in seconds:
            PageNotes.of(request).add_change(NOW + timedelta(seconds=offset), now=NOW)

        assert secure_course_page(request, HttpResponse()).get("Cache-Control") == cache_control

    def test_a_shorter_one_stays(self, rf):
        request = rf.get("/")
        PageNotes.of(request).add_change(NOW + timedelta(seconds=90), now=NOW)
        response = secure_course_page(request, HttpResponse(headers={"Cache-Control": "max-age=30"}))

        assert response["Cache-Control"] == "max-age=30"

    @pytest.mark.django_db
    def test_pages_of_both_kinds_have_it(self, client, admin_client):
        run = make_run(start=timezone.now() + timedelta(minutes=10))
        page = make_course_page(run.course, parent=make_index_page())

        for url in (page.url, page.get_parent().url):
            assert 0 < int(client.get(url)["Cache-Control"].removeprefix("max-age=")) <= 600
            assert "Cache-Control" not in admin_client.get(url)
