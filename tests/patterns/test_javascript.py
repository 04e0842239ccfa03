"""JavaScript patterns, in a real engine."""

import threading

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cms_lms.patterns.errors import InvalidPattern
from cms_lms.patterns.javascript import compile_javascript_regex


@pytest.mark.parametrize(
    ("pattern", "text", "expected"),
    [
        (r"^https://lms\.example\.com/courses/([^/]+)/info$", "https://lms.example.com/courses/a+b/info", "a+b"),
        ("b(c)", "abc", "c"),  # it searches
        ("^b(c)", "abc", None),
        ("(?:a)(b)", "ab", "b"),
        ("(?=a)(a)", "a", "a"),
        ("^(.)$", "😀", "😀"),  # flag u: characters, not halves
        (r"^(\p{L}+)$", "é漢", "é漢"),
        (r"^(\u{1F600})$", "😀", "😀"),
        ("a(b)?", "a", None),
        ("a(b*)", "a", None),
        ("(a)|b", "b", None),
        ("(a)", "\ud800", None),
        # Data, never code.
        ('"+(1)+"', '"""1""', "1"),
        ("(`\\$){1}", "`$", "`$"),
        (r"(\$\{1\})", "${1}", "${1}"),
        ("(/)", "a/b", "/"),
        ("([\u00e9])", "é", "é"),
    ],
)
def test_extraction(pattern, text, expected):
    assert compile_javascript_regex(pattern).extract(text) == expected


@pytest.mark.parametrize(
    ("pattern", "code", "position"),
    [
        ("", "empty", None),
        ("(" + "a" * 2000 + ")", "too_long", None),
        ("(a\n)", "control_character", 2),
        ("(\ud800)", "surrogate", 1),
        ("a", "no_group", None),
        ("(?:a)", "no_group", None),
        ("(a)(b)", "many_groups", None),
        ("((a))", "many_groups", None),
        ("a(?<course_id>b)", "named_group", None),
        ("a(?P<course_id>b)", "syntax", None),
        ("(a", "syntax", None),
        ("a)", "syntax", None),
        ("([a)", "syntax", None),
        ("(a)**", "syntax", None),
        ("(a){2,1}", "syntax", None),
        ("([b-a])", "syntax", None),
        (r"([\w-z])", "syntax", None),
        ("(a){", "syntax", None),
        ("(a)]", "syntax", None),
        (r"(a)\2", "syntax", None),
        (r"(a)\k<b>", "syntax", None),
        (r"(a)\01", "syntax", None),
        (r"(a)\p{X}", "syntax", None),
        (r"(a)\u12", "syntax", None),
        ("(a)\\", "syntax", None),
        ("(?i)(a)", "syntax", None),
        ("(?>a)", "syntax", None),
        ("(" * 2000, "syntax", None),
        # The habits of other engines.
        (r"a\-(b)", "escape", 1),
        (r"[\-\]a]\_(b)", "escape", 7),
        (r"[\-\_](b)", "escape", 3),
        (r"a\Z(b)", "escape", 1),
        (r"\A(b)", "escape", 0),
    ],
)
def test_refused_patterns(pattern, code, position):
    with pytest.raises(InvalidPattern) as refusal:
        compile_javascript_regex(pattern)
    assert (refusal.value.code, refusal.value.position) == (code, position)
    message = str(refusal.value)
    assert len(message) > 15
    assert "%(" not in message
    assert "<input>" not in message
    assert position is None or f"position {position + 1}" in message


@pytest.mark.parametrize(
    ("pattern", "text"),
    [
        ("(a+)+$", "a" * 1999 + "b"),
        ("^(?:a|a)*(b)$", "a" * 1999),
        ("^(?:(?:a*)*)*(b)", "a" * 1999),
        ("^(?:(?:.*)*)*(x)$", "a" * 1999),
    ],
)
def test_catastrophic_patterns_are_cut_off(pattern, text):
    regex = compile_javascript_regex(pattern)
    with pytest.raises(InvalidPattern) as refusal:
        regex.extract_or_refuse(text)
    assert refusal.value.code == "too_slow"
    assert regex.extract(text) is None


def test_in_many_threads():
    found = []

    def work(number):
        for _ in range(20):
            found.append(compile_javascript_regex(f"^{number}-(.*)$").extract(f"{number}-x") == "x")

    threads = [threading.Thread(target=work, args=(number,)) for number in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert found == [True] * 160


def refusal_of(pattern: str) -> InvalidPattern | None:
    try:
        compile_javascript_regex(pattern)
    except InvalidPattern as error:
        return error
    return None


@given(st.text(st.sampled_from(list("()[]{}?*+|\\^$.-abé:<>=!0ukp\"'`\x00\ud800")), max_size=30), st.text(max_size=20))
def test_any_text_is_a_valid_pattern_or_refused(pattern, text):
    refusal = refusal_of(pattern)
    if refusal is None:
        compile_javascript_regex(pattern).extract(text)
    else:
        assert refusal.position is None or 0 <= refusal.position < len(pattern)
        assert str(refusal)
