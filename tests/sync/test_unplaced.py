"""What calls are refused for want of a course or of a backend is kept until it has a place; nothing else is."""

from __future__ import annotations

import json

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from cms_lms.models import Course, CourseAlias, CourseRun, SyncDelivery, UnplacedRun
from cms_lms.models.unplaced_run import Problem
from cms_lms.runs.codes import CourseKey
from cms_lms.sync.decisions import send_again
from cms_lms.sync.unplaced import MAX_PAYLOAD_BYTES, MAX_PAYLOAD_DEPTH
from tests.factories import make_backend, make_course, make_run
from tests.sync.payloads import link, payload

pytestmark = pytest.mark.django_db

ELSEWHERE = "https://Elsewhere.example:443/course-v1:edX+T201+1/info"


@pytest.fixture(autouse=True)
def backend(db):
    return make_backend()


def unknown(run: str = "R1", course: str = "T201", **fields):
    return payload(resource_link=link(run, course=course), **fields)


def test_an_unknown_course(post, backend):
    post(unknown())
    run, delivery = UnplacedRun.objects.get(), SyncDelivery.objects.get()
    assert (run.problem, run.backend, run.organisation, run.code) == (Problem.UNKNOWN_COURSE, backend, "edX", "T201")
    assert (run.payload, run.delivery, run.signer_scope) == (unknown(), delivery, None)
    assert (run.first_seen_at, run.last_seen_at, run.times_seen) == (delivery.received_at, delivery.received_at, 1)
    assert run.host == ""


def test_no_backend(post):
    post(payload(resource_link=f"  {ELSEWHERE} "))
    run = UnplacedRun.objects.get()
    assert (run.problem, run.backend, run.code, run.host) == (Problem.NO_BACKEND, None, "", "elsewhere.example")
    assert run.resource_link == ELSEWHERE


def test_what_is_sent_again_is_renewed(post):
    post(unknown())
    first = UnplacedRun.objects.get()
    post(unknown(enrollment_count=43))
    again = UnplacedRun.objects.get()
    assert (again.pk, again.first_seen_at, again.times_seen) == (first.pk, first.first_seen_at, 2)
    assert again.payload["enrollment_count"] == 43
    last = SyncDelivery.objects.latest("pk")
    assert (again.last_seen_at, again.delivery) == (last.received_at, last)


def test_another_way_of_writing_the_link_is_the_same_run(post):
    post(unknown())
    written = unknown()["resource_link"].replace("https://lms", "http://LMS")
    post(unknown() | {"resource_link": f"{written}/"})
    assert UnplacedRun.objects.count() == 1


def test_the_same_link_twice_in_a_list(post):
    post([unknown(), unknown(enrollment_count=43)])
    assert UnplacedRun.objects.get().payload["enrollment_count"] == 43


def test_what_finds_its_place_goes(post):
    post([unknown("R1"), unknown("R2")])
    make_course(code="T201")
    post(unknown("R1"))
    assert UnplacedRun.objects.get().resource_link == link("R2", course="T201")


def test_what_somebody_makes_by_hand_goes(post):
    post([unknown("R1"), unknown("R2")])
    make_run(course=make_course(code="BOTANY"), resource_link=link("R1", course="T201"))
    assert UnplacedRun.objects.get().resource_link == link("R2", course="T201")


def test_what_is_refused_for_another_reason_is_not_kept(post):
    make_course(code="T201")
    post(unknown(languages=[]))
    post(unknown(course="T300", languages=["zz"]))
    post(payload(resource_link="not a link"))
    assert not UnplacedRun.objects.exists()


def test_a_dry_run_keeps_nothing(post):
    post(unknown(), url="/api/v1.0/course-runs-sync/?dry_run=1")
    assert SyncDelivery.objects.get().is_dry_run
    assert not UnplacedRun.objects.exists()


@pytest.mark.parametrize("kind", ["unknown_course", "no_backend"])
def test_a_list_of_any_length_costs_the_same(post, kind):
    def items(count, start):
        numbers = range(start, start + count)
        if kind == "no_backend":
            return [payload(resource_link=f"https://elsewhere.example/{number}") for number in numbers]
        return [unknown(str(number), course=f"T{number}") for number in numbers]

    def count_queries(value):
        with CaptureQueriesContext(connection) as queries:
            post(value)
        return len(queries)

    post(items(1, 0))
    for _first_or_again in range(2):
        # As many rows as SQLite takes in one statement.
        assert count_queries(items(50, 100)) == count_queries(items(5, 1000))


