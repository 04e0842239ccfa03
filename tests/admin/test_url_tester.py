"""The URL tester over HTTP: the page, the script's answer, the panel in the form, and who gets which."""

from __future__ import annotations

import json

import pytest
from bs4 import BeautifulSoup
from django.contrib.auth.models import Permission
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from cms_lms.models import Course, CourseRun, LMSBackend
from tests.admin.browsing import soup, url
from tests.admin.conftest import make_client
from tests.factories import COURSE_REGEX, OPENEDX, course_regex, make_backend, make_course, make_run

pytestmark = pytest.mark.django_db

PAGE = url(LMSBackend, "test_urls")
ANSWER = url(LMSBackend, "test_urls_answer")
LINK = "https://lms.example.com/courses/course-v1:edX+DemoX+1/info"
ID = "course-v1:edX+DemoX+1"


def post(client: Client, data) -> object:
    body = data if isinstance(data, str | bytes) else json.dumps(data)
    return client.post(ANSWER, body, content_type="application/json", headers={"X-Requested-With": "XMLHttpRequest"})


def ask(client: Client, *urls: str, **data) -> dict:
    response = post(client, {"urls": "\n".join(urls), **data})
    assert response.status_code == 200, response.content
    return response.json()


def results(answer: dict) -> list[BeautifulSoup]:
    return BeautifulSoup(answer["results"], "html.parser").select("li[data-status]")


def facts(result: BeautifulSoup) -> dict[str, str]:
    """The facts of a result by their names."""
    return {
        term.get_text(strip=True): " ".join(term.find_next_sibling("dd").get_text(" ").split())
        for term in result.select("dt")
    }


def values(**changes) -> dict:
    return {
        "name": "Typed",
        "backend": OPENEDX,
        "base_url": "https://lms.example.com",
        "course_regex": COURSE_REGEX,
        "js_backend": "openedx-hawthorn",
        "js_course_regex": "",
        "is_enabled": True,
        **changes,
    }


def test_a_url_is_explained_with_links_to_what_one_may_edit(root):
    backend = make_backend(name="Campus")
    other = make_backend(name="Partners")
    course = make_course(code="DemoX", title="Demonstration")
    run = make_run(course=course, resource_link=LINK, title="Spring")
    answer = ask(root, LINK.replace("lms", "LMS").replace("+", "%2B"))
    [result] = results(answer)
    found = facts(result)
    assert result["data-status"] == "match"
    assert found["As patterns see it"] == LINK
    assert found["LMS backend"] == "Campus"
    assert found["Course id"].count(ID) == 2  # by Python and by JavaScript; the browser finds its own
    assert "Both patterns find the same." in found["Course id"]
    assert found["Course"] == "DEMOX of edX – Demonstration"
    assert found["Course run"] == "Spring (live)"
    assert found["Would match too"].startswith(f"Partners {ID}")
    links = {link["href"] for link in result.select("a")}
    assert links == {
        url(LMSBackend, "edit", backend.pk),
        url(LMSBackend, "edit", other.pk),
        url(Course, "edit", course.pk),
        url(CourseRun, "edit", run.pk),
    }
    search = result.select_one("[data-search]")
    assert (search["data-pattern"], search["data-url"], search["data-course-id"]) == (
        backend.js_course_regex,
        LINK,
        ID,
    )
    assert answer["summary"] == "1 URL: 1 goes to a backend."


def test_publishers_see_no_links_to_backends(publisher):
    make_backend(name="Campus")
    course = make_course(code="DemoX")
    [result] = results(ask(publisher, LINK))
    assert facts(result)["LMS backend"] == "Campus"
    assert [link["href"] for link in result.select("a")] == [url(Course, "edit", course.pk)]


def test_administrators_see_no_links_to_courses(administrator):
    backend = make_backend(name="Campus")
    make_course(code="DemoX")
    [result] = results(ask(administrator, LINK))
    assert [link["href"] for link in result.select("a")] == [url(LMSBackend, "edit", backend.pk)]


def test_a_course_that_is_not_there_is_said_to_be_missing(root):
    make_backend()
    [result] = results(ask(root, LINK))
    assert "there is no such course" in facts(result)["Course"]


