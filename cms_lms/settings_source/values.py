"""What a settings module may be made of beyond plain Python values: names that it imports, and the environment.

Nothing of the module is imported or run. Sources: django-configurations, "Values", and django-environ,
"Supported types"; both as documented and as they behave.
"""

from __future__ import annotations

import ast
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import partial
from typing import Any

from django.utils.translation import gettext as _

#: Characters of the longest text, and items of the longest list, that an evaluation makes.
MAX_SIZE = 1_000_000


class NotEvaluable(Exception):
    """An expression that is not evaluated; the message says why. The evaluator adds where it stands."""


@dataclass(frozen=True)
class Symbol:
    """Something that the module imports, by its dotted name."""

    name: str


class Environment:
    """The environment variables; it remembers which were asked for in vain."""

    def __init__(self, variables: Mapping[str, str]) -> None:
        self._variables = variables
        self.unset: list[str] = []

    def __contains__(self, name: str) -> bool:
        if name in self._variables:
            return True
        if name not in self.unset:
            self.unset.append(name)
        return False

    def get(self, name: str, default: Any = None) -> Any:
        """Return a variable's text, else the default."""
        return self._variables[name] if name in self else default

    def require(self, name: str) -> str:
        """Return a variable's text. Raises ``NotEvaluable``."""
        if name not in self:
            raise NotEvaluable(
                _("the environment variable %(name)s is not set here, and the settings have no default for it")
                % {"name": name}
            )
        return self._variables[name]


def _to_boolean(text: str) -> bool:
    word = text.strip().lower()
    if word in ("yes", "y", "true", "1"):
        return True
    if word in ("no", "n", "false", "0", ""):
        return False
    raise ValueError(text)


def _to_dict(text: str) -> Any:
    return ast.literal_eval(text)


def _to_sequence(to_sequence: Callable[[Any], Any], separator: str, text: str) -> Any:
    return to_sequence(item.strip() for item in text.strip().split(separator) if item.strip())


#: django-configurations' classes of one value: what makes their value of an environment variable's text.
_CONFIGURATION_VALUES: dict[str, Callable[[str], Any]] = {
    "Value": str,
    "SecretValue": str,
    "EmailValue": str,
    "URLValue": str,
    "IPValue": str,
    "RegexValue": str,
    "BooleanValue": _to_boolean,
    "IntegerValue": int,
    "PositiveIntegerValue": int,
    "FloatValue": float,
    "DictValue": _to_dict,
}
_CONFIGURATION_SEQUENCES: dict[str, Callable[[Any], Any]] = {"ListValue": list, "TupleValue": tuple}
_CONFIGURATION_ARGUMENTS = ("default", "environ", "environ_name", "environ_prefix", "environ_required")


@dataclass(frozen=True)
class ConfigurationValue:
    """A value of django-configurations that gets its variable's name from the setting it is assigned to."""

    default: Any
    convert: Callable[[str], Any]
    reads_environment: bool = True
    environ_name: str | None = None
    environ_prefix: str | None = "DJANGO"
    is_required: bool = False

    def resolve(self, name: str, environment: Environment) -> Any:
        """Return the value as the setting ``name``."""
        if not self.reads_environment:
            return self.default
        variable = self.environ_name or name.upper()
        if self.environ_prefix:
            variable = f"{self.environ_prefix.removesuffix('_')}_{variable}"
        if self.is_required:
            environment.require(variable)
        return _convert(variable, self.convert, environment) if variable in environment else self.default


def read_configuration_value(
    class_name: str, arguments: list[Any], keywords: dict[str, Any], environment: Environment
) -> Any:
    """Return what ``values.<class_name>(…)`` is where it stands: a value, or one that waits for its name."""
    options = dict(zip(_CONFIGURATION_ARGUMENTS, arguments, strict=False))
    options.update(keywords)
    separator = options.get("separator", ",")
    convert: Callable[[str], Any]
    if class_name in _CONFIGURATION_SEQUENCES and "converter" not in options:
        to_sequence = _CONFIGURATION_SEQUENCES[class_name]
        default = to_sequence(options.get("default") or ())
        convert = partial(_to_sequence, to_sequence, separator)
    elif class_name in _CONFIGURATION_VALUES:
        convert = _CONFIGURATION_VALUES[class_name]
        default = options.get("default")
        if class_name == "DictValue":
            default = default or {}
    else:
        raise NotEvaluable(_("this kind of value is not known here"))
    value = ConfigurationValue(
        default=default,
        convert=convert,
        reads_environment=options.get("environ", True),
        environ_name=options.get("environ_name"),
        environ_prefix=options.get("environ_prefix", "DJANGO"),
        is_required=bool(options.get("environ_required")) or class_name == "SecretValue",
    )
    has_its_value = value.environ_name if value.reads_environment else default
    if has_its_value and not options.get("late_binding"):
        return value.resolve("", environment)
    return value


def _split(text: str) -> list[str]:
    return [item for item in text.split(",") if item]


#: django-environ's methods and casts: what makes their value of a variable's text.
_ENVIRON_CASTS: dict[str, Callable[[str], Any]] = {
    "str": str,
    "bool": lambda text: text.lower() in ("true", "on", "ok", "y", "yes", "1"),
    "int": int,
    "float": float,
    "list": _split,
    "tuple": lambda text: tuple(_split(text.strip("()"))),
    "json": json.loads,
}


@dataclass(frozen=True)
class EnvironReader:
    """An ``environ.Env(…)``: ``scheme`` has casts and defaults by the variables' names."""

    scheme: Mapping[str, Any] = field(default_factory=dict)

    def read(self, cast: str | None, arguments: list[Any], keywords: dict[str, Any], environment: Environment) -> Any:
        """Return what ``env(…)``, or ``env.<cast>(…)``, gives."""
        options = dict(zip(("var", "default") if cast else ("var", "cast", "default"), arguments, strict=False))
        options.update(keywords)
        variable = options.get("var")
        if not isinstance(variable, str):
            raise NotEvaluable(_("the name of an environment variable is a text"))
        cast, has_default, default = self._of_scheme(variable, cast or options.get("cast"))
        if "default" in options:
            has_default, default = True, options["default"]
        if cast not in _ENVIRON_CASTS:
            raise NotEvaluable(_("this kind of value is not known here"))
        if has_default and variable not in environment:
            return default
        environment.require(variable)
        return _convert(variable, _ENVIRON_CASTS[cast], environment)

    def _of_scheme(self, variable: str, cast: Any) -> tuple[str, bool, Any]:
        known = self.scheme.get(variable)
        has_default = isinstance(known, tuple) and len(known) == 2
        if cast is None:
            cast = known[0] if has_default and known else known or Symbol("builtins.str")
        name = cast.name.rpartition(".")[2] if isinstance(cast, Symbol) else str(cast)
        return name, has_default, known[1] if has_default and known else None


def _convert(variable: str, convert: Callable[[str], Any], environment: Environment) -> Any:
    try:
        return convert(environment.require(variable))
    except (ValueError, SyntaxError, TypeError, MemoryError, RecursionError):
        # Without the text: it may be a secret.
        raise NotEvaluable(
            _("the environment variable %(name)s has a value of another kind") % {"name": variable}
        ) from None
