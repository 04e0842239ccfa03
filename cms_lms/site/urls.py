"""URLs of the runnable site."""

from functools import partial

from django.conf import settings
from django.conf.urls.static import static
from django.urls import include, path
from django.views.defaults import page_not_found
from wagtail import urls as wagtail_urls
from wagtail.admin import urls as wagtailadmin_urls
from wagtail.documents import urls as wagtaildocs_urls

urlpatterns = [
    path("admin/", include(wagtailadmin_urls)),
    path("documents/", include(wagtaildocs_urls)),
    path("", include("cms_lms.urls")),
    *static(settings.MEDIA_URL, document_root=settings.MEDIA_ROOT),
    path("", include(wagtail_urls)),
]

handler404 = partial(page_not_found, template_name="cms_lms/site/404.html")
