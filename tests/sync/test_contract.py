"""What the web hook answers: the tables "Single object" and "List" of its contract."""

import datetime as dt
import json
from decimal import Decimal

import pytest

from cms_lms.models import CourseRun, LMSBackend, SyncDelivery
from tests.factories import make_backend, make_course
from tests.sync.payloads import LINK, link, payload

pytestmark = pytest.mark.django_db

WRONG_DATE = (
    "Datetime has wrong format. Use one of these formats instead: YYYY-MM-DDThh:mm[:ss[.uuuuuu]][+HH:MM|-HH:MM|Z]."
)


@pytest.fixture(autouse=True)
def catalogue(db):
    """An Open edX backend and one course."""
    make_backend()
    make_course(code="DemoX")


def refusal(response):
    assert response.status_code == 400, response.content
    return response.json()


class TestObject:
    def test_done(self, post):
        response = post(payload())

        assert (response.status_code, response.json()) == (200, {"success": True})
        assert response["Content-Type"] == "application/json"
        assert response["Sync-Outcome"] == "created=1, updated=0, drafted=0, unchanged=0, ignored=0, refused=0"
        run = CourseRun.objects.get()
        assert (run.live, run.has_unpublished_changes, run.sync_mode) == (True, False, "sync_to_public")
        assert run.start == dt.datetime(2027, 2, 1, 8, tzinfo=dt.UTC)
        assert (run.languages, run.enrollment_count) == (["en"], 42)
        assert run.catalog_visibility == "course_and_search"
        assert run.course.code == "DEMOX"

    @pytest.mark.parametrize("missing", [{}, {"resource_link": ""}, {"resource_link": None}, {"resource_link": "  "}])
    def test_no_link(self, post, missing):
        data = {name: value for name, value in payload().items() if name != "resource_link"} | missing

        assert refusal(post(data)) == {"resource_link": ["This field is required."]}

    def test_no_backend(self, post):
        data = payload(resource_link="https://elsewhere.example.com/courses/course-v1:edX+DemoX+R1/info")

        assert refusal(post(data)) == {"resource_link": ["No LMS configuration found for this resource link."]}

    @pytest.mark.parametrize(
        ("field", "value", "message"),
        [
            ("start", 1796000000, WRONG_DATE),
            ("end", "tomorrow", WRONG_DATE),
            ("enrollment_start", True, WRONG_DATE),
            ("enrollment_end", {}, WRONG_DATE),
            ("languages", "en", 'Expected a list of items but got type "str".'),
            ("languages", None, "This field may not be null."),
            ("languages", [], "This list may not be empty."),
            ("languages", ["zz"], '"zz" is not a valid choice.'),
            ("languages", [["en"]], "\"['en']\" is not a valid choice."),
            ("enrollment_count", -1, "Ensure this value is greater than or equal to 0."),
            ("enrollment_count", 2**31, "Ensure this value is less than or equal to 2147483647."),
            ("enrollment_count", "many", "A valid integer is required."),
            ("catalog_visibility", "everywhere", '"everywhere" is not a valid choice.'),
            ("catalog_visibility", ["both"], "\"['both']\" is not a valid choice."),
            ("price", "1.999", "Ensure that there are no more than 2 decimal places."),
            ("price", "NaN", "A valid number is required."),
            ("price", -1, "Ensure this value is greater than or equal to 0."),
            ("price_currency", "XYZZY", '"XYZZY" is not a valid choice.'),
            ("offer", "gratis", '"gratis" is not a valid choice.'),
            ("certificate_offer", "partially_free", '"partially_free" is not a valid choice.'),
            ("discount", "a\x00b", "Null characters are not allowed."),
        ],
    )
    def test_invalid_field(self, post, field, value, message):
        assert refusal(post(payload(**{field: value}))) == {field: [message]}
        assert not CourseRun.objects.exists()

    def test_invalid_fields_come_before_the_unknown_course(self, post):
        data = payload(resource_link=link(course="Other"), languages="en")

        assert refusal(post(data)) == {"languages": ['Expected a list of items but got type "str".']}

    def test_languages_are_required_to_create(self, post):
        assert refusal(post({"resource_link": LINK})) == {"languages": ["This field is required."]}

    def test_languages_are_not_required_to_update(self, post):
        post(payload())

        assert post({"resource_link": LINK, "enrollment_count": 50}).status_code == 200
        run = CourseRun.objects.get()
        assert (run.languages, run.enrollment_count) == (["en"], 50)
        assert run.start == dt.datetime(2027, 2, 1, 8, tzinfo=dt.UTC)

    @pytest.mark.parametrize("course", ["Other-101", "other_101", "Óther"])
    def test_unknown_course(self, post, course):
        code = {"Other-101": "OTHER-101", "other_101": "OTHER_101", "Óther": "ÓTHER"}[course]
        response = post(payload(resource_link=link(course=course)))

        assert refusal(response) == {"resource_link": [f"Unknown course: {code}."]}

    def test_creation_deactivated(self, post):
        make_backend(
            slug="manual",
            course_regex=r"^https://manual\.example\.com/courses/(?P<course_id>[^/]+)/info$",
            default_sync_mode="manual",
        )
        data = payload(resource_link="https://manual.example.com/courses/course-v1:edX+DemoX+R1/info")

        assert refusal(post(data)) == {"resource_link": ["Unknown course run when creation is deactivated."]}

    @pytest.mark.parametrize(
        ("backend_mode", "site_mode", "expected"),
        [
            ("", "sync_to_draft", "sync_to_draft"),
            ("", "", "sync_to_public"),
            ("sync_to_draft", "sync_to_public", "sync_to_draft"),
            ("sync_to_public", "sync_to_draft", "sync_to_public"),
        ],
    )
    def test_which_mode_a_new_run_gets(self, post, settings, backend_mode, site_mode, expected):
        settings.CMS_LMS_DEFAULT_SYNC_MODE = site_mode
        LMSBackend.objects.update(default_sync_mode=backend_mode)

        assert post(payload()).status_code == 200
        assert CourseRun.objects.get().sync_mode == expected

    def test_unknown_keys_are_ignored(self, post):
        assert post(payload(colour="blue", course="Whatever")).status_code == 200

    def test_the_own_courses_of_an_organisation_come_before_those_of_none(self, post):
        own = make_course(code="DemoX", organisation="edX", title="edX's own")

        post(payload())

        assert CourseRun.objects.get().course == own

    @pytest.mark.parametrize(
        ("sent", "stored"),
        [("both", "course_and_search"), ("about", "course_only"), ("none", "hidden"), ("hidden", "hidden")],
    )
    def test_visibility_in_open_edx_words(self, post, sent, stored):
        post(payload(catalog_visibility=sent))

        assert CourseRun.objects.get().catalog_visibility == stored

    @pytest.mark.parametrize(
        ("sent", "stored"),
        [
            ("2027-01-01T00:00:00Z", dt.datetime(2027, 1, 1, tzinfo=dt.UTC)),
            ("2027-01-01T00:00:00.5+02:00", dt.datetime(2026, 12, 31, 22, 0, 0, 500000, tzinfo=dt.UTC)),
            ("2027-01-01T00:00:00.123456+00:00", dt.datetime(2027, 1, 1, 0, 0, 0, 123456, tzinfo=dt.UTC)),
            ("2027-01-01T10:00:00", dt.datetime(2027, 1, 1, 10, tzinfo=dt.UTC)),
            (None, None),
        ],
    )
    def test_dates(self, post, settings, sent, stored):
        settings.TIME_ZONE = "Asia/Tokyo"

        post(payload(end=sent))

        assert CourseRun.objects.get().end == stored

    def test_offers_and_prices(self, post):
        post(
            payload(
                price="59.99",
                price_currency="usd",
                offer="paid",
                discounted_price=53.5,
                discount="-10%",
                certificate_offer=None,
                certificate_price=None,
            )
        )

        run = CourseRun.objects.get()
        assert (run.price, run.discounted_price) == (Decimal("59.99"), Decimal("53.50"))
        assert (run.price_currency, run.offer, run.discount, run.certificate_offer) == ("USD", "paid", "-10%", "")

    def test_what_is_not_said_keeps_its_value(self, post):
        post(payload(price_currency="USD", catalog_visibility="none"))

        post({"resource_link": LINK, "enrollment_count": None, "catalog_visibility": None, "price_currency": None})

        run = CourseRun.objects.get()
        assert (run.enrollment_count, run.catalog_visibility, run.price_currency) == (42, "hidden", "USD")

    def test_messages_stay_english_whatever_the_sites_language(self, post, settings):
        settings.LANGUAGE_CODE = "fr"

        assert refusal(post(payload(enrollment_count="many"), HTTP_ACCEPT_LANGUAGE="fr")) == {
            "enrollment_count": ["A valid integer is required."]
        }


