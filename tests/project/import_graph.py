"""The import graph of a Python package, drawn from its source: who imports whom, circles and upward arrows.

Reads files, imports nothing. Imports inside functions and for type checkers alone count like any other.
"""

from __future__ import annotations

import ast
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, order=True)
class Arrow:
    """One import: ``source`` imports ``target``, both dotted module names, in this line of the source."""

    source: str
    target: str
    line: int

    def __str__(self) -> str:
        return f"{self.source}:{self.line} imports {self.target}"


def read_modules(package: Path) -> dict[str, Path]:
    """Return the file of every module below a package's folder, by dotted name."""
    modules = {}
    for file in sorted(package.rglob("*.py")):
        parts = file.relative_to(package.parent).with_suffix("").parts
        modules[".".join(parts[:-1] if parts[-1] == "__init__" else parts)] = file
    return modules


def imported_names(name: str, file: Path) -> Iterator[tuple[str, int]]:
    """Yield every dotted name that a module imports, with its line; ``from a import b`` yields ``a.b``."""
    own_package = name.split(".") if file.name == "__init__.py" else name.split(".")[:-1]
    for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"), str(file))):
        if isinstance(node, ast.Import):
            for alias in node.names:
                yield alias.name, node.lineno
        elif isinstance(node, ast.ImportFrom):
            above = own_package[: len(own_package) - node.level + 1] if node.level else []
            base = ".".join([*above, *filter(None, [node.module])])
            for alias in node.names:
                yield f"{base}.{alias.name}", node.lineno


def draw(package: Path) -> list[Arrow]:
    """Return the arrows between the modules of a package, each to the innermost module that it names."""
    modules = read_modules(package)
    arrows = set()
    for source, file in modules.items():
        for name, line in imported_names(source, file):
            target = name
            while target and target not in modules:
                target = target.rpartition(".")[0]
            if target and target != source:
                arrows.add(Arrow(source, target, line))
    return sorted(arrows)


def room(module: str) -> str:
    """Return the part of the package that a module stands in; blank for the package's own ``__init__``."""
    return module.split(".")[1] if "." in module else ""


def rooms_without_floor(modules: Iterable[str], floors: Iterable[Iterable[str]]) -> list[str]:
    """Return the rooms that no floor names."""
    known = {name for floor in floors for name in floor}
    return sorted({room(module) for module in modules} - known - {""})


def upward(arrows: Iterable[Arrow], floors: Iterable[Iterable[str]]) -> list[Arrow]:
    """Return the arrows that lead to a floor above their own. The package's own ``__init__`` is the ground."""
    level = {name: number for number, floor in enumerate(floors) for name in floor}
    return [arrow for arrow in arrows if level.get(room(arrow.target), 0) > level.get(room(arrow.source), 0)]


def circles(edges: Iterable[tuple[str, str]]) -> list[list[str]]:
    """Return the circles, each as the names that reach one another, in alphabetical order."""
    neighbours: dict[str, set[str]] = {}
    for source, target in edges:
        neighbours.setdefault(source, set()).add(target)
    reached = {name: _reach(name, neighbours) for name in neighbours}
    found = {
        tuple(sorted(other for other in names if name in reached.get(other, ())))
        for name, names in reached.items()
        if name in names
    }
    return [list(circle) for circle in sorted(found)]


def _reach(start: str, neighbours: Mapping[str, set[str]]) -> set[str]:
    reached: set[str] = set()
    waiting = list(neighbours.get(start, ()))
    while waiting:
        name = waiting.pop()
        if name not in reached:
            reached.add(name)
            waiting.extend(neighbours.get(name, ()))
    return reached
