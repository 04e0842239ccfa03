"""CourseRun: one dated edition of a course on one LMS, known by its resource link.

The row is what the public sees, the latest revision is what staff edit. Two rules of this module keep
syncs and staff out of each other's way: fields that are about the run rather than of it stay on the row
whatever a revision says, and while the run is synchronised to public so do the fields that the LMS owns.
Every publication reads the row under a lock, so that none of them brings back an older value.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from typing import Any, cast

from django.core.exceptions import ValidationError
from django.core.validators import MinValueValidator
from django.db import models, transaction
from django.utils.translation import gettext_lazy as _
from wagtail.models import (
    DraftStateMixin,
    LockableMixin,
    PreviewableMixin,
    Revision,
    RevisionMixin,
    WorkflowMixin,
)

from cms_lms.conf import settings as lms_settings
from cms_lms.models.course import Course
from cms_lms.models.course_run_sets import CourseRunQuerySet
from cms_lms.models.ownership import owned_fields_for
from cms_lms.patterns.urls import InvalidURL, normalize_url, resource_key
from cms_lms.runs.currencies import currency_codes
from cms_lms.runs.fields import (
    BOOKKEEPING_FIELDS,
    CONTENT_FIELDS,
    DATE_FIELDS,
    PRICE_FIELDS,
    CatalogVisibility,
    CertificateOffer,
    DisplayMode,
    Offer,
    SyncMode,
)
from cms_lms.runs.state import State, compute_state

RESOURCE_LINK_MAX_LENGTH = 2000

#: What Open edX allows, and short enough for an index on every database.
MATCHED_COURSE_ID_MAX_LENGTH = 255


def default_languages() -> list[str]:
    """Return an empty list; a name that migrations can refer to."""
    return []


class CourseRun(
    WorkflowMixin,
    DraftStateMixin,
    LockableMixin,
    RevisionMixin,
    PreviewableMixin,
    models.Model,
):
    """A course run. Created by the web hook or by hand, published through Wagtail."""

    course = models.ForeignKey(Course, verbose_name=_("course"), on_delete=models.PROTECT, related_name="course_runs")
    resource_link = models.CharField(
        verbose_name=_("resource link"),
        max_length=RESOURCE_LINK_MAX_LENGTH,
        help_text=_("The URL of the run on its LMS. It decides which LMS backend applies."),
    )
    resource_key = models.CharField(max_length=64, unique=True, blank=True, editable=False)
    sync_mode = models.CharField(
        verbose_name=_("synchronisation"), max_length=20, choices=SyncMode.choices, default=SyncMode.MANUAL
    )
    title = models.CharField(
        verbose_name=_("title"),
        max_length=255,
        blank=True,
        help_text=_("Shown instead of the course's title, for example “Spring edition”."),
    )
    start = models.DateTimeField(verbose_name=_("course start"), null=True, blank=True)
    end = models.DateTimeField(verbose_name=_("course end"), null=True, blank=True)
    enrollment_start = models.DateTimeField(verbose_name=_("enrollment start"), null=True, blank=True)
    enrollment_end = models.DateTimeField(verbose_name=_("enrollment end"), null=True, blank=True)
    languages = models.JSONField(
        verbose_name=_("languages"),
        default=default_languages,
        blank=True,
        help_text=_("The languages in which the run is taught."),
    )
    enrollment_count = models.PositiveIntegerField(verbose_name=_("enrollment count"), default=0, blank=True)
    catalog_visibility = models.CharField(
        verbose_name=_("visibility"),
        max_length=20,
        choices=CatalogVisibility.choices,
        default=CatalogVisibility.COURSE_AND_SEARCH,
    )
    display_mode = models.CharField(
        verbose_name=_("display"), max_length=20, choices=DisplayMode.choices, default=DisplayMode.DETAILED
    )
    price = models.DecimalField(
        verbose_name=_("price"),
        max_digits=9,
        decimal_places=2,
        null=True,
        blank=True,
        validators=[MinValueValidator(0)],
    )
    price_currency = models.CharField(
        verbose_name=_("currency"), max_length=3, default="EUR", help_text=_("An ISO 4217 code, for example EUR.")
    )
    offer = models.CharField(verbose_name=_("offer"), max_length=20, choices=Offer.choices, blank=True, default="")
    discounted_price = models.DecimalField(
        verbose_name=_("discounted price"),
        max_digits=9,
        decimal_places=2,
        null=True,
        blank=True,
        validators=[MinValueValidator(0)],
    )
    discount = models.CharField(verbose_name=_("discount"), max_length=100, blank=True, default="")
    certificate_offer = models.CharField(
        verbose_name=_("certificate offer"), max_length=20, choices=CertificateOffer.choices, blank=True, default=""
    )
    certificate_price = models.DecimalField(
        verbose_name=_("certificate price"),
        max_digits=9,
        decimal_places=2,
        null=True,
        blank=True,
        validators=[MinValueValidator(0)],
    )
    certificate_discounted_price = models.DecimalField(
        verbose_name=_("discounted certificate price"),
        max_digits=9,
        decimal_places=2,
        null=True,
        blank=True,
        validators=[MinValueValidator(0)],
    )
    certificate_discount = models.CharField(
        verbose_name=_("certificate discount"), max_length=100, blank=True, default=""
    )
    matched_backend = models.ForeignKey(
        "cms_lms.LMSBackend",
        verbose_name=_("LMS backend"),
        null=True,
        blank=True,
        editable=False,
        on_delete=models.SET_NULL,
        related_name="course_runs",
        help_text=_("For listings and counts; whoever needs the truth asks the handler."),
    )
    matched_course_id = models.CharField(
        max_length=MATCHED_COURSE_ID_MAX_LENGTH,
        blank=True,
        default="",
        editable=False,
        help_text=_("The course id that this backend's pattern finds in the link; blank for one that is too long."),
    )
    last_synced_at = models.DateTimeField(verbose_name=_("last synchronised"), null=True, blank=True, editable=False)
    last_event_at = models.DateTimeField(
        null=True,
        blank=True,
        editable=False,
        help_text=_("When what was last applied happened at the sender; of senders that say so."),
    )
    draft_synced_at = models.DateTimeField(
        verbose_name=_("waiting since"),
        null=True,
        blank=True,
        editable=False,
        db_index=True,
        help_text=_("When a synchronisation last changed what waits for publication; empty if nothing of it waits."),
    )
    draft_notified_at = models.DateTimeField(
        null=True, blank=True, editable=False, help_text=_("When publishers were last told of what waits.")
    )
    discarded_values = models.JSONField(
        default=dict,
        blank=True,
        editable=False,
        help_text=_("What staff last discarded of what the LMS sent, by field; as long as it repeats that, no draft."),
    )
    counter_announced_at = models.DateTimeField(
        null=True, blank=True, editable=False, help_text=_("When a change of a counter alone last reached the caches.")
    )

    objects = CourseRunQuerySet.as_manager()

    class Meta:
        verbose_name = _("course run")
        verbose_name_plural = _("course runs")
        ordering = ["course__code", "-start", "pk"]
        indexes = [models.Index(fields=["matched_backend", "matched_course_id"], name="cms_lms_run_course_id")]

    def __str__(self) -> str:
        return self.display_title

    def save(self, *args, **kwargs) -> None:
        """Keep the key in step with the link, whoever saves. Raises ``InvalidURL``."""
        update_fields = kwargs.get("update_fields")
        if update_fields is None or "resource_link" in update_fields:
            self.resource_key = resource_key(self.resource_link)
            if update_fields is not None:
                kwargs["update_fields"] = {*update_fields, "resource_key"}
        super().save(*args, **kwargs)

    @property
    def display_title(self) -> str:
        """The run's own title, else its course's."""
        if self.title:
            return self.title
        return self.course.title if self.course_id else ""

    @property
    def owned_fields(self) -> tuple[str, ...]:
        """The content fields that the LMS owns, whatever the mode."""
        return owned_fields_for(self.resource_link)

    @property
    def is_unpublished_draft(self) -> bool:
        """Whether the public has never seen the run; one that staff took off the site is none."""
        return not self.live and self.first_published_at is None

    def is_discarded(self, values: Mapping[str, Any]) -> bool:
        """Whether all these values of fields are what staff discarded when the LMS last sent them."""
        return bool(values) and all(
            name in self.discarded_values
            and cast("models.Field", self._meta.get_field(name)).to_python(self.discarded_values[name]) == value
            for name, value in values.items()
        )

    def get_state(self, now: dt.datetime) -> State:
        """Return the run's state at a moment (aware)."""
        return compute_state(self.start, self.end, self.enrollment_start, self.enrollment_end, now=now)

    def clean(self) -> None:
        """Refuse a link that is no URL or another run's, and unknown languages and currencies."""
        errors: dict[str, ValidationError] = {}
        if self.resource_link:
            try:
                normalize_url(self.resource_link)
                self.resource_key = resource_key(self.resource_link)
            except InvalidURL as error:
                errors["resource_link"] = ValidationError(error.message, code=error.code)
            else:
                if self._is_taken(self.resource_link):
                    errors["resource_link"] = ValidationError(
                        _(
                            "Another course run has this link already; links that differ only in scheme, host case, "
                            "default port, escapes or trailing slash are the same."
                        ),
                        code="unique",
                    )
        if not isinstance(self.languages, list) or not self._are_known(self.languages):
            errors["languages"] = ValidationError(_("Choose languages that courses are taught in."), code="languages")
        if self.price_currency:
            self.price_currency = self.price_currency.upper()
            if self.price_currency not in currency_codes():
                message = _("Enter an ISO 4217 code, for example EUR.")
                errors["price_currency"] = ValidationError(message, code="currency")
        if errors:
            raise ValidationError(errors)

    def _are_known(self, languages: list[Any]) -> bool:
        """Whether courses are taught in these languages, or were when the run got them: a setting may shrink."""
        unknown = set(map(str, languages)) - {code for code, _label in lms_settings.COURSE_LANGUAGES}
        if not unknown:
            return True
        row = CourseRun.objects.filter(pk=self.pk).first()
        return row is not None and unknown.issubset(row.languages)

    def serializable_data(self) -> dict[str, Any]:
        """As Wagtail's, without the bookkeeping, and with dates to the microsecond.

        Wagtail's encoder cuts dates to milliseconds: a draft would then differ from the payload that made
        it for ever. In ``sync_to_public`` a revision says nothing of what the LMS owns: its copy of the row
        would come out, older than many syncs, once a backend protects the field.
        """
        data = super().serializable_data()
        for name in DATE_FIELDS:
            value = getattr(self, name)
            data[name] = value.astimezone(dt.UTC).isoformat() if value is not None else None
        for name in PRICE_FIELDS:
            value = getattr(self, name)
            data[name] = str(value) if value is not None else None
        owned_fields = self.owned_fields if self.sync_mode == SyncMode.TO_PUBLIC else ()
        for name in (*BOOKKEEPING_FIELDS, "resource_key", *owned_fields):
            data.pop(name, None)
        return data

    def with_content_json(self, content: dict[str, Any]) -> CourseRun:
        """As Wagtail's, keeping the row's bookkeeping, and what the LMS owns in ``sync_to_public``.

        What a revision says nothing of is as on the row.
        """
        # A draft may name a course that was deleted since; nothing in the database protects it there.
        course_id: Any = content.get("course")
        if course_id != self.course_id and not Course.objects.filter(pk=course_id).exists():
            content = {**content, "course": self.course_id}
        # It may as well name a link that has become another run's: whoever published it would meet an error.
        link = content.get("resource_link", self.resource_link)
        if link != self.resource_link and self._is_taken(link):
            content = {**content, "resource_link": self.resource_link}
        # Loaded here, in UTC: Wagtail's loader takes dates to the local time zone, where "never" may have none.
        fields = {name: cast("models.Field", self._meta.get_field(name)) for name in DATE_FIELDS}
        dates = {name: field.to_python(content.get(name)) for name, field in fields.items()}
        run = super().with_content_json({**content, **dict.fromkeys(DATE_FIELDS)})
        for name, value in dates.items():
            setattr(run, name, value)
        for name in BOOKKEEPING_FIELDS:
            attname = cast("models.Field", self._meta.get_field(name)).attname
            setattr(run, attname, getattr(self, attname))
        # Wagtail's own account of what is public, which a draft from before it was unpublished remembers otherwise.
        for attname in ("live_revision_id", "last_published_at", "expired"):
            setattr(run, attname, getattr(self, attname))
        owned_fields = self.owned_fields if self.sync_mode == SyncMode.TO_PUBLIC else ()
        for name in CONTENT_FIELDS:
            if name in owned_fields or name not in content:
                setattr(run, name, getattr(self, name))
        return run

    def _is_taken(self, link: str) -> bool:
        """Whether a link is another run's."""
        try:
            return CourseRun.objects.for_link(link).exclude(pk=self.pk).exists()
        except InvalidURL:
            return False

    @transaction.atomic
    def save_revision(self, *args, **kwargs) -> Revision:
        """As Wagtail's. A draft that says of the LMS's fields again what the public sees waits for nobody.

        The row is locked before the revision is written, as syncs and publications do: else they wait for each other.
        """
        CourseRun.objects.select_for_update().filter(pk=self.pk).values_list("pk", flat=True).first()
        revision = super().save_revision(*args, **kwargs)
        self.stop_waiting_if_settled()
        return revision

    def stop_waiting_if_settled(self) -> None:
        """Forget since when this draft of a live run waits, if it has no value of the LMS that the row has not."""
        if not self.live or self.draft_synced_at is None:
            return
        row = CourseRun.objects.get(pk=self.pk)
        if all(getattr(self, name) == getattr(row, name) for name in CONTENT_FIELDS):
            self.draft_synced_at = None
            CourseRun.objects.filter(pk=self.pk).update(draft_synced_at=None)

    def publish(self, revision: Revision, **kwargs) -> None:
        """Publish a revision over the row as it is now, under its lock.

        Wagtail publishes the object that the revision was made from when it still has it at hand, and
        that one may be older than the last sync; so the revision is read again, and with it the row.
        """
        with transaction.atomic():
            row = CourseRun.objects.select_for_update().get(pk=self.pk)
            stored = Revision.objects.get(pk=revision.pk)
            stored.content_object = row
            super().publish(stored, **kwargs)
            published = CourseRun.objects.filter(pk=self.pk, live=True, has_unpublished_changes=False)
            published.update(draft_synced_at=None)

    def unpublish(self, set_expired: bool = False, commit: bool = True, user=None, log_action=True) -> None:
        """Unpublish the row as it is now, under its lock: Wagtail saves the whole object, which may be stale."""
        if not commit:
            super().unpublish(set_expired=set_expired, commit=False, user=user, log_action=log_action)
            return
        with transaction.atomic():
            row = CourseRun.objects.select_for_update().get(pk=self.pk)
            if row.live:
                row.draft_synced_at = None  # what staff take off the site waits for nobody
            super(CourseRun, row).unpublish(set_expired=set_expired, user=user, log_action=log_action)
        for name in ("live", "has_unpublished_changes", "live_revision", "expired", "draft_synced_at"):
            setattr(self, name, getattr(row, name))

    @property
    def preview_modes(self) -> list[tuple[str, Any]]:
        """One mode: the run as its course page will show it."""
        return [("", _("On the course page"))]

    def get_preview_template(self, request, mode_name: str) -> str:
        """Return the template that the site's settings name."""
        return lms_settings.PREVIEW_TEMPLATE

    def get_preview_context(self, request, mode_name: str) -> dict[str, Any]:
        """Return the run under a name that templates can use beside a page."""
        return {**super().get_preview_context(request, mode_name), "course_run": self, "course": self.course}
