"""A setting's value from the source of Richie's settings, without importing or running them.

A module of settings opens connections, needs packages and may do anything; what it assigns is told from its syntax
tree instead. What that cannot tell is an error that names the place, never a guess.
"""

from __future__ import annotations

import ast
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from django.utils.translation import gettext as _

from cms_lms.settings_source.expressions import Broken, Scope
from cms_lms.settings_source.secret_names import names_a_secret
from cms_lms.settings_source.statements import Interpreter, SettingsClass, SettingsError, run_first
from cms_lms.settings_source.values import MAX_SIZE, ConfigurationValue, Environment, NotEvaluable

#: Bytes of a longer module are not read.
MAX_BYTES = 1024 * 1024


class SettingsModuleUnreadable(ValueError):
    """The setting's value cannot be told from the module; the message says where and why, and what to do."""


@dataclass(frozen=True)
class EvaluatedSetting:
    """A setting's value, as JSON knows values; and the environment variables it depends on that are not set."""

    value: Any
    unset_variables: list[str]


def evaluate_setting(
    module: str, name: str, *, class_name: str | None = None, environment: Mapping[str, str]
) -> EvaluatedSetting:
    """Return a setting's value from a module, given by its path or its dotted name.

    In the module itself, or in the class that ``class_name`` names; without one, in the only class that has it, or
    in any where they all agree. Raises ``SettingsModuleUnreadable``.
    """
    path = _find_module(module)
    try:
        if class_name is None:
            return _evaluate_anywhere(path, name, environment)
        return _Site(path, name, environment).evaluate(class_name)
    except SettingsError as error:
        raise SettingsModuleUnreadable(f"{error}\n{_advice(name)}") from None
    except RecursionError:
        raise SettingsModuleUnreadable(_("%(path)s is nested too deeply.") % {"path": path}) from None


def _evaluate_anywhere(path: Path, name: str, environment: Mapping[str, str]) -> EvaluatedSetting:
    site = _Site(path, name, environment)
    if name in site.module.scope.names:
        return site.evaluate(None)
    candidates = site.classes_with_setting()
    if not candidates:
        raise SettingsError(site.describe_absence())
    # Each class from a new start: what one changes when it is set up must not be seen by another.
    found = {candidate: _Site(path, name, environment).evaluate(candidate) for candidate in candidates}
    first = found[candidates[0]]
    if any(evaluated.value != first.value for evaluated in found.values()):
        raise SettingsError(
            _("%(path)s: %(name)s is not the same in all classes. Choose one with --class: %(classes)s.")
            % {"path": path, "name": name, "classes": ", ".join(candidates)}
        )
    return first


def _advice(name: str) -> str:
    return _(
        "Choose the class, set the variable or write the value out there; or let Richie print it as JSON, in its own "
        "environment, and give that file:\n"
        "python manage.py shell -v 0 -c "
        '"import json; from django.conf import settings; print(json.dumps(settings.%(name)s, default=str))"'
    ) % {"name": name}


