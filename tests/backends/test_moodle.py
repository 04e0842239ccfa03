"""Moodle: what its links and payloads name, and what the examination of its connection finds."""

from __future__ import annotations

import json
from datetime import UTC, datetime

import pytest
import requests

from cms_lms.backends.connection import Finding, Status
from cms_lms.encryption import Secret
from cms_lms.matching.connection import visit_backend
from cms_lms.models import LMSBackend
from tests.fake_moodle import FakeMoodle

MOODLE = "cms_lms.backends.moodle.MoodleBackend"

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def _loopback(settings):
    settings.CMS_LMS_ALLOW_INSECURE_URLS = True
    settings.CMS_LMS_PRIVATE_NETWORKS = ["127.0.0.0/8"]


@pytest.fixture
def moodle():
    with FakeMoodle(path="/moodle") as moodle:
        yield moodle


def make_moodle(url: str, parameter: str = "id", **fields) -> LMSBackend:
    """An unsaved backend for a Moodle whose links have that parameter, with the preset's pattern."""
    backend = LMSBackend(name="Moodle", slug="moodle", base_url=url, backend=MOODLE)
    presets = {preset.name: preset for preset in backend.get_backend().pattern_presets(url)}
    backend.course_regex = presets[f"moodle-{parameter}"].pattern
    for name, value in fields.items():
        setattr(backend, name, value)
    return backend


def examine(moodle: FakeMoodle, *, token: str | None = None, **fields) -> dict[str, Finding]:
    """What is found, by the checks' names, with the token of the service user unless there is another."""
    fields = {"sample_urls": [f"{moodle.url}/course/view.php?id={moodle.state.course.id}"], **fields}
    backend = make_moodle(fields.pop("base_url", moodle.url), fields.pop("parameter", "id"), **fields)
    text = moodle.state.token.token if token is None else token
    credentials = {"token": Secret(text)} if text else {}
    return {finding.name: finding for finding in visit_backend(backend, credentials=credentials)}


def faults(findings: dict[str, Finding]) -> dict[str, Status]:
    """What is not well, but for what was not asked because of it."""
    return {
        name: finding.status for name, finding in findings.items() if finding.status in (Status.FAILED, Status.WARNING)
    }


@pytest.mark.parametrize(("release", "full"), [("4.2", "4.2.6"), ("4.5", "4.5.6"), ("5.1", "5.1 (Build")])
def test_all_is_well(moodle, release, full):
    moodle.settings.release = release
    findings = examine(moodle)
    assert faults(findings) == {}
    assert "“cms”" in str(findings["moodle-token"].cause)
    assert full in findings["moodle-release"].cause
    assert findings["moodle-course"].cause == "Computer science"


def web_services_off(moodle):
    moodle.settings.web_services = False


def front_page_alone(moodle):
    moodle.state.faults.add("status", path="server.php", times=None, status=404, content_type="text/html")


def overloaded(moodle):
    moodle.state.faults.add("status", path="server.php", times=None, status=503, content_type="text/html")


def rest_off(moodle):
    moodle.settings.rest = False


def maintenance_page(moodle):
    moodle.settings.maintenance = "cli"


def html_page(moodle):
    moodle.state.faults.add("html", path="server.php", times=None)


def no_answer_body(moodle):
    moodle.state.faults.add("empty", path="server.php", times=None)


def broken_script(moodle):
    moodle.state.faults.add("server_error", path="server.php", times=None)


def another_address(moodle):
    moodle.state.faults.add(
        "status", path="server.php", times=None, status=301, headers={"Location": "https://other.example.com/"}
    )


def unknown_token(moodle):
    moodle.state.tokens.clear()


def expired_token(moodle):
    moodle.state.token.valid_until = datetime(2020, 1, 1, tzinfo=UTC)


def token_of_another_address(moodle):
    moodle.state.token.ip_restriction = "192.0.2.1"


def service_off(moodle):
    moodle.state.token.service_enabled = False


def maintenance_mode(moodle):
    moodle.settings.maintenance = "web"


def suspended_account(moodle):
    moodle.state.service_user.is_suspended = True


def deleted_account(moodle):
    moodle.state.service_user.is_deleted = True


def unconfirmed_account(moodle):
    moodle.state.service_user.is_confirmed = False


def no_site_info(moodle):
    moodle.state.token.functions.discard("core_webservice_get_site_info")


def old_release(moodle):
    moodle.settings.release = "3.11"


def missing_functions(moodle):
    moodle.state.token.functions -= {"core_user_get_users_by_field", "enrol_manual_enrol_users"}


def another_wwwroot(moodle):
    moodle.settings.wwwroot = "https://moodle.example.com"


