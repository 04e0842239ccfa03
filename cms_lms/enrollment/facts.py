"""What a course page tells of a run beside its state: when, for how much, in which languages, with how many others.

Plain values in the words and the money format of the language that is active; no request and no template. What is not
known is blank, so that pages say nothing of it.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable
from dataclasses import dataclass
from decimal import Decimal
from functools import lru_cache

from babel import Locale, UnknownLocaleError
from babel.numbers import format_currency, format_decimal
from django.utils import timezone
from django.utils.translation import get_language, gettext, to_locale

from cms_lms.conf import settings as lms_settings
from cms_lms.runs.fields import Offer
from cms_lms.runs.state import NEVER_YEAR, is_unscheduled


@dataclass(frozen=True)
class Period:
    """A stretch of time as readers see it, in the current time zone; None where it has no such end."""

    start: dt.datetime | None
    end: dt.datetime | None

    def __bool__(self) -> bool:
        return self.start is not None or self.end is not None

    @property
    def zone(self) -> str:
        """The short name of the time zone in which the dates are; of the last one, where summer time parts them."""
        return zone_name(self.end or self.start)


@dataclass(frozen=True)
class Price:
    """What access or a certificate costs.

    ``offer``: one of ``Offer``, or blank. ``amount`` is what is to be paid, ``full_amount`` what it was before the
    ``discount``, which is in the words of the LMS; each is blank where it is not known. All amounts are formatted.
    """

    offer: str
    is_free: bool = False
    amount: str = ""
    full_amount: str = ""
    discount: str = ""


def local_date(date: dt.datetime | None) -> dt.datetime | None:
    """Return a date in the current time zone, None for never and for what has no date there."""
    if date is None or date.year >= NEVER_YEAR:
        return None
    try:
        return timezone.localtime(date)
    except OverflowError:  # the first hours of year 1, west of Greenwich
        return None


def announced_date(date: dt.datetime | None) -> dt.datetime | None:
    """As ``local_date``, and None for what Open edX writes for "not scheduled"."""
    return None if is_unscheduled(date) else local_date(date)


def zone_name(date: dt.datetime | None) -> str:
    """Return the short name of a date's time zone: "CET", or "UTC-05" of one that has no name."""
    name = (date.tzname() if date is not None else None) or ""
    return f"UTC{name}" if name.startswith(("+", "-")) else name


def make_price(
    offer: str, price: Decimal | None, discounted_price: Decimal | None, discount: str, currency: str
) -> Price | None:
    """Return what is known of a price, None where that is nothing. A discount that discounts nothing is none."""
    if offer == Offer.FREE:
        return Price(offer, is_free=True)
    amount = price if discounted_price is None else discounted_price
    if amount is None:
        return Price(offer) if offer else None
    if price is not None and amount >= price:
        amount, discount, is_discounted = price, "", False
    else:
        is_discounted = price is not None
    return Price(
        offer,
        is_free=amount == 0,
        amount=_money(amount, currency),
        full_amount=_money(price, currency) if is_discounted and price is not None else "",
        discount=discount if is_discounted else "",
    )


def count_learners(count: int) -> str:
    """Return about how many learners have enrolled, formatted; blank for few.

    LMSs count those who left as well, and tell late: the number is rounded down to two digits.
    """
    threshold = lms_settings.ENROLLMENT_COUNT_THRESHOLD
    if threshold is None or count <= threshold:
        return ""
    unit = 10 ** max(len(str(count)) - 2, 0)
    return _number(count // unit * unit, get_language() or "en")


def name_languages(codes: Iterable[str]) -> tuple[str, ...]:
    """Return the names of languages that courses are taught in; the code where the site knows no name."""
    labels = dict(lms_settings.COURSE_LANGUAGES)
    return tuple(gettext(labels[code]) if code in labels else str(code) for code in codes)


def _money(amount: Decimal, currency: str) -> str:
    return _amount(amount, currency, get_language() or "en")


# The runs of a course cost much the same, and Babel takes longer than all the rest of a panel.
@lru_cache(maxsize=1024)
def _amount(amount: Decimal, currency: str, language: str) -> str:
    return format_currency(amount, currency, locale=_babel_locale(language))


@lru_cache(maxsize=1024)
def _number(number: int, language: str) -> str:
    return format_decimal(number, locale=_babel_locale(language))


@lru_cache(maxsize=64)
def _babel_locale(language: str) -> Locale:
    """Return what Babel knows of a language of Django's, or of the language without its region."""
    for code in (to_locale(language), language.partition("-")[0], "en"):
        try:
            return Locale.parse(code)
        except (UnknownLocaleError, ValueError):
            continue
    raise UnknownLocaleError(language)
