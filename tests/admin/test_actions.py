"""Wagtail's registered actions keep what the LMS owns, like the model's own methods."""

import datetime as dt

import pytest

from cms_lms.compat import WAGTAIL_8
from cms_lms.models import CourseRun
from cms_lms.runs.fields import SyncMode
from tests.factories import make_backend, make_run

pytestmark = [
    pytest.mark.django_db,
    pytest.mark.skipif(not WAGTAIL_8, reason="Wagtail 7.4 has no registry of actions."),
]

NEW_END = dt.datetime(2028, 1, 1, tzinfo=dt.UTC)


@pytest.fixture
def run():
    make_backend()
    return make_run(sync_mode=SyncMode.TO_PUBLIC)


def action(name):
    """Return the class that Wagtail's v3 API would use."""
    from wagtail.actions import action_registry

    return action_registry.get_action_class(CourseRun, name)


def test_publishing_keeps_a_sync_that_came_after_the_revision(run):
    run.title = "Spring edition"
    revision = run.save_revision()
    publish = action("publish")(revision)
    CourseRun.objects.update(end=NEW_END)

    publish.execute()

    run = CourseRun.objects.get()
    assert (run.title, run.end) == ("Spring edition", NEW_END)


def test_unpublishing_keeps_a_sync_that_came_after_the_object_was_loaded(run):
    CourseRun.objects.update(end=NEW_END)

    action("unpublish")(run).execute()

    run = CourseRun.objects.get()
    assert (run.live, run.end) == (False, NEW_END)
