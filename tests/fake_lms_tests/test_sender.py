"""The web hook's sender: byte for byte as section 8 of the contracts says, from Python and from the studio."""

import hashlib
import hmac
import json
import re

import pytest

from tests.fake_lms.sender import sign, sign_message
from tests.fake_lms.state import InvalidChange, UnknownRun

DEMO = "course-v1:edX+DemoX+2027_T1"
HOOK = "/api/v1.0/course-runs-sync/"

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
    ("body", "digest"),
    [
        (json.dumps(VECTOR), "49c2a5633de8d0fcdb0ca08c2d25eebb7b848d8891c163e95f31e4548867bd77"),
        (
            json.dumps(VECTOR, separators=(",", ":")),
            "c75e6be43d0f59898a0f18e2940a74bf7406fa7518126686018bb3513549d396",
        ),
        (json.dumps(VECTOR, ensure_ascii=False), "b55d6957096e3feb23bb69ce423782ad011c2646e8f4344e573a28ff944b16dd"),
        (json.dumps([VECTOR]), "d427a29ef2427e669d4be10de35a8fafab4cf33f0b39e880d0d20a555eecf94d"),
    ],
)
def test_signature_vectors(body, digest):
    assert sign(body.encode(), "SharedSecret") == f"SIG-HMAC-SHA256 {digest}"


def test_message_vector():
    """As Standard Webhooks publishes it."""
    headers = sign_message(
        b'{"test": 2432232314}',
        "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw",
        "msg_p5jXN8AQM9LWM0D4loKWxJek",
        1614265330,
    )
    assert headers == {
        "webhook-id": "msg_p5jXN8AQM9LWM0D4loKWxJek",
        "webhook-timestamp": "1614265330",
        "webhook-signature": "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=",
    }


def test_messages_have_an_id_each_and_a_slow_clock_is_a_day_late(lms, receiver):
    for variant in ("message", "message", "slow_clock"):
        lms.sender.publish(DEMO, variant)
    first, second, late = (headers for _path, headers, _body in receiver.received)
    assert first["Webhook-Id"] != second["Webhook-Id"]
    assert 0 <= int(first["Webhook-Timestamp"]) - int(late["Webhook-Timestamp"]) - 86400 + 60 <= 60
    assert all("Authorization" not in headers for headers in (first, second, late))
    assert lms.sender.publish(DEMO, "replay").headers["webhook-id"] == second["Webhook-Id"]


def signature_holds(headers, body):
    digest = hmac.new(b"SharedSecret", body, hashlib.sha256).hexdigest()
    return headers.get("Authorization") == f"SIG-HMAC-SHA256 {digest}"


def test_run_arrives_byte_for_byte(lms, receiver):
    for key, run in lms.state.runs.items():
        delivery = lms.sender.publish(key)
        path, headers, body = receiver.received[-1]
        assert path == HOOK
        assert body == delivery.body == json.dumps(run.sync_payload(lms.url)).encode()
        assert headers["Content-Type"] == "application/json"
        assert signature_holds(headers, body)
        assert (delivery.status, delivery.answer) == (200, '{"success": true}')


def test_body_is_the_plugins(lms, receiver):
    lms.sender.publish(DEMO)
    expected = (
        '{"resource_link": "LMS/courses/course-v1:edX+DemoX+2027_T1/info", '
        '"start": "2027-02-01T08:00:00+00:00", "end": "2027-06-30T22:00:00+00:00", '
        '"enrollment_start": "2026-10-01T00:00:00+00:00", "enrollment_end": "2027-01-31T23:59:59+00:00", '
        '"languages": ["en"], "enrollment_count": 112, "catalog_visibility": "both"}'
    )
    assert receiver.received[0][2].decode() == expected.replace("LMS", lms.url)


def test_mutations(lms, receiver):
    lms.state.update_run(DEMO, language="français")

    def send(variant):
        lms.sender.publish(DEMO, variant)
        return receiver.received[-1][1:]

    headers, body = send("compact")
    assert b'": ' not in body
    assert signature_holds(headers, body)
    headers, body = send("non_ascii")
    assert "français".encode() in body
    assert signature_holds(headers, body)
    headers, body = send("six_fields")
    assert len(json.loads(body)) == 6
    assert signature_holds(headers, body)
    headers, body = send("wrong_secret")
    assert headers["Authorization"].startswith("SIG-HMAC-SHA256 ")
    assert not signature_holds(headers, body)
    headers, body = send("no_header")
    assert "Authorization" not in headers
    lms.sender.publish(DEMO)
    first = receiver.received[-1]
    lms.state.update_run(DEMO, end=None)
    headers, body = send("replay")
    assert (body, headers["Authorization"]) == (first[2], first[1]["Authorization"])
    lms.sender.publish(DEMO)
    assert send("outdated")[1] == first[2]
    assert len(lms.state.deliveries) == 9


def test_redirected_post_arrives_as_a_get(lms, receiver):
    lms.sender.publish(DEMO, "redirected")
    assert lms.journal.entries(path="hook-moved")[0].method == "POST"
    assert receiver.received[-1][2] == b""