def test_patterns_that_differ_are_said_to_differ(root):
    make_backend(js_course_regex=r"^https://lms\.example\.com/courses/(.*)$")
    answer = ask(root, LINK)
    [result] = results(answer)
    assert result["data-status"] == "trouble"
    assert "The patterns do not agree" in facts(result)["Course id"]
    assert answer["summary"] == "1 URL: 1 goes to a backend, the Python and the JavaScript pattern differ about 1."


def test_a_backend_without_javascript_is_said_to_have_none(root):
    LMSBackend.objects.filter(pk=make_backend(js_backend="").pk).update(js_course_regex="")
    [result] = results(ask(root, LINK))
    assert "no JavaScript pattern" in facts(result)["Course id"]
    assert result.select_one("[data-search]") is None


def test_a_url_that_nothing_matches_shows_where_it_departs(root):
    make_backend(name="Campus")
    make_backend(name="Partners", course_regex=course_regex("partners.net"))
    [result] = results(ask(root, LINK.replace("lms", "lsm")))
    nearest = result.select("dt")[-1].find_next_sibling("dd").select("li")
    assert [item.select_one("a").text for item in nearest] == ["Campus", "Partners"]
    sentence = " ".join(nearest[0].select_one("p").text.split())
    assert sentence == ("First difference at position 10: “m” expected, “s” found. 9 characters before it are right.")
    comparison = nearest[0].select_one("[aria-hidden=true]")
    assert [mark.text for mark in comparison.select("mark")] == ["m", "s"]
    assert {common.text for common in comparison.select(".url-tester__common")} == {"https://l"}


def test_where_the_beginning_is_right_the_rest_of_the_pattern_is_shown(root):
    make_backend()
    [result] = results(ask(root, "https://lms.example.com/courses/x/wrong"))
    nearest = facts(result)["Nearest backends"]
    assert "The beginning is right (32 characters)" in nearest
    assert r"(?:info|course|about)/?$" in nearest


def test_many_urls_are_counted_in_one_sentence(root):
    make_backend()
    answer = ask(root, LINK, "", "  ", LINK, "https://elsewhere.org/", "rubbish")
    assert [result["data-status"] for result in results(answer)] == ["match", "match", "none", "refused"]
    assert answer["summary"] == "4 URLs: 2 go to a backend, 1 is not matched, 1 is not a valid URL."


def test_ten_thousand_urls_are_tested_as_far_as_is_said(root):
    make_backend()
    answer = ask(root, *[LINK] * 10_000)
    assert len(results(answer)) == 200
    assert answer["summary"] == "200 URLs: 200 go to a backend. Only the first 200 of 10000 were tested."


def test_the_number_of_queries_does_not_grow_with_the_urls(root):
    make_backend()
    course = make_course(code="DemoX")
    for number in range(10):
        make_run(course=course, resource_link=f"{LINK}?{number}")
    ask(root, LINK)
    with CaptureQueriesContext(connection) as few:
        ask(root, LINK)
    with CaptureQueriesContext(connection) as many:
        ask(root, *[f"{LINK}?{number}" for number in range(10)], LINK, "https://elsewhere.org/")
    assert len(many) == len(few)


@pytest.mark.parametrize(
    "rubbish",
    ["\x00", "\ud800", "<script>alert(1)</script>", "https://" + "a" * 3000, "javascript:1", "https://[::1", "%", "‮"],
)
def test_any_rubbish_is_answered_and_escaped(root, rubbish):
    make_backend()
    answer = ask(root, rubbish, f"https://lms.example.com/{rubbish}")
    assert len(results(answer)) == 2
    assert "<script>" not in answer["results"]


@pytest.mark.parametrize("body", ["", "[]", "null", "{", "[" * 100_000, '{"urls": 1}', '{"urls": []}', b"\xff", "1"])
def test_what_is_no_question_is_refused_in_words(root, body):
    response = post(root, body)
    assert response.status_code == 400
    assert response.json()["summary"].startswith("The request could not be read.")


@pytest.mark.parametrize(
    "data",
    [{"backend": []}, {"backend": {"name": 1}}, {"backend": "x"}, {"backend": {"course_regex": None}}],
)
def test_values_that_are_none_are_refused_in_words(root, data):
    assert post(root, {"urls": "", **data}).status_code == 400


