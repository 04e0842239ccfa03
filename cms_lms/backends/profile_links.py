"""The links of a logged-in learner's menu: lines of “label | address”, with holes for what only the page knows.

Pure. ``{base_url}`` is filled in on the server, ``(username)`` in the browser, which alone knows the learner.
"""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from typing import NamedTuple
from urllib.parse import urlsplit

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

BASE_URL_HOLE = "{base_url}"
USERNAME_HOLE = "(username)"

#: Holes need not be encoded in an address; whatever else is a brace is a mistake in one.
LABEL_MAX_LENGTH = 60


class ProfileLink(NamedTuple):
    """One link: its label, and its address with the hole for the username still in it."""

    label: str | Promise
    url: str


class InvalidProfileLink(ValueError):
    """A line cannot be a link; ``message`` says which and why."""

    code = "invalid_link"

    def __init__(self, message: str | Promise) -> None:
        super().__init__(message)
        self.message = message


def read_profile_links(lines: Sequence[str]) -> list[ProfileLink]:
    """Return the links that the lines describe, ``{base_url}`` not filled in. Raises ``InvalidProfileLink``."""
    if not isinstance(lines, (list, tuple)) or not all(isinstance(line, str) for line in lines):
        raise InvalidProfileLink(_("Give a list of lines, each “label | address”."))
    return [_read_line(line) for line in lines]


def _read_line(line: str) -> ProfileLink:
    label, bar, url = (part.strip() for part in line.partition("|"))
    if not bar or not label or not url:
        raise InvalidProfileLink(
            _("“%(line)s” is not a link. Write a label and an address: Dashboard | {base_url}/dashboard")
            % {"line": line}
        )
    if len(label) > LABEL_MAX_LENGTH or not line.isprintable():
        raise InvalidProfileLink(
            _("The label of “%(line)s” is too long, or holds characters that cannot be seen.") % {"line": line}
        )
    if not _is_web_address(url):
        raise InvalidProfileLink(
            _("The address of “%(line)s” must begin with {base_url}/ or https://.") % {"line": line}
        )
    return ProfileLink(label, url)


def _is_web_address(url: str) -> bool:
    if url.startswith(f"{BASE_URL_HOLE}/") or url == BASE_URL_HOLE:
        url = url.replace(BASE_URL_HOLE, "https://lms.example.com", 1)
    if any(character in url for character in "{}\\ "):
        return False
    try:
        parts = urlsplit(url)
        return parts.scheme in ("http", "https") and bool(parts.hostname) and USERNAME_HOLE not in parts.netloc
    except ValueError:
        return False


def fill_base_url(link: ProfileLink, base_url: str) -> ProfileLink:
    """Return the link with the base URL in its place."""
    return link._replace(url=link.url.replace(BASE_URL_HOLE, base_url.rstrip("/")))


def written_profile_links(lines: Sequence[str], base_url: str) -> list[ProfileLink]:
    """Return the links that stored lines describe, filled in, without the lines that are none."""
    links = []
    for line in lines:
        with suppress(InvalidProfileLink):
            links.append(fill_base_url(_read_line(line), base_url))
    return links
