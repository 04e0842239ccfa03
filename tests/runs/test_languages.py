"""Language codes as senders write them, mapped to a site's languages."""

from __future__ import annotations

import pytest
from django.conf.global_settings import LANGUAGES
from hypothesis import given
from hypothesis import strategies as st

from cms_lms.runs.languages import map_language

DJANGO = [code for code, _ in LANGUAGES]


@pytest.mark.parametrize(
    ("code", "expected"),
    [
        # What the stock Open edX sender writes.
        ("en", "en"),
        ("fr", "fr"),
        ("pt", "pt"),
        ("zh", "zh-hans"),
        ("zh_HANS", "zh-hans"),
        ("zh_HANT", "zh-hant"),
        ("zh-cn", "zh-hans"),
        ("zh_CN", "zh-hans"),
        ("es-419", "es"),
        ("pt-br", "pt-br"),
        ("pt-pt", "pt"),
        ("nb", "nb"),
        # Other forms of the same.
        ("zh-tw", "zh-hant"),
        ("zh_TW", "zh-hant"),
        ("zh-hk", "zh-hant"),
        ("zh-Hans-CN", "zh-hans"),
        ("zh_Hant_TW", "zh-hant"),
        ("pt_BR", "pt-br"),
        ("pt_PT", "pt"),
        ("PT-BR", "pt-br"),
        ("fr-ca", "fr"),
        ("fr_CA", "fr"),
        ("es_419", "es"),
        ("es-es", "es"),
        ("es-mx", "es-mx"),
        ("de-de", "de"),
        ("ja-jp", "ja"),
        ("hy-am", "hy"),
        ("fa-ir", "fa"),
        ("sr_LATN", "sr-latn"),
        ("sr@latn", "sr-latn"),
        ("ca@valencia", "ca"),
        ("en-uk", "en-gb"),
        ("en@pirate", "en"),
        ("no", "nb"),
        ("no-NO", "nb"),
        ("iw", "he"),
        ("iw-IL", "he"),
        ("in", "id"),
        # What nobody can map.
        ("zz", None),
        ("rtl", None),
        ("", None),
        ("-", None),
        ("_", None),
        ("english", None),
        ("en us", None),
        (" en", None),
        ("e", None),
        ("fr\x00", None),
        ("\ud800", None),
        ("en" + "-x" * 50_000, None),
        (None, None),
        (42, None),
        (["en"], None),
        ({}, None),
    ],
)
def test_to_the_languages_of_django(code, expected):
    assert map_language(code, DJANGO) == expected
    assert map_language(code, LANGUAGES) == expected


@pytest.mark.parametrize(
    ("code", "languages", "expected"),
    [
        # The code as spelled in the list, whatever its spelling.
        ("zh-hans", ["zh_Hans"], "zh_Hans"),
        ("zh-hans", ["zh-cn"], "zh-cn"),
        ("zh_HANT", ["zh-TW", "zh-CN"], "zh-TW"),
        ("zh-hans-cn", ["zh-cn"], "zh-cn"),
        ("zh", ["zh-tw", "zh-cn"], "zh-cn"),
        ("pt_br", ["pt-BR"], "pt-BR"),
        ("nb", ["no"], "no"),
        ("he", ["iw"], "iw"),
        # The nearest one wins.
        ("es-419", ["es", "es-419"], "es-419"),
        ("zh-cn", ["zh", "zh-hans", "zh-cn"], "zh-cn"),
        ("zh-cn", ["zh", "zh-hans"], "zh-hans"),
        ("zh-hant", ["zh-hk", "zh-hant"], "zh-hant"),
        ("zh", ["zh-hans", "zh"], "zh"),
        ("zh-hans", ["zh"], "zh"),
        ("fr-ca", ["fr-ca", "fr"], "fr-ca"),
        ("en-uk", ["en"], "en"),
        # Never another script, never a narrower language than was said.
        ("zh-hant", ["zh-hans"], None),
        ("zh-tw", ["zh-cn"], None),
        ("zh", ["zh-hant"], None),
        ("pt", ["pt-br"], None),
        ("fr", [], None),
    ],
)
def test_to_other_lists(code, languages, expected):
    assert map_language(code, languages) == expected


@given(
    st.text(max_size=40) | st.sampled_from(DJANGO).flatmap(lambda code: st.sampled_from([code.upper(), code + "-x"]))
)
def test_the_answer_is_in_the_list(code):
    assert map_language(code, DJANGO) in {None, *DJANGO}


@given(st.sampled_from(DJANGO))
def test_an_offered_code_stands_for_itself(code):
    assert map_language(code, DJANGO) == code
    assert map_language(code.upper().replace("-", "_"), DJANGO) == code
