"""The URL tester: in a backend's form for the values being typed, and as a page for the whole list."""

from __future__ import annotations

import json
from typing import Any

from django.core.exceptions import PermissionDenied, RequestDataTooBig
from django.forms import Media, Script
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.template.loader import render_to_string
from django.urls import path, reverse, reverse_lazy
from django.utils.text import capfirst
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _
from django.views.generic import TemplateView, View
from wagtail.admin.menu import MenuItem
from wagtail.admin.panels import Panel
from wagtail.admin.staticfiles import versioned_static
from wagtail.admin.views.generic.base import WagtailAdminTemplateMixin
from wagtail.admin.widgets.button import Button

from cms_lms.admin.fields import LinesField
from cms_lms.admin.permissions import may_test_urls, may_write_backends
from cms_lms.admin.url_test_report import Report
from cms_lms.matching.handler import LMSHandler
from cms_lms.matching.url_test import (
    MAX_URLS,
    DerivedPattern,
    TypedBackend,
    derived_pattern,
    run_tests,
    typed_configuration,
)
from cms_lms.models import LMSBackend

#: What the form of a backend sends of itself.
TYPED_FIELDS = ("name", "backend", "base_url", "course_regex", "js_backend", "js_course_regex")


class UnreadableRequest(ValueError):
    """The request is not what the form sends; the message says what is wrong with it."""


def read_urls(text: str) -> tuple[list[str], int]:
    """Return the URLs of a text with one a line, as many as are tested at once, and how many there are."""
    urls = LinesField().to_python(text)
    return urls[:MAX_URLS], len(urls)


class URLTesterView(WagtailAdminTemplateMixin, TemplateView):
    """The page: tests URLs by the whole list in force. Without JavaScript it is a plain form."""

    template_name = "cms_lms/admin/url_tester.html"
    page_title = _("Test URLs")
    header_icon = "regex"
    index_url_name: str | None = None
    answer_url_name: str | None = None

    def dispatch(self, request: HttpRequest, *args, **kwargs) -> HttpResponse:
        """Refuse those who have nothing to do with what owns a URL."""
        if not may_test_urls(request.user):
            raise PermissionDenied
        return super().dispatch(request, *args, **kwargs)

    def post(self, request: HttpRequest, *args, **kwargs) -> HttpResponse:
        """Answer the form with the page and the results on it."""
        text = request.POST.get("urls", "")
        urls, total = read_urls(text)
        report = Report(run_tests(urls, LMSHandler.configuration()), total, request.user)
        return self.render_to_response(
            self.get_context_data(urls=text, summary=report.summary, rows=report.get_rows(), is_answer=True)
        )

    def get_breadcrumbs_items(self) -> list[dict[str, Any]]:
        """Lead back to the list, for those who may see it."""
        items = [*self.breadcrumbs_items]
        if may_write_backends(self.request.user):
            items.append({"url": reverse(self.index_url_name), "label": capfirst(LMSBackend._meta.verbose_name_plural)})
        return [*items, {"url": "", "label": self.page_title}]

    def get_context_data(self, **kwargs) -> dict[str, Any]:
        """Add what the script needs."""
        return super().get_context_data(
            **{"answer_url": reverse(self.answer_url_name), "max_urls": MAX_URLS, "media": tester_media(), **kwargs}
        )


class URLTesterAnswerView(View):
    """Answers the script: JSON in, a sentence and fragments of HTML out.

    ``urls`` is a text with one URL a line. ``backend``, if it is there, holds the values that are being typed in a
    backend's form, and ``pk``, that of the record or null.
    """

    http_method_names = ["post"]

    def dispatch(self, request: HttpRequest, *args, **kwargs) -> HttpResponse:
        """Refuse as the page does."""
        if not may_test_urls(request.user):
            raise PermissionDenied
        return super().dispatch(request, *args, **kwargs)

    def post(self, request: HttpRequest, *args, **kwargs) -> JsonResponse:
        """Test the URLs; whatever is wrong with the request is said in the sentence."""
        try:
            data = read_json(request)
            urls, total = read_urls(_text(data, "urls"))
            values = self.get_values(data)
            typed = self.get_typed(data, values) if values is not None else None
        except RequestDataTooBig:
            message = gettext("This is too much text to be tested at once. Paste fewer URLs.")
            return JsonResponse({"summary": message}, status=413)
        except UnreadableRequest as error:
            return JsonResponse({"summary": str(error)}, status=400)
        configuration = typed.configuration if typed else LMSHandler.configuration()
        candidate = typed.backend if typed else None
        report = Report(run_tests(urls, configuration, candidate), total, request.user, candidate)
        answer = {"summary": report.summary, "results": _render("results", {"rows": report.get_rows()})}
        if typed and values is not None:
            is_disabled = data["backend"].get("is_enabled") is False
            derived = derived_pattern(values["backend"], values["course_regex"])
            answer["candidate"] = _render(
                "candidate", {"typed": typed, "values": values, "is_disabled": is_disabled, "has_urls": bool(urls)}
            )
            saved = typed.backend.config.js_course_regex if typed.backend else ""
            answer["derived"] = render_derived(derived, values["js_course_regex"], saved)
        return JsonResponse(answer)

    def get_values(self, data: dict[str, Any]) -> dict[str, str] | None:
        """Return the values being typed, trimmed as the form's fields do; None where none are sent.

        Raises ``UnreadableRequest``, and ``PermissionDenied`` for those who may not write backends.
        """
        values = data.get("backend")
        if values is None:
            return None
        if not may_write_backends(self.request.user):
            raise PermissionDenied
        if not isinstance(values, dict):
            raise UnreadableRequest(gettext("The request could not be read. Reload the page and try again."))
        return {name: _text(values, name).strip() for name in TYPED_FIELDS}

    def get_typed(self, data: dict[str, Any], values: dict[str, str]) -> TypedBackend:
        """Return the configuration with the values being typed. Raises ``UnreadableRequest``."""
        record = LMSBackend()
        if (pk := data.get("pk")) is not None:
            found = LMSBackend.objects.filter(pk=pk).first() if type(pk) is int else None
            if found is None:
                raise UnreadableRequest(gettext("This LMS backend does not exist any more."))
            record = found
        for name, value in values.items():
            setattr(record, name, value)
        return typed_configuration(record)


