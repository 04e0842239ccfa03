"""A secret that belongs to a backend: what it may write, how its use is noted, when it comes into force."""

from __future__ import annotations

import datetime as dt
import hashlib
import json
import logging
from concurrent.futures import ThreadPoolExecutor

import pytest
from django.db import DatabaseError, connection
from django.test.utils import CaptureQueriesContext

from cms_lms.encryption import Secret
from cms_lms.models import CourseRun, LMSBackend, SyncDelivery
from cms_lms.models.sync_secret import SyncSecret
from cms_lms.sync.secrets import SigningSecrets
from cms_lms.sync.signature import sign
from tests.factories import course_regex, make_backend, make_course, make_run
from tests.sync.payloads import LINK, link, payload

pytestmark = pytest.mark.django_db

NOW = dt.datetime(2027, 1, 4, 12, tzinfo=dt.UTC)

CAMPUS, PARTNERS = "the secret of Campus", "the secret of Partners"
PARTNERS_LINK = "https://partners.example.com/courses/course-v1:edX+DemoX+P1/info"
UNKNOWN_LINK = "https://nobody.example.com/courses/course-v1:edX+DemoX+N1/info"

NOT_ALLOWED = {"resource_link": ["Not allowed for this secret."]}
NO_BACKEND = {"resource_link": ["No LMS configuration found for this resource link."]}


def add_secret(backend: LMSBackend, text: str, name: str = "production", now: dt.datetime = NOW) -> SyncSecret:
    return SyncSecret.add(backend, name=name, now=now, secret=Secret(text))


@pytest.fixture
def campus() -> LMSBackend:
    """The backend of ``LINK``, with a secret of its own, and the course."""
    make_course(code="DemoX")
    backend = make_backend(slug="campus", course_regex=course_regex("lms.example.com"))
    add_secret(backend, CAMPUS)
    return backend


@pytest.fixture
def partners(campus) -> LMSBackend:
    """The backend of ``PARTNERS_LINK``, with another secret."""
    backend = make_backend(
        slug="partners", base_url="https://partners.example.com", course_regex=course_regex("partners.example.com")
    )
    add_secret(backend, PARTNERS)
    return backend


@pytest.fixture
def clock(monkeypatch):
    """Set what time it is when calls come."""

    def set_time(now: dt.datetime) -> None:
        monkeypatch.setattr("cms_lms.sync.views.timezone.now", lambda: now)

    set_time(NOW)
    return set_time


@pytest.fixture
def signed(send):
    """Post a value signed with a secret."""

    def signed(secret: str, value):
        body = value if isinstance(value, bytes) else json.dumps(value).encode()
        return send(body, sign(body, secret))

    return signed


# What it may write


def test_a_backend_s_own_secret_writes_its_runs_and_the_delivery_names_it(campus, signed):
    response = signed(CAMPUS, payload())

    assert (response.status_code, response.json()) == (200, {"success": True})
    assert CourseRun.objects.get().resource_link == LINK
    fingerprint = hashlib.sha256(CAMPUS.encode()).hexdigest()[:4]
    assert SyncDelivery.objects.get().secret_name == f"campus: production ({fingerprint})"


@pytest.mark.parametrize("known", [False, True])
def test_another_backend_s_run_is_401(partners, signed, known, caplog):
    if known:
        signed(PARTNERS, payload(resource_link=PARTNERS_LINK, enrollment_count=1))
        SyncDelivery.objects.all().delete()

    with caplog.at_level(logging.WARNING, "django.security.cms_lms"):
        response = signed(CAMPUS, payload(resource_link=PARTNERS_LINK, enrollment_count=2))

    assert (response.status_code, response.json()) == (401, "Invalid authentication.")
    assert list(CourseRun.objects.values_list("enrollment_count", flat=True)) == ([1] if known else [])
    delivery = SyncDelivery.objects.get()
    assert (delivery.status_code, delivery.response, delivery.refused_count) == (401, "Invalid authentication.", 1)
    assert delivery.backend == partners
    assert delivery.items[0]["reason"] == "resource_link: Not allowed for this secret."
    assert "campus: production" in caplog.text
    assert CAMPUS not in caplog.text


def test_in_a_list_each_run_of_others_is_refused_and_the_rest_is_done(partners, signed):
    links = [LINK, PARTNERS_LINK, UNKNOWN_LINK, link("R2")]

    response = signed(CAMPUS, [payload(resource_link=resource_link) for resource_link in links])

    assert response.status_code == 400
    assert response.json() == {
        LINK: {"success": True},
        PARTNERS_LINK: NOT_ALLOWED,
        UNKNOWN_LINK: NO_BACKEND,
        link("R2"): {"success": True},
    }
    assert "created=2" in response["Sync-Outcome"]
    assert "refused=2" in response["Sync-Outcome"]
    assert set(CourseRun.objects.values_list("resource_link", flat=True)) == {LINK, link("R2")}


