"""A project that describes an API of its own with drf-spectacular, and includes this app further down."""

from __future__ import annotations

from django.urls import include, path
from drf_spectacular.openapi import AutoSchema
from drf_spectacular.utils import extend_schema
from drf_spectacular.views import SpectacularAPIView
from rest_framework.response import Response
from rest_framework.views import APIView


class TeachersView(APIView):
    """An endpoint of the project's."""

    schema = AutoSchema()

    @extend_schema(responses={200: str})
    def get(self, request):
        """Answer."""
        return Response("Ada")


def boast(result, generator, request, public):
    """Change the project's document, and none other."""
    result["info"]["title"] = "Boasted"
    return result


urlpatterns = [
    path("api/teachers/", TeachersView.as_view()),
    path(
        "api/own-schema/",
        SpectacularAPIView.as_view(custom_settings={"POSTPROCESSING_HOOKS": ["tests.openapi.project.boast"]}),
    ),
    path("lms/", include("cms_lms.urls")),
]
