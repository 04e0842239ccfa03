"""Writing enrollments: section 2.5 of the contracts, for sessions and servers, and `/change_enrollment`."""

import pytest

DEMO = "course-v1:edX+DemoX+2027_T1"
OPEN = "course-v1:SC+BreadX+3T2015"
CLOSED = "course-v1:MITx+0.111x+2T2015"
NOT_YET = "course-v1:DelftX+CTB3365DWx+1T2027"
OLD = "MITx/6.002x/2012_Fall"
ENROLLMENT = "/api/enrollment/v1/enrollment"


def refusal_text(key, user="learner"):
    return {
        "message": f"An error occurred while creating the new course enrollment for user '{user}' in course '{key}'"
    }


def post(session, **data):
    return session.post(ENROLLMENT, json=data)


def test_learner_enrolls_and_a_repeat_is_the_same_200(lms, learner):
    count = lms.state.run(DEMO).enrollment_count
    first = learner.enroll(DEMO)
    assert first.status_code == 200
    assert (first.json()["is_active"], first.json()["mode"], first.json()["user"]) == (True, "audit", "learner")
    assert learner.enroll(DEMO).json() == first.json()
    assert lms.state.is_enrolled("learner", DEMO)
    assert lms.state.run(DEMO).enrollment_count == count + 1


def test_default_mode_is_honor_without_an_audit_track(lms, learner):
    lms.clock.set("2012-10-01T00:00:00Z")
    assert learner.enroll(OLD).json()["mode"] == "honor"


def test_empty_user_counts_as_the_caller(learner):
    assert learner.enroll(DEMO, user="").json()["user"] == "learner"


def test_learner_cannot_leave_by_is_active_false(lms, learner):
    learner.enroll(DEMO)
    response = learner.enroll(DEMO, is_active=False)
    assert (response.status_code, response.json()["is_active"]) == (200, True)
    assert lms.state.is_enrolled("learner", DEMO)
    assert learner.enroll(OPEN, is_active=False).json()["is_active"] is True


def test_an_inactive_row_is_activated_again(lms, learner):
    lms.state.set_enrollment("learner", DEMO, is_active=False)
    assert learner.enroll(DEMO).json()["is_active"] is True


@pytest.mark.parametrize("reason", ["closed", "not yet", "invite only", "full"])
def test_refusals_cannot_be_told_apart(lms, learner, reason):
    key = {"closed": CLOSED, "not yet": NOT_YET}.get(reason, DEMO)
    lms.state.update_run(DEMO, invitation_only=reason == "invite only", is_full=reason == "full")
    response = learner.enroll(key)
    assert response.status_code == 400
    assert response.json() == refusal_text(key)
    assert lms.state.enrollment("learner", key) is None


def test_window_is_checked_before_the_duplicate(lms, learner):
    learner.enroll(DEMO)
    lms.clock.set("2027-03-01T00:00:00Z")
    response = learner.enroll(DEMO)
    assert response.status_code == 400
    assert response.json() == refusal_text(DEMO)


@pytest.mark.parametrize(
    ("moment", "status"),
    [
        ("2026-10-01T00:00:00Z", 400),
        ("2026-10-01T00:00:00.000001Z", 200),
        ("2027-01-31T23:59:58.999999Z", 200),
        ("2027-01-31T23:59:59Z", 400),
    ],
)
def test_window_is_strict(lms, learner, moment, status):
    lms.clock.set(moment, frozen=True)
    assert learner.enroll(DEMO).status_code == status


def test_staff_and_the_allowed_pass_the_window(lms, learner, staff):
    lms.state.allow_enrollment("learner", CLOSED)
    assert learner.enroll(CLOSED).status_code == 200
    assert post(staff, course_details={"course_id": CLOSED}).status_code == 200


def test_course_must_be_named_and_exist(learner):
    learner.get(f"{ENROLLMENT}/{DEMO}")
    headers = {"X-CSRFToken": learner.csrf}
    missing = {"message": "Course ID must be specified to create a new enrollment."}
    for body in ({}, {"course_details": {}}, {"course_details": {"course_id": ""}}):
        response = learner.post(ENROLLMENT, json=body, headers=headers)
        assert (response.status_code, response.json()) == (400, missing)
    for key in ("course-v1:No+Such+Run", "rubbish"):
        response = learner.enroll(key)
        assert (response.status_code, response.json()) == (400, {"message": f"No course '{key}' found for enrollment"})


