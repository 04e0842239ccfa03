"""The language of the site's pages is in their addresses, and nowhere else."""

from __future__ import annotations

from django.conf import settings
from django.conf.urls.i18n import is_language_prefix_patterns_used
from django.http import HttpRequest
from django.http.response import HttpResponseBase
from django.middleware.locale import LocaleMiddleware


class AddressLocaleMiddleware(LocaleMiddleware):
    """Django's, which asks nobody where an address without a language has that of the site, and says so to caches.

    Django would have them keep a copy of such a page for each ``Accept-Language``, all of them the same.
    """

    def process_response(self, request: HttpRequest, response: HttpResponseBase) -> HttpResponseBase:
        """As Django's, without the ``Vary`` that holds only where the header is read."""
        before = response.get("Vary")
        response = super().process_response(request, response)
        has_languages, has_first = is_language_prefix_patterns_used(getattr(request, "urlconf", settings.ROOT_URLCONF))
        if has_languages and not has_first:
            if before is None:
                del response["Vary"]
            else:
                response["Vary"] = before
        return response
