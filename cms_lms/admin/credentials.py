"""The view of a backend's API credentials. They go in and never come out: the form has no value of theirs."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from django import forms
from django.core.exceptions import ValidationError
from django.db import transaction
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.utils import timezone
from django.utils.functional import Promise, cached_property
from django.utils.translation import gettext_lazy as _
from django.views.generic import FormView
from wagtail.admin import messages
from wagtail.log_actions import log

from cms_lms.admin.log_actions import CREDENTIALS
from cms_lms.admin.secret_views import SecretField, SecretViewMixin
from cms_lms.backends.credentials import CredentialField
from cms_lms.backends.registry import UnknownBackend, backend_choices, get_backend_class
from cms_lms.conf import settings as lms_settings
from cms_lms.encryption import Secret
from cms_lms.models import BackendCredential, LMSBackend
from cms_lms.models.credential import origin_of_backend, refuse_without_origin
from cms_lms.models.stored_secret import SecretUnavailable


@dataclass(frozen=True)
class Credential:
    """A field that the backend's class asks for, or asked for once, and what is stored in it.

    ``problem`` says why what is stored is not used.
    """

    field: CredentialField
    stored: BackendCredential | None = None
    problem: str | Promise = ""
    is_asked_for: bool = True


def find_credentials(backend: LMSBackend) -> list[Credential]:
    """Return the credentials that the backend's class asks for, in its order, then what is left of another class."""
    try:
        asked = get_backend_class(backend.backend).credential_fields
    except UnknownBackend:
        asked = ()
    stored = {credential.name: credential for credential in backend.credentials.select_related("changed_by")}
    origin = origin_of_backend(backend)
    found = []
    for field in asked:
        credential = stored.pop(field.name, None)
        found.append(Credential(field, credential, _problem(credential, origin) if credential else ""))
    left = _("Not used: the backend’s class does not ask for it.")
    found += [Credential(CredentialField(name, name), stored[name], left, False) for name in sorted(stored)]
    return found


def _problem(credential: BackendCredential, origin: str) -> str | Promise:
    if credential.origin != origin:
        return _("Not used: entered for %(origin)s. Enter it again for this address.") % {"origin": credential.origin}
    try:
        credential.get_secret()
    except SecretUnavailable as error:
        return error.message
    return ""


class CredentialsForm(forms.Form):
    """For each credential a new value and, where one is stored, a box to clear it.

    ``origin`` is the one that the person saw: a value is stored for no other.
    """

    origin = forms.CharField(widget=forms.HiddenInput, required=False)

    def __init__(self, *args, credentials: Sequence[Credential], **kwargs) -> None:
        super().__init__(*args, **kwargs)
        self.credentials = credentials
        for credential in credentials:
            name, labels = credential.field.name, {"label": credential.field.label}
            if credential.is_asked_for:
                self.fields[f"value-{name}"] = SecretField(
                    label=_("%(label)s: new value") % labels, help_text=credential.field.help_text, required=False
                )
            if credential.stored:
                self.fields[f"clear-{name}"] = forms.BooleanField(
                    label=_("%(label)s: clear the stored value") % labels, required=False
                )

    def rows(self) -> Iterator[tuple[Credential, forms.BoundField | None, forms.BoundField | None]]:
        """Yield each credential with its two fields, None for one that it has not."""
        for credential in self.credentials:
            names = [f"{kind}-{credential.field.name}" for kind in ("value", "clear")]
            value, clear = (self[name] if name in self.fields else None for name in names)
            yield credential, value, clear

    def clean(self) -> dict[str, Any]:
        """Refuse two orders at once, and new values for an address that is not the one that was shown."""
        cleaned_data = super().clean()
        for name in self.new_values():
            if name in self.cleared():
                self.add_error(
                    f"value-{name}",
                    ValidationError(_("Either enter a new value or clear the stored one, not both."), code="both"),
                )
        if not self.new_values():
            return cleaned_data
        refuse_without_origin(self.initial["origin"])
        if cleaned_data.get("origin") != self.initial["origin"]:
            raise ValidationError(
                _(
                    "Nothing was stored: the backend’s address has been changed to %(origin)s in the meantime. Make "
                    "sure that it is right, then enter the values again."
                ),
                code="origin",
                params={"origin": self.initial["origin"]},
            )
        return cleaned_data

    def new_values(self) -> dict[str, Secret]:
        """Return the valid new values, by the credentials' names."""
        return {
            name.removeprefix("value-"): value
            for name, value in self.cleaned_data.items()
            if name.startswith("value-") and value
        }

    def cleared(self) -> list[str]:
        """Return the names of the credentials that are to be cleared."""
        return [
            name.removeprefix("clear-")
            for name, value in self.cleaned_data.items()
            if name.startswith("clear-") and value
        ]


class CredentialsView(SecretViewMixin, FormView):
    """Shows what is set, takes new values and clears old ones."""

    form_class = CredentialsForm
    template_name = "cms_lms/admin/credentials.html"
    page_title = _("API credentials")

    @cached_property
    def credentials(self) -> list[Credential]:
        """What the class asks for, and what is stored."""
        return find_credentials(self.object)

    @transaction.atomic
    def post(self, request: HttpRequest, *args, **kwargs) -> HttpResponse:
        """Hold on to the backend, so that its address stays what the form is compared with."""
        self.object = LMSBackend.objects.select_for_update().get(pk=self.object.pk)
        return super().post(request, *args, **kwargs)

    def get_initial(self) -> dict[str, Any]:
        """Start from the address in force."""
        return {"origin": origin_of_backend(self.object)}

    def get_form_kwargs(self) -> dict[str, Any]:
        """Tell the form what there is."""
        return {**super().get_form_kwargs(), "credentials": self.credentials}

    def form_valid(self, form: CredentialsForm) -> HttpResponse:
        """Store and clear, and write into the history what was done to which, without values."""
        changes = []
        for name in form.cleared():
            if self.object.credentials.filter(name=name).delete()[0]:
                changes.append({"name": name, "done": "cleared"})
        for name, secret in form.new_values().items():
            stored = BackendCredential.objects.store(
                self.object, name, secret, now=timezone.now(), user=self.request.user
            )
            changes.append({"name": name, "done": "set", "environment": stored.environment_name})
        if changes:
            log(self.object, CREDENTIALS, user=self.request.user, data={"credentials": changes}, content_changed=False)
            messages.success(
                self.request, _("The API credentials of “%(name)s” were changed.") % {"name": self.object.name}
            )
        else:
            messages.info(self.request, _("Nothing was entered or cleared: the API credentials stay as they are."))
        return redirect(self.credentials_url_name, self.object.pk)

    def get_context_data(self, **kwargs) -> dict[str, Any]:
        """Add whom the credentials are for."""
        return {
            **super().get_context_data(**kwargs),
            "origin": origin_of_backend(self.object),
            "class_label": dict(backend_choices()).get(self.object.backend, self.object.backend),
            "environment_prefix": lms_settings.SECRET_ENVIRONMENT_PREFIX,
        }
