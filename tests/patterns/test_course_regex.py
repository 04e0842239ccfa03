"""Course regexes: which are valid, why the others are not, and what they extract."""

import re
import threading

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cms_lms.patterns.course_regex import compile_course_regex
from cms_lms.patterns.errors import InvalidPattern
from cms_lms.patterns.urls import normalize_url
from tests.patterns.real_patterns import JOANIE_GROUPS, REAL_PATTERNS

CASES = [(real, url, course_id) for real in REAL_PATTERNS for url, course_id in real.ids.items()]


@pytest.mark.parametrize(("real", "url", "course_id"), CASES)
def test_real_patterns(real, url, course_id):
    assert compile_course_regex(real.pattern, real.groups).extract(normalize_url(url)) == course_id


@pytest.mark.parametrize(
    ("pattern", "code", "position"),
    [
        ("", "empty", None),
        ("x" * 2001, "too_long", None),
        ("a\nb", "control_character", 1),
        ("a\u2028", "control_character", 1),
        ("ab\ud800", "surrogate", 2),
        ("(" * 51, "too_deep", 50),
        # What Python reads and RE2 does not.
        ("a(?=b)", "look_around", 1),
        ("a(?!b)", "look_around", 1),
        ("a(?<=b)", "look_around", 1),
        ("a(?<!b)", "look_around", 1),
        (r"(a)\1", "back_reference", 3),
        (r"(a)[\1]", "back_reference", 4),
        ("(?P<x>a)(?P=x)", "back_reference", 8),
        (r"a\0", "back_reference", 1),
        ("a++", "possessive", 1),
        ("a*+", "possessive", 1),
        ("a?+", "possessive", 1),
        ("a{1,2}+", "possessive", 1),
        ("(?>a)", "atomic_group", 0),
        ("(a)?(?(1)b|c)", "conditional", 4),
        ("a(?#b)", "comment", 1),
        (r"a\Z", "escape", 1),
        (r"a\z", "escape", 1),
        (r"a\u0041", "escape", 1),
        (r"a\U00000041", "escape", 1),
        (r"a\N{DIGIT ONE}", "escape", 1),
        (r"[b\u0041]", "escape", 2),
        ("(?x)a b", "verbose", 0),
        ("(?ix:a b)", "verbose", 0),
        ("(?m)a$", "inline_flag", 0),
        ("(?a)a", "inline_flag", 0),
        ("(?u)a", "inline_flag", 0),
        ("(?L)a", "inline_flag", 0),
        ("a{1001}", "repetition", 1),
        ("a{1,99999999999999999999}", "repetition", 1),
        # What the two, or JavaScript, read differently.
        ("a{,5}", "repetition", 1),
        ("a{,}", "repetition", 1),
        ("a[[:alpha:]]", "ambiguous_class", 2),
        ("a[b[:alpha:]]", "ambiguous_class", 3),
        ("a[^[b]", "ambiguous_class", 3),
        ("[a--b]", "ambiguous_class", 2),
        ("[a&&b]", "ambiguous_class", 2),
        ("[a~~b]", "ambiguous_class", 2),
        ("[a||b]", "ambiguous_class", 2),
        # What RE2 reads and Python does not.
        ("a(?<x>b)", "group_syntax", 1),
        (r"a\pN", "escape", 1),
        (r"a\Qb\E", "escape", 1),
        (r"a\C", "escape", 1),
        ("a(?U)b", "inline_flag", 1),
        ("a(?i)b", "inline_flag", 1),
        # What nobody reads.
        ("a(b", "syntax", 1),
        ("a)b", "syntax", 1),
        ("a[b", "syntax", 1),
        ("a[]", "syntax", 1),
        ("a[b--\\", "ambiguous_class", 3),
        ("*a", "syntax", 0),
        ("a|*", "syntax", 2),
        ("a**", "syntax", 2),
        ("a{2}{3}", "syntax", 4),
        ("a{3,2}", "repetition", 2),
        ("a[c-b]", "syntax", 2),
        (r"a[\d-z]", "syntax", 2),
        ("a\\", "escape", 1),
        (r"a\y", "escape", 1),
        (r"a\x4", "escape", 1),
        ("a(?P<1>b)", "group_syntax", 5),
        ("a(?P<>b)", "group_syntax", 5),
        ("a(?P<b", "group_syntax", 1),
        ("a(?|b)", "group_syntax", 1),
        ("a(?", "group_syntax", 1),
        (r"(?P<course_id>[\b])", "syntax", 15),
        (r"(?P<course_id>\é)", "syntax", 14),
        # The groups.
        ("a", "missing_group", None),
        ("a(b)", "missing_group", None),
        ("a(?P<b>c)", "unknown_group", 1),
        ("(?P<course_id>a)(?P<b>c)", "unknown_group", 16),
        ("(?P<course_id>a)|(?P<course_id>b)", "duplicate_group", 17),
        ("(?P<course_id>a)" + "(b)" * 20, "too_many_groups", None),
        # Valid, but too large to run in little memory.
        ("(?P<course_id>((a{30}){30}){30})", "repetition", None),
        ("(?P<course_id>(?:" + ".?" * 30 + "){1000})", "too_large", None),
    ],
)
def test_refused_patterns(pattern, code, position):
    with pytest.raises(InvalidPattern) as refusal:
        compile_course_regex(pattern)
    assert (refusal.value.code, refusal.value.position) == (code, position)
    message = str(refusal.value)
    assert len(message) > 15
    assert "%(" not in message
    assert position is None or f"position {position + 1}" in message


