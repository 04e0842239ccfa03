"""Course regexes to start from, offered in a backend's form for the class that is chosen."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from django.core.exceptions import PermissionDenied
from django.forms import Media, Script
from django.http import HttpRequest, HttpResponse
from django.template.loader import render_to_string
from django.urls import path, reverse
from django.utils.functional import Promise
from django.views.generic import View
from wagtail.admin.panels import Panel
from wagtail.admin.staticfiles import versioned_static
from wagtail.admin.widgets.button import Button

from cms_lms.admin.permissions import may_write_backends
from cms_lms.backends.registry import UnknownBackend, get_backend_class
from cms_lms.models import LMSBackend
from cms_lms.patterns.presets import PatternPreset
from cms_lms.patterns.urls import InvalidURL


@dataclass(frozen=True)
class Offer:
    """The presets for a class and a base URL; without any, what is missing: the class, a valid base URL or presets."""

    class_label: str | Promise = ""
    presets: tuple[PatternPreset, ...] = ()
    base_url_problem: str | Promise = ""
    has_base_url: bool = False


def make_offer(backend_class: str, base_url: str) -> Offer:
    """Return what is offered for values as they are typed."""
    try:
        chosen = get_backend_class(backend_class)
    except UnknownBackend:
        return Offer()
    if not base_url:
        return Offer(chosen.label)
    try:
        return Offer(chosen.label, tuple(chosen.pattern_presets(base_url)), has_base_url=True)
    except InvalidURL as error:
        return Offer(chosen.label, base_url_problem=error.message, has_base_url=True)


def render_offer(offer: Offer) -> str:
    """Return the list of presets, or what is missing for one."""
    return render_to_string("cms_lms/admin/pattern_presets.html", {"offer": offer})


class PatternPresetsView(View):
    """Answers the script with the list for a class (``backend``) and a base URL (``base_url``)."""

    http_method_names = ["get"]

    def dispatch(self, request: HttpRequest, *args, **kwargs) -> HttpResponse:
        """Refuse those who fill in no form of backends."""
        if not may_write_backends(request.user):
            raise PermissionDenied
        return super().dispatch(request, *args, **kwargs)

    def get(self, request: HttpRequest, *args, **kwargs) -> HttpResponse:
        """Return a fragment of HTML."""
        backend_class, base_url = (request.GET.get(name, "").strip() for name in ("backend", "base_url"))
        return HttpResponse(render_offer(make_offer(backend_class, base_url)))


class PresetsPanel(Panel):
    """The presets of the chosen class."""

    class BoundPanel(Panel.BoundPanel):
        """The panel of one backend."""

        template_name = "cms_lms/admin/panels/pattern_presets.html"

        def is_shown(self) -> bool:
            """Wherever somebody can choose."""
            return self.request is not None and may_write_backends(self.request.user)

        def get_context_data(self, parent_context: dict[str, Any] | None = None) -> dict[str, Any]:
            """Add the list for the values that the form shows at first; the script keeps it up."""
            backend_class, base_url = (str(self.form[name].value() or "") for name in ("backend", "base_url"))
            if not self.form.is_bound:
                # Of a select without a blank choice, browsers choose the first.
                backend_class = backend_class or next(
                    (name for name, _label in self.form.fields["backend"].choices), ""
                )
            return {
                **super().get_context_data(parent_context),
                "presets_url": reverse(LMSBackend.snippet_viewset.get_url_name("pattern_presets")),
                "offer": render_offer(make_offer(backend_class, base_url.strip())),
            }

        @property
        def media(self) -> Media:
            """Add the script and the style."""
            return super().media + Media(
                css={"all": [versioned_static("cms_lms/admin/pattern-presets.css")]},
                js=[Script(versioned_static("cms_lms/admin/pattern-presets.js"), type="module")],
            )


def index_buttons(view: Any) -> list[Button]:
    """Return nothing: presets belong to a form."""
    return []


def edit_buttons(view: Any) -> list[Button]:
    """Return nothing: the form has a panel."""
    return []


def get_urlpatterns(viewset: Any) -> list[Any]:
    """Return the script's address."""
    return [path("pattern-presets/", viewset.construct_view(PatternPresetsView), name="pattern_presets")]
