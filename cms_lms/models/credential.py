"""BackendCredential: one part of what this site proves itself with to an LMS.

A credential belongs to the address that it was entered for. When a backend's base URL comes to name another
origin, its credentials are not sent there: whoever may edit the address would otherwise get to read them.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import TYPE_CHECKING

from django.db import models
from django.utils.translation import gettext_lazy as _

from cms_lms.conf import settings as lms_settings
from cms_lms.encryption import Secret
from cms_lms.models.stored_secret import StoredSecret
from cms_lms.patterns.urls import origin_of

if TYPE_CHECKING:
    from cms_lms.models.backend import LMSBackend


class BackendCredentialQuerySet(models.QuerySet["BackendCredential"]):
    """Reads credentials for use."""

    def for_address(self, backend: LMSBackend) -> BackendCredentialQuerySet:
        """Return the backend's credentials that were entered for the origin it has now."""
        return self.filter(backend=backend.pk, origin=origin_of(backend.base_url))

    def secrets(self) -> Mapping[str, Secret]:
        """Return the secrets by their names. Raises ``SecretUnavailable``."""
        return MappingProxyType({credential.name: credential.get_secret() for credential in self})


class BackendCredential(StoredSecret):
    """One of the fields that the backend's class asks for (``credential_fields``), by its name."""

    backend = models.ForeignKey("cms_lms.LMSBackend", on_delete=models.CASCADE, related_name="credentials")
    name = models.CharField(verbose_name=_("name"), max_length=50)
    origin = models.CharField(verbose_name=_("entered for"), max_length=500)
    changed_at = models.DateTimeField(verbose_name=_("changed at"))
    changed_by = models.ForeignKey(
        lms_settings.user_model, verbose_name=_("changed by"), null=True, on_delete=models.SET_NULL, related_name="+"
    )

    objects = BackendCredentialQuerySet.as_manager()

    class Meta:
        verbose_name = _("API credential")
        verbose_name_plural = _("API credentials")
        # Whoever may change the backend may change these: they are edited with it and never by themselves.
        default_permissions = ()
        constraints = [models.UniqueConstraint(fields=["backend", "name"], name="cms_lms_one_credential_of_a_name")]

    def __str__(self) -> str:
        return self.name

    @property
    def secret_purpose(self) -> str:
        """Bound to the backend and the field."""
        return f"credential/{self.backend_id}/{self.name}"
