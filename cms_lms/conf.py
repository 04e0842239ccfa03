"""Every setting of cms_lms: its name, its default and its meaning.

The only module that reads Django's settings. The names below carry the prefix ``CMS_LMS_`` in a
project's settings; each is looked up when it is used, so that ``override_settings`` works.
"""

from __future__ import annotations

from typing import Any

from django.conf import global_settings
from django.conf import settings as django_settings

PREFIX = "CMS_LMS_"


class Settings:
    """Attribute access to the settings, with defaults.

    ``SYNC_SECRETS``: list of str. Shared secrets that sign the web hook's calls and may write runs of
    every backend; several are valid at once, so that one can be rotated. Empty: every call is refused.

    ``DEFAULT_SYNC_MODE``: ``"manual"``, ``"sync_to_draft"`` or ``"sync_to_public"``. What a new run gets
    when its backend has no mode of its own.

    ``COURSE_LANGUAGES``: list of (code, label). What courses may be taught in; independent of the
    languages of the site's interface.

    ``BACKENDS``: list of dotted paths of ``BaseLMSBackend`` subclasses that editors may choose.

    ``JS_BACKENDS``: dict of name to ``{"label": str, "module": str}``, the module being a path below the
    static files' root.

    ``ALLOW_INSECURE_URLS``: bool, None for "as ``DEBUG``". Whether a base URL may be plain http.

    ``SYNC_MAX_BODY_BYTES``: int, bytes. A longer web hook call is answered 413 before it is hashed.

    ``SYNC_MAX_ITEMS``: int. A longer list in one web hook call is answered 413.

    ``PREVIEW_TEMPLATE``: str. The template that shows a course run in the admin's preview.
    """

    DEFAULTS: dict[str, Any] = {
        "SYNC_SECRETS": [],
        "DEFAULT_SYNC_MODE": "sync_to_public",
        "COURSE_LANGUAGES": global_settings.LANGUAGES,
        "BACKENDS": [
            "cms_lms.backends.openedx.OpenEdXBackend",
            "cms_lms.backends.joanie.JoanieBackend",
            "cms_lms.backends.base.BaseLMSBackend",
        ],
        "JS_BACKENDS": {
            "openedx-hawthorn": {
                "label": "Open edX, Hawthorn and later",
                "module": "cms_lms/js/backends/openedx-hawthorn.js",
            },
            "base": {"label": "Base (development, without an LMS)", "module": "cms_lms/js/backends/base.js"},
        },
        "ALLOW_INSECURE_URLS": None,
        "SYNC_MAX_BODY_BYTES": 2 * 1024 * 1024,
        "SYNC_MAX_ITEMS": 1000,
        "PREVIEW_TEMPLATE": "cms_lms/course_run_preview.html",
    }

    @property
    def in_development(self) -> bool:
        """Whether the site says so, by Django's ``DEBUG``."""
        return django_settings.DEBUG

    def __getattr__(self, name: str) -> Any:
        try:
            default = self.DEFAULTS[name]
        except KeyError:
            raise AttributeError(f"{PREFIX}{name} is not a setting of cms_lms.") from None
        value = getattr(django_settings, PREFIX + name, default)
        if name == "ALLOW_INSECURE_URLS" and value is None:
            return self.in_development
        return value


settings = Settings()
