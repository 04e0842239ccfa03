"""``manage.py submit_drafts``: submits to moderation the drafts that wait and were not submitted so far."""

from __future__ import annotations

from typing import Any

from django.core.management.base import BaseCommand
from django.utils.translation import ngettext

from cms_lms.sync.moderation import submit_waiting


class Command(BaseCommand):
    """Submits each draft once, however often it is run."""

    help = (
        "Submit to moderation the drafts of LMS backends that submit them, where that was not done when they came: "
        "because there was no workflow or no such wish by then, or the mail server was down."
    )

    def handle(self, *args: Any, **options: Any) -> None:
        """Submit them and say how many there were."""
        count = submit_waiting()
        message = ngettext("%(count)s draft was submitted.", "%(count)s drafts were submitted.", count)
        self.stdout.write(message % {"count": count})
