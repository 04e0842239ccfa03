"""Which secrets may sign calls of the web hook now, and what each of them may write.

Site-wide secrets are in the settings and write runs of every backend; a backend's own (``SyncSecret``) write its runs
alone. A process reads them once for each version of the configuration, which every change of them renews.
"""

from __future__ import annotations

import datetime as dt
import hashlib
import logging
import uuid
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import ClassVar

from django.db import Error as AnyDatabaseError
from django.db import transaction
from django.db.models import Q

from cms_lms.backends.base import BaseLMSBackend
from cms_lms.conf import settings as lms_settings
from cms_lms.encryption import Secret
from cms_lms.matching.handler import LMSHandler
from cms_lms.models import SyncDelivery
from cms_lms.models.stored_secret import SecretUnavailable
from cms_lms.models.sync_secret import SyncSecret

logger = logging.getLogger("cms_lms")

#: How exact *last used* is: uses in between cost no query.
USE_INTERVAL = dt.timedelta(minutes=5)

NOT_ALLOWED = "Not allowed for this secret."
UNPROTECTED = "Not allowed without the Standard Webhooks headers."

#: Hexadecimal digits by which a secret is told from another; too few to check a guess by.
FINGERPRINT_LENGTH = 4


@dataclass(frozen=True)
class Signer:
    """Who vouches for a call. ``name`` is how deliveries name it.

    ``backend_ids``: the backends whose runs it may write, None for all. ``is_protected``: the call is one that no
    stranger can send again.
    """

    name: str
    backend_ids: frozenset[int] | None = None
    is_protected: bool = False

    @property
    def scope(self) -> list[int] | None:
        """``backend_ids`` as deliveries keep them."""
        return None if self.backend_ids is None else sorted(self.backend_ids)

    def may_write(self, backend: BaseLMSBackend) -> bool:
        """Return whether it may write runs of a backend that is bound to its record."""
        return not self.objection(backend)

    def objection(self, backend: BaseLMSBackend) -> str:
        """Return why it may not write runs of a backend, in the words for its sender; blank if it may."""
        if self.backend_ids is not None and backend.record.pk not in self.backend_ids:
            return NOT_ALLOWED
        return UNPROTECTED if backend.record.requires_standard_webhooks and not self.is_protected else ""


@dataclass(frozen=True, kw_only=True)
class SigningSecret(Signer):
    """A secret that may sign.

    ``record_ids``: the rows that hold it; more than one if it was given to several backends.
    """

    secret: Secret
    record_ids: tuple[int, ...] = ()


@dataclass
class SigningSecrets:
    """The secrets that may sign under one version of the configuration.

    ``site_secrets``: the settings' list when they were read. ``last_used``: what this process knows of the rows' use.
    """

    token: uuid.UUID | None
    site_secrets: tuple[Secret, ...]
    signers: Sequence[SigningSecret]
    last_used: dict[int, dt.datetime | None] = field(default_factory=dict)

    _loaded: ClassVar[SigningSecrets | None] = None

    @classmethod
    def in_force(cls) -> SigningSecrets:
        """Return the secrets that may sign now; costs no query beyond the one that asks for the configuration."""
        token, site_secrets = LMSHandler.configuration().token, tuple(map(Secret, lms_settings.SYNC_SECRETS))
        loaded = cls._loaded
        if loaded is None or (loaded.token, loaded.site_secrets) != (token, site_secrets):
            loaded = cls._loaded = cls.load(token, site_secrets)
        return loaded

    @classmethod
    def load(cls, token: uuid.UUID | None, site_secrets: tuple[Secret, ...]) -> SigningSecrets:
        """Read the secrets; one that cannot be had is skipped and logged by its name.

        A site-wide secret takes the place of a backend's own of the same text: a signature made with it cannot be
        told from one of the sender that serves several LMSs.
        """
        signers: dict[Secret, SigningSecret] = {}
        for place, secret in enumerate(site_secrets, start=1):
            if secret.reveal().strip():  # a system check says so, but not every server runs the checks
                signers.setdefault(secret, SigningSecret(f"site {place} ({fingerprint(secret)})", secret=secret))
        records = list(SyncSecret.objects.live().filter(backend__is_enabled=True).select_related("backend"))
        for secret, owners in _by_secret(records).items():
            signers.setdefault(
                secret,
                SigningSecret(
                    name_in_deliveries(secret, owners),
                    frozenset(owner.backend_id for owner in owners),
                    secret=secret,
                    record_ids=tuple(owner.pk for owner in owners),
                ),
            )
        return cls(token, site_secrets, tuple(signers.values()), {record.pk: record.last_used_at for record in records})

    def note_use(self, signer: SigningSecret, now: dt.datetime) -> None:
        """Store that a secret signed a call that came at ``now``, at most every five minutes.

        To be called outside the call's transaction. It loses its note rather than the call: a database that refuses
        is logged, and this process tries again with a use that comes five minutes later.
        """
        due = [pk for pk in signer.record_ids if _is_due(self.last_used.get(pk), now)]
        if not due:
            return
        self.last_used.update(dict.fromkeys(due, now))
        # Another process may have noted a use since this one read the row.
        stale = Q(last_used_at=None) | Q(last_used_at__lte=now - USE_INTERVAL)
        try:
            with transaction.atomic():
                # By the plain manager: which secrets may sign is as it was.
                SyncSecret._base_manager.filter(stale, pk__in=due).update(last_used_at=now)
        except AnyDatabaseError:
            logger.exception("The use of the web hook secret %s could not be noted.", signer.name)


def _is_due(last: dt.datetime | None, now: dt.datetime) -> bool:
    return last is None or now - last >= USE_INTERVAL


def _by_secret(records: Iterable[SyncSecret]) -> dict[Secret, list[SyncSecret]]:
    """Return the records of each secret that can be had."""
    owners: dict[Secret, list[SyncSecret]] = {}
    for record in records:
        try:
            owners.setdefault(record.get_secret(), []).append(record)
        except SecretUnavailable as error:
            logger.error(
                "The web hook secret %s of LMS backend %s is left out: %s", record.name, record.backend.slug, error
            )
    return owners


def name_in_deliveries(secret: Secret, owners: Iterable[SyncSecret]) -> str:
    """Return how deliveries name a secret of backends: by slug and name, and a fingerprint, which is never cut off."""
    ending = f" ({fingerprint(secret)})"
    name = ", ".join(f"{owner.backend.slug}: {owner.name}" for owner in owners)
    return name[: (SyncDelivery._meta.get_field("secret_name").max_length or 0) - len(ending)] + ending


def fingerprint(secret: Secret) -> str:
    """Return what tells a secret from others, wherever it stands in a list and whatever it is called."""
    return hashlib.sha256(secret.reveal().encode(errors="surrogatepass")).hexdigest()[:FINGERPRINT_LENGTH]
