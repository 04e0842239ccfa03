"""Backends as a file: import with a preview of the differences, and export.

What is imported is the file as it was shown: the preview carries it along, and a confirmation that is bound to it, to
the backends as they were and to the runs that it moves. Nothing is kept on the server meanwhile.
"""

from __future__ import annotations

import contextlib
import json
from collections.abc import Iterator
from io import BytesIO
from typing import Any

from django import forms
from django.core.exceptions import PermissionDenied, RequestDataTooBig
from django.core.files.uploadedfile import InMemoryUploadedFile
from django.core.files.uploadhandler import FileUploadHandler
from django.db import transaction
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import path, reverse
from django.utils.decorators import method_decorator
from django.utils.functional import Promise
from django.utils.text import capfirst
from django.utils.translation import gettext, ngettext
from django.utils.translation import gettext_lazy as _
from django.views.decorators.csrf import csrf_exempt, csrf_protect
from django.views.generic import FormView, View
from wagtail.admin import messages
from wagtail.admin.staticfiles import versioned_static
from wagtail.admin.views.generic.base import WagtailAdminTemplateMixin
from wagtail.admin.views.generic.permissions import PermissionCheckedMixin
from wagtail.admin.widgets.button import Button
from wagtail.permission_policies import ModelPermissionPolicy

from cms_lms.admin.impact import CONFIRM, LIST, ImpactReview, impact_media
from cms_lms.matching.changed_configuration import hold_configuration
from cms_lms.matching.richie_setting import KEYS, Remark
from cms_lms.matching.setting_diff import BackendChange, ImportPlan, Outcome, SettingRefused, plan_import
from cms_lms.matching.setting_file import MAX_BYTES, FileUnreadable, parse_setting, write_setting
from cms_lms.matching.setting_import import apply_plan, export_setting
from cms_lms.models import LMSBackend
from cms_lms.settings_source.secret_names import names_a_secret

FILE_NAME = "lms-backends.json"

#: With more differences than this, each is folded.
MAX_UNFOLDED = 10

_FIELDS = {key.name: key.field for key in KEYS}


def may_import(user: Any) -> bool:
    """Whether a user may import: it creates and changes backends."""
    policy = ModelPermissionPolicy(LMSBackend)
    return policy.user_has_permission(user, "add") and policy.user_has_permission(user, "change")


def may_export(user: Any) -> bool:
    """Whether a user may export: it shows all of every backend but its secrets."""
    return ModelPermissionPolicy(LMSBackend).user_has_any_permission(user, ["view", "change"])


class CappedUploadHandler(FileUploadHandler):
    """Keeps an upload in memory, as much of it as is ever read, and never on disk."""

    def new_file(self, *args: Any, **kwargs: Any) -> None:
        """Begin."""
        super().new_file(*args, **kwargs)
        self._kept = BytesIO()

    def receive_data_chunk(self, raw_data: bytes, start: int) -> None:
        """Keep one byte more than may be, which tells that it was longer."""
        self._kept.write(raw_data[: max(MAX_BYTES + 1 - self._kept.tell(), 0)])

    def file_complete(self, file_size: int) -> InMemoryUploadedFile:
        """Return what was kept."""
        self._kept.seek(0)
        return InMemoryUploadedFile(
            self._kept, self.field_name, self.file_name, self.content_type, file_size, self.charset
        )


class ConfigFileForm(forms.Form):
    """A file, or its text; ``setting`` is what it says."""

    file = forms.FileField(
        label=_("File"),
        required=False,
        allow_empty_file=True,
        help_text=_("JSON, as the export makes it: a list of objects with the keys of RICHIE_LMS_BACKENDS."),
        widget=forms.FileInput(attrs={"accept": ".json,application/json"}),
    )
    text = forms.CharField(
        label=_("Or its text"),
        required=False,
        strip=False,
        widget=forms.Textarea(attrs={"rows": 8, "spellcheck": "false"}),
    )
    setting: Any = None

    def clean(self) -> dict[str, Any]:
        """Read the one that is given."""
        cleaned_data = super().clean()
        file, text = cleaned_data.get("file"), cleaned_data.get("text")
        if self.errors:
            return cleaned_data
        if bool(file is not None) == bool(text):
            raise forms.ValidationError(_("Choose a file or paste its text, one of the two."), code="required")
        name = "text" if file is None else "file"
        try:
            self.setting = parse_setting(text.encode("utf-8", "surrogatepass") if file is None else file.read())
        except FileUnreadable as error:
            self.add_error(name, _("This is not the JSON of LMS backends: %(reason)s.") % {"reason": error})
        return cleaned_data


