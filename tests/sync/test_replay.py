"""What an LMS once sent goes the same way again, on the word of staff."""

from __future__ import annotations

import json

import pytest
from django.contrib.auth import get_user_model
from django.utils import timezone

from cms_lms.encryption import Secret
from cms_lms.models import CourseRun, LMSBackend, SyncDelivery
from cms_lms.models.sync_secret import SyncSecret
from cms_lms.sync.replay import BACKEND_GONE, replay, replay_payload
from cms_lms.sync.signature import sign
from tests.factories import make_backend, make_course
from tests.sync.payloads import LINK, payload

pytestmark = pytest.mark.django_db

CAMPUS = "secret of the campus"


@pytest.fixture
def backend(db) -> LMSBackend:
    """The campus, with a secret of its own."""
    backend = make_backend()
    SyncSecret.add(backend, name="production", now=timezone.now(), secret=Secret(CAMPUS))
    return backend


@pytest.fixture
def editor(db):
    """Who replays."""
    return get_user_model().objects.create_user("editor")


def last() -> SyncDelivery:
    """Return the latest delivery."""
    return SyncDelivery.objects.latest("pk")


def test_a_refused_call_is_applied_once_its_cause_is_mended(backend, editor, post):
    assert post(payload()).status_code == 400
    refused = last()
    make_course(code="DemoX")

    replayed = replay(refused, user=editor, now=timezone.now())

    assert (replayed.status_code, replayed.response) == (200, {"success": True})
    assert (replayed.replay_of, replayed.replayed_by) == (refused, editor)
    assert (replayed.secret_name, replayed.payload) == (refused.secret_name, refused.payload)
    assert replayed.remote_address == ""
    assert CourseRun.objects.get().resource_link == LINK
    refused.refresh_from_db()
    assert refused.status_code == 400


def test_a_dry_run_tells_what_would_become_of_it_and_changes_nothing(backend, editor, post):
    post(payload())
    make_course(code="DemoX")

    told = replay(last(), user=editor, is_dry_run=True, now=timezone.now())

    assert (told.status_code, told.counts["created"], told.is_dry_run) == (200, 1, True)
    assert not CourseRun.objects.exists()


def test_a_replay_writes_what_the_secret_could_write_and_no_more(backend, editor, send):
    body = json.dumps(payload()).encode()
    send(body, sign(body, CAMPUS))
    assert last().signer_scope == [backend.pk]
    make_course(code="DemoX")
    other = make_backend(name="Other", slug="other", base_url="https://other.example.com", sort_order=-1)

    replayed = replay(last(), user=editor, now=timezone.now())

    assert (replayed.status_code, replayed.response) == (401, "Invalid authentication.")
    assert "Not allowed for this secret." in replayed.items[0]["reason"]
    other.delete()
    assert replay(replayed, user=editor, now=timezone.now()).status_code == 200


@pytest.mark.parametrize("fate", ["gone", "disabled"])
def test_a_replay_for_a_backend_that_is_gone_says_so(backend, editor, send, fate):
    body = json.dumps([payload()]).encode()
    send(body, sign(body, CAMPUS))
    if fate == "gone":
        backend.delete()
    else:
        backend.is_enabled = False
        backend.save()

    replayed = replay(last(), user=editor, now=timezone.now())

    assert (replayed.status_code, replayed.response) == (400, BACKEND_GONE)
    assert replayed.pk == last().pk


def test_a_site_wide_call_whose_backend_is_gone_is_refused_in_words(editor, post):
    backend = make_backend()
    post(payload())
    assert last().signer_scope is None
    backend.delete()

    assert replay(last(), user=editor, now=timezone.now()).response == {
        "resource_link": ["No LMS configuration found for this resource link."]
    }


@pytest.mark.parametrize("body", [b"\xff", b"", b'{"resource_link": "a\x00"}', b'{"resource_link": "\xff"}', b"[[]]"])
def test_rubbish_is_refused_again(backend, editor, send, body):
    assert send(body).status_code == 400

    assert replay(last(), user=editor, now=timezone.now()).status_code == 400


def test_a_kept_payload_is_applied_alone(backend, editor):
    make_course(code="DemoX")

    replayed = replay_payload(
        payload(), signer_scope=[backend.pk], secret_name="campus: production", user=editor, now=timezone.now()
    )

    assert replayed.counts["created"] == 1
    assert (replayed.replay_of, replayed.signer_scope) == (None, [backend.pk])
    assert CourseRun.objects.get().matched_backend == backend


def test_a_replay_of_a_replay_names_the_one_it_repeats(backend, editor, post):
    post(payload())

    first = replay(last(), user=editor, now=timezone.now())
    second = replay(first, user=editor, now=timezone.now())

    assert second.replay_of == first
    assert second.event_at == first.event_at == first.replay_of.received_at
