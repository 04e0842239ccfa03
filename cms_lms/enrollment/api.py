"""The read API: course runs as the public sees them, for headless sites and for senders that check.

The contract is "Read" of the wire protocol. Knows the records, writes nothing, and answers the same to
everybody.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from typing import Any

from django.db.models import QuerySet
from django.http import Http404
from django.utils import timezone
from rest_framework import serializers
from rest_framework.generics import GenericAPIView, ListAPIView, RetrieveAPIView
from rest_framework.pagination import PageNumberPagination
from rest_framework.renderers import JSONRenderer

from cms_lms.enrollment.identifiers import parse_id
from cms_lms.models import Course, CourseRun
from cms_lms.patterns.urls import InvalidURL
from cms_lms.runs.fields import DATE_FIELDS, PRICE_FIELDS, SYNCED_FIELDS

#: Texts that the records keep blank and the protocol writes as null.
NULL_WHEN_BLANK = ("offer", "certificate_offer", "discount", "certificate_discount")


def utc(**kwargs: Any) -> serializers.DateTimeField:
    """Return a field that writes dates in UTC, with ``Z``."""
    return serializers.DateTimeField(default_timezone=dt.UTC, format="iso-8601", **kwargs)


class StateSerializer(serializers.Serializer):
    """The state of a run, in the stable English words of the protocol."""

    priority = serializers.IntegerField()
    datetime = utc()
    call_to_action = serializers.CharField()
    text = serializers.CharField()


class CourseRunSerializer(serializers.ModelSerializer):
    """The fields that a sender posts, as the public sees them, and what follows from them."""

    state = serializers.SerializerMethodField()

    class Meta:
        model = CourseRun
        fields = ["id", "title", *SYNCED_FIELDS, "state"]
        extra_kwargs = {
            **{name: {"default_timezone": dt.UTC, "format": "iso-8601"} for name in DATE_FIELDS},
            **{name: {"coerce_to_string": True} for name in PRICE_FIELDS},
        }

    def get_state(self, run: CourseRun) -> dict[str, Any]:
        """Return the state at the moment that the view names."""
        return StateSerializer(run.get_state(self.context["now"])).data

    def to_representation(self, instance: CourseRun) -> dict[str, Any]:
        """As REST framework's, with null for what the LMS left out."""
        data = super().to_representation(instance)
        for name in NULL_WHEN_BLANK:
            data[name] = data[name] or None
        return data


class CourseRunPagination(PageNumberPagination):
    """``?page=`` and ``?page_size=``, at most 100 runs a page."""

    page_size = 50
    page_size_query_param = "page_size"
    max_page_size = 100


class PublicCourseRuns(GenericAPIView):
    """What both views share: public runs only, JSON only, nobody logs in and nobody writes."""

    authentication_classes: Sequence[Any] = ()
    permission_classes: Sequence[Any] = ()
    versioning_class = None
    renderer_classes = (JSONRenderer,)
    serializer_class = CourseRunSerializer

    def get_queryset(self) -> QuerySet[CourseRun]:
        """Return the runs that the public site shows, in a stable order."""
        return CourseRun.objects.public().order_by("pk")

    def get_serializer_context(self) -> dict[str, Any]:
        """Add the moment at which states are told: one for the whole answer."""
        return {**super().get_serializer_context(), "now": timezone.now()}


class CourseRunListView(PublicCourseRuns, ListAPIView):
    """List the public runs, all or those of a ``resource_link`` or a ``course`` code."""

    pagination_class = CourseRunPagination

    def filter_queryset(self, queryset: QuerySet[Any]) -> QuerySet[Any]:
        """Narrow the list down; a link or a code that cannot exist has no runs."""
        resource_link = self.request.query_params.get("resource_link")
        course = self.request.query_params.get("course")
        if resource_link:
            try:
                queryset = queryset.filter(pk__in=CourseRun.objects.for_link(resource_link))
            except InvalidURL:
                return queryset.none()
        if course:
            queryset = queryset.filter(course__in=Course.objects.for_code(course))
        return queryset


class CourseRunDetailView(PublicCourseRuns, RetrieveAPIView):
    """One public run by its id."""

    def get_object(self) -> CourseRun:
        """Return the run; whatever is not the id of a public run is not found."""
        run_id = parse_id(self.kwargs["run_id"])
        if run_id is None:
            raise Http404
        try:
            return self.get_queryset().get(pk=run_id)
        except CourseRun.DoesNotExist:
            raise Http404 from None
