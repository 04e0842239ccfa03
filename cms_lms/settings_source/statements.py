"""What the statements of a settings module assign, as far as the wanted setting depends on them.

They are gone through in their order, as Python would, but only those that give a name which the setting needs, or
that change such a name's value. What cannot be told is no error until it is used.
"""

from __future__ import annotations

import ast
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from django.utils.translation import gettext as _

from cms_lms.settings_source.expressions import Broken, Evaluator, HasAttributes, NotEvaluableAt, Scope
from cms_lms.settings_source.syntax import (
    BLOCKS,
    BOUNDLESS,
    MAY_ALIAS,
    Function,
    FunctionRef,
    names_in,
    names_in_arguments,
    show,
    statements_in,
    super_call,
    used_names,
)
from cms_lms.settings_source.values import ConfigurationValue, Environment, NotEvaluable, Symbol

#: How the class, or its instance, is called in a method.
RECEIVERS = frozenset({"cls", "self"})


class SettingsError(Exception):
    """Something in a settings module that cannot be evaluated, with the place where it stands."""


@dataclass
class SettingsClass(HasAttributes):
    """A class of settings. ``bases`` are classes that were read, and the expressions of those that were not;
    ``is_configuration`` says whether one is django-configurations' own.
    """

    name: str
    scope: Scope
    interpreter: Interpreter
    bases: list[SettingsClass | ast.expr] = field(default_factory=list)
    is_configuration: bool = False

    def find(self, name: str) -> Any:
        """Return what the class, or the first of its bases that knows the name, assigned; None where none did.

        Base by base, each with its own bases: as django-configurations collects settings.
        """
        if name in self.scope.names:
            return self.scope.names[name]
        unread = None
        for base in self.bases:
            if not isinstance(base, SettingsClass):
                unread = unread or base
            elif (found := base.find(name)) is not None:
                if unread is None:
                    return found
                reason = _("%(name)s may come from this class, which was not read") % {"name": name}
                return Broken(SettingsError(self.interpreter.describe(unread, reason)))
        return None

    def get_attribute(self, name: str) -> Any:
        """Return a setting's value as ``cls.<name>``. Raises ``NotEvaluable``, ``SettingsError``."""
        found = self.find(name)
        if found is None:
            raise NotEvaluable(_("%(name)s is not assigned in what was read") % {"name": name})
        if isinstance(found, ConfigurationValue):
            found = self.scope.names[name] = found.resolve(name, self.interpreter.evaluator.environment)
        if isinstance(found, FunctionRef):
            # A property, or a method that django-configurations calls for its value.
            return self.interpreter.run_function(found.node, self)
        return found

    def lineage(self) -> list[SettingsClass]:
        """Return the class and all its bases, each before its own bases, as Python looks for methods."""
        shadows: dict[int, type] = {}
        classes: dict[type, SettingsClass] = {}

        def shadow(settings_class: SettingsClass) -> type:
            if id(settings_class) not in shadows:
                read = (base for base in settings_class.bases if isinstance(base, SettingsClass))
                bases = tuple(shadow(base) for base in read)
                shadows[id(settings_class)] = type(settings_class.name, bases, {})
                classes[shadows[id(settings_class)]] = settings_class
            return shadows[id(settings_class)]

        return [classes[found] for found in shadow(self).__mro__ if found in classes]


class _Returned(Exception):
    def __init__(self, value: Any) -> None:
        super().__init__()
        self.value = value


