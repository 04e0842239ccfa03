"""Who calls the web hook: told by the signature of the body, by Standard Webhooks headers, or by both together."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Protocol

from cms_lms.encryption import Secret
from cms_lms.sync.secrets import SigningSecret
from cms_lms.sync.signature import SignatureInvalid, read_signature
from cms_lms.sync.standard_webhooks import Message, read_message


class Claim(Protocol):
    """That whoever made it knows a secret."""

    def is_made_with(self, secret: Secret, body: bytes) -> bool:
        """Return whether it was made for this body with this secret."""


def read_claims(headers: Mapping[str, str]) -> tuple[list[Claim], Message | None]:
    """Return what the headers claim, and the message if they claim to be one. Nothing is hashed for it.

    Raises ``SignatureMissing``, ``SignatureInvalid``.
    """
    message = read_message(headers)
    authorization = headers.get("Authorization")
    if message is None:
        return [read_signature(authorization)], None
    return [message, read_signature(authorization)] if authorization else [message], message


def find_signer(claims: Sequence[Claim], body: bytes, secrets: Iterable[SigningSecret]) -> SigningSecret:
    """Return the first secret that all claims were made with. Raises ``SignatureInvalid``.

    All secrets are tried for all claims: how long it takes tells nothing of which one it was.
    """
    found = None
    for secret in secrets:
        matches = [claim.is_made_with(secret.secret, body) for claim in claims]
        if all(matches) and found is None:
            found = secret
    if found is None:
        raise SignatureInvalid("no secret made the signature")
    return found
