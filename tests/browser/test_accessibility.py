"""axe-core's rules on the public pages and on the admin's own: what a machine can see of WCAG 2.2 AA."""

from __future__ import annotations

import re

import pytest
from django.urls import reverse
from playwright.sync_api import Page, expect

from cms_lms.models import Course, CourseAlias, CourseRun, LMSBackend, SyncDelivery, SyncSecret
from cms_lms.runs.codes import CourseKey
from cms_lms.runs.fields import SyncMode
from tests.admin.browsing import url
from tests.admin.test_deleted_runs import make_deleted_run
from tests.axe import find_violations
from tests.browser.conftest import COURSE_PAGE
from tests.browser.test_walk import log_in
from tests.factories import make_unplaced_run

pytestmark = [
    pytest.mark.browser,
    pytest.mark.django_db(transaction=True, serialized_rollback=True),
]

#: Rules that Wagtail's own frame of an edit form or of a filtered listing breaks, whatever stands in it.
WAGTAILS_OWN = ["region", "skip-link", "page-has-heading-one", "aria-allowed-role", "landmark-unique"]


@pytest.fixture
def violations():
    """Return a function that says what breaks which rule on a page."""

    def violations(page: Page, *left_out: str) -> list[str]:
        page.wait_for_load_state("networkidle")
        return find_violations(page, *left_out)

    return violations


@pytest.mark.parametrize("width", [320, 1280])
def test_public_pages(open_run, new_page, violations, width):
    page = new_page()
    page.set_viewport_size({"width": width, "height": 800})
    for address in ("/", COURSE_PAGE, "/nothing-here/"):
        page.goto(address)
        assert violations(page) == []
        assert page.evaluate("document.documentElement.scrollWidth") <= width


def test_the_panel_after_a_failure(open_run, new_page, violations, lms):
    lms.state.faults.add("server_error", path="/api/user/v1/me", times=None)
    page = new_page()
    page.goto(COURSE_PAGE)
    expect(page.get_by_role("button", name="Try again")).to_be_visible()
    assert violations(page) == []


@pytest.fixture
def admin_addresses(open_run) -> list[str]:
    """The admin's own pages, with something on each."""
    CourseRun.objects.filter(pk=open_run.pk).update(sync_mode=SyncMode.TO_PUBLIC)
    backend = LMSBackend.objects.get()
    secret = SyncSecret.add(backend, name="production", now=open_run.start)
    item = {"resource_link": open_run.resource_link, "outcome": "updated", "changes": {"title": ["", "Spring"]}}
    delivery = SyncDelivery.objects.create(
        received_at=open_run.start, status_code=200, secret_name="site 1", payload="{}", items=[item]
    )
    CourseAlias.objects.remember(CourseKey("edX", "Demo"), open_run.course)
    return [
        url(CourseRun, "list"),
        url(CourseRun, "edit", open_run.pk),
        url(CourseRun, "sync_mode", open_run.pk),
        url(LMSBackend, "list"),
        url(LMSBackend, "edit", backend.pk),
        url(LMSBackend, "delete", backend.pk),
        url(LMSBackend, "disable", backend.pk),
        reverse("wagtail_bulk_action", args=("cms_lms", "lmsbackend", "delete")) + f"?id={backend.pk}",
        url(LMSBackend, "usage", backend.pk),
        url(LMSBackend, "add"),
        url(LMSBackend, "test_urls"),
        url(LMSBackend, "connection", backend.pk),
        url(LMSBackend, "import_file"),
        url(LMSBackend, "help"),
        url(LMSBackend, "help_page", "patterns"),
        url(LMSBackend, "help_page", "openedx"),
        url(LMSBackend, "credentials", backend.pk),
        url(LMSBackend, "sync_secrets", backend.pk),
        url(LMSBackend, "retire_sync_secret", backend.pk, secret.pk),
        reverse("lms_unplaced_runs:index"),
        reverse("lms_unplaced_runs:group", args=[make_unplaced_run(backend=backend).pk]),
        reverse("lms_unplaced_runs:result"),
        url(Course, "edit", open_run.course.pk),
        url(Course, "remove_alias", open_run.course.pk, open_run.course.aliases.get().pk),
        url(LMSBackend, "relink", backend.pk),
        reverse("syncdelivery:index"),
        reverse("syncdelivery:inspect", args=[delivery.pk]),
        f"{reverse('syncdelivery:replay')}?id={delivery.pk}",
        reverse("deletedrun:index"),
        f"{reverse('deletedrun:lift')}?id={make_deleted_run().pk}",
    ]


