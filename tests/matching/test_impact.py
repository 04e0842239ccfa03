"""What a change does to the runs that exist."""

from __future__ import annotations

import pytest
from django.utils import translation

from cms_lms.matching import impact as impact_module
from cms_lms.matching.changed_configuration import ChangedConfiguration
from cms_lms.matching.handler import LMSHandler, LoadedConfiguration
from cms_lms.matching.impact import MAX_SENTENCES, ORPHANS, Impact, Move, Party, compute_impact, list_affected
from cms_lms.models import CourseRun, LMSBackend
from cms_lms.patterns.urls import resource_key
from tests.factories import COURSE_REGEX, OPENEDX, course_regex, make_backend, make_course

pytestmark = pytest.mark.django_db

ANY_HOST = COURSE_REGEX.replace(r"lms\.example\.com", r"[a-z]+\.example\.com")


@pytest.fixture(autouse=True)
def small_chunks(monkeypatch):
    """Cross the borders of chunks with a few runs."""
    monkeypatch.setattr(impact_module, "CHUNK_SIZE", 4)


def make_runs(**counts: int) -> None:
    """Make so many runs on each host, in turns."""
    course = make_course()
    links = sorted(
        (number, f"https://{host}.example.com/courses/course-v1:edX+DemoX+{number}/info")
        for host, count in counts.items()
        for number in range(count)
    )
    CourseRun.objects.bulk_create(
        CourseRun(course=course, resource_link=link, resource_key=resource_key(link), languages=["en"])
        for _number, link in links
    )


def make_host_backend(host: str, **fields) -> LMSBackend:
    return make_backend(name=host, slug=host, course_regex=course_regex(f"{host}.example.com"), **fields)


def changed(record: LMSBackend, is_deleted: bool = False, **changes) -> ChangedConfiguration:
    for name, value in changes.items():
        setattr(record, name, value)
    return ChangedConfiguration(LMSHandler.configuration(), record, is_deleted=is_deleted)


def impact_of(record: LMSBackend, **changes) -> Impact:
    return compute_impact(LMSHandler.configuration(), changed(record, **changes))


def moves(impact: Impact) -> list[tuple[str | None, str | None, int]]:
    return [(move.old and move.old.name, move.new and move.new.name, move.count) for move in impact.moves]


def test_moves_orphans_and_those_that_stay():
    campus, partners = make_host_backend("campus"), make_host_backend("partners")
    make_runs(campus=9, partners=5, elsewhere=2)
    impact = impact_of(campus, course_regex=course_regex("partners.example.com"))
    assert moves(impact) == [("campus", None, 9), ("partners", "campus", 5)]
    assert (impact.moving, impact.orphans, impact.staying, impact.unmatched) == (14, 9, 0, 2)
    assert partners.pk


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({"name": "New name", "slug": "new-slug"}, []),
        ({"is_enabled": False}, [("campus", "any", 3)]),
        ({"is_deleted": True}, [("campus", "any", 3)]),
        ({"course_regex": ANY_HOST}, [("any", "campus", 3)]),
    ],
)
def test_of_an_edit_a_switch_and_a_deletion(changes, expected):
    campus = make_host_backend("campus")
    make_backend(name="any", course_regex=ANY_HOST)
    make_runs(campus=3, partners=3)
    impact = impact_of(campus, **changes)
    assert moves(impact) == expected
    assert bool(impact) is bool(expected)
    assert impact.orphans == 0


def test_of_a_new_backend():
    make_host_backend("campus")
    make_runs(campus=1, partners=7)
    impact = impact_of(LMSBackend(name="new", slug="new", backend=OPENEDX, course_regex=ANY_HOST))
    assert moves(impact) == [(None, "new", 7)]
    assert (impact.orphans, impact.staying, impact.unmatched) == (0, 1, 0)


def test_of_many_changes_at_once():
    for host in ("one", "two", "three"):
        make_host_backend(host)
    make_runs(one=3, two=4, three=5)
    one, two, three = (LMSBackend.objects.get(slug=slug) for slug in ("one", "two", "three"))
    one.slug, one.name = "renamed", "Renamed"
    two.course_regex = course_regex("three.example.com")
    fresh = [
        LMSBackend(name="Twin", slug=f"twin-{host}", backend=OPENEDX, course_regex=course_regex(f"{host}.example.com"))
        for host in ("two", "elsewhere")
    ]
    after = LoadedConfiguration(None, [record.get_backend() for record in (one, two, *fresh, three)])
    impact = compute_impact(LMSHandler.configuration(), after)
    assert moves(impact) == [("three", "two", 5), ("two", "Twin", 4)]
    assert impact.staying == 3


