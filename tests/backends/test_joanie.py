"""What the examination of a Joanie's connection finds."""

from __future__ import annotations

import pytest

from cms_lms.backends.connection import Finding, Status
from cms_lms.matching.connection import visit_backend
from cms_lms.models import LMSBackend
from tests.fake_joanie import API, RUN, FakeJoanie

JOANIE = "cms_lms.backends.joanie.JoanieBackend"
SITES = ["https://courses.example.com", "https://kurse.example.com"]

pytestmark = pytest.mark.django_db


@pytest.fixture
def joanie(settings):
    settings.CMS_LMS_ALLOW_INSECURE_URLS = True
    settings.CMS_LMS_PRIVATE_NETWORKS = ["127.0.0.0/8"]
    with FakeJoanie() as joanie:
        joanie.settings.cors_origins = [*SITES]
        yield joanie


def examine(joanie: FakeJoanie, *, preset: int = 0, **fields) -> dict[str, Finding]:
    """What is found, by the checks' names, for pages that a JS backend makes call it."""
    backend = LMSBackend(name="Joanie", slug="joanie", base_url=joanie.url, backend=JOANIE, js_backend="joanie")
    backend.login_backend = LMSBackend(slug="campus")
    chosen = backend.get_backend().pattern_presets(joanie.url)[preset]
    backend.course_regex = chosen.pattern
    backend.sample_urls = [f"{joanie.url}{API}/course-runs/{RUN}/"]
    for name, value in fields.items():
        setattr(backend, name, value)
    return {finding.name: finding for finding in visit_backend(backend, site_origins=SITES)}


def faults(findings: dict[str, Finding]) -> dict[str, Status]:
    return {
        name: finding.status for name, finding in findings.items() if finding.status in (Status.FAILED, Status.WARNING)
    }


@pytest.mark.parametrize("preset", [0, 1])
def test_all_is_well(joanie, preset):
    findings = examine(joanie, preset=preset)
    assert faults(findings) == {}
    assert findings["joanie-course-run"].cause == "Computer science"
    assert {finding.status for finding in findings.values()} == {Status.PASSED}


def another_program(joanie):
    joanie.settings.instead[API] = (404, "<h1>Not Found</h1>")


def maintenance_page(joanie):
    joanie.settings.instead[API] = (200, "<h1>We are back soon</h1>")


def open_to_everybody(joanie):
    joanie.settings.instead[f"{API}/users/me/"] = (200, '{"username": "somebody"}')


def broken(joanie):
    joanie.settings.instead[API] = (500, "<h1>Server Error (500)</h1>")


def down(joanie):
    joanie.settings.instead["/"] = (502, "<h1>Bad Gateway</h1>")


def one_site_not_allowed(joanie):
    joanie.settings.cors_origins.remove(SITES[1])


def no_tokens_from_browsers(joanie):
    joanie.settings.cors_headers = "accept, content-type"


def a_star_for_the_headers(joanie):
    joanie.settings.cors_headers = "*"


def unknown_run(joanie):
    joanie.state.runs.clear()


def a_page_for_the_run(joanie):
    joanie.settings.instead[f"{API}/course-runs/"] = (200, "<h1>A course</h1>")


@pytest.mark.parametrize(
    ("break_it", "name", "cause"),
    [
        (down, "answer", "502"),
        (another_program, "joanie-api", "no Joanie at this address"),
        (maintenance_page, "joanie-api", "a web page"),
        (open_to_everybody, "joanie-api", "status 200"),
        (broken, "joanie-api", "500"),
        (one_site_not_allowed, "joanie-origins", f"pages of {SITES[1]} call"),
        (no_tokens_from_browsers, "joanie-origins", SITES[0]),
        (a_star_for_the_headers, "joanie-origins", SITES[0]),
        (unknown_run, "joanie-course-run", f"nothing at {API}/course-runs/{RUN}/"),
        (a_page_for_the_run, "joanie-course-run", "no course run (status 200)"),
    ],
)
def test_each_prerequisite_broken_names_that_one(joanie, break_it, name, cause):
    break_it(joanie)
    findings = examine(joanie)
    assert faults(findings) == {name: Status.FAILED}
    assert cause in str(findings[name].cause)
    assert findings[name].fix


def test_the_missing_origins_can_be_copied(joanie):
    joanie.settings.cors_origins = []
    assert examine(joanie)["joanie-origins"].snippet == "\n".join(SITES)


@pytest.mark.parametrize("js_backend", ["", "base"])
def test_browsers_that_do_not_call_need_no_leave(joanie, js_backend):
    joanie.settings.cors_origins = []
    assert examine(joanie, js_backend=js_backend)["joanie-origins"].status == Status.SKIPPED


def test_learners_need_a_login(joanie):
    findings = examine(joanie, login_backend=None)
    assert faults(findings) == {"joanie-login": Status.FAILED}
    assert "Learners log in through" in str(findings["joanie-login"].fix)
    assert examine(joanie, login_backend=None, js_backend="")["joanie-login"].status == Status.SKIPPED


def test_products_are_not_asked_for(joanie):
    product = f"{joanie.url}{API}/courses/00001/products/{RUN}/"
    assert examine(joanie, sample_urls=[product])["joanie-course-run"].status == Status.SKIPPED
    assert joanie.journal.entries(path="products") == []


def test_nothing_is_written(joanie):
    examine(joanie)
    assert {entry.method for entry in joanie.journal.entries()} == {"GET", "OPTIONS"}
