"""The sessions in the header: which LMSs are shown there, what the page says of them, and under which headers."""

from __future__ import annotations

import pytest
from bs4 import BeautifulSoup
from django.db import connection
from django.template import Context, Template
from django.test.utils import CaptureQueriesContext

from cms_lms.enrollment.headers import PageNotes
from cms_lms.enrollment.sessions import learner_sessions
from cms_lms.matching.handler import LMSHandler
from cms_lms.models import LMSBackend
from tests.factories import course_regex, make_backend

pytestmark = pytest.mark.django_db


def make_lms(name: str, **fields) -> LMSBackend:
    url = f"https://{name.lower()}.example.com"
    regex = course_regex(f"{name.lower()}.example.com")
    return make_backend(**{"name": name, "base_url": url, "course_regex": regex, "shows_session": True, **fields})


def render(rf) -> tuple[BeautifulSoup, PageNotes]:
    request = rf.get("/")
    html = Template("{% load cms_lms %}{% lms_session_media %}{% lms_session %}").render(Context({"request": request}))
    return BeautifulSoup(html, "html.parser"), PageNotes.of(request)


def test_a_site_without_sessions_loads_nothing(rf):
    make_lms("Campus", shows_session=False)
    html, notes = render(rf)

    assert html.text.strip() == ""
    assert not html.find_all(True)
    assert (notes.origins, notes.has_sessions) == (set(), False)


def test_the_session_of_an_lms(rf):
    make_lms("Campus", js_backend="openedx-hawthorn")
    html, notes = render(rf)
    session = html.select_one("lms-session")

    assert session["data-base-url"] == "https://campus.example.com"
    assert session["data-module"] == "/static/cms_lms/js/backends/openedx-hawthorn.js"
    assert session["aria-label"] == "Campus"
    assert session.select_one(".lms-session__box a")["href"] == "https://campus.example.com/dashboard"
    assert {template["data-state"] for template in session.select("template")} == {"anonymous", "known", "expired"}
    assert html.select_one("script")["src"].endswith("lms-session.js")
    assert notes.origins == {"https://campus.example.com"}


def test_links_are_the_class_s_unless_the_record_has_its_own(rf):
    make_lms("Campus")
    own = make_lms("Own", profile_links=["Me | {base_url}/me/(username)?a=1&b=<i>"])
    # As only a script can store it.
    LMSBackend.objects.filter(pk=own.pk).update(profile_links=[*own.profile_links, "rubbish"])
    campus, own = learner_sessions()

    assert [link.url for link in campus.links] == [
        "https://campus.example.com/dashboard",
        "https://campus.example.com/u/(username)",
        "https://campus.example.com/account/settings",
    ]
    assert [tuple(link) for link in own.links] == [("Me", "https://own.example.com/me/(username)?a=1&b=<i>")]
    assert own.home_url == "https://own.example.com"
    html, _notes = render(rf)
    assert own.links[0].url in [link.get("href") for link in html.find_all("a")]


def test_several_are_named_in_the_editors_order(rf):
    for name in ("Second", "First"):
        make_lms(name, sort_order={"First": 1, "Second": 2}[name])
    html, _notes = render(rf)

    links = html.find_all("a", {"data-link": "login"})
    assert [link.get("aria-label") for link in links] == ["Log in to First", None, "Log in to Second", None]
    assert [name.text for name in html.select(".lms-session__lms")] == ["First", "Second"]


def test_one_is_not_named(rf):
    make_lms("Campus")

    html, _notes = render(rf)

    assert [link.string for link in html.find_all("a", {"data-link": "login"})] == ["Log in", "Log in again"]
    assert not html.find_all("a", {"aria-label": True})
    assert not html.select(".lms-session__lms")


def test_whose_login_is_another_s_shows_that_session_once(rf):
    campus = make_lms("Campus", shows_session=False)
    make_lms("Joanie", login_backend=campus)
    make_lms("Moodle", login_backend=campus)
    (session,) = learner_sessions()

    assert (session.lms_name, session.base_url) == ("Campus", "https://campus.example.com")
    campus.is_enabled = False
    campus.save()
    assert learner_sessions() == []


@pytest.mark.parametrize("js_backend", ["", "gone"])
def test_what_browsers_cannot_ask_is_a_plain_link(rf, js_backend):
    make_lms("Campus")
    LMSBackend.objects.update(js_backend=js_backend)
    LMSHandler._loaded = None
    html, notes = render(rf)

    assert not html.select("lms-session")
    assert html.select_one(".lms-session a").text == "Go to Campus"
    assert notes.origins == set()
    assert notes.has_sessions


def test_a_session_on_this_site_is_one_and_calls_nobody_else(rf):
    for name in ("Moodle", "Other"):
        make_lms(name, js_backend="server")
    html, notes = render(rf)
    (session,) = html.select("lms-session")

    assert session["data-api-url"] == "/api/v1.0/enrollments/"
    assert session["data-login-url"] == "/account/login/"
    assert session["data-capabilities"] == "log-out unenroll"
    assert session["aria-label"] == "Moodle"
    assert (notes.origins, notes.has_sessions) == (set(), True)


def test_names_are_text(rf):
    make_lms("Campus")
    LMSBackend.objects.update(name="<script>alert(1)</script>")
    LMSHandler._loaded = None

    assert len(render(rf)[0].select("script")) == 1


@pytest.mark.parametrize("count", [1, 10])
def test_a_request_asks_once_whether_the_configuration_changed(rf, count):
    for number in range(count):
        make_lms(f"Campus{number}")
    render(rf)
    LMSHandler.open_request()
    try:
        with CaptureQueriesContext(connection) as queries:
            render(rf)
    finally:
        LMSHandler.close_request()

    assert len(queries) == 1


class TestHeaders:
    """Of pages that are no course pages, but have the sessions in their frame."""

    def test_pages_of_the_frame_may_call_the_lms(self, client):
        make_lms("Campus")
        response = client.get("/account/login/")

        assert "connect-src 'self' https://campus.example.com;" in response["Content-Security-Policy"]
        assert response["Referrer-Policy"] == "strict-origin-when-cross-origin"
        assert "public" not in response["Cache-Control"]

    def test_other_pages_stay_as_they_are(self, client):
        make_lms("Campus")

        assert "Content-Security-Policy" not in client.get("/robots.txt")
        assert "Content-Security-Policy" not in client.get("/admin/login/")

    def test_nothing_personal_is_in_a_page(self, client, django_user_model):
        make_lms("Campus", js_backend="base")
        anonymous = client.get("/nothing/").content
        client.force_login(django_user_model.objects.create_user("ada"))

        assert client.get("/nothing/").content == anonymous
