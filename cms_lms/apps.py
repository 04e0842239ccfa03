"""The app's registration: names, checks and the wiring between its rooms."""

from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _


class CmsLmsConfig(AppConfig):
    """The app ``cms_lms``."""

    name = "cms_lms"
    label = "cms_lms"
    verbose_name = _("Learning management systems")
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        """Connect what stands above the models to them."""
        from cms_lms import checks  # noqa: F401
        from cms_lms.matching import wiring
        from cms_lms.sync import effects, tombstones, unplaced

        wiring.connect()
        effects.connect()
        tombstones.connect()
        unplaced.connect()
