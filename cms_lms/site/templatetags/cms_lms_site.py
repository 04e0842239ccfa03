"""The languages of the site's pages, for its header and for search engines."""

from __future__ import annotations

from typing import Any, NamedTuple

from django import template
from django.conf import settings
from django.http import HttpRequest
from django.urls import translate_url
from django.utils.translation import get_language, get_language_info
from wagtail.models import Page, Site

register = template.Library()


class LanguageLink(NamedTuple):
    """A page in one language. ``full_url`` is blank where no such page is for search engines."""

    code: str
    name: str
    url: str
    full_url: str
    is_current: bool


@register.simple_tag(takes_context=True)
def language_links(context: template.Context) -> list[LanguageLink]:
    """Return where the reader finds this page in the site's languages, else the site's front page. One query."""
    request, page = context.get("request"), context.get("page")
    if not isinstance(request, HttpRequest) or getattr(request, "is_preview", False):
        return []
    site = Site.find_for_request(request)
    if site is None or site.root_page is None:
        return []
    here, fronts = _translations(page if isinstance(page, Page) else None, site.root_page)
    # A page that is no page of Wagtail's has its languages by its address, unless there is no such page at all.
    by_address = not isinstance(page, Page) and "exception" not in context
    links = []
    for code, _name in settings.LANGUAGES:
        if code not in fronts:
            continue
        found = here.get(code)
        url = translate_url(request.get_full_path(), code) if by_address else (found or fronts[code]).get_url(request)
        full_url = found.get_full_url(request) if found else None
        name = get_language_info(code)["name_local"].capitalize()
        links.append(LanguageLink(code, name, url or "", full_url or "", code == get_language()))
    return links


def _translations(*pages: Page | None) -> list[dict[str, Page]]:
    """Return the live translations of each page, itself among them, by language."""
    keys = [page.translation_key if page else None for page in pages]
    found: dict[Any, dict[str, Page]] = {key: {} for key in keys}
    for page in Page.objects.filter(translation_key__in=filter(None, keys)).live().select_related("locale"):
        found[page.translation_key][page.locale.language_code] = page
    return [found[key] for key in keys]


@register.simple_tag(takes_context=True)
def canonical_url(context: template.Context) -> str:
    """Return the one address of a page, blank for what has none."""
    request, page = context.get("request"), context.get("page")
    if not isinstance(page, Page) or not isinstance(request, HttpRequest):
        return ""
    return page.get_full_url(request) or ""
