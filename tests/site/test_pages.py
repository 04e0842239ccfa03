"""The demonstration site's frame: its languages, what search engines read, and the accounts of its learners."""

from __future__ import annotations

import re

import pytest
from bs4 import BeautifulSoup
from django.contrib.auth import get_user_model
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import translation
from wagtail.models import Locale

from cms_lms.catalog.models import CoursePage
from tests.catalog.makers import make_course_page, make_index_page
from tests.factories import make_course

pytestmark = pytest.mark.django_db


@pytest.fixture
def french_page():
    """A French page of a course, whose English one is live too."""
    index = make_index_page()
    french = Locale.objects.create(language_code="fr")
    for source in (index, make_course_page(make_course(), title="Bread", slug="bread", parent=index)):
        page = source.copy_for_translation(french)
        page.title = "Pain"
        page.save_revision().publish()
    return page


def read(client, address: str) -> BeautifulSoup:
    return BeautifulSoup(client.get(address).content, "html.parser")


def test_a_page_leads_to_its_translations(client, french_page):
    page = read(client, "/fr/bread/")

    assert page.html["lang"] == "fr"
    links = {link["hreflang"]: link for link in page.select(".site-header__languages a")}
    assert {code: link["href"] for code, link in links.items()} == {"en": "/bread/", "fr": "/fr/bread/"}
    assert links["en"]["lang"] == "en"
    assert [code for code, link in links.items() if "aria-current" in link.attrs] == ["fr"]
    assert page.select_one("a.site-header__name")["href"] == "/fr/"
    assert read(client, "/bread/").select_one("a.site-header__name")["href"] == "/"


def test_search_engines_learn_of_the_translations(client, french_page):
    head = read(client, "/fr/bread/").head

    assert head.select_one("[rel=canonical]")["href"].endswith("/fr/bread/")
    alternates = {link["hreflang"]: link["href"] for link in head.select("[rel=alternate]")}
    assert set(alternates) == {"en", "fr"}
    assert alternates["fr"] == head.select_one("[rel=canonical]")["href"]
    assert head.select_one("[name=description]")["content"]


def test_a_page_that_is_not_translated_leads_to_the_front_page(client, french_page):
    CoursePage.objects.get(pk=french_page.pk).unpublish()
    page = read(client, "/bread/")

    assert [link["href"] for link in page.select(".site-header__languages a")] == ["/bread/", "/fr/"]
    assert [link["hreflang"] for link in page.select("[rel=alternate]")] == ["en"]


def test_a_page_that_is_none_leads_to_the_front_pages(client, french_page):
    page = read(client, "/fr/nothing-here/")

    assert [link["href"] for link in page.select(".site-header__languages a")] == ["/", "/fr/"]
    assert not page.select("[rel=canonical]")


def test_one_query_finds_the_languages(client, french_page):
    client.get("/fr/bread/")
    with CaptureQueriesContext(connection) as queries:
        client.get("/fr/bread/")

    assert len([query for query in queries if re.search(r"translation_key.? IN", query["sql"])]) == 1


def test_a_cache_needs_one_copy_of_a_page_whatever_languages_its_readers_prefer(client, french_page):
    for address, language in (("/bread/", "en"), ("/fr/bread/", "fr")):
        response = client.get(address, headers={"Accept-Language": "de"})

        assert response["Content-Language"] == language
        assert "Vary" not in response


@pytest.mark.parametrize(("address", "other"), [("/account/login/?next=/x/", "/fr/account/login/?next=/x/")])
def test_the_login_page_is_in_each_language(client, french_page, address, other):
    links = {link["hreflang"]: link["href"] for link in read(client, address).select(".site-header__languages a")}

    assert links == {"en": address, "fr": other}
    assert client.get(other).status_code == 200


class TestLearners:
    """Who has an account on the site itself."""

    @pytest.fixture(autouse=True)
    def _learner(self):
        get_user_model().objects.create_user("learner", password="learner")

    def log_in(self, client, **more):
        return client.post("/account/login/", {"username": "learner", "password": "learner", **more})

    def test_logs_in_and_out_without_scripts(self, client):
        assert client.get("/account/")["Location"] == "/account/login/?next=/account/"
        assert self.log_in(client)["Location"] == "/account/"
        page = client.get("/account/")
        assert "learner" in page.content.decode()
        assert "no-store" in page["Cache-Control"]
        assert client.post("/account/logout/")["Location"] == "/account/login/"
        assert client.get("/account/").status_code == 302

    def test_comes_back_to_where_she_was_and_nowhere_else(self, client):
        assert self.log_in(client, next="/fr/bread/")["Location"] == "/fr/bread/"
        assert self.log_in(client, next="https://evil.example.com/")["Location"] == "/account/"

    def test_is_told_what_was_wrong(self, client):
        response = self.log_in(client, password="wrong")

        assert response.status_code == 200
        alert = BeautifulSoup(response.content, "html.parser").select_one("[role=alert]")
        assert "correct username and password" in alert.text

    def test_is_in_her_language(self, client):
        with translation.override("fr"):
            word = translation.gettext("Log in")
        assert read(client, "/fr/account/login/").h1.text == word

    def test_logging_out_is_nobody_else_s_doing(self, client):
        self.log_in(client)

        assert client.get("/account/logout/").status_code == 405


def test_crawlers_are_let_in(client):
    response = client.get("/robots.txt")

    assert response["Content-Type"].startswith("text/plain")
    assert "Disallow: /admin/" in response.content.decode()
    assert "Disallow: /\n" not in response.content.decode()
