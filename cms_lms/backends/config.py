"""How one LMS is reached and which course URLs are its own, as plain values."""

from __future__ import annotations

from dataclasses import dataclass

#: The JS backend that calls no LMS.
DEVELOPMENT_JS_BACKEND = "base"

#: The JS backend that calls this site's own server, which calls the LMS.
SERVER_JS_BACKEND = "server"


@dataclass(frozen=True)
class BackendConfig:
    """The columns of an ``LMSBackend`` that backend classes may look at; no secret is among them.

    ``default_sync_mode`` is blank where the site's default applies. ``learner_matcher`` names an entry of the setting
    ``LEARNER_MATCHERS``, blank for the first. ``login_backend`` is the slug of the backend whose login this one
    accepts, blank for its own. ``profile_links`` are lines of “label | address”, none for the class's.
    """

    slug: str
    name: str
    base_url: str
    course_regex: str
    js_backend: str = ""
    js_course_regex: str = ""
    default_sync_mode: str = ""
    no_update_fields: frozenset[str] = frozenset()
    sample_urls: tuple[str, ...] = ()
    learner_matcher: str = ""
    login_backend: str = ""
    shows_session: bool = False
    profile_links: tuple[str, ...] = ()

    @property
    def is_called_by_browsers(self) -> bool:
        """Whether learners' browsers call the LMS, from this site's pages."""
        return self.js_backend not in ("", DEVELOPMENT_JS_BACKEND, SERVER_JS_BACKEND)

    @property
    def is_called_by_server(self) -> bool:
        """Whether this site's server calls the LMS for its learners."""
        return self.js_backend == SERVER_JS_BACKEND
