"""What the schema says of the read API: the fields of a public course run, and how the list is narrowed."""

from __future__ import annotations

from typing import Any

from drf_spectacular.extensions import OpenApiViewExtension
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, extend_schema_field
from rest_framework import serializers

from cms_lms.enrollment.api import NULL_WHEN_BLANK, CourseRunSerializer
from cms_lms.openapi.answers import explained
from cms_lms.openapi.operation import Operation
from cms_lms.runs import state

GROUP = "Course runs"

PRIORITIES = range(8)

TEXTS = sorted(state.LABELS)

CALLS_TO_ACTION = (state.ENROLL_NOW, state.STUDY_NOW)


class CourseRunState(serializers.Serializer):
    """The state of a run; ``datetime`` is the date that belongs to the text."""

    priority = serializers.ChoiceField(choices=PRIORITIES)
    datetime = serializers.DateTimeField(allow_null=True)
    call_to_action = serializers.ChoiceField(choices=CALLS_TO_ACTION, allow_null=True)
    text = serializers.ChoiceField(choices=TEXTS)


class PublicCourseRun(CourseRunSerializer):
    """A course run as the public sees it."""

    languages = serializers.ListField(child=serializers.CharField())

    class Meta(CourseRunSerializer.Meta):
        read_only_fields = CourseRunSerializer.Meta.fields

    def get_fields(self) -> dict[str, Any]:
        """As they are answered: none is missing, and what is blank in a record is null."""
        fields = super().get_fields()
        for name in NULL_WHEN_BLANK:
            fields[name].allow_null = True
        return fields

    @extend_schema_field(CourseRunState)
    def get_state(self, run: Any) -> dict[str, Any]:
        """As answered."""
        return super().get_state(run)


class ListOperation(Operation):
    """The list."""

    name = "list_course_runs"
    summary = "List the course runs that the public sees"
    description = "The ones that course pages show, in the order of their ids."
    group = GROUP
    parameters = (
        OpenApiParameter(
            "resource_link",
            str,
            description="Only the run of this link. Links that differ only in scheme, case of the host, default "
            "port, percent-escapes or the slash at the end are the same.",
        ),
        OpenApiParameter("course", str, description="Only runs of the course with this code."),
    )
    answers = {200: PublicCourseRun(many=True), 404: explained("There is no such page.")}


class DetailOperation(Operation):
    """A single run."""

    name = "get_course_run"
    summary = "Get a course run that the public sees"
    description = "By its id, which the list has."
    group = GROUP
    parameters = (OpenApiParameter("run_id", OpenApiTypes.INT64, OpenApiParameter.PATH),)
    answers = {200: PublicCourseRun, 404: explained("The public sees no run with this id.")}


class CourseRunListExtension(OpenApiViewExtension):
    """Describes the list, here and in a document of the project's own."""

    target_class = "cms_lms.enrollment.api.CourseRunListView"

    def view_replacement(self) -> type:
        """Return the view with its description."""
        return type("CourseRuns", (self.target,), {"schema": ListOperation()})


class CourseRunDetailExtension(OpenApiViewExtension):
    """Describes a single run, here and in a document of the project's own."""

    target_class = "cms_lms.enrollment.api.CourseRunDetailView"

    def view_replacement(self) -> type:
        """Return the view with its description."""
        return type("CourseRun", (self.target,), {"schema": DetailOperation()})
