"""Who may call the web hook."""

import json

import pytest
from django.test import Client
from rest_framework.throttling import AnonRateThrottle
from rest_framework.versioning import URLPathVersioning
from rest_framework.views import APIView

from cms_lms.encryption import Secret
from cms_lms.models import CourseRun, SyncDelivery
from cms_lms.sync.authentication import find_signer
from cms_lms.sync.secrets import SigningSecret
from cms_lms.sync.signature import read_signature, sign
from tests.factories import make_backend, make_course
from tests.sync.payloads import payload

pytestmark = pytest.mark.django_db

VECTOR = {
    "resource_link": "https://lms.example.com/courses/course-v1:Orgé+C1+R1/info",
    "start": "2030-01-01T00:00:00+00:00",
    "end": None,
    "enrollment_start": "2029-12-01T08:30:00.123456+00:00",
    "enrollment_end": None,
    "languages": ["fr"],
    "enrollment_count": 42,
    "catalog_visibility": "both",
}


@pytest.mark.parametrize(
    ("body", "length", "digest"),
    [
        (json.dumps(VECTOR), 289, "49c2a5633de8d0fcdb0ca08c2d25eebb7b848d8891c163e95f31e4548867bd77"),
        (
            json.dumps(VECTOR, separators=(",", ":")),
            274,
            "c75e6be43d0f59898a0f18e2940a74bf7406fa7518126686018bb3513549d396",
        ),
        (
            json.dumps(VECTOR, ensure_ascii=False),
            285,
            "b55d6957096e3feb23bb69ce423782ad011c2646e8f4344e573a28ff944b16dd",
        ),
        (json.dumps([VECTOR]), 291, "d427a29ef2427e669d4be10de35a8fafab4cf33f0b39e880d0d20a555eecf94d"),
    ],
    ids=["default", "compact", "utf-8", "list"],
)
def test_the_contracts_vectors_are_accepted(send, body, length, digest):
    make_backend()
    make_course(code="C1")
    assert len(body.encode()) == length

    response = send(body.encode(), f"SIG-HMAC-SHA256 {digest}")

    assert response.status_code == 200, response.content
    run = CourseRun.objects.get()
    assert run.resource_link == VECTOR["resource_link"]
    assert run.enrollment_start.isoformat() == "2029-12-01T08:30:00.123456+00:00"


@pytest.mark.parametrize("header", [None, " "[:0]])
def test_a_call_without_a_signature_is_403(client, header):
    headers = {} if header is None else {"Authorization": header}
    response = client.post("/api/v1.0/course-runs-sync/", b"{}", content_type="application/json", headers=headers)

    assert response.status_code == 403
    assert response.json() == "Missing authentication."


BODY = json.dumps(payload()).encode()


@pytest.mark.parametrize(
    "header",
    [
        sign(BODY, "another secret"),
        sign(BODY + b" ", "SharedSecret"),
        sign(BODY, "SharedSecret")[:-1],
        sign(BODY, "SharedSecret").replace("SIG-HMAC-SHA256", "Bearer"),
        sign(BODY, "SharedSecret").replace(" ", ""),
        "SIG-HMAC-SHA256",
        "SIG-HMAC-SHA256 ",
        "SIG-HMAC-SHA256 zz",
        "SIG-HMAC-SHA256 é\xff",
        "\xe9",
        "Basic dXNlcjpwYXNz",
    ],
)
def test_a_call_with_another_signature_is_401(send, header):
    response = send(BODY, header)

    assert response.status_code == 401
    assert response.json() == "Invalid authentication."
    assert not SyncDelivery.objects.exists()


def test_the_signature_is_checked_before_the_body_is_read(send):
    assert send(b"\xff{", "SIG-HMAC-SHA256 00").status_code == 401


def test_hexadecimal_digits_may_be_capitals_between_spaces(post, send):
    make_backend()
    make_course(code="DemoX")
    scheme, digest = sign(BODY, "SharedSecret").split()

    assert send(BODY, f"{scheme}  {digest.upper()} ").status_code == 200


