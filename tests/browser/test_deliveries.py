"""Deliveries are replayed, and the runs of an LMS that moved re-linked, as an administrator does it."""

from __future__ import annotations

import json
from datetime import UTC, datetime

import pytest
from playwright.sync_api import expect

from cms_lms.models import DeletedRun, LMSBackend, SyncDelivery, SyncDeliveryLink
from cms_lms.patterns.urls import resource_key
from tests.admin.browsing import url
from tests.browser.test_walk import log_in
from tests.factories import COURSE_REGEX, course_regex, make_backend, make_course, make_run

pytestmark = [
    pytest.mark.browser,
    pytest.mark.django_db(transaction=True, serialized_rollback=True),
]

LINK = "https://lms.example.com/courses/course-v1:edX+DrinkX+2030/info"


def make_delivery(number: int, **fields) -> SyncDelivery:
    link = LINK.replace("2030", str(2030 + number))
    payload = {"resource_link": link, "languages": ["en"], "contact_email": "teacher@example.com"}
    item = {"resource_link": link, "outcome": "refused", "reason": "resource_link: Unknown course: DRINKX."}
    delivery = SyncDelivery.objects.create(
        received_at=datetime(2024, 6, 1 + number, 12, tzinfo=UTC),
        remote_address="192.0.2.0/24",
        secret_name="campus: production 2027 (4f1c)",
        payload=json.dumps(payload),
        status_code=400,
        refused_count=1,
        items=[item],
        duration_ms=12,
        **fields,
    )
    SyncDeliveryLink.objects.create(delivery=delivery, resource_key=resource_key(link))
    return delivery


@pytest.fixture
def refused(catalogue) -> None:
    """Deliveries that were refused for want of a course, which is there by now."""
    backend = make_backend(name="Campus")
    for number in range(12):
        make_delivery(number, backend=backend)
    make_course(code="DRINKX", title="Drinking Water Treatment")


def test_a_delivery_is_found_and_replayed(refused, new_page, picture):
    page = new_page()
    log_in(page, "admin")
    page.goto("/admin/syncdelivery/")
    picture(page, "deliveries", full_page=True)
    page.goto(f"/admin/syncdelivery/?q={LINK.replace(':', '%3A').replace('+', '%2B')}")
    expect(page.get_by_text("These are the deliveries about the course run with this link")).to_be_visible()
    page.get_by_role("link", name="2024-06-01 12:00:00").click()
    expect(page.get_by_text("It was refused. Resource link: Unknown course: DRINKX.")).to_be_visible()
    expect(page.get_by_text("teacher@example.com")).to_have_count(0)
    picture(page, "delivery", full_page=True)

    page.get_by_role("link", name="Replay").click()
    picture(page, "delivery-replay")
    page.get_by_role("button", name="Replay as a dry run").click()
    expect(page.get_by_text("Nothing was written. A replay of 1 delivery would end so: Created: 1.")).to_be_visible()
    page.get_by_role("definition").filter(has_text="by admin").get_by_role("link").click()
    page.get_by_role("link", name="Replay").click()
    page.get_by_role("button", name="Replay", exact=True).click()
    expect(page.get_by_text("1 delivery was replayed: Created: 1.")).to_be_visible()
    picture(page, "delivery-replayed", full_page=True)
    page.get_by_role("link", name=LINK).click()
    expect(page.get_by_label("Resource link")).to_have_value(LINK)


def test_a_selection_is_replayed_by_keyboard_without_scripts(refused, browser, live_server):
    context = browser.new_context(base_url=live_server.url, java_script_enabled=False)
    page = context.new_page()
    log_in(page, "admin")
    page.goto("/admin/syncdelivery/")
    for day in ("01", "03"):
        box = page.get_by_role("checkbox", name=f"Select 2024-06-{day}")
        box.focus()
        page.keyboard.press("Space")
        expect(box).to_be_checked()
    page.get_by_role("button", name="Replay those that are ticked").press("Enter")
    expect(page.get_by_role("heading", name="Replay 2 deliveries?")).to_be_visible()
    page.get_by_role("button", name="Replay", exact=True).press("Enter")
    expect(page.get_by_text("2 deliveries were replayed: Created: 2.")).to_be_visible()


@pytest.fixture
def moved(catalogue) -> LMSBackend:
    """An LMS that moved, with runs at the old address; some cannot follow it."""
    course = make_course(title="Drinking Water Treatment")
    regex = COURSE_REGEX.replace(r"lms\.example\.com", r"(?:old|new)\.example\.com")
    backend = make_backend(name="Campus", slug="campus", base_url="https://new.example.com", course_regex=regex)
    make_backend(name="Annex", course_regex=course_regex("annex.example.com"))
    links = [f"https://old.example.com/courses/course-v1:edX+DrinkX+{n}/info" for n in range(25)]
    for link in [*links, links[0].replace("old", "new"), "https://old.example.com/elsewhere"]:
        make_run(course=course, resource_link=link)
    return backend


def test_runs_are_moved_by_keyboard(moved, new_page, picture):
    page = new_page()
    log_in(page, "admin")
    page.goto(url(LMSBackend, "relink", moved.pk))
    old = page.get_by_label("Old address")
    old.focus()
    page.keyboard.type("https://old.example.com")
    page.keyboard.press("Tab")
    expect(page.get_by_label("New address")).to_be_focused()
    expect(page.get_by_label("New address")).to_have_value("https://new.example.com")
    page.keyboard.press("Enter")
    panel = page.get_by_role("region", name="Not done yet: 24 course runs would get their new links")
    expect(panel).to_be_focused()
    expect(panel).to_contain_text("Stay: another course run has the new link (1)")
    expect(panel).to_contain_text("Stay: no LMS backend matches the new link (1)")
    expect(panel).to_contain_text("These are the first 20 of 24")
    picture(page, "relink", full_page=True)
    page.set_viewport_size({"width": 375, "height": 800})
    assert page.evaluate("document.documentElement.scrollWidth") <= 375
    picture(page, "relink-narrow", full_page=True)
    button = panel.get_by_role("button", name="Give the runs their new links")
    for _ in range(80):
        if button.evaluate("element => element === document.activeElement"):
            break
        page.keyboard.press("Tab")
    expect(button).to_be_focused()
    page.keyboard.press("Enter")
    expect(page.get_by_text("24 course runs have their new links.")).to_be_visible()


@pytest.fixture
def deleted_runs(catalogue) -> None:
    """Three of them."""
    for number in range(3):
        link = LINK.replace("2030", str(2030 + number))
        DeletedRun.objects.create(
            resource_link=link,
            resource_key=resource_key(link),
            title="Drinking Water Treatment",
            deleted_at=datetime(2024, 6, 1, tzinfo=UTC),
        )


def test_a_deleted_run_comes_back(deleted_runs, new_page, picture):
    page = new_page()
    log_in(page, "admin")
    page.goto("/admin/deletedrun/")
    picture(page, "deleted-runs")
    page.get_by_role("checkbox").nth(0).check()
    page.get_by_role("button", name="Let those that are ticked come back").click()
    picture(page, "deleted-runs-lift")
    page.get_by_role("button", name="Let them come back").click()
    expect(page.get_by_text("1 run comes back when its LMS sends it again.")).to_be_visible()
    expect(page.get_by_role("checkbox")).to_have_count(2)
