"""Testing many URLs: order, refusals, the nearest backends, the candidate, and how much is asked of the database."""

from __future__ import annotations

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from cms_lms.matching.handler import LMSHandler
from cms_lms.matching.url_test import derived_pattern, nearest_backends, run_tests, typed_configuration
from cms_lms.models import LMSBackend
from tests.factories import OPENEDX, course_regex, make_backend, make_course, make_run

pytestmark = pytest.mark.django_db


def link(host: str, number: int = 1) -> str:
    return f"https://{host}/courses/course-v1:edX+DemoX+{number}/info"


def run(*urls: str):
    return run_tests(urls, LMSHandler.configuration())


def names(backends) -> list[str]:
    return [backend.config.name for backend in backends]


def nearest(url: str, count: int = 3) -> list[str]:
    return names(miss.backend for miss in nearest_backends(url, LMSHandler.configuration().backends, count))


def test_results_stand_in_the_order_of_the_urls_twice_where_they_are_twice():
    make_backend(name="Campus")
    urls = [link("lms.example.com"), "rubbish", link("elsewhere.org"), link("lms.example.com")]
    tests = run(*urls)
    assert [test.url for test in tests] == urls
    assert [test.is_match for test in tests] == [True, False, False, True]
    assert [bool(test.refusal) for test in tests] == [False, True, False, False]
    assert [names(near.backend for near in test.nearest) for test in tests] == [[], [], ["Campus"], []]


def test_the_number_of_queries_does_not_grow_with_the_urls():
    make_backend()
    course = make_course()
    runs = [make_run(course=course, resource_link=link("lms.example.com", number)) for number in range(20)]
    urls = [run.resource_link for run in runs] + [link("elsewhere.org", number) for number in range(20)]
    LMSHandler.configuration()
    with CaptureQueriesContext(connection) as few:
        [test] = run(urls[0])
    with CaptureQueriesContext(connection) as many:
        tests = run(*urls)
    assert len(many) == len(few) <= 3
    assert [test.verdict.run for test in tests[:20]] == runs
    assert test.verdict.course == course


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        (link("lms.exomple.com"), "Campus"),
        (link("partner.example.org"), "Partners"),
        ("https://lms.example.com/course/x/info", "Campus"),
        # The scheme is the commonest difference, and counts least.
        ("http://lms.example.com/courses/x/info", "Campus"),
        # Nothing in common from the start, but the words.
        (link("xlms.partners.example.org"), "Partners"),
    ],
)
def test_the_nearest_come_first(url, expected):
    make_backend(name="Zulu", course_regex=course_regex("zulu.net"))
    make_backend(name="Campus", course_regex=course_regex("lms.example.com"))
    make_backend(name="Partners", course_regex=course_regex("partners.example.org"))
    assert nearest(url)[0] == expected
    assert sorted(nearest(url)) == ["Campus", "Partners", "Zulu"]
    assert nearest(url, 2) == nearest(url)[:2]


def test_equally_near_ones_come_in_the_editors_order_and_each_once():
    for name in ("First", "Second", "Third", "Fourth"):
        make_backend(name=name, course_regex=r"^https?://(?:www\.)?lms\.net/(?P<course_id>.+)$")
    assert nearest("https://zzz.org/") == ["First", "Second", "Third"]
    assert nearest("https://zzz.org/", 9) == ["First", "Second", "Third", "Fourth"]


def test_the_first_difference_of_the_nearest():
    make_backend(name="Campus")
    [test] = run(link("lms.exomple.com"))
    [near] = test.nearest
    assert (near.difference.position, near.difference.expected, near.difference.found) == (15, ("a",), "o")
    assert near.difference.common == "https://lms.ex"


def test_slow_javascript_patterns_share_their_time():
    make_backend()
    LMSBackend.objects.update(js_course_regex=r"^(https(?:(?:[a-z:/.]+)+)+)!$")
    tests = run(*(link("lms.example.com", number).replace("DemoX", "a" * 60) for number in range(40)))
    problems = [str(test.verdict.js_problem) for test in tests]
    assert "too long or too much memory" in problems[0]
    assert problems[-1].startswith("Not tried")
    assert tests[-1].verdict.ids_agree is None
    assert tests[-1].verdict.course_id


def typed(pk: int | None = None, **values) -> LMSBackend:
    record = LMSBackend.objects.get(pk=pk) if pk else LMSBackend(base_url="https://lms.example.com", backend=OPENEDX)
    for name, value in values.items():
        setattr(record, name, value)
    return record


def test_a_new_backend_is_tested_in_the_last_place():
    make_backend(name="Campus")
    found = typed_configuration(typed(name="Mine", course_regex=course_regex("lms.example.com")))
    [test] = run_tests([link("lms.example.com")], found.configuration, found.backend)
    assert names([test.verdict.backend, *test.verdict.others]) == ["Campus", "Mine"]
    assert found.problems == {}
    assert test.candidate_miss is None


def test_a_stored_backend_is_tested_in_its_place_with_its_typed_values_enabled():
    mine = make_backend(name="Mine", is_enabled=False)
    make_backend(name="Campus")
    found = typed_configuration(typed(mine.pk, course_regex=course_regex("new.example.com"), name="Typed"))
    tests = run_tests([link("new.example.com"), link("lms.example.com")], found.configuration, found.backend)
    assert [test.verdict.backend.config.name for test in tests] == ["Typed", "Campus"]
    assert tests[1].candidate_miss.found == "l"
    mine.refresh_from_db()
    assert (mine.is_enabled, mine.name) == (False, "Mine")


@pytest.mark.parametrize(
    ("values", "field"),
    [
        ({"course_regex": "(?=x)"}, "course_regex"),
        ({"course_regex": "a" * 100_000}, "course_regex"),
        ({"course_regex": "\udc80"}, "course_regex"),
        ({"backend": "unknown.Backend"}, "backend"),
    ],
)
def test_what_cannot_take_part_leaves_the_others_to_themselves(values, field):
    make_backend(name="Campus")
    found = typed_configuration(typed(**{"course_regex": course_regex("lms.example.com"), **values}))
    assert field in found.problems
    assert found.backend is None
    assert names(found.configuration.match(link("lms.example.com"))) == ["Campus"]


@pytest.mark.parametrize("values", [{"course_regex": ""}, {"backend": ""}])
def test_what_is_not_there_yet_is_no_problem(values):
    found = typed_configuration(typed(**{"course_regex": course_regex("lms.example.com"), **values}))
    assert (found.backend, found.problems) == (None, {})


def test_a_javascript_pattern_that_cannot_be_used_leaves_the_python_one():
    found = typed_configuration(typed(course_regex=course_regex("lms.example.com"), js_course_regex="("))
    [test] = run_tests([link("lms.example.com")], found.configuration, found.backend)
    assert list(found.problems) == ["js_course_regex"]
    assert (test.verdict.course_id, test.verdict.ids_agree) == ("course-v1:edX+DemoX+1", None)


def test_deriving_says_the_pattern_or_the_reason():
    assert derived_pattern(OPENEDX, r"^https://a/(?P<course_id>\d+)$").pattern == r"^https://a/(\d+)$"
    assert "look" in str(derived_pattern(OPENEDX, "(?=x)").reason).lower()
    assert not derived_pattern(OPENEDX, "").reason
    assert not derived_pattern("unknown.Backend", "x").reason