def unknown_course(moodle):
    del moodle.state.courses[moodle.state.course.id]


def hidden_course(moodle):
    moodle.state.course.visible = moodle.state.service_user.is_manager = False


def token_of_an_administrator(moodle):
    moodle.state.service_user.is_admin = True


BROKEN = [
    (web_services_off, "moodle-web-services", Status.FAILED, "switched off"),
    (rest_off, "moodle-web-services", Status.FAILED, "switched off"),
    (maintenance_page, "answer", Status.FAILED, "503"),
    (html_page, "moodle-web-services", Status.FAILED, "A page came instead of data (status 200)"),
    (no_answer_body, "moodle-web-services", Status.FAILED, "A page came instead of data (status 200)"),
    (broken_script, "moodle-web-services", Status.FAILED, "(status 500)"),
    (another_address, "moodle-web-services", Status.FAILED, "redirects to https://other.example.com/"),
    (front_page_alone, "moodle-web-services", Status.FAILED, "no web services (404)"),
    (overloaded, "moodle-web-services", Status.FAILED, "(503)"),
    (unknown_token, "moodle-token", Status.FAILED, "does not know the token"),
    (expired_token, "moodle-token", Status.FAILED, "expired"),
    (token_of_another_address, "moodle-token", Status.FAILED, "IP addresses"),
    (service_off, "moodle-token", Status.FAILED, "switched off"),
    (maintenance_mode, "moodle-token", Status.FAILED, "maintenance mode"),
    (suspended_account, "moodle-token", Status.FAILED, "suspended"),
    (deleted_account, "moodle-token", Status.FAILED, "deleted"),
    (unconfirmed_account, "moodle-token", Status.FAILED, "not confirmed"),
    (no_site_info, "moodle-token", Status.FAILED, "does not list core_webservice_get_site_info"),
    (token_of_an_administrator, "moodle-token", Status.WARNING, "administrator"),
    (old_release, "moodle-release", Status.WARNING, "3.11"),
    (missing_functions, "moodle-functions", Status.FAILED, "core_user_get_users_by_field, enrol_manual_enrol_users"),
    (another_wwwroot, "moodle-address", Status.FAILED, "https://moodle.example.com"),
    (unknown_course, "moodle-course", Status.FAILED, "finds no course whose id is “2”"),
    (hidden_course, "moodle-course", Status.FAILED, "does not show it"),
]


@pytest.mark.parametrize(("break_it", "name", "status", "cause"), BROKEN, ids=[broken[0].__name__ for broken in BROKEN])
def test_each_prerequisite_broken_names_that_one(moodle, break_it, name, status, cause):
    break_it(moodle)
    findings = examine(moodle)
    assert faults(findings) == {name: status}
    assert cause in str(findings[name].cause)
    assert findings[name].fix


def test_the_missing_functions_can_be_copied(moodle):
    missing_functions(moodle)
    assert examine(moodle)["moodle-functions"].snippet == "core_user_get_users_by_field\nenrol_manual_enrol_users"


def test_without_a_token_nothing_but_the_protocol_is_asked(moodle):
    findings = examine(moodle, token="")
    assert faults(findings) == {}
    assert findings["moodle-web-services"].status == Status.PASSED
    assert {findings[name].status for name in ("moodle-token", "moodle-functions", "moodle-course")} == {Status.SKIPPED}


@pytest.mark.parametrize(
    ("parameter", "value", "status"),
    [
        ("id", "2", Status.PASSED),
        ("name", "CS101-2027", Status.PASSED),
        ("idnumber", "CS-101", Status.PASSED),
        ("idnumber", "CS101-2027", Status.FAILED),
        ("name", "2", Status.FAILED),
    ],
)
def test_a_course_is_looked_for_as_its_url_names_it(moodle, parameter, value, status):
    url = f"{moodle.url}/course/view.php?lang=fr&{parameter}={value}"
    assert examine(moodle, parameter=parameter, sample_urls=[url])["moodle-course"].status == status


def test_without_a_sample_course_there_is_nothing_to_look_for(moodle):
    urls = [f"{moodle.url}/course/index.php"]
    assert examine(moodle, sample_urls=urls)["moodle-course"].status == Status.SKIPPED


def test_the_token_travels_in_bodies_alone(moodle):
    token = moodle.state.token.token
    findings = examine(moodle)
    for entry in moodle.journal.entries():
        assert token not in f"{entry.path}?{entry.query} {entry.headers}"
    assert any(token in entry.body for entry in moodle.journal.entries())
    assert token not in "".join(str(finding.as_json()) for finding in findings.values())


