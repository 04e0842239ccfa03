"""``manage.py select_lms URL``: which LMS backend owns a URL, and what the patterns find in it, as JSON."""

from __future__ import annotations

import json
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.utils.translation import gettext as _

from cms_lms.matching.verdict import explain
from cms_lms.patterns.urls import InvalidURL

NO_MATCH, REFUSED = 1, 2


class Command(BaseCommand):
    """Prints the verdict; exits 1 when nothing matches, 2 when the URL is refused before any pattern sees it."""

    help = "Print as JSON which LMS backend owns a URL. Exits 1 when none does, 2 when the URL is not valid."

    def add_arguments(self, parser: CommandParser) -> None:
        """Take the URL."""
        parser.add_argument("url", help="the URL of a course run on its LMS")

    def handle(self, *args: Any, url: str, **options: Any) -> None:
        """Print the verdict."""
        try:
            verdict = explain(url)
        except InvalidURL as error:
            message = _("This URL is refused: %(reason)s") % {"reason": error.message}
            raise CommandError(message, returncode=REFUSED) from None
        self.stdout.write(json.dumps(verdict.as_json(), indent=2, ensure_ascii=False))
        if not verdict.is_match:
            raise CommandError(str(verdict.reason), returncode=NO_MATCH)
