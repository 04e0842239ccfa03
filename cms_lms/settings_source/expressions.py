"""The value of an expression of a settings module, from its syntax tree: what is plain enough, and nothing else.

No code of the module runs: a name is what the module assigned to it, and the few functions that may be called are
written out here. What is made stays within a size, so that no expression can use up the memory.
"""

from __future__ import annotations

import ast
import copy
import json
import operator
import re
import string
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Any

from django.utils.translation import gettext as _

from cms_lms.settings_source.secret_names import names_a_secret
from cms_lms.settings_source.values import (
    MAX_SIZE,
    ConfigurationValue,
    Environment,
    EnvironReader,
    NotEvaluable,
    Symbol,
    read_configuration_value,
)

PLAIN = (str, int, float, bool, list, tuple, dict, type(None))
SCALAR = (str, int, float, bool, type(None))

TRANSLATIONS = {
    f"django.utils.translation.{name}" for name in ("gettext", "gettext_lazy", "gettext_noop", "ugettext_lazy")
}
BUILTINS: dict[str, Callable[..., Any]] = {
    "str": str, "int": int, "float": float, "bool": bool, "list": list, "tuple": tuple, "dict": dict, "len": len,
}  # fmt: skip
FUNCTIONS: dict[str, Callable[..., Any]] = {
    **{f"builtins.{name}": function for name, function in BUILTINS.items()},
    **dict.fromkeys(TRANSLATIONS, str),
    "copy.copy": copy.copy,
    "copy.deepcopy": copy.deepcopy,
    "json.loads": json.loads,
    "re.escape": re.escape,
}
METHODS: dict[type, frozenset[str]] = {
    str: frozenset({"format", "join", "strip", "lstrip", "rstrip", "lower", "upper", "replace", "split",
                    "startswith", "endswith", "removeprefix", "removesuffix"}),
    list: frozenset({"append", "extend", "insert", "copy"}),
    tuple: frozenset(),
    dict: frozenset({"get", "copy", "update", "setdefault", "items", "keys", "values"}),
}  # fmt: skip
COMPARISONS: dict[type, Callable[[Any, Any], Any]] = {
    ast.Eq: operator.eq, ast.NotEq: operator.ne, ast.Lt: operator.lt, ast.LtE: operator.le,
    ast.Gt: operator.gt, ast.GtE: operator.ge, ast.Is: operator.is_, ast.IsNot: operator.is_not,
    ast.In: lambda left, right: left in right, ast.NotIn: lambda left, right: left not in right,
}  # fmt: skip

#: The largest number that is multiplied: products of products need no time then.
MAX_FACTOR = 10**100

_PERCENT = re.compile(r"%(?:\(\w+\))?[sd]|%%")


def _is_nested(value: Any) -> bool:
    items = value.values() if isinstance(value, dict) else value if isinstance(value, list | tuple) else ()
    return not all(isinstance(item, SCALAR) for item in items)


@dataclass(frozen=True)
class Broken:
    """What a name stands for whose value could not be told: whoever uses it gets the error of where it was made."""

    error: Exception


@dataclass
class Scope:
    """Names and their values; what is not found here is looked for in ``outer``."""

    names: dict[str, Any] = field(default_factory=dict)
    outer: Scope | None = None

    def find(self, name: str) -> Any:
        """Return a name's value. Raises ``NotEvaluable``."""
        scope: Scope | None = self
        while scope is not None:
            if name in scope.names:
                return scope.names[name]
            scope = scope.outer
        if name in BUILTINS:
            return Symbol(f"builtins.{name}")
        raise NotEvaluable(_("the name %(name)s is not assigned in what was read") % {"name": name})


class HasAttributes:
    """Something of the module that has attributes: a class of settings."""

    def get_attribute(self, name: str) -> Any:
        """Return an attribute's value. Raises ``NotEvaluable``."""
        raise NotImplementedError


@dataclass(frozen=True)
class Method:
    """A method of a plain value."""

    value: Any
    name: str


