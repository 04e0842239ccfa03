"""Everything that gets installed is pinned, for both versions of Wagtail."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterator
from importlib.metadata import PackageNotFoundError, requires
from pathlib import Path

import wagtail
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT = Path(__file__).resolve().parents[2]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]


def read_pins(file: str) -> dict[str, str]:
    """Return the versions of a constraints file by canonical name; every line must pin one exactly."""
    pins = {}
    for line in (ROOT / file).read_text(encoding="utf-8").splitlines():
        if line and not line.startswith("#"):
            requirement = Requirement(line)
            (specifier,) = requirement.specifier
            assert specifier.operator == "==", line
            pins[canonicalize_name(requirement.name)] = specifier.version
    return pins


def own_requirements(extras: set[str]) -> Iterator[Requirement]:
    """Yield what the package asks for with these extras."""
    for text in [*PROJECT["dependencies"], *(text for extra in extras for text in extras_of(extra))]:
        yield Requirement(text)


def extras_of(extra: str) -> Iterator[str]:
    for text in PROJECT["optional-dependencies"][extra]:
        if nested := re.fullmatch(r"cms_lms\[(.+)\]", text):
            for name in nested[1].split(","):
                yield from extras_of(name)
        else:
            yield text


def closure(requirements: Iterator[Requirement]) -> set[str]:
    """Return the names of what gets installed for these requirements, as far as it is installed here."""
    found: set[tuple[str, str]] = set()
    waiting = [(requirement, extra) for requirement in requirements for extra in ("", *requirement.extras)]
    while waiting:
        requirement, extra = waiting.pop()
        name = canonicalize_name(requirement.name)
        if (name, extra) in found or (requirement.marker and not requirement.marker.evaluate({"extra": extra})):
            continue
        found.add((name, extra))
        try:
            texts = requires(name) or []
        except PackageNotFoundError:
            continue
        for child in map(Requirement, texts):
            if child.marker is None or child.marker.evaluate({"extra": extra}):
                child.marker = None
                waiting.extend((child, nested) for nested in ("", *child.extras))
    return {name for name, _extra in found}


def test_everything_is_pinned() -> None:
    is_new = wagtail.VERSION >= (8, 0)
    wanted = closure(own_requirements({"lint" if is_new else "test", "mariadb"}))
    pins = read_pins("constraints.txt" if is_new else "constraints-wagtail74.txt")

    assert wanted - pins.keys() == set()


def test_each_file_is_for_its_wagtail() -> None:
    assert read_pins("constraints.txt")["wagtail"].startswith("8.0.")
    assert read_pins("constraints-wagtail74.txt")["wagtail"].startswith("7.4.")


def test_both_files_agree_on_all_but_wagtail() -> None:
    new, old = read_pins("constraints.txt"), read_pins("constraints-wagtail74.txt")
    different = {name for name in new.keys() & old.keys() if new[name] != old[name]}

    assert different <= {"wagtail", "draftjs-exporter"}
