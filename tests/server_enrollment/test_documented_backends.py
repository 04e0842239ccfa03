"""The backend class and the JS backend of docs/custom-lms.md, word for word, at work in a browser.

Both are taken out of the page, written into a site, registered as the page says, and enroll a learner in a small real
LMS: the class through this site's server, the module by the learner's own session there.
"""

from __future__ import annotations

import json
import re
import sys
from pathlib import Path
from urllib.parse import unquote

import pytest
from django.contrib.staticfiles import finders
from django.core.checks import run_checks
from django.utils import timezone
from playwright.sync_api import expect

from cms_lms.backends import registry
from cms_lms.encryption import Secret
from cms_lms.models import BackendCredential
from tests.catalog.makers import make_course_page
from tests.enrollment_js.servers import Answer, Request, Server
from tests.factories import make_backend, make_course, make_run
from tests.server_enrollment.browsing import expect_step, open_page
from tests.server_enrollment.conftest import DATES

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True, serialized_rollback=True)]

PAGE = Path(__file__).resolve().parents[2] / "docs" / "custom-lms.md"


def block(language: str, word: str) -> str:
    """Return the block of the page that holds a word."""
    blocks = re.findall(rf"^```{language}\n(.*?)^```", PAGE.read_text(encoding="utf-8"), re.M | re.S)
    return next(block for block in blocks if word in block)


class Academy(Server):
    """The LMS of the page: a session in a cookie or a token, one address for enrollments, one course that is full."""

    def __init__(self, site_url: str) -> None:
        self.site_url = site_url
        self.rows: dict[tuple[str, str], bool] = {}
        self.learners = {"learner"}
        super().__init__()
        self.url = self.url.replace("127.0.0.1", "localhost")

    def answer(self, request: Request) -> Answer:
        headers = {
            "Access-Control-Allow-Origin": self.site_url,
            "Access-Control-Allow-Credentials": "true",
            "Access-Control-Allow-Headers": "content-type",
            "Access-Control-Allow-Methods": "GET, PUT",
        }
        status, body = self.decide(request)
        return Answer(status, body, headers=headers)

    def decide(self, request: Request) -> tuple[int, dict]:
        if request.method == "OPTIONS":
            return 200, {}
        is_learner = "academy=learner" in request.headers.get("cookie", "")
        if request.path == "/api/me":
            return (200, {"username": "learner"}) if is_learner else (401, {})
        course, learner = map(unquote, request.path.removeprefix("/api/enrollments/").split("/"))
        if not (is_learner and learner == "learner") and request.headers.get("authorization") != "Token s3cret":
            return 401, {}
        if learner not in self.learners:
            return 404, {}
        if request.method == "PUT":
            wanted = json.loads(request.body)["active"]
            if wanted and course == "full":
                return 409, {"code": "full", "message": "No place is left."}
            if wanted and course == "odd":
                return 409, {"code": "odd", "message": "Only on <b>Sundays</b>."}
            self.rows[course, learner] = wanted
        return 200, {"active": self.rows.get((course, learner), False)}


@pytest.fixture
def site(settings, tmp_path, monkeypatch):
    """A site that has done what the page says."""
    static = tmp_path / "static"
    for path, text in {
        tmp_path / "mysite" / "__init__.py": "",
        tmp_path / "mysite" / "academy.py": block("python", "class AcademyBackend"),
        tmp_path / "mysite" / "learners.py": block("python", "def by_verified_address"),
        static / "mysite" / "js" / "academy.js": block("js", "class AcademyBackend"),
    }.items():
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    monkeypatch.syspath_prepend(tmp_path)
    registration: dict = {}
    exec(block("python", "CMS_LMS_BACKENDS"), registration)  # noqa: S102  (the page's own words)
    for name in ("CMS_LMS_BACKENDS", "CMS_LMS_JS_BACKENDS"):
        setattr(settings, name, registration[name])
    settings.STATICFILES_DIRS = [*settings.STATICFILES_DIRS, static]
    finders.get_finder.cache_clear()
    registry._load.cache_clear()
    yield
    finders.get_finder.cache_clear()
    registry._load.cache_clear()
    for name in [name for name in sys.modules if name.partition(".")[0] == "mysite"]:
        del sys.modules[name]


@pytest.fixture
def academy(live_server):
    academy = Academy(live_server.url)
    yield academy
    academy.close()


def test_both_are_complete_in_forty_lines():
    for language in ("python", "js"):
        assert len(block(language, "class AcademyBackend").splitlines()) <= 40


def test_the_documented_backends_work_in_the_browser(site, academy, live_server, client, learner):
    assert [message for message in run_checks() if message.id.startswith("cms_lms.E")] == []
    course = make_course()
    for js_backend, path in (("server", "campus"), ("academy", "course")):
        backend = make_backend(
            name=f"Academy {path}",
            base_url=academy.url,
            backend="mysite.academy.AcademyBackend",
            js_backend=js_backend,
            course_regex=rf"^{re.escape(academy.url)}/{path}/(?P<course_id>[^/?#]+)/?$",
        )
        BackendCredential.objects.store(backend, "token", Secret("s3cret"), now=timezone.now())
        for number, course_id in enumerate(("intro", "full", "odd")):
            link = f"{academy.url}/{path}/{course_id}"
            make_run(course=course, resource_link=link, title=f"{path} {course_id}", **DATES)
            assert number < 3
    make_course_page(course)
    client.force_login(learner)
    academy.rows["intro", "learner"] = False
    with open_page(live_server.url, client) as page:
        page.context.add_cookies([{"name": "academy", "value": "learner", "url": academy.url}])
        page.goto("/a-course/")
        for path in ("campus", "course"):
            panel = page.locator(f"lms-enrollment[data-course-url$='/{path}/intro']")
            expect_step(panel, "idle")
            panel.get_by_role("button", name="Enroll now").click()
            expect_step(panel, "enrolled")
            assert academy.rows == {("intro", "learner"): True}
            panel.get_by_role("button", name="Leave the course").click()
            expect_step(panel, "leaving")
            panel.get_by_role("button", name="Leave the course").click()
            expect_step(panel, "idle")
            assert academy.rows == {("intro", "learner"): False}

            full = page.locator(f"lms-enrollment[data-course-url$='/{path}/full']")
            full.get_by_role("button", name="Enroll now").click()
            expect_step(full, "full")
            odd = page.locator(f"lms-enrollment[data-course-url$='/{path}/odd']")
            odd.get_by_role("button", name="Enroll now").click()
            expect_step(odd, "refused")
            expect(odd).to_contain_text("Only on <b>Sundays</b>.")
            academy.rows["intro", "learner"] = False


def test_the_documented_way_to_find_learners(site):
    from mysite.learners import by_verified_address

    class Addresses(list):
        def filter(self, **wanted):
            return Addresses(entry for entry in self if wanted.items() <= vars(entry).items())

        def first(self):
            return next(iter(self), None)

    class Address:
        def __init__(self, **values):
            vars(self).update(values)

    class User:
        emailaddress_set = Addresses([Address(email="a@example.com", verified=False, primary=True)])

    assert by_verified_address(User) is None
    User.emailaddress_set.append(Address(email="b@example.com", verified=True, primary=True))
    assert by_verified_address(User).value == "b@example.com"
