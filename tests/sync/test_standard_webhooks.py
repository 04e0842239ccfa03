"""Calls with the headers of Standard Webhooks: what they prove, and that each message is processed once."""

from __future__ import annotations

import base64
import datetime as dt
import json
import logging

import pytest

from cms_lms.encryption import Secret
from cms_lms.models import CourseRun, DeletedRun, SyncDelivery
from cms_lms.models.sync_secret import SyncSecret
from cms_lms.sync.calls import CLOCKS_DIFFER, ID_REUSED
from cms_lms.sync.deliveries import SENT_BEFORE
from cms_lms.sync.replay import replay
from cms_lms.sync.signature import sign
from cms_lms.sync.standard_webhooks import sign_message
from tests.factories import make_backend, make_course
from tests.sync.conftest import SECRET
from tests.sync.payloads import LINK, payload

pytestmark = pytest.mark.django_db

NOW = dt.datetime(2026, 11, 27, 12, 0, tzinfo=dt.UTC)
WHSEC = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"


@pytest.fixture(autouse=True)
def catalogue(db):
    """An Open edX backend and one course."""
    make_backend()
    make_course(code="DemoX")


@pytest.fixture(autouse=True)
def clock(monkeypatch):
    """Set the site's clock; it stands still."""

    def set_clock(now: dt.datetime) -> None:
        monkeypatch.setattr("cms_lms.sync.views.timezone.now", lambda: now)

    set_clock(NOW)
    return set_clock


@pytest.fixture
def send_message(send):
    """Post a value as a sender does that knows Standard Webhooks; ``headers`` replace what it would send."""

    def send_message(value, message_id="msg_1", secret=SECRET, sent_at=NOW, authorization=None, headers=None, **kwargs):
        body = value if isinstance(value, bytes) else json.dumps(value).encode()
        sent = sign_message(body, secret, message_id=message_id, sent_at=sent_at) | (headers or {})
        extra = {f"HTTP_{name.upper().replace('-', '_')}": text for name, text in sent.items() if text is not None}
        return send(body, authorization, **extra, **kwargs)

    return send_message


def last() -> SyncDelivery:
    """Return the latest delivery."""
    return SyncDelivery.objects.latest("pk")


def test_the_published_vector_is_accepted(send, settings, clock):
    settings.CMS_LMS_SYNC_SECRETS = [WHSEC]
    clock(dt.datetime.fromtimestamp(1614265330, dt.UTC))

    response = send(
        b'{"test": 2432232314}',
        None,
        HTTP_WEBHOOK_ID="msg_p5jXN8AQM9LWM0D4loKWxJek",
        HTTP_WEBHOOK_TIMESTAMP="1614265330",
        HTTP_WEBHOOK_SIGNATURE="v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=",
    )

    assert response.json() == {"resource_link": ["This field is required."]}
    delivery = last()
    assert delivery.webhook_id == "msg_p5jXN8AQM9LWM0D4loKWxJek"
    assert delivery.event_at == dt.datetime(2021, 2, 25, 15, 2, 10, tzinfo=dt.UTC)


@pytest.mark.parametrize("secret", [SECRET, WHSEC, "whsec_not base64", "whsec_", "é"])
def test_a_message_is_applied_whatever_the_form_of_the_secret(send_message, settings, secret):
    settings.CMS_LMS_SYNC_SECRETS = [secret]

    assert send_message(payload(), secret=secret).json() == {"success": True}
    assert CourseRun.objects.get().resource_link == LINK


@pytest.mark.parametrize("secret", ["whsec_", "whsec_é", "whsec_!"])
def test_a_secret_that_is_no_base64_is_no_empty_key(send, settings, secret):
    settings.CMS_LMS_SYNC_SECRETS = [secret]
    body = b"[]"
    headers = sign_message(body, "\x00", message_id="msg_1", sent_at=NOW)
    extra = {f"HTTP_{name.upper().replace('-', '_')}": text for name, text in headers.items()}

    assert send(body, None, **extra).status_code == 401


def test_a_generated_secret_signs_in_both_ways(send_message, send, settings):
    settings.CMS_LMS_SYNC_SECRETS = []
    secret = SyncSecret.add(make_backend(slug="new", sort_order=-1), name="1", now=NOW).get_secret().reveal()
    assert len(base64.b64decode(secret.removeprefix("whsec_"), validate=True)) == 32

    assert send_message(payload(), secret=secret).status_code == 200
    body = json.dumps(payload()).encode()
    assert send(body, sign(body, secret)).status_code == 200


def test_one_of_several_signatures_is_enough(send_message):
    body = json.dumps(payload()).encode()
    right = sign_message(body, SECRET, message_id="msg_1", sent_at=NOW)["webhook-signature"]
    wrong = sign_message(body, "the next one", message_id="msg_1", sent_at=NOW)["webhook-signature"]

    listed = f"v1a,asymmetric {wrong} {right} v2,later"
    assert send_message(payload(), headers={"webhook-signature": listed}).status_code == 200