@pytest.mark.parametrize("pk", [0, -1, 10**30, "1", True, 1.5, [], {}])
def test_a_backend_that_is_not_there_is_refused_in_words(root, pk):
    response = post(root, {"urls": LINK, "pk": pk, "backend": values()})
    assert response.status_code == 400
    assert response.json()["summary"] == "This LMS backend does not exist any more."


def test_too_much_text_is_refused_in_words(root, settings):
    settings.DATA_UPLOAD_MAX_MEMORY_SIZE = 1000
    response = post(root, {"urls": LINK * 100})
    assert response.status_code == 413
    assert "too much text" in response.json()["summary"]


def test_typed_values_are_tested_and_not_stored(administrator):
    backend = make_backend(name="Campus")
    before = LMSBackend.objects.values().get()
    answer = ask(
        administrator,
        LINK,
        "https://new.example.com/courses/course-v1:a+b+c/info",
        pk=backend.pk,
        backend=values(course_regex=course_regex("new.example.com")),
    )
    old, new = results(answer)
    assert facts(new)["LMS backend"] == "Typed this backend"
    assert new.select("a") == []  # the editor is there
    assert old["data-status"] == "none"
    assert "First difference at position 9: “n” expected, “l” found." in facts(old)["This backend"]
    assert answer["summary"] == "2 URLs: 1 goes to this backend, 1 is not matched."
    assert LMSBackend.objects.values().get() == before
    assert not backend.revisions.exists()


def test_a_new_backend_that_an_earlier_one_shadows_is_told_so(administrator):
    make_backend(name="Campus")
    answer = ask(administrator, LINK, backend=values())
    [result] = results(answer)
    assert result["data-status"] == "trouble"
    assert "shadowed by “Campus”" in facts(result)["LMS backend"]
    assert facts(result)["Would match too"].startswith(f"Typed this backend {ID}")
    assert answer["summary"] == "1 URL: 1 goes to another backend, 1 is shadowed by an earlier backend."


def test_a_pattern_that_cannot_be_used_says_why_and_leaves_the_others(administrator):
    make_backend(name="Campus")
    answer = ask(administrator, LINK, backend=values(course_regex="^(?!x)(?P<course_id>.*)"))
    assert facts(results(answer)[0])["LMS backend"] == "Campus"
    assert "Look-ahead" in answer["candidate"]
    assert "Look-ahead" in answer["derived"]


def test_a_pattern_of_100_kilobytes_is_refused_in_words(administrator):
    answer = ask(administrator, LINK, backend=values(course_regex="a" * 100_000, js_course_regex="b" * 100_000))
    assert "The pattern is longer than 2000 characters." in answer["candidate"]
    assert len(answer["candidate"]) + len(answer["derived"]) < 5000


def test_a_javascript_pattern_that_cannot_be_used_says_why(administrator):
    answer = ask(administrator, LINK, backend=values(js_course_regex="^(?<a>x)"))
    assert "has a name" in answer["candidate"]
    assert ID in facts(results(answer)[0])["Course id"]


def test_a_disabled_backend_is_tested_as_though_it_were_enabled(administrator):
    answer = ask(administrator, LINK, backend=values(is_enabled=False))
    assert "not enabled" in answer["candidate"]
    assert facts(results(answer)[0])["LMS backend"] == "Typed this backend"


def test_the_derived_pattern_follows_the_typed_one(administrator):
    answer = ask(administrator, backend=values(course_regex=r"^https://a/(?P<course_id>\d+)$"))
    derived = BeautifulSoup(answer["derived"], "html.parser")
    assert derived.select_one("[data-derived-pattern]").text == r"^https://a/(\d+)$"
    assert derived.select_one("button[data-use-derived]").has_attr("hidden")  # the script shows it
    assert (answer["summary"], answer["results"].strip(), answer["candidate"].strip()) == ("", "", "")
    assert "and is saved with it" in derived.text
    written = ask(
        administrator,
        backend=values(course_regex=r"^https://a/(?P<course_id>\d+)$", js_course_regex=r"^https://a/([0-9]+)$"),
    )
    assert "the field holds another" in written["derived"]
    copied = ask(
        administrator,
        backend=values(course_regex=r"^https://a/(?P<course_id>\d+)$", js_course_regex=r"^https://a/(\d+)$"),
    )
    assert "button" not in copied["derived"]
    refused = ask(administrator, backend=values(course_regex=r"^https://a/(?P<course_id>\d+)(?=x)"))
    assert "No JavaScript pattern follows" in refused["derived"]


