"""The real senders against the running site: what the Open edX plugin and Joanie do, and what they get for it."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator

import pytest
from django.core.cache import cache

from cms_lms.models import CourseRun, SyncDelivery
from cms_lms.models.delivery import Outcome
from tests.factories import make_backend, make_course
from tests.fake_lms import FakeLMS

pytestmark = pytest.mark.django_db(transaction=True, serialized_rollback=True)

KEY = "course-v1:edX+DemoX+2027_T1"
OLD_END, NEW_END = "2027-06-30T22:00:00Z", "2027-07-31T22:00:00Z"


@pytest.fixture
def lms(live_server, settings) -> Iterator[FakeLMS]:
    """The fake LMS, with a backend of its own and a Joanie beside it."""
    settings.CMS_LMS_ALLOW_INSECURE_URLS = True
    cache.clear()
    with FakeLMS(cms_url=live_server.url, secret=settings.CMS_LMS_SYNC_SECRETS[0]) as lms:
        make_course(code="DemoX", organisation="edX")
        make_backend(
            base_url=lms.url, course_regex=rf"^{re.escape(lms.url)}/courses/(?P<course_id>[^/]+)/info$", name="Campus"
        )
        make_backend(
            name="Joanie",
            backend="cms_lms.backends.joanie.JoanieBackend",
            base_url="https://joanie.example.com",
            course_regex=r"^https://joanie\.example\.com/api/v1\.0/(?P<resource_uri>course-runs/[^/]+)/?$",
            js_backend="",
        )
        lms.state.update_run(KEY, end=OLD_END)
        yield lms


def answers(lms: FakeLMS, *variants: str) -> list[tuple[int | None, object]]:
    """Publish the run in each way and return what was answered."""
    deliveries = [lms.sender.publish(KEY, variant) for variant in variants]
    return [(delivery.status, json.loads(delivery.answer)) for delivery in deliveries]


DONE = (200, {"success": True})


def end_of_run() -> str:
    """Return the public end of the run."""
    return f"{CourseRun.objects.get(resource_link__contains=KEY).end:%Y-%m-%dT%H:%M:%SZ}"


def test_an_object_as_the_plugin_posts_it_in_any_serialisation(lms):
    assert answers(lms, "plugin", "compact", "non_ascii", "six_fields") == [DONE] * 4
    assert end_of_run() == OLD_END


def test_wrong_and_missing_signatures(lms):
    assert answers(lms, "wrong_secret", "no_header") == [
        (401, "Invalid authentication."),
        (403, "Missing authentication."),
    ]
    assert not SyncDelivery.objects.exists()


def test_a_call_that_is_sent_again_changes_nothing(lms):
    answers(lms, "plugin")
    before = CourseRun.objects.values().get()

    assert answers(lms, "replay") == [DONE]
    assert CourseRun.objects.values().get() == before


def test_a_post_through_a_redirect_is_lost_as_with_every_receiver(lms):
    delivery = lms.sender.publish(KEY, "redirected")

    assert delivery.status == 405
    assert not CourseRun.objects.exists()


def test_learners_who_enroll_are_counted_one_by_one(lms):
    answers(lms, "plugin")
    before = CourseRun.objects.get().enrollment_count

    assert [lms.sender.learner_enrolls(KEY).status for _ in range(5)] == [200] * 5
    assert CourseRun.objects.get().enrollment_count == before + 5


def test_without_a_time_the_last_call_wins(lms):
    answers(lms, "plugin")
    lms.state.update_run(KEY, end=NEW_END)

    assert answers(lms, "plugin", "outdated") == [DONE, DONE]
    assert end_of_run() == OLD_END


def test_a_message_is_processed_once_and_a_slow_clock_is_told(lms):
    assert answers(lms, "message") == [DONE]
    lms.state.update_run(KEY, end=NEW_END)

    assert answers(lms, "message", "outdated", "slow_clock") == [DONE, DONE, (401, "Invalid authentication.")]
    assert end_of_run() == NEW_END
    late = SyncDelivery.objects.latest("pk")
    assert (late.status_code, late.items[0]["outcome"]) == (401, Outcome.REFUSED)


def test_joanies_list(lms):
    delivery = lms.sender.publish_joanie()

    assert delivery.status == 200
    assert json.loads(delivery.answer) == {item["resource_link"]: {"success": True} for item in lms.state.joanie_items}
    assert CourseRun.objects.get().course.code == "DEMOX"


def test_joanie_is_never_made_to_try_a_refused_list_again(lms):
    items = [{**lms.state.joanie_items[0], "languages": []}, {"resource_link": "https://elsewhere.example.com/x"}]

    assert lms.sender.publish_joanie(items).status == 400
    assert lms.sender.publish_joanie([{}]).status == 400
    assert SyncDelivery.objects.count() == 2


def test_joanie_waits_as_long_as_it_is_told_and_gets_through(lms, settings):
    settings.CMS_LMS_SYNC_RATE = "1/second"

    deliveries = [lms.sender.publish_joanie() for _ in range(3)]

    assert [delivery.status for delivery in deliveries] == [200] * 3
    assert SyncDelivery.objects.count() == 3
