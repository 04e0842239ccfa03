"""Check this connection: on its page and from the form, who may, what goes out and what is said."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from bs4 import BeautifulSoup
from django.core.cache import cache
from django.test import Client

from cms_lms.encryption import Secret
from cms_lms.models import BackendCredential, LMSBackend
from tests.admin.browsing import form_values, soup, url
from tests.factories import make_backend
from tests.fake_lms import FakeLMS
from tests.fake_moodle import FakeMoodle

pytestmark = pytest.mark.django_db

MOODLE = "cms_lms.backends.moodle.MoodleBackend"
KEY = "course-v1:edX+DemoX+2027_T1"
SCRIPT = {"HTTP_X_REQUESTED_WITH": "XMLHttpRequest"}


@pytest.fixture(autouse=True)
def _may_call_this_machine(settings):
    settings.CMS_LMS_ALLOW_INSECURE_URLS = True
    settings.CMS_LMS_PRIVATE_NETWORKS = ["127.0.0.0/8", "::1/128"]
    cache.clear()


@pytest.fixture
def lms():
    with FakeLMS(cms_url="http://testserver") as lms:
        yield lms


@pytest.fixture
def moodle():
    with FakeMoodle() as moodle:
        yield moodle


def make_openedx(address: str, **fields) -> LMSBackend:
    pattern = rf"^{address.replace('.', chr(92) + '.')}/courses/(?P<course_id>[^/]+)/info$"
    sample = f"{address}/courses/{KEY}/info"
    return make_backend(base_url=address, **{"course_regex": pattern, "sample_urls": [sample], **fields})


def make_moodle(moodle: FakeMoodle, *, token: bool = True) -> LMSBackend:
    pattern = r"^https?://[^/]+/course/view\.php\?id=(?P<course_id>[0-9]+)$"
    sample = f"{moodle.url}/course/view.php?id={moodle.state.course.id}"
    backend = make_backend(
        base_url=moodle.url, backend=MOODLE, js_backend="", course_regex=pattern, sample_urls=[sample]
    )
    if token:
        credential = BackendCredential(
            backend=backend, name="token", origin=moodle.url, changed_at=datetime(2024, 1, 1, tzinfo=UTC)
        )
        credential.set_secret(Secret(moodle.state.token.token))
        credential.save()
    return backend


def page(backend: LMSBackend) -> str:
    return url(LMSBackend, "connection", backend.pk)


def typed(backend: LMSBackend | None = None) -> str:
    return url(LMSBackend, "connection_typed", backend.pk) if backend else url(LMSBackend, "connection_new")


def check_typed(client: Client, record: LMSBackend | None, **changes):
    """Post what the form around the panel holds, changed."""
    form = client.get(url(LMSBackend, "edit", record.pk) if record else url(LMSBackend, "add"))
    return client.post(typed(record), {**form_values(form), **changes}, **SCRIPT)


def findings(response) -> dict[str, tuple[str, str]]:
    """What the report says: status and whole text by the checks' names."""
    items = BeautifulSoup(response.content, "html.parser").select(".cms-lms-finding")
    shown = [item for item in items if not item.find_parent("template")]
    return {item["data-name"]: (item["data-status"], " ".join(item.get_text().split())) for item in shown}


def failed(response) -> list[str]:
    return [name for name, (status, _text) in findings(response).items() if status == "failed"]


def text(response) -> str:
    return " ".join(soup(response).get_text().split())


def test_opening_the_page_calls_nobody(administrator, lms):
    backend = make_openedx(lms.url)
    response = administrator.get(page(backend))
    assert "Check this connection" in text(response)
    assert findings(response) == {}
    assert len(lms.journal) == 0


def test_the_page_answers_without_a_script(administrator, lms):
    response = administrator.post(page(make_openedx(lms.url)))
    assert response.status_code == 200
    assert soup(response).select_one("h1, .w-breadcrumbs") is not None
    found = findings(response)
    assert found["answer"][0] == "passed"
    assert "Passed" in found["answer"][1]
    assert f"of {len(found)} failed" in text(response)
    assert len(lms.journal) > 0


def test_a_script_gets_a_fragment(administrator, lms):
    response = administrator.post(page(make_openedx(lms.url)), **SCRIPT)
    assert "<html" not in response.content.decode()
    assert findings(response)["answer"][0] == "passed"


def test_the_button_leads_there(administrator):
    backend = make_backend()
    shown = soup(administrator.get(url(LMSBackend, "edit", backend.pk)))
    assert shown.select(f'a[href="{page(backend)}"]')
    assert shown.select_one("cms-lms-connection")["data-url"] == typed(backend)
    assert soup(administrator.get(url(LMSBackend, "add"))).select_one("cms-lms-connection")["data-url"] == typed()


