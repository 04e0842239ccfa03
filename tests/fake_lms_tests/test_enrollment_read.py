"""Reading enrollments: section 2.4 of the contracts."""

from datetime import UTC, datetime

import pytest

from .conftest import Browser

DEMO = "course-v1:edX+DemoX+2027_T1"
OLD = "MITx/6.002x/2012_Fall"
CCX = "ccx-v1:HarvardX+CS50+X+ccx@7"
ENROLLMENT = "/api/enrollment/v1/enrollment"


def test_never_enrolled_is_200_without_body_and_without_content_type(learner):
    response = learner.get(f"{ENROLLMENT}/learner,{DEMO}")
    assert response.status_code == 200
    assert response.content == b""
    assert "Content-Type" not in response.headers
    assert response.headers["Content-Length"] == "0"


@pytest.mark.parametrize("key", [DEMO, OLD, CCX])
@pytest.mark.parametrize("encoded", [False, True])
def test_row_is_found_by_every_kind_of_key_raw_and_encoded(lms, learner, key, encoded):
    lms.state.set_enrollment("learner", key, mode="audit")
    path = key.replace("+", "%2B").replace("/", "%2F").replace(":", "%3A").replace("@", "%40") if encoded else key
    for prefix in ("learner,", "learner%2C", ""):
        data = learner.get(f"{ENROLLMENT}/{prefix}{path}").json()
        assert data["is_active"] is True
        assert data["course_details"]["course_id"] == key


def test_row_has_the_contracts_shape(lms, learner):
    lms.state.set_enrollment("learner", DEMO, is_active=False)
    response = learner.get(f"{ENROLLMENT}/learner,{DEMO}")
    assert response.headers["Content-Type"] == "application/json"
    assert response.json() == {
        "created": "2026-11-23T12:00:00Z",
        "mode": "audit",
        "is_active": False,
        "user": "learner",
        "course_details": {
            "course_id": DEMO,
            "course_name": "edX Demonstration Course",
            "enrollment_start": "2026-10-01T00:00:00Z",
            "enrollment_end": "2027-01-31T23:59:59Z",
            "course_start": "2027-02-01T08:00:00Z",
            "course_end": "2027-06-30T22:00:00Z",
            "course_modes": [
                {
                    "slug": slug,
                    "name": slug.capitalize(),
                    "min_price": price,
                    "suggested_prices": "",
                    "currency": "usd",
                    "expiration_datetime": None,
                    "description": None,
                    "sku": None,
                    "bulk_sku": None,
                }
                for slug, price in (("audit", 0), ("verified", 50))
            ],
            "invite_only": False,
            "pacing_type": "Instructor Paced",
        },
    }


def test_eucalyptus_knew_no_name_and_no_pacing(lms, learner):
    lms.state.change_settings(release="eucalyptus")
    lms.state.set_enrollment("learner", DEMO)
    details = learner.get(f"{ENROLLMENT}/{DEMO}").json()["course_details"]
    assert not {"course_name", "pacing_type"} & details.keys()


def test_anonymous_is_401(anonymous):
    for path in (f"{ENROLLMENT}/learner,{DEMO}", ENROLLMENT):
        response = anonymous.get(path)
        assert response.status_code == 401
        assert response.json() == {"detail": "Authentication credentials were not provided."}


def test_another_learner_is_an_empty_404_but_not_for_staff_or_the_key(learner, staff, server_call):
    response = learner.get(f"{ENROLLMENT}/staff,{DEMO}")
    assert (response.status_code, response.content) == (404, b"")
    assert staff.get(f"{ENROLLMENT}/learner,{DEMO}").status_code == 200
    assert server_call.get(f"{ENROLLMENT}/learner,{DEMO}").status_code == 200


def test_malformed_key_is_400_and_was_500(lms, learner):
    response = learner.get(f"{ENROLLMENT}/learner,rubbish")
    assert response.status_code == 400
    expected = "An error occurred while retrieving enrollments for user 'learner' in course 'rubbish'"
    assert response.json() == {"message": expected}
    lms.state.change_settings(release="hawthorn")
    response = learner.get(f"{ENROLLMENT}/learner,rubbish")
    assert response.status_code == 500
    assert response.headers["Content-Type"].startswith("text/html")


def test_trailing_slash_is_404(learner):
    assert learner.get(f"{ENROLLMENT}/").status_code == 404
    assert learner.get(f"{ENROLLMENT}/{DEMO}/").status_code == 404


