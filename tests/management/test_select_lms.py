"""``select_lms``: the verdict on a URL, as JSON and as an exit code."""

from __future__ import annotations

import io
import json
from typing import Any

import pytest
from django.core.management import CommandError, call_command

from cms_lms.models import LMSBackend
from tests.factories import make_backend, make_course, make_run

pytestmark = pytest.mark.django_db

URL = "https://lms.example.com/courses/course-v1:edX+DemoX+2024/info"


def run_command(url: str) -> tuple[int, dict[str, Any]]:
    out = io.StringIO()
    try:
        call_command("select_lms", url, stdout=out)
    except CommandError as error:
        return error.returncode, json.loads(out.getvalue() or "null")
    return 0, json.loads(out.getvalue())


def test_the_verdict_names_the_backend_the_ids_and_the_course():
    make_backend(slug="main", name="Main")
    course = make_course(code="DemoX", title="Demonstration")
    status, verdict = run_command("https://LMS.example.com:443/courses/course-v1:edX%2BDemoX%2B2024/info")
    assert status == 0
    assert verdict == {
        "url": "https://LMS.example.com:443/courses/course-v1:edX%2BDemoX%2B2024/info",
        "normalized_url": URL,
        "matched": True,
        "reason": "",
        "backend": {
            "slug": "main",
            "name": "Main",
            "class": "cms_lms.backends.openedx.OpenEdXBackend",
            "js_backend": "openedx-hawthorn",
            "base_url": "https://lms.example.com",
        },
        "course_id": "course-v1:edX+DemoX+2024",
        "js_course_id": "course-v1:edX+DemoX+2024",
        "ids_agree": True,
        "course_key": {"organisation": "edX", "code": "DEMOX"},
        "course": {"id": course.pk, "code": "DEMOX", "title": "Demonstration"},
        "course_run": None,
        "others": [],
    }


def test_the_others_stand_in_their_order_without_the_disabled():
    for slug in ("a", "b", "c", "d"):
        make_backend(slug=slug, is_enabled=slug != "b")
    status, verdict = run_command(URL)
    assert status == 0
    assert verdict["backend"]["slug"] == "a"
    assert [(other["slug"], other["course_id"]) for other in verdict["others"]] == [
        ("c", "course-v1:edX+DemoX+2024"),
        ("d", "course-v1:edX+DemoX+2024"),
    ]


def test_ids_that_differ_are_said_to_differ():
    make_backend(js_course_regex=r"^https://lms\.example\.com/courses/(.*)$")
    status, verdict = run_command(URL)
    assert (status, verdict["ids_agree"]) == (0, False)
    assert verdict["js_course_id"] == "course-v1:edX+DemoX+2024/info"
    assert "different course ids" in verdict["reason"]


def test_a_known_run_names_its_course():
    make_backend()
    run = make_run(resource_link=URL, course=make_course(code="Other"))
    _status, verdict = run_command(URL)
    assert (verdict["course_run"], verdict["course"]["code"]) == (run.pk, "OTHER")


def test_no_match_is_still_json_and_exits_1():
    assert run_command(URL)[0] == 1
    assert run_command(URL)[1]["reason"] == "No LMS backend is enabled."
    make_backend(slug="main")
    status, verdict = run_command("https://elsewhere.example.com/x")
    assert (status, verdict["matched"], verdict["backend"]) == (1, False, None)
    assert verdict["reason"] == "The pattern of no enabled LMS backend matches this URL."


@pytest.mark.parametrize(
    "url", ["", "x", "ftp://a/b", "https://a/\x00", "https://a/\udc80", "https://u@a/", "x" * 3000]
)
def test_a_refused_url_exits_2_in_words(url):
    make_backend()
    with pytest.raises(CommandError, match="This URL is refused: ") as refusal:
        call_command("select_lms", url)
    assert refusal.value.returncode == 2


def test_an_empty_id_is_a_match_without_an_id():
    make_backend(course_regex=r"^https://lms\.example\.com/(?P<course_id>x?)")
    status, verdict = run_command("https://lms.example.com/")
    assert (status, verdict["course_id"], verdict["course_key"]) == (0, None, None)
    assert "no course id" in verdict["reason"]


def test_a_javascript_pattern_that_takes_too_long_is_said_to():
    make_backend(slug="slow")
    LMSBackend.objects.update(js_course_regex=r"^(https(?:(?:[a-z:/.]+)+)+)!$")
    _status, verdict = run_command("https://lms.example.com/courses/" + "a" * 60 + "/info")
    assert (verdict["js_course_id"], verdict["ids_agree"]) == (None, False)
    assert "too long" in verdict["reason"]
