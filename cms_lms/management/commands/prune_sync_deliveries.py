"""``manage.py prune_sync_deliveries``: deletes the deliveries that are older than they are kept."""

from __future__ import annotations

import argparse
import datetime as dt
from typing import Any

from django.core.management.base import BaseCommand, CommandParser
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from cms_lms.conf import PREFIX
from cms_lms.conf import settings as lms_settings
from cms_lms.models import SyncDelivery
from cms_lms.sync.retention import MIN_DAYS, prune_deliveries

#: More than anybody keeps anything, and few enough for a date.
MAX_DAYS = 36_500


def number_of_days(text: str) -> int:
    """Read a number of days. Raises ``ArgumentTypeError``."""
    if not text.isdecimal() or len(text) > len(str(MAX_DAYS)) or not MIN_DAYS <= int(text) <= MAX_DAYS:
        raise argparse.ArgumentTypeError(f"{text!r} is no number of days from {MIN_DAYS} to {MAX_DAYS}")
    return int(text)


class Command(BaseCommand):
    """Deletes in parts; may be broken off and begun again. For a daily run."""

    help = (
        f"Delete the deliveries of the web hook that are older than {PREFIX}DELIVERY_RETENTION_DAYS. "
        "Course runs, runs without a place and deleted runs stay as they are."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        """Take another age, and the wish to look first."""
        parser.add_argument("--days", type=number_of_days, help="keep those of so many days, whatever the setting says")
        parser.add_argument("--dry-run", action="store_true", help="say how many would be deleted, and delete none")

    def handle(self, *args: Any, days: int | None, dry_run: bool, **options: Any) -> None:
        """Delete them, or count them."""
        days = days or lms_settings.DELIVERY_RETENTION_DAYS
        if days is None:
            self.stdout.write(_("Deliveries are kept for ever, as the setting says."))
            return
        now, age = timezone.now(), dt.timedelta(days=days)
        if dry_run:
            count = SyncDelivery.objects.received_before(now - age).count()
            text = ngettext("%(count)d delivery would be deleted.", "%(count)d deliveries would be deleted.", count)
        else:
            count = sum(prune_deliveries(age, now=now))
            text = ngettext("%(count)d delivery deleted.", "%(count)d deliveries deleted.", count)
        self.stdout.write(text % {"count": count})
