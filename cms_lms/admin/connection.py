"""The connection doctor: the page of a backend's connection, and its panel in the form.

The server's part answers with a fragment of HTML, or with the page where there is no JavaScript. The part that only a
browser can examine follows there, by a module that the JS backend names; its words come with the fragment.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, NamedTuple

from django import forms
from django.contrib.admin.utils import quote
from django.core.cache import cache
from django.forms import Script
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, render
from django.urls import path, reverse
from django.utils.functional import Promise, cached_property
from django.utils.translation import gettext_lazy as _
from django.views.generic import TemplateView, View
from wagtail.admin.panels import Panel
from wagtail.admin.staticfiles import versioned_static
from wagtail.admin.views.generic.permissions import PermissionCheckedMixin
from wagtail.admin.widgets.button import Button

from cms_lms.admin.backend_pages import BackendPageMixin
from cms_lms.backends.connection import TIME_LIMIT, Finding, Status
from cms_lms.backends.registry import JSConnection, UnknownBackend, get_js_connection
from cms_lms.error_reports import conceal_values
from cms_lms.matching.connection import known_origins, visit_backend
from cms_lms.models import LMSBackend
from cms_lms.patterns.errors import InvalidPattern

#: What must be right before anything is called; other mistakes in a form do not matter here.
CALLED_FIELDS = ("backend", "base_url", "js_backend")

#: How long an examination keeps its user from starting another: longer than it can last, should it never end.
LOCK_SECONDS = int(TIME_LIMIT) + 30

#: The word and the icon of each status.
MARKS = {
    Status.PASSED: {"word": _("Passed"), "icon": "circle-check"},
    Status.WARNING: {"word": _("Warning"), "icon": "warning"},
    Status.FAILED: {"word": _("Failed"), "icon": "circle-xmark"},
    Status.SKIPPED: {"word": _("Not examined"), "icon": "minus"},
}


class UnderWay(Exception):
    """The same user's last examination has not ended."""


class BrowserPart(NamedTuple):
    """What the JS backend's module examines in the editor's browser, and from where learners' browsers will ask."""

    connection: JSConnection
    base_url: str
    course_id: str
    site_origins: Sequence[str]


@dataclass(frozen=True)
class Report:
    """What there is to show: findings, or why there are none."""

    findings: Sequence[Finding] = ()
    browser: BrowserPart | None = None
    problem: str | Promise = ""
    #: By the fields' labels.
    errors: Sequence[tuple[str | Promise, Sequence[str]]] = ()
    http_status: int = 200

    @cached_property
    def counts(self) -> dict[str, int]:
        """Findings by status, and in total."""
        found = Counter(finding.status for finding in self.findings)
        return {"total": len(self.findings), **{status.value: found[status] for status in Status}}

    def rows(self) -> Iterator[dict[str, Any]]:
        """Yield each finding as its template takes it."""
        for finding in self.findings:
            yield {**finding.as_json(), "mark": MARKS[finding.status]}

    @property
    def marks(self) -> dict[str, dict[str, Any]]:
        """The marks by the statuses' names, for what is found in browsers."""
        return {status.value: mark for status, mark in MARKS.items()}


def examine(record: LMSBackend, user: Any) -> Report:
    """Call the record's LMS, unless the user's last examination is still under way."""
    try:
        with _one_at_a_time(user):
            findings = list(visit_backend(record))
    except UnderWay:
        problem = _("Your last examination has not ended yet. Wait a moment, then check again.")
        return Report(problem=problem, http_status=429)
    return Report(findings, _browser_part(record))


@contextmanager
def _one_at_a_time(user: Any) -> Iterator[None]:
    key = f"cms_lms.connection.{user.pk}"
    if not cache.add(key, True, LOCK_SECONDS):
        raise UnderWay
    try:
        yield
    finally:
        cache.delete(key)


def _browser_part(record: LMSBackend) -> BrowserPart | None:
    connection = get_js_connection(record.js_backend)
    if connection is None:
        return None
    return BrowserPart(connection, record.base_url, _sample_course_id(record), known_origins())


def _sample_course_id(record: LMSBackend) -> str:
    try:
        backend = record.get_backend()
        return next(filter(None, map(backend.extract_course_id, record.sample_urls)), "")
    except (UnknownBackend, InvalidPattern):
        return ""