def test_throttle_is_40_a_minute_by_the_lmss_clock(lms, learner):
    for _ in range(40):
        assert learner.get(f"{ENROLLMENT}/{DEMO}").status_code == 200
        lms.clock.advance(0.5)
    response = learner.get(f"{ENROLLMENT}/{DEMO}")
    assert response.status_code == 429
    assert response.headers["Retry-After"] == "40"
    assert response.json() == {"detail": "Request was throttled. Expected available in 40 seconds."}
    lms.clock.advance(39.9)
    assert learner.get(f"{ENROLLMENT}/{DEMO}").json()["detail"].endswith("in 1 second.")
    lms.clock.advance(0.1)
    assert learner.get(f"{ENROLLMENT}/{DEMO}").status_code == 200


def test_throttle_of_staff_is_120_and_the_key_has_none(lms, staff, server_call):
    for _ in range(120):
        assert staff.get(f"{ENROLLMENT}?user=learner").status_code == 200
    assert staff.get(f"{ENROLLMENT}?user=learner").status_code == 429
    for _ in range(121):
        assert server_call.get(f"{ENROLLMENT}?user=learner").status_code == 200


def test_list_has_active_rows_only(lms, learner, server_call, staff):
    lms.state.add_user("other")
    lms.state.set_enrollment("learner", DEMO)
    lms.state.set_enrollment("learner", OLD, mode="honor", is_active=False)
    lms.state.set_enrollment("other", DEMO)
    assert [row["course_details"]["course_id"] for row in learner.get(ENROLLMENT).json()] == [DEMO]
    assert learner.get(f"{ENROLLMENT}?user=other").json() == []
    for session in (server_call, staff):
        assert [row["user"] for row in session.get(f"{ENROLLMENT}?user=other").json()] == ["other"]


def test_wrong_api_key_is_401(lms):
    session = Browser(lms, origin=None)
    assert session.get(f"{ENROLLMENT}?user=learner", headers={"X-Edx-Api-Key": "wrong"}).status_code == 401
    lms.state.change_settings(api_key=None)
    assert session.get(f"{ENROLLMENT}?user=learner", headers={"X-Edx-Api-Key": ""}).status_code == 401


def test_course_is_public(lms, anonymous):
    lms.state.runs[DEMO].modes[1].expiration_datetime = datetime(2026, 1, 1, tzinfo=UTC)
    data = anonymous.get(f"/api/enrollment/v1/course/{DEMO}").json()
    assert data["enrollment_end"] == "2027-01-31T23:59:59Z"
    assert [mode["slug"] for mode in data["course_modes"]] == ["audit"]
    data = anonymous.get(f"/api/enrollment/v1/course/{DEMO}?include_expired=1").json()
    assert [mode["slug"] for mode in data["course_modes"]] == ["audit", "verified"]
    assert anonymous.get(f"/api/enrollment/v1/course/{OLD.replace('/', '%2F')}").json()["course_id"] == OLD
    for key in ("course-v1:No+Such+Run", "rubbish"):
        response = anonymous.get(f"/api/enrollment/v1/course/{key}")
        assert response.status_code == 400
        assert response.json() == {"message": f"No course found for course ID '{key}'"}


def test_list_for_staff_pages_by_cursor_and_has_inactive_rows(lms, staff, learner, anonymous, server_call):
    for number in range(5):
        lms.state.add_user(f"u{number}")
        lms.state.set_enrollment(f"u{number}", DEMO, is_active=number != 2)
    path, seen = f"/api/enrollment/v1/enrollments?course_id={DEMO.replace('+', '%2B')}&page_size=2", []
    while path:
        data = staff.get(path).json()
        assert set(data) == {"next", "previous", "results"}
        seen += data["results"]
        path = (data["next"] or "").replace(lms.url, "")
    assert [row["user"] for row in seen] == ["u0", "u1", "u2", "u3", "u4"]
    assert seen[2] == {
        "created": "2026-11-23T12:00:00Z",
        "mode": "audit",
        "is_active": False,
        "user": "u2",
        "course_id": DEMO,
    }
    assert len(staff.get("/api/enrollment/v1/enrollments?username=u1,u3").json()["results"]) == 2
    assert len(staff.get("/api/enrollment/v1/enrollments?email=u1@example.com").json()["results"]) == 1
    response = staff.get("/api/enrollment/v1/enrollments?course_id=rubbish")
    assert response.status_code == 400
    assert response.json()["field_errors"]["course_id"]["developer_message"]
    assert learner.get("/api/enrollment/v1/enrollments").status_code == 403
    assert anonymous.get("/api/enrollment/v1/enrollments").status_code == 401
    assert server_call.get("/api/enrollment/v1/enrollments").status_code == 401
