"""The web hook's signature: HMAC-SHA256 of the raw body with a shared secret, in the header Authorization."""

from __future__ import annotations

import hmac
import re
from collections.abc import Iterable

from cms_lms.encryption import Secret
from cms_lms.sync.secrets import SigningSecret

SCHEME = "SIG-HMAC-SHA256"

_DIGEST = re.compile(rb"[0-9a-f]{64}")


class SignatureMissing(Exception):
    """The call carries no signature."""


class SignatureInvalid(Exception):
    """No secret made the signature, or it is no signature of this scheme."""


def sign(body: bytes, secret: str) -> str:
    """Return the header's value for a body, as senders make it."""
    return f"{SCHEME} {make_digest(body, Secret(secret))}"


def make_digest(body: bytes, secret: Secret) -> str:
    """Return the signature as hexadecimal digits."""
    return hmac.digest(secret.reveal().encode(errors="surrogatepass"), body, "sha256").hex()


def read_digest(header: str | None) -> bytes:
    """Return the hexadecimal digits that a header claims, in small letters; spaces around them are tolerated.

    Raises ``SignatureMissing`` for an absent or empty header, ``SignatureInvalid`` for one of another scheme or form:
    that takes no secret, so that nothing is hashed for it.
    """
    if not header:
        raise SignatureMissing
    scheme, _space, digits = header.partition(" ")
    # As bytes: a header may hold any character, and text beyond ASCII cannot be compared in constant time.
    claimed = digits.strip().lower().encode()
    if scheme != SCHEME or not _DIGEST.fullmatch(claimed):
        raise SignatureInvalid
    return claimed


def find_signer(digest: bytes, body: bytes, signers: Iterable[SigningSecret]) -> SigningSecret:
    """Return the first secret that made the signature. Raises ``SignatureInvalid``.

    All are tried, each compared in constant time: how long it takes tells nothing of which one it was.
    """
    found = None
    for signer in signers:
        if hmac.compare_digest(digest, make_digest(body, signer.secret).encode()) and found is None:
            found = signer
    if found is None:
        raise SignatureInvalid
    return found
