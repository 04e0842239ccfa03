"""The demonstration's loader: real input by the web hook, once, and nothing lost when it runs again."""

from __future__ import annotations

from io import StringIO

import pytest
from django.contrib.auth import get_user_model
from django.core.management import CommandError, call_command
from django.utils import timezone
from wagtail.models import Page, Revision, Site

from cms_lms.catalog.models import CourseIndexPage, CoursePage
from cms_lms.models import BackendCredential, Course, CourseRun, LMSBackend, SyncDelivery, SyncSecret
from cms_lms.runs.fields import SyncMode
from cms_lms.site.demo import CREDENTIALS
from tests.fake_moodle import __main__ as fake_moodle

pytestmark = pytest.mark.django_db

LMS_URL = "https://lms.example.com"
MOODLE_URL = "https://moodle.example.com"


def seed(lms_url: str = LMS_URL, **options) -> str:
    """Load the demonstration, return what it printed."""
    out = StringIO()
    call_command("seed_demo", lms_url=lms_url, moodle_url=MOODLE_URL, force=True, stdout=out, **options)
    return out.getvalue()


def snapshot() -> list:
    """Return everything that a second run could change."""
    return [
        list(model.objects.order_by("pk").values())
        for model in (
            get_user_model(),
            LMSBackend,
            BackendCredential,
            SyncSecret,
            Course,
            CourseRun,
            CoursePage,
            CourseIndexPage,
            Revision,
            Site,
        )
    ] + [SyncDelivery.objects.count()]


class TestFirstRun:
    """What is there afterwards."""

    @pytest.fixture(autouse=True)
    def _seeded(self):
        self.output = seed()

    def test_every_run_but_one_arrived_by_the_web_hook(self):
        assert CourseRun.objects.count() == 19
        assert SyncDelivery.objects.count() == 20
        assert not CourseRun.objects.filter(last_synced_at=None).exists()

    def test_the_run_of_the_missing_course_was_refused_with_the_reason(self):
        (delivery,) = SyncDelivery.objects.filter(status_code=400)

        assert "course-v1:TX+T201+3T2015" in delivery.payload
        assert delivery.response == {"resource_link": ["Unknown course: T201."]}
        assert "Unknown course: T201." in self.output
        assert "on purpose" in self.output

    def test_both_modes_are_there(self):
        drafts = CourseRun.objects.filter(sync_mode=SyncMode.TO_DRAFT)

        assert drafts.count() == 5
        assert not drafts.filter(live=True).exists()
        assert {run.matched_backend.slug for run in drafts} == {"partners"}
        assert CourseRun.objects.filter(sync_mode=SyncMode.TO_PUBLIC, live=True).count() == 14

    def test_the_oddities_land_on_their_courses(self):
        codes = dict(CourseRun.objects.values_list("resource_link", "course__code"))

        assert codes[f"{LMS_URL}/courses/MITx/6.002x/2012_Fall/info"] == "6002X"
        assert codes[f"{LMS_URL}/courses/ccx-v1:HarvardX+CS50+X+ccx@7/info"] == "CS50"
        assert codes[f"{LMS_URL}/courses/course-v1:ULisboa+BIO.01+2026/info"] == "BIO01"
        assert set(codes.values()) >= {"DEMOX", "MAT-1", "00690242X"}
        languages = dict(CourseRun.objects.values_list("course__code", "languages"))
        assert languages["00690242X"] == ["zh-hans"]
        assert languages["BIO01"] == ["pt"]

    def test_the_moodle_s_runs_are_its_own(self):
        runs = CourseRun.objects.filter(matched_backend__slug="moodle")

        assert {run.course.code for run in runs} == {"TEACH-1", "STAT-1"}

    def test_the_stand_in_moodle_has_the_same_courses_and_token(self):
        links = CourseRun.objects.filter(matched_backend__slug="moodle").values_list("resource_link", "course__title")

        assert {link.partition("?name=")[2]: title for link, title in links} == fake_moodle.COURSES
        assert CREDENTIALS["moodle"]["token"] == fake_moodle.TOKEN

    def test_joanie_s_run_joins_the_course_of_its_code(self):
        run = CourseRun.objects.get(resource_link__startswith="https://joanie")

        assert run.course.code == "DEMOX"
        assert run.course.course_runs.count() == 3

    def test_the_catalogue_is_the_site(self, client):
        site = Site.objects.get()
        page = client.get("/").content.decode()

        assert isinstance(site.root_page.specific, CourseIndexPage)
        pages = CoursePage.objects.live()
        assert pages.filter(locale__language_code="en").count() == Course.objects.count() == 13
        assert {pages.filter(locale__language_code=code).count() for code in ("fr", "es", "pt", "de")} == {4}
        assert "财务分析与决策" in page
        assert "Testing 201" not in page
        assert not Page.objects.filter(title__startswith="Welcome").exists()

    def test_secrets_are_in_use(self):
        campus = LMSBackend.objects.get(slug="campus")
        secret = SyncSecret.objects.get()
        moodle = LMSBackend.objects.get(slug="moodle")

        assert set(moodle.credentials.for_address(moodle).secrets()) == {"token"}
        assert set(campus.credentials.for_address(campus).secrets()) == {"oauth2_client_id", "oauth2_client_secret"}
        assert secret.backend.slug == "joanie"
        assert secret.last_used_at
        assert {user.username for user in (secret.created_by, campus.credentials.first().changed_by)} == {"admin"}
        signers = SyncDelivery.objects.values_list("secret_name", flat=True)
        assert {signer.partition(" (")[0] for signer in signers} == {"site 1", "joanie: demonstration"}

    @pytest.mark.parametrize("name", ["admin", "editor", "publisher"])
    def test_everybody_can_log_in(self, client, name):
        assert client.login(username=name, password=name)
        assert client.get("/admin/").status_code == 200

    def test_the_groups_are_those_of_the_walk(self):
        groups = {user.username: {group.name for group in user.groups.all()} for user in get_user_model().objects.all()}

        assert groups == {
            "admin": set(),
            "editor": {"Course editors", "LMS administrators"},
            "publisher": {"Course publishers"},
            "learner": set(),
        }

    def test_every_page_answers(self, client):
        for page in [*CourseIndexPage.objects.live(), *CoursePage.objects.live()]:
            response = client.get(page.url)

            assert response.status_code == 200
            assert f'<html lang="{page.locale.language_code}"' in response.content.decode()
            assert page.search_description


