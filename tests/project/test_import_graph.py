"""The house stands: imports lead down, none runs in a circle, and settings are read in one place."""

from __future__ import annotations

from pathlib import Path

import pytest

import cms_lms

from .import_graph import Arrow, circles, draw, imported_names, read_modules, room, rooms_without_floor, upward

PACKAGE = Path(cms_lms.__file__).parent

#: The floors, ground first. A room may import rooms on its own floor and on those below.
FLOORS = (
    ("conf", "compat", "encryption", "error_reports", "patterns", "runs", "settings_source"),
    ("backends",),
    ("models", "migrations"),
    ("matching",),
    ("sync", "enrollment"),
    ("admin", "catalog", "checks", "templatetags", "management", "openapi", "urls"),
    ("wagtail_hooks", "apps"),
    ("site",),
)

#: Rooms that know nothing of Django's models.
PURE_ROOMS = ("patterns", "runs", "settings_source")


def listed(items: list) -> str:
    return "\n".join(map(str, items))


def test_every_room_stands_on_a_floor() -> None:
    assert rooms_without_floor(read_modules(PACKAGE), FLOORS) == []


def test_no_import_leads_up() -> None:
    arrows = upward(draw(PACKAGE), FLOORS)

    assert not arrows, f"These imports lead up:\n{listed(arrows)}"


def test_no_modules_import_one_another_in_a_circle() -> None:
    found = circles((arrow.source, arrow.target) for arrow in draw(PACKAGE))

    assert not found, f"These modules import one another:\n{listed(found)}"


def test_no_rooms_import_one_another_in_a_circle() -> None:
    arrows = [arrow for arrow in draw(PACKAGE) if room(arrow.source) != room(arrow.target)]
    found = circles((room(arrow.source), room(arrow.target)) for arrow in arrows if room(arrow.target))

    assert not found, f"These rooms import one another: {found}\n{listed(arrows)}"


def test_only_conf_reads_the_settings() -> None:
    readers = [
        f"{module}:{line}"
        for module, file in read_modules(PACKAGE).items()
        # Migrations are written by Django; the site's settings are what it reads.
        if module != "cms_lms.conf" and room(module) != "site" and ".migrations." not in module
        for name, line in imported_names(module, file)
        if name == "django.conf" or name.startswith("django.conf.settings")
    ]

    assert not readers, f"Settings are read in cms_lms/conf.py and nowhere else:\n{listed(readers)}"


def test_the_ground_floor_is_pure() -> None:
    impure = [
        f"{module}:{line} imports {name}"
        for module, file in read_modules(PACKAGE).items()
        if room(module) in PURE_ROOMS
        for name, line in imported_names(module, file)
        if name.startswith(("django.db", "django.http", "django.apps", "rest_framework", "wagtail"))
        # What a choice is has no model in it.
        and not name.startswith(("django.db.models.TextChoices", "django.db.models.IntegerChoices"))
    ]

    assert not impure, listed(impure)


# The checker itself, on made-up houses.


@pytest.fixture
def house(tmp_path: Path):
    """Write the modules of a package ``house`` with two floors and return its arrows."""

    def house(**sources: str) -> list[Arrow]:
        for name, source in {"__init__": "", **sources}.items():
            file = tmp_path / "house" / f"{name.replace('__in__', '/')}.py"
            file.parent.mkdir(parents=True, exist_ok=True)
            (file.parent / "__init__.py").touch()
            file.write_text(source, encoding="utf-8")
        return draw(tmp_path / "house")

    return house


HOUSE_FLOORS = (("cellar", "bar"), ("attic",))


@pytest.mark.parametrize(
    "source",
    [
        "import house.attic",
        "from house import attic",
        "from house.attic import light",
        "from . import attic",
        "from .attic import light",
        "def look():\n    from house.attic import light",
        "if TYPE_CHECKING:\n    from house.attic import light",
        "try:\n    import house.attic as up\nexcept ImportError:\n    pass",
    ],
)
def test_an_upward_import_is_found_however_it_is_written(house, source: str) -> None:
    arrows = house(cellar=source, attic="")

    assert [(arrow.source, arrow.target) for arrow in upward(arrows, HOUSE_FLOORS)] == [("house.cellar", "house.attic")]


def test_an_arrow_says_where_it_is(house) -> None:
    arrows = house(cellar="\n\nfrom .attic import light", attic="")

    assert listed(upward(arrows, HOUSE_FLOORS)) == "house.cellar:3 imports house.attic"


def test_relative_imports_are_resolved_inside_packages(house) -> None:
    arrows = house(cellar__in__shelf="from ..attic import light\nfrom .jar import lid", cellar__in__jar="", attic="")

    assert {(arrow.source, arrow.target) for arrow in arrows} == {
        ("house.cellar.shelf", "house.attic"),
        ("house.cellar.shelf", "house.cellar.jar"),
    }


def test_downward_and_sideways_imports_are_allowed(house) -> None:
    arrows = house(attic="import house.cellar, os", cellar="from house import bar, __version__", bar="")

    assert upward(arrows, HOUSE_FLOORS) == []
    assert circles((arrow.source, arrow.target) for arrow in arrows) == []


def test_a_circle_is_found(house) -> None:
    arrows = house(
        cellar="from house import bar", bar="def drink():\n    from house.attic import key", attic="import house.cellar"
    )

    assert circles((arrow.source, arrow.target) for arrow in arrows) == [["house.attic", "house.bar", "house.cellar"]]


def test_a_room_without_a_floor_is_found(house) -> None:
    house(cellar="", garage="")

    assert rooms_without_floor(["house", "house.cellar", "house.garage.door"], HOUSE_FLOORS) == ["garage"]
