"""Who learners log in to from every page's header: the LMS backends that show their session there, as plain values.

Knows the handler, whose configuration each request loads at most once; no request and no template.
"""

from __future__ import annotations

from dataclasses import dataclass

from cms_lms.backends.base import BaseLMSBackend
from cms_lms.backends.profile_links import USERNAME_HOLE, ProfileLink
from cms_lms.enrollment.panel import module_url, url_origin
from cms_lms.enrollment.site_access import SiteAccess
from cms_lms.matching.handler import LMSHandler


@dataclass(frozen=True)
class LearnerSession:
    """One LMS in the header.

    ``home_url`` is where the plain link leads, for whoever has no JavaScript and while the LMS says nothing.
    ``module_url`` is blank where browsers cannot ask who is logged in: the link is then all. The links have a
    hole where the username goes, which only the browser knows. ``site`` is where learners log in on this site.
    """

    slug: str
    lms_name: str
    base_url: str
    js_backend: str
    module_url: str
    home_url: str
    links: tuple[ProfileLink, ...]
    site: SiteAccess | None = None

    @property
    def is_interactive(self) -> bool:
        """Whether the header says who is logged in."""
        return bool(self.module_url)

    @property
    def lms_origin(self) -> str:
        """The origin that the session's module calls, blank where it calls none."""
        return url_origin(self.base_url) if self.is_interactive and self.site is None else ""


def learner_sessions() -> list[LearnerSession]:
    """Return the sessions that headers show, in the editors' order: one for each login, however many use it."""
    backends = {backend.config.slug: backend for backend in LMSHandler.configuration().backends}
    sessions: dict[str, LearnerSession] = {}
    for backend in backends.values():
        if not backend.config.shows_session:
            continue
        # Whose login is another's shows that one's session; none while that one takes no part.
        login = backends.get(backend.config.login_backend) if backend.config.login_backend else backend
        if login is not None:
            sessions.setdefault(_login_of(login), _session(backend, login))
    return list(sessions.values())


def _login_of(backend: BaseLMSBackend) -> str:
    """Return what tells one login from another: the LMS's address, blank for this site."""
    return "" if backend.config.is_called_by_server else backend.config.base_url


def _session(backend: BaseLMSBackend, login: BaseLMSBackend) -> LearnerSession:
    links = (backend if backend.config.profile_links else login).learner_links()
    pages = [link.url for link in links if USERNAME_HOLE not in link.url]
    return LearnerSession(
        slug=login.config.slug,
        lms_name=login.config.name,
        base_url=login.config.base_url,
        js_backend=login.config.js_backend,
        module_url=module_url(login),
        home_url=next(iter(pages), login.config.base_url),
        links=tuple(links),
        site=SiteAccess.of(login),
    )
