"""``manage.py diff_lms_backends FILE``: what importing the file would change; nothing is changed."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

from django.core.management.base import CommandError, CommandParser
from django.db import DatabaseError
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from cms_lms.management.setting_argument import SettingCommand
from cms_lms.matching.impact import Impact
from cms_lms.matching.setting_diff import BackendChange, ImportPlan, Outcome, SettingRefused, plan_import

DIFFERENCES, UNREADABLE = 1, 2


class Command(SettingCommand):
    """Exits 0 where the import would change nothing, 1 where it would, 2 where the file is refused."""

    help = (
        "Print what import_lms_backends would change, one line for each key. Exits 0 where that is nothing, "
        "1 where there are differences, 2 where the file cannot be read or imported."
    )
    unreadable_code = UNREADABLE

    def add_arguments(self, parser: CommandParser) -> None:
        """Take the source and the form of the answer."""
        super().add_arguments(parser)
        parser.add_argument("--json", action="store_true", dest="as_json", help="print the differences as JSON")
        parser.add_argument(
            "--strict", action="store_true", help="LMS backends that the file does not name are differences too"
        )

    def handle(
        self,
        *args: Any,
        file: str | None,
        settings_module: str | None,
        name: str,
        class_name: str | None,
        as_json: bool,
        strict: bool,
        **options: Any,
    ) -> None:
        """Print the differences."""
        setting = self.read_setting(file, settings_module, name, class_name)
        try:
            plan = plan_import(setting, passes_over_secrets=self.is_from_module)
            impact = plan.compute_impact()
        except SettingRefused as error:
            if as_json:
                refusals = [refusal.as_json() for refusal in error.refusals]
                self.stdout.write(json.dumps({"refusals": refusals}, indent=2))
            self.refuse("\n".join([_("This cannot be imported."), *map(str, error.refusals)]))
        except DatabaseError as error:
            self.refuse(_("The database cannot be read: %(reason)s") % {"reason": error})
        is_different = plan.has_changes or (strict and bool(plan.unnamed))
        if as_json:
            answer = self.as_json(plan, impact, is_different)
            self.stdout.write(json.dumps(answer, indent=2))
        else:
            for warning in plan.warnings:
                self.stderr.write(warning.as_warning(), self.style.WARNING)
            for line in [*self.describe(plan), *impact.as_sentences()]:
                self.stdout.write(line)
        if is_different:
            raise CommandError(_("There are differences."), returncode=DIFFERENCES)

    @staticmethod
    def as_json(plan: ImportPlan, impact: Impact, is_different: bool) -> dict[str, Any]:
        """Return the answer for programs."""
        return {
            "different": is_different,
            "backends": [change.as_json() for change in plan.changes],
            "unnamed": [record.slug for record in plan.unnamed],
            "warnings": [warning.as_json() for warning in plan.warnings],
            "impact": {
                "moving": impact.moving,
                "orphans": impact.orphans,
                "staying": impact.staying,
                "sentences": impact.as_sentences(),
            },
        }

    def describe(self, plan: ImportPlan) -> Iterator[str]:
        """Give the differences line by line."""
        for change in plan.changes:
            if change.outcome is not Outcome.UNCHANGED:
                yield from self.describe_change(change)
        unchanged = sum(change.outcome is Outcome.UNCHANGED for change in plan.changes)
        if unchanged:
            text = ngettext("%(count)s LMS backend is unchanged.", "%(count)s LMS backends are unchanged.", unchanged)
            yield text % {"count": unchanged}
        if plan.unnamed:
            slugs = ", ".join(record.slug for record in plan.unnamed)
            yield _("Not named, stays as it is: %(slugs)s.") % {"slugs": slugs}

    @staticmethod
    def describe_change(change: BackendChange) -> Iterator[str]:
        """Give the lines of one backend: what becomes of it, and each key with what it has and what it would have."""
        positions = {"old": change.old_position, "new": change.new_position}
        moved = _("from position %(old)s to %(new)s") % positions if change.is_moved else ""
        if change.is_created:
            moved = _("at position %(new)s") % positions
        yield " ".join(part for part in (str(change.outcome), change.record.slug, moved) if part)
        for key in change.keys:
            sides = [key.new] if change.is_created else [key.old, key.new]
            yield f"  {key.key}: {' -> '.join(json.dumps(side, ensure_ascii=False) for side in sides)}"
