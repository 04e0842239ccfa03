"""What pages and the enrollment API say of this site as the place where learners log in and enroll."""

from __future__ import annotations

from dataclasses import dataclass

from django.http import HttpRequest
from django.shortcuts import resolve_url
from django.urls import reverse
from django.utils.http import urlencode
from django.utils.translation import get_language, get_supported_language_variant

from cms_lms.backends.base import BaseLMSBackend
from cms_lms.backends.enrollment import Capability
from cms_lms.conf import settings as lms_settings


@dataclass(frozen=True)
class SiteAccess:
    """The addresses that a panel of the JS backend “server” needs; ``page_url`` is for whoever has no JavaScript.

    ``capabilities`` are those of the JS backend, separated by spaces. All addresses are of this site, the two for
    people perhaps elsewhere.
    """

    api_url: str
    login_url: str
    register_url: str
    capabilities: str
    page_url: str = ""

    @classmethod
    def of(cls, backend: BaseLMSBackend, run_id: int | None = None) -> SiteAccess | None:
        """Return the access for a backend that learners reach through this site's server, None for any other."""
        if not backend.config.is_called_by_server:
            return None
        capabilities = {
            "register": bool(register_url()),
            "log-out": True,
            "unenroll": Capability.UNENROLL in backend.capabilities,
        }
        return cls(
            api_url=reverse("cms_lms:enrollment_session").removesuffix("session"),
            login_url=login_url(),
            register_url=register_url(),
            capabilities=" ".join(name for name, has_it in capabilities.items() if has_it),
            page_url=page_address(run_id) if run_id is not None else "",
        )


def page_address(run_id: int) -> str:
    """Return the page of forms for a run, in the language of the page that links to it."""
    return f"{reverse('cms_lms:enrollment_page', args=[run_id])}?{urlencode({'language': get_language() or ''})}"


def chosen_language(request: HttpRequest) -> str:
    """Return the language that an address asks for, else the one in force.

    What is not below a language's own path is in the site's first language otherwise, wherever the learner came from.
    """
    try:
        return get_supported_language_variant(request.GET.get("language", ""))
    except (LookupError, ValueError):  # none of the site's, or too long to be one
        return get_language() or lms_settings.default_language


def login_url() -> str:
    """Return the address of the login page of this site."""
    return resolve_url(lms_settings.login_url)


def register_url() -> str:
    """Return the address where new learners register on this site; blank where nobody does."""
    return resolve_url(lms_settings.REGISTER_URL) if lms_settings.REGISTER_URL else ""


def login_address(next_path: str) -> str:
    """Return the login page, which leads back to a path of this site."""
    address, hash_sign, fragment = login_url().partition("#")
    return f"{address}{'&' if '?' in address else '?'}{urlencode({'next': next_path})}{hash_sign}{fragment}"
