"""Where a command takes the setting from: a JSON file, the standard input, or Richie's settings module."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.utils.translation import gettext as _

from cms_lms.matching.setting_file import MAX_BYTES, FileUnreadable, parse_setting
from cms_lms.settings_source.module import SettingsModuleUnreadable, evaluate_setting

STANDARD_INPUT = "-"
DEFAULT_NAME = "RICHIE_LMS_BACKENDS"


class SettingCommand(BaseCommand):
    """A command that reads the setting. ``unreadable_code`` is its exit code where that fails."""

    unreadable_code = 1
    #: Whether the setting came from Richie's own settings, where secrets had their place.
    is_from_module = False

    def add_arguments(self, parser: CommandParser) -> None:
        """Take the source."""
        parser.add_argument("file", nargs="?", help="a JSON file, or - for the standard input")
        module = parser.add_argument_group("in place of a file")
        module.add_argument(
            "--settings-module",
            metavar="PATH",
            help="Richie's settings: a file, or a module's dotted name. They are read, never imported or run; "
            "environment variables count as they are set here",
        )
        module.add_argument(
            "--name", default=DEFAULT_NAME, help="the setting's name in that module (default: %(default)s)"
        )
        module.add_argument(
            "--class", dest="class_name", metavar="CLASS", help="the class of settings, for django-configurations"
        )

    def read_setting(self, file: str | None, settings_module: str | None, name: str, class_name: str | None) -> Any:
        """Return the setting's value. Raises ``CommandError``."""
        if (file is None) == (settings_module is None):
            self.refuse(_("Name either a file or --settings-module."))
        if settings_module is None:
            return self.read_file(str(file))
        self.is_from_module = True
        try:
            evaluated = evaluate_setting(settings_module, name, class_name=class_name, environment=os.environ)
        except SettingsModuleUnreadable as error:
            self.refuse(str(error))
        if evaluated.unset_variables:
            self.stderr.write(
                _("Not set in this environment, so that defaults count: %(names)s.")
                % {"names": ", ".join(evaluated.unset_variables)},
                self.style.WARNING,
            )
        return evaluated.value

    def read_file(self, file: str) -> Any:
        """Return the JSON value of a file."""
        try:
            if file == STANDARD_INPUT:
                octets = sys.stdin.buffer.read(MAX_BYTES + 1)
            else:
                with Path(file).open("rb") as stream:
                    octets = stream.read(MAX_BYTES + 1)
        except (OSError, ValueError) as error:
            self.refuse(_("%(path)s cannot be read: %(reason)s") % {"path": file, "reason": error})
        try:
            return parse_setting(octets)
        except FileUnreadable as error:
            self.refuse(_("%(path)s is not JSON: %(reason)s") % {"path": file, "reason": error})

    def refuse(self, message: str) -> Any:
        """End the command."""
        raise CommandError(message, returncode=self.unreadable_code)
