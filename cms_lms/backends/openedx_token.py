"""Tokens of an Open edX for its OAuth2 application: asked for with client credentials, and kept until they expire.

Kept are they in this process alone, as texts that do not print. Source: ``oauth_dispatch/views.py``.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Literal

from django.views.decorators.debug import sensitive_variables

from cms_lms.backends.http import LMSResponse, LMSSession, NotJSON
from cms_lms.encryption import Secret

#: What stands before a token: JWTs since Ironwood, opaque tokens before.
Scheme = Literal["JWT", "Bearer"]

PATH = "/oauth2/access_token"

#: Seconds before its end at which a token is not used any more: calls take time, and clocks differ.
MARGIN = 30.0


@dataclass(frozen=True)
class Token:
    """A token and how many seconds it lives; 0 where the LMS did not say."""

    text: Secret
    seconds: float


@sensitive_variables()
def ask_for_token(
    http: LMSSession, base_url: str, client_id: Secret, client_secret: Secret, scheme: Scheme
) -> LMSResponse:
    """Return what the LMS answers to the client's credentials. Raises ``LMSUnreachable``."""
    # The id has to be in the body: older releases choose their library by it.
    form = {
        "grant_type": "client_credentials",
        "client_id": client_id.reveal(),
        "client_secret": client_secret.reveal(),
    }
    if scheme == "JWT":
        form["token_type"] = "jwt"  # noqa: S105  (no password: a kind)
    return http.post(base_url + PATH, data=form)


@sensitive_variables()
def token_in(response: LMSResponse) -> Token | None:
    """Return the token of an answer, None where there is none that could be sent back."""
    try:
        answer: Any = response.json()
    except NotJSON:
        return None
    if response.status != 200 or not isinstance(answer, dict):
        return None
    text, seconds = answer.get("access_token"), answer.get("expires_in")
    if not (isinstance(text, str) and text and text.isascii() and text.isprintable()):
        return None
    return Token(Secret(text), float(seconds) if isinstance(seconds, (int, float)) else 0.0)


class TokenStore:
    """The tokens of this process, by LMS and client. ``clock`` counts seconds, as ``time.monotonic`` does."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._kept: dict[tuple[str, Secret, Secret], tuple[Scheme, Secret, float]] = {}

    def get(self, base_url: str, client_id: Secret, client_secret: Secret) -> tuple[Scheme, Secret] | None:
        """Return the kept token and what stands before it, None where there is none that still lives."""
        kept = self._kept.get((base_url, client_id, client_secret))
        if kept is None or self._clock() >= kept[2]:
            return None
        return kept[0], kept[1]

    def keep(self, base_url: str, client_id: Secret, client_secret: Secret, scheme: Scheme, token: Token) -> None:
        """Keep a token until shortly before its end."""
        ends = self._clock() + token.seconds - MARGIN
        self._kept[base_url, client_id, client_secret] = scheme, token.text, ends

    def forget(self, base_url: str, client_id: Secret, client_secret: Secret) -> None:
        """Keep it no longer: the LMS did not take it."""
        self._kept.pop((base_url, client_id, client_secret), None)


#: The one of this process.
TOKENS = TokenStore()
