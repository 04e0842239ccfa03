"""Every setting of cms_lms: its name, its default and its meaning.

The only module that reads Django's settings. The names below carry the prefix ``CMS_LMS_`` in a
project's settings; each is looked up when it is used, so that ``override_settings`` works.
"""

from __future__ import annotations

from typing import Any

from django.conf import global_settings
from django.conf import settings as django_settings
from django.utils.translation import gettext_lazy as _

PREFIX = "CMS_LMS_"


class Settings:
    """Attribute access to the settings, with defaults.

    ``SYNC_SECRETS``: list of str. Shared secrets that sign the web hook's calls and may write runs of
    every backend; several are valid at once, so that one can be rotated. Empty: only backends' own may sign.

    ``DEFAULT_SYNC_MODE``: ``"manual"``, ``"sync_to_draft"`` or ``"sync_to_public"``. What a new run gets
    when its backend has no mode of its own.

    ``COURSE_LANGUAGES``: list of (code, label). What courses may be taught in; independent of the
    languages of the site's interface.

    ``BACKENDS``: list of dotted paths of ``BaseLMSBackend`` subclasses that editors may choose.

    ``JS_BACKENDS``: dict of name to ``{"label": str, "module": str}``, the module being a path below the
    static files' root. ``"connection": {"module": str, "template": str}``, which may be left out, is what
    examines the connection in an editor's browser, and the template of what it says.

    ``LEARNER_MATCHERS``: dict of name to ``{"label": str, "function": str}``, how LMS backends that are reached through
    this site's server find a learner; the first is the default. The function, a dotted path, takes a user of the site
    and returns a ``Learner``, or None for somebody whom it cannot vouch for.

    ``LEARNER_ID_NUMBER_FIELD``: str. The attribute of the site's users that holds their number at the institution.

    ``ENROLLMENT_RATE``: str, None for no limit. How many calls of the enrollment API one learner may make.

    ``REGISTER_URL``: str, an address or the name of a URL pattern, None where nobody registers on this site. Where
    new learners do; logging in is Django's ``LOGIN_URL``.

    ``ALLOW_INSECURE_URLS``: bool, None for "as ``DEBUG``". Whether a base URL may be plain http.

    ``SYNC_MAX_BODY_BYTES``: int, bytes. A longer web hook call is answered 413 before it is hashed.

    ``SYNC_MAX_ITEMS``: int. A longer list in one web hook call is answered 413.

    ``SYNC_FAILURE_RATE``: str such as ``"60/minute"`` (or second, hour, day), None for no limit. How many web hook
    calls whose signature is missing or wrong one address may make; more are answered 429 before they are hashed.

    ``SYNC_RATE``: str, None for no limit. How many calls one secret may sign; more are answered 429 and not kept.

    ``PROXY_COUNT``: int. How many of the site's own proxies a web hook call passes: so many entries of
    ``X-Forwarded-For`` from the right can be trusted. 0: the header is not looked at.

    ``DELIVERY_RETENTION_DAYS``: int, days, or None for ever. Older deliveries are deleted by
    ``prune_sync_deliveries``, which somebody has to run.

    ``UNPLACED_RUNS_MAX``: int. How many runs without a place are kept of each LMS backend, and of links that are no
    backend's; more are in their deliveries alone.

    ``ENCRYPTION_KEYS``: list of str. Keys that secrets are encrypted under at rest: the first encrypts, all
    decrypt. Empty: Django's ``SECRET_KEY`` and ``SECRET_KEY_FALLBACKS``.

    ``SECRET_ENVIRONMENT_PREFIX``: str. What the name of an environment variable must begin with for an
    editor to refer to it as a secret (``env:NAME``); others hold what is none of the editors' business.

    ``PRIVATE_NETWORKS``: list of str, networks in CIDR notation, None for "the loopback addresses while
    ``DEBUG``". Private addresses at which an LMS may be called by the server; all others are refused.

    ``CA_BUNDLE``: str, a path, or None for the usual authorities. Certificates that LMSs are trusted by.

    ``CONNECT_TIMEOUT``, ``READ_TIMEOUT``, ``TOTAL_TIMEOUT``: float, seconds. How long a call of an LMS may take
    to connect, between two pieces of its answer, and in all.

    ``MAX_RESPONSE_BYTES``: int, bytes after decompression. A longer answer of an LMS is cut off and refused.

    ``COUNTER_REFRESH_SECONDS``: int, seconds. A number of enrollments that changes alone refreshes the pages of
    its course at most this often.

    ``DRAFT_MAIL_SECONDS``: int, seconds. After a mail at once about an LMS backend's drafts, how long the next one
    waits; it tells of all that came meanwhile.

    ``PAGE_CACHE_SECONDS``: int, seconds. For how long a shared cache may keep a course page at most; it ends earlier
    at the next change of state of one of its runs. 0: a shared cache asks the site each time.

    ``CSP_REPORT_URI``: str, an address or a path. Where browsers report what the Content-Security-Policy of course
    pages made them refuse; blank for nowhere.

    ``ENROLLMENT_COUNT_THRESHOLD``: int, None for never. Course pages show how many learners enrolled in a run
    where it is more than this.

    ``PREVIEW_TEMPLATE``: str. The template that shows a course run in the admin's preview.
    """

    DEFAULTS: dict[str, Any] = {
        "SYNC_SECRETS": [],
        "DEFAULT_SYNC_MODE": "sync_to_public",
        "COURSE_LANGUAGES": global_settings.LANGUAGES,
        "BACKENDS": [
            "cms_lms.backends.openedx.OpenEdXBackend",
            "cms_lms.backends.joanie.JoanieBackend",
            "cms_lms.backends.moodle.MoodleBackend",
            "cms_lms.backends.base.BaseLMSBackend",
        ],
        "JS_BACKENDS": {
            "openedx-hawthorn": {
                "label": _("Open edX, Hawthorn and later"),
                "module": "cms_lms/js/backends/openedx-hawthorn.js",
                "connection": {
                    "module": "cms_lms/admin/connection-openedx.js",
                    "template": "cms_lms/admin/connection_openedx.html",
                },
            },
            "openedx-dogwood": {
                "label": _("Open edX, Dogwood and Eucalyptus"),
                "module": "cms_lms/js/backends/openedx-dogwood.js",
            },
            "openedx-fonzie": {
                "label": _("Open edX with Fonzie"),
                "module": "cms_lms/js/backends/openedx-fonzie.js",
                "connection": {
                    "module": "cms_lms/admin/connection-openedx.js",
                    "template": "cms_lms/admin/connection_openedx.html",
                },
            },
            "joanie": {"label": "Joanie", "module": "cms_lms/js/backends/joanie.js"},
            "server": {
                "label": _("Through this site’s server (for LMSs that browsers cannot call)"),
                "module": "cms_lms/js/backends/server.js",
            },
            "base": {"label": _("Base (development, without an LMS)"), "module": "cms_lms/js/backends/base.js"},
        },
        "LEARNER_MATCHERS": {
            "username": {"label": _("Username"), "function": "cms_lms.enrollment.learners.by_username"},
            "id_number": {"label": _("ID number"), "function": "cms_lms.enrollment.learners.by_id_number"},
        },
        "LEARNER_ID_NUMBER_FIELD": "id_number",
        "ENROLLMENT_RATE": "60/minute",
        "REGISTER_URL": None,
        "ALLOW_INSECURE_URLS": None,
        "SYNC_MAX_BODY_BYTES": 2 * 1024 * 1024,
        "SYNC_MAX_ITEMS": 1000,
        "SYNC_FAILURE_RATE": "60/minute",
        "SYNC_RATE": None,
        "PROXY_COUNT": 0,
        "DELIVERY_RETENTION_DAYS": 90,
        "UNPLACED_RUNS_MAX": 2000,
        "ENCRYPTION_KEYS": [],
        "SECRET_ENVIRONMENT_PREFIX": "CMS_LMS_SECRET_",
        "PRIVATE_NETWORKS": None,
        "CA_BUNDLE": None,
        "CONNECT_TIMEOUT": 3.05,
        "READ_TIMEOUT": 10.0,
        "TOTAL_TIMEOUT": 20.0,
        "MAX_RESPONSE_BYTES": 2 * 1024 * 1024,
        "COUNTER_REFRESH_SECONDS": 3600,
        "DRAFT_MAIL_SECONDS": 600,
        "PAGE_CACHE_SECONDS": 300,
        "CSP_REPORT_URI": "",
        "ENROLLMENT_COUNT_THRESHOLD": 100,
        "PREVIEW_TEMPLATE": "cms_lms/course_run_preview.html",
    }

    @property
    def in_development(self) -> bool:
        """Whether the site says so, by Django's ``DEBUG``."""
        return django_settings.DEBUG

    @property
    def user_model(self) -> str:
        """The model of the site's users, as Django's ``AUTH_USER_MODEL`` names it."""
        return django_settings.AUTH_USER_MODEL

    @property
    def login_url(self) -> Any:
        """Where learners log in on this site, Django's ``LOGIN_URL``: an address or the name of a URL pattern."""
        return django_settings.LOGIN_URL

    @property
    def csrf_header(self) -> str:
        """The header that carries the CSRF token, as Django's ``CSRF_HEADER_NAME`` says."""
        return django_settings.CSRF_HEADER_NAME.removeprefix("HTTP_").replace("_", "-")

    @property
    def default_language(self) -> str:
        """The language of those who chose none, Django's ``LANGUAGE_CODE``."""
        return django_settings.LANGUAGE_CODE

    @property
    def session_cookie_name(self) -> str:
        """The cookie without which nobody is logged in on this site, Django's ``SESSION_COOKIE_NAME``."""
        return django_settings.SESSION_COOKIE_NAME

    @property
    def language_cookie_name(self) -> str:
        """The cookie by which a visitor's choice of a language is remembered, Django's ``LANGUAGE_COOKIE_NAME``."""
        return django_settings.LANGUAGE_COOKIE_NAME

    @property
    def notifies_superusers(self) -> bool:
        """Whether superusers get the mails that those get whose right it is, as Wagtail's setting says."""
        return getattr(django_settings, "WAGTAILADMIN_NOTIFICATION_INCLUDE_SUPERUSERS", True)

    @property
    def requires_reapproval(self) -> bool:
        """Whether an edit takes moderation back to its first step, as Wagtail's setting says."""
        return getattr(django_settings, "WAGTAIL_WORKFLOW_REQUIRE_REAPPROVAL_ON_EDIT", False)

    @property
    def encryption_keys(self) -> list[str]:
        """The keys for secrets at rest, the one that encrypts first."""
        if self.ENCRYPTION_KEYS:
            return list(self.ENCRYPTION_KEYS)
        return [django_settings.SECRET_KEY, *django_settings.SECRET_KEY_FALLBACKS]

    def __getattr__(self, name: str) -> Any:
        try:
            default = self.DEFAULTS[name]
        except KeyError:
            raise AttributeError(f"{PREFIX}{name} is not a setting of cms_lms.") from None
        value = getattr(django_settings, PREFIX + name, default)
        if name == "ALLOW_INSECURE_URLS" and value is None:
            return self.in_development
        if name == "PRIVATE_NETWORKS" and value is None:
            return ["127.0.0.0/8", "::1/128"] if self.in_development else []
        return value


settings = Settings()
