"""SyncDelivery: one call of the web hook, as received and as answered."""

from __future__ import annotations

from django.db import models
from django.utils.translation import gettext_lazy as _


class Outcome(models.TextChoices):
    """What was decided for one item of a delivery."""

    CREATED = "created", _("Created")
    UPDATED = "updated", _("Updated")
    DRAFTED = "drafted", _("Drafted")
    UNCHANGED = "unchanged", _("Unchanged")
    IGNORED = "ignored", _("Ignored")
    REFUSED = "refused", _("Refused")


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
    payload = models.TextField(verbose_name=_("payload"), blank=True)
    status_code = models.PositiveSmallIntegerField(verbose_name=_("answer"))
    response = models.JSONField(verbose_name=_("answer's body"), default=dict)
    items = models.JSONField(verbose_name=_("items"), default=list)
    created_count = models.PositiveIntegerField(verbose_name=_("created"), default=0)
    updated_count = models.PositiveIntegerField(verbose_name=_("updated"), default=0)
    drafted_count = models.PositiveIntegerField(verbose_name=_("drafted"), default=0)
    unchanged_count = models.PositiveIntegerField(verbose_name=_("unchanged"), default=0)
    ignored_count = models.PositiveIntegerField(verbose_name=_("ignored"), default=0)
    refused_count = models.PositiveIntegerField(verbose_name=_("refused"), default=0)
    duration_ms = models.PositiveIntegerField(verbose_name=_("duration in milliseconds"), default=0)

    class Meta:
        verbose_name = _("delivery")
        verbose_name_plural = _("deliveries")
        ordering = ["-received_at", "-pk"]

    def __str__(self) -> str:
        return f"{self.received_at:%Y-%m-%d %H:%M:%S} – {self.status_code}"

    @property
    def counts(self) -> dict[str, int]:
        """How many items ended in each outcome."""
        return {outcome.value: getattr(self, f"{outcome.value}_count") for outcome in Outcome}