def test_a_token_that_moodle_repeats_is_not_shown(moodle):
    token = moodle.state.token.token
    body = json.dumps({"exception": "x", "errorcode": "odd", "message": f"Not you, {token}!"})
    moodle.state.faults.add("status", path="server.php", times=None, status=200, body=body)
    finding = examine(moodle)["moodle-token"]
    assert "odd" in str(finding.cause)
    assert token not in str(finding.as_json())


def test_nothing_is_written(moodle):
    before = dict(moodle.state.enrollments)
    examine(moodle)
    assert moodle.state.enrollments == before
    asked = {
        entry.body.partition("wsfunction=")[2].partition("&")[0] for entry in moodle.journal.entries(method="POST")
    }
    assert asked == {"core_webservice_get_site_info", "core_course_get_courses_by_field"}


def test_strange_data(moodle):
    for body in ("[]", "null", '"text"', '{"siteurl": 5}', "[" * 100_000):
        moodle.state.faults.add("status", path="server.php", times=None, status=200, body=body)
        found = faults(examine(moodle))
        assert list(found.values()) == [Status.FAILED], body
        moodle.state.faults.clear()


@pytest.mark.parametrize("functions", [5, True, {}, [[]], [{"name": []}], [{"name": {}}]])
def test_a_strange_list_of_functions(moodle, functions):
    for said in ({"errorcode": "invalidtoken"}, {"siteurl": moodle.url, "functions": functions}):
        moodle.state.faults.add("status", path="server.php", times=1, status=200, body=json.dumps(said))
    assert examine(moodle)["moodle-functions"].status is Status.FAILED


def test_a_moodle_that_says_much_is_quoted_in_part(moodle):
    much = "x" * 100_000
    stranger = {"errorcode": "invalidtoken"}
    site = {"siteurl": moodle.url, "username": much, "release": f"4.5 {much}"}
    for answers in ([stranger, {"errorcode": much, "message": much}], [stranger, site]):
        for said in answers:
            moodle.state.faults.add("status", path="server.php", times=1, status=200, body=json.dumps(said))
        assert max(len(str(finding.cause)) for finding in examine(moodle).values()) < 500


def test_courses_and_links():
    backend = make_moodle("https://moodle.example.com").get_backend()
    link = "https://moodle.example.com/course/view.php?id=42"
    assert backend.extract_course_id(link) == "42"
    assert backend.get_course_key("42", {"course": "CS101"}).code == "CS101"
    assert backend.get_course_key("42", {}).code == "42"
    assert backend.learner_url(link) == link
    assert [field.name for field in backend.credential_fields] == ["token"]


