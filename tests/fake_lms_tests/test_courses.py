"""The course list, the heartbeat and the pages on which learners land: sections 2.7 to 2.9 of the contracts."""

import json

import pytest

from tests.fake_lms.dataset import DATA_DIRECTORY

DEMO = "course-v1:edX+DemoX+2027_T1"
OLD = "MITx/6.002x/2012_Fall"
CCX = "ccx-v1:HarvardX+CS50+X+ccx@7"
COURSES = "/api/courses/v1/courses/"


def data_file(name, url):
    text = (DATA_DIRECTORY / name).read_text("utf-8")
    return json.loads(text.replace("https://lms.example.com", url).replace("http://lms.example.com", url))


def test_staff_see_the_data_file_under_the_lmss_address(lms, staff):
    assert staff.get(f"{COURSES}?username=staff").json() == data_file("openedx-courses-api.json", lms.url)


def test_sync_payloads_are_those_of_the_data_file(lms):
    expected = data_file("openedx-sync-payloads.json", lms.url)
    payloads = [run.sync_payload(lms.url) for run in lms.state.runs.values()]
    assert [json.dumps(payload) for payload in payloads] == [json.dumps(payload) for payload in expected]


def test_list_without_username_is_anonymous_and_over_estimates(lms, staff):
    first = staff.get(f"{COURSES}?page_size=6").json()
    second = staff.get(first["pagination"]["next"].replace(lms.url, "")).json()
    third = staff.get(second["pagination"]["next"].replace(lms.url, "")).json()
    pages = [first, second, third]
    assert [len(page["results"]) for page in pages] == [6, 6, 2]
    assert third["pagination"]["next"] is None
    assert not any(run["hidden"] for page in pages for run in page["results"])
    counts = [page["pagination"]["count"] for page in pages]
    assert counts == sorted(counts, reverse=True)
    assert counts[0] > counts[-1] > 14
    assert staff.get(f"{COURSES}?page_size=6&page=4").status_code == 404
    assert staff.get(f"{COURSES}?page=x").status_code == 404


def test_list_filters(lms, anonymous, learner):
    assert {run["org"] for run in anonymous.get(f"{COURSES}?org=UQx").json()["results"]} == {"UQx"}
    keys = f"{DEMO.replace('+', '%2B')},{OLD}"
    assert len(anonymous.get(f"{COURSES}?course_keys={keys}").json()["results"]) == 2
    assert len(anonymous.get(f"{COURSES}?search_term=bread").json()["results"]) == 1
    assert "field_errors" in anonymous.get(f"{COURSES}?course_keys=x").json()
    assert learner.get(f"{COURSES}?username=staff").status_code == 403
    assert len(learner.get(f"{COURSES}?username=learner").json()["results"]) == 14


def test_list_is_throttled_and_wants_its_slash(anonymous):
    response = anonymous.get(COURSES.rstrip("/"), allow_redirects=False)
    assert response.status_code == 301
    for _ in range(20):
        anonymous.get(COURSES)
    assert anonymous.get(COURSES).status_code == 429


def test_one_course(lms, anonymous, learner, staff):
    for key in (DEMO, OLD, DEMO.replace("+", "%2B").replace(":", "%3A"), OLD.replace("/", "%2F")):
        for slash in ("", "/"):
            data = anonymous.get(f"{COURSES}{key}{slash}").json()
            assert data["overview"].startswith("<")
            assert "is_enrolled" not in data
    lms.state.set_enrollment("learner", DEMO)
    assert learner.get(f"{COURSES}{DEMO}/?username=learner").json()["is_enrolled"] is True
    assert anonymous.get(f"{COURSES}course-v1:No+Such+Run/").json() == {"developer_message": "Course not found."}
    assert anonymous.get(f"{COURSES}{CCX}/").status_code == 404
    assert staff.get(f"{COURSES}{CCX}/?username=staff").json()["id"] == CCX


def test_heartbeat(lms, anonymous):
    response = anonymous.get("/heartbeat")
    assert (response.status_code, response.json()["sql"]) == (200, {"status": True, "message": "OK"})
    lms.state.change_settings(healthy=False)
    response = anonymous.get("/heartbeat")
    assert (response.status_code, response.json()["modulestore"]["status"]) == (503, False)


