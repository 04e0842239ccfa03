"""What a backend class may ask for to prove itself to its LMS."""

from __future__ import annotations

from dataclasses import dataclass

from django.utils.functional import Promise


@dataclass(frozen=True)
class CredentialField:
    """One part of the credentials. ``name`` is stable and at most 50 characters: it is stored."""

    name: str
    label: str | Promise
    help_text: str | Promise = ""
