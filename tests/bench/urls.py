"""The site's URLs and the floor's, behind the same middleware."""

from django.urls import path

from cms_lms.site.urls import urlpatterns as site_urlpatterns
from tests.bench import floor

urlpatterns = [
    path("floor/one/", floor.update_one),
    path("floor/list/", floor.update_list),
    *site_urlpatterns,
]
