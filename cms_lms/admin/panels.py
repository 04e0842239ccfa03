"""Panels of the edit forms that show facts; none of them has a form field or calls an LMS."""

from __future__ import annotations

from typing import Any

from django.urls import reverse
from django.utils.text import capfirst
from django.utils.translation import gettext_lazy as _
from wagtail.admin.panels import Panel

from cms_lms.admin.permissions import may_edit_runs
from cms_lms.matching.handler import LMSHandler
from cms_lms.models import CourseRun
from cms_lms.runs.fields import SyncMode

MODE_EXPLANATIONS = {
    SyncMode.MANUAL: _("The LMS changes nothing but the enrollment count."),
    SyncMode.TO_DRAFT: _("What the LMS sends becomes a draft, which staff publish."),
    SyncMode.TO_PUBLIC: _("What the LMS sends is public at once. Drafts keep it when they are published."),
}


class PatternWarningsPanel(Panel):
    """What is valid in a backend's pattern but probably not meant."""

    class BoundPanel(Panel.BoundPanel):
        """The panel of one backend."""

        template_name = "cms_lms/admin/panels/pattern_warnings.html"

        def is_shown(self) -> bool:
            """Only where there is something to say."""
            return bool(self.instance.pk and self.instance.get_warnings())

        def get_context_data(self, parent_context: dict[str, Any] | None = None) -> dict[str, Any]:
            """Add the warnings."""
            return {**super().get_context_data(parent_context), "warnings": self.instance.get_warnings()}


class SyncPanel(Panel):
    """How a run is synchronised: its mode, its LMS, what the LMS owns and when it last wrote."""

    class BoundPanel(Panel.BoundPanel):
        """The panel of one run."""

        template_name = "cms_lms/admin/panels/sync.html"

        def is_shown(self) -> bool:
            """A run that is being created has no synchronisation yet."""
            return bool(self.instance.pk)

        def get_context_data(self, parent_context: dict[str, Any] | None = None) -> dict[str, Any]:
            """Add the facts, and the way to change the mode for those who may."""
            run = self.instance
            sync_mode_url = None
            if self.request and may_edit_runs(self.request.user):
                sync_mode_url = reverse(CourseRun.snippet_viewset.get_url_name("sync_mode"), args=[run.pk])
            return {
                **super().get_context_data(parent_context),
                "run": run,
                "backend": LMSHandler.select_lms(run.resource_link),
                "explanation": MODE_EXPLANATIONS[run.sync_mode],
                "owned_labels": self._owned_labels(run),
                "sync_mode_url": sync_mode_url,
            }

        def _owned_labels(self, run: CourseRun) -> list[str]:
            if run.sync_mode == SyncMode.MANUAL:
                return []
            return [str(capfirst(run._meta.get_field(name).verbose_name)) for name in run.owned_fields]