def signature_of(body: bytes) -> str:
    """Return the right signature without its version."""
    return sign_message(body, SECRET, message_id="msg_1", sent_at=NOW)["webhook-signature"].removeprefix("v1,")


@pytest.mark.parametrize(
    "headers",
    [
        {"webhook-id": None},
        {"webhook-timestamp": None},
        {"webhook-signature": None},
        {"webhook-signature": ""},
        {"webhook-signature": "v1"},
        {"webhook-signature": "v1,"},
        {"webhook-signature": signature_of(b"[]")},
        {"webhook-signature": f"v2,{signature_of(b'[]')}"},
        {"webhook-signature": f"v1,{signature_of(b'[]')[:-1]}"},
        {"webhook-signature": f"v1,{signature_of(b'[ ]')}"},
        {"webhook-signature": "v1,é\xff"},
        {"webhook-signature": " ".join([f"v1,{signature_of(b'[ ]')}"] * 1000 + [f"v1,{signature_of(b'[]')}"])},
        {"webhook-id": "msg_2"},
        {"webhook-id": "x" * 10_000},
        {"webhook-id": "a\x00b"},
        {"webhook-id": "é"},
        {"webhook-id": "two words"},
        {"webhook-timestamp": "-1"},
        {"webhook-timestamp": "1.5"},
        {"webhook-timestamp": "1e9"},
        {"webhook-timestamp": "١٢٣"},
        {"webhook-timestamp": "0x10"},
        {"webhook-timestamp": str(10**400)},
        {"webhook-timestamp": str(int(NOW.timestamp() * 1000))},
        {"webhook-timestamp": NOW.isoformat()},
        {"webhook-timestamp": str(int(NOW.timestamp()) + 1)},
    ],
    ids=lambda headers: str(headers)[:60],
)
def test_headers_that_prove_nothing_are_401(send_message, headers):
    response = send_message([], headers=headers)

    assert (response.status_code, response.json()) == (401, "Invalid authentication.")
    assert not SyncDelivery.objects.exists()


def test_the_security_log_says_what_is_wrong_without_repeating_it(send_message, caplog):
    with caplog.at_level(logging.WARNING, "django.security.cms_lms"):
        send_message([], headers={"webhook-timestamp": "1700000000000"})
        send_message([], headers={"webhook-id": None})

    assert "webhook-timestamp is not a whole number of seconds" in caplog.text
    assert "it has Standard Webhooks headers, but not webhook-id" in caplog.text
    assert "1700000000000" not in caplog.text


@pytest.mark.parametrize(("seconds", "status"), [(0, 200), (300, 200), (-300, 200), (301, 401), (-301, 401)])
def test_clocks_may_differ_by_five_minutes(send_message, seconds, status):
    sent_at = NOW + dt.timedelta(seconds=seconds)

    assert send_message([], sent_at=sent_at).status_code == status


@pytest.mark.parametrize("days", [1, -1, 1_000_000])
def test_a_clock_that_is_a_day_off_is_401_and_staff_read_why(send_message, days):
    sent_at = dt.datetime.fromtimestamp(0, dt.UTC) if days < 0 else NOW + dt.timedelta(days=days)

    response = send_message(payload(), sent_at=sent_at)

    assert (response.status_code, response.json()) == (401, "Invalid authentication.")
    assert not CourseRun.objects.exists()
    delivery = last()
    assert (delivery.status_code, delivery.webhook_key, delivery.event_at) == (401, None, sent_at)
    assert [item["reason"] for item in delivery.items] == [CLOCKS_DIFFER]


def test_both_schemes_must_hold_by_the_same_secret(send_message, settings):
    settings.CMS_LMS_SYNC_SECRETS = [SECRET, "another"]
    body = json.dumps(payload()).encode()

    assert send_message(body, authorization=sign(body, "another")).status_code == 401
    assert send_message(body, authorization=sign(body, "nobody's")).status_code == 401
    assert send_message(body, authorization="Bearer token").status_code == 401
    assert send_message(body, secret="nobody's", authorization=sign(body, SECRET)).status_code == 401
    assert send_message(body, authorization=sign(body, SECRET)).status_code == 200


def test_a_message_that_is_sent_again_is_answered_as_before_and_changes_nothing(send_message, post):
    first = send_message([payload()])
    assert first["Sync-Outcome"].startswith("created=1")
    original = last()
    post(payload(enrollment_count=50))

    again = send_message([payload()], sent_at=NOW + dt.timedelta(minutes=1))

    assert (again.status_code, again.content) == (first.status_code, first.content)
    assert again["Sync-Outcome"] == first["Sync-Outcome"]
    assert CourseRun.objects.get().enrollment_count == 50
    delivery = last()
    assert (delivery.replay_of, delivery.replayed_by, delivery.webhook_key) == (original, None, None)
    assert [item["reason"] for item in delivery.items] == [SENT_BEFORE]


