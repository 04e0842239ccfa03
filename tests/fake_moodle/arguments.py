"""PHP's arguments and Moodle's idea of them: `a[0][b]=1` becomes nested dicts, which a function's description checks.

Sources: PHP's `parse_str`; Moodle's `external_api::validate_parameters` (`lib/external/classes`).
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from .errors import InvalidParameter

REQUIRED = object()


def parse_php(pairs: Iterable[tuple[str, str]]) -> dict[str, Any]:
    """The arguments as PHP nests them: the last one of a name wins, `a[]` takes the next number."""
    arguments: dict[str, Any] = {}
    for name, value in pairs:
        first, brackets = re.match(r"([^\[]*)((?:\[[^\]]*\])*)", name).groups()
        keys = [first, *re.findall(r"\[([^\]]*)\]", brackets)]
        place = arguments
        for key in keys[:-1]:
            inner = place.setdefault(key or str(len(place)), {})
            if not isinstance(inner, dict):
                inner = place[key] = {}
            place = inner
        place[keys[-1] or str(len(place))] = value
    return arguments


@dataclass(frozen=True)
class Value:
    """One scalar (`external_value`): `int`, `bool`, `alpha` or `raw`."""

    kind: str = "raw"
    default: Any = REQUIRED

    def clean(self, given: Any) -> Any:
        """The value in its type. Raises InvalidParameter."""
        if isinstance(given, dict):
            raise InvalidParameter("Scalar type expected, array or object received.")
        patterns = {"int": r"-?\d{1,18}", "bool": "[01]", "alpha": "[a-zA-Z]*"}
        if self.kind in patterns and not re.fullmatch(patterns[self.kind], given):
            raise InvalidParameter(
                f'Invalid external api parameter: the value is "{given}", the server was expecting "{self.kind}" type'
            )
        return {"int": int, "bool": lambda text: text == "1"}.get(self.kind, str)(given)


@dataclass(frozen=True)
class Structure:
    """Named values (`external_single_structure`)."""

    keys: dict[str, "Value | Structure | Listing"]
    default: Any = REQUIRED

    def clean(self, given: Any) -> dict[str, Any]:
        """The values with their defaults. Raises InvalidParameter, for any unknown key as well."""
        if not isinstance(given, dict):
            raise InvalidParameter("Only arrays accepted. The bad value is: '" + given + "'")
        result = {}
        for name, description in self.keys.items():
            if name in given:
                result[name] = description.clean(given[name])
            elif description.default is REQUIRED:
                raise InvalidParameter(f"Missing required key in single structure: {name}")
            else:
                result[name] = description.default
        unknown = given.keys() - self.keys.keys()
        if unknown:
            raise InvalidParameter(f"Unexpected keys ({', '.join(sorted(unknown))}) detected in parameter array.")
        return result


@dataclass(frozen=True)
class Listing:
    """Any number of the same (`external_multiple_structure`)."""

    item: Value | Structure
    default: Any = REQUIRED

    def clean(self, given: Any) -> list[Any]:
        """The list; its keys do not matter. Raises InvalidParameter."""
        if not isinstance(given, dict):
            raise InvalidParameter("Only arrays accepted. The bad value is: '" + given + "'")
        return [self.item.clean(value) for value in given.values()]
