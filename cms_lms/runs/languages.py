"""The language codes that LMSs send, mapped to those that the site offers.

Senders write the same language in many ways (`zh_HANS`, `zh-cn`, `pt_BR`, `es-419`): "Language codes" of the wire
protocol says what is accepted. Knows nothing of settings: the list of languages comes in.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from functools import lru_cache

# Codes of a language itself that were replaced, or that a macrolanguage stands for (IANA language subtag registry).
_LANGUAGE_ALIASES = {"no": "nb", "iw": "he", "in": "id", "ji": "yi", "mo": "ro", "tl": "fil"}

# Chinese is told apart by script, older systems say it by region. "en-uk" is Open edX's own.
_TAG_ALIASES = {
    "zh-cn": "zh-hans",
    "zh-sg": "zh-hans",
    "zh-my": "zh-hans",
    "zh-tw": "zh-hant",
    "zh-hk": "zh-hant",
    "zh-mo": "zh-hant",
    "en-uk": "en-gb",
}

# What a bare code means where the site only offers it by script (CLDR, likely subtags). Never reached by shortening
# a longer code: traditional Chinese must not land in simplified.
_LIKELY = {"zh": "zh-hans"}

# RFC 5646, 4.4.1: no registered tag is longer.
_MAX_LENGTH = 35


def map_language(code: object, languages: Iterable[str | tuple[str, object]]) -> str | None:
    """Return the language that `code` means, spelled as in `languages`; None if the site offers nothing like it.

    `languages` holds codes, or pairs of a code and its label, as Django's `LANGUAGES` does. The same code wins, then
    another name of the same language (`zh-cn`, `zh_HANS`), then the code without its last parts (`fr-ca` → `fr`).
    """
    if not isinstance(code, str) or len(code) > _MAX_LENGTH:
        return None
    offered = tuple(item if isinstance(item, str) else item[0] for item in languages)
    if code in offered:
        return code
    by_tag, by_canonical_tag = _index(offered)
    tag = _normalize(code)
    for shorter in _shorten(tag):
        canonical = _canonical(shorter)
        found = by_tag.get(shorter) or by_tag.get(canonical) or by_canonical_tag.get(canonical)
        if found:
            return found
    return by_canonical_tag.get(_LIKELY.get(tag, ""))


@lru_cache(maxsize=16)
def _index(codes: tuple[str, ...]) -> tuple[dict[str, str], dict[str, str]]:
    """Index the offered codes by their normal form, and by the name that all spellings of a language share."""
    by_tag: dict[str, str] = {}
    by_canonical_tag: dict[str, str] = {}
    for code in codes:
        tag = _normalize(code)
        by_tag.setdefault(tag, code)
        by_canonical_tag.setdefault(_canonical(tag), code)
    return by_tag, by_canonical_tag


def _normalize(code: str) -> str:
    # "@" parts a locale from its variant on POSIX: ca@valencia.
    return code.replace("_", "-").replace("@", "-").lower()


def _canonical(tag: str) -> str:
    tag = _TAG_ALIASES.get(tag, tag)
    language, hyphen, rest = tag.partition("-")
    return _LANGUAGE_ALIASES.get(language, language) + hyphen + rest


def _shorten(tag: str) -> Iterator[str]:
    """Yield the tag, then the tag without its last part, and so on down to the language alone."""
    while tag:
        yield tag
        tag = tag.rpartition("-")[0]
