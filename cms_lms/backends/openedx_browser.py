"""What learners' browsers need of an Open edX besides CORS: the cross-domain CSRF cookie, trust in this site's origin
when they write, and the way back after the login. And the settings that give all of it.

Nothing here writes anything: what is posted comes from nobody, whom Open edX enrolls nowhere. Sources: the
``cors_csrf`` and ``user_authn`` apps, ``change_enrollment`` in ``student/views``, Django's ``middleware/csrf.py``.
"""

from __future__ import annotations

from dataclasses import dataclass
from html import unescape
from typing import ClassVar
from urllib.parse import quote, urlencode, urlsplit

from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from cms_lms.backends.browser_access import (
    AllowedCredentials,
    AllowedHeaders,
    AllowedOrigin,
    BrowserCheck,
)
from cms_lms.backends.connection import ConnectionCheck, Finding, Status, Text, Visit
from cms_lms.backends.http import LMSResponse
from cms_lms.backends.openedx_checks import (
    ENROLLMENT_PATH,
    LOGIN_PAGE,
    csrf_cookie_of,
    releases_of,
    sample_course,
)
from cms_lms.backends.openedx_credentials import proof_headers
from cms_lms.backends.openedx_settings import CSRF_COOKIE_NAME, SETTINGS, settings_block
from cms_lms.backends.same_site import is_in_domain, is_public_suffix
from cms_lms.patterns.urls import InvalidURL, origin_of


class _OpenEdXBrowserCheck(BrowserCheck):
    def settings_of_lms(self, visit: Visit, *names: str) -> str:
        """Return those settings, filled in."""
        return settings_block(visit.config.base_url, visit.site_origins, releases_of(visit), names)


class OpenEdXOrigin(_OpenEdXBrowserCheck, AllowedOrigin):
    """django-cors-headers' whitelist."""

    requires = ("openedx",)
    path: ClassVar[str] = ENROLLMENT_PATH
    headers: ClassVar[tuple[str, ...]] = ("content-type", "x-csrftoken")
    settings: ClassVar[tuple[str, ...]] = ("ENABLE_CORS_HEADERS", "CORS_ALLOW_CREDENTIALS", "CORS_ORIGIN_WHITELIST")


class OpenEdXCredentials(_OpenEdXBrowserCheck, AllowedCredentials):
    """django-cors-headers' switch for cookies."""

    path: ClassVar[str] = ENROLLMENT_PATH
    settings: ClassVar[tuple[str, ...]] = ("CORS_ALLOW_CREDENTIALS",)


class OpenEdXHeaders(_OpenEdXBrowserCheck, AllowedHeaders):
    """django-cors-headers' list of headers, which has what is needed unless somebody shortened it."""

    path: ClassVar[str] = ENROLLMENT_PATH
    headers: ClassVar[tuple[str, ...]] = OpenEdXOrigin.headers
    fix: ClassVar[Text] = gettext_lazy(
        "Leave CORS_ALLOW_HEADERS of the LMS at its default, or add these headers to it."
    )


@dataclass(frozen=True)
class SentCookie:
    """A Set-Cookie header. ``attributes`` have their names in lower case."""

    name: str
    attributes: dict[str, str]

    @classmethod
    def parse(cls, line: str) -> SentCookie:
        """Read it as browsers do (RFC 6265, 5.2): the last of several attributes of one name counts."""
        pair, *parts = line.split(";")
        attributes = (part.partition("=") for part in parts)
        return cls(
            pair.partition("=")[0].strip()[:100],
            {name.strip().lower(): value.strip() for name, _equals, value in attributes},
        )


