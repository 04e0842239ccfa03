"""The fields of a course run, by who owns them, and the choices they take.

Pure: names and choices only. Whoever asks "does a sync write this?", "does a revision keep this?" asks
here, so that the web hook, the forms and the publishing code give one answer.
"""

from __future__ import annotations

from collections.abc import Collection

from django.db.models import TextChoices
from django.utils.translation import gettext_lazy as _


class SyncMode(TextChoices):
    """What the web hook does to a known run."""

    MANUAL = "manual", _("Manual")
    TO_DRAFT = "sync_to_draft", _("Synchronise to draft")
    TO_PUBLIC = "sync_to_public", _("Synchronise to public")


class CatalogVisibility(TextChoices):
    """Where the public finds a run."""

    COURSE_AND_SEARCH = "course_and_search", _("Course page and search")
    COURSE_ONLY = "course_only", _("Course page only")
    HIDDEN = "hidden", _("Hidden")


class DisplayMode(TextChoices):
    """How much of a run its course page shows."""

    DETAILED = "detailed", _("Detailed")
    COMPACT = "compact", _("Compact")


class Offer(TextChoices):
    """What access to the course costs."""

    FREE = "free", _("Free")
    PARTIALLY_FREE = "partially_free", _("Partially free")
    PAID = "paid", _("Paid")
    SUBSCRIPTION = "subscription", _("Subscription")


class CertificateOffer(TextChoices):
    """What the certificate costs."""

    FREE = "free", _("Free")
    PAID = "paid", _("Paid")
    SUBSCRIPTION = "subscription", _("Subscription")


DATE_FIELDS = ("start", "end", "enrollment_start", "enrollment_end")

PRICE_FIELDS = ("price", "discounted_price", "certificate_price", "certificate_discounted_price")

OFFER_FIELDS = (
    "price",
    "price_currency",
    "offer",
    "certificate_price",
    "certificate_offer",
    "discounted_price",
    "discount",
    "certificate_discounted_price",
    "certificate_discount",
)

#: What the LMS says about a run and a revision keeps.
CONTENT_FIELDS = ("resource_link", *DATE_FIELDS, "languages", "catalog_visibility", *OFFER_FIELDS)

#: Counted by the LMS: written to the row at once, never in a revision.
COUNTER_FIELDS = ("enrollment_count",)

#: Everything a sync may write.
SYNCED_FIELDS = (*CONTENT_FIELDS, *COUNTER_FIELDS)

#: The fields that a backend may protect from its own LMS; the link is the key, so never one of them.
PROTECTABLE_FIELDS = tuple(name for name in SYNCED_FIELDS if name != "resource_link")

#: Written by staff alone.
EDITORIAL_FIELDS = ("course", "title", "display_mode")

#: What makes a draft differ from the public version.
VERSIONED_FIELDS = (*EDITORIAL_FIELDS, *CONTENT_FIELDS)

#: What an editor may set beside the versioned fields, and what makes a draft differ from the public version too.
SCHEDULE_FIELDS = ("go_live_at", "expire_at")

#: About the run rather than of it: kept on the row whatever a revision says.
BOOKKEEPING_FIELDS = (
    "sync_mode",
    "matched_backend",
    "matched_course_id",
    "last_synced_at",
    "last_event_at",
    "draft_synced_at",
    "draft_notified_at",
    "discarded_values",
    "counter_announced_at",
    *COUNTER_FIELDS,
)


def lms_owned_fields(no_update_fields: Collection[str] = ()) -> tuple[str, ...]:
    """Return the content fields that the LMS may still write after the first sync, in declared order."""
    return tuple(name for name in CONTENT_FIELDS if name not in no_update_fields)