def test_several_secrets_are_valid_at_once_and_the_delivery_names_the_one_used(send, settings):
    settings.CMS_LMS_SYNC_SECRETS = ["new", "SharedSecret"]
    make_backend()
    make_course(code="DemoX")

    assert send(BODY, sign(BODY, "new")).status_code == 200
    assert send(BODY, sign(BODY, "SharedSecret")).status_code == 200

    old, new = SyncDelivery.objects.all()
    assert (new.secret_name[:6], old.secret_name[:6]) == ("site 1", "site 2")
    assert "SharedSecret" not in f"{old.secret_name} {old.payload} {old.items} {old.response}"


def test_without_secrets_nobody_may_call(send, settings):
    settings.CMS_LMS_SYNC_SECRETS = []

    assert send(BODY).status_code == 401


@pytest.mark.parametrize("blank", ["", " "])
def test_a_blank_secret_signs_nothing(send, settings, blank):
    settings.CMS_LMS_SYNC_SECRETS = [blank, "SharedSecret"]

    assert send(BODY, sign(BODY, blank)).status_code == 401
    assert send(b"[]", sign(b"[]", "SharedSecret")).status_code == 200


def test_all_secrets_are_tried_whichever_signed():
    """How long an answer takes must not tell which secret it was."""
    signers = [SigningSecret(f"number {number}", secret=Secret(str(number))) for number in range(3)]
    for signer in signers:
        tried = iter(signers)

        assert find_signer([read_signature(sign(b"{}", signer.secret.reveal()))], b"{}", tried) is signer
        assert list(tried) == []


def test_a_site_wide_secret_that_is_listed_twice_has_its_first_place(send, settings):
    settings.CMS_LMS_SYNC_SECRETS = ["SharedSecret", "other", "SharedSecret"]

    assert send(b"[]").status_code == 200
    assert SyncDelivery.objects.get().secret_name.startswith("site 1 (")


@pytest.mark.parametrize("text", ["\udce9", "\x00", "é" * 3000])
def test_a_site_wide_secret_of_odd_characters_spoils_no_call(send, settings, text):
    settings.CMS_LMS_SYNC_SECRETS = [text, "SharedSecret"]

    assert send(b"[]", sign(b"[]", "nobody's")).status_code == 401
    assert send(b"[]").status_code == 200


@pytest.mark.parametrize("method", ["get", "head", "options", "put", "patch", "delete"])
def test_other_methods_are_405(client, method):
    assert getattr(client, method)("/api/v1.0/course-runs-sync/").status_code == 405


@pytest.mark.parametrize(("path", "status"), [("v1.0/course-runs-sync", 403), ("v2.0/course-runs-sync/", 404)])
def test_routes(client, path, status):
    assert client.post(f"/api/{path}").status_code == status


@pytest.mark.parametrize("debug", [False, True])
@pytest.mark.parametrize(
    "path", ["v2.0/course-runs-sync", "v2/course-runs-sync/", "v2/course-runs-sync", "v/course-runs-sync/"]
)
def test_an_unknown_version_is_404_for_senders_that_have_no_csrf_token(settings, path, debug):
    settings.DEBUG = debug
    client = Client(enforce_csrf_checks=True, raise_request_exception=False)

    assert client.post(f"/api/{path}", b"{}", content_type="application/json").status_code == 404


def test_the_throttles_and_versions_of_a_site_s_own_api_do_not_apply(send, monkeypatch):
    class SiteThrottle(AnonRateThrottle):
        rate = "1/day"

    class SiteVersioning(URLPathVersioning):
        allowed_versions = ("2.0",)

    monkeypatch.setattr(APIView, "throttle_classes", [SiteThrottle])
    monkeypatch.setattr(APIView, "versioning_class", SiteVersioning)

    assert [send(b"[]").status_code for _ in range(3)] == [200, 200, 200]