def test_there_is_room_for_so_many_of_each_backend(post, settings):
    settings.CMS_LMS_UNPLACED_RUNS_MAX = 3
    post([unknown(str(number)) for number in range(5)])
    post([payload(resource_link=f"https://elsewhere.example/{number}") for number in range(5)])
    assert sorted(UnplacedRun.objects.counts_by_backend().values()) == [3, 3]
    # What is kept already is renewed all the same.
    post(unknown("0", enrollment_count=43))
    assert UnplacedRun.objects.get(resource_link=link("0", course="T201")).payload["enrollment_count"] == 43


def nested(depth: int):
    return [nested(depth - 1)] if depth else "x"


@pytest.mark.parametrize(
    "value",
    ["x" * MAX_PAYLOAD_BYTES, "a\x00b", "\ud800", nested(MAX_PAYLOAD_DEPTH), {"a": {"b\x00": 1}}],
    ids=["long", "NUL", "half a character", "deep", "NUL in a name"],
)
def test_what_no_run_honestly_is_stays_in_its_delivery(post, value):
    assert post(unknown(more=value)).status_code == 400
    assert post([unknown("R2"), unknown("R3", more=value)]).status_code == 400
    assert [run.resource_link for run in UnplacedRun.objects.all()] == [link("R2", course="T201")]
    assert SyncDelivery.objects.count() == 2


def test_an_infinite_number(send):
    body = json.dumps(unknown()).encode().replace(b'"enrollment_count": 42', b'"enrollment_count": 42, "more": 1e999')
    assert send(body).status_code == 400
    assert not UnplacedRun.objects.exists()


@pytest.mark.parametrize("course", ["---", "x" * 150, "%C3%9F" * 60])
def test_a_code_that_no_course_can_have(post, course):
    assert post(unknown(course=course)).status_code == 400
    assert UnplacedRun.objects.get().code == ""


def test_an_alias_gives_runs_a_place(post):
    course = make_course(code="BOTANY")
    CourseAlias.objects.remember(CourseKey("EDX", "t201"), course)
    assert post(unknown()).status_code == 200
    assert CourseRun.objects.get().course == course


def test_a_course_of_the_very_key_comes_before_an_alias(post):
    CourseAlias.objects.remember(CourseKey("edX", "T201"), make_course(code="BOTANY"))
    course = make_course(code="T201")
    post(unknown())
    assert CourseRun.objects.get().course == course


def test_an_alias_is_of_one_organisation(post):
    CourseAlias.objects.remember(CourseKey("MITx", "T201"), make_course(code="BOTANY"))
    assert post(unknown()).status_code == 400


def test_a_key_means_what_was_said_last(post):
    CourseAlias.objects.remember(CourseKey("edX", "T201"), make_course(code="BOTANY"))
    course = make_course(code="WATER")
    CourseAlias.objects.remember(CourseKey("EDX", "T201"), course)
    assert CourseAlias.objects.count() == 1
    post(unknown())
    assert CourseRun.objects.get().course == course


def test_a_replay_does_not_pass_for_what_the_lms_sends(post, admin_user):
    post(unknown())
    sent = UnplacedRun.objects.get()
    post(unknown(enrollment_count=43))
    sent_again = UnplacedRun.objects.get()
    send_again([sent], user=admin_user, now=sent.first_seen_at)
    run = UnplacedRun.objects.get()
    assert (run.payload, run.last_seen_at, run.times_seen) == (sent_again.payload, sent_again.last_seen_at, 2)


def test_what_came_together_is_sent_again_together(post, admin_user):
    post([unknown("R1"), unknown("R2")])
    post(unknown("R3"))
    make_course(code="T201")
    originals = list(SyncDelivery.objects.order_by("pk"))
    replays = send_again(UnplacedRun.objects.all(), user=admin_user, now=originals[0].received_at)
    assert [(replay.replay_of, replay.created_count) for replay in replays] == [(originals[0], 2), (originals[1], 1)]
    assert not UnplacedRun.objects.exists()


def test_it_outlives_its_delivery(post, admin_user):
    post(unknown())
    SyncDelivery.objects.all().delete()
    make_course(code="T201")
    run = UnplacedRun.objects.get()
    (replay,) = send_again([run], user=admin_user, now=run.last_seen_at)
    assert (replay.replay_of, replay.created_count) == (None, 1)


def test_aliases_are_asked_for_where_a_key_is_none_of_a_course(django_assert_num_queries):
    course, other = make_course(code="T201"), make_course(code="BOTANY")
    CourseAlias.objects.remember(CourseKey("edX", "T300"), other)
    keys = [CourseKey("edX", "T201"), CourseKey("", "t201")]
    with django_assert_num_queries(1):
        assert Course.objects.get_by_keys(keys) == dict.fromkeys(keys, course)
    keys = [CourseKey("edX", "T300"), CourseKey("EDX", "t300"), CourseKey("edX", "T400"), CourseKey("", "T300")]
    with django_assert_num_queries(2):
        assert Course.objects.get_by_keys(keys) == dict.fromkeys(keys[:2], other)
