"""The app's URLs: ``path("", include("cms_lms.urls"))`` in a project, before Wagtail's own."""

from django.http import HttpRequest, HttpResponse, JsonResponse
from django.urls import URLPattern, URLResolver, path, re_path
from django.views.decorators.csrf import csrf_exempt

from cms_lms.enrollment.api import CourseRunDetailView, CourseRunListView
from cms_lms.enrollment.calendar_views import course_calendar, course_run_calendar
from cms_lms.enrollment.server_api import EnrollmentView, SessionView
from cms_lms.enrollment.server_page import EnrollmentPageView
from cms_lms.openapi.views import OpenAPISchemaView
from cms_lms.sync.views import CourseRunsSyncView

app_name = "cms_lms"


@csrf_exempt
def unknown_version(request: HttpRequest) -> HttpResponse:
    """Answer 404 here: further on, a POST without slash or token meets a redirect or a 403."""
    return JsonResponse({"detail": "Not found."}, status=404)


urlpatterns: list[URLPattern | URLResolver] = [
    # The slash is optional and nothing redirects: a redirect would turn the sender's POST into a GET.
    re_path(r"^api/v1\.0/course-runs-sync/?$", CourseRunsSyncView.as_view(), name="course_runs_sync"),
    re_path(r"^api/v1\.0/course-runs/?$", CourseRunListView.as_view(), name="course_runs"),
    re_path(r"^api/v1\.0/course-runs/(?P<run_id>[^/]+)/?$", CourseRunDetailView.as_view(), name="course_run"),
    re_path(r"^api/v1\.0/enrollments/session/?$", SessionView.as_view(), name="enrollment_session"),
    re_path(r"^api/v1\.0/enrollments/(?P<run_id>[^/]+)/?$", EnrollmentView.as_view(), name="enrollment"),
    re_path(r"^enrollments/(?P<run_id>[0-9]+)/$", EnrollmentPageView.as_view(), name="enrollment_page"),
    re_path(r"^api/v1\.0/schema/?$", OpenAPISchemaView.as_view(), name="openapi_schema"),
    re_path(r"^api/v[^/]*/course-runs-sync/?$", unknown_version),
    path("calendar/course-runs/<str:run_id>.ics", course_run_calendar, name="course_run_calendar"),
    path("calendar/courses/<str:course_id>.ics", course_calendar, name="course_calendar"),
]
