"""Tokens of patterns, broken ones included."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cms_lms.patterns.syntax import ClassItem, Kind, class_items, is_anchored, tokenize

BROKEN_PATTERNS = st.text(st.sampled_from(list(r"\()[]{}?P<>=!:|*+,-^$.#0123abdsxuNZézi")), max_size=40)


@given(st.one_of(BROKEN_PATTERNS, st.text(max_size=40)))
def test_every_character_is_in_a_token(pattern):
    tokens = tokenize(pattern)
    assert "".join(token.text for token in tokens) == pattern
    for token in tokens:
        assert pattern.startswith(token.text, token.position)


@pytest.mark.parametrize(
    ("pattern", "kinds"),
    [
        (r"^a\.b", [Kind.START, Kind.LITERAL, Kind.ESCAPE, Kind.LITERAL]),
        ("[]a(]$", [Kind.CLASS, Kind.END]),
        (r"[^\]]{2,}?", [Kind.CLASS, Kind.QUANTIFIER]),
        ("(?P<x>.)*", [Kind.NAMED_GROUP, Kind.DOT, Kind.CLOSE, Kind.QUANTIFIER]),
        ("(?i)(?i:)(?:)", [Kind.FLAGS, Kind.FLAG_GROUP, Kind.CLOSE, Kind.FLAG_GROUP, Kind.CLOSE]),
        ("(?<=a|(?<b>", [Kind.LOOK_AROUND, Kind.LITERAL, Kind.ALTERNATION, Kind.ANGLE_NAMED_GROUP]),
        ("[a\\", [Kind.CLASS]),
        ("x{a}", [Kind.LITERAL] * 4),
    ],
)
def test_kinds(pattern, kinds):
    assert [token.kind for token in tokenize(pattern)] == kinds


def test_class_items():
    assert class_items(r"[^]a-z\d_-]") == (
        True,
        [ClassItem("]"), ClassItem("a", "z"), ClassItem(r"\d"), ClassItem("_"), ClassItem("-")],
    )
    assert class_items(r"[-\x41-\x5a]") == (False, [ClassItem("-"), ClassItem(r"\x41", r"\x5a")])


@pytest.mark.parametrize("pattern", ["^a", r"\Aa", "(?i)^a", "^a|^b", "^(?:a|b)"])
def test_anchored(pattern):
    assert is_anchored(tokenize(pattern))


@pytest.mark.parametrize("pattern", ["a", "^a|b", "(?i)a", "a^", "^a|", ".*"])
def test_not_anchored(pattern):
    assert not is_anchored(tokenize(pattern))
