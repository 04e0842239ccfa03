"""API credentials and web hook secrets of a backend in its edit form: what is set, and where it is changed.

The views themselves are in ``credentials`` and ``sync_secrets``.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from django.urls import path, reverse
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _
from wagtail.admin.panels import Panel
from wagtail.admin.widgets.button import Button
from wagtail.permission_policies import ModelPermissionPolicy

from cms_lms.admin.credentials import CredentialsView, find_credentials
from cms_lms.admin.sync_secrets import RetireSyncSecretView, SyncSecretsView
from cms_lms.models import LMSBackend
from cms_lms.models.credential import origin_of_backend


class SecretsPanel(Panel):
    """Which secrets are set, and where they are changed."""

    class BoundPanel(Panel.BoundPanel):
        """The panel of one backend."""

        template_name = "cms_lms/admin/panels/secrets.html"

        def is_shown(self) -> bool:
            """Only on a backend that is stored, and to those who may change it."""
            return bool(self.instance.pk and self.request and _may_change(self.request.user))

        def get_context_data(self, parent_context: dict[str, Any] | None = None) -> dict[str, Any]:
            """Add what is set, by the stored record: the form may hold another class or address."""
            backend = LMSBackend.objects.get(pk=self.instance.pk)
            return {
                **super().get_context_data(parent_context),
                "credentials": find_credentials(backend),
                "sync_secrets": backend.sync_secrets.live(),
                "credentials_url": _url("credentials", backend),
                "sync_secrets_url": _url("sync_secrets", backend),
            }


def index_buttons(view: Any) -> list[Button]:
    """Return the buttons for the header of the listing: none."""
    return []


def edit_buttons(view: Any) -> list[Button]:
    """Return the buttons for the header of the edit form of ``view.object``."""
    return [
        Button(_("API credentials"), _url("credentials", view.object), icon_name="key", priority=60),
        Button(_("Web hook secrets"), _url("sync_secrets", view.object), icon_name="lock", priority=61),
    ]


def get_urlpatterns(viewset: Any) -> list[Any]:
    """Return the addresses below the view set's."""
    names = ("credentials", "sync_secrets", "retire_sync_secret")
    urls = {f"{name}_url_name": viewset.get_url_name(name) for name in names}
    credentials = viewset.construct_view(CredentialsView, header_icon="key", **urls)
    sync_secrets = viewset.construct_view(SyncSecretsView, header_icon="lock", **urls)
    retire = viewset.construct_view(RetireSyncSecretView, header_icon="lock", **urls)
    return [
        path("credentials/<int:pk>/", credentials, name="credentials"),
        path("sync-secrets/<int:pk>/", sync_secrets, name="sync_secrets"),
        path("sync-secrets/<int:pk>/retire/<int:secret_pk>/", retire, name="retire_sync_secret"),
    ]


def warnings_after_saving(backend: LMSBackend) -> Iterator[str]:
    """Yield what the person who saved a backend should know of its secrets."""
    origins = set(backend.credentials.values_list("origin", flat=True)) - {origin_of_backend(backend)}
    if origins:
        yield gettext(
            "The API credentials of “%(name)s” were entered for %(origins)s. They are not sent to %(base_url)s: "
            "enter them again, or clear them."
        ) % {"name": backend.name, "origins": ", ".join(sorted(origins)), "base_url": backend.base_url}


def _may_change(user: Any) -> bool:
    return ModelPermissionPolicy(LMSBackend).user_has_permission(user, "change")


def _url(view: str, backend: LMSBackend) -> str:
    return reverse(LMSBackend.snippet_viewset.get_url_name(view), args=[backend.pk])
