"""The site's URLs and the floor's, behind the same middleware."""

from django.urls import include, path

from tests.bench import floor

urlpatterns = [
    path("floor/one/", floor.update_one),
    path("floor/list/", floor.update_list),
    path("", include("cms_lms.site.urls")),
]