def test_messages_say_why():
    messages = {
        "(?=a)": "Look-ahead and look-behind such as “(?=” at position 1 cannot be used: patterns run on RE2",
        "(?<x>a)": "“(?<x>” at position 1 is not how Python names a group. Write (?P<name>…).",
        "ab{,5}": "“{,5}” at position 3 is not a repetition to all engines. Write the 0: {0,5}",
        "a": "The pattern must mark which part of the URL is the course id, with (?P<course_id>…).",
    }
    for pattern, beginning in messages.items():
        with pytest.raises(InvalidPattern) as refusal:
            compile_course_regex(pattern)
        assert str(refusal.value).startswith(beginning)


@pytest.mark.parametrize(
    ("pattern", "code"),
    [
        ("(?P<resource_type>a)", "missing_group"),
        ("(?P<course_id>a)", "unknown_group"),
        ("(?P<resource_uri>a)(?P<resource_id>b)", "mixed_groups"),
        ("(?P<resource_uri>a)(?P<resource_type>b)(?P<resource_id>c)", "mixed_groups"),
    ],
)
def test_alternatives(pattern, code):
    with pytest.raises(InvalidPattern) as refusal:
        compile_course_regex(pattern, JOANIE_GROUPS)
    assert refusal.value.code == code
    assert "(?P<resource_uri>…) or (?P<resource_type>…) and (?P<resource_id>…)" in str(refusal.value)


def test_the_groups_of_the_alternative_that_was_chosen():
    assert compile_course_regex("(?P<resource_uri>a)", JOANIE_GROUPS).groups == ("resource_uri",)
    regex = compile_course_regex("(?P<resource_id>b)(?P<resource_type>a)", JOANIE_GROUPS)
    assert regex.groups == ("resource_type", "resource_id")
    assert regex.extract("ba") == "ba"


@pytest.mark.parametrize(
    ("pattern", "text", "expected"),
    [
        # RE2 is the truth.
        ("(?P<course_id>a+)$", "aa\n", None),
        (r"(?P<course_id>\d+)$", "٣", None),
        (r"(?P<course_id>\w+)", "aé", "a"),
        (r"(?P<course_id>[\w]+)", "é", None),
        ("(?P<course_id>é+)", "ééa", "éé"),
        ("(?P<course_id>.)$", "漢", "漢"),
        ("(?P<course_id>.)$", "😀", "😀"),
        ("(?i)(?P<course_id>abc)", "aBC", "aBC"),
        # From the start, unlike a search.
        ("(?P<course_id>b)", "ab", None),
        # A group that takes no part, or takes nothing, gives no id.
        ("a(?P<course_id>b)?", "a", None),
        ("a(?P<course_id>b*)", "a", None),
        ("a(?P<course_id>b)|c", "c", None),
        # Unnamed groups are free.
        ("(a)(?:b)(?P<course_id>(c)d)(e)?", "abcd", "cd"),
    ],
)
def test_extraction(pattern, text, expected):
    regex = compile_course_regex(pattern)
    assert regex.extract(text) == expected
    assert regex.matches(text) or expected is None


def test_all_of_several_groups_must_take_part():
    regex = compile_course_regex("(?P<resource_type>a)?-(?P<resource_id>b)", JOANIE_GROUPS)
    assert regex.extract("a-b") == "a-b"
    assert regex.matches("-b")
    assert regex.extract("-b") is None


def test_compiled_once():
    assert compile_course_regex("(?P<course_id>a)") is compile_course_regex("(?P<course_id>a)")


def test_nothing_is_written_to_stderr(capfd):
    for pattern in ("(", "(?P<course_id>(?:" + ".?" * 30 + "){1000})"):
        with pytest.raises(InvalidPattern):
            compile_course_regex(pattern)
    compile_course_regex("(?P<course_id>(?:.*.*.*a){60}b)").extract("ab" * 1000)
    assert capfd.readouterr() == ("", "")


@pytest.mark.parametrize(
    "pattern",
    [
        "(?P<course_id>(a+)+)$",
        "(?P<course_id>(a|a)*)$",
        "(?P<course_id>(a|aa)+)$",
        "(?P<course_id>(.*)(.*)(.*)(.*)(.*)(.*)(.*)(.*)(.*))$",
        "(?P<course_id>(?:a?){500}a{500})$",
    ],
)
def test_patterns_that_hang_other_engines_end(pattern):
    assert compile_course_regex(pattern).extract("a" * 1999 + "\n") is None


def test_in_many_threads():
    regex = compile_course_regex("^https://h/(?P<course_id>[^/]+)/$")
    found = []

    def work(number):
        found.extend(regex.extract(f"https://h/{number}/") == str(number) for _ in range(200))

    threads = [threading.Thread(target=work, args=(number,)) for number in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert found == [True] * 1600


PIECES = (
    r"(?P<course_id> (?P<x> (?: ( ) [ ] [^ - a é \ \d \b . * + ? {2} {, { } | ^ $ "
    r"(? (?i) (?x: (?< (?= \1 \x4 [: --"
)
FRAGMENTS = st.sampled_from([*PIECES.split(), "\x00", "\ud800"])


def refusal_of(pattern: str) -> InvalidPattern | None:
    try:
        compile_course_regex(pattern)
    except InvalidPattern as error:
        return error
    return None


@settings(max_examples=500)
@given(st.one_of(st.lists(FRAGMENTS, max_size=25).map("".join), st.text(max_size=30)))
def test_any_text_is_a_valid_pattern_or_refused(pattern):
    refusal = refusal_of(pattern)
    if refusal is None:
        re.compile(pattern)
        compile_course_regex(pattern).extract("https://lms.example.com/é")
    else:
        assert refusal.position is None or 0 <= refusal.position <= len(pattern)
        assert str(refusal)
