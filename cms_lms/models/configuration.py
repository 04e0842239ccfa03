"""The version of the LMS configuration: how every process learns that an editor changed it.

One row holds a random token that each change of an ``LMSBackend`` or of a ``SyncSecret`` replaces, inside the same
transaction. Random rather than counted: a number given out by a transaction that was rolled back would
come again with another meaning.
"""

from __future__ import annotations

import uuid
from typing import TypeVar

from django.db import connections, models, transaction
from django.dispatch import Signal

#: Sent inside the transaction of each change, with ``token``: str, the new version.
configuration_changed = Signal()


class ConfigurationVersionManager(models.Manager["ConfigurationVersion"]):
    """Reads and replaces the one row."""

    def current(self) -> uuid.UUID | None:
        """Return the token in force, None before the first backend was saved."""
        # Every request that chooses a backend asks this. Written out, it costs a third of what building the
        # query does.
        with connections[self.db].cursor() as cursor:
            cursor.execute("SELECT token FROM cms_lms_configurationversion WHERE id = %s", [1])
            row = cursor.fetchone()
        return uuid.UUID(str(row[0])) if row else None

    def lock(self) -> None:
        """Let no change be committed by others before the caller's transaction ends."""
        # A write rather than SELECT FOR UPDATE, which SQLite has not.
        if not self.filter(pk=1).update(token=models.F("token")):
            self.get_or_create(pk=1, defaults={"token": uuid.uuid4()})

    def renew(self) -> None:
        """Replace the token: what was loaded under the old one is stale once this is committed."""
        token = uuid.uuid4()
        if not self.filter(pk=1).update(token=token):
            self.update_or_create(pk=1, defaults={"token": token})
        configuration_changed.send(sender=self.model, token=str(token))


class ConfigurationVersion(models.Model):
    """The single row; see the module's docstring."""

    token = models.UUIDField()

    objects = ConfigurationVersionManager()

    def __str__(self) -> str:
        return str(self.token)


RecordT = TypeVar("RecordT", bound=models.Model)


class ConfigurationQuerySet(models.QuerySet[RecordT]):
    """Of records that processes keep by the configuration's version: every way of writing renews it."""

    def update(self, **kwargs) -> int:
        """As Django's, in force at the next request of every process."""
        with transaction.atomic():
            rows = super().update(**kwargs)
            ConfigurationVersion.objects.renew()
        return rows

    update.alters_data = True  # type: ignore[attr-defined]

    def bulk_create(self, *args, **kwargs):
        """As Django's, in force at the next request of every process."""
        with transaction.atomic():
            created = super().bulk_create(*args, **kwargs)
            ConfigurationVersion.objects.renew()
        return created

    def delete(self):
        """As Django's, in force at the next request of every process."""
        with transaction.atomic():
            deleted = super().delete()
            ConfigurationVersion.objects.renew()
        return deleted

    delete.alters_data = True  # type: ignore[attr-defined]
    delete.queryset_only = True  # type: ignore[attr-defined]