def test_modes(lms, learner, server_call):
    response = learner.enroll(DEMO, mode="verified")
    assert response.status_code == 403
    assert response.json() == {"message": "User does not have permission to create enrollment with mode [verified]."}
    response = learner.enroll(DEMO, mode="honor")
    assert response.status_code == 400
    assert response.json()["message"] == (
        f"The [honor] course mode is expired or otherwise unavailable for course run [{DEMO}]."
    )
    assert response.json()["course_details"]["course_id"] == DEMO
    response = post(server_call, course_details={"course_id": DEMO}, user="learner", mode="verified")
    assert (response.status_code, response.json()["mode"]) == (200, "verified")


def test_is_active_must_be_a_boolean(learner):
    response = learner.enroll(DEMO, is_active="yes")
    assert response.status_code == 400
    assert response.json() == {"message": "'yes' is an invalid enrollment activation status."}
    response = learner.enroll(DEMO, force_enrollment="yes")
    assert response.json() == {"message": "'yes' is an invalid force enrollment status."}


def test_acting_for_another_is_an_empty_404(learner):
    response = learner.enroll(DEMO, user="staff")
    assert (response.status_code, response.content) == (404, b"")
    assert "Content-Type" not in response.headers


def test_unknown_user_is_406_for_servers(server_call, staff):
    for session in (server_call, staff):
        response = post(session, course_details={"course_id": DEMO}, user="nobody")
        assert (response.status_code, response.json()) == (406, {"message": "The user nobody does not exist."})
    response = post(server_call, course_details={"course_id": DEMO}, email="no@example.com")
    assert response.status_code == 406
    assert "no@example.com" in response.json()["message"]
    response = post(server_call, course_details={"course_id": DEMO}, email="learner@example.com")
    assert response.json()["user"] == "learner"


def test_servers_deactivate_and_change_modes(lms, server_call, staff):
    for session in (server_call, staff):
        lms.state.set_enrollment("learner", DEMO)
        body = {"course_details": {"course_id": DEMO}, "user": "learner"}
        response = post(session, **body, is_active=False, mode="verified")
        assert response.status_code == 400
        assert response.json()["message"] == (
            "Enrollment mode mismatch: active mode=audit, requested mode=verified. Won't deactivate."
        )
        assert post(session, **body, is_active=False).json()["is_active"] is False
        assert post(session, **body, is_active=True, mode="verified").json()["mode"] == "verified"


def test_staff_could_not_deactivate_before_juniper(lms, server_call, staff):
    lms.state.change_settings(release="ficus")
    lms.state.set_enrollment("learner", DEMO)
    body = {"course_details": {"course_id": DEMO}, "user": "learner", "is_active": False}
    assert post(staff, **body).json()["is_active"] is True
    assert post(server_call, **body).json()["is_active"] is False


def test_force_enrollment_is_for_staff_since_quince(lms, staff, server_call):
    body = {"course_details": {"course_id": CLOSED}, "user": "learner", "force_enrollment": True}
    assert post(server_call, **body).status_code == 400
    lms.state.change_settings(release="palm")
    assert post(staff, **body).status_code == 400
    lms.state.change_settings(release="quince")
    assert post(staff, **body).json()["is_active"] is True


def test_unknown_cohort_and_missing_attributes(lms, server_call):
    response = post(server_call, course_details={"course_id": DEMO}, user="learner", cohort="red")
    assert (response.status_code, response.json()) == (
        400,
        {"message": "An error occurred while adding to cohort [red]"},
    )
    response = post(
        server_call,
        course_details={"course_id": DEMO},
        user="learner",
        mode="credit",
        enrollment_attributes=[{"namespace": "a", "name": "b", "value": "c"}],
    )
    assert response.status_code == 400
    assert response.json()["message"].startswith("Missing enrollment attributes: requested mode=credit")