@pytest.mark.parametrize("kind", ["anonymous", "editor", "publisher"])
def test_nobody_else_makes_the_server_call(request, lms, kind):
    client = Client() if kind == "anonymous" else request.getfixturevalue(kind)
    backend = make_openedx(lms.url)
    values = {"base_url": lms.url, "backend": backend.backend, "course_regex": backend.course_regex, "name": "X"}
    for address in (page(backend), typed(backend), typed()):
        for headers in ({}, SCRIPT):
            response = client.post(address, values, **headers)
            assert response.status_code in (302, 403)
            assert findings(response) == {}
    assert client.get(page(backend)).status_code in (302, 403)
    assert len(lms.journal) == 0


def test_only_posts_with_a_token_of_the_form_count(administrator, lms):
    backend = make_openedx(lms.url)
    assert administrator.get(typed(backend)).status_code == 405
    assert administrator.get(typed()).status_code == 405
    strict = Client(enforce_csrf_checks=True)
    strict.force_login(administrator.user)
    for address in (page(backend), typed(backend), typed()):
        assert strict.post(address, {"base_url": lms.url}).status_code == 403
    assert len(lms.journal) == 0


def test_unknown_backend(administrator):
    for view in ("connection", "connection_typed"):
        assert administrator.post(url(LMSBackend, view, 999)).status_code == 404


def test_what_is_typed_is_examined_and_not_stored(administrator, lms):
    backend = make_backend(base_url="https://lms.example.com")
    response = check_typed(administrator, backend, base_url=lms.url, name="Another")
    assert findings(response)["answer"][0] == "passed"
    backend.refresh_from_db()
    assert (backend.base_url, backend.name) == ("https://lms.example.com", backend.name)
    assert backend.name != "Another"


def test_a_backend_can_be_examined_before_it_is_saved(administrator, moodle):
    response = check_typed(administrator, None, base_url=moodle.url, backend=MOODLE, js_backend="")
    assert findings(response)["moodle-web-services"][0] == "passed"
    assert LMSBackend.objects.count() == 0


@pytest.mark.parametrize(
    ("changes", "label"),
    [
        ({"base_url": ""}, "Base URL"),
        ({"base_url": "lms"}, "Base URL"),
        ({"base_url": "ftp://lms.example.com"}, "Base URL"),
        ({"base_url": "https://user:password@lms.example.com"}, "Base URL"),
        ({"base_url": "https://lms.example.com/?a=b"}, "Base URL"),
        ({"backend": "os.system"}, "Backend class"),
        ({"js_backend": "unknown"}, "JS backend"),
    ],
)
def test_wrong_values_are_named_and_nobody_is_called(administrator, lms, changes, label):
    response = check_typed(administrator, make_openedx(lms.url), **changes)
    assert response.status_code == 400
    assert "Correct these values first" in text(response)
    assert f"{label}: " in text(response)
    assert len(lms.journal) == 0


def test_other_mistakes_in_the_form_do_not_matter(administrator, lms):
    backend = make_openedx(lms.url)
    response = check_typed(administrator, backend, name="", slug="no slug", course_regex="(", default_sync_mode="often")
    assert findings(response)["answer"][0] == "passed"


def test_an_empty_post(administrator):
    assert administrator.post(typed()).status_code == 400


def test_credentials_go_only_where_they_were_entered_for(administrator, moodle):
    backend = make_moodle(moodle)
    token = moodle.state.token.token
    assert findings(administrator.post(page(backend)))["moodle-token"][0] == "passed"
    assert any(token in entry.body for entry in moodle.journal.entries())
    with FakeMoodle() as other:
        found = findings(check_typed(administrator, backend, base_url=other.url))
        assert found["moodle-web-services"][0] == "passed"
        assert found["moodle-token"][0] == "skipped"
        assert len(other.journal) > 0
        assert not any(token in f"{entry.body}{entry.headers}{entry.query}" for entry in other.journal.entries())


def test_an_expired_token(administrator, moodle):
    moodle.state.token.valid_until = datetime(2020, 1, 1, tzinfo=UTC)
    response = administrator.post(page(make_moodle(moodle)))
    assert failed(response) == ["moodle-token"]
    assert "has expired" in findings(response)["moodle-token"][1]


def test_what_the_lms_says_is_escaped(administrator, moodle):
    moodle.state.course.fullname = "<script>alert(1)</script>"
    response = administrator.post(page(make_moodle(moodle)))
    assert b"<script>alert(1)" not in response.content
    assert "<script>alert(1)</script>" in findings(response)["moodle-course"][1]


