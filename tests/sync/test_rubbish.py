"""The web hook never answers 500, whatever it is sent: the stock senders would try the same again."""

from __future__ import annotations

import datetime as dt
import json
from urllib.parse import urlencode

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from wagtail.models import ModelLogEntry, Revision

from cms_lms.encryption import Secret
from cms_lms.models import CourseRun, SyncDelivery
from cms_lms.runs.fields import SyncMode
from cms_lms.sync.standard_webhooks import make_signature
from tests.factories import make_backend, make_course
from tests.sync.payloads import HOST, LINK, link, payload

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def catalogue(db):
    """An Open edX backend and one course."""
    make_backend()
    make_course(code="DemoX")


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"{",
        b"\xff\xfe",
        b"\x00",
        b"nonsense",
        b'{"resource_link": NaN}',
        b"[" * 100_000,
        b'{"a":' * 50_000 + b"1" + b"}" * 50_000,
        b'{"resource_link": ' + b"9" * 5000 + b"}",
        b'{"resource_link": "\x01"}',
    ],
    ids=["empty", "cut", "utf-16", "nul", "text", "nan", "deep list", "deep object", "huge number", "control"],
)
def test_what_is_not_json_is_400_with_a_reason(send, body):
    response = send(body)

    assert response.status_code == 400
    assert response.json()["detail"].startswith("JSON parse error - ")
    delivery = SyncDelivery.objects.get()
    assert delivery.status_code == 400


@pytest.mark.parametrize("value", ["text", 3, 1.5, True, None, {}, [[]], [[payload()]], [None], "\ud800", -0.0])
def test_json_that_is_no_run_is_400(post, value):
    response = post(value)

    assert response.status_code == 400
    assert response.json() == {"resource_link": ["This field is required."]}


def test_a_byte_order_mark_is_no_rubbish(send):
    assert send(b"\xef\xbb\xbf" + json.dumps(payload()).encode()).status_code == 200


def test_charsets_and_accepted_types_do_not_matter(send):
    body = json.dumps(payload()).encode()

    assert send(body, content_type="application/json; charset=utf-8", HTTP_ACCEPT="text/html").status_code == 200


@pytest.mark.parametrize("content_type", ["text/plain", "application/x-www-form-urlencoded", "multipart/form-data", ""])
def test_other_content_types_are_415(send, content_type):
    assert send(json.dumps(payload()).encode(), content_type=content_type).status_code == 415
    assert SyncDelivery.objects.get().status_code == 415


def test_a_body_over_the_limit_is_413_before_it_is_hashed(send, settings):
    settings.CMS_LMS_SYNC_MAX_BODY_BYTES = 1000

    response = send(b" " * 1001, "no signature at all")

    assert response.status_code == 413
    assert "1000 bytes" in response.json()["detail"]


@pytest.mark.parametrize("length", ["\xb2", "-1", "1.0", "9" * 5000, "nonsense"])
def test_a_length_that_is_no_number_is_413(client, length):
    response = client.generic("POST", "/api/v1.0/course-runs-sync/", b"[]", CONTENT_LENGTH=length)

    assert response.status_code == 413


def test_ten_megabytes_are_413(send):
    assert send(b"[" + b"1," * 5_000_000 + b"1]").status_code == 413


@pytest.mark.parametrize(
    "link",
    [
        "https://lms.example.com/courses/course-v1:edX+DemoX\x00+R1/info",
        "https://lms.example.com/courses/course-v1:edX+DemoX\ud800+R1/info",
        "https://user:password@lms.example.com/courses/course-v1:edX+DemoX+R1/info",
        "https://lms.example.com/courses/course-v1:/info",
        "https://lms.example.com/courses/+/info",
        "https://lms.example.com/courses/%00/info",
        "https://lms.example.com/courses/%ff/info",
        "https://lms.example.com/courses/🦄/info",
        "javascript:alert(1)",
        "//lms.example.com",
        "https://[::1",
        "https://lms.example.com:99999/courses/course-v1:edX+DemoX+R1/info",
        "https://lms.example.com/courses/" + "x" * 5000 + "/info",
        "\ud800",
        "a\x00b",
    ],
)
def test_rubbish_links_are_refused_alone_and_in_lists(post, link):
    assert post(payload(resource_link=link)).status_code == 400
    response = post([payload(resource_link=link), payload()])

    assert response.status_code == 400
    assert response.json()[LINK] == {"success": True}
    assert CourseRun.objects.count() == 1
    assert SyncDelivery.objects.filter(refused_count=1).count() == 2


RUBBISH = [
    {"end": "9999-12-31T23:59:59-12:00"},
    {"end": "0001-01-01T00:00:00+14:00"},
    {"price": 10**400},
    {"price": "1e400"},
    {"enrollment_count": 10**400},
    {"enrollment_count": 1e308},
    {"languages": ["\ud800"]},
    {"languages": [{"a": []}]},
    {"offer": {"a": 1}},
    {"discount": "x" * 1000},
    {"discount": "\ud800"},
    {"price_currency": ["EUR"]},
    {"price_currency": "\x00\x00\x00"},
    {"catalog_visibility": "\ud800"},
]


@pytest.mark.parametrize("fields", RUBBISH)
def test_rubbish_values_are_400_and_write_nothing(post, fields):
    response = post(payload(**fields))

    assert response.status_code == 400, response.content
    assert set(response.json()) == set(fields)
    assert not CourseRun.objects.exists()


