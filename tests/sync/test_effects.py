"""What follows a public change once it is committed: the signal, the search index, the front-end cache."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.core.management import call_command
from django.db import transaction
from django.utils import timezone
from django_tasks import task_backends
from django_tasks.backends.dummy import DummyBackend
from django_tasks.backends.immediate import ImmediateBackend
from wagtail.contrib.frontend_cache.backends import BaseBackend
from wagtail.models import Locale, Page, Revision, Site
from wagtail.search.backends.base import BaseSearchBackend
from wagtail.signals import published

from cms_lms.catalog.models import CourseIndexPage, CoursePage
from cms_lms.conf import settings as lms_settings
from cms_lms.models import CourseRun, LMSBackend
from cms_lms.sync import effects
from cms_lms.sync.effects import announce, course_run_synced
from tests.admin.browsing import soup, submit, url
from tests.admin.conftest import make_client
from tests.factories import make_backend, make_course, make_run
from tests.sync.payloads import LINK, link, payload

pytestmark = pytest.mark.django_db

URLS = ["http://localhost/courses/", "http://localhost/courses/demo/"]

PURGED: list[str] = []


class ListedPurges(BaseBackend):
    """A front-end cache that only remembers what it was asked to forget."""

    def purge_batch(self, urls):
        """Remember the URLs."""
        PURGED.extend(urls)


@pytest.fixture
def purged(settings):
    settings.WAGTAILFRONTENDCACHE = {"default": {"BACKEND": f"{__name__}.ListedPurges"}}
    PURGED.clear()
    return PURGED


@pytest.fixture
def signals():
    """Collect the ids of runs that our signal names."""
    ids: list[int] = []

    def receive(sender, run_id, **kwargs):
        ids.append(run_id)

    course_run_synced.connect(receive)
    yield ids
    course_run_synced.disconnect(receive)


@pytest.fixture
def page(db):
    """A live course page below an index page, of a course whose runs the LMS sends."""
    make_backend()
    course = make_course(code="DemoX")
    home = Page.objects.get(depth=2)
    index = home.add_child(instance=CourseIndexPage(title="Courses", slug="courses"))
    return index.add_child(instance=CoursePage(title="Demonstration", slug="demo", course=course))


def test_a_public_change_purges_the_course_page_and_its_index_once(page, post, purged, signals):
    post([payload(), payload(resource_link=link("R2"))])

    assert sorted(purged) == URLS
    assert sorted(signals) == sorted(CourseRun.objects.values_list("pk", flat=True))


def test_a_repeat_purges_nothing_and_sends_no_signal(page, post, purged, signals):
    post(payload())
    purged.clear()
    signals.clear()

    post(payload())

    assert (purged, signals) == ([], [])


def test_a_draft_purges_nothing_and_sends_no_signal(page, post, purged, signals):
    LMSBackend.objects.update(default_sync_mode="sync_to_draft")

    post(payload())
    post({"resource_link": LINK, "end": None})

    assert (purged, signals) == ([], [])


def test_a_receiver_that_raises_spoils_nothing(page, post, purged):
    def fail(**kwargs):
        raise RuntimeError("a receiver's own mistake")

    course_run_synced.connect(fail)
    try:
        assert post(payload()).status_code == 200
    finally:
        course_run_synced.disconnect(fail)
    assert CourseRun.objects.get().live
    assert purged


def test_a_list_of_100_runs_purges_the_pages_of_their_course_once(page, post, purged, signals):
    post([payload(resource_link=link(f"R{number}")) for number in range(100)])

    assert sorted(purged) == URLS
    assert len(signals) == len(set(signals)) == 100


def test_translations_and_aliases_are_purged_with_the_pages_above_them(page, post, purged, settings):
    # With languages in the addresses, Wagtail purges each address in each language besides.
    settings.WAGTAIL_I18N_ENABLED = False
    french_home = Page.objects.get(depth=2).copy_for_translation(Locale.objects.create(language_code="fr"))
    Site.objects.create(hostname="fr.example.com", root_page=french_home)
    french_home.save_revision().publish()
    french_index = page.get_parent().specific.copy_for_translation(french_home.locale)
    french_index.save_revision().publish()
    french = page.copy_for_translation(french_home.locale)
    french.save_revision().publish()
    page.create_alias(update_slug="alias")

    post(payload())

    assert sorted(purged) == [
        "http://fr.example.com/courses/",
        "http://fr.example.com/courses/demo/",
        "http://localhost/courses/",
        "http://localhost/courses/alias/",
        "http://localhost/courses/demo/",
    ]


def test_an_update_and_a_run_that_goes_live_purge(page, post, purged, signals):
    LMSBackend.objects.update(default_sync_mode="sync_to_draft")
    post(payload())
    CourseRun.objects.update(sync_mode="sync_to_public")
    assert (purged, signals) == ([], [])

    post(payload())
    assert (sorted(purged), len(signals)) == (URLS, 1)

    purged.clear()
    post(payload(end=None))
    assert (sorted(purged), len(signals)) == (URLS, 2)


def test_a_counter_alone_refreshes_pages_once_an_interval(page, post, purged, signals):
    post(payload())
    for number in range(3):
        purged.clear()
        post(payload(enrollment_count=100 + number))
        assert sorted(purged) == (URLS if number == 0 else [])
    assert len(signals) == 4

    CourseRun.objects.update(
        counter_announced_at=timezone.now() - timedelta(seconds=lms_settings.COUNTER_REFRESH_SECONDS)
    )
    post(payload(enrollment_count=200))
    assert sorted(purged) == URLS

    purged.clear()
    post(payload(enrollment_count=201, end=None))
    assert sorted(purged) == URLS


def test_a_counter_in_a_draft_counts_as_one(page, post, purged, signals):
    post(payload())
    CourseRun.objects.update(sync_mode="sync_to_draft")
    for number in range(2):
        purged.clear()
        post(payload(enrollment_count=100 + number, end=None))
        assert sorted(purged) == (URLS if number == 0 else [])
    assert len(signals) == 3


def test_a_counter_of_a_run_that_is_not_live_is_nobodys_concern(page, post, purged, signals):
    LMSBackend.objects.update(default_sync_mode="sync_to_draft")
    post(payload())
    post(payload(enrollment_count=100))
    assert (purged, signals) == ([], [])


def test_nothing_follows_what_is_rolled_back(page, purged, signals, django_capture_on_commit_callbacks):
    run = make_run(course=page.course)
    purged.clear()

    with django_capture_on_commit_callbacks(execute=True), transaction.atomic():
        run.get_latest_revision().publish()
        announce([run.pk])
        transaction.set_rollback(True)

    assert (purged, signals) == ([], [])


def test_wagtails_signal_is_sent_for_what_was_published_alone(page, post):
    sent = []

    def receive(sender, instance, **kwargs):
        sent.append(instance.pk)

    post(payload())
    published.connect(receive, sender=CourseRun)
    try:
        post(payload(end=None))
        assert sent == []
        CourseRun.objects.get().get_latest_revision().publish()
        assert sent == [CourseRun.objects.get().pk]
    finally:
        published.disconnect(receive, sender=CourseRun)


def test_a_queue_that_is_down_never_reaches_the_sender(page, post, signals, settings, caplog):
    post(payload())
    settings.TASKS = {"default": {"BACKEND": f"{__name__}.BrokenQueue"}}

    answer = post(payload(end=None))

    assert (answer.status_code, CourseRun.objects.get().end, len(signals)) == (200, None, 2)
    assert "no queue today" in caplog.text


class BrokenQueue(ImmediateBackend):
    """A queue that cannot be reached."""

    def enqueue(self, task, args, kwargs):
        """Fail."""
        raise ConnectionError("no queue today")


class PatientQueue(DummyBackend):
    """A queue that keeps what it is given, for later too."""

    supports_defer = True


class BrokenSearch(BaseSearchBackend):
    """A search engine that cannot be reached."""

    def add_bulk(self, model, obj_list):
        """Fail."""
        raise ConnectionError("no search today")


def test_a_search_engine_that_is_down_breaks_nothing(page, post, purged, settings):
    settings.WAGTAILSEARCH_BACKENDS = {"default": {"BACKEND": f"{__name__}.BrokenSearch"}}

    assert post(payload()).status_code == 200
    assert sorted(purged) == URLS


def test_a_search_engine_that_is_down_is_asked_again_later(page, post, settings):
    settings.TASKS = {"default": {"BACKEND": f"{__name__}.PatientQueue"}}
    settings.WAGTAILSEARCH_BACKENDS = {"default": {"BACKEND": f"{__name__}.BrokenSearch"}}
    queue = task_backends["default"]
    post(payload())
    delays = []
    for _attempt in range(6):
        (result,) = [result for result in queue.results if result.task.func.__module__ == effects.__name__]
        queue.clear()
        started_at = timezone.now()
        with pytest.raises(ConnectionError):
            result.task.call(*result.args, **result.kwargs)
        again = [result for result in queue.results if result.task.func.__module__ == effects.__name__]
        if not again:
            break
        delays.append(round((again[0].task.run_after - started_at).total_seconds()))
    assert delays == [60, 300, 1800, 7200]


def test_a_run_that_moves_refreshes_the_pages_of_both_courses(page, post, purged, django_capture_on_commit_callbacks):
    post(payload())
    other = make_course(code="Other")
    page.get_parent().add_child(instance=CoursePage(title="Other", slug="other", course=other))
    purged.clear()
    publisher = make_client("Course publishers")
    with django_capture_on_commit_callbacks(execute=True):
        address = url(CourseRun, "edit", CourseRun.objects.get().pk)
        submit(publisher, address, {"course": other.pk}, button="action-publish")
    assert CourseRun.objects.get().course == other
    assert sorted(purged) == [*URLS, "http://localhost/courses/other/"]


def test_a_schedule_purges_when_its_time_has_come(page, post, purged, django_capture_on_commit_callbacks):
    run = make_run(course=page.course, live=False)
    run.go_live_at = timezone.now() + timedelta(days=1)
    with django_capture_on_commit_callbacks(execute=True):
        revision = run.save_revision()
        revision.publish()
    assert purged == []

    past = timezone.now() - timedelta(minutes=1)
    content = {**revision.content, "go_live_at": past.isoformat()}
    Revision.objects.filter(pk=revision.pk).update(approved_go_live_at=past, content=content)
    with django_capture_on_commit_callbacks(execute=True):
        call_command("publish_scheduled")
    assert CourseRun.objects.get().live
    assert sorted(purged) == URLS

    purged.clear()
    CourseRun.objects.update(expire_at=past)
    with django_capture_on_commit_callbacks(execute=True):
        call_command("publish_scheduled")
    assert not CourseRun.objects.get().live
    assert sorted(purged) == URLS


def test_what_staff_do_to_many_runs_purges_their_page_once(page, post, purged, django_capture_on_commit_callbacks):
    post([payload(resource_link=link(f"R{number}")) for number in range(3)])
    CourseRun.objects.update(sync_mode="sync_to_draft")
    post([payload(resource_link=link(f"R{number}"), end=None) for number in range(3)])
    purged.clear()
    root = make_client(superuser=True)
    inbox = soup(root.get(url(CourseRun, "waiting")))
    drafts = [control["value"] for control in inbox.select("input[name=run]")]

    with django_capture_on_commit_callbacks(execute=True):
        root.post(url(CourseRun, "waiting_publish"), {"run": drafts})
    assert not CourseRun.objects.exclude(end=None).exists()
    assert sorted(purged) == URLS

    purged.clear()
    ids = "&".join(f"id={run.pk}" for run in CourseRun.objects.all())
    with django_capture_on_commit_callbacks(execute=True):
        root.post(f"/admin/bulk/cms_lms/courserun/delete/?{ids}")
    assert not CourseRun.objects.exists()
    assert sorted(purged) == URLS


def test_a_draft_that_is_deleted_purges_nothing(page, purged, django_capture_on_commit_callbacks):
    run = make_run(course=page.course, live=False)
    with django_capture_on_commit_callbacks(execute=True):
        make_client(superuser=True).post(url(CourseRun, "delete", run.pk))
    assert not CourseRun.objects.exists()
    assert purged == []


def test_what_staff_do_to_a_run_purges_its_course_page_too(
    page, post, purged, signals, django_capture_on_commit_callbacks
):
    post(payload())
    publisher = make_client("Course publishers")
    run = CourseRun.objects.get()
    steps = [
        lambda: publisher.post(url(CourseRun, "unpublish", run.pk)),
        lambda: submit(publisher, url(CourseRun, "edit", run.pk), {"title": "New"}, button="action-publish"),
        lambda: make_client(superuser=True).post(url(CourseRun, "delete", run.pk)),
    ]
    for step in steps:
        purged.clear()
        with django_capture_on_commit_callbacks(execute=True):
            step()
        assert sorted(purged) == URLS
    assert not CourseRun.objects.exists()


def test_a_draft_of_staff_purges_nothing(page, post, purged, django_capture_on_commit_callbacks):
    post(payload())
    purged.clear()
    address = url(CourseRun, "edit", CourseRun.objects.get().pk)
    with django_capture_on_commit_callbacks(execute=True):
        submit(make_client("Course editors"), address, {"title": "New title"})
    assert purged == []
