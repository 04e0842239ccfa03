"""ISO 4217 currency codes. Pure."""

from __future__ import annotations

from functools import cache

from babel import Locale


@cache
def currency_codes() -> frozenset[str]:
    """Return the codes of ISO 4217, those of the past among them."""
    return frozenset(Locale("en").currencies)
