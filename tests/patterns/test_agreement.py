"""What the corpus shows of chosen patterns, shown of generated ones: all engines take the same course id, or the
pattern is refused. Most of the generated texts match, or nearly so.
"""

from __future__ import annotations

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from cms_lms.patterns.course_regex import compile_course_regex
from cms_lms.patterns.derive import derive_javascript_pattern
from cms_lms.patterns.errors import InvalidPattern
from tests.chromium import open_chromium
from tests.patterns.engines import IN_BROWSER, by_javascript, by_python, by_re2
from tests.patterns.real_patterns import JOANIE_GROUPS

GROUPS = (("course_id",),)

#: What matches one character, and the characters that it matches (or, some of them, does not).
ATOMS = {
    **{character: character for character in "abK1/é漢😀_-#&@~ "},
    **{f"\\{character}": character for character in ".-/_+?{}[]()|^$*&"},
    **{"{": "{", "}": "}", "]": "]", r"\x61": "a", r"\xe9": "é"},
    ".": "aé漢😀٣",
    r"\d": "19٣",
    r"\D": "a٣1",
    r"\w": "aK_1éſ\u212a",
    r"\W": "-é٣a",
    r"\s": " \u00a0",
    r"\S": "aé\u3000",
    "[ab]": "abc",
    "[^a]": "bé😀a",
    "[]a]": "]a",
    "[^]b-]": "aé-",
    r"[\w.-]": "a.-é",
    r"[^\S]": "a ",
    r"[\S-]": "-a ",
    r"[\D-]": "-a1",
    "[a-z_-]": "m-_K",
    "[{}é]": "{é",
    "[+-9]": "+,/8:",
    "[à-ÿ😀]": "é😀a",
    "[^/?#]": "a/?#",
}
ASSERTIONS = [r"\b", r"\B", "", "b{0}", "b??", "^", "$", r"\A"]
QUANTIFIERS = {"*": (0, 3), "+": (1, 3), "?": (0, 1), "{2}": (2, 2), "{0,2}": (0, 2), "{1,}": (1, 3), "{3}": (3, 3)}


@st.composite
def pieces(draw, depth: int) -> tuple[str, str]:
    """A piece of a pattern, and a text that it is likely to match."""
    kind = draw(st.sampled_from(["character"] * 6 + ["group"] * 4 + ["assertion"]))
    if kind == "assertion":
        return draw(st.sampled_from(ASSERTIONS)), ""
    if kind == "character" or depth == 0:
        atom = draw(st.sampled_from(list(ATOMS)))
        one = st.sampled_from(ATOMS[atom])
    else:
        inner, text = draw(branches(depth - 1))
        atom = draw(st.sampled_from(["(", "(?:", "(?:", "(?i:", "(?-i:", "(?s:"])) + inner + ")"
        one = st.sampled_from([text, text.swapcase()])
    if draw(st.booleans()):
        return atom, draw(one)
    quantifier = draw(st.sampled_from(list(QUANTIFIERS)))
    least, most = QUANTIFIERS[quantifier]
    lazy = draw(st.sampled_from(["", "", "?"]))
    return atom + quantifier + lazy, "".join(draw(st.lists(one, min_size=least, max_size=most)))


@st.composite
def branches(draw, depth: int, name: str = "") -> tuple[str, str]:
    """Alternatives of sequences, and a text for one of them; one holds a named group if there is a name."""
    made = [draw(sequences(depth)) for __ in range(draw(st.sampled_from([1, 1, 1, 2, 3])))]
    if name:
        chosen = draw(st.integers(0, len(made) - 1))
        made[chosen] = draw(sequences(depth, name))
    else:
        chosen = draw(st.integers(0, len(made) - 1))
    return "|".join(pattern for pattern, __ in made), made[chosen][1]


@st.composite
def sequences(draw, depth: int, name: str = "") -> tuple[str, str]:
    made = draw(st.lists(pieces(depth), min_size=0 if name else 1, max_size=3))
    if name:
        made.insert(draw(st.integers(0, len(made))), draw(named_groups(depth, name)))
    return "".join(pattern for pattern, __ in made), "".join(text for __, text in made)


