"""Lists are decided item by item and written as a whole: what they cost, and what becomes of runs named many times."""

from __future__ import annotations

import datetime as dt
from itertools import groupby

import pytest
from django.contrib.auth import get_user_model
from django.db import connection
from django.test.utils import CaptureQueriesContext
from wagtail.models import ModelLogEntry, ReferenceIndex, Revision
from wagtail.signals import published

from cms_lms.models import Course, CourseRun, DeletedRun, LMSBackend, SyncDelivery
from tests.factories import make_backend, make_course
from tests.sync.payloads import LINK, link, payload

pytestmark = pytest.mark.django_db

END = dt.datetime(2029, 1, 1, tzinfo=dt.UTC)


@pytest.fixture
def backend(db):
    make_course(code="DemoX")
    return make_backend(name="Campus")


def items(count: int, **fields) -> list[dict]:
    """Return the payloads of so many runs."""
    return [payload(resource_link=link(f"R{number:03}"), **fields) for number in range(count)]


def in_draft() -> None:
    LMSBackend.objects.update(default_sync_mode="sync_to_draft")


def publish_all() -> None:
    for run in CourseRun.objects.all():
        run.latest_revision.publish()


def nothing_before(post, count: int) -> None:
    """The runs are new."""


def drafts_to_come(post, count: int) -> None:
    in_draft()


def public_runs(post, count: int) -> None:
    post(items(count))


def waiting_drafts(post, count: int) -> None:
    in_draft()
    post(items(count))


def drafts_that_may_go_live(post, count: int) -> None:
    waiting_drafts(post, count)
    CourseRun.objects.update(sync_mode="sync_to_public")


def public_runs_with_drafts_of_staff(post, count: int) -> None:
    in_draft()
    post(items(count))
    publish_all()
    editor = get_user_model().objects.create_superuser("editor")
    for run in CourseRun.objects.all():
        run.title = "Spring edition"
        run.save_revision(user=editor)


def deleted_runs(post, count: int) -> None:
    post(items(count))
    CourseRun.objects.all().delete()


def moved_runs(post, count: int) -> None:
    post([item | {"resource_link": item["resource_link"].replace("/info", "/about")} for item in items(count)])


def events_before(post, count: int) -> None:
    post(items(count))
    CourseRun.objects.update(last_event_at=END)


@pytest.mark.parametrize(
    ("before", "fields", "outcome"),
    [
        (nothing_before, {}, "created"),
        (drafts_to_come, {}, "created"),
        (drafts_that_may_go_live, {}, "updated"),
        (public_runs, {"end": END.isoformat()}, "updated"),
        (public_runs, {"enrollment_count": 7}, "updated"),
        (public_runs, {}, "unchanged"),
        (waiting_drafts, {"end": END.isoformat()}, "drafted"),
        (public_runs_with_drafts_of_staff, {"end": END.isoformat()}, "drafted"),
        (public_runs_with_drafts_of_staff, {}, "unchanged"),
        (deleted_runs, {}, "ignored"),
        (moved_runs, {}, "updated"),
        (events_before, {}, "unchanged"),
        (public_runs, {"languages": "en"}, "refused"),
    ],
)
def test_a_list_of_100_costs_as_many_queries_as_one_of_10(backend, post, before, fields, outcome):
    costs = {}
    for count in (10, 100):
        CourseRun.objects.all().delete()
        DeletedRun.objects.all().delete()
        get_user_model().objects.all().delete()
        LMSBackend.objects.update(default_sync_mode="")
        before(post, count)
        with CaptureQueriesContext(connection) as queries:
            response = post(items(count, **fields))
        assert f"{outcome}={count}" in response["Sync-Outcome"]
        costs[count] = count_statements(query["sql"] for query in queries)
    assert costs[100] == costs[10]
    assert costs[100] <= 25


def count_statements(statements) -> int:
    """Count statements as PostgreSQL gets them: SQLite takes no more than 999 values in one."""
    kinds = (sql.split("(")[0] for sql in statements if not sql.startswith(("SAVEPOINT", "RELEASE")))
    return sum(1 if kind.startswith("INSERT") else len(list(group)) for kind, group in groupby(kinds))


def test_what_is_created_in_bulk_is_as_if_it_were_published(backend, post):
    sent = []

    def receive(instance, **kwargs):
        sent.append(instance)

    published.connect(receive, sender=CourseRun)
    try:
        post(items(3))
    finally:
        published.disconnect(receive, sender=CourseRun)

    assert sent == []
    for run in CourseRun.objects.all():
        assert (run.live, run.has_unpublished_changes, run.expired) == (True, False, False)
        assert run.first_published_at == run.last_published_at is not None
        assert run.live_revision == run.latest_revision == run.revisions.get()
        assert run.latest_revision.is_latest_revision()
        assert run.latest_revision.object_str == "Demonstration"
        assert (run.matched_backend, run.draft_synced_at) == (backend, None)
        before = vars(CourseRun.objects.get(pk=run.pk)).copy()
        run.latest_revision.publish()
        after = vars(CourseRun.objects.get(pk=run.pk))
        assert {name for name in before if before[name] != after[name]} <= {"_state", "last_published_at"}


