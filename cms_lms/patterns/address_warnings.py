"""What is odd about a valid course regex beside its backend's base URL: it takes none of the URLs that the LMS has."""

from __future__ import annotations

import re
from urllib.parse import urlsplit

from django.utils.translation import gettext_lazy as _

from cms_lms.patterns.errors import PatternWarning, in_words
from cms_lms.patterns.literal_beginning import literal_beginnings

_ORIGIN = re.compile("(?P<scheme>https?)://(?P<host>[^/?#]+)[/?#]")


def address_warnings(pattern: str, base_url: str) -> list[PatternWarning]:
    """The warnings about a valid pattern and a base URL in normal form.

    Codes: ``other_scheme``, ``other_host``. Nothing is said where the pattern leaves the host open, nor of a host
    beside that of the LMS, such as its learning micro-frontend's.
    """
    origins = [_ORIGIN.match(beginning.text) for beginning in literal_beginnings(pattern)]
    found = [(origin["scheme"], origin["host"].lower()) for origin in origins if origin]
    base = urlsplit(base_url)
    if len(found) < len(origins) or not base.hostname:
        return []
    schemes = {scheme for scheme, host in found if host == base.netloc}
    if schemes and base.scheme not in schemes:
        message = in_words(
            _(
                "Only URLs that begin with %(found)s match, and the base URL begins with %(base)s. "
                "Write ^https?:// for both."
            ),
            found=f"{min(schemes)}://",
            base=f"{base.scheme}://",
        )
        return [PatternWarning(message, code="other_scheme")]
    if schemes or any(_is_beside(host, base.hostname) for _scheme, host in found):
        return []
    message = in_words(
        _("Only URLs of %(found)s match, and the base URL is of %(base)s. Correct the one that is wrong."),
        found=", ".join(dict.fromkeys(host for _scheme, host in found)),
        base=base.netloc,
    )
    return [PatternWarning(message, code="other_host")]


def _is_beside(host: str, other: str) -> bool:
    """Whether two hosts are different ones of what looks like one domain."""
    name = host.partition(":")[0]
    return name != other and name.split(".")[-2:] == other.split(".")[-2:]
