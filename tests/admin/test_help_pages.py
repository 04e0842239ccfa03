"""The documentation inside the admin, and the way to it from every field."""

from __future__ import annotations

import re

import pytest
from django.urls import reverse

from cms_lms.admin.backend_form import EXPLANATIONS
from cms_lms.admin.documentation import anchor_of, find_pages
from cms_lms.models import LMSBackend
from tests.admin.browsing import soup, url
from tests.admin.conftest import make_client
from tests.factories import make_backend

pytestmark = pytest.mark.django_db

INDEX = url(LMSBackend, "help")
PAGES = list(find_pages())


def page_url(page):
    return url(LMSBackend, "help_page", page)


def test_the_pages_that_everybody_needs_come_first():
    assert PAGES[:3] == ["backends", "patterns", "openedx"]
    assert {"openedx-fonzie", "moodle", "canvas", "joanie", "custom-lms", "secrets", "web-hook"} <= set(PAGES)


def test_the_index_lists_every_page(editor):
    page = soup(editor.get(INDEX))
    links = [link["href"] for link in page.select(".cms-lms-help-index a")]
    assert links == [page_url(name) for name in PAGES]
    assert all(text.get_text(strip=True) for text in page.select(".cms-lms-help-index dd"))


@pytest.mark.parametrize("name", PAGES)
def test_page(editor, name):
    response = editor.get(page_url(name))
    assert response.status_code == 200
    page = soup(response)
    text = page.select_one(".cms-lms-help")
    assert text["lang"] == "en"
    assert page.select_one("h1")
    headings = [heading.name for heading in text.select("h1, h2, h3, h4, h5")]
    assert headings[0] == "h2"
    assert set(headings) <= {"h2", "h3"}
    assert not text.select("img, th:empty")
    assert not re.search(r"!\[|\]\(", re.sub(r"<(pre|code).*?</\1>", "", str(text), flags=re.S))
    ids = [element["id"] for element in page.select("[id]")]
    assert len(ids) == len(set(ids))


def test_links_lead_to_headings_that_are_there(editor):
    pages = {page_url(name): soup(editor.get(page_url(name))) for name in PAGES}
    for own, page in pages.items():
        links = [link["href"] for link in page.select(".cms-lms-help a, .cms-lms-help-contents a")]
        for address, _hash, anchor in (link.partition("#") for link in links if "://" not in link):
            target = pages[address or own]
            assert not anchor or target.find(id=anchor), (own, address, anchor)


def test_markdown_is_not_html(editor, tmp_path, monkeypatch):
    (tmp_path / "page.md").write_text(
        "# <b>Title</b>\n\n<script>1</script> [out](../secret.txt) [bad](javascript:alert(1)) [in](page.md#twice-1)"
        "\n\n## Twice\n\n## Twice\n\n| | |\n| --- | --- |\n| a | b |\n\n![picture](x.png)",
        encoding="utf-8",
    )
    monkeypatch.setattr("cms_lms.admin.documentation.docs_folder", lambda: tmp_path)
    text = soup(editor.get(page_url("page"))).select_one(".cms-lms-help")
    assert not text.select("script, b, img, thead")
    assert [link["href"] for link in text.select("a")] == [f"{page_url('page')}#twice-1"]
    assert [heading["id"] for heading in text.select("h2")] == ["twice", "twice-1"]
    assert "out" in text.get_text()


def test_a_page_that_is_not_there(editor):
    assert editor.get(page_url("nothing")).status_code == 404


@pytest.mark.parametrize("name", ["..", "../README", "%2e%2e%2fREADME", "/etc/passwd", "screenshots/impact.png"])
def test_nothing_else_is_given_out(editor, name):
    response = editor.get(f"{INDEX}{name}/")
    assert response.status_code in (302, 404)
    assert b"cms-lms-help" not in response.content


def test_no_admin_without_a_right_reads_it(db):
    bare = make_client()
    for address in (INDEX, page_url("openedx")):
        assert bare.get(address).url == reverse("wagtailadmin_home")


def test_the_way_there(administrator):
    backend = make_backend()
    for address in (url(LMSBackend, "list"), url(LMSBackend, "edit", backend.pk)):
        assert soup(administrator.get(address)).select_one(f'a[href="{page_url("backends")}"]')
    assert f'"{INDEX}"' in administrator.get(reverse("wagtailadmin_home")).content.decode()


def test_every_field_says_what_it_does_and_leads_to_the_page_that_explains_it(administrator):
    response = administrator.get(url(LMSBackend, "add"))
    fields = response.context["form"].fields
    assert set(fields) == set(EXPLANATIONS)
    page = soup(response)
    for name in fields:
        helps = page.select(f"#panel-child-{name}-helptext, [id$='-{name}-helptext']")
        assert len(helps) == 1, name
        text = helps[0].get_text(" ", strip=True)
        assert re.search(r"for example|For example", text), (name, text)
        (link,) = helps[0].select("a")
        assert link["target"] == "_blank"
        assert link.get_text(" ", strip=True).endswith("(opens in a new tab)")
        assert not re.match(r"(?i)(here|click|more)\b", link.get_text(strip=True))
        address, _hash, anchor = link["href"].partition("#")
        target = administrator.get(address)
        assert target.status_code == 200
        assert soup(target).select_one(f".cms-lms-help [id='{anchor}']"), link


@pytest.mark.parametrize("view", ["connection", "import_file", "credentials", "sync_secrets", "test_urls"])
def test_every_tool_leads_to_what_explains_it(administrator, view):
    args = [] if view in ("import_file", "test_urls") else [make_backend().pk]
    page = soup(administrator.get(url(LMSBackend, view, *args)))
    (link,) = page.select(f'main a[href^="{INDEX}"]')
    address, _hash, anchor = link["href"].partition("#")
    assert soup(administrator.get(address)).select_one(f".cms-lms-help [id='{anchor}']")


@pytest.mark.parametrize(
    ("text", "anchor"),
    [("How matching works", "how-matching-works"), ("`a_b`, and c!", "a_b-and-c"), ("Été – 2", "été--2")],
)
def test_anchors_are_github_s(text, anchor):
    assert anchor_of(text) == anchor