class CrossDomainCookie(_OpenEdXBrowserCheck):
    """Whether pages of this site get the CSRF cookie that they can read, and can read it."""

    name = "openedx-csrf-cookie"
    title = gettext_lazy("The cross-domain CSRF cookie")
    requires = ("openedx", "browser-https", "browser-siblings", "browser-origin")

    _SETTINGS = (
        "ENABLE_CROSS_DOMAIN_CSRF_COOKIE",
        "CROSS_DOMAIN_CSRF_COOKIE_NAME",
        "CROSS_DOMAIN_CSRF_COOKIE_DOMAIN",
        "CORS_ALLOW_INSECURE",
    )

    def run_for_browsers(self, visit: Visit) -> Finding:
        """Read enrollments as a page's script would. Open edX gives the cookie to those alone whom it knows."""
        proof = proof_headers(visit)
        if not proof:
            return self.skipped(
                _(
                    "The LMS gives the cookie only to who is logged in: this server has no credentials that the LMS "
                    "accepts. Store some, or see what your browser finds."
                )
            )
        sample = sample_course(visit)
        path = f"{ENROLLMENT_PATH}/{quote(sample[1], safe='')}" if sample else ENROLLMENT_PATH
        for origin in visit.site_origins:
            response = visit.http.get(
                visit.config.base_url + path, headers={**proof, "Origin": origin, "Referer": f"{origin}/"}
            )
            if response.status != 200:
                return self.failed(
                    _("The LMS does not answer the read that brings the cookie (status %(status)s).")
                    % {"status": response.status},
                    _("Look into the log of the LMS."),
                )
            finding = self._judge(visit, origin, [SentCookie.parse(line) for line in response.set_cookies])
            if finding.status is not Status.PASSED:
                return finding
        return finding

    def _judge(self, visit: Visit, origin: str, cookies: list[SentCookie]) -> Finding:
        snippet = self.settings_of_lms(visit, *self._SETTINGS)
        cookie = self._cross_domain(cookies)
        if cookie is None:
            return self.failed(
                _("The LMS gives the pages of %(origin)s no cookie: no learner can enroll from there.")
                % {"origin": origin},
                _("Switch the cookie on, with a name and the domain that both share."),
                snippet,
            )
        problem = self._problem(visit, origin, cookie)
        if problem is not None:
            cause, fix = problem
            return self.failed(cause, fix, snippet)
        domain = cookie.attributes.get("domain") or urlsplit(visit.config.base_url).hostname
        words = {"name": cookie.name, "expected": CSRF_COOKIE_NAME, "domain": domain}
        if cookie.name != CSRF_COOKIE_NAME:
            return self.warning(
                _("The cookie is called “%(name)s”; course pages look for “%(expected)s”.") % words,
                _('Rename it on the LMS; or put data-csrf-cookie="%(name)s" on the panel, in a template of yours.')
                % words,
                snippet,
            )
        if "secure" not in cookie.attributes:
            return self.warning(
                _("The cookie lacks Secure: it also goes over connections that are not encrypted."),
                _("Look at what the web server of the LMS does to cookies: Open edX itself sets it."),
            )
        return self.passed(_("“%(name)s”, for %(domain)s.") % words)

    def _cross_domain(self, cookies: list[SentCookie]) -> SentCookie | None:
        """Return the cookie of the usual name, else one that is like it; not that of the LMS's own host."""
        for cookie in cookies:
            if cookie.name == CSRF_COOKIE_NAME:
                return cookie
        return next(
            (cookie for cookie in cookies if cookie.attributes.get("domain") and "csrf" in cookie.name.lower()), None
        )

    def _problem(self, visit: Visit, origin: str, cookie: SentCookie) -> tuple[str, str] | None:
        """Return why the page cannot read the cookie."""
        domain = cookie.attributes.get("domain", "").lower().removeprefix(".")
        lms, page = (urlsplit(url).hostname or "" for url in (visit.config.base_url, origin))
        words = {"name": cookie.name, "domain": domain, "lms": lms, "page": page}
        if not domain and lms != page:
            return (
                _("The cookie “%(name)s” is for the host of the LMS alone: %(page)s cannot read it.") % words,
                _("Set CROSS_DOMAIN_CSRF_COOKIE_DOMAIN to the domain that both share."),
            )
        if domain and is_public_suffix(domain):
            return (
                _("The cookie is for %(domain)s, below which anybody may have names: browsers refuse it.") % words,
                _("Set CROSS_DOMAIN_CSRF_COOKIE_DOMAIN to a domain of your own."),
            )
        if domain and not is_in_domain(lms, domain):
            return (
                _("The cookie is for %(domain)s, in which %(lms)s itself is not: browsers refuse it.") % words,
                _("Set CROSS_DOMAIN_CSRF_COOKIE_DOMAIN to the domain that both share."),
            )
        if domain and not is_in_domain(page, domain):
            return (
                _("The cookie is for %(domain)s, in which %(page)s is not: its pages cannot read it.") % words,
                _("Set CROSS_DOMAIN_CSRF_COOKIE_DOMAIN to the domain that both share."),
            )
        if "httponly" in cookie.attributes:
            return (
                _("The cookie “%(name)s” is HttpOnly: scripts cannot read it, and the panel is one.") % words,
                _("Look at what the web server of the LMS does to cookies: Open edX itself does not set it."),
            )
        if cookie.attributes.get("samesite", "").lower() == "none" and "secure" not in cookie.attributes:
            return (
                _("The cookie “%(name)s” has SameSite=None without Secure: browsers refuse it.") % words,
                _("Let it be Secure, or SameSite=Lax, which is enough for siblings."),
            )
        return None


