"""What the views of a backend's secrets have in common: who may enter, and what must not stay behind."""

from __future__ import annotations

from typing import Any

from django import forms
from django.http import HttpRequest
from django.utils.decorators import method_decorator
from django.views.decorators.cache import never_cache

from cms_lms.admin.backend_pages import BackendPageMixin
from cms_lms.encryption import Secret
from cms_lms.error_reports import conceal_values
from cms_lms.models.stored_secret import clean_entered_secret


class SecretInput(forms.PasswordInput):
    """Takes a secret and never shows one; browsers are asked to neither fill it in nor keep it."""

    def __init__(self) -> None:
        super().__init__(attrs={"autocomplete": "new-password", "spellcheck": "false", "autocapitalize": "none"})


class SecretField(forms.Field):
    """A secret, or ``env:NAME``; None where it was left blank. Its errors do not repeat what was entered."""

    widget = SecretInput

    def clean(self, value: str | None) -> Secret | None:
        """Return it without the white space around it."""
        if not value or not value.strip():
            return super().clean(None)
        return clean_entered_secret(value)


@method_decorator(never_cache, name="dispatch")
class SecretViewMixin(BackendPageMixin):
    """For views below one backend. Nothing of them is cached, and reports of their errors show no values."""

    credentials_url_name: str | None = None
    sync_secrets_url_name: str | None = None
    retire_sync_secret_url_name: str | None = None

    def setup(self, request: HttpRequest, *args, **kwargs) -> None:
        """Conceal the values from the first."""
        conceal_values(request)
        super().setup(request, *args, **kwargs)

    def get_context_data(self, **kwargs) -> dict[str, Any]:
        """Add the backend."""
        return {
            **super().get_context_data(**kwargs),
            "backend": self.object,
            "edit_url": self.get_edit_url(),
        }
