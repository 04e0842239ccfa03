"""The scheme of Standard Webhooks (https://www.standardwebhooks.com): a message with an id, a time and signatures.

What is signed is ``id.timestamp.body``, by HMAC-SHA256, so that nobody can send a call again later or under another
id. This module reads and checks the headers; that an id is processed once is the deliveries' business.
"""

from __future__ import annotations

import base64
import binascii
import datetime as dt
import hmac
import re
from collections.abc import Mapping
from dataclasses import dataclass

from cms_lms.encryption import Secret
from cms_lms.models.sync_secret import SECRET_PREFIX
from cms_lms.sync.signature import SignatureInvalid

ID_HEADER, TIMESTAMP_HEADER, SIGNATURE_HEADER = HEADERS = ("webhook-id", "webhook-timestamp", "webhook-signature")

#: How far the clocks of sender and site may differ.
TOLERANCE = dt.timedelta(minutes=5)

#: Signatures that are looked at: a sender that replaces its secret signs with the old one and the new one.
MAX_SIGNATURES = 20

_VERSION = "v1,"
_ID = re.compile(r"[\x21-\x7e]{1,255}")
#: Seconds up to the year 5138; more are another unit.
_TIMESTAMP = re.compile(r"[0-9]{1,11}", re.ASCII)


@dataclass(frozen=True)
class Message:
    """What the headers claim. ``sent_at`` is aware; ``timestamp`` is the text of it that was signed."""

    id: str
    timestamp: str
    signatures: tuple[bytes, ...]

    @property
    def sent_at(self) -> dt.datetime:
        """When the sender says that it sent the message."""
        return dt.datetime.fromtimestamp(int(self.timestamp), dt.UTC)

    def is_made_with(self, secret: Secret, body: bytes) -> bool:
        """Return whether one of the signatures was; all are compared in constant time."""
        expected = make_signature(self.id, self.timestamp, body, secret)
        matches = [hmac.compare_digest(expected, signature) for signature in self.signatures]
        return any(matches)


def read_message(headers: Mapping[str, str]) -> Message | None:
    """Return the message that a call claims to be, None for a call without these headers.

    Raises ``SignatureInvalid`` if some are missing or have no sense, before anything is hashed.
    """
    values = [headers.get(name) or "" for name in HEADERS]
    if not any(values):
        return None
    if not all(values):
        missing = ", ".join(name for name, value in zip(HEADERS, values, strict=True) if not value)
        raise SignatureInvalid(f"it has Standard Webhooks headers, but not {missing}")
    message_id, timestamp, listed = values
    if not _ID.fullmatch(message_id):
        raise SignatureInvalid(f"{ID_HEADER} is not 1 to 255 visible characters of ASCII")
    if not _TIMESTAMP.fullmatch(timestamp):
        raise SignatureInvalid(f"{TIMESTAMP_HEADER} is not a whole number of seconds")
    signatures = [text.removeprefix(_VERSION) for text in listed.split(" ") if text.startswith(_VERSION)]
    if not 0 < len(signatures) <= MAX_SIGNATURES:
        raise SignatureInvalid(f"{SIGNATURE_HEADER} holds no signature of version 1, or too many")
    # As bytes: a header may hold any character, and text beyond ASCII cannot be compared in constant time.
    return Message(message_id, timestamp, tuple(text.encode() for text in signatures))


def is_fresh(sent_at: dt.datetime, now: dt.datetime) -> bool:
    """Return whether a message is neither too old nor from the future."""
    return abs(now - sent_at) <= TOLERANCE


def make_signature(message_id: str, timestamp: str, body: bytes, secret: Secret) -> bytes:
    """Return the signature in base64."""
    signed = f"{message_id}.{timestamp}.".encode() + body
    return base64.b64encode(hmac.digest(signing_key(secret), signed, "sha256"))


def signing_key(secret: Secret) -> bytes:
    """Return the key of a secret: what is behind ``whsec_`` is base64, any other secret is its own characters."""
    text = secret.reveal()
    if text.startswith(SECRET_PREFIX):
        try:
            key = base64.b64decode(text.removeprefix(SECRET_PREFIX), validate=True)
        except (binascii.Error, ValueError):
            key = b""
        if key:
            return key
    return text.encode(errors="surrogatepass")


def sign_message(body: bytes, secret: str, *, message_id: str, sent_at: dt.datetime) -> dict[str, str]:
    """Return the headers for a body, as senders make them."""
    timestamp = str(int(sent_at.timestamp()))
    signature = make_signature(message_id, timestamp, body, Secret(secret)).decode()
    return {ID_HEADER: message_id, TIMESTAMP_HEADER: timestamp, SIGNATURE_HEADER: f"{_VERSION}{signature}"}
