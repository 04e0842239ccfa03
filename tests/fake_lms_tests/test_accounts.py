"""Login, registration, who am I, tokens: sections 2.2, 2.3 and 2.6 of the contracts."""

import pytest

from .conftest import CMS, Browser

DEMO = "course-v1:edX+DemoX+2027_T1"


def log_in(session, target="", attempt="learner"):
    data = {"username": "learner", "password": attempt, "next": target}
    return session.post("/login", data=data, allow_redirects=False)


def test_whoami(learner, anonymous):
    response = learner.get("/api/user/v1/me")
    assert (response.status_code, response.json()) == (200, {"username": "learner"})
    assert anonymous.get("/api/user/v1/me").status_code == 401


def test_whoami_of_eucalyptus(lms, learner, anonymous):
    lms.state.change_settings(release="eucalyptus")
    assert learner.get("/api/user/v1/me").status_code == 404
    response = learner.get("/api/mobile/v0.5/my_user_info", allow_redirects=False)
    assert (response.status_code, response.headers["Location"]) == (302, "/api/mobile/v0.5/users/learner")
    data = learner.get("/api/mobile/v0.5/my_user_info").json()
    assert data.keys() == {"id", "username", "email", "name", "course_enrollments"}
    assert learner.get("/api/mobile/v0.5/users/staff").status_code == 404
    assert anonymous.get("/api/mobile/v0.5/my_user_info").status_code == 401


@pytest.mark.parametrize(
    ("target", "location"),
    [
        (f"{CMS}/en/course/?a=1", f"{CMS}/en/course/?a=1"),
        ("/courses", "/courses"),
        ("richie/en/course/", "richie/en/course/"),
        ("", "/dashboard"),
        ("https://evil.example/", "/dashboard"),
        ("http://localhost:9999/", "/dashboard"),
        ("//evil.example/", "/dashboard"),
        ("/\\evil.example/", "/dashboard"),
        ("javascript:alert(1)", "/dashboard"),
        ("/a\r\nSet-Cookie: x=y", "/dashboard"),
        ("/cours/é", "/cours/%C3%A9"),
    ],
)
def test_login_leads_to_next_when_it_may(anonymous, target, location):
    assert "learner" not in anonymous.get("/login", params={"next": target}).text.partition("<main")[0]
    response = log_in(anonymous, target)
    assert (response.status_code, response.headers["Location"]) == (302, location)
    assert "HttpOnly" in response.headers["Set-Cookie"]
    assert anonymous.cookies.get("edx_session")
    assert anonymous.get("/api/user/v1/me").json() == {"username": "learner"}
    # Who is logged in already is sent on at once.
    response = anonymous.get("/login", params={"next": target}, allow_redirects=False)
    assert (response.status_code, response.headers["Location"]) == (302, location)


def test_wrong_password_shows_the_form_again(anonymous):
    response = log_in(anonymous, "/courses", attempt="<wrong>")
    assert response.status_code == 400
    assert 'role="alert"' in response.text
    assert 'value="/courses"' in response.text
    assert not anonymous.cookies


def test_logout_ends_the_session_and_leads_on_by_a_page(learner):
    response = learner.post("/logout", params={"next": f"{CMS}/"}, allow_redirects=False)
    assert response.status_code == 200
    assert f'data-redirect-url="{CMS}/"' in response.text
    assert learner.get("/api/user/v1/me").status_code == 401
    response = learner.get("/logout", params={"redirect_url": "https://evil.example/"}, allow_redirects=False)
    assert 'data-redirect-url="/"' in response.text


def test_logout_redirected_before_hawthorn(lms, learner):
    lms.state.change_settings(release="ginkgo")
    response = learner.get("/logout", params={"next": f"{CMS}/"}, allow_redirects=False)
    assert (response.status_code, response.headers["Location"]) == (302, f"{CMS}/")


def test_next_leads_to_whitelisted_hosts_alone(lms, anonymous):
    lms.state.change_settings(login_redirect_whitelist=["elsewhere.example"])
    assert log_in(anonymous, "http://elsewhere.example/x").headers["Location"] == "http://elsewhere.example/x"
    assert log_in(Browser(lms), f"{CMS}/").headers["Location"] == "/dashboard"


def test_login_page_may_be_a_micro_frontend(lms, anonymous):
    lms.state.change_settings(authn_mfe_url="https://apps.lms.example/authn")
    response = anonymous.get("/login?next=https%3A%2F%2Fevil.example%2F", allow_redirects=False)
    location = "https://apps.lms.example/authn/login?next=https%3A%2F%2Fevil.example%2F"
    assert (response.status_code, response.headers["Location"]) == (302, location)
    assert anonymous.cookies.get("lms_csrftoken")


