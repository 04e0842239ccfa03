"""The translations: each catalogue holds just the texts of the sources, is complete, keeps what texts are made of, and
is compiled. Placeholders, tags and spaces are looked at text by text, since a wrong one breaks the page it stands on.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import cache

import pytest
from babel.messages.catalog import Catalog, Message
from django.utils import translation

from . import messages

ALL = sorted(messages.LANGUAGES)

PLACEHOLDER = re.compile(r"%\(\w+\)[a-z]|%[a-z%](?![a-z])|\{[\w!:.]*\}")
TAG = re.compile(r"</?[a-z][^>]*>")


@cache
def catalogue(language: str) -> Catalog:
    return messages.read(language)


@cache
def wanted(language: str) -> Catalog:
    return messages.updated(language)


def pairs(language: str) -> Iterator[tuple[Message, str, str]]:
    """Yield each translated form with its message and the text that it says."""
    for message in catalogue(language):
        if not message.id:
            continue
        if message.pluralizable:
            for index, form in enumerate(message.string):
                yield message, message.id[0 if index == 0 else 1], form
        elif message.string:
            yield message, message.id, message.string


@pytest.mark.parametrize("language", ALL)
def test_a_catalogue_holds_just_the_texts_of_the_sources(language: str) -> None:
    assert messages.as_po(wanted(language)).decode() == messages.catalogue_path(language).read_text(encoding="utf-8"), (
        "Run make messages."
    )


@pytest.mark.parametrize("language", ALL)
def test_a_catalogue_is_complete(language: str) -> None:
    assert messages.untranslated(wanted(language)) == []


@pytest.mark.parametrize("language", ALL)
def test_nothing_is_guessed(language: str) -> None:
    assert [message.id for message in catalogue(language) if message.fuzzy] == []


@pytest.mark.parametrize("language", ALL)
def test_a_catalogue_is_compiled(language: str) -> None:
    path = messages.catalogue_path(language).with_suffix(".mo")

    assert path.read_bytes() == messages.compiled(language), "Run make messages."


@pytest.mark.parametrize("language", ALL)
def test_a_translation_has_the_placeholders_of_its_text(language: str) -> None:
    wrong = []
    for message, text, form in pairs(language):
        found = sorted(PLACEHOLDER.findall(form))
        if not message.pluralizable:
            right = found == sorted(PLACEHOLDER.findall(text))
        else:  # A form for one or two may say the number as a word.
            one, many = (set(PLACEHOLDER.findall(each)) for each in message.id)
            right = one & many - {"%(count)s"} <= set(found) <= one | many
        if form and not right:
            wrong.append((text, form))

    assert wrong == []


@pytest.mark.parametrize("language", ALL)
def test_the_last_plural_form_has_the_placeholders_of_the_plural(language: str) -> None:
    plurals = [message for message in catalogue(language) if message.pluralizable and all(message.string)]
    wrong = [
        message.string[-1]
        for message in plurals
        if sorted(PLACEHOLDER.findall(message.string[-1])) != sorted(PLACEHOLDER.findall(message.id[1]))
    ]

    assert wrong == []


@pytest.mark.parametrize("language", ALL)
def test_a_language_has_all_its_plural_forms(language: str) -> None:
    forms = catalogue(language).num_plurals

    assert {len(message.string) for message in catalogue(language) if message.pluralizable} <= {forms}


@pytest.mark.parametrize("language", ALL)
def test_a_translation_has_the_tags_of_its_text(language: str) -> None:
    wrong = [
        (text, form)
        for _message, text, form in pairs(language)
        if form and sorted(TAG.findall(form)) != sorted(TAG.findall(text))
    ]

    assert wrong == []


@pytest.mark.parametrize("language", ALL)
def test_a_translation_begins_and_ends_as_its_text_does(language: str) -> None:
    """With the same spaces, French ones that do not break aside, and a full stop where the text is a sentence."""
    wrong = []
    for _message, text, form in pairs(language):
        edges = [re.fullmatch(r"([ \n]*).*?(\.?)([ \n]*)", each, re.S).groups() for each in (text, form)]
        if form and edges[0] != edges[1]:
            wrong.append((text, form))

    assert wrong == []


@pytest.mark.parametrize("language", ["es", "de", "pt", "ar"])
def test_no_space_stands_before_punctuation(language: str) -> None:
    assert [form for _message, _text, form in pairs(language) if re.search(r"\s[:;?!,](?:\s|$)", form)] == []


def test_french_has_no_break_before_its_punctuation() -> None:
    code = r'«\xa0\S+\xa0»|<code>.*?</code>|"[^"]*"'
    loose = r"(?<!\xa0)[;?!](?=\s|$)|(?<!\xa0):(?=\s|$)|«(?!\xa0)|(?<!\xa0)»"

    prose = [TAG.sub("", re.sub(code, "", form)) for _message, _text, form in pairs("fr")]
    assert [each for each in prose if re.search(loose, each)] == []


@pytest.mark.parametrize("language", ALL)
def test_a_text_is_not_typed_with_straight_quotes(language: str) -> None:
    """Code between back quotes, and what is inside a tag, is as it must be typed."""
    wrong = []
    for _message, text, form in pairs(language):
        prose = TAG.sub("", re.sub(r"`[^`]*`", "", form))
        if re.search(r"(?<=\w)'(?=\w)", prose) or ('"' in prose and '"' not in text):
            wrong.append(form)

    assert wrong == []


@pytest.mark.parametrize("code", ["pt-pt", "pt-br"])
def test_portuguese_is_found_for_every_country(code: str) -> None:
    known = next(message for message in catalogue("pt") if message.id and message.string and not message.pluralizable)
    with translation.override(code):
        assert translation.gettext(known.id) == known.string


def test_texts_are_found_in_templates_and_in_python() -> None:
    found = {name.partition("/")[0] for name, _text in messages.source_texts()}

    assert found == {"cms_lms", "templates"}
