"""``manage.py send_draft_digest``: tells publishers by e-mail of drafts that they were not told of yet; for cron."""

from __future__ import annotations

from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from cms_lms.sync.draft_mail import MailNotSent, send_digest


class Command(BaseCommand):
    """Sends one mail to each publisher, or none when there is nothing new."""

    help = (
        "Tell those who may publish course runs of what waits for publication since they were last told, for the LMS "
        "backends that want it. Exits 1 when no mail could be sent; the next digest then tells of the same runs."
    )

    def handle(self, *args: Any, **options: Any) -> None:
        """Send the digest and say how many mails that made."""
        try:
            sent = send_digest()
        except MailNotSent:
            raise CommandError(_("No mail could be sent. The site’s log says why.")) from None
        message = ngettext("%(count)s mail was sent.", "%(count)s mails were sent.", sent)
        self.stdout.write(message % {"count": sent})
