"""The app's URLs: ``path("", include("cms_lms.urls"))`` in a project, before Wagtail's own."""

from django.urls import URLPattern, URLResolver, re_path

from cms_lms.enrollment.api import CourseRunDetailView, CourseRunListView
from cms_lms.sync.views import CourseRunsSyncView

app_name = "cms_lms"

urlpatterns: list[URLPattern | URLResolver] = [
    # The slash is optional and nothing redirects: a redirect would turn the sender's POST into a GET.
    re_path(r"^api/v1\.0/course-runs-sync/?$", CourseRunsSyncView.as_view(), name="course_runs_sync"),
    re_path(r"^api/v1\.0/course-runs/?$", CourseRunListView.as_view(), name="course_runs"),
    re_path(r"^api/v1\.0/course-runs/(?P<run_id>[^/]+)/?$", CourseRunDetailView.as_view(), name="course_run"),
]