def test_of_another_order():
    campus, anybody = make_host_backend("campus"), make_backend(name="any", course_regex=ANY_HOST)
    make_runs(campus=2, partners=1)
    before = LMSHandler.configuration()
    impact = compute_impact(before, LoadedConfiguration(None, before.backends[::-1]))
    assert moves(impact) == [("campus", "any", 2)]
    assert campus.pk < anybody.pk


def test_truth_is_what_the_handler_says_not_the_index():
    campus = make_host_backend("campus")
    make_runs(campus=2)
    CourseRun.objects.update(matched_backend=None)
    assert impact_of(campus, is_enabled=False).orphans == 2


def test_a_stored_link_that_is_no_url_any_more_belongs_to_nobody():
    campus = make_host_backend("campus")
    make_runs(campus=3)
    CourseRun.objects.filter(pk=CourseRun.objects.first().pk).update(resource_link="no URL")
    impact = impact_of(campus, is_enabled=False)
    assert (impact.orphans, impact.unmatched) == (2, 1)


def test_runs_are_listed_by_page_in_both_directions():
    campus = make_host_backend("campus")
    make_backend(name="any", course_regex=ANY_HOST.replace("[a-z]+", "any"))
    make_runs(campus=10, any=10)
    before, after = LMSHandler.configuration(), changed(campus, is_enabled=False)
    keys = list(CourseRun.objects.filter(resource_link__contains="campus").order_by("pk").values_list("pk", flat=True))

    def listed(**kwargs):
        return [run.pk for run in list_affected(before, after, ORPHANS, limit=4, **kwargs)]

    assert listed() == keys[:4]
    assert listed(beyond=keys[3]) == keys[4:8]
    assert listed(beyond=keys[7]) == keys[8:]
    assert listed(beyond=keys[9]) == []
    assert listed(beyond=keys[8], is_backward=True) == keys[4:8]
    assert listed(beyond=keys[2], is_backward=True) == keys[:2]


def test_each_kind_of_move_has_a_list_of_its_own():
    campus, partners = make_host_backend("campus"), make_host_backend("partners")
    make_runs(campus=2, partners=3)
    before, after = LMSHandler.configuration(), changed(campus, course_regex=course_regex("partners.example.com"))
    for move in compute_impact(before, after).moves:
        runs = list_affected(before, after, move.kind, limit=10)
        assert len(runs) == move.count
        assert {(run.old, run.new) for run in runs} == {(move.old, move.new)}
    assert list_affected(before, after, "nonsense", limit=10) == []
    assert partners.pk


def test_a_chunk_is_one_query(django_assert_num_queries):
    campus = make_host_backend("campus")
    make_runs(campus=10)
    before, after = LMSHandler.configuration(), changed(campus, is_enabled=False)
    with django_assert_num_queries(3 + 1):
        assert compute_impact(before, after).orphans == 10
    with django_assert_num_queries(1):
        assert len(list_affected(before, after, ORPHANS, limit=2)) == 2


def party(name: str, slug: str = "") -> Party:
    slug = slug or name.lower()
    return Party(slug, name, slug)


def test_sentences():
    impact = Impact(
        (
            Move(party("Campus"), party("Partners"), 1200),
            Move(party("Campus"), None, 3),
            Move(None, party("Campus"), 1),
        ),
        staying=240,
        unmatched=7,
    )
    assert impact.as_sentences() == [
        "1,200 course runs move from “Campus” to “Partners”.",
        "3 course runs of “Campus” are no longer matched by any backend.",
        "1 course run that no backend matches moves to “Campus”.",
        "240 course runs stay where they are.",
    ]
    with translation.override("de"):
        assert impact.as_sentences()[0].startswith("1.200 ")
    assert Impact(staying=240).as_sentences() == []


def test_namesakes_are_told_apart_by_their_slugs():
    impact = Impact((Move(party("Campus", "campus"), party("Campus", "campus-2"), 1),))
    assert impact.as_sentences() == ["1 course run moves from “Campus” (campus) to “Campus” (campus-2)."]


def test_a_thousand_moves_are_not_a_thousand_sentences():
    impact = Impact(tuple(Move(party(f"Old {n}"), party(f"New {n}") if n < 998 else None, 2) for n in range(1000)))
    sentences = impact.as_sentences()
    assert len(sentences) == MAX_SENTENCES + 2
    assert sentences[-2:] == [
        "1,956 more course runs move between other backends.",
        "4 more course runs are no longer matched by any backend.",
    ]
