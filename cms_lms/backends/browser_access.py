"""What learners' browsers ask for before they let a page of this site call an LMS: checks for LMSs that are so called.

Browsers send the cookies of the LMS along, and show the page its answers, only if both are encrypted, both are below
one domain, and the LMS allows the page's origin (CORS). Server-side calls need none of this: the checks are skipped
for backends without a JS backend. What only a browser can see is seen there.
"""

from __future__ import annotations

from typing import ClassVar
from urllib.parse import urlsplit

from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext

from cms_lms.backends.connection import ConnectionCheck, Finding, Text, Visit
from cms_lms.backends.http import LMSResponse
from cms_lms.backends.same_site import is_ip_address, is_local, is_same_site, registrable_domain

#: The answers to the preflights, by the origin of this site that they were asked for.
PREFLIGHTS = "browser_preflights"

_WHERE_SITES_ARE = gettext_lazy("The addresses of this site are those under Settings → Sites.")


class BrowserCheck(ConnectionCheck):
    """A check that means something only where learners' browsers call the LMS, from pages that are known."""

    def run(self, visit: Visit) -> Finding:
        """Skip it where browsers do not call the LMS."""
        if not visit.config.is_called_by_browsers:
            return self.skipped(_("The backend has no JS backend: browsers do not call this LMS."))
        if not visit.site_origins:
            return self.skipped(_("The address of this site is not known. %(where)s") % {"where": _WHERE_SITES_ARE})
        return self.run_for_browsers(visit)

    def run_for_browsers(self, visit: Visit) -> Finding:
        """As ``run``, with at least one origin."""
        raise NotImplementedError

    def settings_of_lms(self, visit: Visit, *names: str) -> str:
        """Return text to paste into the settings of the LMS, blank where its kind has none."""
        return ""


class EncryptedPages(BrowserCheck):
    """Whether the LMS and the pages of this site both have https."""

    name = "browser-https"
    title = gettext_lazy("https on both sides")

    def run_for_browsers(self, visit: Visit) -> Finding:
        """Look at the addresses alone."""
        addresses = [visit.config.base_url, *visit.site_origins]
        bare = [address for address in addresses if not address.startswith("https://")]
        if not bare:
            return self.passed(_("The LMS and the pages of this site are encrypted."))
        cause = ngettext(
            "%(addresses)s is not encrypted: browsers keep the LMS’s cookies from such pages.",
            "%(addresses)s are not encrypted: browsers keep the LMS’s cookies from such pages.",
            len(bare),
        ) % {"addresses": ", ".join(bare)}
        if all(is_local(_host(address)) for address in addresses):
            return self.warning(
                _("%(cause)s On this machine alone some let it pass, for development.") % {"cause": cause},
                _("Nothing, for development. For the public, let both have https."),
            )
        return self.failed(cause, _("Let both have https, and enter them so. %(where)s") % {"where": _WHERE_SITES_ARE})


class SiblingDomains(BrowserCheck):
    """Whether the LMS and the pages of this site are below one domain."""

    name = "browser-siblings"
    title = gettext_lazy("Sibling domains")

    def run_for_browsers(self, visit: Visit) -> Finding:
        """Ask the public suffix list."""
        lms = _host(visit.config.base_url)
        strangers = [host for host in map(_host, visit.site_origins) if not is_same_site(lms, host)]
        if not strangers:
            domain = registrable_domain(lms)
            return self.passed(
                _("All are below %(domain)s.") % {"domain": domain} if domain else _("All are on one host.")
            )
        words = {"lms": lms, "hosts": ", ".join(strangers)}
        if any(is_ip_address(host) for host in (lms, *strangers)):
            return self.failed(
                _("An IP address has no domain, hence no siblings: %(lms)s and %(hosts)s.") % words,
                _("Give both names below one domain of yours, like lms.example.com and catalogue.example.com."),
            )
        return self.failed(
            _(
                "%(lms)s and %(hosts)s are not below one domain of yours: browsers keep the learner’s session of the "
                "LMS from the pages of this site."
            )
            % words,
            _(
                "Move one of the two, so that both are below one domain, like lms.example.com and "
                "catalogue.example.com. Or clear the JS backend: course pages then show a plain link. %(where)s"
            )
            % {"where": _WHERE_SITES_ARE},
        )


class _PreflightCheck(BrowserCheck):
    """One thing to read from what the LMS answers before browsers send a write with credentials."""

    path: ClassVar[str]
    method: ClassVar[str] = "POST"
    headers: ClassVar[tuple[str, ...]] = ("content-type",)

    def preflights(self, visit: Visit) -> dict[str, LMSResponse]:
        """Ask once for each origin of this site."""
        asked: dict[str, LMSResponse] | None = visit.facts.get(PREFLIGHTS)
        if asked is None:
            asked = {
                origin: visit.http.options(
                    visit.config.base_url + self.path,
                    headers={
                        "Origin": origin,
                        "Access-Control-Request-Method": self.method,
                        "Access-Control-Request-Headers": ",".join(self.headers),
                    },
                )
                for origin in visit.site_origins
            }
            visit.facts[PREFLIGHTS] = asked
        return asked


