"""CORS and the cross-domain CSRF check: sections 2.1 and 9 of the contracts."""

import pytest

from .conftest import CMS, Browser

DEMO = "course-v1:edX+DemoX+2027_T1"
ENROLLMENT = "/api/enrollment/v1/enrollment"
TOKEN = "t" * 32


def test_preflight_of_the_site(anonymous):
    headers = {
        "Access-Control-Request-Method": "POST",
        "Access-Control-Request-Headers": "content-type,x-csrftoken",
    }
    response = anonymous.options(ENROLLMENT, headers=headers)
    assert (response.status_code, response.content) == (200, b"")
    assert response.headers["Access-Control-Allow-Origin"] == CMS
    assert response.headers["Access-Control-Allow-Credentials"] == "true"
    assert {"content-type", "x-csrftoken"} <= set(response.headers["Access-Control-Allow-Headers"].split(", "))
    assert "POST" in response.headers["Access-Control-Allow-Methods"]
    assert response.headers["Access-Control-Max-Age"] == "0"
    assert response.headers["Vary"] == "Origin"


@pytest.mark.parametrize("origin", ["http://localhost:9999", "http://127.0.0.1:8000", "https://localhost:8000", "null"])
def test_other_origins_get_their_answer_without_cors_headers(lms, origin):
    session = Browser(lms, origin=None)
    for method, path in (("GET", "/api/user/v1/me"), ("OPTIONS", ENROLLMENT)):
        headers = {"Origin": origin, "Access-Control-Request-Method": "POST"}
        response = session.request(method, path, headers=headers)
        assert response.status_code == (200 if method == "OPTIONS" else 401)
        assert not [name for name in response.headers if name.startswith("Access-Control")]
        assert response.headers["Vary"] == "Origin"


def test_every_answer_has_cors_headers_for_the_site(anonymous):
    for path in ("/api/user/v1/me", "/heartbeat", "/no-such-page", "/login", f"{ENROLLMENT}/{DEMO}"):
        response = anonymous.get(path)
        assert response.headers["Access-Control-Allow-Origin"] == CMS
        assert response.headers["Access-Control-Allow-Credentials"] == "true"


def test_cookie_is_set_for_pages_of_the_site_only(lms, learner):
    response = learner.get(f"{ENROLLMENT}/{DEMO}")
    own, cookie = response.raw.headers.getlist("Set-Cookie")
    assert own.startswith("lms_csrftoken=")
    assert cookie.startswith("edx_csrf_token=")
    assert "Secure" in cookie
    assert "HttpOnly" not in cookie
    assert len(learner.csrf) == 32
    assert learner.csrf == learner.cookies["lms_csrftoken"]
    for referer in (None, "http://localhost:9999/x", lms.url + "/dashboard", "http://[", "nonsense"):
        other = Browser(lms, origin=None).log_in()
        response = other.get(f"{ENROLLMENT}/{DEMO}", headers={"Referer": referer, "Origin": CMS})
        assert response.status_code == 200
        assert "edx_csrf_token" not in response.headers["Set-Cookie"]


def test_cookie_comes_from_the_enrollment_api_only_and_keeps_its_value(learner, anonymous):
    assert "Set-Cookie" not in learner.get("/api/user/v1/me").headers
    assert "Set-Cookie" not in anonymous.get(f"{ENROLLMENT}/{DEMO}").headers
    learner.get(ENROLLMENT)
    first = learner.csrf
    learner.get(f"{ENROLLMENT}/{DEMO}")
    assert learner.csrf == first


def test_cookie_needs_https_unless_insecure_is_allowed(lms, learner):
    lms.state.change_settings(cors_allow_insecure=False)
    assert "edx_csrf_token" not in learner.get(f"{ENROLLMENT}/{DEMO}").headers["Set-Cookie"]


def test_cookie_needs_its_feature(lms, learner):
    lms.state.change_settings(cross_domain_cookie=False)
    assert "edx_csrf_token" not in learner.get(f"{ENROLLMENT}/{DEMO}").headers["Set-Cookie"]


def test_cors_needs_its_feature(lms, anonymous):
    lms.state.change_settings(cors_enabled=False)
    response = anonymous.options(ENROLLMENT, headers={"Access-Control-Request-Method": "POST"})
    assert response.status_code == 401
    assert not [name for name in response.headers if name.startswith("Access-Control")]


def test_credentials_and_headers_can_be_denied(lms, anonymous):
    lms.state.change_settings(cors_allow_credentials=False, cors_allow_headers=["accept"])
    headers = anonymous.options(ENROLLMENT, headers={"Access-Control-Request-Method": "POST"}).headers
    assert headers["Access-Control-Allow-Origin"] == CMS
    assert "Access-Control-Allow-Credentials" not in headers
    assert headers["Access-Control-Allow-Headers"] == "accept"


@pytest.mark.parametrize(
    ("headers", "cookie", "reason"),
    [
        (
            {"Origin": "http://localhost:9999", "Referer": None},
            None,
            "Origin checking failed - http://localhost:9999 does not match any trusted origins.",
        ),
        ({"Referer": None}, None, "Referer checking failed - no Referer."),
        ({"Referer": "nonsense"}, None, "Referer checking failed - Referer is malformed."),
        (
            {"Referer": "http://localhost:9999/"},
            None,
            "Referer checking failed - http://localhost:9999/ does not match any trusted origins.",
        ),
        ({"X-CSRFToken": TOKEN}, None, "CSRF cookie not set."),
        ({}, TOKEN, "CSRF token missing."),
        ({"X-CSRFToken": "short"}, TOKEN, "CSRF token from the 'X-Csrftoken' HTTP header has incorrect length."),
        ({"X-CSRFToken": "-" * 32}, TOKEN, "CSRF token from the 'X-Csrftoken' HTTP header has invalid characters."),
        ({"X-CSRFToken": "u" * 32}, TOKEN, "CSRF token from the 'X-Csrftoken' HTTP header incorrect."),
    ],
)
def test_each_failure_has_djangos_words(learner, headers, cookie, reason):
    if cookie:
        learner.cookies.set("lms_csrftoken", cookie)
    response = learner.post(ENROLLMENT, json={"course_details": {"course_id": DEMO}}, headers=headers)
    assert response.status_code == 403
    assert response.json() == {"detail": f"CSRF Failed: {reason}"}


def test_origin_must_be_trusted_since_redwood(lms, learner):
    lms.state.change_settings(trusted_origins=[])
    response = learner.enroll(DEMO)
    assert response.json()["detail"].startswith("CSRF Failed: Origin checking failed")
    lms.state.change_settings(release="quince")
    assert learner.enroll(DEMO).status_code == 200


def test_tokens_and_keys_need_no_csrf(staff, server_call):
    body = {"course_details": {"course_id": DEMO}, "user": "learner"}
    assert staff.post(ENROLLMENT, json=body).status_code == 200
    assert server_call.post(ENROLLMENT, json=body).status_code == 200


def test_injected_faults_withhold_cookie_and_headers(lms, learner):
    lms.state.fail("csrf_withheld")
    assert "edx_csrf_token" not in learner.get(f"{ENROLLMENT}/{DEMO}").headers["Set-Cookie"]
    assert "edx_csrf_token" in learner.get(f"{ENROLLMENT}/{DEMO}").headers["Set-Cookie"]
    lms.state.fail("cors_withheld")
    assert "Access-Control-Allow-Origin" not in learner.get("/api/user/v1/me").headers
    assert "Access-Control-Allow-Origin" in learner.get("/api/user/v1/me").headers
