"""The runs of a course in the reader's language: texts, names of months, money and numbers."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from bs4 import BeautifulSoup
from django.template import Context, Template
from django.utils import timezone, translation

from tests.factories import make_backend, make_course, make_run

pytestmark = pytest.mark.django_db

EXPECTED = {
    "fr": ("Du 1 mars 2027 au 30 avril 2027", "Anglais", "1 200,50 €", "Environ 1 200 apprenants"),
    "es": ("Del 1 de marzo de 2027 al 30 de abril de 2027", "Inglés", "1.200,50 €", "Unos 1.200 estudiantes"),
    "pt-br": ("1 de Março de 2027", "Inglês", "€ 1.200,50", "1.200"),
    "pt-pt": ("1 de Março de 2027", "Inglês", "1 200,50 €", "1 200"),
    "de": ("1. März 2027", "Englisch", "1.200,50 €", "1.200"),
    "ar": ("من 1 مارس، 2027 إلى 30 إبريل، 2027", "الإنجليزيّة", "1,200.50 €", "1,200 متعلم"),
}


@pytest.mark.parametrize("language", EXPECTED)
def test_dates_money_and_numbers_are_the_reader_s(language: str) -> None:
    make_backend()
    run = make_run(
        course=make_course(),
        start=datetime(2027, 3, 1, 9, tzinfo=UTC),
        end=datetime(2027, 4, 30, 9, tzinfo=UTC),
        languages=["en"],
        offer="paid",
        price="1200.50",
        price_currency="EUR",
        enrollment_count=1234,
    )
    with translation.override(language), timezone.override(UTC):
        html = Template("{% load cms_lms %}{% course_runs course %}").render(Context({"course": run.course}))
    shown = " ".join(BeautifulSoup(html, "html.parser").text.split())

    for text in EXPECTED[language]:
        assert " ".join(text.split()) in shown
