"""The web hook's signature: HMAC-SHA256 of the raw body with a shared secret, in the header Authorization."""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Iterable
from functools import cache

SCHEME = "SIG-HMAC-SHA256"


class SignatureMissing(Exception):
    """The call carries no signature."""


class SignatureInvalid(Exception):
    """No secret made the signature, or it is no signature of this scheme."""


def sign(body: bytes, secret: str) -> str:
    """Return the header's value for a body, as senders make it."""
    return f"{SCHEME} {hmac.digest(secret.encode(), body, 'sha256').hex()}"


def verify(header: str | None, body: bytes, secrets: Iterable[str]) -> str:
    """Return the name of the secret that signed the body.

    The comparison takes constant time and tolerates capitals and spaces around the hexadecimal digits.
    Raises ``SignatureMissing`` for an absent or empty header, else ``SignatureInvalid``.
    """
    if not header:
        raise SignatureMissing
    scheme, _space, digest = header.partition(" ")
    # Compared as bytes: a header may hold any character, and text beyond ASCII cannot be compared in constant time.
    claimed = digest.strip().lower().encode()
    signer = None
    for position, secret in enumerate(secrets, start=1):
        if not secret.strip():  # a system check says so, but not every server runs the checks
            continue
        expected = hmac.digest(secret.encode(), body, "sha256").hex().encode()
        if hmac.compare_digest(claimed, expected) and signer is None:
            signer = secret_name(position, secret)
    if scheme != SCHEME or signer is None:
        raise SignatureInvalid
    return signer


@cache
def secret_name(position: int, secret: str) -> str:
    """Return how deliveries name a site-wide secret: its place in the setting, and a fingerprint.

    The fingerprint tells secrets apart after the setting was reordered; it is too short to check a guess by.
    """
    return f"site {position} ({hashlib.sha256(secret.encode()).hexdigest()[:4]})"