def test_a_list_of_one_is_a_list(partners, signed):
    response = signed(CAMPUS, [payload(resource_link=PARTNERS_LINK)])

    assert (response.status_code, response.json()) == (400, {PARTNERS_LINK: NOT_ALLOWED})


def test_a_link_that_is_no_backend_s_is_the_usual_400(partners, signed):
    response = signed(CAMPUS, payload(resource_link=UNKNOWN_LINK))

    assert (response.status_code, response.json()) == (400, NO_BACKEND)


@pytest.mark.parametrize(
    ("value", "status"),
    [
        (b"{", 400),
        ({"languages": ["en"]}, 400),
        ({"resource_link": "https://[", "languages": ["en"]}, 400),
        # Whose run it is comes before what is said of it.
        ({"resource_link": PARTNERS_LINK, "languages": "en", "start": 1}, 401),
        ({"resource_link": LINK, "languages": "en"}, 400),
    ],
)
def test_the_order_of_the_checks(partners, signed, value, status):
    assert signed("nobody's", value).status_code == 401
    assert not SyncDelivery.objects.exists()

    assert signed(CAMPUS, value).status_code == status
    assert SyncDelivery.objects.get().status_code == status


def test_a_site_wide_secret_still_writes_everything(partners, signed):
    response = signed("SharedSecret", [payload(), payload(resource_link=PARTNERS_LINK)])

    assert response.status_code == 200
    assert SyncDelivery.objects.get().secret_name.startswith("site 1 (")


def test_first_match_wins_for_secrets_too(campus, signed):
    """A backend whose pattern would match as well, but comes later, does not own the run."""
    later = make_backend(slug="later")
    add_secret(later, "later")

    assert signed("later", payload()).status_code == 401
    assert signed(CAMPUS, payload()).status_code == 200


@pytest.fixture
def plain(campus) -> LMSBackend:
    """A backend that matches the same links as Campus, but with plain http: to the database they are one run's."""
    backend = make_backend(slug="plain", course_regex=course_regex("lms.example.com").replace("https", "http"))
    add_secret(backend, "plain")
    return backend


PLAIN_LINK = LINK.replace("https", "http")


def test_a_run_that_is_known_by_another_backend_s_link_is_refused(plain, signed):
    signed(CAMPUS, payload(enrollment_count=1))

    response = signed("plain", payload(resource_link=PLAIN_LINK, enrollment_count=2))
    listed = signed("plain", [payload(resource_link=PLAIN_LINK, enrollment_count=2)])

    assert (response.status_code, response.json()) == (401, "Invalid authentication.")
    assert (listed.status_code, listed.json()) == (400, {PLAIN_LINK: NOT_ALLOWED})
    assert {delivery.backend.slug for delivery in SyncDelivery.objects.all()} == {"campus"}
    assert CourseRun.objects.get().enrollment_count == 1
    assert signed("SharedSecret", payload(resource_link=PLAIN_LINK, enrollment_count=2)).status_code == 200
    assert CourseRun.objects.get().enrollment_count == 2


def test_a_run_that_the_same_list_created_by_another_link_is_its_creator_s(plain, signed):
    plain.course_regex = plain.course_regex.replace("http:", "https?:")
    plain.save()

    response = signed("plain", [payload(resource_link=PLAIN_LINK), payload(end=None)])

    assert response.json() == {PLAIN_LINK: {"success": True}, LINK: NOT_ALLOWED}
    assert CourseRun.objects.get().end is not None


def test_a_known_link_that_is_no_backend_s_is_open_to_the_owner_of_the_link_that_was_sent(campus, signed):
    run = make_run(resource_link=PLAIN_LINK, sync_mode="sync_to_public", course=make_course(code="Other"))

    assert signed(CAMPUS, payload(enrollment_count=7)).status_code == 200
    run.refresh_from_db()
    assert run.enrollment_count == 7


# The same text twice


