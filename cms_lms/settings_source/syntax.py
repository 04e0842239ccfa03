"""What can be said of a piece of a settings module's syntax tree without evaluating it."""

from __future__ import annotations

import ast
import copy
from collections.abc import Collection, Iterator
from dataclasses import dataclass

from cms_lms.settings_source.expressions import METHODS

Function = ast.FunctionDef | ast.AsyncFunctionDef

#: What can change any name.
BOUNDLESS = frozenset({"locals", "globals", "vars", "exec", "eval"})

_METHOD_NAMES = frozenset(name for names in METHODS.values() for name in names)

#: Expressions whose value can be, or hold, a value that has another name already.
MAY_ALIAS = (
    ast.Name, ast.Attribute, ast.Subscript, ast.Call, ast.List, ast.Tuple, ast.Dict, ast.IfExp, ast.BoolOp, ast.BinOp
)  # fmt: skip

BLOCKS = (ast.If, ast.For, ast.While, ast.With, ast.Try, ast.Match, ast.ClassDef)


@dataclass
class FunctionRef:
    """A function of the module; it is called only where django-configurations would call it."""

    node: Function


def super_call(node: ast.AST) -> str | None:
    """Return the method's name if a statement is ``super().<method>()``."""
    if isinstance(node, ast.Expr) and isinstance(node.value, ast.Call) and isinstance(node.value.func, ast.Attribute):
        owner = node.value.func.value
        if isinstance(owner, ast.Call) and isinstance(owner.func, ast.Name) and owner.func.id == "super":
            return node.value.func.attr
    return None


def statements_in(node: ast.AST) -> Iterator[ast.stmt]:
    """Give the statements inside a statement."""
    for inner in ast.walk(node):
        if isinstance(inner, ast.stmt) and inner is not node:
            yield inner


def used_names(node: ast.stmt) -> set[str]:
    """Return the names that a statement uses; of one that has others inside, those that it uses itself."""
    if not isinstance(node, BLOCKS):
        return names_in(node)
    inner = {statement for statement in ast.iter_child_nodes(node) if isinstance(statement, ast.stmt)}
    parts = [part for part in ast.iter_child_nodes(node) if part not in inner]
    if isinstance(node, ast.ClassDef | ast.Try):
        return set()
    return {name for part in parts for name in names_in(part)}


def names_in_arguments(node: ast.AST, imported: Collection[str]) -> set[str]:
    """Return the names that a statement hands to functions: these may change their values."""
    return {
        name
        for call in ast.walk(node)
        if isinstance(call, ast.Call)
        for part in [*call.args, *(keyword.value for keyword in call.keywords)]
        for name in names_in(part, imported)
    }


def names_in(node: ast.AST, imported: Collection[str] = ()) -> set[str]:
    """Return the names and attributes in a part of the tree, less those of plain values' methods.

    Less the ``imported`` ones as well, and what is an attribute of those.
    """
    names: set[str] = set()
    for inner in ast.walk(node):
        if isinstance(inner, ast.Name | ast.Attribute) and _root(inner) not in imported:
            names.add(inner.id if isinstance(inner, ast.Name) else inner.attr)
    return names - _METHOD_NAMES


def _root(node: ast.expr) -> str | None:
    while isinstance(node, ast.Attribute):
        node = node.value
    return node.id if isinstance(node, ast.Name) else None


class _WithoutTexts(ast.NodeTransformer):
    """Leaves texts out: one may be a secret."""

    def visit(self, node: ast.AST) -> ast.AST:
        is_text = isinstance(node, ast.Constant) and isinstance(node.value, str | bytes)
        if is_text or isinstance(node, ast.JoinedStr | ast.FormattedValue):
            return ast.Name("…", ast.Load())
        return self.generic_visit(node)


def show(node: ast.AST) -> str:
    """Return the first line of a part of the source, without its texts."""
    text = ast.unparse(ast.fix_missing_locations(_WithoutTexts().visit(copy.deepcopy(node)))).partition("\n")[0]
    return text if len(text) <= 80 else f"{text[:79]}…"
