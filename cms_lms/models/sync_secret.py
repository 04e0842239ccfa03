"""SyncSecret: a secret with which the LMS of one backend signs its calls of the web hook.

At most two of a backend are live at once: the one in use and its successor. A retired one keeps its row, without
the secret, so that deliveries that it signed can still be told apart.
"""

from __future__ import annotations

import base64
import datetime as dt
import secrets
import uuid

from django.core.exceptions import ValidationError
from django.db import models, transaction
from django.utils.translation import gettext_lazy as _

from cms_lms.conf import settings as lms_settings
from cms_lms.encryption import Secret
from cms_lms.models.configuration import ConfigurationQuerySet, ConfigurationVersion
from cms_lms.models.stored_secret import StoredSecret

MAX_LIVE_SECRETS = 2

#: Bytes of a generated secret.
SECRET_BYTES = 32


#: The form in which the libraries of Standard Webhooks know secrets; to all other senders it is text like any other.
SECRET_PREFIX = "whsec_"  # noqa: S105


def generate_secret() -> Secret:
    """Return a random secret that signs in both ways."""
    return Secret(SECRET_PREFIX + base64.b64encode(secrets.token_bytes(SECRET_BYTES)).decode())


class TooManySecrets(ValueError):
    """The backend has as many live secrets as it may have."""


class AlreadyAdded(ValueError):
    """The form was sent before: it added a secret then, and adds no other."""


class SyncSecretQuerySet(ConfigurationQuerySet["SyncSecret"]):
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
    #: The form that it was asked for with: sending that again adds no other secret.
    form_id = models.UUIDField(editable=False, unique=True, default=uuid.uuid4)

    objects = SyncSecretQuerySet.as_manager()

    class Meta:
        verbose_name = _("web hook secret")
        verbose_name_plural = _("web hook secrets")
        # Whoever may change the backend may change these.
        default_permissions = ()
        ordering = ["-created_at", "-pk"]
        # Deliveries name the secret that signed them.
        constraints = [models.UniqueConstraint(fields=["backend", "name"], name="cms_lms_one_sync_secret_of_a_name")]

    def __str__(self) -> str:
        return self.name

    def save(self, *args, **kwargs) -> None:
        """As Django's, in force at the next request of every process."""
        with transaction.atomic():
            super().save(*args, **kwargs)
            ConfigurationVersion.objects.renew()

    def delete(self, *args, **kwargs):
        """As Django's, in force at the next request of every process."""
        with transaction.atomic():
            deleted = super().delete(*args, **kwargs)
            ConfigurationVersion.objects.renew()
        return deleted

    @property
    def secret_purpose(self) -> str:
        """Bound to the backend."""
        return f"sync/{self.backend_id}"

    @property
    def is_live(self) -> bool:
        """Whether it may sign."""
        return self.retired_at is None

    @classmethod
    def add(
        cls,
        backend,
        *,
        name: str,
        now: dt.datetime,
        user=None,
        secret: Secret | None = None,
        form_id: uuid.UUID | None = None,
    ) -> SyncSecret:
        """Store a secret of a backend and return it; without one given, a random one is made.

        In force at the next request of every process. Raises ``AlreadyAdded``, ``TooManySecrets``, and
        ``ValidationError`` for a name that the backend's secrets had before, for what cannot be a secret and for a
        variable of the environment that may not be referred to.
        """
        form_id = form_id or uuid.uuid4()
        with transaction.atomic():
            # The lock on the backend counts for those who add at the same time.
            type(backend).objects.select_for_update().get(pk=backend.pk)
            if cls.objects.filter(form_id=form_id).exists():
                raise AlreadyAdded
            if backend.sync_secrets.live().count() >= MAX_LIVE_SECRETS:
                raise TooManySecrets
            if backend.sync_secrets.filter(name__iexact=name).exists():
                raise ValidationError(
                    _("This backend has or had a secret of that name. Choose another one."), code="unique"
                )
            added = cls(backend=backend, name=name, created_at=now, created_by=user, form_id=form_id)
            added.set_secret(secret or generate_secret())
            added.save()
        return added

    def retire(self, *, now: dt.datetime) -> bool:
        """Take the secret out of use for good, and forget it. In force at the next request of every process.

        Return whether that was so: one that is retired stays as it is.
        """
        rows = SyncSecret.objects.filter(pk=self.pk, retired_at=None).update(retired_at=now, stored_value="")
        self.refresh_from_db(fields=["retired_at", "stored_value"])
        return bool(rows)
