"""Warnings about patterns that work."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cms_lms.patterns.course_regex import compile_course_regex, pattern_warnings
from cms_lms.patterns.errors import InvalidPattern
from tests.patterns.real_patterns import REAL_PATTERNS
from tests.patterns.test_course_regex import FRAGMENTS


@pytest.mark.parametrize(
    ("pattern", "expected"),
    [
        (r"^https://lms\.example\.com/(?P<course_id>[^/]+)/?$", []),
        (r"\Ahttps://lms\.example\.com/(?P<course_id>[^/]+)", []),
        (r"(?i)^https://LMS[.]example\.com/(?P<course_id>[^/]+)", []),
        (r"^https://[^/]+/a.*b/(?P<course_id>\d+)", []),
        (r"^https://h/(?P<course_id>.{1,20}?)/", []),
        (r"^https://h/(?P<course_id>.*?)/", []),
        (r"https://h/(?P<course_id>\d+)", [("not_anchored", 0)]),
        (r"^https://h/(?P<course_id>\d+)|https://i/", [("not_anchored", 0)]),
        (r"^https://lms.example.com/(?P<course_id>\d+)", [("unescaped_dot", 12)]),
        (r"^https://h/view.php\?id=(?P<course_id>\d+)", [("unescaped_dot", 15)]),
        (r"^https://h/v1.0/(?P<course_id>\d+)", [("unescaped_dot", 13)]),
        (r"^https://h/(?P<course_id>.*)/info", [("greedy_id", 25)]),
        (r"^https://h/(?P<course_id>(?:a|.+))/info", [("greedy_id", 30)]),
        (r"^https://h/(?P<course_id>.{2,})/info", [("greedy_id", 25)]),
        (r"^.*/courses/(?P<course_id>[^/]+)", [("any_host", 1)]),
        (r".+/courses/(?P<course_id>[^/]+)", [("not_anchored", 0), ("any_host", 0)]),
        (r"^https://LMS\.example\.com/(?P<course_id>\d+)", [("upper_case_host", 9)]),
        (r"^https://h/Courses/(?P<course_id>\d+)", []),
        (
            r"https://L.a/(?P<course_id>.+)",
            [("not_anchored", 0), ("upper_case_host", 8), ("unescaped_dot", 9), ("greedy_id", 26)],
        ),
    ],
)
def test_warnings(pattern, expected):
    compile_course_regex(pattern)
    warnings = pattern_warnings(pattern)
    assert [(warning.code, warning.position) for warning in warnings] == expected
    for warning in warnings:
        assert "%(" not in str(warning.message)
        assert warning.code == "not_anchored" or f"position {warning.position + 1} " in str(warning)


def test_real_patterns_are_clean_but_for_the_careless():
    codes = [{warning.code for warning in pattern_warnings(real.pattern)} for real in REAL_PATTERNS]
    assert codes == [
        set(),
        {"any_host", "greedy_id"},
        {"not_anchored"},
        set(),
        set(),
        set(),
        set(),
        {"not_anchored"},
        set(),
    ]


@given(st.lists(FRAGMENTS, max_size=25).map("(?P<course_id>a){}".format))
def test_any_valid_pattern_can_be_looked_at(pattern):
    try:
        compile_course_regex(pattern)
    except InvalidPattern:
        return
    pattern_warnings(pattern)