class TestSecondRun:
    """It leaves everything as it is."""

    def test_it_changes_nothing(self):
        seed()
        before = snapshot()
        output = seed()

        assert snapshot() == before
        assert "deliveries: 0 posted" in output

    def test_what_staff_changed_stays(self):
        seed()
        user = get_user_model().objects.get(username="editor")
        user.set_password("changed")
        user.save()
        LMSBackend.objects.filter(slug="campus").update(name="Our campus", is_enabled=False)
        Course.objects.filter(code="BREADX").update(title="Bread")
        draft = CourseRun.objects.filter(sync_mode=SyncMode.TO_DRAFT).first()
        draft.title, draft.end = "Edited", None
        draft.save_revision(user=user)
        before = snapshot()
        seed()

        assert snapshot() == before

    def test_what_is_missing_comes_back(self):
        seed()
        CourseRun.objects.filter(course__code="BREADX").delete()
        SyncDelivery.objects.all().delete()
        output = seed()

        assert CourseRun.objects.filter(course__code="BREADX").count() == 1
        assert "deliveries: 2 posted, 1 refused" in output

    def test_translations_come_to_what_an_older_release_loaded(self):
        seed()
        CourseIndexPage.objects.get(locale__language_code="fr").delete()
        CoursePage.objects.get(locale__language_code="de", title__startswith="CS50").delete()
        seed()

        assert CoursePage.objects.live().filter(locale__language_code="fr").count() == 4
        assert CoursePage.objects.live().filter(locale__language_code="de").count() == 4

    def test_without_its_own_secret_a_sender_signs_with_the_site_s(self):
        seed()
        SyncSecret.objects.get().retire(now=timezone.now())
        CourseRun.objects.filter(resource_link__startswith="https://joanie").delete()
        SyncDelivery.objects.all().delete()
        seed()

        assert CourseRun.objects.filter(resource_link__startswith="https://joanie").exists()

    def test_it_stays_with_its_lms(self):
        seed()
        before = snapshot()
        output = seed("https://elsewhere.example.com")

        assert snapshot() == before
        assert LMS_URL in output


class TestRefusals:
    """It says why it does not load, and loads nothing."""

    @pytest.mark.parametrize(
        ("options", "changes", "words"),
        [
            ({"force": False}, {}, "--force"),
            ({}, {"CMS_LMS_SYNC_SECRETS": []}, "CMS_LMS_SYNC_SECRETS"),
            ({"lms_url": "http://lms.example.com"}, {}, "https"),
            ({"lms_url": "ftp://lms.example.com"}, {}, "ftp"),
        ],
    )
    def test_nothing_is_written(self, settings, options, changes, words):
        for name, value in changes.items():
            setattr(settings, name, value)
        before = snapshot()
        with pytest.raises(CommandError, match=words):
            call_command("seed_demo", **{"lms_url": LMS_URL, "moodle_url": MOODLE_URL, "force": True, **options})

        assert snapshot() == before

    def test_development_needs_no_force(self, settings):
        settings.DEBUG = True
        settings.CMS_LMS_ALLOW_INSECURE_URLS = None
        call_command("seed_demo", lms_url="http://localhost:8001", stdout=StringIO())

        assert CourseRun.objects.filter(resource_link__startswith="http://localhost:8001/").count() == 16


@pytest.mark.parametrize("lms_url", ["https://my-lms.example.com:8443", "http://127.0.0.1:8001", "http://[::1]:8001"])
def test_any_address_of_the_lms_will_do(settings, lms_url):
    settings.CMS_LMS_ALLOW_INSECURE_URLS = True
    seed(lms_url)

    assert CourseRun.objects.filter(matched_backend__base_url=lms_url).count() == 16