def test_what_can_be_copied(administrator, moodle):
    moodle.state.token.functions.discard("enrol_manual_enrol_users")
    response = administrator.post(page(make_moodle(moodle)))
    area = soup(response).select_one('[data-name="moodle-functions"] textarea[readonly]')
    assert area.text.strip() == "enrol_manual_enrol_users"
    assert area["aria-label"]
    assert not area.has_attr("name")


def test_one_examination_at_a_time(administrator, lms, moodle, root):
    backend = make_openedx(lms.url)
    cache.add(f"cms_lms.connection.{administrator.user.pk}", True)
    for address, headers in ((page(backend), {}), (page(backend), SCRIPT)):
        response = administrator.post(address, **headers)
        assert response.status_code == 429
        assert "has not ended yet" in text(response)
    assert check_typed(administrator, backend).status_code == 429
    assert len(lms.journal) == 0
    # Others need not wait, and who comes to an end may begin anew.
    for _ in range(2):
        assert root.post(page(backend)).status_code == 200


def answers_html(lms):
    lms.state.faults.add("html", path="^/", times=None)


def answers_nothing(lms):
    lms.state.faults.add("empty", path="^/", times=None)


def is_broken(lms):
    lms.state.faults.add("server_error", path="^/", times=None)


def is_slow(lms):
    lms.state.faults.add("slow", path="^/", times=None, seconds=10)


def breaks_off(lms):
    lms.state.faults.add("reset", path="^/", times=None)


def redirects_to_itself(lms):
    lms.state.faults.add("status", path="^/", times=None, status=302, headers={"Location": f"{lms.url}/"})


@pytest.mark.parametrize(
    ("break_it", "words"),
    [
        (answers_html, "a web page"),
        (answers_nothing, "answers nothing"),
        (is_broken, "status 500"),
        (is_slow, "seconds"),
        (breaks_off, "broke off"),
        (redirects_to_itself, "redirects to itself"),
    ],
)
def test_an_lms_that_misbehaves(administrator, settings, lms, break_it, words):
    settings.CMS_LMS_READ_TIMEOUT = 0.2
    break_it(lms)
    response = administrator.post(page(make_openedx(lms.url)))
    assert response.status_code == 200
    first = failed(response)[0]
    assert words in findings(response)[first][1]
    assert "What to do:" in findings(response)[first][1]


@pytest.mark.parametrize(
    ("address", "words"),
    [
        ("http://169.254.169.254", "169.254.169.254"),
        ("http://10.0.0.1", "10.0.0.1"),
        ("http://nowhere.invalid", "nowhere.invalid"),
    ],
)
def test_addresses_that_are_not_called(administrator, address, words):
    backend = make_openedx(address)
    for response in (administrator.post(page(backend)), check_typed(administrator, backend)):
        assert failed(response)[0] == "address"
        assert words in findings(response)["address"][1]
        assert findings(response)["answer"][0] == "skipped"


def test_the_browsers_part_comes_with_its_words(administrator, lms):
    response = administrator.post(page(make_openedx(lms.url)), **SCRIPT)
    part = soup(response).select_one("[data-part=browser]")
    assert part["data-module"] == "/static/cms_lms/admin/connection-openedx.js"
    assert (part["data-base-url"], part["data-course-id"]) == (lms.url, KEY)
    assert part["data-site-origins"]
    statuses = {
        (template["data-probe"], template["data-outcome"]): template.select_one("[data-status]")["data-status"]
        for template in part.select("template")
    }
    assert statuses["here-readable", "hidden"] == "failed"
    assert statuses["here-cookie", "there"] == "passed"


def test_no_browsers_part_where_no_browser_calls(administrator, moodle, lms):
    assert soup(administrator.post(page(make_moodle(moodle)))).select("[data-part=browser]") == []
    base = make_openedx(lms.url, js_backend="base")
    assert soup(administrator.post(page(base))).select("[data-part=browser]") == []


def test_a_js_backend_of_another_package_brings_its_own(administrator, settings, lms):
    connection = {"module": "cms_lms/admin/connection.js", "template": "cms_lms/admin/connection_origin.html"}
    settings.CMS_LMS_JS_BACKENDS = {
        "other": {"label": "Other", "module": "cms_lms/js/backends/base.js", "connection": connection}
    }
    part = soup(administrator.post(page(make_openedx(lms.url, js_backend="other")))).select_one("[data-part=browser]")
    assert part["data-module"] == "/static/cms_lms/admin/connection.js"


def test_a_class_that_the_settings_dropped(administrator, settings, lms):
    backend = make_openedx(lms.url)
    settings.CMS_LMS_BACKENDS = ["cms_lms.backends.base.BaseLMSBackend"]
    response = administrator.post(page(backend))
    assert failed(response) == ["configuration"]
    assert len(lms.journal) == 0