def test_admin_pages(admin_addresses, new_page, violations):
    page = new_page()
    log_in(page, "admin")
    for address in admin_addresses:
        page.goto(address)
        assert violations(page, *WAGTAILS_OWN) == [], address


@pytest.mark.parametrize("color_scheme", ["light", "dark"])
def test_the_url_tester_with_results(open_run, admin_addresses, new_page, violations, color_scheme):
    page, run_link = new_page(), open_run.resource_link
    page.emulate_media(color_scheme=color_scheme)
    log_in(page, "admin")
    for address in [address for address in admin_addresses if re.search("test-urls|lmsbackend/edit", address)]:
        page.goto(address)
        page.get_by_label("URLs, one a line").fill(f"{run_link}\nhttps://elsewhere.example/\nrubbish")
        expect(page.locator("url-tester [role=status]")).to_contain_text("3 URLs: 1 goes to ")
        for summary in page.locator("pattern-presets summary").all():
            summary.click()
        assert violations(page, *WAGTAILS_OWN) == [], address


def test_a_connections_report(admin_addresses, new_page, violations, settings):
    settings.CMS_LMS_PRIVATE_NETWORKS = ["127.0.0.0/8", "::1/128"]
    page = new_page()
    log_in(page, "admin")
    for address in [address for address in admin_addresses if re.search("/connection/|lmsbackend/edit", address)]:
        for color_scheme in ("light", "dark"):
            page.emulate_media(color_scheme=color_scheme)
            page.goto(address)
            page.get_by_role("button", name="Check this connection").click()
            expect(page.locator("cms-lms-connection [role=status]")).to_contain_text(re.compile(r"of \d+ failed"))
            assert violations(page, *WAGTAILS_OWN) == [], address


@pytest.mark.parametrize("color_scheme", ["light", "dark"])
def test_the_move_of_an_lms(admin_addresses, new_page, violations, color_scheme):
    page = new_page()
    page.emulate_media(color_scheme=color_scheme)
    log_in(page, "admin")
    page.goto(next(address for address in admin_addresses if "/relink/" in address))
    page.get_by_label("Old address").fill(page.get_by_label("New address").input_value())
    page.get_by_label("New address").fill("https://elsewhere.example")
    page.get_by_role("button", name="Show what becomes of the runs").click()
    expect(page.get_by_role("region", name="No course run would get a new link")).to_be_focused()
    assert violations(page, *WAGTAILS_OWN) == []


@pytest.mark.parametrize("color_scheme", ["light", "dark"])
def test_the_impact_of_a_change(admin_addresses, new_page, violations, color_scheme):
    page = new_page()
    page.emulate_media(color_scheme=color_scheme)
    log_in(page, "admin")
    page.goto(next(address for address in admin_addresses if "lmsbackend/edit" in address))
    page.get_by_label("Enabled").uncheck()
    page.get_by_role("button", name="Save", exact=True).click()
    panel = page.get_by_role("region", name="Not saved yet")
    expect(panel).to_be_focused()
    assert violations(page, *WAGTAILS_OWN) == []
    panel.get_by_role("button", name="Save anyway").click()
    expect(panel.get_by_role("checkbox")).to_be_focused()
    assert violations(page, *WAGTAILS_OWN) == []