class TrustedOrigins(_OpenEdXBrowserCheck):
    """Whether the LMS's CSRF check lets writes from pages of this site through."""

    name = "openedx-trusted-origins"
    title = gettext_lazy("Writes from the pages of this site are trusted")
    requires = ("openedx", "browser-https", "browser-origin")

    #: It checks CSRF for strangers too, which the enrollment API leaves out, and then refuses them: 403 without a word.
    _PATH = "/change_enrollment"

    def run_for_browsers(self, visit: Visit) -> Finding:
        """Post nothing, as nobody, from a page of the LMS itself and from one of this site, and compare."""
        cookie = csrf_cookie_of(visit)
        own_origin = origin_of(visit.config.base_url)
        if cookie is None or not self._is_let_through(visit, own_origin, cookie):
            return self.skipped(_("It cannot be told from outside. See what your browser finds."))
        for origin in visit.site_origins:
            if not self._is_let_through(visit, origin, cookie):
                return self.failed(
                    _("The LMS refuses writes from the pages of %(origin)s (CSRF check): it does not trust them.")
                    % {"origin": origin},
                    _("Since Django 4, hence since Redwood, the LMS needs this origin among its trusted ones:"),
                    self.settings_of_lms(visit, "CORS_ORIGIN_WHITELIST", "CSRF_TRUSTED_ORIGINS"),
                )
        return self.passed(_("The LMS’s CSRF check lets them through."))

    def _is_let_through(self, visit: Visit, origin: str, cookie: tuple[str, str]) -> bool:
        name, token = cookie
        response = visit.http.post(
            visit.config.base_url + self._PATH,
            headers={
                "Origin": origin,
                "Referer": f"{origin}/",
                "Cookie": f"{name}={token}",
                "X-CSRFToken": token,
            },
        )
        return response.status == 403 and not response.body.strip()


class LoginReturn(_OpenEdXBrowserCheck):
    """Whether learners come back to the course page after they log in."""

    name = "openedx-login-return"
    title = gettext_lazy("Learners come back after the login")
    requires = ("openedx",)

    def run_for_browsers(self, visit: Visit) -> Finding:
        """Ask where a logout would lead: it reads the same whitelist as the login, and shows what comes of it."""
        page: LMSResponse | None = visit.facts.get(LOGIN_PAGE)
        if page is not None and page.status >= 400 and page.status != 429:
            return self.failed(
                _("The LMS has no login page at /login (status %(status)s).") % {"status": page.status},
                _("Look at the LMS’s login page in a browser."),
            )
        unknown = []
        # From https to http nobody is led back; that is for another check to say.
        is_encrypted = visit.config.base_url.startswith("https://")
        origins = [origin for origin in visit.site_origins if origin.startswith("https://") or not is_encrypted]
        for origin in origins:
            is_honoured = self._leads_back(visit, origin)
            if is_honoured is None:
                unknown.append(origin)
            elif not is_honoured:
                return self.warning(
                    _("After the login the LMS does not lead back to %(origin)s, but to its own dashboard.")
                    % {"origin": origin},
                    _("Let the LMS lead back to this site:"),
                    self.settings_of_lms(visit, "LOGIN_REDIRECT_WHITELIST"),
                )
        if unknown or not origins:
            return self.skipped(
                _(
                    "It cannot be told from outside. Log in from a course page; if the LMS’s dashboard comes, add the "
                    "host of this site to LOGIN_REDIRECT_WHITELIST of the LMS."
                )
            )
        return self.passed(_("The LMS leads back to %(origins)s.") % {"origins": ", ".join(origins)})

    def _leads_back(self, visit: Visit, origin: str) -> bool | None:
        """Up to Ginkgo it redirects, since then it shows a page that leads on. Source: ``LogoutView.target``."""
        target = f"{origin}/"
        query = urlencode({"redirect_url": target, "next": target})
        response = visit.http.get(
            f"{visit.config.base_url}/logout?{query}", headers={"Accept": "text/html"}, follow_redirects=False
        )
        if response.is_redirect:
            try:
                return origin_of(response.location) == origin
            except InvalidURL:
                return False
        text = unescape(response.body.decode(errors="replace"))
        if response.status != 200 or "data-redirect-url=" not in text:
            return None
        return f'data-redirect-url="{target}"' in text


class SettingsToPaste(_OpenEdXBrowserCheck):
    """All settings that the LMS needs for calls from browsers, whether it has them or not."""

    name = "openedx-settings"
    title = gettext_lazy("Settings to paste into the LMS")

    def run_for_browsers(self, visit: Visit) -> Finding:
        """Print them, in the form of the release."""
        return Finding(
            self.name,
            self.title,
            Status.PASSED,
            _("For Open edX, %(releases)s. Whatever failed above is mended by some of these.")
            % {"releases": releases_of(visit)},
            _(
                "Add them to the settings module of the LMS (with Tutor: a plugin with the patch "
                "“openedx-lms-common-settings”), and restart it."
            ),
            self.settings_of_lms(visit, *SETTINGS),
        )


#: In the order in which they are asked.
OPENEDX_BROWSER_CHECKS: tuple[type[ConnectionCheck], ...] = (
    OpenEdXOrigin,
    OpenEdXCredentials,
    OpenEdXHeaders,
    CrossDomainCookie,
    TrustedOrigins,
    LoginReturn,
    SettingsToPaste,
)