class AllowedOrigin(_PreflightCheck):
    """Whether the LMS allows the origins of this site, each by name."""

    name = "browser-origin"
    title = gettext_lazy("The LMS allows the pages of this site")
    requires = ("answer",)

    #: The settings of the LMS that it takes.
    settings: ClassVar[tuple[str, ...]] = ()

    def run_for_browsers(self, visit: Visit) -> Finding:
        """Compare the origin letter by letter, as browsers do."""
        for origin, response in self.preflights(visit).items():
            problem = self._problem(origin, response)
            if problem is not None:
                cause, fix = problem
                return self.failed(cause, fix, self.settings_of_lms(visit, *self.settings))
        return self.passed(_("It allows %(origins)s.") % {"origins": ", ".join(visit.site_origins)})

    def _problem(self, origin: str, response: LMSResponse) -> tuple[str, str] | None:
        allowed = response.headers.get("Access-Control-Allow-Origin", "")
        words = {"origin": origin, "allowed": allowed[:200], "status": response.status}
        if response.is_redirect:
            words["url"] = response.location.partition("?")[0]
            return (
                _("The LMS redirects the question (OPTIONS) to %(url)s; browsers do not follow.") % words,
                _("Enter the address that it redirects to as the base URL, or correct the web server of the LMS."),
            )
        if not allowed:
            return (
                _("The LMS does not allow %(origin)s: browsers hide its answers from those pages.") % words,
                _("Let the LMS allow this origin."),
            )
        if allowed == "*":
            return (
                _("The LMS allows everybody (“*”), which browsers do not accept for calls with cookies.") % words,
                _("Let the LMS name this origin instead. A proxy in front of it may be what adds the “*”."),
            )
        if "," in allowed:
            return (
                _("The LMS and something in front of it both allow an origin: “%(allowed)s”. Browsers take one.")
                % words,
                _("Let only the LMS send Access-Control-Allow-Origin, not its web server or proxy as well."),
            )
        if allowed != origin:
            return (
                _("The LMS allows “%(allowed)s”, not %(origin)s; scheme, host and port must be the same.") % words,
                _("Let the LMS allow this origin."),
            )
        if not 200 <= response.status < 300:
            return (
                _("The LMS allows %(origin)s, but answers the question (OPTIONS) with status %(status)s.") % words,
                _("Let the LMS, its web server and any firewall answer OPTIONS with status 200."),
            )
        return None


class AllowedCredentials(_PreflightCheck):
    """Whether the LMS lets cookies come along."""

    name = "browser-credentials"
    title = gettext_lazy("Cookies may come along")
    requires = ("browser-origin",)
    settings: ClassVar[tuple[str, ...]] = ()

    def run_for_browsers(self, visit: Visit) -> Finding:
        """Look for the one value that there is."""
        for origin, response in self.preflights(visit).items():
            if response.headers.get("Access-Control-Allow-Credentials") != "true":
                return self.failed(
                    _("The LMS does not allow calls with cookies from %(origin)s: to it, everybody is a stranger.")
                    % {"origin": origin},
                    _("Let the LMS allow credentials."),
                    self.settings_of_lms(visit, *self.settings),
                )
        return self.passed(_("The LMS allows calls with cookies."))


class AllowedHeaders(_PreflightCheck):
    """Whether the LMS takes the headers that a write has."""

    name = "browser-headers"
    title = gettext_lazy("The headers of a write are allowed")
    requires = ("browser-origin",)

    #: What to do on the LMS.
    fix: ClassVar[Text] = gettext_lazy("Let the LMS allow them.")

    def run_for_browsers(self, visit: Visit) -> Finding:
        """A “*” means nothing when cookies come along. POST itself is always allowed (Fetch, CORS protocol)."""
        for response in self.preflights(visit).values():
            allowed = _list_in(response.headers.get("Access-Control-Allow-Headers", ""))
            missing = [header for header in self.headers if header not in allowed]
            if missing:
                return self.failed(
                    _("The LMS does not allow the headers %(headers)s: browsers send no write to it.")
                    % {"headers": ", ".join(missing)},
                    self.fix,
                )
        return self.passed(_("Allowed: %(headers)s.") % {"headers": ", ".join(self.headers)})


def _host(url: str) -> str:
    """The host as ``patterns.urls`` writes it; an IPv6 address without its brackets."""
    return urlsplit(url).hostname or ""


def _list_in(header: str) -> set[str]:
    return {item.strip().lower() for item in header.split(",")}
