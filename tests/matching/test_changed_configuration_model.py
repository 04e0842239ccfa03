"""Changes made up at random, against what is true once they are stored: owners, counts and lists, run by run."""

from __future__ import annotations

import random

import pytest

from cms_lms.matching.changed_configuration import ChangedConfiguration, configuration_with
from cms_lms.matching.handler import LMSHandler
from cms_lms.matching.impact import ORPHANS, compute_impact, list_affected
from cms_lms.models import CourseRun, LMSBackend
from tests.factories import OPENEDX, make_course

pytestmark = pytest.mark.django_db

PATTERNS = [
    r"^https://a\.example/(?P<course_id>\w+)$",
    r"^https://[ab]\.example/(?P<course_id>\w+)",
    r"https://[a-z]\.example/x(?P<course_id>\w*)",
    r"^https://.*(?P<course_id>9)$",
    r"^https://b\.example/(?P<resource_uri>\w+)$",
    "(",
]
CLASSES = [*[OPENEDX] * 5, "cms_lms.backends.joanie.JoanieBackend", "os.path"]
LINKS = [f"https://{host}.example/{path}" for host in "abcd" for path in ("x", "x9", "y", "y9", "z/")] + ["no URL"]


def make_record(chance: random.Random, number: int) -> LMSBackend:
    """Return a record that need not be valid, as older settings may have left some."""
    return LMSBackend(
        name=f"LMS {chance.randrange(3)}",
        slug=f"lms-{number}",
        backend=chance.choice(CLASSES),
        course_regex=chance.choice(PATTERNS),
        is_enabled=chance.random() < 0.75,
        sort_order=chance.randrange(4),
    )


def make_change(chance: random.Random) -> tuple[LMSBackend, bool]:
    """Return a record with changed values, and whether it is to be deleted."""
    stored = list(LMSBackend.objects.all())
    fresh = make_record(chance, 99)
    if not stored or chance.random() < 0.3:
        fresh.sort_order = None
        return fresh, False
    record = chance.choice(stored)
    for name in chance.sample(["name", "backend", "course_regex", "is_enabled", "sort_order"], chance.randrange(1, 5)):
        setattr(record, name, getattr(fresh, name))
    return record, chance.random() < 0.2


def owners() -> dict[int, int | None]:
    """Return by the keys of all runs which record owns each, by what is stored."""
    chosen = {run.pk: LMSHandler.select_lms(run.resource_link) for run in CourseRun.objects.all()}
    return {pk: backend.record.pk if backend else None for pk, backend in chosen.items()}


@pytest.mark.parametrize("seed", range(40))
def test_what_is_foretold_comes_true(seed):
    chance = random.Random(seed)  # noqa: S311  (no secret)
    LMSBackend.objects.bulk_create(make_record(chance, number) for number in range(chance.randrange(7)))
    course = make_course()
    CourseRun.objects.bulk_create(
        CourseRun(course=course, resource_link=link, resource_key=link, languages=["en"]) for link in LINKS
    )
    old, before = owners(), LMSHandler.configuration()
    record, is_deleted = make_change(chance)
    after = ChangedConfiguration(before, record, is_deleted=True) if is_deleted else configuration_with(before, record)
    impact = compute_impact(before, after)
    listed = [run.pk for move in impact.moves for run in list_affected(before, after, move.kind, limit=99)]
    orphans = [run.pk for run in list_affected(before, after, ORPHANS, limit=99)]
    matches = [[backend.config.slug for backend in after.match(link)] for link in LINKS[:-1]]
    foretells_nothing = after.chooses_alike

    if is_deleted:
        record.delete()
    else:
        record.save()

    new = owners()
    moved = [pk for pk in old if old[pk] != new[pk]]
    assert sorted(listed) == moved
    assert orphans == [pk for pk in moved if new[pk] is None]
    assert (impact.moving, impact.orphans) == (len(moved), len(orphans))
    assert impact.staying == sum(owner is not None and owner == new[pk] for pk, owner in old.items())
    assert impact.unmatched == sum(owner is None and new[pk] is None for pk, owner in old.items())
    assert matches == [[backend.config.slug for backend in LMSHandler.match_all(link)] for link in LINKS[:-1]]
    assert not (foretells_nothing and moved)