class Interpreter:
    """Goes through one module's statements.

    ``wanted`` are the names to be told. ``load`` returns the names of another module of the site, given the path of
    the one that imports it, its dotted name, the level of a relative import and the names that are wanted of it;
    None where there is none to read.
    """

    def __init__(
        self,
        path: Path,
        tree: ast.Module,
        wanted: set[str],
        environment: Environment,
        load: Callable[[Path, str, int, set[str]], Scope | None],
    ) -> None:
        self.path = path
        self.evaluator = Evaluator(environment)
        self.scope = Scope()
        #: Modules all of whose names were imported and that were not read.
        self.unread: list[str] = []
        self._load = load
        self._targets = frozenset(wanted)
        self._functions = {node.name: node for node in ast.walk(tree) if isinstance(node, Function)}
        self._imported = {
            (alias.asname or alias.name).partition(".")[0]
            for node in ast.walk(tree)
            if isinstance(node, ast.Import | ast.ImportFrom)
            for alias in node.names
        }
        self._needed = self._needed_for(tree, wanted)
        self._run(tree.body, self.scope)

    def describe(self, node: ast.AST, reason: str) -> str:
        """Return an error's line: file, line, column, the expression without its texts, and the reason."""
        place = f"{self.path}:{getattr(node, 'lineno', 0)}:{getattr(node, 'col_offset', -1) + 1}"
        return f"{place}: {show(node)}: {reason}"

    # What matters.

    def _needed_for(self, tree: ast.Module, wanted: set[str]) -> set[str]:
        """Return the names that the wanted ones depend on, however they are spelled: as a name or an attribute."""
        effects = [(self._given(node), used_names(node)) for node in ast.walk(tree) if isinstance(node, ast.stmt)]
        # Through another name for it, or for a part of it, a value can be changed as well.
        effects += [
            (names_in(node.value, self._imported), self._given(node))
            for node in ast.walk(tree)
            if isinstance(node, ast.Assign | ast.AnnAssign) and isinstance(node.value, MAY_ALIAS)
        ]
        needed = set(wanted)
        size = 0
        while len(needed) > size:
            size = len(needed)
            for given, read in effects:
                if given & needed:
                    needed |= read
            needed -= RECEIVERS
        return needed

    def _given(self, node: ast.stmt) -> set[str]:
        """Return the names that a statement gives a value to, or may change the value of."""
        names: set[str] = set()
        if isinstance(node, ast.Assign | ast.Delete):
            names = {name for target in node.targets for name in names_in(target)}
        elif isinstance(node, ast.AnnAssign | ast.AugAssign):
            names = names_in(node.target)
        elif isinstance(node, Function):
            return {node.name}
        elif isinstance(node, ast.Import | ast.ImportFrom):
            names = {alias.asname or alias.name for alias in node.names}
            return names | self._targets if "*" in names else names
        elif isinstance(node, ast.Expr):
            names = self._names_with_called(node)
            return names | self._targets if self._is_boundless(node) else names
        elif isinstance(node, BLOCKS):
            names = {name for inner in statements_in(node) for name in self._given(inner)}
            if isinstance(node, ast.For | ast.With | ast.Match):
                names |= used_names(node) - self._imported
            return names
        return names | names_in_arguments(node, self._imported)

    def _names_with_called(self, node: ast.AST) -> set[str]:
        """Return the names in a part, and in the module's functions that it mentions: they may change them."""
        found: set[str] = set()
        pending = [node]
        while pending:
            for name in names_in(pending.pop(), self._imported) - found:
                found.add(name)
                if name in self._functions:
                    pending.append(self._functions[name])
        return found

    @staticmethod
    def _is_boundless(node: ast.AST) -> bool:
        """Whether a statement could change any name: it hands over the class, or all names."""
        return any(
            (isinstance(inner.func, ast.Name) and inner.func.id in BOUNDLESS)
            or any(isinstance(argument, ast.Name) and argument.id in RECEIVERS for argument in inner.args)
            for inner in ast.walk(node)
            if isinstance(inner, ast.Call)
        )

    def _matters(self, node: ast.stmt) -> bool:
        return bool(self._given(node) & self._needed) or any(
            isinstance(inner, ast.Return) or super_call(inner) for inner in statements_in(node)
        )

    # Statements.

    def _run(self, body: Sequence[ast.stmt], scope: Scope) -> None:
        for node in body:
            if isinstance(node, ast.Import | ast.ImportFrom | Function | ast.ClassDef | ast.Return):
                matters = True
            else:
                matters = self._matters(node) or super_call(node) is not None
            if not matters:
                continue
            method = getattr(self, f"_run_{type(node).__name__.lower()}", self._run_other)
            try:
                method(node, scope)
            except NotEvaluableAt as error:
                self._break(node, scope, SettingsError(self.describe(error.node, error.reason)))
            except NotEvaluable as error:
                self._break(node, scope, SettingsError(self.describe(node, str(error))))
            except SettingsError as error:
                self._break(node, scope, error)

    def _run_other(self, node: ast.stmt, scope: Scope) -> None:
        raise NotEvaluable(_("a statement of this kind is not evaluated"))

    def _run_import(self, node: ast.Import, scope: Scope) -> None:
        for alias in node.names:
            name = alias.asname or alias.name.partition(".")[0]
            scope.names[name] = Symbol(alias.name if alias.asname else name)

    def _run_importfrom(self, node: ast.ImportFrom, scope: Scope) -> None:
        names = {alias.name for alias in node.names}
        loaded = self._load(self.path, node.module or "", node.level, self._needed | names)
        for alias in node.names:
            if alias.name == "*" and loaded is not None:
                scope.names.update(loaded.names)
            elif alias.name == "*":
                self.unread.append("." * node.level + (node.module or ""))
            elif loaded is not None and alias.name in loaded.names:
                scope.names[alias.asname or alias.name] = loaded.names[alias.name]
            else:
                scope.names[alias.asname or alias.name] = Symbol(f"{node.module or ''}.{alias.name}")

    def _run_functiondef(self, node: ast.FunctionDef, scope: Scope) -> None:
        scope.names[node.name] = FunctionRef(node)

    def _run_classdef(self, node: ast.ClassDef, scope: Scope) -> None:
        settings_class = SettingsClass(node.name, Scope(outer=scope), self)
        for base in node.bases:
            try:
                found = self.evaluator.evaluate(base, scope)
            except (NotEvaluableAt, SettingsError):
                found = None
            if isinstance(found, SettingsClass):
                settings_class.bases.append(found)
                settings_class.is_configuration |= found.is_configuration
            elif isinstance(found, Symbol) and found.name.startswith("configurations."):
                settings_class.is_configuration = True
            else:
                settings_class.bases.append(base)
        scope.names[node.name] = settings_class
        self._run(node.body, settings_class.scope)
        for decorator in node.decorator_list:
            broken = Broken(SettingsError(self.describe(decorator, _("what a decorator does is not evaluated"))))
            settings_class.scope.names.update(dict.fromkeys(self._targets, broken))

    def _run_assign(self, node: ast.Assign, scope: Scope) -> None:
        value = self.evaluator.evaluate(node.value, scope)
        for target in node.targets:
            self._assign(target, value, scope)

    def _run_annassign(self, node: ast.AnnAssign, scope: Scope) -> None:
        if node.value is not None:
            self._assign(node.target, self.evaluator.evaluate(node.value, scope), scope)

    def _run_augassign(self, node: ast.AugAssign, scope: Scope) -> None:
        old, change = (self.evaluator.evaluate(part, scope) for part in (node.target, node.value))
        if isinstance(old, list) and isinstance(node.op, ast.Add) and isinstance(change, list | tuple):
            # In place, as Python does it: others may hold the list.
            old[:] = self.evaluator.combine(node.op, old, list(change))
        else:
            self._assign(node.target, self.evaluator.combine(node.op, old, change), scope)

    def _run_expr(self, node: ast.Expr, scope: Scope) -> None:
        if method_name := super_call(node):
            self._run_method_of_base(method_name, scope)
        else:
            self.evaluator.evaluate(node.value, scope)

    def _run_if(self, node: ast.If, scope: Scope) -> None:
        is_met = self.evaluator.evaluate(node.test, scope)
        if isinstance(is_met, ConfigurationValue | Symbol | SettingsClass):
            raise NotEvaluable(_("whether this is so is known only when the settings are run"))
        self._run(node.body if is_met else node.orelse, scope)

    def _run_try(self, node: ast.Try, scope: Scope) -> None:
        """Take what is tried as done; what handlers give a value to may be otherwise."""
        self._run([*node.body, *node.orelse, *node.finalbody], scope)
        for statement in [statement for handler in node.handlers for statement in handler.body]:
            if self._matters(statement):
                reason = _("whether this is done is known only when the settings are run")
                self._break(statement, scope, SettingsError(self.describe(statement, reason)))

    def _run_return(self, node: ast.Return, scope: Scope) -> None:
        raise _Returned(self.evaluator.evaluate(node.value, scope) if node.value else None)

    def _assign(self, target: ast.expr, value: Any, scope: Scope) -> None:
        if isinstance(target, ast.Name):
            scope.names[target.id] = value
            return
        if isinstance(target, ast.Attribute) and isinstance(target.value, ast.Name):
            owner = scope.names.get(target.value.id)
            if isinstance(owner, SettingsClass):
                owner.scope.names[target.attr] = value
                return
        if isinstance(target, ast.Subscript):
            owner, key = (self.evaluator.evaluate(part, scope) for part in (target.value, target.slice))
            try:
                if isinstance(owner, list | dict):
                    owner[key] = value
                    return
            except (LookupError, TypeError, ValueError):
                pass
        raise NotEvaluableAt(target, _("an assignment of this kind is not evaluated"))

    def _break(self, node: ast.stmt, scope: Scope, error: SettingsError) -> None:
        """Take all that a statement may have changed for unknown."""
        names = self._given(node) & self._needed
        receivers = [found for name in RECEIVERS if isinstance(found := scope.names.get(name), SettingsClass)]
        changeable = {name for name in self._needed if isinstance(_current(name, scope, receivers), list | dict)}
        if isinstance(node, ast.Expr) and not self._is_boundless(node):
            # A call changes no text or number that it is given.
            names &= changeable
        if names & changeable:
            # The same list may have another name.
            names |= changeable
        for name in names:
            for holder in [scope, *(receiver.scope for receiver in receivers)]:
                if not isinstance(holder.names.get(name), Symbol | SettingsClass | FunctionRef):
                    holder.names[name] = Broken(error)

    # Functions that django-configurations calls.

    def run_function(self, node: Function, settings_class: SettingsClass) -> Any:
        """Return what a method of a class of settings returns. Raises ``SettingsError``."""
        receiver = node.args.args[0].arg if node.args.args else "cls"
        scope = Scope({receiver: settings_class, METHOD: node}, outer=self.scope)
        try:
            self._run(node.body, scope)
        except _Returned as returned:
            return returned.value
        return None

    def _run_method_of_base(self, name: str, scope: Scope) -> None:
        """Run what ``super().<name>()`` does."""
        settings_class = next(found for found in scope.names.values() if isinstance(found, SettingsClass))
        here = scope.names[METHOD]
        following = iter(settings_class.lineage())
        for candidate in following:
            found = candidate.scope.names.get(name)
            if isinstance(found, FunctionRef) and found.node is here:
                break
        run_first(following, name, settings_class)


def _current(name: str, scope: Scope, receivers: list[SettingsClass]) -> Any:
    for receiver in receivers:
        if (found := receiver.find(name)) is not None:
            return found
    try:
        return scope.find(name)
    except NotEvaluable:
        return None


#: Where a function's scope keeps which function it is; no name of Python's.
METHOD = "<method>"


def run_first(classes: Iterator[SettingsClass], name: str, settings_class: SettingsClass) -> None:
    """Run the first of the classes' methods of this name on a class of settings."""
    for candidate in classes:
        found = candidate.scope.names.get(name)
        if isinstance(found, FunctionRef):
            candidate.interpreter.run_function(found.node, settings_class)
            return