@dataclass(frozen=True)
class EnvironMethod:
    """A method of an ``environ.Env``."""

    reader: EnvironReader
    cast: str


class NotEvaluableAt(Exception):
    """``NotEvaluable`` at a node of the tree."""

    def __init__(self, node: ast.AST, reason: str) -> None:
        super().__init__(reason)
        self.node = node
        self.reason = reason


class Evaluator:
    """Evaluates the expressions of one module."""

    def __init__(self, environment: Environment) -> None:
        self.environment = environment

    def evaluate(self, node: ast.expr, scope: Scope) -> Any:
        """Return the value. Raises ``NotEvaluableAt``, of the innermost expression that is not evaluated."""
        method = getattr(self, f"_evaluate_{type(node).__name__.lower()}", None)
        if method is None:
            raise NotEvaluableAt(node, _("an expression of this kind is not evaluated"))
        try:
            value = method(node, scope)
        except NotEvaluable as error:
            raise NotEvaluableAt(node, str(error)) from None
        except (ArithmeticError, LookupError, TypeError, ValueError, AttributeError) as error:
            # Without the error's text, which may quote a secret.
            reason = _("it fails (%(error)s)") % {"error": type(error).__name__}
            raise NotEvaluableAt(node, reason) from None
        if isinstance(value, str | list | tuple | dict) and len(value) > MAX_SIZE:
            raise NotEvaluableAt(node, _("it is too large"))
        if isinstance(value, Broken):
            raise value.error
        return value

    def _plain(self, node: ast.expr, scope: Scope, kinds: tuple[type, ...] = PLAIN) -> Any:
        """Return the value of a part, which must be plain."""
        value = self.evaluate(node, scope)
        if isinstance(value, ConfigurationValue):
            raise NotEvaluableAt(node, _("its value is known only when all settings are; give it an environ_name"))
        if not isinstance(value, kinds):
            raise NotEvaluableAt(node, _("its value cannot be used here"))
        return value

    # Literals.

    def _evaluate_constant(self, node: ast.Constant, scope: Scope) -> Any:
        if not isinstance(node.value, SCALAR):
            raise NotEvaluable(_("a value of this kind is not evaluated"))
        return node.value

    def _evaluate_list(self, node: ast.List, scope: Scope) -> list[Any]:
        return self._items(node.elts, scope)

    def _evaluate_tuple(self, node: ast.Tuple, scope: Scope) -> tuple[Any, ...]:
        return tuple(self._items(node.elts, scope))

    def _items(self, nodes: list[ast.expr], scope: Scope) -> list[Any]:
        items: list[Any] = []
        for node in nodes:
            if isinstance(node, ast.Starred):
                items.extend(self._plain(node.value, scope, (list, tuple)))
            else:
                items.append(self.evaluate(node, scope))
        return items

    def _evaluate_dict(self, node: ast.Dict, scope: Scope) -> dict[Any, Any]:
        values: dict[Any, Any] = {}
        for key_node, value_node in zip(node.keys, node.values, strict=True):
            if key_node is None:
                values.update(self._plain(value_node, scope, (dict,)))
                continue
            key = self._plain(key_node, scope, SCALAR)
            try:
                values[key] = self.evaluate(value_node, scope)
            except NotEvaluableAt:
                # A secret is not imported; where it comes from is nobody's business here.
                if not names_a_secret(key):
                    raise
                values[key] = None
        return values

    def _evaluate_joinedstr(self, node: ast.JoinedStr, scope: Scope) -> str:
        parts = [str(self._plain(part, scope, SCALAR)) for part in node.values]
        self._limit(sum(map(len, parts)))
        return "".join(parts)

    def _evaluate_formattedvalue(self, node: ast.FormattedValue, scope: Scope) -> str:
        if node.format_spec is not None or node.conversion not in (-1, ord("s")):
            raise NotEvaluable(_("only {name} and {name!s} are evaluated"))
        return str(self._plain(node.value, scope, SCALAR))

    # Names and parts.

    def _evaluate_name(self, node: ast.Name, scope: Scope) -> Any:
        return scope.find(node.id)

    def _evaluate_attribute(self, node: ast.Attribute, scope: Scope) -> Any:
        owner = self.evaluate(node.value, scope)
        if isinstance(owner, Symbol):
            return Symbol(f"{owner.name}.{node.attr}")
        if isinstance(owner, HasAttributes):
            return owner.get_attribute(node.attr)
        if isinstance(owner, EnvironReader):
            return EnvironMethod(owner, node.attr)
        if node.attr in METHODS.get(type(owner), ()):
            return Method(owner, node.attr)
        raise NotEvaluable(_("this attribute is not evaluated"))

    def _evaluate_subscript(self, node: ast.Subscript, scope: Scope) -> Any:
        owner = self.evaluate(node.value, scope)
        if owner == Symbol("os.environ"):
            return self.environment.require(self._plain(node.slice, scope, (str,)))
        if not isinstance(owner, str | list | tuple | dict):
            raise NotEvaluable(_("this is not evaluated"))
        return owner[self.evaluate(node.slice, scope)]

    def _evaluate_slice(self, node: ast.Slice, scope: Scope) -> slice:
        return slice(
            *(part and self._plain(part, scope, (int, type(None))) for part in (node.lower, node.upper, node.step))
        )

    # Operators.

    def _evaluate_ifexp(self, node: ast.IfExp, scope: Scope) -> Any:
        return self.evaluate(node.body if self._plain(node.test, scope) else node.orelse, scope)

    def _evaluate_boolop(self, node: ast.BoolOp, scope: Scope) -> Any:
        stops_at = isinstance(node.op, ast.Or)
        value = None
        for part in node.values:
            value = self._plain(part, scope)
            if bool(value) is stops_at:
                break
        return value

    def _evaluate_unaryop(self, node: ast.UnaryOp, scope: Scope) -> Any:
        value = self._plain(node.operand, scope)
        if isinstance(node.op, ast.Not):
            return not value
        if isinstance(node.op, ast.USub) and isinstance(value, int | float):
            return -value
        raise NotEvaluable(_("this operator is not evaluated"))

    def _evaluate_compare(self, node: ast.Compare, scope: Scope) -> bool:
        left = self._plain(node.left, scope)
        for comparison, right_node in zip(node.ops, node.comparators, strict=True):
            right: Any = self.evaluate(right_node, scope)
            if right == Symbol("os.environ"):
                right = self.environment
            elif not isinstance(right, PLAIN):
                right = self._plain(right_node, scope)
            if not isinstance(left, SCALAR) and any(map(_is_nested, (left, right))):
                # The same list many times over is small to hold and endless to compare.
                raise NotEvaluable(_("lists inside lists are not compared"))
            if not COMPARISONS[type(comparison)](left, right):
                return False
            left = right
        return True

    def _evaluate_binop(self, node: ast.BinOp, scope: Scope) -> Any:
        return self.combine(node.op, self._plain(node.left, scope), self._plain(node.right, scope))

    def combine(self, operation: ast.operator, left: Any, right: Any) -> Any:
        """Return what an operator makes of two plain values. Raises ``NotEvaluable``."""
        if isinstance(operation, ast.Add) and type(left) is type(right) and isinstance(left, str | list | tuple):
            self._limit(len(left) + len(right))
            return left + right
        if isinstance(operation, ast.BitOr) and isinstance(left, dict) and isinstance(right, dict):
            return left | right
        if isinstance(operation, ast.Mod) and isinstance(left, str):
            return self._fill(left, right)
        if isinstance(operation, ast.Mult) and isinstance(left, str | list | tuple) and isinstance(right, int):
            self._limit(len(left) * right)
            return left * right
        if isinstance(left, int | float) and isinstance(right, int | float):
            if isinstance(operation, ast.Add):
                return left + right
            if isinstance(operation, ast.Sub):
                return left - right
            if isinstance(operation, ast.Mult):
                if max(abs(left), abs(right)) > MAX_FACTOR:
                    raise NotEvaluable(_("it is too large"))
                return left * right
        raise NotEvaluable(_("this operator is not evaluated"))

    @staticmethod
    def _limit(size: int) -> None:
        if size > MAX_SIZE:
            raise NotEvaluable(_("it is too large"))

    def _fill(self, text: str, values: Any) -> str:
        if "%" in _PERCENT.sub("", text):
            raise NotEvaluable(_("only %s, %d and %(name)s are evaluated"))
        parts = values.values() if isinstance(values, dict) else values if isinstance(values, tuple) else (values,)
        if not all(isinstance(part, SCALAR) for part in parts):
            raise NotEvaluable(_("only texts and numbers are filled in"))
        self._limit_filled(text, len(_PERCENT.findall(text)), parts)
        return text % values

    def _limit_filled(self, text: str, places: int, values: Iterable[Any]) -> None:
        self._limit(len(text) + places * max((len(str(value)) for value in values), default=0))

    # Calls.

    def _evaluate_call(self, node: ast.Call, scope: Scope) -> Any:
        function = self.evaluate(node.func, scope)
        # Of what cannot be called the arguments need not be evaluated: the error is the call's.
        if not isinstance(function, Symbol | Method | EnvironReader | EnvironMethod):
            raise NotEvaluable(_("a call of a function of the module is not evaluated"))
        arguments = self._items(node.args, scope)
        keywords: dict[str, Any] = {}
        for keyword in node.keywords:
            value = self.evaluate(keyword.value, scope)
            keywords.update(value if keyword.arg is None else {keyword.arg: value})
        if isinstance(function, EnvironReader):
            return function.read(None, arguments, keywords, self.environment)
        if isinstance(function, EnvironMethod):
            return function.reader.read(function.cast, arguments, keywords, self.environment)
        if isinstance(function, Method):
            return self._call_method(function, arguments, keywords)
        return self._call_symbol(function.name, arguments, keywords)

    def _call_symbol(self, name: str, arguments: list[Any], keywords: dict[str, Any]) -> Any:
        if name in ("os.environ.get", "os.getenv"):
            return self.environment.get(*arguments, **keywords)
        if name == "environ.Env":
            return EnvironReader(keywords)
        if name.startswith("configurations.values."):
            return read_configuration_value(name.rpartition(".")[2], arguments, keywords, self.environment)
        kinds = SCALAR if FUNCTIONS.get(name) is str else PLAIN
        if name in FUNCTIONS and all(isinstance(value, kinds) for value in [*arguments, *keywords.values()]):
            return FUNCTIONS[name](*arguments, **keywords)
        raise NotEvaluable(_("a call of %(name)s is not evaluated") % {"name": name})

    def _call_method(self, method: Method, arguments: list[Any], keywords: dict[str, Any]) -> Any:
        text = method.value
        if isinstance(text, str):
            if not all(isinstance(value, PLAIN) for value in [*arguments, *keywords.values()]):
                raise NotEvaluable(_("only texts and numbers are filled in"))
            if method.name == "format":
                self._check_format(text, [*arguments, *keywords.values()])
            elif method.name == "replace":
                self._limit(len(text) + text.count(arguments[0]) * len(arguments[1]))
            elif method.name == "join":
                self._limit(sum(len(item) + len(text) for item in arguments[0]))
        elif method.name == "extend":
            self._limit(len(text) + len(arguments[0]))
        result = getattr(text, method.name)(*arguments, **keywords)
        return list(result) if method.name in ("items", "keys", "values") else result

    def _check_format(self, text: str, values: list[Any]) -> None:
        """Refuse what reaches into the values, or could make the result long."""
        places = 0
        for _literal, name, spec, conversion in string.Formatter().parse(text):
            if name is None:
                continue
            places += 1
            if (name and not re.fullmatch(r"\w+", name)) or spec not in ("", "s", "d") or conversion not in (None, "s"):
                raise NotEvaluable(_("only {name} and {name!s} are evaluated"))
        if not all(isinstance(value, SCALAR) for value in values):
            raise NotEvaluable(_("only texts and numbers are filled in"))
        self._limit_filled(text, places, values)
