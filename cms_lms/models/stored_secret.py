"""How a record keeps a secret: encrypted, or as the name of the environment variable that holds it.

Stored are ``encrypted:…`` and ``env:NAME``; a clear text never reaches the database. The encryption is bound to
the record's own place (``secret_purpose``), so that a text copied into another row opens nothing.
"""

from __future__ import annotations

import os
import re

from django.core.exceptions import ValidationError
from django.db import models
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from cms_lms.conf import settings as lms_settings
from cms_lms.encryption import DecryptionFailed, Secret, decrypt, encrypt, reencrypt

ENVIRONMENT = "env:"
ENCRYPTED = "encrypted:"

_NAME = re.compile(r"[A-Z][A-Z0-9_]*", re.ASCII)


class SecretUnavailable(Exception):
    """The secret is stored and cannot be had; ``message`` says why and what to do, ``code`` never changes."""

    def __init__(self, message: str | Promise, code: str) -> None:
        super().__init__(message)
        self.message = message
        self.code = code

    def __str__(self) -> str:
        return str(self.message)


def refuse_environment_name(name: str) -> None:
    """Raise ``ValidationError`` for a variable that editors may not refer to; its value is not looked at."""
    prefix = lms_settings.SECRET_ENVIRONMENT_PREFIX
    if not _NAME.fullmatch(name) or not name.startswith(prefix) or name == prefix:
        raise ValidationError(
            _(
                "%(name)s is not the name of a variable for secrets. It must begin with %(prefix)s and go on with "
                "capital letters, digits and underscores."
            ),
            code="environment_name",
            params={"name": name, "prefix": prefix},
        )


class StoredSecret(models.Model):
    """A record with one secret. Subclasses say its ``secret_purpose``."""

    stored_value = models.TextField(editable=False, blank=True)

    class Meta:
        abstract = True

    @property
    def secret_purpose(self) -> str:
        """What the secret is for, and whose: the encryption is bound to it."""
        raise NotImplementedError

    @property
    def environment_name(self) -> str:
        """The variable that holds the secret; blank where it is stored here."""
        return self.stored_value.removeprefix(ENVIRONMENT) if self.stored_value.startswith(ENVIRONMENT) else ""

    def set_secret(self, secret: Secret) -> None:
        """Keep a secret: encrypted, or by its variable's name where the text is ``env:NAME``.

        Raises ``ValidationError`` for a variable that editors may not refer to.
        """
        text = secret.reveal()
        if text.startswith(ENVIRONMENT):
            refuse_environment_name(text.removeprefix(ENVIRONMENT))
            self.stored_value = text
        else:
            self.stored_value = ENCRYPTED + encrypt(secret, self.secret_purpose)

    def get_secret(self) -> Secret:
        """Return the secret. Raises ``SecretUnavailable``."""
        if name := self.environment_name:
            return self._read_environment(name)
        try:
            return decrypt(self.stored_value.removeprefix(ENCRYPTED), self.secret_purpose)
        except DecryptionFailed:
            raise SecretUnavailable(
                _(
                    "The stored secret cannot be decrypted: the site's encryption key has changed. Put the old key "
                    "back behind the new one, or enter the secret again."
                ),
                "decryption",
            ) from None

    @staticmethod
    def _read_environment(name: str) -> Secret:
        try:
            refuse_environment_name(name)  # the prefix may have changed since
        except ValidationError as error:
            raise SecretUnavailable(error.messages[0], "environment_name") from None
        value = os.environ.get(name, "")
        if not value.strip():
            raise SecretUnavailable(
                _("The environment variable %(name)s is not set where the site runs.") % {"name": name},
                "environment_missing",
            )
        return Secret(value)

    def reencrypt_secret(self) -> bool:
        """Encrypt under the first key of the settings; return whether there was anything to encrypt.

        Raises ``SecretUnavailable``.
        """
        if not self.stored_value.startswith(ENCRYPTED):
            return False
        try:
            stored = reencrypt(self.stored_value.removeprefix(ENCRYPTED), self.secret_purpose)
        except DecryptionFailed:
            self.get_secret()  # says so in words
            raise
        self.stored_value = ENCRYPTED + stored
        return True
