"""The filters beside the listings."""

from __future__ import annotations

import django_filters
from django import forms
from django.contrib.auth import get_user_model
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils import timezone
from django.utils.translation import gettext_lazy as _
from wagtail.admin.filters import DateRangePickerWidget, WagtailFilterSet
from wagtail.admin.widgets import BooleanRadioSelect

from cms_lms.backends.registry import backend_choices, js_backend_choices
from cms_lms.models import Course, CourseRun, DeletedRun, LMSBackend, SyncDelivery
from cms_lms.models.delivery import Outcome
from cms_lms.runs.codes import normalize_code
from cms_lms.runs.fields import SyncMode
from cms_lms.sync.waiting import edited_by_staff, in_moderation

#: The priorities of ``compute_state``; a priority is broader than its state's text, hence words of its own.
STATE_CHOICES = [
    (0, _("On-going, open for enrollment")),
    (1, _("Starting later, open for enrollment")),
    (2, _("Over, still open")),
    (3, _("Enrollment opens later")),
    (4, _("Starting later, enrollment closed")),
    (5, _("On-going, enrollment closed")),
    (6, _("Archived")),
    (7, _("To be scheduled")),
]

STATUS_CHOICES = [("live", _("Live")), ("live_draft", _("Live + draft")), ("draft", _("Draft"))]

#: Listed here rather than found: the database would look through every delivery for them.
ANSWER_CHOICES = [
    (200, _("200 – done")),
    (400, _("400 – something refused")),
    (401, _("401 – not of this secret")),
    (409, _("409 – another body for a known message id")),
    (413, _("413 – too long")),
    (415, _("415 – another content type")),
]

KIND_CHOICES = [("call", _("Calls of LMSs")), ("dry_run", _("Dry runs")), ("replay", _("Replays"))]

NONE = "none"


class LMSBackendFilterSet(WagtailFilterSet):
    """Backends by class, JS backend, whether enabled, and mode."""

    backend = django_filters.ChoiceFilter(
        label=_("Backend class"), choices=backend_choices, empty_label=_("All"), widget=forms.RadioSelect
    )
    js_backend = django_filters.ChoiceFilter(
        label=_("JS backend"),
        choices=js_backend_choices,
        empty_label=_("All"),
        null_label=_("None (a plain link)"),
        null_value=NONE,
        method="filter_js_backend",
        widget=forms.RadioSelect,
    )
    is_enabled = django_filters.BooleanFilter(label=_("Enabled"), widget=BooleanRadioSelect)
    default_sync_mode = django_filters.ChoiceFilter(
        label=_("Default synchronisation"),
        choices=SyncMode.choices,
        empty_label=_("All"),
        null_label=_("The site's default"),
        null_value=NONE,
        method="filter_default_sync_mode",
        widget=forms.RadioSelect,
    )

    class Meta:
        model = LMSBackend
        fields = ["backend", "js_backend", "is_enabled", "default_sync_mode"]

    def filter_js_backend(self, queryset: QuerySet, name: str, value: str) -> QuerySet:
        """A backend without one has a blank, not a null."""
        return queryset.filter(js_backend="" if value == NONE else value)

    def filter_default_sync_mode(self, queryset: QuerySet, name: str, value: str) -> QuerySet:
        """A backend that follows the site has a blank."""
        return queryset.filter(default_sync_mode="" if value == NONE else value)


class CourseFilterSet(WagtailFilterSet):
    """Courses by organisation, and by whether they have runs."""

    organisation = django_filters.AllValuesFilter(label=_("Organisation"), empty_label=_("All"))
    has_runs = django_filters.BooleanFilter(
        label=_("Has course runs"), method="filter_has_runs", widget=BooleanRadioSelect
    )

    class Meta:
        model = Course
        fields = ["organisation", "has_runs"]

    def filter_has_runs(self, queryset: QuerySet, name: str, value: bool) -> QuerySet:
        """By the count that the listing annotates."""
        return queryset.filter(run_count__gt=0) if value else queryset.filter(run_count=0)


class CourseRunFilterSet(WagtailFilterSet):
    """Runs by backend, course, state, mode and status."""

    matched_backend = django_filters.ModelChoiceFilter(
        label=_("LMS backend"),
        queryset=LMSBackend.objects.all(),
        empty_label=_("All"),
        null_label=_("None matches"),
        null_value=NONE,
    )
    course = django_filters.ModelChoiceFilter(label=_("Course"), queryset=Course.objects.all(), empty_label=_("All"))
    state = django_filters.ChoiceFilter(
        label=_("State"),
        choices=STATE_CHOICES,
        empty_label=_("All"),
        method="filter_state",
        widget=forms.RadioSelect,
    )
    sync_mode = django_filters.ChoiceFilter(
        label=_("Synchronisation"), choices=SyncMode.choices, empty_label=_("All"), widget=forms.RadioSelect
    )
    status = django_filters.ChoiceFilter(
        label=_("Status"),
        choices=STATUS_CHOICES,
        empty_label=_("All"),
        method="filter_status",
        widget=forms.RadioSelect,
    )

    class Meta:
        model = CourseRun
        fields = ["matched_backend", "course", "state", "sync_mode", "status"]

    def filter_state(self, queryset: QuerySet, name: str, value: str) -> QuerySet:
        """By the state at this moment."""
        return queryset.in_state(int(value), timezone.now())

    def filter_status(self, queryset: QuerySet, name: str, value: str) -> QuerySet:
        """By what the public and what staff see."""
        if value == "draft":
            return queryset.filter(live=False)
        return queryset.filter(live=True, has_unpublished_changes=value == "live_draft")


