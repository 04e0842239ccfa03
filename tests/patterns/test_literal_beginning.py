"""The literal beginnings of patterns, and where a URL departs from them."""

from __future__ import annotations

import pytest
from hypothesis import HealthCheck, given, settings

from cms_lms.patterns.course_regex import compile_course_regex
from cms_lms.patterns.errors import InvalidPattern
from cms_lms.patterns.literal_beginning import first_difference, literal_beginnings
from cms_lms.patterns.presets import PRESETS
from tests.patterns.real_patterns import REAL_PATTERNS
from tests.patterns.test_agreement import pairs


def texts(pattern: str) -> list[str]:
    return [beginning.text for beginning in literal_beginnings(pattern)]


@pytest.mark.parametrize(
    ("pattern", "expected", "rest"),
    [
        (r"^https://lms\.example\.com/(?P<course_id>[^/]+)$", ["https://lms.example.com/"], "[^/]+)$"),
        (r"\Ahttps?://a/(?P<course_id>\d)", ["http://a/", "https://a/"], r"\d)"),
        (r"https://(?:a|b)\.example/(?P<course_id>.+)", ["https://a.example/", "https://b.example/"], ".+)"),
        (r"https://a/(?P<course_id>(?:course|ccx)-v1:.*)", ["https://a/course-v1:", "https://a/ccx-v1:"], ".*)"),
        (r"https://a(?:/moodle)?/(?P<course_id>.+)", ["https://a/", "https://a/moodle/"], ".+)"),
        (r"https://[ab]/(?P<course_id>.+)", ["https://a/", "https://b/"], ".+)"),
        (r"https://[a-c]/(?P<course_id>.+)", ["https://"], "[a-c]/(?P<course_id>.+)"),
        (r"https://[^a]/(?P<course_id>.+)", ["https://"], "[^a]/(?P<course_id>.+)"),
        (r"https://a{3}/(?P<course_id>.+)", ["https://aaa/"], ".+)"),
        (r"https://a+/(?P<course_id>.+)", ["https://a"], "a+/(?P<course_id>.+)"),
        (r"https://a*/(?P<course_id>.+)", ["https://"], "a*/(?P<course_id>.+)"),
        (r"https://\x61\-/(?P<course_id>.+)", ["https://a-/"], ".+)"),
        (r"https://(?i:A)/(?P<course_id>.+)", ["https://"], "(?i:A)/(?P<course_id>.+)"),
        (r"^.*/courses/(?P<course_id>.*)", [""], ".*/courses/(?P<course_id>.*)"),
    ],
)
def test_what_is_fixed_at_the_beginning(pattern, expected, rest):
    assert texts(pattern) == expected
    assert {beginning.rest for beginning in literal_beginnings(pattern)} == {rest}


@pytest.mark.parametrize(
    "pattern",
    [
        "(?:a|b)" * 40,
        "|".join(["abc"] * 300),
        "|".join(map(str, range(300))),
        "(?:(?:(?:a{9}){9}){9}){9}",
        "(?:a?){900}",
        "[abcd]" * 100,
        "",
        "(?:)",
        "a||b",
        # Not valid, and yet no reason to fail.
        "(",
        ")",
        "(?P<course_id>",
        "[",
        "a)b",
        "\\",
    ],
)
def test_there_are_never_many_and_never_long_ones(pattern):
    assert 1 <= len(texts(pattern)) <= 32
    assert max(map(len, texts(pattern))) <= 2000


@pytest.mark.parametrize("real", REAL_PATTERNS, ids=lambda real: real.pattern[:40])
def test_what_matches_has_a_beginning_from_end_to_end(real):
    regex = compile_course_regex(real.pattern, real.groups)
    matching = [url for url in real.ids if regex.matches(url)]
    assert matching
    for url in matching:
        difference = first_difference(literal_beginnings(real.pattern), url)
        assert difference.expected == ()
        assert url.startswith(difference.common)


@pytest.mark.parametrize("make", PRESETS.values(), ids=PRESETS)
def test_presets_begin_with_the_address_of_their_lms(make):
    for preset in make("https://lms.example.com"):
        assert all("lms.example.com" in text or "learning.example.com" in text for text in texts(preset.pattern))


@pytest.mark.parametrize(
    ("pattern", "url", "common", "expected", "found"),
    [
        (r"^https://lms\.a/(?P<course_id>.+)", "https://lsm.a/x", "https://l", ("m",), "s"),
        (r"^https://lms\.a/(?P<course_id>.+)", "http://lms.a/x", "http", ("s",), ":"),
        (r"^https?://lms\.a/(?P<course_id>.+)", "http://lns.a/x", "http://l", ("m",), "n"),
        (r"^https://(?:a|b)\.c/(?P<course_id>.+)", "https://x.c/", "https://", ("a", "b"), "x"),
        (r"^https://a/courses/(?P<course_id>.+)", "https://a/cour", "https://a/cour", ("s",), ""),
        (r"^https://a/(?P<course_id>\d+)", "https://a/x", "https://a/", (), "x"),
        (r"^https://a/(?:courses/)?(?P<course_id>\d+)", "https://a/x", "https://a/", (), "x"),
        (r"(?i)^HTTPS://A/(?P<course_id>\d+)", "https://a/x", "https://a/", (), "x"),
        (r"(?i)^HTTPS://A/(?P<course_id>\d+)", "https://İ/x", "https://", ("A",), "İ"),
        (r"(?i)^https://k/(?P<course_id>\d+)", "https://\u212a/x", "https://", ("k",), "\u212a"),
        (r"^https://a/é(?P<course_id>\d+)", "https://a/e1", "https://a/", ("é",), "e"),
    ],
)
def test_the_first_character_that_differs(pattern, url, common, expected, found):
    difference = first_difference(literal_beginnings(pattern), url)
    assert (difference.common, difference.expected, difference.found) == (common, expected, found)
    assert difference.position == len(common) + 1
    assert difference.common + difference.found_text == url


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(pairs())
def test_whatever_matches_begins_as_it_must(pair):
    pattern, texts = pair
    try:
        regex = compile_course_regex(pattern)
    except InvalidPattern:
        return
    for text in texts:
        if regex.matches(text):
            assert any(
                # One beginning alone: it is there from end to end, or it is not.
                first_difference([beginning], text).expected == ()
                for beginning in literal_beginnings(pattern)
            )