class TestFakeMoodle:
    """The stand-in keeps to Moodle's protocol."""

    def call(self, moodle, function, **arguments):
        form = {"wstoken": moodle.state.token.token, "wsfunction": function, "moodlewsrestformat": "json", **arguments}
        response = requests.post(f"{moodle.url}/webservice/rest/server.php", data=form, timeout=10)
        assert response.status_code == 200
        return response.json()

    def enrol(self, moodle, **more):
        user, course = moodle.state.learner.id, moodle.state.course.id
        row = {"roleid": 5, "userid": user, "courseid": course, **more}
        values = {f"enrolments[0][{name}]": str(value) for name, value in row.items()}
        return self.call(moodle, "enrol_manual_enrol_users", **values)

    def courses(self, moodle):
        learner = str(moodle.state.learner.id)
        return self.call(moodle, "core_enrol_get_users_courses", userid=learner, returnusercount="0")

    def test_enrolling_is_idempotent_and_can_be_suspended(self, moodle):
        assert self.courses(moodle) == []
        for _ in range(2):
            assert self.enrol(moodle) is None
            assert [course["shortname"] for course in self.courses(moodle)] == ["CS101-2027"]
        assert self.enrol(moodle, suspend=1) is None
        assert self.courses(moodle) == []

    def test_xml_unless_asked_otherwise(self, moodle):
        address = f"{moodle.url}/webservice/rest/server.php"
        response = requests.post(address, data={"wstoken": "none", "wsfunction": "x"}, timeout=10)
        assert (response.status_code, response.headers["Content-Type"]) == (200, "application/xml; charset=utf-8")
        assert "<ERRORCODE>invalidtoken</ERRORCODE>" in response.text
        form = {"wstoken": moodle.state.token.token, "wsfunction": "core_webservice_get_site_info"}
        assert '<KEY name="sitename"><VALUE>Fake Moodle</VALUE>' in requests.post(address, data=form, timeout=10).text

    @pytest.mark.parametrize(
        ("change", "errorcode"),
        [
            ({"colour": 1}, "invalidparameter"),
            ({"userid": "x"}, "invalidparameter"),
            ({"courseid": 99}, "invalidparameter"),
            ({"roleid": 1}, "wsusercannotassign"),
            ({"userid": 99}, "invalidrecord"),
            ({"userid": 1}, "guestsarenotallowed"),
        ],
    )
    def test_refusals_of_enrolling(self, moodle, change, errorcode):
        assert self.enrol(moodle, **change)["errorcode"] == errorcode
        assert moodle.state.enrollments == {}

    @pytest.mark.parametrize(
        ("release", "kind"),
        [("4.2", "invalid_parameter_exception"), ("4.5", "core\\exception\\invalid_parameter_exception")],
    )
    def test_the_names_of_exceptions_follow_the_release(self, moodle, release, kind):
        moodle.settings.release = release
        assert self.enrol(moodle, colour=1)["exception"] == kind

    def test_unenrolling_refuses_the_role_since_5_1(self, moodle):
        row = {"enrolments[0][userid]": "4", "enrolments[0][courseid]": "2", "enrolments[0][roleid]": "5"}
        self.enrol(moodle)
        moodle.settings.release = "5.1"
        assert self.call(moodle, "enrol_manual_unenrol_users", **row)["errorcode"] == "invalidparameter"
        moodle.settings.release = "5.0"
        assert self.call(moodle, "enrol_manual_unenrol_users", **row) is None
        assert moodle.state.enrollments == {}

    def test_users(self, moodle):
        def found(field, value):
            return self.call(moodle, "core_user_get_users_by_field", **{"field": field, "values[0]": value})

        assert [user["username"] for user in found("idnumber", "L-1")] == ["learner"]
        assert found("email", "nobody@example.com") == []
        assert found("username", "Learner")["errorcode"] == "invalidparameter"

    def test_course_page_leads_through_the_login(self, moodle):
        visitor, page = requests.Session(), f"{moodle.url}/course/view.php?id={moodle.state.course.id}"
        assert visitor.get(page, timeout=10).url == f"{moodle.url}/login/index.php"
        form = {"username": "learner", "password": "learner"}
        assert "/enrol/index.php?id=" in visitor.post(f"{moodle.url}/login/index.php", data=form, timeout=10).url
        self.enrol(moodle)
        assert "You are enrolled" in visitor.get(page, timeout=10).text

    def test_who_is_in_a_course(self, moodle):
        self.enrol(moodle, suspend=1)
        course = {"courseid": str(moodle.state.course.id)}
        everybody = self.call(moodle, "core_enrol_get_enrolled_users", **course)
        assert [user["username"] for user in everybody] == ["learner"]
        only_active = {"options[0][name]": "onlyactive", "options[0][value]": "1"}
        assert self.call(moodle, "core_enrol_get_enrolled_users", **course, **only_active) == []
        unknown = self.call(moodle, "core_enrol_get_enrolled_users", courseid="99")
        assert unknown["errorcode"] == "invalidparameter"

    def test_looking_for_users_by_criteria(self, moodle):
        criteria = {"criteria[0][key]": "email", "criteria[0][value]": "%@example.com"}
        found = self.call(moodle, "core_user_get_users", **criteria)["users"]
        assert {user["username"] for user in found} >= {"cms", "learner"}
        criteria["criteria[0][key]"] = "shoe"
        assert self.call(moodle, "core_user_get_users", **criteria)["errorcode"] == "invalidparameter"

    def test_enrolling_oneself(self, moodle):
        course = {"courseid": str(moodle.state.course.id)}
        assert self.call(moodle, "enrol_self_enrol_user", **course)["errorcode"] == "canntenrol"
        moodle.state.course.self_enrolment, moodle.state.course.self_password = True, "sesame"
        methods = self.call(moodle, "core_enrol_get_course_enrolment_methods", **course)
        assert [method["type"] for method in methods] == ["manual", "self"]
        info = self.call(moodle, "enrol_self_get_instance_info", instanceid=str(methods[1]["id"]))
        assert info["status"] is True
        wrong = self.call(moodle, "enrol_self_enrol_user", **course)
        assert (wrong["status"], wrong["warnings"][0]["warningcode"]) == (False, "4")
        for status in (True, False):  # the second time she is in it already
            assert self.call(moodle, "enrol_self_enrol_user", **course, password="sesame")["status"] is status
        assert moodle.state.is_enrolled(moodle.state.service_user.id, moodle.state.course.id)

    def test_what_a_learners_account_is_shown(self, moodle):
        moodle.state.service_user.is_manager = False
        courses = self.call(moodle, "core_course_get_courses_by_field")["courses"]
        assert {course["id"] for course in courses} == {1, moodle.state.course.id}
        assert not any("idnumber" in course for course in courses)
        assert self.enrol(moodle)["errorcode"] == "requireloginerror"
