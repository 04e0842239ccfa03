"""UnplacedRun: a run that an LMS sends and the catalogue has no place for, until somebody gives it one.

One row a link, however often it is sent: the last payload is what a replay applies. Rows outlive the deliveries
that made them.
"""

from __future__ import annotations

from django.db import models
from django.utils.translation import gettext_lazy as _

from cms_lms.models.course_run import RESOURCE_LINK_MAX_LENGTH
from cms_lms.models.delivery import SyncDelivery


class Problem(models.TextChoices):
    """What is wanting."""

    NO_BACKEND = "no_backend", _("No LMS backend")
    UNKNOWN_COURSE = "unknown_course", _("Unknown course")


class UnplacedRunQuerySet(models.QuerySet["UnplacedRun"]):
    """Named for what the sets mean."""

    def waiting(self) -> UnplacedRunQuerySet:
        """Return those that nobody has decided to ignore."""
        return self.filter(is_ignored=False)


class UnplacedRun(models.Model):
    """A refused item of a delivery that can be applied once its course, or its backend, is there."""

    resource_link = models.CharField(verbose_name=_("resource link"), max_length=RESOURCE_LINK_MAX_LENGTH)
    resource_key = models.CharField(max_length=64, unique=True, editable=False)
    problem = models.CharField(verbose_name=_("wanting"), max_length=20, choices=Problem.choices)
    backend = models.ForeignKey(
        "cms_lms.LMSBackend",
        verbose_name=_("LMS backend"),
        null=True,
        blank=True,
        on_delete=models.SET_NULL,
        related_name="unplaced_runs",
    )
    organisation = models.CharField(
        verbose_name=_("organisation"),
        max_length=100,
        blank=True,
        default="",
        help_text=_("As in the course key; blank if the key names none."),
    )
    code = models.CharField(
        verbose_name=_("course code"), max_length=100, blank=True, default="", help_text=_("The normalised code.")
    )
    payload = models.JSONField(verbose_name=_("payload"), help_text=_("The item, as it was last sent."))
    signer_scope = models.JSONField(
        null=True,
        blank=True,
        editable=False,
        help_text=_("The ids of the backends whose runs the secret may write; null for all."),
    )
    delivery = models.ForeignKey(
        SyncDelivery,
        verbose_name=_("last delivery"),
        null=True,
        blank=True,
        on_delete=models.SET_NULL,
        related_name="unplaced_runs",
    )
    first_seen_at = models.DateTimeField(verbose_name=_("first sent"))
    last_seen_at = models.DateTimeField(verbose_name=_("last sent"), db_index=True)
    times_seen = models.PositiveIntegerField(verbose_name=_("times sent"), default=1)
    is_ignored = models.BooleanField(verbose_name=_("ignored"), default=False)

    objects = UnplacedRunQuerySet.as_manager()

    class Meta:
        verbose_name = _("run without a place")
        verbose_name_plural = _("runs without a place")
        ordering = ["organisation", "code", "-last_seen_at", "pk"]
        indexes = [models.Index(fields=["organisation", "code"], name="cms_lms_unplaced_code")]

    def __str__(self) -> str:
        return self.resource_link
