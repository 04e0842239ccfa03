"""What a URL is here: the normal form that patterns see, the key by which two links are the same run, and the base URL
of an LMS.
"""

import hashlib
import ipaddress
import re
import unicodedata
from typing import NamedTuple

import idna
from django.utils.translation import gettext_lazy as _

from cms_lms.patterns.errors import InvalidURL

__all__ = ["MAX_URL_LENGTH", "InvalidURL", "normalize_base_url", "normalize_url", "origin_of", "resource_key"]

MAX_URL_LENGTH = 2000

_DEFAULT_PORTS = {"http": 80, "https": 443}

# A URL that is its own normal form: the common case, worth a way round the full work.
_PLAIN_URL = re.compile(
    r"https?://(?=[^/]{1,253}(?:/|\Z))[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?(?:\.[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?)*(?:/[\w\-.~!$&'()*+,;=:@/?]*)?",
    re.ASCII,
)

# Read by hand rather than by urllib.parse, which drops some characters silently and accepts "[::1]junk".
_URL = re.compile(r"(?P<scheme>https?)://(?P<authority>[^/?#]*)(?P<rest>.*)", re.IGNORECASE | re.DOTALL)
_AUTHORITY = re.compile(r"(?P<host>\[[0-9A-Fa-f:.]+\]|[^:\[\]]+)(?::(?P<port>[0-9]{0,5}))?")

_UNUSUAL_CHARACTERS = re.compile(r"[^!-\[\]-~]")

_MAX_HOST_LENGTH = 253
_HOST_LABEL = re.compile(r"[a-z0-9_](?:[a-z0-9_-]{0,61}[a-z0-9_])?")

_ESCAPES = re.compile(r"(?:%[0-9A-Fa-f]{2})+|%")

# What stays escaped, because decoding it would move the borders between the parts of the URL (a "%2F" inside a
# segment is not a border), or would be decoded again by whoever normalises the result ("%2541" must never become "A").
# A backslash is a slash to browsers. In a query "/" and "?" are plain text while "&" is a border.
_KEPT_IN_PATH = frozenset("/?#%\\")
_KEPT_IN_QUERY = frozenset("#%&\\")

_FORBIDDEN_ESCAPES = re.compile(r"%(?![0-9A-Fa-f]{2})|%2[Ff]|%5[Cc]")


class _Parts(NamedTuple):
    scheme: str
    host: str  # lower case, ASCII; an IPv6 address in brackets
    port: int | None  # None for the scheme's default
    rest: str  # path, query and fragment as they came

    @property
    def origin(self) -> str:
        return self.host if self.port is None else f"{self.host}:{self.port}"


def normalize_url(url: str) -> str:
    """The form of a URL that patterns see (wire-protocol, "One run per link").

    The host is in lower case (international names in their ASCII form, as browsers send them), the default port
    dropped, percent-escapes decoded once; the rest is untouched. ``+`` stays ``+``. Normalising twice changes nothing.
    Still escaped, with upper-case digits: ``/ ? # % \\`` in the path, ``# % & \\`` in the query, white space, and what
    is not UTF-8.

    Raises InvalidURL (codes ``too_long``, ``control_character``, ``surrogate``, ``space``, ``backslash``, ``scheme``,
    ``host``, ``port``, ``user_info``).
    """
    if len(url) <= MAX_URL_LENGTH and _PLAIN_URL.fullmatch(url):
        return url
    parts = _split(url)
    return _bounded(f"{parts.scheme}://{parts.origin}{_decode(parts.rest)}")


def resource_key(url: str) -> str:
    """The SHA-256, in hex, of what makes a link the link of this run and no other.

    Links that differ only in scheme, host case, default port, escapes or a trailing slash have the same key; query and
    fragment count. Raises InvalidURL as ``normalize_url`` does.
    """
    address = normalize_url(url).split("://", 1)[1]
    border = _end_of_path(address)
    address = address[:border].removesuffix("/") + address[border:]
    return hashlib.sha256(address.encode()).hexdigest()


def origin_of(url: str) -> str:
    """Scheme, host and port of a URL, as browsers write an origin. Raises InvalidURL as ``normalize_url`` does."""
    parts = _split(url)
    return f"{parts.scheme}://{parts.origin}"


