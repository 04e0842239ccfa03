"""Makes the document: of the app's own endpoints alone, wherever a project includes them.

A project may describe an API of its own with drf-spectacular. Neither its title nor its hooks get into this
document, and this one changes none of its settings; where its own document includes these endpoints, they are
described there as they are here.
"""

from __future__ import annotations

from typing import Any

from drf_spectacular.generators import EndpointEnumerator, SchemaGenerator
from drf_spectacular.plumbing import normalize_result_object, sanitize_result_object
from drf_spectacular.settings import spectacular_settings

from cms_lms.enrollment.api import CourseRunDetailView, CourseRunListView
from cms_lms.enrollment.server_api import EnrollmentView, SessionView
from cms_lms.openapi import enrollment_api, read_api, web_hook
from cms_lms.sync.views import CourseRunsSyncView

#: The views that the document is about.
DESCRIBED = (CourseRunsSyncView, CourseRunListView, CourseRunDetailView, SessionView, EnrollmentView)

#: Of the contract, which the addresses name too.
VERSION = "1.0"

#: Importing these registers what they say of the views.
DESCRIPTIONS = (enrollment_api, read_api, web_hook)


class OwnEndpoints(EndpointEnumerator):
    """Finds the app's endpoints among a project's."""

    def should_include_endpoint(self, path: str, callback: Any) -> bool:
        """Whether it is one of the described views."""
        return getattr(callback, "cls", None) in DESCRIBED


class CourseRunsSchema(SchemaGenerator):
    """The generator, with what a project has set for its own document left out."""

    endpoint_inspector_cls = OwnEndpoints

    def get_schema(self, request: Any = None, public: bool = True) -> dict[str, Any]:
        """Return the document, ready to be written as JSON."""
        document = {
            "openapi": spectacular_settings.OAS_VERSION,
            "info": {
                "title": "Course runs",
                "version": VERSION,
                "description": "How LMSs send course runs to the catalogue, how the public ones are read, and how "
                "learners enroll through this site’s server.",
            },
            "paths": self.parse(request, public),
            "components": self.registry.build({}),
        }
        return without_enum_ids(sanitize_result_object(normalize_result_object(document)))


def without_enum_ids(value: Any) -> Any:
    """Return a document without the marks by which drf-spectacular's hook, which is not run, finds equal choices."""
    if isinstance(value, dict):
        return {key: without_enum_ids(item) for key, item in value.items() if key != "x-spec-enum-id"}
    return [without_enum_ids(item) for item in value] if isinstance(value, list) else value