def test_a_refused_message_stays_refused(send_message):
    unknown = payload(resource_link=LINK.replace("DemoX", "Later"))
    refused = send_message(unknown)
    make_course(code="Later")

    assert send_message(unknown).content == refused.content
    assert send_message(unknown, message_id="msg_2").status_code == 200


def test_a_message_id_with_another_body_is_409(send_message):
    send_message(payload())

    response = send_message(payload(enrollment_count=7))

    assert response.status_code == 409
    assert response.json() == {"detail": "This message id came before, with another body."}
    assert CourseRun.objects.get().enrollment_count == 42
    assert (last().status_code, last().items[0]["reason"]) == (409, ID_REUSED)


def test_ids_of_different_senders_have_nothing_to_do_with_one_another(send_message):
    campus = "the campus’s own"
    SyncSecret.add(make_backend(slug="own", sort_order=-1), name="1", now=NOW, secret=Secret(campus))

    assert send_message(payload()).status_code == 200
    assert send_message(payload(enrollment_count=7), secret=campus).status_code == 200
    assert CourseRun.objects.get().enrollment_count == 7


def test_an_id_outlives_the_secret_that_it_came_with(send_message):
    backend = make_backend(slug="own", sort_order=-1)
    for name in ("old", "new"):
        SyncSecret.add(backend, name=name, now=NOW, secret=Secret(name))
    send_message(payload(), secret="old")

    assert send_message(payload(enrollment_count=7), secret="new").status_code == 409


def test_an_interrupted_message_is_taken_over_by_the_next_of_its_id(send_message):
    send_message(payload())
    interrupted = last()
    for model in (CourseRun, DeletedRun):
        model.objects.all().delete()
    SyncDelivery.objects.update(status_code=None, created_count=0, items=[])

    assert send_message(payload(enrollment_count=1)).status_code == 409
    later = NOW + dt.timedelta(minutes=2)
    assert send_message([]).status_code == 409
    assert not CourseRun.objects.exists()
    interrupted.refresh_from_db()
    assert interrupted.status_code is None

    assert send_message(payload(), sent_at=later).json() == {"success": True}
    interrupted.refresh_from_db()
    assert (interrupted.status_code, interrupted.event_at) == (200, NOW)
    assert CourseRun.objects.get().last_event_at == NOW


def test_an_older_message_does_not_overwrite_what_is_newer(send_message):
    newer, older = payload(end="2029-01-01T00:00:00Z"), payload(end="2028-01-01T00:00:00Z")
    send_message(newer, message_id="second")

    response = send_message(older, message_id="first", sent_at=NOW - dt.timedelta(minutes=1))

    assert response.json() == {"success": True}
    assert response["Sync-Outcome"] == "created=0, updated=0, drafted=0, unchanged=0, ignored=1, refused=0"
    assert CourseRun.objects.get().end.year == 2029
    assert last().items[0]["reason"] == "The call is older than the one that was last applied to this run."
    assert send_message(older, message_id="third").json() == {"success": True}
    assert CourseRun.objects.get().end.year == 2028


def test_a_replay_is_as_old_as_what_it_repeats(send_message):
    unknown = payload(resource_link=LINK.replace("DemoX", "Later"))
    send_message([unknown, payload(end="2028-01-01T00:00:00Z")], sent_at=NOW - dt.timedelta(minutes=1))
    first = last()
    send_message(payload(end="2029-01-01T00:00:00Z"), message_id="msg_2")
    make_course(code="Later")

    replayed = replay(first, user=None, now=NOW + dt.timedelta(days=1))

    assert replayed.counts == first.counts | {"created": 1, "ignored": 1, "refused": 0}
    assert CourseRun.objects.get(resource_link=LINK).end.year == 2029


class TestABackendThatRequiresThem:
    """``LMSBackend.requires_standard_webhooks``."""

    @pytest.fixture(autouse=True)
    def backend(self, db):
        """Ask for replay protection, before all others."""
        return make_backend(slug="strict", sort_order=-1, requires_standard_webhooks=True)

    def test_a_single_run_without_them_is_401(self, post):
        response = post(payload())

        assert (response.status_code, response.json()) == (401, "Invalid authentication.")
        assert not CourseRun.objects.exists()

    def test_in_a_list_its_runs_are_refused_alone(self, post):
        make_backend(
            slug="lax", sort_order=-2, course_regex=r"^https://lms\.example\.com/courses/(?P<course_id>[^/]+R2)/info$"
        )
        other = LINK.replace("R1", "R2")

        response = post([payload(), payload(resource_link=other)])

        assert response.status_code == 400
        assert response.json()[other] == {"success": True}
        assert response.json()[LINK] == {"resource_link": ["Not allowed without the Standard Webhooks headers."]}

    def test_with_them_it_is_applied(self, send_message):
        assert send_message(payload()).json() == {"success": True}
