"""The settings of an Open edX that let learners' browsers call it from this site's pages, as text to paste into it.

The text is Python for the LMS's settings module (with Tutor: a plugin's patch ``openedx-lms-common-settings``), in the
form that the LMS's release wants. Where the release is not known it holds what all of the possible ones need.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Collection, Iterator, Sequence
from urllib.parse import urlsplit

from django.utils.translation import gettext as _

from cms_lms.backends.openedx_release import ReleaseRange
from cms_lms.backends.same_site import shared_domain

#: The cross-domain cookie that the panel reads unless it is told another name.
CSRF_COOKIE_NAME = "edx_csrf_token"

#: A name of the LMS's own, for the case that the site's session has Django's name and the shared domain.
SESSION_COOKIE_NAME = "edx_session"

#: Every setting that the block may hold.
SETTINGS = (
    "ENABLE_CORS_HEADERS",
    "ENABLE_CROSS_DOMAIN_CSRF_COOKIE",
    "CORS_ALLOW_CREDENTIALS",
    "CORS_ALLOW_INSECURE",
    "CORS_ORIGIN_WHITELIST",
    "CROSS_DOMAIN_CSRF_COOKIE_DOMAIN",
    "CROSS_DOMAIN_CSRF_COOKIE_NAME",
    "SESSION_COOKIE_NAME",
    "CSRF_TRUSTED_ORIGINS",
    "LOGIN_REDIRECT_WHITELIST",
)


def settings_block(
    base_url: str,
    site_origins: Sequence[str],
    releases: ReleaseRange,
    only: Collection[str] = SETTINGS,
) -> str:
    """Return the settings that the LMS at ``base_url`` needs for the pages of those origins, or some of them."""
    block = _Block(base_url, site_origins, releases)
    lines = [line for name in SETTINGS if name in only for line in block.lines(name)]
    return "\n".join([*block.head(), *lines]) + "\n"


class _Block:
    def __init__(self, base_url: str, site_origins: Sequence[str], releases: ReleaseRange) -> None:
        self.origins = list(site_origins)
        self.releases = releases
        self.hosts = [urlsplit(origin).netloc for origin in self.origins]
        self.is_insecure = any(not url.startswith("https://") for url in (base_url, *self.origins))
        self.domain = shared_domain([urlsplit(url).hostname or "" for url in (base_url, *self.origins)])

    def head(self) -> Iterator[str]:
        yield from self._comment(
            _("Open edX (%(releases)s), for the pages of %(origins)s")
            % {"releases": self.releases, "origins": _literal(self.origins)}
        )

    def _comment(self, text: str) -> Iterator[str]:
        """Up to Ironwood it is Python 2, which takes nothing but ASCII from a file that does not announce more."""
        if not self.releases.since("juniper"):
            text = unicodedata.normalize("NFKD", text).encode("ascii", "ignore").decode()
        for line in text.splitlines():
            yield f"# {line}"

    def lines(self, name: str) -> Iterator[str]:
        """Yield the setting, after what there is to say about it."""
        match name:
            case "ENABLE_CORS_HEADERS":
                yield from self._feature(name)
            case "ENABLE_CROSS_DOMAIN_CSRF_COOKIE":
                if self.domain is not None:
                    yield from self._feature(name)
                else:
                    yield from self._comment(
                        _("%(name)s stays off: without a domain that both share, every page of the LMS would fail.")
                        % {"name": name}
                    )
            case "CORS_ALLOW_CREDENTIALS":
                yield f"{name} = True"
            case "CORS_ALLOW_INSECURE":
                if self.is_insecure:
                    yield from self._comment(_("For development alone: not everything here has https."))
                yield f"{name} = {self.is_insecure}"
            case "CORS_ORIGIN_WHITELIST":
                yield from self._whitelist(name)
            case "CROSS_DOMAIN_CSRF_COOKIE_DOMAIN":
                if self.domain is not None:
                    yield f"{name} = {_literal('.' + self.domain)}"
                else:
                    yield from self._comment(
                        _("%(name)s: there is none. Let the LMS and this site be below one domain of yours.")
                        % {"name": name}
                    )
            case "CROSS_DOMAIN_CSRF_COOKIE_NAME":
                yield f"{name} = {_literal(CSRF_COOKIE_NAME)}"
            case "SESSION_COOKIE_NAME":
                yield from self._comment(_("Not the name that this site uses. A change logs everybody out once."))
                yield f"{name} = {_literal(SESSION_COOKIE_NAME)}"
            case "CSRF_TRUSTED_ORIGINS":
                yield from self._trusted_origins(name)
            case "LOGIN_REDIRECT_WHITELIST":
                yield _extended(name, self.hosts)

    def _feature(self, name: str) -> Iterator[str]:
        """Features became settings of their own in Ulmo."""
        is_flat = self.releases.since("ulmo")
        if is_flat is None:
            yield from self._comment(_("Since Ulmo:"))
        if is_flat is not False:
            yield f"{name} = True"
        if is_flat is None:
            yield from self._comment(_("Up to Teak:"))
            yield f'globals().get("FEATURES", {{}})["{name}"] = True'
        if is_flat is False:
            yield f'FEATURES["{name}"] = True'

    def _whitelist(self, name: str) -> Iterator[str]:
        """django-cors-headers wants whole origins since its version 3, which came with Maple."""
        has_scheme = self.releases.since("maple")
        yield from self._comment(_("Lists are added to: the micro-frontends of the LMS are in them."))
        if has_scheme is None:
            yield from self._comment(_("Up to Lilac without the scheme: %(hosts)s") % {"hosts": _literal(self.hosts)})
        yield _extended(name, self.hosts if has_scheme is False else self.origins)

    def _trusted_origins(self, name: str) -> Iterator[str]:
        """Django compares the Origin header since its version 4, which came with Redwood; Quince was warned."""
        if self.releases.since("quince") is False:
            return
        is_tutor_key = self.releases.since("redwood") is not False and self.releases.since("ulmo") is not True
        if is_tutor_key:
            yield from self._comment(
                _("With Tutor from Redwood to Teak, in its YAML: %(name)s") % {"name": f"{name}_WITH_SCHEME"}
            )
        yield _extended(name, self.origins)


def _extended(name: str, values: Sequence[str]) -> str:
    """Add to a list that may be a tuple, or not be there, depending on the release."""
    return f'{name} = list(globals().get("{name}", ())) + {_literal(values)}'


def _literal(value: str | Sequence[str]) -> str:
    """Write down a value so that nothing in it can be anything but the value."""
    return ascii(value if isinstance(value, str) else list(value))