class ImportView(WagtailAdminTemplateMixin, FormView):
    """Asks for the file, shows what importing it would do, and does it when that is confirmed."""

    form_class = ConfigFileForm
    template_name = "cms_lms/admin/config_file.html"
    preview_template_name = "cms_lms/admin/config_file_preview.html"
    page_title = _("Import LMS backends")
    header_icon = "upload"
    index_url_name: str | None = None

    @method_decorator(csrf_exempt)
    def dispatch(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        """Say how the upload is to be read before anybody reads it; only then is the CSRF token looked for."""
        if not may_import(request.user):
            raise PermissionDenied
        with contextlib.suppress(AttributeError):  # some middleware has read it already
            request.upload_handlers = [CappedUploadHandler(request)]
        try:
            request.POST  # noqa: B018  (read here, so that it fails here)
        except RequestDataTooBig:
            form = self.form_class({})
            form.errors.clear()
            form.add_error("text", _("This is longer than %(limit)s kB.") % {"limit": MAX_BYTES // 1024})
            return self.render_to_response(self.get_context_data(form=form))
        return self.dispatch_checked(request, *args, **kwargs)

    @method_decorator(csrf_protect)
    def dispatch_checked(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        """Answer."""
        return super().dispatch(request, *args, **kwargs)

    def get_breadcrumbs_items(self) -> list[dict[str, Any]]:
        """Lead back to the list."""
        return [
            *self.breadcrumbs_items,
            {"url": self.get_success_url(), "label": capfirst(LMSBackend._meta.verbose_name_plural)},
            {"url": "", "label": self.page_title},
        ]

    def get_success_url(self) -> str:
        """Return the list."""
        return reverse(self.index_url_name)

    def form_valid(self, form: ConfigFileForm) -> HttpResponse:
        """Import what has been confirmed; show what the rest would do."""
        try:
            with transaction.atomic():
                before = hold_configuration()
                plan = plan_import(form.setting)
                review = ImpactReview(self.request, before, plan.configuration, {"import": form.setting})
                is_confirmed = CONFIRM in self.request.POST and not review.is_stale and review.is_settled
                if is_confirmed:
                    apply_plan(plan, user=self.request.user)
        except SettingRefused as error:
            return self.refuse(form, error.refusals)
        if is_confirmed:
            messages.success(self.request, gettext("Imported: %(summary)s.") % {"summary": summarize(plan)})
            return redirect(self.get_success_url())
        return self.preview(plan, review, form.setting)

    def refuse(self, form: ConfigFileForm, refusals: list[Remark]) -> HttpResponse:
        """Show why nothing can be imported, and the text to correct unless it speaks of a secret."""
        if names_a_secret(form.cleaned_data["text"]):
            form = self.form_class()
        return self.render_to_response(self.get_context_data(form=form, refusals=refusals))

    def preview(self, plan: ImportPlan, review: ImpactReview, setting: Any) -> HttpResponse:
        """Show what the import would do."""
        changes = [change for change in plan.changes if change.outcome is not Outcome.UNCHANGED]
        context = self.get_context_data(
            plan=plan,
            review=review,
            changes=[describe_change(change) for change in changes],
            is_folded=len(changes) > MAX_UNFOLDED,
            looks_at_runs=LIST in self.request.POST or bool(review.form.errors),
            unchanged_count=len(plan.changes) - len(changes),
            summary=capfirst(summarize(plan)),
            # Compact, so that it is not longer than what was accepted.
            text=json.dumps(setting, ensure_ascii=False, separators=(",", ":")),
        )
        return self.response_class(self.request, self.preview_template_name, context, using=self.template_engine)

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        """Add the style, and where to go back to."""
        context = super().get_context_data(**kwargs)
        style = forms.Media(css={"all": [versioned_static("cms_lms/admin/config-file.css")]})
        return {
            **context,
            "media": context["form"].media + impact_media() + style,
            "index_url": self.get_success_url(),
            "import_url": self.request.path,
        }


class ExportView(PermissionCheckedMixin, View):
    """Answers with all backends as a file, without secrets."""

    model = LMSBackend
    any_permission_required = ["view", "change"]
    http_method_names = ["get", "head", "options"]

    def get(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        """Return the file."""
        return HttpResponse(
            write_setting(export_setting()),
            content_type="application/json",
            headers={"Content-Disposition": f'attachment; filename="{FILE_NAME}"'},
        )


def summarize(plan: ImportPlan) -> str:
    """Return how many backends become what, in the reader's language."""
    count = {outcome: sum(change.outcome is outcome for change in plan.changes) for outcome in Outcome}
    texts = [
        (Outcome.CREATED, ngettext("%(count)d created", "%(count)d created", count[Outcome.CREATED])),
        (Outcome.UPDATED, ngettext("%(count)d changed", "%(count)d changed", count[Outcome.UPDATED])),
        (Outcome.MOVED, ngettext("%(count)d moved", "%(count)d moved", count[Outcome.MOVED])),
        (Outcome.UNCHANGED, ngettext("%(count)d unchanged", "%(count)d unchanged", count[Outcome.UNCHANGED])),
    ]
    said = [text % {"count": count[outcome]} for outcome, text in texts if count[outcome]]
    return ", ".join(said) or gettext("nothing")


def describe_change(change: BackendChange) -> dict[str, Any]:
    """Return a change as the template shows it."""
    return {
        "change": change,
        "keys": [
            {"name": key.key, "label": label_of(key.key), "old": list(show(key.old)), "new": list(show(key.new))}
            for key in change.keys
        ],
    }


def label_of(key: str) -> str:
    """Return what the form calls a key."""
    return capfirst(LMSBackend._meta.get_field(_FIELDS[key]).verbose_name)


def show(value: Any) -> Iterator[str | Promise]:
    """Give the lines of a key's value; none where it is blank."""
    if isinstance(value, bool):
        yield _("Yes") if value else _("No")
    elif isinstance(value, list):
        yield from value
    elif value:
        yield value


def index_buttons(view: Any) -> list[Button]:
    """Return the buttons for the header of the listing."""
    get_url_name = LMSBackend.snippet_viewset.get_url_name
    buttons = []
    if may_import(view.request.user):
        buttons.append(Button(_("Import"), url=reverse(get_url_name("import_file")), icon_name="upload", priority=70))
    if may_export(view.request.user):
        buttons.append(Button(_("Export"), url=reverse(get_url_name("export_file")), icon_name="download", priority=80))
    return buttons


def edit_buttons(view: Any) -> list[Button]:
    """Return nothing: a file is of all backends."""
    return []


def get_urlpatterns(viewset: Any) -> list[Any]:
    """Return the addresses of both."""
    return [
        path("import/", viewset.construct_view(ImportView, header_icon=ImportView.header_icon), name="import_file"),
        path("export/", viewset.construct_view(ExportView), name="export_file"),
    ]
