"""The headers of a course page: what the site has set stays."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta

import pytest
from django.http import HttpResponse
from django.template.response import TemplateResponse

from cms_lms.enrollment.headers import AN_ASSET, PageNotes, content_security_policy, secure_course_page

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


def test_static_files_may_be_named_by_their_content(settings, tmp_path):
    """Django's storage refuses to name what it has not collected."""
    settings.STORAGES = {
        **settings.STORAGES,
        "staticfiles": {"BACKEND": "django.contrib.staticfiles.storage.ManifestStaticFilesStorage"},
    }
    settings.STATIC_ROOT, settings.STATIC_URL = str(tmp_path), "https://cdn.example.com/static/"
    manifest = {"paths": {AN_ASSET: "cms_lms/css/enrollment.0123456789ab.css"}, "version": "1.1", "hash": ""}
    (tmp_path / "staticfiles.json").write_text(json.dumps(manifest))

    assert "script-src 'self' https://cdn.example.com;" in content_security_policy()


@pytest.mark.parametrize("policy", [content_security_policy(), content_security_policy(["https://lms.example.com"])])
def test_nothing_unsafe_is_allowed(policy):
    assert "unsafe" not in policy
    assert "*" not in policy


def test_browsers_report_where_the_site_says(settings):
    assert "report-uri" not in content_security_policy()

    settings.CMS_LMS_CSP_REPORT_URI = "/csp-reports/"
    assert content_security_policy().endswith("; report-uri /csp-reports/")


def test_the_first_of_several_changes_counts(rf):
    notes = PageNotes.of(rf.get("/"))
    for offset in (1000, 90, 300):
        notes.add_change(NOW + timedelta(seconds=offset))
    notes.add_change(None)

    assert notes.next_change == NOW + timedelta(seconds=90)