class ConnectionView(BackendPageMixin, TemplateView):
    """A backend's connection, as it is stored: examined when asked to, never on opening the page."""

    http_method_names = ["get", "head", "post"]
    template_name = "cms_lms/admin/connection.html"
    page_title = _("Connection")
    header_icon = "site"
    report: Report | None = None

    def post(self, request: HttpRequest, *args, **kwargs) -> HttpResponse:
        """Examine, and answer with the fragment that a script asks for or else with the page."""
        conceal_values(request)
        self.report = examine(self.object, request.user)
        if request.headers.get("X-Requested-With") == "XMLHttpRequest":
            return render_report(request, self.report)
        return self.render_to_response(self.get_context_data(), status=self.report.http_status)

    def get_context_data(self, **kwargs) -> dict[str, Any]:
        """Add the backend and what was found."""
        return {
            **super().get_context_data(**kwargs),
            "backend": self.object,
            "edit_url": self.get_edit_url(),
            "report": self.report,
            "media": connection_media(),
            "time_limit": int(TIME_LIMIT),
        }


class TypedConnectionView(PermissionCheckedMixin, View):
    """The connection as the form's values would make it; nothing of them is stored. Answers with a fragment."""

    model = LMSBackend
    permission_required = "change"
    http_method_names = ["post"]

    def post(self, request: HttpRequest, pk: int | None = None) -> HttpResponse:
        """Examine if the values that matter are right, else say what is wrong with them."""
        conceal_values(request)
        record = LMSBackend() if pk is None else get_object_or_404(LMSBackend, pk=pk)
        form_class = LMSBackend.snippet_viewset.get_edit_handler().get_form_class()
        form = form_class(request.POST, instance=record, for_user=request.user)
        errors = [(form[name].label, form.errors[name]) for name in CALLED_FIELDS if name in form.errors]
        if errors:
            return render_report(request, Report(errors=errors, http_status=400))
        return render_report(request, examine(form.instance, request.user))


def render_report(request: HttpRequest, report: Report) -> HttpResponse:
    """Answer a script."""
    context = {"report": report}
    return render(request, "cms_lms/admin/connection_report.html", context, status=report.http_status)


def connection_media() -> forms.Media:
    """Return the script, which is a module, and the style."""
    return forms.Media(
        js=[Script(versioned_static("cms_lms/admin/connection.js"), type="module")],
        css={"all": [versioned_static("cms_lms/admin/connection.css")]},
    )


class ConnectionPanel(Panel):
    """Check this connection, with the values being typed."""

    class BoundPanel(Panel.BoundPanel):
        """The panel of one backend."""

        template_name = "cms_lms/admin/panels/connection.html"

        def get_context_data(self, parent_context: dict[str, Any] | None = None) -> dict[str, Any]:
            """Add where the values go."""
            view, args = ("connection_typed", [self.instance.pk]) if self.instance.pk else ("connection_new", [])
            return {
                **super().get_context_data(parent_context),
                "url": reverse(LMSBackend.snippet_viewset.get_url_name(view), args=args),
                "time_limit": int(TIME_LIMIT),
            }

        @property
        def media(self) -> forms.Media:
            """The script, which is a module, and the style."""
            return super().media + connection_media()


def index_buttons(view: Any) -> list[Button]:
    """Return the buttons for the header of the listing: none, since a connection is one backend's."""
    return []


def edit_buttons(view: Any) -> list[Button]:
    """Return the button for the header of the edit form of ``view.object``."""
    address = reverse(LMSBackend.snippet_viewset.get_url_name("connection"), args=[quote(view.object.pk)])
    return [Button(_("Check connection"), url=address, icon_name="circle-check", priority=62)]


def get_urlpatterns(viewset: Any) -> list[Any]:
    """Return the addresses below the view set's."""
    new = viewset.construct_view(TypedConnectionView, permission_required="add")
    return [
        path("connection/<int:pk>/", viewset.construct_view(ConnectionView), name="connection"),
        path("connection/<int:pk>/typed/", viewset.construct_view(TypedConnectionView), name="connection_typed"),
        path("connection/new/", new, name="connection_new"),
    ]
