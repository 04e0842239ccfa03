"""Backends that create the courses they do not find: one course and one draft page, whoever comes first."""

from __future__ import annotations

import json

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from wagtail.models import ModelLogEntry, Page, PageLogEntry

from cms_lms.catalog.models import CourseIndexPage, CoursePage
from cms_lms.models import Course, CourseAlias, CourseRun, LMSBackend, SyncDelivery, UnplacedRun
from cms_lms.runs.codes import CourseKey
from cms_lms.sync.new_courses import CREATE_COURSE_ACTION
from tests.catalog.makers import make_course_page, make_index_page
from tests.factories import make_backend, make_course
from tests.sync.conftest import URL
from tests.sync.payloads import link, payload
from tests.sync.test_concurrency import post_at_once, threads  # noqa: F401  (fixture)

pytestmark = pytest.mark.django_db


@pytest.fixture
def index(db) -> CourseIndexPage:
    return make_index_page()


@pytest.fixture
def backend(index) -> LMSBackend:
    return make_backend(name="Campus", course_parent_page=index)


def unknown(run: str = "R1", course: str = "T201", **fields):
    return payload(resource_link=link(run, course=course), **fields)


def test_the_course_and_a_draft_page_come_with_the_run(post, backend, index):
    response = post(unknown())

    assert (response.status_code, response.json()) == (200, {"success": True})
    course, page, run = Course.objects.get(), CoursePage.objects.get(), CourseRun.objects.get()
    assert (course.organisation, course.code, course.title) == ("edX", "T201", "T201")
    assert (page.get_parent().specific, page.live, page.title, page.course) == (index, False, "T201", course)
    assert (page.owner, page.latest_revision.user, page.locale) == (None, None, index.locale)
    assert (run.course, run.live) == (course, True)
    assert not UnplacedRun.objects.exists()
    entry = ModelLogEntry.objects.for_instance(course).get()
    assert (entry.action, entry.user, entry.data) == (CREATE_COURSE_ACTION, None, {"backend": "Campus"})
    assert PageLogEntry.objects.filter(page=page.pk, action="wagtail.create", user=None).exists()


def test_the_title_is_the_payloads(post, backend):
    post(unknown(title="  Drinking\n Water  "))
    assert Course.objects.get().title == CoursePage.objects.get().title == "Drinking Water"


@pytest.mark.parametrize("title", [None, 7, "", " ", [], "x" * 1000, "\x00\ud800"])
def test_a_title_that_is_none(post, backend, title):
    assert post(unknown(title=title)).status_code == 200
    assert 0 < len(Course.objects.get().title) <= 255


def test_a_known_course_gets_no_page(post, backend):
    make_course(code="T201")
    CourseAlias.objects.remember(CourseKey("edX", "T300"), make_course(code="BOTANY"))
    post([unknown(), unknown("R2", course="T300")])
    assert Course.objects.count() == 2
    assert not CoursePage.objects.exists()


def test_without_a_parent_the_run_waits(post, backend):
    backend.course_parent_page = None
    backend.save()
    assert post(unknown()).json() == {"resource_link": ["Unknown course: T201."]}
    assert not Course.objects.exists()


def test_what_is_refused_creates_nothing(post, backend):
    post(unknown(languages=["zz"]))
    backend.default_sync_mode = "manual"
    backend.save()
    post(unknown())
    post(unknown(course="---"))
    assert not Course.objects.exists()
    assert not CoursePage.objects.exists()


def test_a_code_without_letters(post, backend):
    assert post(unknown(course="---")).status_code == 400
    assert "Enter a code with letters or digits." in SyncDelivery.objects.get().items[0]["reason"]
    assert not Course.objects.exists()


def test_a_dry_run_creates_nothing(send, backend):
    response = send(json.dumps(unknown()).encode(), url=f"{URL}?dry_run=1")
    assert response.json() == {"success": True}
    assert SyncDelivery.objects.get().created_count == 1
    assert (Course.objects.count(), CoursePage.objects.count(), CourseRun.objects.count()) == (0, 0, 0)


