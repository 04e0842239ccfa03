"""The documentation as HTML, from the Markdown that it is written in.

In a checkout ``docs/`` stands beside the package; the wheel carries it inside, without the pictures.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from urllib.parse import urlsplit

from django.utils.safestring import SafeString, mark_safe
from markdown_it import MarkdownIt
from markdown_it.token import Token

PACKAGE = Path(__file__).resolve().parent.parent

#: The pages as they are listed; others follow by name.
ORDER = (
    "backends",
    "patterns",
    "openedx",
    "openedx-fonzie",
    "moodle",
    "canvas",
    "joanie",
    "custom-lms",
    "enrollment",
    "theming",
    "run-list",
    "web-hook",
    "publishing",
    "secrets",
    "migrating-from-richie",
    "settings",
    "caching",
    "architecture",
    "translating",
    "benchmarks",
)

_MARKDOWN = MarkdownIt("commonmark", {"html": False}).enable("table")


@dataclass(frozen=True)
class Heading:
    """A heading; ``level`` as in the Markdown, ``anchor`` as GitHub names it."""

    level: int
    anchor: str
    text: str


@dataclass(frozen=True)
class Page:
    """A page of the documentation; ``html`` is all but the title."""

    name: str
    title: str
    introduction: str
    headings: Sequence[Heading]
    html: SafeString


def docs_folder() -> Path:
    """Return the folder of the Markdown."""
    inside = PACKAGE / "docs"
    return inside if inside.is_dir() else PACKAGE.parent / "docs"


def find_pages() -> dict[str, Path]:
    """Return the files by the pages' names, in order."""
    found = {path.stem: path for path in sorted(docs_folder().glob("*.md"))}
    names = [*(name for name in ORDER if name in found), *(name for name in found if name not in ORDER)]
    return {name: found[name] for name in names}


def read_page(name: str, address_of: Callable[[str], str]) -> Page:
    """Return a page, its links to others leading where ``address_of`` says. Raises ``KeyError`` for one that is not."""
    pages = find_pages()
    tokens = _MARKDOWN.parse(pages[name].read_text(encoding="utf-8"))
    headings = list(_name_headings(tokens))
    for inline in [token for token in tokens if token.type == "inline"]:
        inline.children = list(_without_pictures(inline.children or []))
        _lead_links(inline.children, pages, address_of)
    tokens = list(_mend_tables(_without_title(tokens)))
    first = next(token for token in tokens if token.type == "inline" and token.level == 1 and not _in_heading(token))
    return Page(
        name=name,
        title=headings[0].text,
        introduction=_text_of(first),
        headings=headings[1:],
        html=mark_safe(_MARKDOWN.renderer.render(tokens, _MARKDOWN.options, {})),  # noqa: S308  (HTML in it is escaped)
    )


def anchor_of(text: str) -> str:
    """Return the id that GitHub gives to a heading."""
    return re.sub(r"[^\w\- ]", "", text.strip().lower()).replace(" ", "-")


def _name_headings(tokens: Sequence[Token]) -> Iterator[Heading]:
    """Give headings their ids."""
    taken: dict[str, int] = {}
    for opening, inline in pairwise(tokens):
        if opening.type != "heading_open":
            continue
        level, text = int(opening.tag[1]), _text_of(inline)
        anchor = anchor_of(text)
        taken[anchor] = taken.get(anchor, -1) + 1
        if taken[anchor]:
            anchor = f"{anchor}-{taken[anchor]}"
        opening.attrSet("id", anchor)
        inline.meta["heading"] = True
        yield Heading(level, anchor, text)


def _without_title(tokens: Sequence[Token]) -> Iterator[Token]:
    """Leave out the first heading: the header of the admin shows it."""
    in_title = False
    for token in tokens:
        in_title = in_title or (token.type == "heading_open" and token.tag == "h1")
        if not in_title:
            yield token
        in_title = in_title and token.type != "heading_close"


def _in_heading(inline: Token) -> bool:
    return bool(inline.meta.get("heading"))


def _text_of(inline: Token) -> str:
    return "".join(token.content for token in inline.children or [] if token.type in ("text", "code_inline"))


def _without_pictures(tokens: Sequence[Token]) -> Iterator[Token]:
    return (token for token in tokens if token.type != "image")


def _lead_links(tokens: Sequence[Token], pages: dict[str, Path], address_of: Callable[[str], str]) -> None:
    """Lead links to other pages to their addresses; what leads out of the documentation becomes plain text."""
    is_lost = False
    for token in tokens:
        if token.type == "link_open":
            link = urlsplit(str(token.attrGet("href")))
            page = link.path.removesuffix(".md")
            is_lost = not link.scheme and bool(link.path) and page not in pages
            if not link.scheme and page in pages:
                anchor = f"#{link.fragment}" if link.fragment else ""
                token.attrSet("href", address_of(page) + anchor)
        if is_lost and token.type in ("link_open", "link_close"):
            token.tag = "span"
            token.attrs = {}


def _mend_tables(tokens: Iterable[Token]) -> Iterator[Token]:
    """Leave out heads without words, make empty head cells plain ones, and let wide tables scroll."""
    head: list[Token] = []
    in_head = False
    for token in tokens:
        if token.type == "table_open":
            yield Token("html_block", "", 0, content='<div class="cms-lms-scrolling" role="group" tabindex="0">')
        in_head = in_head or token.type == "thead_open"
        if not in_head:
            yield token
        else:
            head.append(token)
        if token.type == "thead_close":
            if any(cell.content for cell in head if cell.type == "inline"):
                yield from _without_empty_heads(head)
            head, in_head = [], False
        if token.type == "table_close":
            yield Token("html_block", "", 0, content="</div>")


def _without_empty_heads(head: Sequence[Token]) -> Iterator[Token]:
    for before, token, after in zip([None, *head], head, [*head[1:], None], strict=False):
        is_empty = (token.type == "th_open" and after is not None and not after.content) or (
            token.type == "th_close" and before is not None and not before.content
        )
        if is_empty:
            token.tag = "td"
        elif token.type == "th_open":
            token.attrSet("scope", "col")
        yield token
