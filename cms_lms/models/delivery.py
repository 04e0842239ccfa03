"""SyncDelivery: one call of the web hook, as received and as answered."""

from __future__ import annotations

import datetime as dt

from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from cms_lms.conf import settings as lms_settings
from cms_lms.patterns.urls import resource_key


class Outcome(models.TextChoices):
    """What was decided for one item of a delivery."""

    CREATED = "created", _("Created")
    UPDATED = "updated", _("Updated")
    DRAFTED = "drafted", _("Drafted")
    UNCHANGED = "unchanged", _("Unchanged")
    IGNORED = "ignored", _("Ignored")
    REFUSED = "refused", _("Refused")


#: How many lists of runs are looked through for a link.
MAX_LISTS = 1000


class SyncDeliveryQuerySet(models.QuerySet["SyncDelivery"]):
    """Named for what the sets mean."""

    def replays(self) -> SyncDeliveryQuerySet:
        """Return those that staff had applied anew; who did is known even when the original is gone."""
        return self.filter(Q(replay_of__isnull=False) | Q(replayed_by__isnull=False))

    def originals(self) -> SyncDeliveryQuerySet:
        """Return those that somebody sent."""
        return self.filter(replay_of=None, replayed_by=None)

    def about_link(self, url: str) -> SyncDeliveryQuerySet:
        """Return those with an item of this link, however it is written. Raises ``InvalidURL``.

        Asks for the lists among them first, the latest ``MAX_LISTS``: no database joins both ways among millions.
        """
        key = resource_key(url)
        links = SyncDeliveryLink.objects.filter(resource_key=key).order_by("-delivery")
        lists = list(links.values_list("delivery", flat=True)[:MAX_LISTS])
        return self.filter(Q(resource_key=key) | Q(pk__in=lists))

    def received_before(self, moment: dt.datetime) -> SyncDeliveryQuerySet:
        """Return those that came before a moment (aware)."""
        return self.filter(received_at__lt=moment)


class SyncDelivery(models.Model):
    """A call whose signature was valid. Unsigned calls leave no row, so that nobody fills the table.

    ``items`` is a list of dicts with ``resource_link``, ``outcome``, ``backend`` (slug), ``run`` (id),
    ``reason`` (why refused or ignored) and ``changes`` (field name to ``[old, new]``). Neither secrets
    nor headers are stored; ``secret_name`` says which secret signed, by its place and fingerprint.
    """

    received_at = models.DateTimeField(verbose_name=_("received at"), db_index=True)
    remote_address = models.CharField(verbose_name=_("sender"), max_length=45, blank=True)
    secret_name = models.CharField(verbose_name=_("signed with"), max_length=100)
    backend = models.ForeignKey(
        "cms_lms.LMSBackend",
        verbose_name=_("LMS backend"),
        null=True,
        blank=True,
        on_delete=models.SET_NULL,
        related_name="deliveries",
        help_text=_("The backend of all items, if it is one and the same."),
    )
    signer_scope = models.JSONField(
        null=True,
        blank=True,
        editable=False,
        help_text=_("The ids of the backends whose runs the secret may write; null for all."),
    )
    webhook_id = models.CharField(
        verbose_name=_("message id"),
        max_length=255,
        blank=True,
        default="",
        help_text=_("The sender's own id of this call, in the header webhook-id."),
    )
    webhook_key = models.CharField(
        max_length=64,
        null=True,
        blank=True,
        editable=False,
        unique=True,
        help_text=_("A hash of the message id and of whose it is: each is processed once. Null without one."),
    )
    event_at = models.DateTimeField(
        verbose_name=_("sent at"),
        null=True,
        blank=True,
        help_text=_("What the sender's header webhook-timestamp says."),
    )
    is_dry_run = models.BooleanField(verbose_name=_("dry run"), default=False)
    replay_of = models.ForeignKey(
        "self", verbose_name=_("replay of"), null=True, blank=True, on_delete=models.SET_NULL, related_name="replays"
    )
    replayed_by = models.ForeignKey(
        lms_settings.user_model,
        verbose_name=_("replayed by"),
        null=True,
        blank=True,
        on_delete=models.SET_NULL,
        related_name="+",
    )
    resource_key = models.CharField(
        max_length=64,
        blank=True,
        default="",
        editable=False,
        db_index=True,
        help_text=_("The key of the link of all its items; blank if they are of several, each with a row of its own."),
    )
    payload = models.TextField(verbose_name=_("payload"), blank=True)
    status_code = models.PositiveSmallIntegerField(
        verbose_name=_("answer"),
        null=True,
        blank=True,
        help_text=_("Empty while the call is being processed, and for ever if the process ended before it answered."),
    )
    response = models.JSONField(verbose_name=_("answer's body"), default=dict)
    items = models.JSONField(verbose_name=_("items"), default=list)
    created_count = models.PositiveIntegerField(verbose_name=_("created"), default=0)
    updated_count = models.PositiveIntegerField(verbose_name=_("updated"), default=0)
    drafted_count = models.PositiveIntegerField(verbose_name=_("drafted"), default=0)
    unchanged_count = models.PositiveIntegerField(verbose_name=_("unchanged"), default=0)
    ignored_count = models.PositiveIntegerField(verbose_name=_("ignored"), default=0)
    refused_count = models.PositiveIntegerField(verbose_name=_("refused"), default=0)
    duration_ms = models.PositiveIntegerField(verbose_name=_("duration in milliseconds"), default=0)

    objects = SyncDeliveryQuerySet.as_manager()

    class Meta:
        verbose_name = _("delivery")
        verbose_name_plural = _("deliveries")
        ordering = ["-received_at", "-pk"]
        permissions = [("replay_syncdelivery", "Can replay delivery")]
        # The listing shows the latest of millions, of one backend or one answer too; what is rare is found by its own.
        indexes = [
            models.Index(fields=["backend", "received_at"], name="cms_lms_delivery_backend"),
            models.Index(fields=["status_code", "received_at"], name="cms_lms_delivery_answer"),
            models.Index(fields=["is_dry_run", "received_at"], name="cms_lms_delivery_dry_run"),
            *(models.Index(fields=[f"{outcome}_count"], name=f"cms_lms_delivery_{outcome}") for outcome in Outcome),
        ]

    def __str__(self) -> str:
        return f"{self.received_at:%Y-%m-%d %H:%M:%S} – {self.status_code or '…'}"

    @property
    def is_replay(self) -> bool:
        """Whether staff had it applied anew, rather than somebody sent it."""
        return self.replay_of_id is not None or self.replayed_by_id is not None

    @property
    def counts(self) -> dict[str, int]:
        """How many items ended in each outcome."""
        return {outcome.value: getattr(self, f"{outcome.value}_count") for outcome in Outcome}


class SyncDeliveryLink(models.Model):
    """That a list of runs is also about this one, by the key of its link: so that it is found among millions."""

    delivery = models.ForeignKey(SyncDelivery, on_delete=models.CASCADE, related_name="links")
    resource_key = models.CharField(max_length=64)

    class Meta:
        indexes = [models.Index(fields=["resource_key", "delivery"], name="cms_lms_delivery_link")]

    def __str__(self) -> str:
        return f"{self.delivery_id}: {self.resource_key}"
