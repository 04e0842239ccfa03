"""The views of a backend's web hook secrets: listed, made and shown once, retired, and the way from one to the next."""

from __future__ import annotations

import uuid
from typing import Any

from django import forms
from django.core.exceptions import ValidationError
from django.db import transaction
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.urls import reverse
from django.utils import timezone
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _
from django.utils.translation import override
from django.views.generic import TemplateView
from wagtail.admin import messages
from wagtail.log_actions import log

from cms_lms.admin.log_actions import ADD_SYNC_SECRET, RETIRE_SYNC_SECRET
from cms_lms.admin.secret_views import SecretViewMixin
from cms_lms.conf import settings as lms_settings
from cms_lms.encryption import Secret
from cms_lms.models import SyncSecret
from cms_lms.models.backend import is_storable
from cms_lms.models.stored_secret import ENVIRONMENT, SecretUnavailable, clean_entered_secret
from cms_lms.models.sync_secret import MAX_LIVE_SECRETS, AlreadyAdded, TooManySecrets
from cms_lms.sync.rotation import SILENCE, rotation_advice


class VariableInput(forms.TextInput):
    """Takes the name of a variable. It shows none: somebody may have entered the secret itself."""

    def get_context(self, name: str, value: Any, attrs: dict[str, Any] | None) -> dict[str, Any]:
        """Leave the value out."""
        return super().get_context(name, None, attrs)


class ShownSecret:
    """A secret for the one template that prints it; logs and reports show the ``repr`` of what a template was given."""

    def __init__(self, secret: Secret) -> None:
        self._secret = secret

    def __str__(self) -> str:
        return self._secret.reveal()


class GenerateForm(forms.Form):
    """The name of a new secret. ``form_id`` lets one form make one secret, however often it is sent."""

    form_id = forms.UUIDField(widget=forms.HiddenInput, initial=uuid.uuid4)
    name = forms.CharField(
        label=_("Name"),
        max_length=SyncSecret._meta.get_field("name").max_length,
        help_text=_("Which LMS or installation uses it, and since when. For example: production 2027."),
        widget=forms.TextInput(attrs={"autocomplete": "off"}),
    )

    def clean_name(self) -> str:
        """Refuse what not every database takes, and what no log should hold."""
        if not is_storable(self.cleaned_data["name"]):
            raise ValidationError(_("Control characters are not allowed."), code="control_character")
        return self.cleaned_data["name"]

    def get_secret(self) -> Secret | None:
        """Return the secret to store: None, it is to be made."""
        return None


class EnvironmentForm(GenerateForm):
    """The name of a secret, and of the variable that holds it."""

    variable = forms.CharField(
        label=_("Variable of the environment"),
        widget=VariableInput(attrs={"autocomplete": "off", "spellcheck": "false", "autocapitalize": "characters"}),
    )

    def clean_variable(self) -> Secret:
        """Return ``env:NAME``; "env:" may be entered with it or not."""
        return clean_entered_secret(ENVIRONMENT + self.cleaned_data["variable"].removeprefix(ENVIRONMENT))

    def get_secret(self) -> Secret:
        """Return the reference to the variable."""
        return self.cleaned_data["variable"]


def find_problem(secret: SyncSecret) -> str | Promise:
    """Return why a live secret cannot be used; blank where it can."""
    try:
        secret.get_secret()
    except SecretUnavailable as error:
        return error.message
    return ""