@pytest.mark.parametrize(("release", "length"), [("ginkgo", 32), ("hawthorn", 64), ("quince", 64), ("redwood", 32)])
def test_csrf_tokens_have_the_length_of_the_releases_django(lms, anonymous, release, length):
    lms.state.change_settings(release=release)
    anonymous.get("/login")
    assert len(anonymous.cookies["lms_csrftoken"]) == length


def test_json_web_tokens_say_nothing_before_ironwood(lms):
    client = {"grant_type": "client_credentials", "client_id": "cms-client", "client_secret": "cms-secret"}
    session = Browser(lms, origin=None)
    answer = session.post("/oauth2/access_token", data=client | {"token_type": "jwt"}).json()
    headers = {"Authorization": f"JWT {answer['access_token']}"}
    assert session.get("/api/user/v1/me", headers=headers).status_code == 200
    lms.state.change_settings(release="hawthorn")
    assert session.get("/api/user/v1/me", headers=headers).status_code == 401
    token = session.post("/oauth2/access_token", data=client).json()["access_token"]
    assert session.get("/api/user/v1/me", headers={"Authorization": f"Bearer {token}"}).status_code == 200


def test_registration_makes_an_account_that_works_unconfirmed(lms, anonymous):
    data = {"username": "new one", "password": "p", "inactive": "on", "next": f"{CMS}/x"}
    response = anonymous.post("/register", data=data, allow_redirects=False)
    assert response.headers["Location"] == f"{CMS}/x"
    assert lms.state.users["new one"].is_active is False
    assert anonymous.enroll(DEMO).json()["user"] == "new one"
    response = Browser(lms).post("/register", data=data)
    assert response.status_code == 400
    assert "already an account" in response.text
    assert Browser(lms).post("/register", data={"username": "x"}).status_code == 400


def test_richie_rewrite_leads_back_to_the_site(anonymous):
    response = anonymous.get("/richie/en/course/?a=1", allow_redirects=False)
    assert response.headers["Location"] == f"{CMS}/en/course/?a=1"


def token(session, **form):
    data = {"grant_type": "client_credentials", "client_id": "cms-client", "client_secret": "cms-secret"} | form
    return session.post("/oauth2/access_token", data=data)


@pytest.mark.parametrize("scheme", ["JWT", "Bearer"])
def test_client_credentials(lms, scheme):
    session = Browser(lms, origin=None)
    form = {"token_type": "jwt"} if scheme == "JWT" else {}
    data = token(session, **form).json()
    assert (data["token_type"], data["expires_in"]) == (scheme, 3600)
    headers = {"Authorization": f"{scheme} {data['access_token']}"}
    assert session.get("/api/user/v1/me", headers=headers).json() == {"username": "staff"}
    assert (data["access_token"].count(".") == 2) == (scheme == "JWT")
    lms.clock.advance(3600)
    response = session.get("/api/user/v1/me", headers=headers)
    assert response.status_code == 401
    if scheme == "JWT":
        assert response.json() == {"detail": "Token has expired."}
        assert response.headers["WWW-Authenticate"] == 'JWT realm="api"'
    else:
        assert response.json()["error_code"] == "token_expired"


@pytest.mark.parametrize(
    ("form", "status", "error"),
    [
        ({"client_secret": "wrong"}, 401, "invalid_client"),
        ({"client_id": "nobody"}, 401, "invalid_client"),
        ({"grant_type": "telepathy"}, 400, "unsupported_grant_type"),
        ({"client_id": "web-client", "client_secret": "web-secret"}, 400, "unauthorized_client"),
    ],
)
def test_token_errors(anonymous, form, status, error):
    response = token(anonymous, **form)
    assert (response.status_code, response.json()) == (status, {"error": error})


def test_jwt_by_header_and_wrong_schemes(lms):
    session = Browser(lms, origin=None)
    form = {"grant_type": "client_credentials", "client_id": "cms-client", "client_secret": "cms-secret"}
    jwt = session.post("/oauth2/access_token", data=form, headers={"X-Token-Type": "jwt"}).json()["access_token"]
    for header, code in (
        (f"Bearer {jwt}", "token_nonexistent"),
        ("Bearer", "token_not_provided"),
        ("Bearer a b", "token_malformed"),
    ):
        response = session.get("/api/user/v1/me", headers={"Authorization": header})
        assert (response.status_code, response.json()["error_code"]) == (401, code)
    forged = jwt[:-4] + ("AAAA" if jwt[-4:] != "AAAA" else "BBBB")
    for bad in (forged, "x.y", ""):
        response = session.get("/api/user/v1/me", headers={"Authorization": f"JWT {bad}"})
        assert (response.status_code, response.json()) == (401, {"detail": "Error decoding token."})
    lms.state.fail("expired_token")
    headers = {"Authorization": f"JWT {jwt}"}
    assert session.get("/api/user/v1/me", headers=headers).status_code == 401
    assert session.get("/api/user/v1/me", headers=headers).status_code == 200
