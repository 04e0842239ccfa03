"""Sample URLs against both patterns."""

import pytest

from cms_lms.patterns.course_regex import compile_course_regex
from cms_lms.patterns.derive import derive_javascript_pattern
from cms_lms.patterns.javascript import compile_javascript_regex
from cms_lms.patterns.samples import check_samples
from tests.patterns.real_patterns import REAL_PATTERNS

COURSE_REGEX = compile_course_regex(r"^https://lms\.example\.com/courses/(?P<course_id>[^/]+)/info$")
JS_PATTERN = r"^https://lms\.example\.com/courses/([^/]+)/info$"
SAMPLE = "https://LMS.example.com/courses/a%2Bb/info"


def problems(js_pattern, sample_urls=(), rejected_urls=()):
    js_regex = compile_javascript_regex(js_pattern)
    return [
        (problem.field, problem.url, problem.code, str(problem.message))
        for problem in check_samples(COURSE_REGEX, js_regex, sample_urls, rejected_urls)
    ]


@pytest.mark.parametrize("real", REAL_PATTERNS)
def test_real_patterns_agree_with_their_samples(real):
    course_regex = compile_course_regex(real.pattern, real.groups)
    js_regex = compile_javascript_regex(derive_javascript_pattern(real.pattern, real.groups))
    matching = [url for url, course_id in real.ids.items() if course_id]
    others = [url for url, course_id in real.ids.items() if not course_id]
    assert check_samples(course_regex, js_regex, matching, others) == []
    assert len(check_samples(course_regex, js_regex, others, matching)) == len(real.ids)


def test_samples_that_agree():
    assert problems(JS_PATTERN, [SAMPLE], ["https://other.example.com/", "no URL", "https://h/\x00"]) == []


def test_no_javascript_pattern_to_compare():
    assert check_samples(COURSE_REGEX, None, [SAMPLE], ["https://other.example.com/"]) == []


@pytest.mark.parametrize(
    ("js_pattern", "url", "code", "message"),
    [
        (
            JS_PATTERN,
            "https://lms.example.com/x",
            "not_matched",
            "The Python pattern finds no course id in https://lms.example.com/x.",
        ),
        (
            "^(x)",
            SAMPLE,
            "js_not_matched",
            "The Python pattern extracts “a+b” from https://lms.example.com/courses/a+b/info, "
            "the JavaScript pattern nothing.",
        ),
        (
            "courses/(.*)",
            SAMPLE,
            "different_ids",
            "The Python pattern extracts “a+b” from https://lms.example.com/courses/a+b/info, "
            "the JavaScript pattern “a+b/info”.",
        ),
        (JS_PATTERN, "lms", "scheme", "lms: The URL must start with https:// or http://."),
    ],
)
def test_samples_that_do_not(js_pattern, url, code, message):
    assert problems(js_pattern, [SAMPLE] if js_pattern == JS_PATTERN else [], []) == []
    assert problems(js_pattern, [url]) == [("sample_urls", url, code, message)]


def test_rejected_urls_that_match():
    assert problems(JS_PATTERN, [], [SAMPLE]) == [
        (
            "rejected_urls",
            SAMPLE,
            "matched",
            "The Python pattern must not match https://lms.example.com/courses/a+b/info, but extracts “a+b”.",
        )
    ]
    url = "https://evil.example/?https://lms.example.com/courses/a/info"
    assert problems("courses/([^/]+)", [], [url]) == [
        ("rejected_urls", url, "js_matched", f"The JavaScript pattern must not match {url}, but extracts “a”.")
    ]


def test_javascript_that_takes_too_long():
    slow = "^(?:(?:.*)*)*(x)$"
    url = "https://lms.example.com/courses/" + "a" * 1000 + "/info"
    rejected = url + "/"
    assert [problem[:3] for problem in problems(slow, [url], [rejected])] == [
        ("sample_urls", url, "too_slow"),
        ("rejected_urls", rejected, "too_slow"),
    ]


def test_every_problem_is_told():
    found = problems(JS_PATTERN, ["x", SAMPLE, "https://y"], [SAMPLE, "z"])
    assert [problem[1:3] for problem in found] == [("x", "scheme"), ("https://y", "not_matched"), (SAMPLE, "matched")]
