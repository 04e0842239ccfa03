"""SyncSecret: a secret with which the LMS of one backend signs its calls of the web hook.

At most two of a backend are live at once: the one in use and its successor. A retired one keeps its row, without
the secret, so that deliveries that it signed can still be told apart.
"""

from __future__ import annotations

import datetime as dt
import secrets

from django.db import models, transaction
from django.utils.translation import gettext_lazy as _

from cms_lms.conf import settings as lms_settings
from cms_lms.encryption import Secret
from cms_lms.models.configuration import ConfigurationVersion
from cms_lms.models.stored_secret import StoredSecret

MAX_LIVE_SECRETS = 2

#: Bytes of a generated secret.
SECRET_BYTES = 32


class TooManySecrets(ValueError):
    """The backend has as many live secrets as it may have."""


class SyncSecretQuerySet(models.QuerySet["SyncSecret"]):
    """Tells live secrets from retired ones."""

    def live(self) -> SyncSecretQuerySet:
        """Return those that may sign, oldest first."""
        return self.filter(retired_at=None).order_by("created_at", "pk")


class SyncSecret(StoredSecret):
    """See the module's docstring. Times are aware."""

    backend = models.ForeignKey("cms_lms.LMSBackend", on_delete=models.CASCADE, related_name="sync_secrets")
    name = models.CharField(verbose_name=_("name"), max_length=60, help_text=_("For example: production 2027."))
    created_at = models.DateTimeField(verbose_name=_("created at"))
    created_by = models.ForeignKey(
        lms_settings.user_model, verbose_name=_("created by"), null=True, on_delete=models.SET_NULL, related_name="+"
    )
    last_used_at = models.DateTimeField(verbose_name=_("last used at"), null=True)
    retired_at = models.DateTimeField(verbose_name=_("retired at"), null=True)

    objects = SyncSecretQuerySet.as_manager()

    class Meta:
        verbose_name = _("web hook secret")
        verbose_name_plural = _("web hook secrets")
        # Whoever may change the backend may change these.
        default_permissions = ()
        ordering = ["-created_at", "-pk"]

    def __str__(self) -> str:
        return self.name

    @property
    def secret_purpose(self) -> str:
        """Bound to the backend."""
        return f"sync/{self.backend_id}"

    @property
    def is_live(self) -> bool:
        """Whether it may sign."""
        return self.retired_at is None

    @classmethod
    def add(cls, backend, *, name: str, now: dt.datetime, user=None, secret: Secret | None = None) -> SyncSecret:
        """Store a secret of a backend and return it; without one given, a random one is made.

        In force at the next request of every process. Raises ``TooManySecrets``, and ``ValidationError`` for a
        variable of the environment that may not be referred to.
        """
        with transaction.atomic():
            # The lock on the backend counts for those who add at the same time.
            type(backend).objects.select_for_update().get(pk=backend.pk)
            if backend.sync_secrets.live().count() >= MAX_LIVE_SECRETS:
                raise TooManySecrets
            added = cls(backend=backend, name=name, created_at=now, created_by=user)
            added.set_secret(secret or Secret(secrets.token_urlsafe(SECRET_BYTES)))
            added.save()
            ConfigurationVersion.objects.renew()
        return added

    def retire(self, *, now: dt.datetime) -> None:
        """Take the secret out of use for good, and forget it. In force at the next request of every process."""
        with transaction.atomic():
            self.retired_at, self.stored_value = now, ""
            self.save(update_fields=["retired_at", "stored_value"])
            ConfigurationVersion.objects.renew()