def test_a_site_wide_secret_wins_over_a_backend_s_own_of_the_same_text(partners, signed, settings):
    settings.CMS_LMS_SYNC_SECRETS = ["SharedSecret", CAMPUS]

    assert signed(CAMPUS, payload(resource_link=PARTNERS_LINK)).status_code == 200
    assert SyncDelivery.objects.get().secret_name.startswith("site 2 (")
    assert SyncSecret.objects.filter(last_used_at=None).count() == 2

    settings.CMS_LMS_SYNC_SECRETS = ["SharedSecret"]

    assert signed(CAMPUS, payload(resource_link=PARTNERS_LINK)).status_code == 401
    assert SyncDelivery.objects.first().secret_name.startswith("campus: ")


def test_a_secret_of_two_backends_writes_the_runs_of_both(partners, signed, clock):
    other = make_backend(
        slug="other", base_url="https://other.example.com", course_regex=course_regex("other.example.com")
    )
    add_secret(other, CAMPUS, name="the same")

    response = signed(CAMPUS, [payload(), payload(resource_link=LINK.replace("lms.", "other."))])
    refused = signed(CAMPUS, payload(resource_link=PARTNERS_LINK))

    assert (response.status_code, refused.status_code) == (200, 401)
    assert SyncDelivery.objects.first().secret_name.startswith("campus: production, other: the same (")
    assert set(SyncSecret.objects.filter(last_used_at=NOW).values_list("backend__slug", flat=True)) == {
        "campus",
        "other",
    }


# When it is in force


def test_two_secrets_of_a_backend_sign_until_one_is_retired(campus, signed):
    add_secret(campus, "new", name="next")
    assert [signed(secret, payload()).status_code for secret in (CAMPUS, "new")] == [200, 200]

    SyncSecret.objects.get(name="production").retire(now=NOW)

    assert [signed(secret, payload()).status_code for secret in (CAMPUS, "new")] == [401, 200]


def retire_by_hand(secret: SyncSecret) -> None:
    secret.retired_at = NOW
    secret.save()


@pytest.mark.parametrize(
    "end",
    [
        lambda secret: secret.delete(),
        lambda secret: secret.backend.sync_secrets.all().delete(),
        lambda secret: SyncSecret.objects.update(retired_at=NOW),
        lambda secret: SyncSecret.objects.bulk_update([SyncSecret(pk=secret.pk, retired_at=NOW)], ["retired_at"]),
        retire_by_hand,
    ],
)
def test_a_secret_that_an_operator_ends_in_the_shell_signs_nothing_from_then_on(campus, signed, end):
    assert signed(CAMPUS, payload()).status_code == 200
    end(SyncSecret.objects.get())
    assert signed(CAMPUS, payload()).status_code == 401


def test_the_secrets_of_a_disabled_backend_sign_nothing(campus, signed):
    LMSBackend.objects.update(is_enabled=False)
    assert signed(CAMPUS, payload()).status_code == 401
    assert not SyncDelivery.objects.exists()

    LMSBackend.objects.update(is_enabled=True)
    assert signed(CAMPUS, payload()).status_code == 200


def test_the_secrets_of_a_deleted_backend_sign_nothing(campus, signed):
    campus.delete()

    assert signed(CAMPUS, payload()).status_code == 401


def test_a_secret_may_be_in_the_environment(campus, signed, monkeypatch):
    monkeypatch.setenv("CMS_LMS_SECRET_CAMPUS", "from outside")
    add_secret(campus, "env:CMS_LMS_SECRET_CAMPUS", name="outside")

    assert signed("from outside", payload()).status_code == 200
    assert signed("env:CMS_LMS_SECRET_CAMPUS", payload()).status_code == 401


@pytest.mark.parametrize(
    "stored", ["encrypted:not this site's", "env:CMS_LMS_SECRET_UNSET", "env:CMS_LMS_SECRET_BLANK", "env:DATABASE_URL"]
)
def test_a_secret_that_cannot_be_had_is_left_out_and_named(partners, signed, monkeypatch, caplog, stored):
    monkeypatch.setenv("CMS_LMS_SECRET_BLANK", " ")
    monkeypatch.setenv("DATABASE_URL", PARTNERS)
    SyncSecret.objects.filter(backend=partners).update(stored_value=stored)

    assert signed(PARTNERS, payload(resource_link=PARTNERS_LINK)).status_code == 401
    assert signed(CAMPUS, payload()).status_code == 200
    assert "The web hook secret production of LMS backend partners is left out: " in caplog.text
    assert PARTNERS not in caplog.text


# What deliveries and error pages say


def test_a_long_name_is_cut_and_the_fingerprint_stays(campus, signed):
    LMSBackend.objects.update(slug="s" * 100)

    assert signed(CAMPUS, payload()).status_code == 200
    secret_name = SyncDelivery.objects.get().secret_name
    assert len(secret_name) == 100
    assert secret_name.endswith(f"sss ({hashlib.sha256(CAMPUS.encode()).hexdigest()[:4]})")