def test_anonymous_is_401(anonymous):
    response = anonymous.post(ENROLLMENT, json={"course_details": {"course_id": DEMO}})
    assert response.status_code == 401
    assert "detail" in response.json()


def test_wrong_bodies(staff):
    response = staff.post(ENROLLMENT, data={"course_details": "x"})
    assert response.status_code == 415
    assert response.json()["detail"].startswith('Unsupported media type "application/x-www-form-urlencoded"')
    response = staff.post(ENROLLMENT, data=b"{", headers={"Content-Type": "application/json"})
    assert response.status_code == 400
    assert response.json()["detail"].startswith("JSON parse error - ")
    assert staff.post(ENROLLMENT, json=[1]).status_code == 500
    assert staff.put(ENROLLMENT, json={}).status_code == 405


@pytest.mark.parametrize(
    ("kind", "status", "keys"),
    [
        ("closed", 400, {"message"}),
        ("full", 400, {"message"}),
        ("invite_only", 400, {"message"}),
        ("mode_expired", 400, {"message", "course_details"}),
        ("invalid_attribute", 400, {"message", "localizedMessage"}),
        ("filter", 403, {"message", "localizedMessage"}),
        ("embargo", 403, {"message", "user_message_url"}),
    ],
)
def test_injected_refusals(lms, learner, kind, status, keys):
    lms.state.fail(kind, run=DEMO, user="learner")
    assert learner.enroll(OPEN).status_code == 200
    response = learner.enroll(DEMO)
    assert (response.status_code, response.json().keys()) == (status, keys)
    assert learner.enroll(DEMO).status_code == 200


def test_filter_refusal_carries_its_words_and_was_a_500_before_ulmo(lms, learner):
    lms.state.fail("filter", message="Adhésion expirée")
    assert learner.enroll(DEMO).json()["localizedMessage"] == "Adhésion expirée"
    lms.state.change_settings(release="teak")
    lms.state.fail("filter")
    assert learner.enroll(DEMO).status_code == 500


class TestChangeEnrollment:
    def change(self, session, **data):
        if not session.csrf:
            session.get(f"{ENROLLMENT}/{DEMO}")
        return session.post("/change_enrollment", data=data, headers={"X-CSRFToken": session.csrf or ""})

    def test_enrolls_and_unenrolls(self, lms, learner):
        response = self.change(learner, course_id=DEMO, enrollment_action="enroll")
        assert (response.status_code, response.text) == (200, f"/course_modes/choose/{DEMO}/")
        assert lms.state.is_enrolled("learner", DEMO)
        response = self.change(learner, course_id=DEMO, enrollment_action="unenroll")
        assert (response.status_code, response.text) == (200, "")
        assert not lms.state.is_enrolled("learner", DEMO)

    @pytest.mark.parametrize(
        ("data", "text"),
        [
            ({}, "Course id not specified"),
            ({"course_id": "rubbish"}, "Invalid course id"),
            ({"course_id": "course-v1:No+Such+Run", "enrollment_action": "enroll"}, "Course id is invalid"),
            ({"course_id": CLOSED, "enrollment_action": "enroll"}, "Could not enroll"),
            ({"course_id": DEMO, "enrollment_action": "unenroll"}, "You are not enrolled in this course"),
            ({"course_id": DEMO, "enrollment_action": "dance"}, "Enrollment action is invalid"),
        ],
    )
    def test_errors_are_plain_text(self, learner, data, text):
        response = self.change(learner, **data)
        assert (response.status_code, response.text) == (400, text)

    def test_anonymous_method_and_csrf(self, anonymous, learner):
        response = anonymous.post("/change_enrollment", data={"course_id": DEMO})
        assert response.status_code == 403
        assert "CSRF" in response.text
        anonymous.get("/login")
        token = anonymous.cookies["lms_csrftoken"]
        response = anonymous.post("/change_enrollment", data={"course_id": DEMO}, headers={"X-CSRFToken": token})
        assert (response.status_code, response.text) == (403, "")
        assert learner.get("/change_enrollment").status_code == 405
        response = learner.post("/change_enrollment", data={"course_id": DEMO, "enrollment_action": "enroll"})
        assert response.status_code == 403
        assert "CSRF" in response.text
