"""Saving and switching backends, each with a look at its impact before it is done."""

from __future__ import annotations

from typing import Any

from django.core.exceptions import ValidationError
from django.db import transaction
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.urls import path, reverse
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _
from django.views.generic import TemplateView
from wagtail.admin import messages
from wagtail.admin.utils import get_valid_next_url_from_request
from wagtail.admin.widgets.button import Button
from wagtail.log_actions import log

from cms_lms.admin.backend_order import ReorderImpactView, ReorderUndoView
from cms_lms.admin.backend_pages import BackendPageMixin
from cms_lms.admin.impact import ImpactReview, values_of
from cms_lms.admin.log_actions import DISABLE, ENABLE
from cms_lms.matching.changed_configuration import configuration_with, hold_configuration
from cms_lms.matching.handler import LMSHandler, LoadedConfiguration
from cms_lms.models import LMSBackend


class ReviewedFormMixin:
    """For views that save a backend from a form: what moves runs comes back unsaved, as typed, to be confirmed."""

    def form_valid(self, form) -> HttpResponse:
        """Save what moves nothing or has been confirmed; show what the rest would do."""
        self.form = form
        with transaction.atomic():
            before = hold_configuration()
            self._catch_up(form.instance)
            try:
                # Somebody may have taken the slug since the form was read; the same person, by pressing twice.
                form.instance.validate_unique()
            except ValidationError as error:
                form.add_error(None, error)
                self.produced_error_message = self.get_error_message()
                return self.form_invalid(form)
            review = ImpactReview(
                self.request, before, configuration_with(before, form.instance), values_of(form.instance)
            )
            if review.is_settled:
                return super().form_valid(form)  # type: ignore[misc]
        if self.expects_json_response:
            return self.json_error_response("impact", " ".join(review.impact.as_sentences()))
        form.impact_review = review
        return self.render_to_response(self.get_context_data())

    def _catch_up(self, record: LMSBackend) -> None:
        """Take over what others did to the record since the form was read, and what it does not edit."""
        if record.pk is None:
            return
        stored = LMSBackend.objects.filter(pk=record.pk).values_list("sort_order", flat=True)
        if not stored:
            raise Http404
        record.sort_order = stored[0]


class BackendSwitchView(BackendPageMixin, TemplateView):
    """Enables or disables a backend: at once where that moves no run, else on a second click."""

    template_name = "cms_lms/admin/impact_switch.html"
    header_icon = "site"
    is_enabled: bool = False

    def get_page_title(self) -> str:
        """Say what is done."""
        return gettext("Enable") if self.is_enabled else gettext("Disable")

    def get(self, request: HttpRequest, *args, **kwargs) -> HttpResponse:
        """Show what the switch would do."""
        return self.render_to_response(self.get_context_data(review=self._review(LMSHandler.configuration())))

    def post(self, request: HttpRequest, *args, **kwargs) -> HttpResponse:
        """Do it, or show what it would do."""
        with transaction.atomic():
            review = self._review(hold_configuration())
            if not review.is_settled:
                return self.render_to_response(self.get_context_data(review=review))
            self._switch()
        message = gettext("“%(name)s” is enabled.") if self.is_enabled else gettext("“%(name)s” is disabled.")
        messages.success(request, message % {"name": self.object.name})
        if self.is_enabled:
            self._warn_of_mistakes()
        return redirect(get_valid_next_url_from_request(request) or self.get_edit_url())

    def _warn_of_mistakes(self) -> None:
        """Say what its form would refuse, as settings and rules change: matching may leave it out."""
        try:
            self.object.clean()
        except ValidationError as error:
            text = gettext("Correct it in its form, it may own no URL until then: %(reasons)s")
            messages.warning(self.request, text % {"reasons": " ".join(error.messages)})

    def _review(self, before: LoadedConfiguration) -> ImpactReview:
        self.object = get_object_or_404(LMSBackend, pk=self.object.pk)
        self._was_enabled, self.object.is_enabled = self.object.is_enabled, self.is_enabled
        change = {"switch": self.object.pk, "is_enabled": self.is_enabled}
        return ImpactReview(self.request, before, configuration_with(before, self.object), change)

    def _switch(self) -> None:
        """Store the switch with a revision, so that the history can compare and revert it."""
        if self._was_enabled == self.is_enabled:
            return
        self.object.save()
        revision = self.object.save_revision(user=self.request.user, clean=False)
        action = ENABLE if self.is_enabled else DISABLE
        log(self.object, action, user=self.request.user, revision=revision, content_changed=True)

    def get_context_data(self, **kwargs) -> dict[str, Any]:
        """Add where to go back to."""
        next_url = get_valid_next_url_from_request(self.request)
        return {
            **super().get_context_data(**kwargs),
            "object": self.object,
            "is_enabled": self.is_enabled,
            "next_url": next_url,
            "cancel_url": next_url or self.get_edit_url(),
        }


def index_buttons(view: Any) -> list[Button]:
    """Return the buttons for the header of the listing."""
    return []


def edit_buttons(view: Any) -> list[Button]:
    """Return the button that enables or disables ``view.object``; it posts, for what moves no run is done at once."""
    is_enabled = LMSBackend.objects.filter(pk=view.object.pk, is_enabled=True).exists()
    label, url_name, icon = (_("Disable"), "disable", "cross") if is_enabled else (_("Enable"), "enable", "check")
    attrs = {
        "data-controller": "w-action",
        "data-action": "w-action#post",
        "data-w-action-url-value": reverse(LMSBackend.snippet_viewset.get_url_name(url_name), args=[view.object.pk]),
    }
    return [Button(label, icon_name=icon, attrs=attrs, priority=15)]


def get_urlpatterns(viewset: Any) -> list[Any]:
    """Return the addresses below the view set's."""
    enable = viewset.construct_view(BackendSwitchView, is_enabled=True)
    disable = viewset.construct_view(BackendSwitchView, is_enabled=False)
    return [
        path("enable/<int:pk>/", enable, name="enable"),
        path("disable/<int:pk>/", disable, name="disable"),
        path("reorder/impact/", viewset.construct_view(ReorderImpactView), name="reorder_impact"),
        path("reorder/undo/", viewset.construct_view(ReorderUndoView), name="reorder_undo"),
    ]
