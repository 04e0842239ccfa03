"""``manage.py import_lms_backends FILE``: LMS backends from a JSON list in the shape of Richie's setting."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.db import IntegrityError
from django.utils.translation import gettext as _

from cms_lms.matching.richie_setting import Refusal
from cms_lms.matching.setting_import import SettingRefused, import_setting

STANDARD_INPUT = "-"


class Command(BaseCommand):
    """All or nothing; importing the same file again changes nothing."""

    help = (
        "Create and update LMS backends from a JSON list in the shape of RICHIE_LMS_BACKENDS, in its order. "
        "Beside Richie's keys it knows NAME, SLUG, ENABLED, SAMPLE_URLS and REJECTED_URLS. "
        "A backend is known by its slug: SLUG, else made from NAME, else from the host and the kind of LMS."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        """Take the file."""
        parser.add_argument("file", help="a JSON file, or - for the standard input")

    def handle(self, *args: Any, file: str, **options: Any) -> None:
        """Import, and say what became of each entry."""
        setting = self.read(file)
        try:
            imported = import_setting(setting)
        except SettingRefused as error:
            raise CommandError("\n".join([_("Nothing was imported."), *map(self.describe, error.refusals)])) from None
        except IntegrityError as error:
            raise CommandError(
                _("Nothing was imported: the database refused. %(reason)s") % {"reason": error}
            ) from None
        for result in imported:
            for warning in result.warnings:
                self.stderr.write(
                    self.describe(Refusal(result.entry, "COURSE_REGEX", _("warning: %(text)s") % {"text": warning})),
                    self.style.WARNING,
                )
            self.stdout.write(f"{result.entry}: {result.outcome} {result.record.slug}")

    @staticmethod
    def read(file: str) -> Any:
        """Return the JSON value of the file. Raises ``CommandError``."""
        try:
            octets = sys.stdin.buffer.read() if file == STANDARD_INPUT else Path(file).read_bytes()
        except (OSError, ValueError) as error:
            raise CommandError(_("%(path)s cannot be read: %(reason)s") % {"path": file, "reason": error}) from None
        try:
            return json.loads(octets.decode("utf-8-sig"), object_pairs_hook=_refuse_twins)
        except RecursionError:
            reason: object = _("it is nested too deeply")
        except ValueError as error:
            reason = error
        raise CommandError(_("%(path)s is not JSON: %(reason)s") % {"path": file, "reason": reason})

    @staticmethod
    def describe(refusal: Refusal) -> str:
        """Return a refusal on one line: where, and why."""
        where = _("entry %(number)s") % {"number": refusal.entry} if refusal.entry else ""
        # A key is what the file says it is: quoted, it cannot speak to the terminal.
        key = refusal.key if refusal.key.isidentifier() else json.dumps(refusal.key) if refusal.key else ""
        return ": ".join(part for part in (where, key, str(refusal.message)) if part)


def _refuse_twins(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """Refuse an object that has a key twice: JSON would keep the last and say nothing."""
    value: dict[str, Any] = {}
    for name, item in pairs:
        if name in value:
            raise ValueError(_("the key %(name)s is there twice in one object") % {"name": json.dumps(name)})
        value[name] = item
    return value
