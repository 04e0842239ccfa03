"""The runnable site as an app: it brings the demo's loader."""

from django.apps import AppConfig


class SiteConfig(AppConfig):
    """The app ``cms_lms.site``."""

    name = "cms_lms.site"
    label = "cms_lms_site"