class TestList:
    def test_an_empty_list(self, post):
        response = post([])

        assert (response.status_code, response.json()) == (200, {})

    def test_each_item_stands_alone(self, post):
        response = post([payload(), payload(resource_link=link(course="Other")), payload(resource_link=link("R2"))])

        assert response.status_code == 400
        assert response.json() == {
            LINK: {"success": True},
            link(course="Other"): {"resource_link": ["Unknown course: OTHER."]},
            link("R2"): {"success": True},
        }
        assert CourseRun.objects.count() == 2
        assert response["Sync-Outcome"] == "created=2, updated=0, drafted=0, unchanged=0, ignored=0, refused=1"

    def test_the_answer_names_links_as_they_were_sent(self, post):
        spaced = f" {LINK} "

        assert post([payload(resource_link=spaced)]).json() == {spaced: {"success": True}}
        assert post([payload(resource_link=spaced, end=3)]).json() == {spaced: {"end": [WRONG_DATE]}}
        assert CourseRun.objects.get().resource_link == LINK

    @pytest.mark.parametrize("item", [{"languages": ["en"]}, {"resource_link": ""}, None, 3, "x", [], {}])
    def test_an_item_without_link_refuses_the_whole_call(self, post, item):
        response = post([payload(), item])

        assert refusal(response) == {"resource_link": ["This field is required."]}
        assert not CourseRun.objects.exists()

    def test_the_same_link_twice_makes_one_run_with_the_last_values(self, post):
        response = post([payload(enrollment_count=1), payload(enrollment_count=2)])

        assert (response.status_code, response.json()) == (200, {LINK: {"success": True}})
        assert CourseRun.objects.get().enrollment_count == 2

    def test_an_error_is_not_hidden_by_a_second_item_with_the_same_link(self, post):
        response = post([payload(start=1), payload()])

        assert refusal(response) == {LINK: {"start": [WRONG_DATE]}}

    def test_too_many_items(self, post, settings):
        settings.CMS_LMS_SYNC_MAX_ITEMS = 2

        assert post([payload()] * 3).status_code == 413
        assert not CourseRun.objects.exists()