@st.composite
def named_groups(draw, depth: int, name: str) -> tuple[str, str]:
    deep = depth > 0 and draw(st.booleans())
    inner, text = draw(branches(depth - 1, name)) if deep else draw(branches(max(depth - 1, 0)))
    quantifier = draw(st.sampled_from([""] * 6 + ["?", "??", "{1}", "+"]))
    return ("(?:" if deep else f"(?P<{name}>") + inner + ")" + quantifier, text


@st.composite
def mutations(draw, text: str) -> str:
    """The text, or one that differs from it in one place."""
    place = draw(st.integers(0, len(text)))
    inserted = draw(st.sampled_from(["", "", "a", "A", "1", "/", "é", "-", "😀"]))
    return text[:place] + inserted + text[place + draw(st.integers(0, 1)) :]


@st.composite
def pairs(draw) -> tuple[str, list[str]]:
    pattern, text = draw(branches(2, "course_id"))
    start, end = (
        draw(st.sampled_from(["", "^", "^", r"\A", "(?i)", "(?i)^", "(?is)^"])),
        draw(st.sampled_from(["", "", "$", "/?$", "|a/(b)"])),
    )
    return start + pattern + end, [text, *draw(st.lists(mutations(text), max_size=3))]


@st.composite
def pairs_with_two_groups(draw) -> tuple[str, list[str]]:
    made = [draw(named_groups(1, "resource_type")), draw(pieces(1)), draw(named_groups(1, "resource_id"))]
    pattern, text = "^" + "".join(pattern for pattern, __ in made), "".join(text for __, text in made)
    return pattern, [text, *draw(st.lists(mutations(text), max_size=2))]


def refusal_of(read, *arguments) -> InvalidPattern | None:
    try:
        read(*arguments)
    except InvalidPattern as refusal:
        return refusal
    return None


def agree(pattern, groups, texts):
    if refusal_of(compile_course_regex, pattern, groups):
        return
    refusal = refusal_of(derive_javascript_pattern, pattern, groups)
    if refusal is not None:
        assert refusal.code == "scattered_groups"
    for text in texts:
        course_id = by_re2(pattern, groups, text)
        if refusal is None:
            try:
                assert by_javascript(pattern, groups, text) == course_id
            except InvalidPattern:  # too slow, which is no answer rather than another one; and re has no limit of time
                continue
        assert by_python(pattern, groups, text) == course_id


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(pairs())
def test_engines_agree(pair):
    agree(pair[0], GROUPS, pair[1])


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(pairs_with_two_groups())
def test_engines_agree_on_two_groups(pair):
    agree(pair[0], JOANIE_GROUPS, pair[1])


@pytest.mark.long
@settings(max_examples=6_000, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(pairs())
def test_engines_agree_for_long(pair):
    agree(pair[0], GROUPS, pair[1])


@pytest.mark.long
@settings(max_examples=2_000, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(pairs_with_two_groups())
def test_engines_agree_on_two_groups_for_long(pair):
    agree(pair[0], JOANIE_GROUPS, pair[1])


@pytest.fixture(scope="module")
def page():
    with open_chromium() as browser:
        yield browser.new_page()


@pytest.mark.long
@pytest.mark.browser
@settings(max_examples=60, deadline=None, suppress_health_check=list(HealthCheck))
@given(st.lists(pairs(), min_size=5, max_size=20))
def test_browsers_agree_for_long(page, many):
    # Refused; or too slow, which a browser has no way to say.
    asked = [
        (pattern, text)
        for pattern, texts in many
        for text in texts
        if refusal_of(by_javascript, pattern, GROUPS, text) is None
    ]
    ask = f"(pairs) => pairs.map(([pattern, url]) => ({IN_BROWSER})([[pattern], [url]])[0][0])"
    answers = page.evaluate(ask, [[derive_javascript_pattern(pattern, GROUPS), text] for pattern, text in asked])
    assert answers == [by_re2(pattern, GROUPS, text) for pattern, text in asked]
