"""A run whose link has changed at its LMS is found by its course id, and gets the new link as its mode allows."""

from __future__ import annotations

import datetime as dt

import pytest
from django.contrib.auth import get_user_model
from wagtail.models import ModelLogEntry

from cms_lms.models import CourseRun, LMSBackend
from cms_lms.patterns.urls import resource_key
from tests.factories import make_backend, make_course, make_run
from tests.sync.payloads import HOST, LINK, payload
from tests.sync.test_modes import outcome

pytestmark = pytest.mark.django_db

NEW_LINK = LINK.replace("/info", "/about")
END = "2029-01-01T00:00:00Z"


@pytest.fixture
def backend(db):
    make_course(code="DemoX")
    return make_backend(name="Campus")


@pytest.fixture
def synced(backend, post):
    """Return a maker of a run that the web hook created in a mode."""

    def make(mode: str) -> CourseRun:
        LMSBackend.objects.update(default_sync_mode=mode)
        post(payload())
        return get()

    return make


def get() -> CourseRun:
    return CourseRun.objects.get()


def draft() -> CourseRun:
    return get().get_latest_revision_as_object()


def publish() -> None:
    get().latest_revision.publish(user=get_user_model().objects.create_superuser("publisher"))


class TestToPublic:
    def test_the_run_gets_the_new_link_at_once(self, synced, post):
        run = synced("sync_to_public")

        assert outcome(post(payload(resource_link=NEW_LINK, end=END))) == "updated"

        after = get()
        assert (after.pk, after.resource_link, after.resource_key) == (run.pk, NEW_LINK, resource_key(NEW_LINK))
        assert (after.end.year, after.matched_course_id) == (2029, "course-v1:edX+DemoX+R1")

    def test_a_repeat_changes_nothing(self, synced, post):
        synced("sync_to_public")
        post(payload(resource_link=NEW_LINK))

        assert outcome(post(payload(resource_link=NEW_LINK))) == "unchanged"

    def test_no_later_publication_brings_back_the_old_link(self, synced, post):
        run = synced("sync_to_public")
        editor = get_user_model().objects.create_superuser("editor")
        run.title = "Spring edition"
        run.save_revision(user=editor)

        post(payload(resource_link=NEW_LINK))
        publish()

        assert (get().title, get().resource_link) == ("Spring edition", NEW_LINK)

    def test_the_change_is_in_the_history(self, synced, post):
        synced("sync_to_public")
        post(payload(resource_link=NEW_LINK))

        entry = ModelLogEntry.objects.filter(action="cms_lms.sync").order_by("-pk")[0]
        assert entry.data["changes"] == {"resource_link": [LINK, NEW_LINK]}


class TestToDraft:
    def test_a_live_run_keeps_its_link_until_staff_publish_the_new_one(self, synced, post):
        synced("sync_to_draft")
        publish()

        assert outcome(post(payload(resource_link=NEW_LINK))) == "drafted"
        assert (get().resource_link, draft().resource_link) == (LINK, NEW_LINK)
        get().latest_revision.publish()
        assert (get().resource_link, get().resource_key) == (NEW_LINK, resource_key(NEW_LINK))

    def test_the_next_call_of_the_new_link_finds_the_run_all_the_same(self, synced, post):
        synced("sync_to_draft")
        publish()
        post(payload(resource_link=NEW_LINK))

        assert outcome(post(payload(resource_link=NEW_LINK))) == "unchanged"
        assert outcome(post(payload(resource_link=NEW_LINK, end=END))) == "drafted"
        assert (draft().resource_link, draft().end.year) == (NEW_LINK, 2029)

    def test_one_that_goes_back_to_the_old_link_waits_for_nobody(self, synced, post):
        synced("sync_to_draft")
        publish()
        post(payload(resource_link=NEW_LINK))

        assert outcome(post(payload())) == "drafted"
        run = get()
        assert (run.has_unpublished_changes, run.draft_synced_at) == (False, None)

    def test_an_unpublished_draft_gets_the_new_link_in_its_row_too(self, synced, post):
        synced("sync_to_draft")

        assert outcome(post(payload(resource_link=NEW_LINK))) == "drafted"
        assert (get().resource_link, get().resource_key) == (NEW_LINK, resource_key(NEW_LINK))
        assert outcome(post(payload(resource_link=NEW_LINK))) == "unchanged"

    def test_a_link_that_staff_wrote_into_the_draft_and_that_leads_elsewhere_is_left_to_them(self, synced, post):
        synced("sync_to_draft")
        publish()
        run = draft()
        run.resource_link = f"{HOST}/courses/course-v1:edX+DemoX+R9/info"
        run.save_revision(user=get_user_model().objects.create_superuser("editor"))

        post(payload(end=END))
        post(payload(resource_link=NEW_LINK, end=END))

        assert (draft().resource_link, draft().end.year) == (run.resource_link, 2029)


def test_in_manual_mode_nothing_changes(synced, post):
    synced("sync_to_public")
    CourseRun.objects.update(sync_mode="manual")

    assert outcome(post(payload(resource_link=NEW_LINK))) == "ignored"
    assert get().resource_link == LINK


def test_the_course_id_counts_at_its_own_backend_alone(synced, post, backend):
    synced("sync_to_public")
    make_backend(course_regex=r"^https://other\.example\.com/courses/(?P<course_id>[^/]+)/info/?$")

    response = post(payload(resource_link=LINK.replace(HOST, "https://other.example.com")))

    assert outcome(response) == "created"
    assert get_links() == {LINK, LINK.replace(HOST, "https://other.example.com")}


def test_between_two_runs_with_the_course_id_nothing_is_guessed(backend, post):
    course = make_course(code="Other")
    for name in ("info", "course"):
        make_run(course=course, resource_link=LINK.replace("info", name), sync_mode="sync_to_public")

    assert outcome(post(payload(resource_link=NEW_LINK))) == "created"
    assert CourseRun.objects.count() == 3


def test_capitals_tell_course_ids_apart_on_every_database(synced, post):
    synced("sync_to_public")

    assert outcome(post(payload(resource_link=NEW_LINK.replace("+R1", "+r1")))) == "created"
    assert CourseRun.objects.count() == 2


def test_the_index_is_not_believed(synced, post):
    synced("sync_to_public")
    other = make_run(course=make_course(code="Other"), resource_link=f"{HOST}/courses/course-v1:edX+DemoX+R7/info")
    CourseRun.objects.filter(pk=other.pk).update(matched_course_id="course-v1:edX+DemoX+R8")

    assert outcome(post(payload(resource_link=f"{HOST}/courses/course-v1:edX+DemoX+R8/info"))) == "created"


def test_a_list_that_names_both_links_ends_with_the_last_one(synced, post):
    synced("sync_to_public")

    response = post([payload(resource_link=NEW_LINK), payload(end=END), payload(resource_link=NEW_LINK)])

    assert response["Sync-Outcome"].startswith("created=0, updated=3,")
    assert (get().resource_link, get().end) == (NEW_LINK, dt.datetime(2027, 6, 30, 22, tzinfo=dt.UTC))


def test_a_list_that_names_two_links_of_a_new_run_makes_one(backend, post):
    response = post([payload(), payload(resource_link=NEW_LINK)])

    assert response["Sync-Outcome"].startswith("created=1, updated=1,")
    assert (get().resource_link, get().resource_key) == (NEW_LINK, resource_key(NEW_LINK))


def get_links() -> set[str]:
    return set(CourseRun.objects.values_list("resource_link", flat=True))
