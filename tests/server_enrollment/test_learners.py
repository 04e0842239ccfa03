"""How learners are found: the ways that the settings name, what the form offers, and what is refused."""

from __future__ import annotations

import pytest
from django.core.exceptions import ValidationError
from django.test import override_settings

from cms_lms.backends.enrollment import Learner, LearnerField
from cms_lms.backends.learner_matchers import UnknownLearnerMatcher, get_learner_matcher
from cms_lms.checks import check_settings
from tests.factories import make_backend
from tests.server_enrollment.conftest import MOODLE

pytestmark = pytest.mark.django_db

VERIFIED = {"email": {"label": "Verified address", "function": f"{__name__}.by_verified_address"}}


def by_verified_address(user):
    """What a site writes that knows which addresses it has verified."""
    return Learner(LearnerField.EMAIL, user.email) if user.email.endswith("@verified.example.com") else None


def broken(user):
    raise ValueError(user.email)


def values(**fields) -> dict:
    return {
        "backend": MOODLE,
        "js_backend": "server",
        "course_regex": r"^https://lms\.example\.com/c/(?P<course_id>\d+)$",
        **fields,
    }


def test_by_username_is_the_usual_way(learner):
    assert get_learner_matcher("")(learner) == Learner(LearnerField.USERNAME, "learner")
    assert "learner" not in repr(get_learner_matcher("")(learner))


def test_by_id_number(learner, settings):
    settings.CMS_LMS_LEARNER_ID_NUMBER_FIELD = "last_name"
    by_id_number = get_learner_matcher("id_number")

    assert by_id_number(learner) == Learner(LearnerField.ID_NUMBER, "Learner")
    learner.last_name = " "
    assert by_id_number(learner) is None


def test_an_address_is_no_username(learner, monkeypatch):
    monkeypatch.setattr(type(learner), "USERNAME_FIELD", "email")

    assert get_learner_matcher("")(learner) is None
    with pytest.raises(ValidationError) as refused:
        make_backend(**values())
    assert "log in by e-mail address" in refused.value.messages[0]


@pytest.mark.parametrize("name", ["unknown", "lost"])
@override_settings(CMS_LMS_LEARNER_MATCHERS={"lost": {"label": "Lost", "function": "nowhere.at_all"}})
def test_a_way_that_is_not_there(name):
    with pytest.raises(UnknownLearnerMatcher):
        get_learner_matcher(name)


@override_settings(CMS_LMS_LEARNER_MATCHERS=VERIFIED)
def test_a_site_s_own_way(api, learner, moodle):
    assert api().status_code == 409
    learner.email = "learner@verified.example.com"
    learner.save()
    moodle.state.learner.email = learner.email
    assert api("post").json()["is_active"] is True


@override_settings(CMS_LMS_LEARNER_MATCHERS={"broken": {"label": "Broken", "function": f"{__name__}.broken"}})
def test_a_site_s_own_way_that_breaks_names_nobody(api, caplog):
    assert api().json()["code"] == "misconfigured"
    assert "ValueError in" in caplog.text
    assert "example.com" not in caplog.text


# What editors may choose


def test_the_form_offers_the_ways(admin_client, backend):
    page = admin_client.get(f"/admin/snippets/cms_lms/lmsbackend/edit/{backend.pk}/").content.decode()

    assert "This site’s usual way: Username" in page
    assert '<option value="id_number">ID number</option>' in page


def test_a_way_that_the_settings_no_longer_offer_stays_shown(admin_client, backend):
    type(backend).objects.update(learner_matcher="gone")
    page = admin_client.get(f"/admin/snippets/cms_lms/lmsbackend/edit/{backend.pk}/").content.decode()

    assert "gone (not offered by this site’s settings)" in page


@pytest.mark.parametrize(
    ("fields", "name", "code"),
    [
        ({"learner_matcher": "gone"}, "learner_matcher", "invalid_choice"),
        # Users of this site have no such number.
        ({"learner_matcher": "id_number"}, "learner_matcher", "no_such_learners"),
        ({"learner_matcher": "id_number", "js_backend": ""}, "learner_matcher", "no_such_learners"),
        ({"backend": "cms_lms.backends.base.BaseLMSBackend"}, "js_backend", "no_enrollment"),
        ({"backend": "cms_lms.backends.nothing"}, "backend", "invalid_choice"),
    ],
)
def test_what_cannot_work_is_refused(fields, name, code):
    with pytest.raises(ValidationError) as refused:
        make_backend(**values(**fields))
    assert [error.code for error in refused.value.error_dict[name]] == [code]


def test_a_number_that_users_have_is_accepted(settings):
    settings.CMS_LMS_LEARNER_ID_NUMBER_FIELD = "last_name"

    assert make_backend(**values(learner_matcher="id_number")).get_config().learner_matcher == "id_number"


# What the system check finds


@pytest.mark.parametrize(
    ("name", "value", "expected"),
    [
        ("LEARNER_MATCHERS", [], "cms_lms.E036"),
        ("LEARNER_MATCHERS", {}, "cms_lms.E036"),
        ("LEARNER_MATCHERS", {"x": "function"}, "cms_lms.E036"),
        ("LEARNER_MATCHERS", {"x": {"function": "os.getcwd"}}, "cms_lms.E036"),
        ("LEARNER_MATCHERS", {"x": {"label": "X"}}, "cms_lms.E037"),
        ("LEARNER_MATCHERS", {"x": {"label": "X", "function": "nowhere.at_all"}}, "cms_lms.E037"),
        ("LEARNER_MATCHERS", {"x": {"label": "X", "function": "os.sep"}}, "cms_lms.E037"),
        ("LEARNER_ID_NUMBER_FIELD", "", "cms_lms.E038"),
        ("LEARNER_ID_NUMBER_FIELD", None, "cms_lms.E038"),
        ("REGISTER_URL", "", "cms_lms.E039"),
        ("REGISTER_URL", 7, "cms_lms.E039"),
        ("ENROLLMENT_RATE", "often", "cms_lms.E032"),
    ],
)
def test_wrong_settings_are_found(settings, name, value, expected):
    setattr(settings, f"CMS_LMS_{name}", value)

    assert expected in [message.id for message in check_settings()]