class SyncSecretsView(SecretViewMixin, TemplateView):
    """Lists the secrets of one backend and adds to them. The answer that adds one is the one that shows it."""

    template_name = "cms_lms/admin/sync_secrets.html"
    created_template_name = "cms_lms/admin/sync_secret_created.html"
    page_title = _("Web hook secrets")

    def post(self, request: HttpRequest, *args, **kwargs) -> HttpResponse:
        """Add the secret that one of the two forms asks for."""
        kind = "environment" if "environment-form_id" in request.POST else "generate"
        form = self.make_form(kind, request.POST)
        if "form_id" in form.errors:
            return self.refuse(_("The form came back incomplete, and nothing was added. Here is a new one."))
        if form.is_valid():
            try:
                return self.add(form)
            except AlreadyAdded:
                return self.refuse(
                    _(
                        "This form was sent before. The secret that it made then was shown then, and is not shown "
                        "again: if it was not copied, retire it and generate another one."
                    )
                )
            except TooManySecrets:
                return self.refuse(
                    _("Two secrets are live, which is as many as there may be. Retire the old one first.")
                )
            except ValidationError as error:
                form.add_error("name", error)
        return self.render_to_response(self.get_context_data(**{f"{kind}_form": form}))

    def add(self, form: GenerateForm) -> HttpResponse:
        """Store the secret, write its name into the history, and show it if it is new to the world."""
        with transaction.atomic():
            secret = SyncSecret.add(
                self.object,
                name=form.cleaned_data["name"],
                now=timezone.now(),
                user=self.request.user,
                secret=form.get_secret(),
                form_id=form.cleaned_data["form_id"],
            )
            data = {"sync_secret": {"name": secret.name, "environment": secret.environment_name}}
            log(self.object, ADD_SYNC_SECRET, user=self.request.user, data=data, content_changed=False)
        if secret.environment_name:
            messages.success(self.request, _("The web hook secret “%(name)s” was added.") % {"name": secret.name})
            return redirect(self.sync_secrets_url_name, self.object.pk)
        self.page_title = _("New web hook secret")
        self.template_name = self.created_template_name
        # In this answer and nowhere else: neither message nor session nor address may carry it.
        return self.render_to_response(
            self.get_context_data(sync_secret=secret, shown_secret=ShownSecret(secret.get_secret()))
        )

    def refuse(self, message: str | Promise) -> HttpResponse:
        """Say why nothing was added, on the list."""
        messages.warning(self.request, message)
        return redirect(self.sync_secrets_url_name, self.object.pk)

    @staticmethod
    def make_form(kind: str, data: Any = None) -> GenerateForm:
        """Return one of the two forms."""
        return {"generate": GenerateForm, "environment": EnvironmentForm}[kind](data, prefix=kind)

    def get_context_data(self, **kwargs) -> dict[str, Any]:
        """Add the secrets and where the rotation stands."""
        live = list(self.object.sync_secrets.live().select_related("created_by"))
        for secret in live:
            secret.problem = find_problem(secret)
        return {
            "generate_form": self.make_form("generate"),
            "environment_form": self.make_form("environment"),
            **super().get_context_data(**kwargs),
            "live": live,
            "retired": self.object.sync_secrets.exclude(retired_at=None).select_related("created_by"),
            "may_add": len(live) < MAX_LIVE_SECRETS,
            "advice": rotation_advice(live, now=timezone.now()),
            "silence_days": SILENCE.days,
            "site_secrets_count": len(lms_settings.SYNC_SECRETS),
            "environment_prefix": lms_settings.SECRET_ENVIRONMENT_PREFIX,
            "web_hook_url": self.request.build_absolute_uri(self.get_web_hook_path()),
            "list_url": reverse(self.sync_secrets_url_name, args=[self.object.pk]),
            "retire_url_name": self.retire_sync_secret_url_name,
        }

    def get_web_hook_path(self) -> str:
        """Return the address for LMSs, which is no matter of the editor's language where the site's URLs have one."""
        with override(lms_settings.default_language):
            return reverse("cms_lms:course_runs_sync")


class RetireSyncSecretView(SecretViewMixin, TemplateView):
    """Asks whether a secret is to be retired, and says what the LMS will feel of it."""

    template_name = "cms_lms/admin/sync_secret_retire.html"
    page_title = _("Retire web hook secret")

    def setup(self, request: HttpRequest, *args, **kwargs) -> None:
        """Load the secret."""
        super().setup(request, *args, **kwargs)
        self.sync_secret = get_object_or_404(self.object.sync_secrets, pk=kwargs["secret_pk"])

    def get(self, request: HttpRequest, *args, **kwargs) -> HttpResponse:
        """Ask, unless it is retired already."""
        if not self.sync_secret.is_live:
            return self.leave(_("The web hook secret “%(name)s” is retired."))
        return super().get(request, *args, **kwargs)

    def post(self, request: HttpRequest, *args, **kwargs) -> HttpResponse:
        """Retire it, and write its name into the history."""
        with transaction.atomic():
            if self.sync_secret.retire(now=timezone.now()):
                data = {"sync_secret": {"name": self.sync_secret.name}}
                log(self.object, RETIRE_SYNC_SECRET, user=request.user, data=data, content_changed=False)
        return self.leave(_("The web hook secret “%(name)s” is retired."))

    def leave(self, message: str | Promise) -> HttpResponse:
        """Go back to the list with a message that names the secret."""
        messages.success(self.request, message % {"name": self.sync_secret.name})
        return redirect(self.sync_secrets_url_name, self.object.pk)

    def get_context_data(self, **kwargs) -> dict[str, Any]:
        """Add what is known of the secret's use."""
        live = list(self.object.sync_secrets.live())
        advice = rotation_advice(live, now=timezone.now())
        return {
            **super().get_context_data(**kwargs),
            "sync_secret": self.sync_secret,
            "is_last": len(live) == 1,
            "is_silent": advice.may_retire_old and advice.old == self.sync_secret,
            "advice": advice,
            "list_url": reverse(self.sync_secrets_url_name, args=[self.object.pk]),
        }