class TestOneRunPerLink:
    @pytest.mark.parametrize(
        "spelling",
        [
            LINK.replace("https", "http"),
            LINK.replace("lms.example", "LMS.Example"),
            LINK.replace(".com/", ".com:443/"),
            LINK.replace("+", "%2B").replace(":e", "%3Ae"),
            LINK + "/",
        ],
    )
    def test_other_spellings_are_the_same_run(self, post, spelling):
        LMSBackend.objects.update(course_regex=r"^https?://lms\.example\.com/courses/(?P<course_id>[^/]+)/info/?$")
        post(payload())

        response = post(payload(resource_link=spelling, enrollment_count=43))

        assert response.status_code == 200, response.content
        run = CourseRun.objects.get()
        assert (run.resource_link, run.enrollment_count) == (LINK, 43)

    def test_the_link_is_stored_as_sent(self, post):
        sent = LINK.replace("+", "%2B")

        post(payload(resource_link=sent))

        assert CourseRun.objects.get().resource_link == sent

    def test_a_link_that_is_too_long(self, post):
        errors = refusal(post(payload(resource_link=f"{LINK}?{'x' * 2000}")))

        assert "2000" in errors["resource_link"][0]


class TestNoUpdateFields:
    def test_protected_fields_are_used_at_creation_and_ignored_ever_after(self, post):
        LMSBackend.objects.update(no_update_fields=["languages", "enrollment_count"])
        post(payload())

        response = post(payload(languages=["not even", "valid"], enrollment_count=1, end=None))

        assert response.status_code == 200, response.content
        run = CourseRun.objects.get()
        assert (run.languages, run.enrollment_count, run.end) == (["en"], 42, None)


class TestOtherBackends:
    def test_joanie_names_the_course_in_the_payload(self, post):
        make_backend(
            backend="cms_lms.backends.joanie.JoanieBackend",
            base_url="https://joanie.example.com",
            course_regex=r"^https://joanie\.example\.com/api/v1\.0/(?P<resource_uri>course-runs/[^/]+)/?$",
            js_backend="",
        )
        data = payload(
            resource_link="https://joanie.example.com/api/v1.0/course-runs/7f2c9f3e-1c1b/",
            course="demox",
            catalog_visibility="course_only",
        )

        assert post([data]).status_code == 200
        assert CourseRun.objects.get().course.code == "DEMOX"
        assert refusal(post(data | {"catalog_visibility": "both"})) == {
            "catalog_visibility": ['"both" is not a valid choice.']
        }

    def test_base_takes_the_id_for_the_code_unless_the_payload_names_one(self, post):
        make_backend(
            backend="cms_lms.backends.base.BaseLMSBackend",
            course_regex=r"^https://dev\.example\.com/(?P<course_id>[^/]+)/",
        )

        data = payload(catalog_visibility="hidden")

        assert post(data | {"resource_link": "https://dev.example.com/demox/1"}).status_code == 200
        assert post(data | {"resource_link": "https://dev.example.com/x/2", "course": "DemoX"}).status_code == 200
        assert CourseRun.objects.filter(course__code="DEMOX").count() == 2


def test_a_delivery_says_what_was_decided(post):
    post([payload(), payload(resource_link=link(course="Other"))], REMOTE_ADDR="203.0.113.77")
    post({"resource_link": LINK, "end": "2027-07-01T00:00:00Z"})

    second, first = SyncDelivery.objects.all()
    assert (first.status_code, first.created_count, first.refused_count) == (400, 1, 1)
    assert first.remote_address == "203.0.113.0/24"
    assert [item["outcome"] for item in first.items] == ["created", "refused"]
    assert first.items[1]["reason"] == "resource_link: Unknown course: OTHER."
    assert json.loads(first.payload)[0]["resource_link"] == LINK
    assert second.items[0]["changes"] == {"end": ["2027-06-30T22:00:00Z", "2027-07-01T00:00:00Z"]}
    assert second.backend.slug == second.items[0]["backend"]
