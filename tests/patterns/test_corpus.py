"""The conformance corpus: RE2, Python's re, the server's JavaScript engine and a browser's take the same course id out
of the same URL, or the pattern is refused.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from cms_lms.patterns.course_regex import compile_course_regex
from cms_lms.patterns.derive import derive_javascript_pattern
from cms_lms.patterns.errors import InvalidPattern, InvalidURL
from cms_lms.patterns.urls import normalize_url
from tests.chromium import open_chromium
from tests.patterns.engines import IN_BROWSER, by_javascript, by_python, by_re2
from tests.patterns.real_patterns import JOANIE_GROUPS

CORPUS: list[dict[str, Any]] = json.loads((Path(__file__).parent / "corpus.json").read_text(encoding="utf-8"))
ACCEPTED = [entry for entry in CORPUS if "refused" not in entry]
REFUSED = [entry for entry in CORPUS if "refused" in entry]
DERIVED = [entry for entry in ACCEPTED if "underivable" not in entry]
UNDERIVABLE = [entry for entry in ACCEPTED if "underivable" in entry]


def groups_of(entry):
    return JOANIE_GROUPS if entry.get("groups") == "joanie" else (("course_id",),)


def named(entries):
    return pytest.mark.parametrize("entry", entries, ids=[entry["name"] for entry in entries])


def valid_cases(entry):
    """The URLs that patterns get to see, in the form in which they see them."""
    for url, expected in entry["cases"].items():
        if not isinstance(expected, dict):
            yield normalize_url(url), expected


def test_it_is_large_enough():
    names = [entry["name"] for entry in CORPUS]
    assert len(names) == len(set(names))
    assert sum(len(entry["cases"]) for entry in ACCEPTED) >= 150


@named(ACCEPTED)
def test_re2(entry):
    found = {url: by_re2(entry["pattern"], groups_of(entry), url) for url, __ in valid_cases(entry)}
    assert found == dict(valid_cases(entry))


@named(ACCEPTED)
def test_python(entry):
    found = {url: by_python(entry["pattern"], groups_of(entry), url) for url, __ in valid_cases(entry)}
    assert found == dict(valid_cases(entry))


@named(DERIVED)
def test_javascript_on_the_server(entry):
    found = {url: by_javascript(entry["pattern"], groups_of(entry), url) for url, __ in valid_cases(entry)}
    assert found == dict(valid_cases(entry))


@pytest.mark.browser
def test_javascript_in_a_browser():
    """Every pattern on every URL of the corpus, far more than the corpus says what to expect of: RE2 says it."""
    urls = sorted({url for entry in ACCEPTED for url, __ in valid_cases(entry)})
    patterns = [derive_javascript_pattern(entry["pattern"], groups_of(entry)) for entry in DERIVED]
    with open_chromium() as browser:
        answers = browser.new_page().evaluate(IN_BROWSER, [patterns, urls])
    for entry, ids in zip(DERIVED, answers, strict=True):
        found = dict(zip(urls, ids, strict=True))
        assert found == {url: by_re2(entry["pattern"], groups_of(entry), url) for url in urls}
        assert found.items() >= dict(valid_cases(entry)).items()


@named(REFUSED)
def test_refused(entry):
    for read in (compile_course_regex, derive_javascript_pattern):
        with pytest.raises(InvalidPattern) as refusal:
            read(entry["pattern"], groups_of(entry))
        assert refusal.value.code == entry["refused"]


@named(UNDERIVABLE)
def test_underivable(entry):
    with pytest.raises(InvalidPattern) as refusal:
        derive_javascript_pattern(entry["pattern"], groups_of(entry))
    assert refusal.value.code == entry["underivable"]


@named(ACCEPTED)
def test_what_no_pattern_sees(entry):
    for url, expected in entry["cases"].items():
        if isinstance(expected, dict):
            with pytest.raises(InvalidURL) as refusal:
                normalize_url(url)
            assert refusal.value.code == expected["invalid_url"]
