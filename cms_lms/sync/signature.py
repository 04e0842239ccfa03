"""The web hook's signature: HMAC-SHA256 of the raw body with a shared secret, in the header Authorization."""

from __future__ import annotations

import hmac
import re
from dataclasses import dataclass

from cms_lms.encryption import Secret

SCHEME = "SIG-HMAC-SHA256"

_DIGEST = re.compile(rb"[0-9a-f]{64}")


class SignatureMissing(Exception):
    """The call carries no signature."""


class SignatureInvalid(Exception):
    """No secret made the signature, or it has no sense. The message says why, for the log, without what was sent."""


@dataclass(frozen=True)
class BodySignature:
    """What the header claims: ``digest`` is in hexadecimal digits."""

    digest: bytes

    def is_made_with(self, secret: Secret, body: bytes) -> bool:
        """Return whether it was, compared in constant time."""
        return hmac.compare_digest(self.digest, make_digest(body, secret).encode())


def sign(body: bytes, secret: str) -> str:
    """Return the header's value for a body, as senders make it."""
    return f"{SCHEME} {make_digest(body, Secret(secret))}"


def make_digest(body: bytes, secret: Secret) -> str:
    """Return the signature as hexadecimal digits."""
    return hmac.digest(secret.reveal().encode(errors="surrogatepass"), body, "sha256").hex()


def read_signature(header: str | None) -> BodySignature:
    """Return what a header claims; capitals, and spaces around the digits, are tolerated.

    Raises ``SignatureMissing`` for an absent or empty header, ``SignatureInvalid`` for one of another scheme or form:
    that takes no secret, so that nothing is hashed for it.
    """
    if not header:
        raise SignatureMissing
    scheme, _space, digits = header.partition(" ")
    # As bytes: a header may hold any character, and text beyond ASCII cannot be compared in constant time.
    claimed = digits.strip().lower().encode()
    if scheme != SCHEME or not _DIGEST.fullmatch(claimed):
        raise SignatureInvalid(f"Authorization is not of the form “{SCHEME} 0123…”")
    return BodySignature(claimed)