def test_what_is_kept_in_the_process_prints_no_secret(partners):
    printed = repr(SigningSecrets.in_force())

    assert "campus: production" in printed
    assert not [secret for secret in (CAMPUS, PARTNERS, "SharedSecret") if secret in printed]


# Last used, and what it costs


def last_used() -> dt.datetime | None:
    return SyncSecret.objects.get().last_used_at


def minutes(number: float) -> dt.datetime:
    return NOW + dt.timedelta(minutes=number)


def test_the_last_use_is_noted_every_five_minutes(campus, signed, clock):
    assert last_used() is None
    noted = []
    for moment in (0, 4.9, 5, 9.9, 10, -30):
        clock(minutes(moment))
        assert signed(CAMPUS, payload()).status_code == 200
        noted.append(last_used())

    assert noted == [minutes(number) for number in (0, 0, 5, 5, 10, 10)]


@pytest.mark.parametrize("value", [b"{", {}, payload(resource_link=UNKNOWN_LINK), payload(resource_link=PARTNERS_LINK)])
def test_a_call_that_is_refused_is_a_use_all_the_same(campus, signed, clock, value):
    signed(CAMPUS, value)

    assert last_used() == NOW


def test_an_invalid_signature_is_no_use(campus, signed, clock):
    signed("nobody's", payload())

    assert last_used() is None


def test_a_use_that_another_process_noted_is_not_noted_again(campus, signed, clock):
    signed(CAMPUS, payload())
    SyncSecret.objects.update(last_used_at=minutes(4))

    clock(minutes(6))
    signed(CAMPUS, payload())

    assert last_used() == minutes(4)


def statements(call) -> list[str]:
    """Return what a call asks of the database, without what begins and ends transactions."""
    with CaptureQueriesContext(connection) as queries:
        assert call().status_code == 200
    sql = [query["sql"] for query in queries]
    return [text for text in sql if not text.startswith(("SAVEPOINT", "RELEASE", "BEGIN", "COMMIT"))]


def test_a_call_costs_as_many_queries_with_a_backend_s_secret_as_with_a_site_wide_one(partners, signed, clock):
    for secret in (CAMPUS, "SharedSecret"):
        signed(secret, payload())  # the run, and what a process keeps

    site_wide, own = (
        statements(lambda secret=secret: signed(secret, payload())) for secret in ("SharedSecret", CAMPUS)
    )
    assert (len(site_wide), len(own)) == (3, 3)

    clock(minutes(5))
    noted = statements(lambda: signed(CAMPUS, payload()))
    assert len(noted) == 4
    assert noted[-1].startswith("UPDATE")


@pytest.mark.parametrize("header", [None, "Bearer x", "SIG-HMAC-SHA256 00"])
def test_what_is_no_signature_costs_no_query(campus, send, header, django_assert_num_queries):
    with django_assert_num_queries(0):
        send(b"{}", header)


def refuse_notes(execute, sql, params, many, context):
    """Stand in for a database that refuses the note."""
    if sql.startswith("UPDATE") and "last_used_at" in sql:
        raise DatabaseError("refused")
    return execute(sql, params, many, context)


@pytest.mark.django_db(transaction=True, serialized_rollback=True)
def test_a_note_that_the_database_refuses_loses_nothing(campus, signed, clock, caplog):
    with connection.execute_wrapper(refuse_notes):
        assert signed(CAMPUS, payload()).status_code == 200

    assert last_used() is None
    assert CourseRun.objects.get().live
    assert SyncDelivery.objects.get().created_count == 1
    assert "The use of the web hook secret campus: production" in caplog.text

    clock(minutes(5))
    signed(CAMPUS, payload())
    assert last_used() == minutes(5)


@pytest.mark.django_db(transaction=True, serialized_rollback=True)
def test_the_note_is_made_when_the_call_is_stored(campus, signed, clock):
    stored = []

    def look_from_elsewhere():
        stored.extend(SyncDelivery.objects.values_list("created_count", flat=True))
        connection.close()

    def watch(execute, sql, params, many, context):
        if sql.startswith("UPDATE") and "last_used_at" in sql:
            with ThreadPoolExecutor(1) as pool:
                pool.submit(look_from_elsewhere).result()
        return execute(sql, params, many, context)

    with connection.execute_wrapper(watch):
        signed(CAMPUS, payload())

    assert stored == [1]
    assert last_used() == NOW