def test_unsendable(lms, receiver):
    with pytest.raises(InvalidChange):
        lms.sender.publish(DEMO, "replay")
    with pytest.raises(InvalidChange):
        lms.sender.publish(DEMO, "by pigeon")
    with pytest.raises(UnknownRun):
        lms.sender.publish("course-v1:No+Such+Run")
    assert not receiver.received


def test_site_that_is_down_is_an_error_not_an_exception(lms):
    lms.state.settings.cms_url = "http://127.0.0.1:9"
    delivery = lms.sender.publish(DEMO)
    assert delivery.status is None
    assert delivery.error


def test_joanie_posts_a_list_and_retries_on_500_only(lms, receiver):
    receiver.answers = [(500, "oops"), (500, "oops"), (200, "{}")]
    delivery = lms.sender.publish_joanie()
    assert delivery.status == 200
    assert len(receiver.received) == 3
    path, headers, body = receiver.received[-1]
    assert path == HOOK
    assert body == json.dumps(lms.state.joanie_items).encode()
    assert json.loads(body)[0]["course"] == "DemoX"
    assert headers["Content-Type"] == "application/json"
    assert signature_holds(headers, body)
    receiver.answers = [(502, "oops")]
    assert lms.sender.publish_joanie().status == 502
    assert len(receiver.received) == 4


def test_learner_enrolls_posts_the_new_count(lms, receiver):
    lms.sender.learner_enrolls(DEMO)
    lms.sender.learner_enrolls(DEMO)
    assert [json.loads(body)["enrollment_count"] for _, _, body in receiver.received] == [113, 114]


def form_of(html, key):
    """The values of a run's form in the studio."""
    card = re.search(rf'data-run="{re.escape(key)}".*?</section>', html, re.DOTALL).group()
    values = dict(re.findall(r'name="(\w+)" value="([^"]*)"', card))
    values["catalog_visibility"] = re.search(r'<option value="(\w+)" selected', card).group(1)
    return {name: value for name, value in values.items() if name != "action"}, card


def test_studio_edits_publishes_and_shows_the_answer(lms, receiver, anonymous):
    values, card = form_of(anonymous.get("/studio").text, DEMO)
    assert values["start"] == "2027-02-01T08:00:00Z"
    assert f'Publish this run <span class="hidden">{DEMO}</span>' in card
    assert f'A learner enrolls <span class="hidden">{DEMO}</span>' in card
    receiver.answers = [(400, '{"resource_link": ["Unknown course: <DEMOX>."]}')]
    response = anonymous.post(
        "/studio",
        data=values | {"start": "2027-02-08T08:00:00Z", "end": "", "action": "publish"},
        headers={"Origin": None},
    )
    assert response.url.startswith(f"{lms.url}/studio?delivery=1#run-")
    sent = json.loads(receiver.received[-1][2])
    assert (sent["start"], sent["end"]) == ("2027-02-08T08:00:00+00:00", None)
    _, card = form_of(response.text, DEMO)
    assert "HTTP 400" in card
    assert "Unknown course: &lt;DEMOX&gt;." in card
    assert 'role="status"' in card


def test_studio_keeps_what_the_form_shows(lms, receiver, anonymous):
    """Pressing the button without an edit sends what the data file says, microseconds included."""
    html = anonymous.get("/studio").text
    for key, run in list(lms.state.runs.items()):
        before = json.dumps(run.sync_payload(lms.url)).encode()
        values, _ = form_of(html, key)
        anonymous.post("/studio", data=values | {"action": "publish"}, headers={"Origin": lms.url})
        assert receiver.received[-1][2] == before


def test_studio_refuses_what_makes_no_sense(lms, receiver, anonymous):
    values, _ = form_of(anonymous.get("/studio").text, DEMO)
    own = {"Origin": lms.url}
    response = anonymous.post("/studio", data=values | {"start": "soon", "language": "fr"}, headers=own)
    assert response.status_code == 400
    assert "start: not a date in ISO 8601: soon" in form_of(response.text, DEMO)[1]
    assert lms.state.run(DEMO).language == "en"
    assert anonymous.post("/studio", data=values | {"course_id": "nope"}, headers=own).status_code == 400
    assert anonymous.post("/studio", data=values).status_code == 403
    assert not receiver.received


def test_studio_buttons(lms, receiver, anonymous):
    values, _ = form_of(anonymous.get("/studio").text, DEMO)
    own = {"Origin": lms.url}
    anonymous.post("/studio", data=values | {"action": "enroll"}, headers=own)
    assert json.loads(receiver.received[-1][2])["enrollment_count"] == 113
    anonymous.post("/studio", data=values | {"action": "variant", "variant": "no_header"}, headers=own)
    assert "Authorization" not in receiver.received[-1][1]
    response = anonymous.post("/studio", data={"action": "joanie"}, headers=own)
    assert isinstance(json.loads(receiver.received[-1][2]), list)
    assert response.url.endswith("#joanie")