def test_drafts_that_are_created_in_bulk_are_what_staff_edit(backend, post):
    in_draft()
    post(items(3))

    for run in CourseRun.objects.all():
        assert (run.live, run.has_unpublished_changes, run.first_published_at) == (False, True, None)
        assert run.draft_synced_at == run.last_synced_at is not None
        draft = run.get_latest_revision_as_object()
        assert (draft.end, draft.languages) == (run.end, ["en"])
        run.latest_revision.publish()
        assert CourseRun.objects.get(pk=run.pk).live


def test_wagtail_knows_which_course_new_runs_refer_to(backend, post):
    post(items(2))

    found = ReferenceIndex.get_references_to(Course.objects.get()).values_list("object_id", flat=True)
    assert set(found) == {str(run.pk) for run in CourseRun.objects.all()}
    before = set(ReferenceIndex.objects.values_list("object_id", "to_object_id", "content_path_hash"))
    for run in CourseRun.objects.all():
        ReferenceIndex.create_or_update_for_object(run)
    assert set(ReferenceIndex.objects.values_list("object_id", "to_object_id", "content_path_hash")) == before


class TestARunThatIsNamedManyTimes:
    def test_in_public_it_is_written_once(self, backend, post, django_assert_max_num_queries):
        post(payload())
        counts = [{"resource_link": LINK, "enrollment_count": number} for number in range(1000)]

        with django_assert_max_num_queries(20):
            response = post(counts)

        assert "updated=1000" in response["Sync-Outcome"]
        assert CourseRun.objects.get().enrollment_count == 999
        items = SyncDelivery.objects.latest("pk").items
        assert [item["changes"]["enrollment_count"] for item in items[:2]] == [[42, 0], [0, 1]]

    def test_in_draft_it_gets_one_revision(self, backend, post, django_assert_max_num_queries):
        in_draft()
        post(payload())
        revisions, lines = Revision.objects.count(), ModelLogEntry.objects.count()

        with django_assert_max_num_queries(25):
            response = post([{"resource_link": LINK, "end": f"2029-01-01T00:00:{number:02}Z"} for number in range(60)])

        assert "drafted=60" in response["Sync-Outcome"]
        assert (Revision.objects.count(), ModelLogEntry.objects.count()) == (revisions + 1, lines + 1)
        assert CourseRun.objects.get().get_latest_revision_as_object().end.second == 59

    def test_what_comes_and_goes_leaves_no_trace(self, backend, post):
        in_draft()
        post(payload())
        publish_all()
        before = CourseRun.objects.values().get(), Revision.objects.count(), ModelLogEntry.objects.count()

        response = post([payload(end=None), payload()])

        assert "drafted=2" in response["Sync-Outcome"]
        assert (CourseRun.objects.values().get(), Revision.objects.count(), ModelLogEntry.objects.count()) == before

    def test_a_new_one_is_created_with_the_last_values(self, backend, post):
        response = post([payload(), payload(end=None), payload(end=None)])

        assert response["Sync-Outcome"].startswith("created=1, updated=1, drafted=0, unchanged=1,")
        run = CourseRun.objects.get()
        assert (run.end, run.revisions.get().as_object().end) == (None, None)

    def test_a_new_draft_too(self, backend, post):
        in_draft()
        response = post([payload(), payload(end=None)])

        assert response["Sync-Outcome"].startswith("created=1, updated=0, drafted=1,")
        run = CourseRun.objects.get()
        assert (run.live, run.end, run.revisions.get().as_object().end) == (False, None, None)

    def test_items_that_are_refused_spoil_nothing(self, backend, post):
        response = post([payload(end=3), payload(), payload(languages=[]), payload(enrollment_count=3)])

        assert response.status_code == 400
        assert response["Sync-Outcome"].startswith("created=1, updated=1, drafted=0, unchanged=0, ignored=0, refused=2")
        assert CourseRun.objects.get().enrollment_count == 3


def test_a_run_that_staff_moved_to_another_course_keeps_it(backend, post):
    post(payload())
    other = make_course(code="Other")
    CourseRun.objects.update(course=other)

    post(payload(end=END.isoformat()))

    assert (CourseRun.objects.get().course, CourseRun.objects.get().end) == (other, END)


def test_a_public_run_whose_draft_waited_waits_no_more(backend, post):
    in_draft()
    post(payload())
    publish_all()
    post(payload(end=END.isoformat()))
    CourseRun.objects.update(sync_mode="sync_to_public")

    post(payload(end=END.isoformat()))

    run = CourseRun.objects.get()
    assert (run.end, run.has_unpublished_changes, run.draft_synced_at) == (END, False, None)


def test_but_what_staff_wrote_beside_it_still_does(backend, post):
    in_draft()
    post(payload())
    publish_all()
    post(payload(end=END.isoformat()))
    draft = CourseRun.objects.get().get_latest_revision_as_object()
    draft.title = "Spring edition"
    draft.save_revision(user=get_user_model().objects.create_superuser("editor"))
    CourseRun.objects.update(sync_mode="sync_to_public")

    post(payload(end=END.isoformat()))

    run = CourseRun.objects.get()
    assert (run.end, run.has_unpublished_changes, run.draft_synced_at) == (END, True, None)
    assert run.get_latest_revision_as_object().title == "Spring edition"
