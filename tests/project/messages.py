"""The translations: finding the texts of the sources, and keeping each language's catalogue and its compiled form in
step with them. It needs Babel and Django, and no GNU gettext; ``make messages`` runs it. It never guesses: a text that
changed is a new one, without a translation until somebody writes it.
"""

from __future__ import annotations

import io
import sys
from collections.abc import Iterator
from functools import cache
from pathlib import Path

from babel.messages.catalog import Catalog, Message
from babel.messages.extract import DEFAULT_KEYWORDS, extract
from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po, write_po
from django.utils.translation.template import templatize

ROOT = Path(__file__).resolve().parents[2]
LOCALES = ROOT / "cms_lms" / "locale"

#: The languages, and what the head of each catalogue says.
LANGUAGES = {
    "ar": "Arabic, of what learners see only: it shows that the pages are right where writing runs from right to left.",
    "de": "German.",
    "es": "Spanish.",
    "fr": "French.",
    "pt": "Portuguese, for every country: pt-pt and pt-br both fall back to it.",
}

#: The catalogues that hold only what learners see, that is, the texts of these places.
LEARNERS_ONLY = ("ar",)
LEARNERS_PLACES = (
    "cms_lms/enrollment/",
    "cms_lms/runs/state.py",
    "cms_lms/site/",
    "templates/cms_lms/catalog/base.html",
    "templates/cms_lms/catalog/course_card.html",
    "templates/cms_lms/catalog/course_index_page.html",
    "templates/cms_lms/catalog/course_page.html",
    "templates/cms_lms/enrollment/",
    "templates/cms_lms/session/",
    "templates/cms_lms/site/",
)

KEYWORDS = DEFAULT_KEYWORDS | {
    "gettext_lazy": None,
    "gettext_noop": None,
    "ngettext_lazy": (1, 2),
    "pgettext_lazy": ((1, "c"), 2),
    "npgettext_lazy": ((1, "c"), 2, 3),
}
COMMENT_TAGS = ["Translators"]


class Catalogue(Catalog):
    """A catalogue whose head says only what programs need: no dates, names or versions that change by themselves."""

    @property
    def mime_headers(self) -> list[tuple[str, str]]:
        return [
            ("Project-Id-Version", "cms_lms"),
            ("Language", str(self.locale_identifier)),
            ("MIME-Version", "1.0"),
            ("Content-Type", "text/plain; charset=utf-8"),
            ("Content-Transfer-Encoding", "8bit"),
            ("Plural-Forms", self.plural_forms),
        ]


def new_catalogue(language: str) -> Catalogue:
    """Return the catalogue of a language without any text."""
    return Catalogue(language, header_comment=f"# Translations of cms_lms: {LANGUAGES[language]}", fuzzy=False)


def source_files() -> list[Path]:
    """Return the files that hold texts, in a fixed order."""
    python = (ROOT / "cms_lms").rglob("*.py")
    templates = [
        path
        for folder in (ROOT / "templates", ROOT / "cms_lms")
        for ending in ("*.html", "*.txt")
        for path in folder.rglob(ending)
    ]
    return sorted([*python, *templates])


def as_python(path: Path) -> bytes:
    """Return the source of a file as Python that names its texts; of a template, what Django makes for xgettext."""
    source = path.read_text(encoding="utf-8")
    if path.suffix == ".py":
        return source.encode()
    # What stands between the texts is blanked out with its indentation kept, which is none that Python takes.
    return "\n".join(line.strip() for line in templatize(source, origin=str(path)).splitlines()).encode()


@cache
def source_texts() -> tuple[tuple[str, Message], ...]:
    """Return every text of the sources with the file that it stands in, file by file, as often as it stands there."""
    return tuple(_read_sources())


def _read_sources() -> Iterator[tuple[str, Message]]:
    for path in source_files():
        name = path.relative_to(ROOT).as_posix()
        found = extract("python", io.BytesIO(as_python(path)), KEYWORDS, COMMENT_TAGS, strip_comment_tags=False)
        for _line, text, comments, context in found:
            yield name, Message(text, auto_comments=comments, context=context)


def read(language: str) -> Catalog:
    """Return the catalogue of a language as it was written last; an empty one before that."""
    path = catalogue_path(language)
    if not path.exists():
        return Catalog(language)
    with path.open("rb") as file:
        return read_po(file, locale=language, abort_invalid=True)


def updated(language: str) -> Catalogue:
    """Return the catalogue of a language with just the texts of the sources, and the translations known for them."""
    known, catalogue = read(language), new_catalogue(language)
    for name, text in source_texts():
        if language in LEARNERS_ONLY and not name.startswith(LEARNERS_PLACES):
            continue
        before = known.get(text.id, text.context)
        kept = before if before and before.id == text.id else None
        catalogue.add(
            text.id,
            kept.string if kept else None,
            locations=[(name, None)],
            auto_comments=text.auto_comments,
            user_comments=kept.user_comments if kept else [],
            context=text.context,
        )
    return catalogue


def catalogue_path(language: str) -> Path:
    """Return where the catalogue of a language is kept."""
    return LOCALES / language / "LC_MESSAGES" / "django.po"


def as_po(catalogue: Catalog) -> bytes:
    """Return a catalogue as translators edit it: without the numbers of lines, one text to a line."""
    file = io.BytesIO()
    write_po(file, catalogue, width=0, include_lineno=False, ignore_obsolete=True)
    return file.getvalue()


def as_mo(catalogue: Catalog) -> bytes:
    """Return a catalogue as programs read it."""
    file = io.BytesIO()
    write_mo(file, catalogue)
    return file.getvalue()


def compiled(language: str) -> bytes:
    """Return what compiling the written catalogue of a language gives."""
    catalogue = new_catalogue(language)
    for message in read(language):
        if message.id:
            catalogue[message.id] = message
    return as_mo(catalogue)


def untranslated(catalogue: Catalog) -> list[str]:
    """Return the texts that have no translation, or lack one of their plural forms."""
    return [
        str(message.id)
        for message in catalogue
        if message.id and not all(message.string if message.pluralizable else [message.string])
    ]


def write_all() -> None:
    """Bring every catalogue in step with the sources, compile it, and say what is left to translate."""
    for language in LANGUAGES:
        catalogue, path = updated(language), catalogue_path(language)
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(as_po(catalogue))
        path.with_suffix(".mo").write_bytes(compiled(language))
        sys.stdout.write(f"{language}: {len(catalogue)} texts, {len(untranslated(catalogue))} to translate\n")


if __name__ == "__main__":
    write_all()
