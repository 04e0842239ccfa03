"""Secrets at rest: encrypted under keys that are derived from the site's settings, and a text that does not print.

Knows nothing of records. Each purpose has keys of its own, so that what is encrypted for one use cannot be
passed off as another's.
"""

from __future__ import annotations

import hmac
from base64 import urlsafe_b64encode
from functools import lru_cache

from cryptography.fernet import Fernet, InvalidToken, MultiFernet
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from cms_lms.conf import settings as lms_settings

_SALT = b"cms_lms secrets at rest, 1"


class DecryptionFailed(ValueError):
    """No key of the settings opens the text: a key was removed too early, or the text was altered or moved."""


class Secret:
    """A text that is never printed: not by ``str``, ``repr``, logging, templates or error pages."""

    __slots__ = ("_text",)

    def __init__(self, text: str) -> None:
        self._text = text

    def reveal(self) -> str:
        """Return the text, for the one call that needs it."""
        return self._text

    # A template would call it; with this mark it leaves a blank instead.
    reveal.alters_data = True  # type: ignore[attr-defined]

    def __repr__(self) -> str:
        return "Secret(…)"

    __str__ = __repr__

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Secret) and hmac.compare_digest(self._to_bytes(), other._to_bytes())

    def __hash__(self) -> int:
        return hash(self._text)

    def __bool__(self) -> bool:
        return bool(self._text)

    def __reduce__(self) -> str:
        raise TypeError("A secret is not to be pickled: it would be stored in clear text.")

    def _to_bytes(self) -> bytes:
        # Whatever the text holds: the error that an encoding raises carries the text.
        return self._text.encode(errors="surrogatepass")


def encrypt(secret: Secret, purpose: str) -> str:
    """Return the text to store, encrypted under the first key of the settings (Fernet: AES-128-CBC, HMAC-SHA256)."""
    return _ciphers(tuple(map(Secret, lms_settings.encryption_keys)), purpose).encrypt(secret._to_bytes()).decode()


def decrypt(stored: str, purpose: str) -> Secret:
    """Return what ``encrypt`` was given for the same purpose, under any key of the settings.

    Raises ``DecryptionFailed``.
    """
    try:
        opened = _ciphers(tuple(map(Secret, lms_settings.encryption_keys)), purpose).decrypt(stored.encode())
        return Secret(opened.decode(errors="surrogatepass"))
    except (InvalidToken, ValueError):
        raise DecryptionFailed from None


def reencrypt(stored: str, purpose: str) -> str:
    """Return the same secret encrypted under the first key, so that older keys can go. Raises ``DecryptionFailed``."""
    return encrypt(decrypt(stored, purpose), purpose)


def is_under_first_key(stored: str, purpose: str) -> bool:
    """Return whether the first key of the settings opens a text, which then needs no other."""
    try:
        _ciphers((Secret(lms_settings.encryption_keys[0]),), purpose).decrypt(stored.encode())
    except (InvalidToken, ValueError):
        return False
    return True


@lru_cache(maxsize=64)
def _ciphers(keys: tuple[Secret, ...], purpose: str) -> MultiFernet:
    return MultiFernet([Fernet(_derive(key, purpose)) for key in keys])


def _derive(key: Secret, purpose: str) -> bytes:
    hkdf = HKDF(hashes.SHA256(), length=32, salt=_SALT, info=purpose.encode())
    return urlsafe_b64encode(hkdf.derive(key._to_bytes()))