def normalize_base_url(url: str, *, allow_insecure: bool) -> str:
    """The address under which an LMS is reached, without trailing slash: paths are appended to it.

    Raises InvalidURL; besides the codes of ``normalize_url``: ``insecure``, ``query``, ``fragment``, ``path``.
    """
    parts = _split(url)
    if parts.scheme != "https" and not allow_insecure:
        raise InvalidURL(_("The address must start with https://."), code="insecure")
    if "#" in parts.rest:
        raise InvalidURL(_("The address must not have a fragment (“#…”)."), code="fragment")
    if "?" in parts.rest:
        raise InvalidURL(_("The address must not have a query (“?…”)."), code="query")
    path = parts.rest.removesuffix("/")
    # _decode() also refuses escaped control characters.
    segments = _decode(path).split("/")[1:]
    if "" in segments:
        raise InvalidURL(_("The path must not have empty parts (“//”)."), code="path")
    if any(segment in (".", "..") for segment in segments):
        raise InvalidURL(_("The path must not have “.” or “..” as a part, escaped or not."), code="path")
    if _FORBIDDEN_ESCAPES.search(path):
        raise InvalidURL(
            _("The path must not have escaped slashes or backslashes, nor a percent sign that escapes nothing."),
            code="path",
        )
    return _bounded(f"{parts.scheme}://{parts.origin}{path}")


def _bounded(url: str) -> str:
    if len(url) > MAX_URL_LENGTH:
        raise InvalidURL(_("The URL is longer than %(limit)s characters."), code="too_long", limit=MAX_URL_LENGTH)
    return url


def _split(url: str) -> _Parts:
    _refuse_characters(_bounded(url))
    match = _URL.fullmatch(url)
    if match is None:
        raise InvalidURL(_("The URL must start with https:// or http://."), code="scheme")
    scheme, authority, rest = match["scheme"].lower(), match["authority"], match["rest"]
    if "@" in authority:
        raise InvalidURL(
            _("The URL must not contain a user name or a password (“@” before the host)."), code="user_info"
        )
    host_and_port = _AUTHORITY.fullmatch(authority)
    if host_and_port is None:
        raise InvalidURL(_("The URL has no valid host."), code="host")
    port = int(host_and_port["port"] or _DEFAULT_PORTS[scheme])
    if not 0 < port < 65536:
        raise InvalidURL(_("The port must be a number between 1 and 65535."), code="port")
    return _Parts(
        scheme=scheme,
        host=_normalize_host(host_and_port["host"]),
        port=None if port == _DEFAULT_PORTS[scheme] else port,
        rest=rest,
    )


def _refuse_characters(url: str) -> None:
    for character in _UNUSUAL_CHARACTERS.findall(url):
        if character == "\\":
            # Browsers read it as a slash, everyone else as a letter: two readers, two hosts.
            raise InvalidURL(_("The URL must not contain a backslash."), code="backslash")
        category = unicodedata.category(character)
        if category in ("Cc", "Zl", "Zp"):
            raise InvalidURL(_("The URL must not contain control characters."), code="control_character")
        if category == "Cs":
            raise InvalidURL(_("The URL contains half a character (a lone surrogate)."), code="surrogate")
        if category == "Zs":
            raise InvalidURL(_("The URL must not contain spaces; they must be escaped."), code="space")


def _normalize_host(host: str) -> str:
    """An IPv6 address in its shortest form, a name in lower-case ASCII; every spelling of a host comes out the same."""
    try:
        if host.startswith("["):
            return f"[{ipaddress.IPv6Address(host[1:-1])}]"
        if len(host) <= _MAX_HOST_LENGTH and not host.isascii():
            host = idna.encode(host, uts46=True).decode("ascii")
        host = host.lower()
        if len(host) > _MAX_HOST_LENGTH or not all(_HOST_LABEL.fullmatch(label) for label in host.split(".")):
            raise ValueError("not a host name")
    except ValueError as error:
        raise InvalidURL(_("The URL has no valid host."), code="host") from error
    return host


def _end_of_path(text: str) -> int:
    return next((index for index, character in enumerate(text) if character in "?#"), len(text))


def _decode(rest: str) -> str:
    border = _end_of_path(rest)
    return _decode_part(rest[:border], _KEPT_IN_PATH) + _decode_part(rest[border:], _KEPT_IN_QUERY)


def _decode_part(text: str, kept: frozenset[str]) -> str:
    def decode(match: re.Match[str]) -> str:
        escapes = match.group()
        if escapes == "%":  # it escapes nothing, and must not begin to once its neighbours are decoded
            return "%25"
        octets = bytes.fromhex(escapes.replace("%", ""))
        # Lone surrogates stand for the octets that are not UTF-8 (PEP 383).
        return "".join(_decode_character(character, kept) for character in octets.decode(errors="surrogateescape"))

    return _ESCAPES.sub(decode, text)


def _decode_character(character: str, kept: frozenset[str]) -> str:
    category = unicodedata.category(character)
    if category in ("Cc", "Zl", "Zp"):
        raise InvalidURL(_("The URL must not contain control characters, escaped or not."), code="control_character")
    if character in kept or category in ("Zs", "Cs"):
        return "".join(f"%{octet:02X}" for octet in character.encode(errors="surrogateescape"))
    return character
