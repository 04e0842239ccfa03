"""From a record to the examination of its connection: which class, which credentials, which site."""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace

from django.utils import timezone
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _
from wagtail.models import Site

from cms_lms.backends.base import BaseLMSBackend
from cms_lms.backends.connection import TIME_LIMIT, Finding, Status, Visit, check_connection
from cms_lms.backends.http import LMSSession
from cms_lms.backends.registry import UnknownBackend
from cms_lms.encryption import Secret
from cms_lms.models import BackendCredential, LMSBackend
from cms_lms.models.stored_secret import SecretUnavailable
from cms_lms.patterns.errors import InvalidPattern
from cms_lms.patterns.urls import InvalidURL, normalize_base_url, origin_of


def visit_backend(
    record: LMSBackend,
    *,
    credentials: Mapping[str, Secret] | None = None,
    site_origins: Sequence[str] | None = None,
) -> Iterator[Finding]:
    """Run the checks that the record's class declares, over the network, and yield what each finds.

    The record need neither be saved nor valid. ``credentials``: None for those that are stored for its address;
    ``site_origins``: None for those of the Wagtail sites, the default one first.
    """
    try:
        backend = record.get_backend()
        # Whether plain http may be called is for the session to say.
        config = replace(backend.config, base_url=normalize_base_url(record.base_url, allow_insecure=True))
        if credentials is None:
            credentials = stored_credentials(record)
    except UnknownBackend as error:
        message = _("The backend class “%(name)s” is not one of this site’s.")
        if error.__cause__ is not None:
            message = _("The backend class “%(name)s” cannot be imported: %(reason)s.")
        yield _unfit(
            message % {"name": record.backend, "reason": error.__cause__},
            _(
                "Choose another in the backend’s form, or let the site’s operator install its package and name it in "
                "the setting CMS_LMS_BACKENDS."
            ),
        )
        return
    except (InvalidURL, SecretUnavailable) as error:
        yield _unfit(error.message, _("Correct it in the backend’s form."))
        return
    with LMSSession(time_limit=TIME_LIMIT) as session:
        visit = Visit(
            config=config,
            credentials=credentials,
            site_origins=known_origins() if site_origins is None else site_origins,
            http=session,
            now=timezone.now,
            extract_course_id=lambda url: _extract(backend, url),
        )
        yield from check_connection(backend.connection_checks, visit, clock=time.monotonic)


def stored_credentials(record: LMSBackend) -> Mapping[str, Secret]:
    """Return the credentials that were entered for the record's address.

    Raises ``SecretUnavailable``, and ``InvalidURL`` for an address that is none.
    """
    if record.pk is None:
        return {}
    return BackendCredential.objects.for_address(record).secrets()


def known_origins() -> list[str]:
    """Return the origins of this site's pages, as its Wagtail sites say, the default site's first."""
    origins = []
    for site in Site.objects.order_by("-is_default_site", "pk"):
        try:
            origins.append(origin_of(site.root_url))
        except InvalidURL:  # a host name that no browser takes
            continue
    return list(dict.fromkeys(origins))


def _unfit(cause: str | Promise, fix: str | Promise) -> Finding:
    return Finding("configuration", _("Configuration"), Status.FAILED, cause, fix)


def _extract(backend: BaseLMSBackend, url: str) -> str | None:
    try:
        return backend.extract_course_id(url)
    except InvalidPattern:
        return None
