"""Serves the schema, to everybody, as JSON."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from django.contrib.auth.decorators import login_not_required
from django.utils import translation
from django.utils.decorators import method_decorator
from rest_framework.renderers import JSONRenderer
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from cms_lms.openapi.generator import CourseRunsSchema


@method_decorator(login_not_required, name="dispatch")
class OpenAPISchemaView(APIView):
    """The document of the app's endpoints, in English like the contract."""

    authentication_classes: Sequence[Any] = ()
    permission_classes: Sequence[Any] = ()
    versioning_class = None
    renderer_classes = (JSONRenderer,)

    def get(self, request: Request) -> Response:
        """Return the document."""
        with translation.override("en"):
            return Response(CourseRunsSchema().get_schema())
