"""The configuration as it would be: it answers as the handler would once the change were stored."""

from __future__ import annotations

import pytest

from cms_lms.backends.registry import UnknownBackend
from cms_lms.matching.changed_configuration import ChangedConfiguration
from cms_lms.matching.handler import LMSHandler
from cms_lms.models import LMSBackend
from cms_lms.patterns.errors import InvalidPattern
from tests.factories import COURSE_REGEX, OPENEDX, course_regex, make_backend

pytestmark = pytest.mark.django_db

LINK = "https://{}/courses/course-v1:edX+DemoX+1/info"
HOSTS = ["lms.example.com", "a.example.com", "b.example.com", "elsewhere.example.com"]
ANY_HOST = COURSE_REGEX.replace(r"lms\.example\.com", r"[a-z]+\.example\.com")


def answers(configuration) -> list[tuple]:
    """Return what is matched and chosen for each host's link, by the names of the backends."""

    def names(backends):
        return [backend.config.name if backend else None for backend in backends]

    links = [LINK.format(host) for host in HOSTS]
    return [(*names(configuration.match(link)), "→", *names([configuration.select(link)])) for link in links]


@pytest.fixture
def backends() -> list[LMSBackend]:
    return [
        make_backend(name="A", course_regex=course_regex("a.example.com")),
        make_backend(name="Any", course_regex=ANY_HOST),
        make_backend(name="B", course_regex=course_regex("b.example.com")),
        make_backend(name="Off", is_enabled=False),
        make_backend(name="Again B", course_regex=course_regex("b.example.com")),
    ]


@pytest.mark.parametrize("place", range(5))
@pytest.mark.parametrize(
    "change",
    [
        {"is_enabled": False},
        {"is_enabled": True},
        {"course_regex": course_regex("a.example.com")},
        {"course_regex": course_regex("b.example.com")},
        {"course_regex": ANY_HOST},
        {"course_regex": ANY_HOST, "is_enabled": True},
        {"name": "Renamed"},
        {"sort_order": -1, "course_regex": ANY_HOST},
        {"sort_order": 9, "is_enabled": True},
    ],
)
def test_answers_as_the_handler_once_the_change_is_stored(backends, place, change):
    record = LMSBackend.objects.get(pk=backends[place].pk)
    for name, value in change.items():
        setattr(record, name, value)
    loaded = LMSHandler.configuration()
    changed = ChangedConfiguration(loaded, record)
    expected = answers(changed)
    both = [changed.select_both(LINK.format(host)) for host in HOSTS]
    assert [before for before, _after in both] == [loaded.select(LINK.format(host)) for host in HOSTS]
    record.save()
    assert expected == answers(LMSHandler.configuration())
    assert [backend.config.name for backend in changed.backends] == [
        backend.config.name for backend in LMSHandler.configuration().backends
    ]


@pytest.mark.parametrize(
    ("place", "change", "expected"),
    [
        (0, {"name": "Renamed", "slug": "renamed", "base_url": "https://other.example.com"}, True),
        (0, {"course_regex": ANY_HOST}, False),
        (0, {"is_enabled": False}, False),
        (0, {"sort_order": 9}, False),
        (3, {"course_regex": ANY_HOST, "sort_order": 9}, True),
        (3, {"is_enabled": True}, False),
    ],
)
def test_whether_any_choice_can_come_out_otherwise(backends, place, change, expected):
    record = backends[place]
    for name, value in change.items():
        setattr(record, name, value)
    assert ChangedConfiguration(LMSHandler.configuration(), record).chooses_alike is expected


@pytest.mark.parametrize("place", range(5))
def test_deleted(backends, place):
    changed = ChangedConfiguration(LMSHandler.configuration(), backends[place], is_deleted=True)
    expected = answers(changed)
    backends[place].delete()
    assert expected == answers(LMSHandler.configuration())


def test_new_ones_come_last(backends):
    record = LMSBackend(name="New", slug="new", backend=OPENEDX, course_regex=ANY_HOST)
    changed = ChangedConfiguration(LMSHandler.configuration(), record)
    assert not changed.chooses_alike
    expected = answers(changed)
    record.save()
    assert expected == answers(LMSHandler.configuration())
    assert expected[2] == ("Any", "B", "Again B", "New", "→", "Any")


def test_nothing_is_stored(backends):
    before = answers(LMSHandler.configuration())
    backends[0].is_enabled = False
    answers(ChangedConfiguration(LMSHandler.configuration(), backends[0]))
    assert answers(LMSHandler.configuration()) == before


@pytest.mark.parametrize(
    ("change", "error"), [({"backend": "os.path"}, UnknownBackend), ({"course_regex": "("}, InvalidPattern)]
)
def test_a_record_that_cannot_take_part(backends, change, error):
    for name, value in change.items():
        setattr(backends[0], name, value)
    with pytest.raises(error):
        ChangedConfiguration(LMSHandler.configuration(), backends[0])
    ChangedConfiguration(LMSHandler.configuration(), backends[0], is_deleted=True)
