"""URLs of the runnable site. Pages have their language in front, but for the site's first one."""

from functools import partial

from django.conf import settings
from django.conf.urls.i18n import i18n_patterns
from django.conf.urls.static import static
from django.contrib.auth.views import LoginView, LogoutView
from django.urls import include, path
from django.views.defaults import page_not_found
from wagtail import urls as wagtail_urls
from wagtail.admin import urls as wagtailadmin_urls
from wagtail.documents import urls as wagtaildocs_urls

from cms_lms.site.gallery import gallery
from cms_lms.site.views import AccountView, robots_txt

urlpatterns = [
    path("admin/", include(wagtailadmin_urls)),
    path("documents/", include(wagtaildocs_urls)),
    path("robots.txt", robots_txt),
    *static(settings.MEDIA_URL, document_root=settings.MEDIA_ROOT),
    *i18n_patterns(
        path("", include("cms_lms.urls")),
        path("account/", AccountView.as_view(), name="account"),
        path("account/login/", LoginView.as_view(template_name="cms_lms/site/login.html"), name="login"),
        path("account/logout/", LogoutView.as_view(next_page="login"), name="logout"),
        path("gallery/", gallery, name="gallery"),
        path("", include(wagtail_urls)),
        prefix_default_language=False,
    ),
]

handler404 = partial(page_not_found, template_name="cms_lms/site/404.html")
