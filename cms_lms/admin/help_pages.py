"""The documentation, to be read inside the admin by all who have to do with LMSs or course runs."""

from __future__ import annotations

from typing import Any

from django.core.exceptions import PermissionDenied
from django.forms import Media
from django.http import Http404, HttpRequest, HttpResponse
from django.urls import path, reverse, reverse_lazy
from django.utils.functional import Promise
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _
from django.views.generic import TemplateView
from wagtail.admin.menu import MenuItem
from wagtail.admin.staticfiles import versioned_static
from wagtail.admin.views.generic.base import WagtailAdminTemplateMixin
from wagtail.admin.widgets.button import Button

from cms_lms.admin.documentation import find_pages, read_page
from cms_lms.admin.permissions import may_read_help
from cms_lms.models import LMSBackend

#: The page of the backends' form.
FORM_PAGE = "backends"


def help_url(page: str, anchor: str = "") -> str:
    """Return the address of a page, or of a heading on it."""
    address = reverse(LMSBackend.snippet_viewset.get_url_name("help_page"), args=[page])
    return f"{address}#{anchor}" if anchor else address


def help_link(page: str, anchor: str, text: str | Promise) -> SafeString:
    """Return a link to a heading, for a form: it opens beside what is being typed."""
    return format_html(
        '<a href="{}" target="_blank" rel="noreferrer">{} <span class="w-sr-only">{}</span></a>',
        help_url(page, anchor),
        text,
        gettext("(opens in a new tab)"),
    )


class HelpView(WagtailAdminTemplateMixin, TemplateView):
    """What the pages have in common. They are written in English, whatever language the reader has."""

    header_icon = "help"
    index_url_name: str | None = None

    def dispatch(self, request: HttpRequest, *args, **kwargs) -> HttpResponse:
        """Refuse those who see nothing else of the app either."""
        if not may_read_help(request.user):
            raise PermissionDenied
        return super().dispatch(request, *args, **kwargs)

    def get_context_data(self, **kwargs) -> dict[str, Any]:
        """Add the style."""
        media = Media(
            css={"all": [versioned_static("cms_lms/admin/admin.css"), versioned_static("cms_lms/admin/help.css")]}
        )
        return super().get_context_data(media=media, **kwargs)


class HelpIndexView(HelpView):
    """All pages."""

    template_name = "cms_lms/admin/help.html"
    page_title = _("LMS documentation")

    def get_context_data(self, **kwargs) -> dict[str, Any]:
        """Add the pages."""
        pages = [(help_url(name), read_page(name, help_url)) for name in find_pages()]
        return super().get_context_data(pages=pages, **kwargs)


class HelpPageView(HelpView):
    """One page."""

    template_name = "cms_lms/admin/help_page.html"

    def setup(self, request: HttpRequest, *args, **kwargs) -> None:
        """Read the page."""
        super().setup(request, *args, **kwargs)
        try:
            self.page = read_page(kwargs["page"], help_url)
        except KeyError:
            raise Http404 from None

    def get_page_title(self) -> str:
        """Return the page's own."""
        return self.page.title

    def get_breadcrumbs_items(self) -> list[dict[str, Any]]:
        """Lead back to the list of pages."""
        return [
            *self.breadcrumbs_items,
            {"url": reverse(self.index_url_name), "label": HelpIndexView.page_title},
            {"url": "", "label": self.get_page_title()},
        ]

    def get_context_data(self, **kwargs) -> dict[str, Any]:
        """Add the text, and the headings that are listed above it."""
        headings = [heading for heading in self.page.headings if heading.level == 2]
        return super().get_context_data(text=self.page.html, headings=headings, **kwargs)


class HelpMenuItem(MenuItem):
    """The pages in the menu, for those who may open them."""

    def __init__(self, order: int) -> None:
        url = reverse_lazy(LMSBackend.snippet_viewset.get_url_name("help"))
        super().__init__(_("Documentation"), url, name="lms-help", icon_name="help", order=order)

    def is_shown(self, request: HttpRequest) -> bool:
        """As the pages decide."""
        return may_read_help(request.user)


def index_buttons(view: Any) -> list[Button]:
    """Return the button for the header of the listing."""
    return [Button(_("Documentation"), url=help_url(FORM_PAGE), icon_name="help", priority=90)]


def edit_buttons(view: Any) -> list[Button]:
    """Return the button for the header of the edit form of ``view.object``."""
    return [Button(_("Documentation"), url=help_url(FORM_PAGE), icon_name="help", priority=90)]


def get_urlpatterns(viewset: Any) -> list[Any]:
    """Return the addresses of the pages and of their list."""
    index_url_name = viewset.get_url_name("help")
    options = {"header_icon": HelpView.header_icon, "index_url_name": index_url_name}
    return [
        path("help/", viewset.construct_view(HelpIndexView, **options), name="help"),
        path("help/<slug:page>/", viewset.construct_view(HelpPageView, **options), name="help_page"),
    ]
