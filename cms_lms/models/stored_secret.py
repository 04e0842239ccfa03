"""How a record keeps a secret: encrypted, or as the name of the environment variable that holds it.

Stored are ``encrypted:…`` and ``env:NAME``; a clear text never reaches the database. The encryption is bound to
the record's own place (``secret_purpose``), so that a text copied into another row opens nothing.
"""

from __future__ import annotations

import os
import re
import unicodedata

from django.core.exceptions import ValidationError
from django.db import models
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from cms_lms.conf import settings as lms_settings
from cms_lms.encryption import DecryptionFailed, Secret, decrypt, encrypt, reencrypt

ENVIRONMENT = "env:"
ENCRYPTED = "encrypted:"

#: No key, token or secret of an LMS is longer.
MAX_SECRET_BYTES = 4096

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
    """Raise ``ValidationError`` for a variable that editors may not refer to; its value is not looked at.

    The message leaves the name out: what was entered may be a secret that happens to look like one.
    """
    prefix = lms_settings.SECRET_ENVIRONMENT_PREFIX
    if not _NAME.fullmatch(name) or not prefix or not name.startswith(prefix) or name == prefix:
        raise ValidationError(
            _(
                "This is not the name of a variable for secrets: after “env:” it must begin with %(prefix)s and go "
                "on with capital letters, digits and underscores. Other variables are none of the editors’ business."
            ),
            code="environment_name",
            params={"prefix": prefix},
        )


def clean_secret(text: str) -> Secret:
    """Return what was typed, pasted or read as a secret, without the white space around it.

    Raises ``ValidationError`` for what no LMS would take: nothing at all, too much, and characters that cannot be
    seen. Its message never repeats the text.
    """
    text = text.strip()
    if not text:
        raise ValidationError(_("The secret is empty."), code="empty")
    if len(text) > MAX_SECRET_BYTES or len(text.encode(errors="surrogatepass")) > MAX_SECRET_BYTES:
        raise ValidationError(
            _("The secret is longer than %(limit)s bytes. Was something else pasted?"),
            code="too_long",
            params={"limit": MAX_SECRET_BYTES},
        )
    if any(unicodedata.category(character) in ("Cc", "Cf", "Cs", "Zl", "Zp") for character in text):
        raise ValidationError(
            _("The secret contains characters that cannot be seen, such as line breaks. Copy it again, alone."),
            code="control_character",
        )
    return Secret(text)


def clean_entered_secret(text: str) -> Secret:
    """As ``clean_secret``, for what a person enters: the secret itself or ``env:NAME``."""
    secret = clean_secret(text)
    if secret.reveal().startswith(ENVIRONMENT):
        refuse_environment_name(secret.reveal().removeprefix(ENVIRONMENT))
    return secret


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

        Raises ``ValidationError`` as ``clean_entered_secret`` does.
        """
        secret = clean_entered_secret(secret.reveal())
        is_variable = secret.reveal().startswith(ENVIRONMENT)
        self.stored_value = secret.reveal() if is_variable else ENCRYPTED + encrypt(secret, self.secret_purpose)

    def get_secret(self) -> Secret:
        """Return the secret. Raises ``SecretUnavailable``."""
        if not self.stored_value:
            raise SecretUnavailable(_("The secret was retired, and is no longer stored."), "retired")
        if name := self.environment_name:
            return self._read_environment(name)
        try:
            return decrypt(self.stored_value.removeprefix(ENCRYPTED), self.secret_purpose)
        except DecryptionFailed:
            raise SecretUnavailable(
                _(
                    "The stored secret cannot be decrypted: the site’s encryption key has changed. Put the old key "
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
        if not os.environ.get(name, "").strip():
            raise SecretUnavailable(
                _("The environment variable %(name)s is not set where the site runs.") % {"name": name},
                "environment_missing",
            )
        try:
            return clean_secret(os.environ[name])
        except ValidationError as error:
            raise SecretUnavailable(
                _("The environment variable %(name)s holds no usable secret. %(reason)s")
                % {"name": name, "reason": error.messages[0]},
                "environment_invalid",
            ) from None

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