class _Site:
    """The module, and those of the same site that it imports names from."""

    def __init__(self, path: Path, name: str, environment: Mapping[str, str]) -> None:
        self.path = path
        self.name = name
        self.environment = Environment(environment)
        self.root = _root(path)
        self._loading: set[Path] = set()
        self._size = 0
        self.module = self._interpret(path, {name})

    def evaluate(self, class_name: str | None) -> EvaluatedSetting:
        """Return the setting's value in a class, or in the module. Raises ``SettingsError``."""
        value = self._find(class_name)
        if isinstance(value, Broken):
            raise value.error
        return EvaluatedSetting(self._plain(value), list(self.environment.unset))

    def _find(self, class_name: str | None) -> Any:
        if class_name is None:
            return self.module.scope.names[self.name]
        settings_class = self.module.scope.names.get(class_name)
        if not isinstance(settings_class, SettingsClass):
            raise SettingsError(
                _("%(path)s has no class %(class)s. Its classes: %(classes)s.")
                % {"path": self.path, "class": class_name, "classes": ", ".join(self._classes()) or "–"}
            )
        try:
            for hook in ("pre_setup", "post_setup"):
                run_first(iter(settings_class.lineage()), hook, settings_class)
            return settings_class.get_attribute(self.name)
        except NotEvaluable:
            raise SettingsError(self.describe_absence(class_name)) from None
        except TypeError:
            # Python's own words for bases that cannot be put in an order.
            reason = _("Python would refuse the bases of this class")
            raise SettingsError(f"{self.path}: {class_name}: {reason}") from None

    def _classes(self) -> dict[str, SettingsClass]:
        names = self.module.scope.names
        return {name: found for name, found in names.items() if isinstance(found, SettingsClass)}

    def classes_with_setting(self) -> list[str]:
        """Return the classes that could be the site's settings, of those that have the setting."""
        found = {name: found for name, found in self._classes().items() if found.find(self.name) is not None}
        configurations = [name for name, settings_class in found.items() if settings_class.is_configuration]
        return configurations or list(found)

    def describe_absence(self, class_name: str | None = None) -> str:
        """Return the error's line for a setting that is not there."""
        where = f"{self.path}: {class_name}" if class_name else str(self.path)
        text = _("%(where)s: %(name)s is not assigned.") % {"where": where, "name": self.name}
        if self.module.unread:
            text += " " + _("It may come from %(modules)s, which is not beside this file and was not read.") % {
                "modules": ", ".join(self.module.unread)
            }
        return text

    def _interpret(self, path: Path, wanted: set[str]) -> Interpreter:
        self._loading.add(path)
        interpreter = Interpreter(path, _parse(path), wanted, self.environment, self._load)
        self._loading.discard(path)
        return interpreter

    def _load(self, importer: Path, name: str, level: int, wanted: set[str]) -> Scope | None:
        """Return the names of a module of the same site; None for one that is elsewhere, or is being read."""
        parts = name.split(".") if name else []
        folder = importer.parents[level - 1] if 0 < level <= len(importer.parents) else self.root
        found = _module_file(folder.joinpath(*parts))
        if found is None or found in self._loading:
            return None
        return self._interpret(found, wanted).scope

    def _plain(self, value: Any) -> Any:
        """Return the value as JSON knows values. Raises ``SettingsError``."""
        self._size += 1
        if self._size > MAX_SIZE:
            raise SettingsError(f"{self.path}: {self.name}: {_('it is too large')}")
        if isinstance(value, list | tuple):
            return [self._plain(item) for item in value]
        if isinstance(value, dict):
            return {str(key): None if names_a_secret(key) else self._plain(item) for key, item in value.items()}
        if value is None or isinstance(value, str | int | float | bool):
            return value
        reason = _("a part of its value is known only when the settings are run")
        if isinstance(value, ConfigurationValue):
            reason = _("a value inside it has no environ_name, and is none to django-configurations either")
        raise SettingsError(f"{self.path}: {self.name}: {reason}")


def _find_module(module: str) -> Path:
    """Return a module's file, given by its path or its dotted name, without importing anything."""
    path = Path(module)
    if path.suffix == ".py" or path.is_file():
        return path
    places = [Path.cwd(), *(Path(entry) for entry in sys.path if entry)]
    for place in places:
        found = _module_file(place.joinpath(*module.split(".")))
        if found is not None:
            return found
    raise SettingsModuleUnreadable(
        _("There is no module %(name)s here or on Python's path. Name its file.") % {"name": module}
    )


def _module_file(path: Path) -> Path | None:
    for candidate in (path.with_name(f"{path.name}.py") if path.name else path, path / "__init__.py"):
        if candidate.is_file():
            return candidate
    return None


def _root(path: Path) -> Path:
    """Return the folder that absolute imports of the module's site start from."""
    folder = path.absolute().parent
    while (folder / "__init__.py").is_file():
        folder = folder.parent
    return folder


def _parse(path: Path) -> ast.Module:
    try:
        with path.open("rb") as stream:
            source = stream.read(MAX_BYTES + 1)
    except (OSError, ValueError) as error:
        raise SettingsError(_("%(path)s cannot be read: %(reason)s") % {"path": path, "reason": error}) from None
    if len(source) > MAX_BYTES:
        raise SettingsError(_("%(path)s is longer than %(limit)s kB.") % {"path": path, "limit": MAX_BYTES // 1024})
    try:
        return ast.parse(source, str(path))
    except (SyntaxError, ValueError) as error:
        # Without the line itself, which may hold a secret.
        place = f"{path}:{getattr(error, 'lineno', None) or 1}"
        reason = _("this is not Python: %(reason)s") % {"reason": getattr(error, "msg", error)}
        raise SettingsError(f"{place}: {reason}") from None
    except (MemoryError, RecursionError):
        raise SettingsError(_("%(path)s is nested too deeply.") % {"path": path}) from None
