"""The gallery's page: every step and every state that staff can choose is on it, and it calls nobody."""

from __future__ import annotations

import re

import pytest
from bs4 import BeautifulSoup
from django.urls import reverse

from cms_lms.enrollment.see_as import LEARNER_STATES
from tests.enrollment_js.servers import STATIC

pytestmark = pytest.mark.django_db


@pytest.fixture
def page(client) -> BeautifulSoup:
    return BeautifulSoup(client.get(reverse("gallery")).content, "html.parser")


def test_every_step_is_there(page):
    steps = {template["data-state"] for template in page.select("#lms-enrollment-steps template")}
    assert {item["data-expected-step"] for item in page.select("[data-expected-step]")} == steps


def test_every_state_that_staff_can_choose_is_there(page):
    shown = {panel["data-see-as"] for panel in page.select("lms-enrollment")}
    assert {state.name for state in LEARNER_STATES} <= shown


def test_no_id_is_there_twice(page):
    ids = [element["id"] for element in page.select("[id]")]
    assert len(ids) == len(set(ids))


def test_it_calls_nobody(client):
    policy = client.get(reverse("gallery")).headers["content-security-policy"]
    assert re.search("connect-src '(none|self)'(;|$)", policy)


def test_the_footer_leads_there(client):
    page = BeautifulSoup(client.get("/nothing-here/").content, "html.parser")
    assert page.select_one("footer a")["href"] == reverse("gallery")


def test_its_style_sheet_has_every_step(page):
    css = (STATIC / "cms_lms" / "css" / "enrollment.css").read_text()
    plain = {"anonymous", "idle", "confirming"}  # the picture that all begin with
    for template in page.select("#lms-enrollment-steps template"):
        step = template["data-state"]
        assert step in plain or f'[data-step="{step}"]' in css, step