def test_many_runs_of_one_course_make_one(post, backend):
    assert post([unknown(str(number)) for number in range(5)]).status_code == 200
    assert (Course.objects.count(), CoursePage.objects.count(), CourseRun.objects.count()) == (1, 1, 5)


def test_the_queries_grow_with_the_courses_alone(post, backend):
    def count_queries(runs: int, *courses: str) -> int:
        items = [unknown(str(number), course=course) for course in courses for number in range(runs)]
        with CaptureQueriesContext(connection) as queries:
            assert post(items).status_code == 200
        return len(queries)

    count_queries(1, "T1")
    assert count_queries(2, "T2") == count_queries(20, "T3")
    one, two, three = (count_queries(2, *(f"C{total}{number}" for number in range(total))) for total in (1, 2, 3))
    assert three - two == two - one


def drop_the_parent(index):
    Page.objects.get(pk=index.pk).delete()


def fill_the_parent(index):
    CoursePage.max_count_per_parent = 1
    make_course_page(None, parent=index)


def close_the_parent(index):
    LMSBackend.objects.update(course_parent_page=Page.objects.get(depth=1))


@pytest.mark.parametrize(
    ("spoil", "reason"),
    [
        (drop_the_parent, "The page under which new courses go does not exist any more."),
        (fill_the_parent, "No course page can be created under “Courses”."),
        (close_the_parent, "No course page can be created under “Root”."),
    ],
)
def test_a_page_that_cannot_be_created_spoils_nothing_else(post, backend, index, monkeypatch, spoil, reason):
    monkeypatch.setattr(CoursePage, "max_count_per_parent", None)
    make_course(code="DemoX")
    post(payload())
    spoil(index)

    response = post([unknown("R1"), payload(resource_link=link("R2")), unknown("R3")])

    assert response.json() == {
        unknown("R1")["resource_link"]: {"resource_link": ["Unknown course: T201."]},
        link("R2"): {"success": True},
        unknown("R3")["resource_link"]: {"resource_link": ["Unknown course: T201."]},
    }
    reasons = [item["reason"] for item in SyncDelivery.objects.latest("pk").items if item["outcome"] == "refused"]
    assert reasons == [f"resource_link: Unknown course: T201. {reason}"] * 2
    assert not Course.objects.filter(code="T201").exists()
    assert UnplacedRun.objects.count() == 2


def test_a_title_whose_address_is_taken(post, backend, index):
    make_course_page(None, parent=index, title="T201", slug="t201")
    assert post(unknown()).status_code == 200
    assert CoursePage.objects.get(live=False).slug == "t201-2"


def test_replay_creates_too(post, backend, index, admin_client):
    backend.course_parent_page = None
    backend.save()
    post(unknown())
    backend.course_parent_page = index
    backend.save()
    run = UnplacedRun.objects.get()
    admin_client.post(f"/admin/lms-unknown-courses/{run.pk}/", {"decision": "send"})
    assert CourseRun.objects.get().course == CoursePage.objects.get().course


@pytest.mark.django_db(transaction=True, serialized_rollback=True)
@pytest.mark.parametrize("kind", ["one run", "its own run each", "lists"])
def test_first_posts_at_once_make_one_course(backend, threads, kind):  # noqa: F811
    def body(number: int) -> bytes:
        if kind == "one run":
            return json.dumps(unknown()).encode()
        if kind == "its own run each":
            return json.dumps(unknown(str(number))).encode()
        items = [unknown(str(run), course=course) for course in ("T201", "T300") for run in range(3)]
        return json.dumps(items[::-1] if number % 2 else items).encode()

    assert post_at_once([body(number) for number in range(threads)]) == [200] * threads
    courses = 2 if kind == "lists" else 1
    assert (Course.objects.count(), CoursePage.objects.count()) == (courses, courses)
    assert CourseRun.objects.count() == {"one run": 1, "its own run each": threads, "lists": 6}[kind]
    assert Page.find_problems() == ([], [], [], [], [])
