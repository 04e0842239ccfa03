"""Refusals speak the reader's language."""

import pytest
from django.utils import translation

from cms_lms.patterns.course_regex import compile_course_regex
from cms_lms.patterns.errors import InvalidPattern, in_words


def test_a_refusal_is_translated_when_it_is_read():
    with pytest.raises(InvalidPattern) as refusal:
        compile_course_regex("a", (("x",), ("y",)))
    assert "(?P<x>…) or (?P<y>…)" in str(refusal.value)
    with translation.override("fr"):
        assert "(?P<x>…) ou (?P<y>…)" in str(refusal.value.message)


def test_positions_count_from_one_for_people():
    error = InvalidPattern("%(what)s at position %(position)s", code="odd", position=0, what="Odd")
    assert (str(error), error.position, error.code) == ("Odd at position 1", 0, "odd")


def test_a_percent_sign_in_a_message_without_values_stays():
    assert str(in_words("write %20")) == "write %20"