def users_who_deleted(request: HttpRequest | None) -> QuerySet:
    """Return the users who deleted a run that has not come back."""
    return get_user_model()._default_manager.filter(pk__in=DeletedRun.objects.values("deleted_by"))


class DeletedRunFilterSet(WagtailFilterSet):
    """Deleted runs by time, backend and who deleted them."""

    deleted_at = django_filters.DateFromToRangeFilter(label=_("Deleted"), widget=DateRangePickerWidget)
    matched_backend = django_filters.ModelChoiceFilter(
        label=_("LMS backend"),
        queryset=LMSBackend.objects.all(),
        empty_label=_("All"),
        null_label=_("None matches"),
        null_value=NONE,
    )
    deleted_by = django_filters.ModelChoiceFilter(
        label=_("Deleted by"), queryset=users_who_deleted, empty_label=_("All")
    )

    class Meta:
        model = DeletedRun
        fields = ["deleted_at", "matched_backend", "deleted_by"]


class WaitingRunFilterSet(WagtailFilterSet):
    """What waits by backend and course, by whose doing, and by what holds it."""

    matched_backend = django_filters.ChoiceFilter(
        label=_("LMS backend"), empty_label=_("All"), null_label=_("None matches"), null_value=NONE
    )
    course = django_filters.CharFilter(label=_("Course code"), method="filter_course")
    is_edited = django_filters.BooleanFilter(
        label=_("Edited by staff, too"), method="filter_is_edited", widget=BooleanRadioSelect
    )
    is_in_moderation = django_filters.BooleanFilter(
        label=_("In moderation"), method="filter_is_in_moderation", widget=BooleanRadioSelect
    )

    class Meta:
        model = CourseRun
        fields = ["matched_backend", "course", "is_edited", "is_in_moderation"]

    def __init__(self, *args, **kwargs) -> None:
        super().__init__(*args, **kwargs)
        # Asked for once; the filter of a model asks again for what was chosen.
        self.filters["matched_backend"].extra["choices"] = list(LMSBackend.objects.values_list("pk", "name"))

    def filter_course(self, queryset: QuerySet, name: str, value: str) -> QuerySet:
        """By the code, however it is written."""
        return queryset.filter(course__code=normalize_code(value))

    def filter_is_edited(self, queryset: QuerySet, name: str, value: bool) -> QuerySet:
        """By whether a user saved a version since the public one."""
        return queryset.filter(edited_by_staff() if value else ~edited_by_staff())

    def filter_is_in_moderation(self, queryset: QuerySet, name: str, value: bool) -> QuerySet:
        """By whether a moderation is in progress."""
        return queryset.filter(in_moderation() if value else ~in_moderation())


class SyncDeliveryFilterSet(WagtailFilterSet):
    """Deliveries by time, answer, backend, outcome, and whether an LMS sent them."""

    received_at = django_filters.DateFromToRangeFilter(label=_("Received"), widget=DateRangePickerWidget)
    status_code = django_filters.ChoiceFilter(
        label=_("Answer"),
        choices=ANSWER_CHOICES,
        empty_label=_("All"),
        null_label=_("In progress or interrupted"),
        null_value=NONE,
        widget=forms.RadioSelect,
    )
    backend = django_filters.ModelChoiceFilter(
        label=_("LMS backend"),
        queryset=LMSBackend.objects.all(),
        empty_label=_("All"),
        null_label=_("None or several"),
        null_value=NONE,
    )
    outcome = django_filters.ChoiceFilter(
        label=_("Outcome"),
        choices=Outcome.choices,
        empty_label=_("All"),
        method="filter_outcome",
        widget=forms.RadioSelect,
    )
    kind = django_filters.ChoiceFilter(
        label=_("Kind"), choices=KIND_CHOICES, empty_label=_("All"), method="filter_kind", widget=forms.RadioSelect
    )

    class Meta:
        model = SyncDelivery
        fields = ["received_at", "status_code", "backend", "outcome", "kind"]

    def filter_outcome(self, queryset: QuerySet, name: str, value: str) -> QuerySet:
        """Deliveries with at least one item that ended so."""
        return queryset.filter(**{f"{value}_count__gt": 0})

    def filter_kind(self, queryset: QuerySet, name: str, value: str) -> QuerySet:
        """Dry runs, replays, or what is neither; a replay that was a dry run is both."""
        if value == "dry_run":
            return queryset.filter(is_dry_run=True)
        return queryset.replays() if value == "replay" else queryset.filter(is_dry_run=False).originals()
