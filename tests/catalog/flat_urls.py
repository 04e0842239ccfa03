"""The site's addresses without languages in them: Django then chooses by what the browser asks for, or by a cookie."""

from django.conf.urls.i18n import is_language_prefix_patterns_used
from django.urls import URLPattern, URLResolver

from cms_lms.site import urls as site_urls

assert is_language_prefix_patterns_used(site_urls.__name__)[0]

urlpatterns: list[URLPattern | URLResolver] = [
    inner
    for outer in site_urls.urlpatterns
    for inner in (outer.url_patterns if type(outer.pattern).__name__ == "LocalePrefixPattern" else [outer])
]
