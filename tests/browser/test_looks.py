"""How the catalogue looks: a course page with runs of several kinds, in several languages, wide and narrow, and as
staff see it in the preview as a learner in any state. The pictures are for the documentation.
"""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.urls import reverse
from django.utils import timezone
from playwright.sync_api import Page, expect
from wagtail.models import Locale

from cms_lms.catalog.models import CoursePage
from cms_lms.enrollment.see_as import MODE_PREFIX
from cms_lms.models import CourseRun
from cms_lms.runs.fields import CertificateOffer, DisplayMode, Offer
from tests.axe import find_violations
from tests.browser.test_walk import log_in
from tests.factories import make_run

pytestmark = [
    pytest.mark.browser,
    pytest.mark.django_db(transaction=True, serialized_rollback=True),
]


@pytest.fixture
def runs(open_run, lms) -> list[CourseRun]:
    """The open run with all its facts, one that comes, two that are over; and the page in Arabic too."""
    now = timezone.now().replace(minute=0, second=0, microsecond=0)
    CourseRun.objects.filter(pk=open_run.pk).update(
        start=now - timedelta(days=20),
        end=now + timedelta(days=100),
        enrollment_start=now - timedelta(days=60),
        enrollment_end=now + timedelta(days=12),
        languages=["en", "fr"],
        offer=Offer.FREE,
        certificate_offer=CertificateOffer.PAID,
        certificate_price="49.00",
        price_currency="EUR",
        enrollment_count=12_345,
    )
    over = {"enrollment_start": now - timedelta(days=400), "enrollment_end": now - timedelta(days=300)}
    dates = [
        {
            "start": now + timedelta(days=80),
            "end": now + timedelta(days=200),
            "enrollment_start": now + timedelta(days=40),
            "enrollment_end": now + timedelta(days=80),
            "languages": ["fr"],
        },
        {"start": now - timedelta(days=300), "end": now - timedelta(days=200), "languages": ["en"], **over},
    ]
    others = [
        make_run(
            course=open_run.course,
            resource_link=f"{lms.url}/courses/course-v1:edX+DemoX+{number}/info",
            display_mode=DisplayMode.COMPACT if number else DisplayMode.DETAILED,
            **fields,
        )
        for number, fields in enumerate(dates)
    ]
    source = CoursePage.objects.get(course=open_run.course, locale__language_code="en")
    arabic = source.copy_for_translation(Locale.objects.get_or_create(language_code="ar")[0], copy_parents=True)
    arabic.title, arabic.slug = "الدورة التجريبية", "demo-ar"
    arabic.body = [("paragraph", "<p>تعرّف هذه الدورة المتعلمين بالمنصة: كيف تشاهد الدروس وكيف تحل التمارين.</p>")]
    arabic.save_revision().publish()
    return [CourseRun.objects.get(pk=open_run.pk), *others]


@pytest.fixture
def addresses(runs) -> dict[str, str]:
    """Where the course's page is in each language."""
    pages = CoursePage.objects.filter(course=runs[0].course, live=True).select_related("locale")
    return {page.locale.language_code: page.get_url() for page in pages}


@pytest.fixture
def edit_address(runs) -> str:
    """Where staff edit the course's page in English."""
    page = CoursePage.objects.get(course=runs[0].course, locale__language_code="en")
    return reverse("wagtailadmin_pages:edit", args=[page.pk])


def show(page: Page, address: str, steps: list[str]) -> None:
    """Open a course page, and wait until its panels have arrived at these steps."""
    page.goto(address)
    for number, step in enumerate(steps):
        expect(page.locator("lms-enrollment").nth(number)).to_have_attribute("data-step", step)


def test_a_course_page_in_every_language_and_direction(addresses, new_page, picture):
    page = new_page()
    page.set_viewport_size({"width": 1280, "height": 1000})
    steps = ["anonymous", "closed", "closed"]
    for language in ("en", "fr", "es", "de", "ar"):
        show(page, addresses[language], steps)
        expect(page.locator("html")).to_have_attribute("lang", language)
        assert page.evaluate("document.documentElement.scrollWidth") <= 1280
        assert find_violations(page) == [], language
        picture(page, f"course-page-{language}", full_page=True)
    page.emulate_media(color_scheme="dark")
    page.set_viewport_size({"width": 390, "height": 1000})
    show(page, addresses["en"], steps)
    assert page.evaluate("document.documentElement.scrollWidth") <= 390
    assert find_violations(page) == []
    picture(page, "course-page-phone", full_page=True)


def test_staff_see_a_page_as_a_learner_in_any_state(edit_address, new_page, picture):
    page = new_page()
    page.set_viewport_size({"width": 1600, "height": 1000})
    log_in(page, "admin")
    page.goto(edit_address)
    page.get_by_role("button", name="Toggle preview").click()
    panel = page.frame_locator("#w-preview-iframe").locator("lms-enrollment").first
    panel.scroll_into_view_if_needed()
    expect(panel).to_have_attribute("data-step", "anonymous")
    modes = page.get_by_label("Preview mode")
    modes.select_option(label="When the LMS refuses the enrollment")
    expect(panel).to_have_attribute("data-see-as", "refused")
    panel.scroll_into_view_if_needed()
    expect(panel).to_contain_text("Campus says: Your account has not been activated yet.")
    picture(page, "see-as")
    # The other modes by the address that the panel asks for. All states are in the gallery.
    for state in ("confirming", "enrolled", "expired", "payment", "unavailable"):
        page.goto(f"{edit_address}preview/?mode={MODE_PREFIX}{state}")
        expect(page.locator("lms-enrollment").first).to_have_attribute("data-step", state)
        assert find_violations(page) == [], state
