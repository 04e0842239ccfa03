"""UnplacedRun: a run that an LMS sends and the catalogue has no place for, until somebody gives it one.

One row a link, however often it is sent: the last payload is what a replay applies. Rows outlive the deliveries
that made them.
"""

from __future__ import annotations

from typing import Any

from django.db import models
from django.db.models import Count, Max, Min
from django.utils.translation import gettext_lazy as _

from cms_lms.models.course_run import RESOURCE_LINK_MAX_LENGTH
from cms_lms.models.delivery import SyncDelivery
from cms_lms.runs.codes import CourseKey

#: What staff decide on together: the runs of one course, or those of one host that no backend owns.
GROUP_FIELDS = ("problem", "organisation", "code", "host")

#: What a course's code and organisation hold; a key that is longer is written down as blank.
KEY_MAX_LENGTH = 100

#: What a host name may have, and a port.
HOST_MAX_LENGTH = 260


class Problem(models.TextChoices):
    """What is wanting."""

    NO_BACKEND = "no_backend", _("No LMS backend")
    UNKNOWN_COURSE = "unknown_course", _("Unknown course")


class UnplacedRunQuerySet(models.QuerySet["UnplacedRun"]):
    """Named for what the sets mean."""

    def waiting(self) -> UnplacedRunQuerySet:
        """Return those that nobody has decided to ignore."""
        return self.filter(is_ignored=False)

    def ignored(self) -> UnplacedRunQuerySet:
        """Return those that somebody has decided to ignore."""
        return self.filter(is_ignored=True)

    def of_group(self, run: UnplacedRun) -> UnplacedRunQuerySet:
        """Return the runs on which is decided together with this one."""
        return self.filter(**{name: getattr(run, name) for name in (*GROUP_FIELDS, "is_ignored")})

    def groups(self) -> models.QuerySet[UnplacedRun, dict[str, Any]]:
        """Return what is decided on together, as dicts, the group that was sent last first.

        ``member``: the id of one of its runs; ``run_count``; ``first_sent``, ``last_sent``; ``backend_name``:
        the LMS backend, the first by name where there are ``backend_count``.
        """
        groups = (
            self.order_by()
            .values(*GROUP_FIELDS)
            .annotate(
                member=Min("pk"),
                run_count=Count("pk"),
                first_sent=Min("first_seen_at"),
                last_sent=Max("last_seen_at"),
                backend_name=Min("backend__name"),
                backend_count=Count("backend", distinct=True),
            )
        )
        return groups.order_by("-last_sent", "member")

    def counts_by_backend(self) -> dict[int | None, int]:
        """Return how many runs are kept of each backend, by its id; None: of none."""
        return dict(self.order_by().values_list("backend").annotate(Count("pk")))


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
        max_length=KEY_MAX_LENGTH,
        blank=True,
        default="",
        help_text=_("As in the course key; blank if the key names none."),
    )
    code = models.CharField(
        verbose_name=_("course code"),
        max_length=KEY_MAX_LENGTH,
        blank=True,
        default="",
        help_text=_("The normalised code."),
    )
    host = models.CharField(
        verbose_name=_("host"),
        max_length=HOST_MAX_LENGTH,
        blank=True,
        default="",
        help_text=_("The host of a link that no LMS backend owns; else blank."),
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

    @property
    def course_key(self) -> CourseKey:
        """The key of the run's course; blank where there is none."""
        return CourseKey(self.organisation, self.code)

    @property
    def group_label(self) -> str:
        """The key of the course, or the host, in one word."""
        if self.problem == Problem.NO_BACKEND:
            return self.host
        return f"{self.organisation}+{self.code}" if self.organisation else self.code