def read_json(request: HttpRequest) -> dict[str, Any]:
    """Return the object that the body holds.

    Raises ``UnreadableRequest`` for anything else, ``RequestDataTooBig`` for more than the site takes.
    """
    try:
        data = json.loads(request.body)
    except (ValueError, RecursionError):
        data = None
    if not isinstance(data, dict):
        raise UnreadableRequest(gettext("The request could not be read. Reload the page and try again."))
    return data


def _text(data: dict[str, Any], name: str) -> str:
    """Return a text of a JSON object, well formed as a form's would be: half a character becomes U+FFFD."""
    value = data.get(name, "")
    if not isinstance(value, str):
        raise UnreadableRequest(gettext("The request could not be read. Reload the page and try again."))
    return value.encode("utf-16", "surrogatepass").decode("utf-16", "replace")


def _render(name: str, context: dict[str, Any]) -> str:
    return render_to_string(f"cms_lms/admin/url_tester_{name}.html", context)


def render_derived(derived: DerivedPattern, in_field: str, saved: str) -> str:
    """Return what is shown beside the field of the JavaScript pattern.

    ``in_field`` is the field's value, ``saved`` what would be stored for it: a blank one is derived at saving, and one
    that was derived before follows the Python pattern.
    """
    return _render(
        "derived",
        {"derived": derived, "is_in_field": derived.pattern == in_field, "is_saved": derived.pattern == saved},
    )


def tester_media() -> Media:
    """Return the tester's script and style."""
    return Media(
        css={"all": [versioned_static("cms_lms/admin/admin.css"), versioned_static("cms_lms/admin/url-tester.css")]},
        js=[Script(versioned_static("cms_lms/admin/url-tester.js"), type="module")],
    )


class URLTesterPanel(Panel):
    """The tester inside the form."""

    class BoundPanel(Panel.BoundPanel):
        """The panel of one backend."""

        template_name = "cms_lms/admin/panels/url_tester.html"

        def is_shown(self) -> bool:
            """Wherever somebody can try."""
            return self.request is not None and may_write_backends(self.request.user)

        def get_context_data(self, parent_context: dict[str, Any] | None = None) -> dict[str, Any]:
            """Add the addresses."""
            viewset = LMSBackend.snippet_viewset
            return {
                **super().get_context_data(parent_context),
                "page_url": reverse(viewset.get_url_name("test_urls")),
                "answer_url": reverse(viewset.get_url_name("test_urls_answer")),
                "backend_pk": self.instance.pk,
                "max_urls": MAX_URLS,
            }

        @property
        def media(self) -> Media:
            """Add the tester's."""
            return super().media + tester_media()


class DerivedPatternPanel(Panel):
    """The JavaScript pattern that follows from the Python one, beside the field that may hold another."""

    class BoundPanel(Panel.BoundPanel):
        """The panel of one backend."""

        template_name = "cms_lms/admin/panels/derived_pattern.html"

        def get_context_data(self, parent_context: dict[str, Any] | None = None) -> dict[str, Any]:
            """Add the pattern for the stored values; the tester's script keeps it up."""
            derived = derived_pattern(self.instance.backend, self.instance.course_regex)
            in_field = self.instance.js_course_regex
            return {
                **super().get_context_data(parent_context),
                "derived": render_derived(derived, in_field, in_field or derived.pattern),
            }


class URLTesterMenuItem(MenuItem):
    """The page in the menu, for those who may open it."""

    def __init__(self, order: int) -> None:
        url = reverse_lazy(LMSBackend.snippet_viewset.get_url_name("test_urls"))
        super().__init__(_("Test URLs"), url, name="lms-test-urls", icon_name="regex", order=order)

    def is_shown(self, request: HttpRequest) -> bool:
        """As the page decides."""
        return may_test_urls(request.user)


def index_buttons(view: Any) -> list[Button]:
    """Return the button for the header of the listing."""
    url = reverse(LMSBackend.snippet_viewset.get_url_name("test_urls"))
    return [Button(_("Test URLs"), url=url, icon_name="regex", priority=60)]


def edit_buttons(view: Any) -> list[Button]:
    """Return nothing: the form has a panel."""
    return []


def get_urlpatterns(viewset: Any) -> list[Any]:
    """Return the page's address and the script's."""
    page = viewset.construct_view(
        URLTesterView,
        header_icon=URLTesterView.header_icon,
        index_url_name=viewset.get_url_name("list"),
        answer_url_name=viewset.get_url_name("test_urls_answer"),
    )
    return [
        path("test-urls/", page, name="test_urls"),
        path("test-urls/answer/", viewset.construct_view(URLTesterAnswerView), name="test_urls_answer"),
    ]
