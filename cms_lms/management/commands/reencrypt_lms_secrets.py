"""``manage.py reencrypt_lms_secrets``: bring every stored secret under the first encryption key, or say what is not."""

from __future__ import annotations

import enum
from collections import Counter
from collections.abc import Iterator
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.db import transaction
from django.utils.text import capfirst
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from cms_lms.encryption import is_under_first_key
from cms_lms.models.credential import BackendCredential
from cms_lms.models.stored_secret import ENCRYPTED, SecretUnavailable, StoredSecret
from cms_lms.models.sync_secret import SyncSecret

MODELS = (BackendCredential, SyncSecret)


class State(enum.Enum):
    """What a secret was found in."""

    UNDER_FIRST_KEY = enum.auto()
    UNDER_OLD_KEY = enum.auto()
    IN_ENVIRONMENT = enum.auto()
    UNREADABLE = enum.auto()


class Command(BaseCommand):
    """Works row by row, so that it may be broken off and begun again; no secret is printed."""

    help = (
        "Encrypt every stored secret under the first encryption key of the settings, so that older keys can be "
        "removed. Exits 1 when a secret cannot be decrypted. Can be run again at any time."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        """Take the choice between writing and looking."""
        parser.add_argument(
            "--check", action="store_true", help="write nothing; exit 1 when an older key is still needed"
        )

    def handle(self, *args: Any, check: bool, **options: Any) -> None:
        """Go through the secrets and print how many were found in which state."""
        total: Counter[State] = Counter()
        for model in MODELS:
            counts = Counter(self.states(model, write=not check))
            total += counts
            self.stdout.write(self.describe(model, counts, check))
        if unreadable := total[State.UNREADABLE]:
            raise CommandError(
                ngettext(
                    "%(count)s secret cannot be decrypted. Put the key that it was encrypted under back into the "
                    "settings, or enter it again.",
                    "%(count)s secrets cannot be decrypted. Put the keys that they were encrypted under back into "
                    "the settings, or enter them again.",
                    unreadable,
                )
                % {"count": unreadable}
            )
        if check and total[State.UNDER_OLD_KEY]:
            raise CommandError(_("Older keys are still needed. Run reencrypt_lms_secrets without --check."))
        self.stdout.write(self.style.SUCCESS(_("No secret needs any other key than the first.")))

    @staticmethod
    def describe(model: type[StoredSecret], counts: Counter[State], check: bool) -> str:
        """Return the counts of one kind of secret as a line."""
        text = (
            _(
                "%(kind)s: %(old)s under an older key, %(current)s under the first key, %(environment)s in the "
                "environment, %(unreadable)s cannot be decrypted."
            )
            if check
            else _(
                "%(kind)s: %(old)s encrypted anew, %(current)s under the first key already, %(environment)s in the "
                "environment, %(unreadable)s cannot be decrypted."
            )
        )
        return text % {
            "kind": capfirst(model._meta.verbose_name_plural),
            "old": counts[State.UNDER_OLD_KEY],
            "current": counts[State.UNDER_FIRST_KEY],
            "environment": counts[State.IN_ENVIRONMENT],
            "unreadable": counts[State.UNREADABLE],
        }

    def states(self, model: type[StoredSecret], *, write: bool) -> Iterator[State]:
        """Yield the state in which each secret was found; those under an older key are under the first now."""
        for pk in list(model._default_manager.exclude(stored_value="").order_by("pk").values_list("pk", flat=True)):
            with transaction.atomic():
                # The lock keeps one that is being retired or replaced from coming back.
                secret = model._default_manager.select_for_update().exclude(stored_value="").filter(pk=pk).first()
                if secret is None:
                    continue
                state = self.examine(secret)
                if write and state is State.UNDER_OLD_KEY:
                    secret.reencrypt_secret()
                    # By the plain manager: the secret is the same, and no process needs to read it again.
                    model._base_manager.filter(pk=pk).update(stored_value=secret.stored_value)
            yield state

    def examine(self, secret: Any) -> State:
        """Return a secret's state; of one that cannot be decrypted, say which it is."""
        if secret.environment_name:
            return State.IN_ENVIRONMENT
        try:
            secret.get_secret()
        except SecretUnavailable:
            names = {"backend": secret.backend.slug, "kind": secret._meta.verbose_name, "name": secret.name}
            self.stderr.write(_("LMS backend %(backend)s: %(kind)s %(name)s cannot be decrypted.") % names)
            return State.UNREADABLE
        is_current = is_under_first_key(secret.stored_value.removeprefix(ENCRYPTED), secret.secret_purpose)
        return State.UNDER_FIRST_KEY if is_current else State.UNDER_OLD_KEY