@pytest.mark.parametrize("mode", SyncMode.values)
def test_rubbish_values_leave_known_runs_as_they_are(post, mode):
    post(payload())
    CourseRun.objects.update(sync_mode=mode)
    before = CourseRun.objects.values().get(), Revision.objects.count(), ModelLogEntry.objects.count()

    for fields in RUBBISH:
        assert post({"resource_link": LINK} | fields).status_code == 400, fields
        assert post([{"resource_link": LINK} | fields] * 2).status_code == 400, fields

    assert (CourseRun.objects.values().get(), Revision.objects.count(), ModelLogEntry.objects.count()) == before


@pytest.mark.parametrize("value", [{}, {"a": 1}, [], [LINK], 3, 1.5, True, [[[]]]])
def test_what_cannot_be_a_key_is_none(post, value):
    missing = {"resource_link": ["This field is required."]}

    assert post(payload(resource_link=value)).json() == missing
    assert post([payload(), payload(resource_link=value)]).json() == missing
    assert post(payload(course=value)).status_code == 200
    assert post([payload(course=value), payload(course=value)]).status_code == 200
    assert CourseRun.objects.count() == 1


@pytest.mark.parametrize("field", ["price", "enrollment_count", "offer", "catalog_visibility"])
def test_what_is_nested_as_deeply_as_can_just_be_parsed_is_400(send, field):
    """The parser's limit is that of the stack, of which more is in use when a message repeats the value."""

    def send_nested(depth: int):
        nested = "[" * depth + "]" * depth
        return send(f'{{"resource_link": "{LINK}", "languages": ["en"], "{field}": {nested}}}'.encode())

    depth = 1000
    while "detail" in send_nested(depth).json():
        depth -= 5
    assert {send_nested(depth - less).status_code for less in range(40)} == {400}


VALUES = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False)
    | st.text(max_size=30)
    | st.datetimes().map(str)
    | st.sampled_from(["en", "fr", "both", "hidden", "free", "EUR", LINK, f"{HOST}/courses/", ["en"], "59.99"]),
    lambda children: st.lists(children, max_size=3) | st.dictionaries(st.text(max_size=5), children, max_size=3),
    max_leaves=5,
)
FIELDS = st.sampled_from([*payload(), "price", "price_currency", "offer", "discount", "certificate_offer", "course"])


@pytest.fixture
def known_runs(post):
    """A run in each mode; one of them has something pending."""
    for mode in SyncMode.values:
        post(payload(resource_link=link(mode)))
        CourseRun.objects.for_link(link(mode)).update(sync_mode=mode)
    post({"resource_link": link("sync_to_draft"), "end": None})


LINKS = st.sampled_from([LINK, *map(link, SyncMode.values), link("R2")])


@settings(max_examples=200, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(items=st.lists(st.tuples(LINKS, st.dictionaries(FIELDS, VALUES, max_size=8)), max_size=4), is_list=st.booleans())
def test_any_json_gets_an_answer_below_500(post, known_runs, items, is_list):
    sent = [{"resource_link": url} | values for url, values in items]
    response = post(sent if is_list else (sent[0] if sent else {}))

    assert response.status_code in (200, 400)
    json.loads(response.content)


#: The site's clock, in seconds.
NOW = 1_800_000_000

#: What a header may hold on its way through a server, and more.
HEADER = st.none() | st.text(st.characters(max_codepoint=255), max_size=60)
ID = st.sampled_from(["msg_1", "msg_2"]) | HEADER
SECONDS = st.integers(-(10**12), 10**12).map(str) | st.sampled_from(["1", "-0", "1e3", "9" * 5000]) | HEADER


@settings(max_examples=75, deadline=None, suppress_health_check=list(HealthCheck))
@given(
    authorization=HEADER,
    message_id=ID,
    timestamp=SECONDS,
    signature=HEADER | st.lists(st.just("v1,"), max_size=2000).map(" ".join),
    query=st.text(st.characters(codec="ascii"), max_size=10),
)
def test_headers_of_any_kind_are_refused(send, authorization, message_id, timestamp, signature, query):
    sent = {"HTTP_WEBHOOK_ID": message_id, "HTTP_WEBHOOK_TIMESTAMP": timestamp, "HTTP_WEBHOOK_SIGNATURE": signature}

    response = send(
        b"[]",
        authorization or None,  # an empty one is the right one
        url=f"/api/v1.0/course-runs-sync/?{urlencode({'dry_run': query})}",
        **{name: text for name, text in sent.items() if text is not None},
    )

    assert response.status_code in (401, 403)
    assert not SyncDelivery.objects.exists()


@settings(max_examples=100, deadline=None, suppress_health_check=list(HealthCheck))
@given(
    message_id=st.text(st.characters(max_codepoint=255), max_size=300),
    seconds=st.integers(NOW - 400, NOW + 400) | st.integers(-(10**6), 10**13),
    body=st.binary(max_size=40) | st.just(json.dumps(payload()).encode()),
)
def test_messages_that_are_rightly_signed_are_answered(send, monkeypatch, message_id, seconds, body):
    monkeypatch.setattr("cms_lms.sync.views.timezone.now", lambda: dt.datetime.fromtimestamp(NOW, dt.UTC))
    signature = make_signature(message_id, str(seconds), body, Secret("SharedSecret")).decode()

    response = send(
        body,
        None,
        HTTP_WEBHOOK_ID=message_id,
        HTTP_WEBHOOK_TIMESTAMP=str(seconds),
        HTTP_WEBHOOK_SIGNATURE=f"v1,{signature}",
    )

    assert response.status_code in (200, 400, 401, 403, 409)
