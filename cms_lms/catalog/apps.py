"""The app's registration."""

from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _


class CatalogConfig(AppConfig):
    """The optional app ``cms_lms.catalog``."""

    name = "cms_lms.catalog"
    label = "cms_lms_catalog"
    verbose_name = _("Course catalogue")
    default_auto_field = "django.db.models.BigAutoField"
