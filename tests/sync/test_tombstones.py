"""A run that was deleted here is not born again by the next call of its LMS, until somebody lets it come back."""

from __future__ import annotations

import pytest
from django.contrib.auth import get_user_model

from cms_lms.models import CourseRun, DeletedRun, LMSBackend, SyncDelivery
from tests.admin.browsing import url
from tests.admin.conftest import make_client
from tests.factories import make_backend, make_course, make_run
from tests.sync.payloads import LINK, link, payload
from tests.sync.test_modes import outcome

pytestmark = pytest.mark.django_db

OTHER_LINK = LINK.replace("/info", "/about")


@pytest.fixture
def backend(db):
    make_course(code="DemoX")
    return make_backend(name="Campus")


@pytest.fixture
def deleted(backend, post):
    """A run that came by the web hook and was deleted in the admin; return whose tombstone it left."""
    post(payload())
    client = make_client(superuser=True)
    client.post(url(CourseRun, "delete", CourseRun.objects.get().pk))
    assert not CourseRun.objects.exists()
    return client.user


def test_a_deleted_run_leaves_a_tombstone(deleted, backend):
    stone = DeletedRun.objects.get()

    assert (stone.resource_link, stone.title) == (LINK, "Demonstration")
    assert (stone.matched_backend, stone.matched_course_id) == (backend, "course-v1:edX+DemoX+R1")
    assert stone.deleted_by == get_user_model().objects.get(pk=deleted.pk)


@pytest.mark.parametrize(
    "sent",
    [LINK, LINK.replace("lms.example", "LMS.example") + "/", OTHER_LINK],
    ids=["same link", "written otherwise", "other link, same course id"],
)
def test_a_call_about_it_changes_nothing_and_says_why(deleted, post, sent):
    response = post(payload(resource_link=sent))

    assert (response.json(), outcome(response)) == ({"success": True}, "ignored")
    assert not CourseRun.objects.exists()
    (item,) = SyncDelivery.objects.latest("pk").items
    assert item["reason"] == "The run was deleted here."


def test_its_link_is_not_taken_for_a_new_one_of_a_run_with_its_course_id(backend, post):
    course = make_course(code="Other")
    kept = make_run(course=course, resource_link=OTHER_LINK, sync_mode="sync_to_public")
    make_run(course=course, resource_link=LINK).delete()

    response = post([payload(), payload(resource_link=LINK.replace("/info", "/course"), enrollment_count=3)])

    assert response["Sync-Outcome"].startswith("created=0, updated=1, drafted=0, unchanged=0, ignored=1,")
    kept.refresh_from_db()
    assert kept.resource_link == LINK.replace("/info", "/course")


def test_its_siblings_are_created(deleted, post):
    response = post([payload(), payload(resource_link=link("R2"))])

    assert response.status_code == 200
    assert response["Sync-Outcome"].startswith("created=1,")
    assert CourseRun.objects.get().resource_link == link("R2")


def test_once_it_is_lifted_the_next_call_creates_it(deleted, post):
    DeletedRun.objects.all().delete()

    assert outcome(post(payload())) == "created"


@pytest.mark.parametrize("made", [LINK, OTHER_LINK], ids=["same link", "other link, same course id"])
def test_a_run_that_is_made_by_hand_takes_it_away(deleted, post, made):
    make_run(course=make_course(code="Other"), resource_link=made, sync_mode="sync_to_public")

    assert not DeletedRun.objects.exists()
    assert outcome(post(payload())) == "updated"


def test_runs_that_are_deleted_together_leave_one_each_also_twice(backend):
    course = make_course(code="Other")
    for _time in range(2):
        for number in range(3):
            make_run(course=course, resource_link=link(f"R{number}"))
        CourseRun.objects.all().delete()
    assert DeletedRun.objects.count() == 3
    assert set(DeletedRun.objects.values_list("deleted_by", flat=True)) == {None}


def test_a_run_whose_backend_was_deleted_meanwhile_can_be_deleted(backend):
    run = make_run(resource_link=LINK)
    LMSBackend.objects.get(pk=backend.pk).delete()

    run.delete()

    assert DeletedRun.objects.get().matched_backend is None


def test_a_known_link_costs_no_query_for_it(deleted, post, django_assert_max_num_queries):
    DeletedRun.objects.all().delete()
    post(payload())
    with django_assert_max_num_queries(8) as queries:
        post(payload())
    assert not [query for query in queries if "deletedrun" in query["sql"]]
