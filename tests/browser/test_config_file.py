"""Backends as a file, as an LMS administrator imports them: upload, look, correct, look again, import."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from playwright.sync_api import expect

from cms_lms.models import LMSBackend
from tests.admin.browsing import url
from tests.browser.test_accessibility import WAGTAILS_OWN, violations  # noqa: F401  (fixtures)
from tests.browser.test_walk import log_in
from tests.factories import OPENEDX, course_regex

pytestmark = [
    pytest.mark.browser,
    pytest.mark.django_db(transaction=True, serialized_rollback=True),
]

PARTNERS = {
    "NAME": "Partners",
    "SLUG": "partners",
    "BASE_URL": "https://partners.example.org",
    "BACKEND": OPENEDX,
    "COURSE_REGEX": course_regex("partners.example.org"),
    "JS_BACKEND": "openedx-hawthorn",
}


@pytest.fixture
def campus(open_run) -> LMSBackend:
    """The backend of the run that learners see."""
    LMSBackend.objects.update(slug="campus")
    return LMSBackend.objects.get()


def test_an_import(campus, lms, new_page, picture, violations, tmp_path: Path):  # noqa: F811
    setting = [
        PARTNERS,
        {
            "NAME": "Campus",
            "SLUG": "campus",
            "BASE_URL": lms.url,
            "BACKEND": OPENEDX,
            "COURSE_REGEX": r"^https://campus\.example\.com/courses/(?P<course_id>[^/]+)/about$",
            "JS_BACKEND": "openedx-hawthorn",
            "ENABLED": True,
        },
    ]
    wrong = [{**setting[0], "API_TOKEN": "hunter2"}, {**setting[1], "COURSE_REGEX": "(?=x)(?P<course_id>.*)"}]
    page = new_page()
    log_in(page, "admin")

    page.goto(url(LMSBackend, "list"))
    page.get_by_role("button", name="Actions").first.click()
    with page.expect_download() as download:
        page.get_by_role("link", name="Export").click()
    assert json.loads(Path(download.value.path()).read_text(encoding="utf-8"))[0]["SLUG"] == "campus"

    page.get_by_role("link", name="Import").click()
    expect(page.get_by_role("heading", name="Which backends?")).to_be_visible()
    file = tmp_path / "lms-backends.json"
    file.write_text(json.dumps(wrong), encoding="utf-8")
    page.get_by_label("File").set_input_files(file)
    page.get_by_role("button", name="Show what would change").click()
    expect(page.get_by_role("heading", name="This cannot be imported, for 2 reasons")).to_be_visible()
    expect(page.get_by_role("row", name="1 API_TOKEN")).to_contain_text("Enter it in the admin.")
    assert violations(page, *WAGTAILS_OWN) == []
    picture(page, "config-import-refused")

    file.write_text(json.dumps(setting), encoding="utf-8")
    page.get_by_label("File").set_input_files(file)
    page.get_by_role("button", name="Show what would change").click()
    expect(page.get_by_text("1 created, 1 changed.")).to_be_visible()
    expect(page.get_by_text("1 course run of “Campus” is no longer matched by any backend.")).to_be_visible()
    picture(page, "config-import")

    page.get_by_role("button", name="Import", exact=True).click()
    expect(page.get_by_text("Tick this box")).to_be_visible()
    page.get_by_role("button", name="Import", exact=True).scroll_into_view_if_needed()
    assert violations(page, *WAGTAILS_OWN) == []
    picture(page, "config-import-orphans")
    page.emulate_media(color_scheme="dark")
    assert violations(page, *WAGTAILS_OWN) == []
    picture(page, "config-import-dark")
    page.get_by_role("checkbox", name="Leave these course runs without a backend").check()
    page.get_by_role("button", name="Import", exact=True).click()
    expect(page.get_by_text("Imported: 1 created, 1 changed.")).to_be_visible()
    expect(page.get_by_role("link", name="Partners", exact=True)).to_be_visible()
    picture(page, "config-imported")
