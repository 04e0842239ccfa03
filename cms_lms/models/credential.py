"""BackendCredential: one part of what this site proves itself with to an LMS.

A credential belongs to the address that it was entered for. When a backend's base URL comes to name another
origin, its credentials are not sent there: whoever may edit the address would otherwise get to read them.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from types import MappingProxyType
from typing import TYPE_CHECKING

from django.core.exceptions import ValidationError
from django.db import models
from django.utils.translation import gettext_lazy as _

from cms_lms.backends.registry import UnknownBackend, get_backend_class
from cms_lms.conf import settings as lms_settings
from cms_lms.encryption import Secret
from cms_lms.models.stored_secret import StoredSecret
from cms_lms.patterns.urls import InvalidURL, origin_of

if TYPE_CHECKING:
    from cms_lms.models.backend import LMSBackend


def origin_of_backend(backend: LMSBackend) -> str:
    """Return the origin that a backend's credentials are for; blank where its base URL has none."""
    try:
        return origin_of(backend.base_url)
    except InvalidURL:
        return ""


def refuse_without_origin(origin: str) -> None:
    """Raise ``ValidationError`` for a blank origin: a credential that is for no address would be for any."""
    if not origin:
        raise ValidationError(_("The backend’s base URL is not valid. Correct it first."), code="base_url")


class BackendCredentialQuerySet(models.QuerySet["BackendCredential"]):
    """Reads credentials for use, and stores them."""

    def for_address(self, backend: LMSBackend) -> BackendCredentialQuerySet:
        """Return the credentials that its class asks for and that were entered for the origin it has now."""
        try:
            names = [field.name for field in get_backend_class(backend.backend).credential_fields]
        except UnknownBackend:
            names = []
        origin = origin_of_backend(backend)
        return self.filter(backend=backend.pk, name__in=names if origin else [], origin=origin)

    def secrets(self) -> Mapping[str, Secret]:
        """Return the secrets by their names. Raises ``SecretUnavailable``."""
        return MappingProxyType({credential.name: credential.get_secret() for credential in self})

    def store(
        self, backend: LMSBackend, name: str, secret: Secret, *, now: dt.datetime, user=None
    ) -> BackendCredential:
        """Set or replace a credential, for the origin that the backend has now. ``now`` is aware.

        Raises ``ValidationError`` for what cannot be a secret, and while the backend has no valid base URL.
        """
        origin = origin_of_backend(backend)
        refuse_without_origin(origin)
        values = {"origin": origin, "changed_at": now, "changed_by": user}
        credential = self.model(backend=backend, name=name, **values)
        credential.set_secret(secret)
        return self.update_or_create(
            backend=backend, name=name, defaults={**values, "stored_value": credential.stored_value}
        )[0]


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
        """Bound to the backend, the field and the origin: whoever can write rows cannot have it sent elsewhere."""
        return f"credential/{self.backend_id}/{self.name}/{self.origin}"
