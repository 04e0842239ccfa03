"""The presets of a backend's form over HTTP."""

from __future__ import annotations

import pytest
from bs4 import BeautifulSoup
from django.test import Client

from cms_lms.models import LMSBackend
from tests.admin.browsing import form_values, soup, submit, url
from tests.admin.conftest import make_client
from tests.factories import OPENEDX, make_backend

pytestmark = pytest.mark.django_db

ADDRESS = url(LMSBackend, "pattern_presets")
BASE = "cms_lms.backends.base.BaseLMSBackend"
JOANIE = "cms_lms.backends.joanie.JoanieBackend"


def offer(client: Client, backend: str, base_url: str) -> BeautifulSoup:
    response = client.get(ADDRESS, {"backend": backend, "base_url": base_url})
    assert response.status_code == 200
    return soup(response)


@pytest.mark.parametrize("backend", [OPENEDX, JOANIE])
def test_each_preset_is_a_pattern_with_samples_that_can_be_saved(administrator, backend):
    presets = offer(administrator, backend, " https://lms.campus.example:8443/x ").select("[data-preset]")
    assert presets
    for preset in presets:
        values = form_values(administrator.get(url(LMSBackend, "add"))) | {
            "name": preset.select_one("[data-label]").text,
            "backend": backend,
            "base_url": "https://lms.campus.example:8443/x",
            "course_regex": preset["data-pattern"],
            "sample_urls": "\n".join(item.text for item in preset.select("[data-sample-url]")),
        }
        response = administrator.post(url(LMSBackend, "add"), values)
        assert response.status_code == 302, response.context["form"].errors
        assert preset.select_one("code").text == preset["data-pattern"]
        assert r"campus\.example:8443" in preset["data-pattern"]


def test_each_button_is_named_for_its_preset(administrator):
    page = offer(administrator, OPENEDX, "https://lms.example.com")
    names = {
        " ".join(page.find(id=reference).text for reference in button["aria-labelledby"].split())
        for button in page.select("button[data-use-preset]")
    }
    assert len(names) == len(page.select("[data-preset]"))
    assert all(name.startswith("Use ") for name in names)


@pytest.mark.parametrize(
    ("backend", "base_url", "expected"),
    [
        (OPENEDX, "", "Enter the base URL first"),
        (
            OPENEDX,
            "lms.example.com",
            "Correct the base URL first: the patterns are filled in with it. The URL must start",
        ),
        (OPENEDX, "https://a/?x", "Correct the base URL first"),
        (OPENEDX, "https://" + "a" * 100_000, "Correct the base URL first"),
        (OPENEDX, "https://a/\x00", "Correct the base URL first"),
        (BASE, "https://lms.example.com", "There are no tested patterns for the class “Base (development)”."),
        ("", "https://lms.example.com", "Choose a backend class first"),
        ("os.system", "https://lms.example.com", "Choose a backend class first"),
    ],
)
def test_what_is_missing_is_said(administrator, backend, base_url, expected):
    page = offer(administrator, backend, base_url)
    assert page.select("[data-preset]") == []
    assert " ".join(page.text.split()).startswith(expected)


def test_what_is_typed_is_escaped(administrator):
    assert "<script>" not in str(offer(administrator, OPENEDX, "https://lms.example.com/<script>alert(1)</script>"))
    assert offer(administrator, OPENEDX, 'https://lms.example.com/"><b>').select("b") == []


def test_the_form_lists_the_presets_of_the_stored_values(administrator):
    backend = make_backend(base_url="https://lms.example.com")
    page = soup(administrator.get(url(LMSBackend, "edit", backend.pk)))
    panel = page.select_one("form[data-edit-form] pattern-presets")
    assert panel["data-presets-url"] == ADDRESS
    assert [preset["data-pattern"] for preset in panel.select("[data-preset]")] == [
        preset.pattern for preset in backend.get_backend().pattern_presets("https://lms.example.com")
    ]
    assert not panel.select_one("details").has_attr("open")
    assert panel.select_one("[data-undo]").has_attr("hidden")
    new = soup(administrator.get(url(LMSBackend, "add"))).select_one("pattern-presets")
    assert new.select_one("details").has_attr("open")
    # The class is chosen already: a select without a blank choice has its first.
    assert new.select_one("[data-offer]").get_text(strip=True).startswith("Enter the base URL first")


def test_a_form_that_is_refused_lists_the_presets_of_what_was_typed(administrator):
    response = submit(
        administrator,
        url(LMSBackend, "add"),
        {"name": "X", "backend": OPENEDX, "base_url": "https://typed.example.com", "course_regex": "("},
    )
    assert response.status_code == 200
    assert r"typed\.example\.com" in soup(response).select_one("[data-preset]")["data-pattern"]


@pytest.mark.parametrize("groups", [[], ["Course editors"], ["Course publishers"]])
def test_those_without_the_right_get_none(groups):
    assert make_client(*groups).get(ADDRESS).status_code == 302


def test_anonymous_visitors_are_sent_to_log_in():
    assert "login" in Client().get(ADDRESS).url