def test_a_pattern_that_was_derived_before_follows_the_typed_one(administrator):
    backend = make_backend()
    new = values(course_regex=course_regex("new.example.com"), js_course_regex=backend.js_course_regex)
    answer = ask(administrator, LINK.replace("lms", "new"), pk=backend.pk, backend=new)
    assert "and is saved with it" in answer["derived"]
    assert facts(results(answer)[0])["Course id"].count(ID) == 2


def test_typed_values_are_escaped(administrator):
    name = "<script>alert(1)</script>"
    answer = ask(administrator, LINK, backend=values(name=name, js_course_regex="(<script>)"))
    assert "<script>" not in "".join(answer.values())


def test_the_form_holds_the_tester_and_the_derived_pattern(administrator):
    backend = make_backend()
    page = soup(administrator.get(url(LMSBackend, "edit", backend.pk)))
    tester = page.select_one("form[data-edit-form] url-tester")
    assert (tester["data-answer-url"], tester["data-backend"]) == (ANSWER, str(backend.pk))
    assert not tester.select_one("textarea").has_attr("name")  # not part of what is saved
    assert page.select_one(f'form[data-edit-form] a[href="{PAGE}"]')
    assert "follows from the course regex" in page.select_one("[data-derived-panel]").text
    assert page.select_one('script[type=module][src*="url-tester.js"]')
    new = soup(administrator.get(url(LMSBackend, "add"))).select_one("url-tester")
    assert new["data-backend"] == ""


def test_the_page_works_as_a_plain_form(publisher):
    make_backend(name="Campus")
    page = soup(publisher.get(PAGE))
    form = page.select_one("url-tester").find_parent("form")
    assert form["method"] == "post"
    assert form.select_one("button[type=submit]")
    name = form.select_one("textarea")["name"]
    answered = soup(publisher.post(PAGE, {name: f"{LINK}\r\nrubbish"}))
    assert [result["data-status"] for result in answered.select("li[data-status]")] == ["match", "refused"]
    assert answered.select_one("[data-summary]").text == "2 URLs: 1 goes to a backend, 1 is not a valid URL."
    assert answered.select_one("textarea").text.split() == [LINK, "rubbish"]
    assert "that takes JavaScript" in answered.select_one("[data-search]").text
    assert "Paste at least one URL." in soup(publisher.post(PAGE, {name: " "})).select_one("[data-summary]").text


def test_the_listing_leads_to_the_page(administrator):
    assert soup(administrator.get(url(LMSBackend, "list"))).select_one(f'main a[href="{PAGE}"]')


@pytest.mark.parametrize("groups", [[], ["Course editors"]])
def test_those_without_the_right_see_none_of_it(groups):
    client = make_client(*groups)
    assert client.get(PAGE).status_code == 302
    assert client.post(PAGE, {"urls": LINK}).status_code == 302
    assert post(client, {"urls": LINK}).status_code == 403
    assert PAGE not in client.get("/admin/").content.decode()


@pytest.mark.parametrize("action", ["add", "change", "delete", "view"])
def test_any_permission_on_backends_opens_the_page_and_writing_ones_the_form(action):
    client = make_client()
    client.user.user_permissions.add(Permission.objects.get(codename=f"{action}_lmsbackend"))
    assert client.get(PAGE).status_code == 200
    expected = 200 if action in ("add", "change") else 403
    assert post(client, {"urls": LINK, "backend": values()}).status_code == expected


def test_anonymous_visitors_are_sent_to_log_in():
    assert "login" in Client().get(PAGE).url
    assert "login" in Client().post(PAGE, {"urls": LINK}).url
    assert post(Client(), {"urls": LINK}).status_code in (302, 403)


def test_publishers_test_what_is_in_force_and_cannot_save(publisher):
    backend = make_backend()
    assert PAGE in publisher.get("/admin/").content.decode()
    assert results(ask(publisher, LINK))[0]["data-status"] == "match"
    assert post(publisher, {"urls": LINK, "backend": values()}).status_code == 403
    assert post(publisher, {"urls": LINK, "pk": backend.pk, "backend": values()}).status_code == 403
    assert publisher.post(url(LMSBackend, "edit", backend.pk), values()).status_code == 302
    assert LMSBackend.objects.get().name != "Typed"
