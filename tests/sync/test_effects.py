"""What follows a public change once it is committed: the signal, the search index, the front-end cache."""

from __future__ import annotations

import pytest
from wagtail.contrib.frontend_cache.backends import BaseBackend
from wagtail.models import Page

from cms_lms.catalog.models import CourseIndexPage, CoursePage
from cms_lms.models import CourseRun, LMSBackend
from cms_lms.sync.effects import course_run_synced
from tests.admin.browsing import submit, url
from tests.admin.conftest import make_client
from tests.factories import make_backend, make_course
from tests.sync.payloads import LINK, link, payload

pytestmark = pytest.mark.django_db

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

    assert sorted(purged) == ["http://localhost/courses/", "http://localhost/courses/demo/"]
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


def test_what_staff_do_to_a_run_purges_its_course_page_too(
    page, post, purged, signals, django_capture_on_commit_callbacks
):
    post(payload())
    urls = ["http://localhost/courses/", "http://localhost/courses/demo/"]
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
        assert sorted(purged) == urls
    assert not CourseRun.objects.exists()


def test_a_draft_of_staff_purges_nothing(page, post, purged, django_capture_on_commit_callbacks):
    post(payload())
    purged.clear()
    address = url(CourseRun, "edit", CourseRun.objects.get().pk)
    with django_capture_on_commit_callbacks(execute=True):
        submit(make_client("Course editors"), address, {"title": "New title"})
    assert purged == []
