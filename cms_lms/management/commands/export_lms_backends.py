"""``manage.py export_lms_backends``: the LMS backends in the shape of Richie's setting, without secrets."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.utils.translation import gettext as _

from cms_lms.matching.setting_file import write_setting
from cms_lms.matching.setting_import import export_setting


class Command(BaseCommand):
    """Prints what ``import_lms_backends`` takes; importing it changes nothing."""

    help = "Print all LMS backends, in order, as a JSON list in the shape of RICHIE_LMS_BACKENDS."

    def add_arguments(self, parser: CommandParser) -> None:
        """Take the file to write."""
        parser.add_argument("--output", metavar="FILE", help="write to this file instead of the standard output")

    def handle(self, *args: Any, output: str | None, **options: Any) -> None:
        """Print or write the list."""
        text = write_setting(export_setting())
        if output is None:
            self.stdout.write(text, ending="")
            return
        try:
            Path(output).write_text(text, encoding="utf-8")
        except (OSError, ValueError) as error:
            raise CommandError(
                _("%(path)s cannot be written: %(reason)s") % {"path": output, "reason": error}
            ) from None
