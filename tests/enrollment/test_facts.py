"""What is told of a run: money, learners and dates in the reader's language."""

from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal

import pytest
from bs4 import BeautifulSoup
from django.template.loader import render_to_string
from django.utils import timezone, translation

from cms_lms.enrollment.facts import Period, Price, announced_date, count_learners, make_price, zone_name


def price(offer: str = "", amount: str | None = None, cut: str | None = None, discount: str = "") -> Price | None:
    """Return a price in euros."""
    amounts = (value if value is None else Decimal(value) for value in (amount, cut))
    return make_price(offer, *amounts, discount, "EUR")


def told(known: Price | None) -> str:
    """Return what pages say of a price."""
    html = render_to_string("cms_lms/enrollment/facts/amount.html", {"price": known})
    return " ".join(BeautifulSoup(html, "html.parser").text.split())


@pytest.mark.parametrize(
    ("known", "text"),
    [
        (price("free"), "Free"),
        (price("free", "10"), "Free"),
        (price("", "0"), "Free"),
        (price("", "1250.5"), "€1,250.50"),
        (price("paid"), "Subject to a fee"),
        (price("paid", "50"), "€50.00"),
        (price("paid", "50", "40", "-20%"), "€40.00 instead of €50.00 (-20%)"),
        (price("paid", "50", "40"), "€40.00 instead of €50.00"),
        (price("paid", "50", "0"), "Free instead of €50.00"),
        (price("paid", "50", "50", "-0%"), "€50.00"),
        (price("paid", "50", "60", "+20%"), "€50.00"),
        (price("paid", None, "40", "-20%"), "€40.00"),
        (price("partially_free"), "Partly free"),
        (price("partially_free", "0"), "Partly free"),
        (price("partially_free", "50"), "Partly free, €50.00 for everything"),
        (price("partially_free", "50", "40"), "Partly free, €40.00 instead of €50.00 for everything"),
        (price("subscription"), "By subscription"),
        (price("subscription", "9.99"), "By subscription, €9.99"),
    ],
)
def test_a_price_is_told_in_words(known, text):
    assert told(known) == text


def test_a_price_that_is_not_known_is_none():
    assert price() is None
    assert price(discount="-20%") is None


def test_what_the_lms_calls_a_discount_is_escaped():
    html = render_to_string("cms_lms/enrollment/facts/amount.html", {"price": price("paid", "5", "4", "<b>!</b>")})

    assert "<b>" not in html
    assert "<del>€5.00</del>" in html


@pytest.mark.parametrize(
    ("language", "currency", "text"),
    [
        ("fr", "EUR", "1\u202f250,50\xa0€"),
        ("pt-br", "BRL", "R$\xa01.250,50"),
        ("en-gb", "GBP", "£1,250.50"),
        ("de-at", "CHF", "CHF\xa01.250,50"),
        ("en", "JPY", "¥1,250"),
        ("zh-hans", "CNY", "¥1,250.50"),
        ("xx-unknown", "EUR", "€1,250.50"),
    ],
)
def test_money_is_written_as_readers_write_it(language, currency, text):
    with translation.override(language):
        known = make_price("paid", Decimal("1250.50"), None, "", currency)

    assert known is not None
    assert known.amount == text


@pytest.mark.parametrize(
    ("count", "text"),
    [(0, ""), (100, ""), (101, "100"), (128, "120"), (1234, "1,200"), (99_999, "99,000"), (1_250_000, "1,200,000")],
)
def test_learners_are_counted_roughly_above_a_threshold(count, text):
    assert count_learners(count) == text


def test_the_threshold_is_the_site_s(settings):
    settings.CMS_LMS_ENROLLMENT_COUNT_THRESHOLD = 0
    assert [count_learners(count) for count in (0, 1, 37)] == ["", "1", "37"]

    settings.CMS_LMS_ENROLLMENT_COUNT_THRESHOLD = None
    assert count_learners(1_000_000) == ""


def test_a_placeholder_is_no_date():
    assert announced_date(datetime(2030, 1, 1, tzinfo=UTC)) is None
    assert announced_date(None) is None
    assert announced_date(datetime(2029, 12, 31, tzinfo=UTC)) == datetime(2029, 12, 31, tzinfo=UTC)


@pytest.mark.parametrize(
    ("zone", "name"), [("UTC", "UTC"), ("Europe/Paris", "CET"), ("America/Lima", "UTC-05"), ("Asia/Kolkata", "IST")]
)
def test_the_zone_of_a_period_is_named(zone, name):
    with timezone.override(zone):
        period = Period(announced_date(datetime(2027, 1, 5, tzinfo=UTC)), None)
        html = render_to_string("cms_lms/enrollment/period.html", {"period": period, "format": "DATE_FORMAT"})

    assert period.zone == name
    assert f"({name})" in html


def test_nothing_has_no_zone():
    assert zone_name(None) == ""