@pytest.mark.parametrize("key", [DEMO, OLD, CCX, DEMO.replace("+", "%2B"), OLD.replace("/", "%2F")])
def test_pages_say_whether_one_is_enrolled(lms, learner, anonymous, key):
    plain = key.replace("%2B", "+").replace("%2F", "/")
    for path in (f"/courses/{key}/info", f"/courses/{key}/course/", f"/courses/{key}/about", f"/courses/{key}/"):
        assert "You are not enrolled in this course" in learner.get(path).text
    assert "You are not logged in" in anonymous.get(f"/courses/{key}/about").text
    lms.state.set_enrollment("learner", plain)
    response = learner.get(f"/learning/course/{key}/home")
    assert "You are enrolled in this course" in response.text
    assert "<script" not in response.text
    assert plain in learner.get("/dashboard").text
    learner.post("/dashboard/unenroll", data={"course_id": plain})
    assert not lms.state.is_enrolled("learner", plain)


@pytest.mark.parametrize(
    ("release", "info", "outline", "learning"),
    [("ficus", 200, 200, 404), ("lilac", 302, 200, 404), ("maple", 302, 302, 200), ("willow", 404, 302, 200)],
)
def test_addresses_move_over_the_releases(lms, learner, release, info, outline, learning):
    lms.state.change_settings(release=release)
    paths = (f"/courses/{DEMO}/info", f"/courses/{DEMO}/course/", f"/learning/course/{DEMO}/home")
    assert tuple(learner.get(path, allow_redirects=False).status_code for path in paths) == (info, outline, learning)


def test_pages_for_people(learner, anonymous):
    home = anonymous.get("/").text
    for target in ("/login", "/studio", "/dashboard", "/courses"):
        assert f'href="{target}"' in home
    assert "财务分析与决策" in anonymous.get("/courses").text
    assert anonymous.get("/courses/course-v1:No+Such+Run/about").status_code == 404
    assert anonymous.get("/dashboard", allow_redirects=False).headers["Location"] == "/login?next=%2Fdashboard"
    assert "not enrolled in any" in learner.get("/dashboard").text
    assert anonymous.get("/static/fake-lms.css").headers["Content-Type"].startswith("text/css")


def test_both_loopback_addresses_and_the_name_answer(lms):
    import requests

    hosts = ["127.0.0.1", "localhost"] + (["[::1]"] if lms.has_ipv6 else [])
    for host in hosts:
        assert requests.get(f"http://{host}:{lms.port}/heartbeat", timeout=5).status_code == 200


@pytest.mark.parametrize(
    ("path", "last_without", "first_with"),
    [
        ("/api/user/v1/me", "eucalyptus", "ficus"),
        ("/api/enrollment/v1/enrollments", "ironwood", "juniper"),
        ("/api/enrollment/v1/enrollment_allowed/", "palm", "quince"),
        ("/api/enrollment/v2/enrollment/", "verawood", "willow"),
    ],
)
def test_releases_show_in_what_there_is(lms, anonymous, path, last_without, first_with):
    lms.state.change_settings(release=last_without)
    assert anonymous.get(path).status_code == 404
    lms.state.change_settings(release=first_with)
    assert anonymous.get(path).status_code == 401


def test_the_catalog_may_be_a_micro_frontend_since_ulmo(lms, anonymous):
    lms.state.change_settings(catalog_mfe_url="https://apps.lms.example/catalog")
    response = anonymous.get("/courses", allow_redirects=False)
    assert (response.status_code, response.headers["Location"]) == (301, "https://apps.lms.example/catalog/courses")
    response = anonymous.get(f"/courses/{DEMO}/about", allow_redirects=False)
    assert response.headers["Location"] == f"https://apps.lms.example/catalog/courses/{DEMO}/about"
    lms.state.change_settings(release="teak")
    assert anonymous.get("/courses", allow_redirects=False).status_code == 200


def test_fonzie_says_its_version_where_it_is_installed(lms, anonymous):
    assert anonymous.get("/api/v1.0/status/version").status_code == 404
    lms.state.change_settings(fonzie="0.7.0")
    assert anonymous.get("/api/v1.0/status/version").json() == {"version": "0.7.0"}


def test_answers_are_dated_by_the_clock_of_the_lms(lms, anonymous):
    lms.clock.set("2026-11-23T15:00:00Z", frozen=True)
    assert anonymous.get("/heartbeat").headers["Date"] == "Mon, 23 Nov 2026 15:00:00 GMT"
