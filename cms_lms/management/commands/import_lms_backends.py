"""``manage.py import_lms_backends FILE``: LMS backends from a JSON list in the shape of Richie's setting."""

from __future__ import annotations

from typing import Any

from django.core.management.base import CommandError
from django.db import DatabaseError
from django.utils.translation import gettext as _

from cms_lms.management.setting_argument import SettingCommand
from cms_lms.matching.setting_diff import SettingRefused
from cms_lms.matching.setting_import import import_setting


class Command(SettingCommand):
    """All or nothing; importing the same file again changes nothing."""

    help = (
        "Create and update LMS backends from a JSON list in the shape of RICHIE_LMS_BACKENDS, in its order. "
        "Beside Richie's keys it knows NAME, SLUG, ENABLED, SAMPLE_URLS, REJECTED_URLS, REQUIRE_STANDARD_WEBHOOKS, "
        "SUBMIT_DRAFTS and DRAFT_MAIL. "
        "A backend is known by its slug: SLUG, else made from NAME, else from the host and the kind of LMS. "
        "diff_lms_backends says beforehand what would change."
    )

    def handle(
        self,
        *args: Any,
        file: str | None,
        settings_module: str | None,
        name: str,
        class_name: str | None,
        **options: Any,
    ) -> None:
        """Import, and say what became of each entry."""
        setting = self.read_setting(file, settings_module, name, class_name)
        try:
            plan = import_setting(setting, passes_over_secrets=self.is_from_module)
        except SettingRefused as error:
            raise CommandError("\n".join([_("Nothing was imported."), *map(str, error.refusals)])) from None
        except DatabaseError as error:
            raise CommandError(
                _("Nothing was imported: the database refused. %(reason)s") % {"reason": error}
            ) from None
        for warning in plan.warnings:
            self.stderr.write(warning.as_warning(), self.style.WARNING)
        for change in plan.changes:
            self.stdout.write(f"{change.entry}: {change.outcome} {change.record.slug}")
