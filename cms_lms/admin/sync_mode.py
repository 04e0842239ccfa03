"""Changing the synchronisation of one run or of many: a form of its own, beside the edit form."""

from __future__ import annotations

from typing import Any

from django import forms
from django.contrib.admin.utils import quote
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.urls import reverse
from django.utils.text import capfirst
from django.utils.translation import gettext_lazy as _
from django.utils.translation import ngettext
from django.views.generic import FormView
from wagtail.admin import messages
from wagtail.admin.utils import get_valid_next_url_from_request
from wagtail.admin.views.generic.base import WagtailAdminTemplateMixin
from wagtail.admin.views.generic.permissions import PermissionCheckedMixin
from wagtail.snippets.bulk_actions.snippet_bulk_action import SnippetBulkAction

from cms_lms.admin.ids import PossibleIdsMixin
from cms_lms.admin.permissions import may_edit_runs, may_set_sync_mode
from cms_lms.models import CourseRun
from cms_lms.runs.fields import SyncMode
from cms_lms.sync.modes import set_sync_mode


class SyncModeForm(forms.Form):
    """One choice among the modes."""

    sync_mode = forms.ChoiceField(label=_("Synchronisation"), choices=SyncMode.choices, widget=forms.RadioSelect)

    def __init__(self, *args, for_user: Any, **kwargs) -> None:
        super().__init__(*args, **kwargs)
        self.for_user = for_user

    def clean_sync_mode(self) -> str:
        """Refuse a mode that would publish on behalf of somebody who may not."""
        mode = self.cleaned_data["sync_mode"]
        if not may_set_sync_mode(self.for_user, mode):
            raise forms.ValidationError(
                _("Only those who may publish course runs can let the LMS publish them."), code="permission"
            )
        return mode


class SyncModeView(PermissionCheckedMixin, WagtailAdminTemplateMixin, FormView):
    """Asks for the mode of one run, and sets it."""

    model = CourseRun
    permission_required = "change"
    form_class = SyncModeForm
    template_name = "cms_lms/admin/sync_mode.html"
    page_title = _("Change synchronisation")
    header_icon = "rotate"
    index_url_name: str | None = None
    edit_url_name: str | None = None

    def setup(self, request: HttpRequest, *args, **kwargs) -> None:
        """Load the run."""
        super().setup(request, *args, **kwargs)
        self.object = get_object_or_404(CourseRun.objects.select_related("course"), pk=kwargs["pk"])

    def get_page_subtitle(self) -> str:
        """Name the run."""
        return str(self.object)

    def get_breadcrumbs_items(self) -> list[dict[str, Any]]:
        """Lead back to the run and to the list."""
        return [
            *self.breadcrumbs_items,
            {"url": reverse(self.index_url_name), "label": capfirst(CourseRun._meta.verbose_name_plural)},
            {"url": self.get_edit_url(), "label": str(self.object)},
            {"url": "", "label": self.page_title},
        ]

    def get_edit_url(self) -> str:
        """Return the run's edit form."""
        return reverse(self.edit_url_name, args=[quote(self.object.pk)])

    def get_initial(self) -> dict[str, Any]:
        """Start from the mode in force."""
        return {"sync_mode": self.object.sync_mode}

    def get_form_kwargs(self) -> dict[str, Any]:
        """Tell the form who asks."""
        return {**super().get_form_kwargs(), "for_user": self.request.user}

    def form_valid(self, form: SyncModeForm) -> HttpResponse:
        """Set the mode and go back to where the editor came from."""
        mode = form.cleaned_data["sync_mode"]
        if set_sync_mode([self.object], mode, user=self.request.user):
            message = _("The synchronisation of “%(run)s” is now “%(mode)s”.")
        else:
            message = _("The synchronisation of “%(run)s” was “%(mode)s” already.")
        messages.success(self.request, message % {"run": self.object.display_title, "mode": SyncMode(mode).label})
        return redirect(get_valid_next_url_from_request(self.request) or self.get_edit_url())

    def get_context_data(self, **kwargs) -> dict[str, Any]:
        """Add where to go back to."""
        next_url = get_valid_next_url_from_request(self.request)
        return {
            **super().get_context_data(**kwargs),
            "next_url": next_url,
            "cancel_url": next_url or self.get_edit_url(),
            "run": self.object,
        }


class SyncModeBulkAction(PossibleIdsMixin, SnippetBulkAction):
    """Sets the mode of the selected runs."""

    # Wagtail cuts longer names off; the accessible name begins with the visible one.
    display_name = _("Synchronisation")
    aria_label = _("Synchronisation of the selected course runs")
    action_type = "sync_mode"
    models = [CourseRun]
    template_name = "cms_lms/admin/sync_mode_bulk.html"
    action_priority = 20
    form_class = SyncModeForm

    def dispatch(self, request: HttpRequest, *args, **kwargs) -> HttpResponse:
        """Refuse those who may not edit any run."""
        if not may_edit_runs(request.user):
            raise PermissionDenied
        return super().dispatch(request, *args, **kwargs)

    def check_perm(self, run: CourseRun) -> bool:
        """Whoever may change a run may change its mode; the form checks the mode itself."""
        return may_edit_runs(self.request.user)

    def get_form_kwargs(self) -> dict[str, Any]:
        """Tell the form who asks."""
        return {**super().get_form_kwargs(), "for_user": self.request.user}

    def get_execution_context(self) -> dict[str, Any]:
        """Hand over the chosen mode and who chose it."""
        return {
            **super().get_execution_context(),
            "mode": self.cleaned_form.cleaned_data["sync_mode"],
            "user": self.request.user,
        }

    @classmethod
    def execute_action(cls, objects, mode: str = "", user: Any = None, **kwargs) -> tuple[int, int]:
        """Set the mode; runs that had it already do not count."""
        return set_sync_mode(objects, mode, user=user), 0

    def get_success_message(self, num_parent_objects: int, num_child_objects: int) -> str:
        """Say how many runs changed."""
        return ngettext(
            "The synchronisation of %(count)d course run was changed.",
            "The synchronisation of %(count)d course runs was changed.",
            num_parent_objects,
        ) % {"count": num_parent_objects}
