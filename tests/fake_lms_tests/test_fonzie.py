"""Fonzie's whoami and its token, which Joanie reads."""

import pytest

from tests.fake_lms import jwt

ME = "/api/v1.0/user/me"


@pytest.fixture(autouse=True)
def fonzie(lms):
    lms.state.change_settings(fonzie="0.7.0")


@pytest.mark.parametrize("path", [ME, f"{ME}/"])
def test_who_is_logged_in(lms, learner, path):
    response = learner.get(path)
    assert response.status_code == 200
    data = response.json()
    assert (data["username"], data["full_name"]) == ("learner", "Lena Learner")
    claims = jwt.read(data["access_token"], lms.state.settings.fonzie_signing_key.encode())
    assert claims["exp"] - claims["iat"] == 300
    assert (claims["username"], claims["token_type"], claims["language"]) == ("learner", "access", "en")
    assert learner.cookies.get("edx_csrf_token")
    with pytest.raises(ValueError, match="signature"):
        jwt.read(data["access_token"], b"another key")


def test_nobody(anonymous):
    response = anonymous.get(ME)
    assert (response.status_code, response.json()) == (
        403,
        {"detail": "Authentication credentials were not provided."},
    )


def test_an_account_without_a_profile_is_an_error(lms, learner):
    lms.state.users["learner"].has_profile = False
    assert learner.get(ME).status_code == 500


def test_it_is_a_plugin(lms, learner):
    lms.state.change_settings(fonzie=None)
    assert learner.get(ME).status_code == 404
    assert learner.get("/api/v2.0/user/me").status_code == 404


def test_an_lms_below_a_path_fails_alone(lms, learner):
    lms.state.fail("status", mount="/~one", times=None, status=418)
    assert learner.get(f"/~one{ME}").status_code == 418
    assert learner.get(f"/~other{ME}").status_code == 200
    assert learner.get(ME).status_code == 200


def test_an_answer_without_end(lms, learner):
    lms.state.fail("endless", megabytes=1)
    assert len(learner.get(ME).content) > 1024 * 1024
