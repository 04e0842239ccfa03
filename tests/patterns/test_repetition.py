"""Repetitions that engines disagree about."""

import pytest

from cms_lms.patterns.course_regex import compile_course_regex
from cms_lms.patterns.errors import InvalidPattern
from tests.patterns.real_patterns import JOANIE_GROUPS


@pytest.mark.parametrize(
    ("pattern", "code", "position"),
    [
        # On "a" RE2 takes nothing, JavaScript the letter.
        ("(?P<course_id>(?:|a)?)", "empty_repetition", 20),
        ("(?P<course_id>|a)?", "empty_repetition", 17),
        # The same with Python's re for the odd one out.
        (r"(?P<course_id>(?:\S??)+)$", "empty_repetition", 22),
        ("(?:a*)*(?P<course_id>b)", "empty_repetition", 6),
        ("(?:a?b{0}){1,2}(?P<course_id>c)", "empty_repetition", 10),
        ("(a*|b)+?(?P<course_id>c)", "empty_repetition", 6),
        ("(b|(?:c|a*))+(?P<course_id>c)", "empty_repetition", 12),
        (r"^(?:\b)?(?P<course_id>c)", "empty_repetition", 7),
        ("(?P<course_id>c)(?:/|$)?", "empty_repetition", 23),
        # On "ab" JavaScript has forgotten the letter a, the others have not.
        ("(?:(?P<course_id>a)|b)*", "repeated_group", 22),
        ("(?P<course_id>[^/])+", "repeated_group", 19),
        ("(?P<course_id>a){2}", "repeated_group", 16),
        ("(?P<course_id>a){0}", "repeated_group", 16),
        ("(?:x(?:(?P<course_id>a)){1,})?", "repeated_group", 24),
    ],
)
def test_refused(pattern, code, position):
    with pytest.raises(InvalidPattern) as refusal:
        compile_course_regex(pattern)
    assert (refusal.value.code, refusal.value.position) == (code, position)
    assert f"at position {position + 1} " in str(refusal.value)


@pytest.mark.parametrize(
    ("pattern", "text", "expected"),
    [
        ("(?:a|bc?)*(?P<course_id>d)", "abcbd", "d"),
        ("(?:a?){2}(?P<course_id>b)", "ab", "b"),  # as many times, whatever the engine
        ("(?:(?P<course_id>a)b){1}", "ab", "a"),
        ("x(?P<course_id>a)?", "xa", "a"),
        ("x(?P<course_id>a)??$", "xa", "a"),
        ("x(?:/(?P<course_id>a+))?", "x/aa", "aa"),
        ("(?P<course_id>[^/]{1,3})", "abcd", "abc"),
        ("(?P<course_id>(?:a[*+]{2})+)", "a*+a+*", "a*+a+*"),
        (r"(?P<course_id>(?:[*]\*)+)", "***", "**"),
    ],
)
def test_accepted(pattern, text, expected):
    assert compile_course_regex(pattern).extract(text) == expected


def test_one_of_several_groups():
    with pytest.raises(InvalidPattern) as refusal:
        compile_course_regex("(?P<resource_type>a)/(?P<resource_id>b)*", JOANIE_GROUPS)
    assert refusal.value.code == "repeated_group"
