"""Who changed what when, as the history says it; what a comparison shows; what a revert goes through."""

from __future__ import annotations

import json
from datetime import UTC, datetime

import pytest
from bs4 import BeautifulSoup
from django.test import override_settings
from wagtail.models import ModelLogEntry
from wagtail.users.models import UserProfile

from cms_lms.matching.handler import LMSHandler
from cms_lms.models import Course, CourseRun, LMSBackend
from cms_lms.runs.fields import SyncMode
from cms_lms.sync.signature import sign
from tests.admin.browsing import errors, form_values, soup, submit, url
from tests.admin.conftest import make_client
from tests.admin.test_impact import press, sentences, stored, tick
from tests.factories import course_regex, make_backend, make_course, make_run
from tests.sync.payloads import LINK, payload

pytestmark = pytest.mark.django_db

VALID = {
    "name": "Campus",
    "slug": "campus",
    "base_url": "https://lms.example.com",
    "backend": "cms_lms.backends.openedx.OpenEdXBackend",
    "js_backend": "openedx-hawthorn",
    "course_regex": course_regex("lms.example.com"),
    "js_course_regex": "",
    "sample_urls": "",
    "rejected_urls": "",
    "default_sync_mode": "",
    "is_enabled": "on",
}


def lines(client, instance) -> list[str]:
    """Return what the history says, the latest first: the message and the user of each row."""
    page = soup(client.get(url(type(instance), "history", instance.pk)))
    rows = [row.select("td") for row in page.select("tbody tr")]
    return [" ".join(cell.get_text(" ", strip=True) for cell in cells[:2]) for cells in rows]


def test_every_change_of_a_backend_is_in_its_history_with_its_user(administrator, root):
    make_backend(name="Other")
    administrator.post(url(LMSBackend, "add"), VALID)
    backend = LMSBackend.objects.get(slug="campus")
    first = backend.latest_revision
    submit(root, url(LMSBackend, "edit", backend.pk), {"name": "Campus West"})
    administrator.post(url(LMSBackend, "disable", backend.pk))
    root.post(url(LMSBackend, "enable", backend.pk))
    administrator.post(f"{url(LMSBackend, 'reorder', backend.pk)}?position=0")
    credentials = url(LMSBackend, "credentials", backend.pk)
    values = form_values(administrator.get(credentials), "main form")
    root.post(credentials, {**values, "value-api_key": "not-for-the-history"})
    secrets = url(LMSBackend, "sync_secrets", backend.pk)
    values = form_values(administrator.get(secrets), "form:has([name=generate-name])")
    administrator.post(secrets, {**values, "generate-name": "production"})
    secret = backend.sync_secrets.get()
    root.post(url(LMSBackend, "retire_sync_secret", backend.pk, secret.pk))
    submit(administrator, url(LMSBackend, "revisions_revert", backend.pk, first.pk))

    said = lines(root, backend)
    who = [administrator.user.username, root.user.username]
    words = [
        "Reverted to previous revision",
        "Web hook secret “production” retired.",
        "Web hook secret “production” generated.",
        "API credentials changed: API key set.",
        "Moved from position 2 to position 1.",
        "Enabled",
        "Disabled",
        "Edited",
        "Created",
    ]
    assert len(said) == len(words)
    for number, (line, word) in enumerate(zip(said, words, strict=True)):
        assert word in line
        assert line.endswith(who[number % 2])
    assert "not-for-the-history" not in "".join(said)


class TestComparison:
    def compare(self, client, before, after) -> dict[str, list[tuple[str, str]]]:
        """Return by label what is only in the old and only in the new version, and what is in both."""
        backend = make_backend(**before)
        first = backend.save_revision()
        for name, value in after.items():
            setattr(backend, name, value)
        backend.save_revision(clean=False)
        page = soup(client.get(url(LMSBackend, "revisions_compare", backend.pk, first.pk, "latest")))
        return {
            row.select_one("td.title").get_text(strip=True).rstrip(":"): [
                (" ".join(span["class"]), span.get_text()) for span in row.select("td.comparison span")
            ]
            for row in page.select("main tbody tr")
        }

    def test_fields_and_choices_by_their_labels(self, root):
        after = {
            "is_enabled": False,
            "backend": "cms_lms.backends.joanie.JoanieBackend",
            "js_backend": "",
            "default_sync_mode": SyncMode.TO_DRAFT,
            "no_update_fields": ["languages", "end"],
            "sample_urls": [LINK, LINK + "/"],
        }
        assert self.compare(root, {"sample_urls": [LINK], "js_course_regex": ""}, after) == {
            "Enabled": [("deletion", "Yes"), ("addition", "No")],
            "Backend class": [("deletion", "Open edX"), ("addition", "Joanie")],
            "JS backend": [("deletion", "Open edX, Hawthorn and later")],
            "Default synchronisation": [("addition", "Synchronise to draft")],
            "Fields not to update": [("addition", "Languages"), ("addition", "Course end")],
            "Sample course URLs": [("addition", LINK + "/")],
        }

    def test_whatever_an_old_version_has(self, root):
        after = {"backend": "gone.Backend<b>", "no_update_fields": "rubbish", "rejected_urls": [None, 3, "<i>"]}
        assert self.compare(root, {}, after) == {
            "Backend class": [("deletion", "Open edX"), ("addition", "gone.Backend<b>")],
            "Fields not to update": [("addition", "rubbish")],
            "URLs that must not match": [("addition", "3"), ("addition", "<i>")],
        }


class TestRevert:
    def test_what_is_valid_no_more_is_refused_with_the_reason(self, root):
        backend = make_backend(name="Campus")
        content = backend.save_revision().content
        old = backend.save_revision()
        old.content = {**content, "course_regex": "^https://h/(?P<course_id>.)(?=x)", "backend": "gone.Backend"}
        old.save()
        backend.save_revision()
        response = submit(root, url(LMSBackend, "revisions_revert", backend.pk, old.pk))
        assert response.status_code == 200
        assert "gone.Backend" in errors(response)["backend"][0]
        assert stored(backend).course_regex == backend.course_regex
        response = submit(root, url(LMSBackend, "revisions_revert", backend.pk, old.pk), {"backend": backend.backend})
        assert "Look-ahead" in errors(response)["course_regex"][0]
        assert stored(backend).course_regex == backend.course_regex
        assert not ModelLogEntry.objects.for_instance(backend).exists()

    def test_a_class_that_the_settings_dropped_since(self, root):
        backend = make_backend(name="Campus")
        old = backend.save_revision()
        submit(root, url(LMSBackend, "edit", backend.pk), {"backend": "cms_lms.backends.base.BaseLMSBackend"})
        with override_settings(CMS_LMS_BACKENDS=["cms_lms.backends.base.BaseLMSBackend"]):
            response = submit(root, url(LMSBackend, "revisions_revert", backend.pk, old.pk))
        assert "OpenEdXBackend" in errors(response)["backend"][0]
        assert stored(backend).backend == "cms_lms.backends.base.BaseLMSBackend"

    def test_runs_that_move_are_shown_first(self, root):
        backend = make_backend(name="Campus", course_regex=course_regex("old.example.com"))
        old = backend.save_revision()
        make_run(resource_link=LINK)
        address = url(LMSBackend, "edit", backend.pk)
        press(root, submit(root, address, {"course_regex": course_regex("lms.example.com")}))
        assert LMSHandler.select_lms(LINK).record == backend
        response = submit(root, url(LMSBackend, "revisions_revert", backend.pk, old.pk))
        assert "no longer matched" in " ".join(sentences(response))
        assert stored(backend).course_regex == course_regex("lms.example.com")
        done = press(root, response, **tick())
        assert done.status_code == 302
        assert stored(backend).course_regex == course_regex("old.example.com")
        assert LMSHandler.select_lms(LINK) is None

    def test_secrets_and_order_stay(self, administrator):
        backend = make_backend(name="Campus")
        old = backend.save_revision()
        make_backend(name="Other")
        administrator.post(f"{url(LMSBackend, 'reorder', backend.pk)}?position=1")
        secrets = url(LMSBackend, "sync_secrets", backend.pk)
        values = form_values(administrator.get(secrets), "form:has([name=generate-name])")
        administrator.post(secrets, {**values, "generate-name": "production"})
        submit(administrator, url(LMSBackend, "revisions_revert", backend.pk, old.pk))
        assert list(LMSBackend.objects.values_list("name", flat=True)) == ["Other", "Campus"]
        assert backend.sync_secrets.live().count() == 1


class TestSynchronisation:
    @pytest.fixture
    def run(self, client, django_capture_on_commit_callbacks) -> CourseRun:
        """A run whose LMS changed its end and its visibility."""
        make_backend(name="Campus")
        make_course(code="DemoX")
        changes = {"end": "2027-07-15T22:30:00+00:00", "catalog_visibility": "none", "languages": ["en", "fr"]}
        for fields in ({}, changes):
            body = json.dumps(payload(**fields)).encode()
            headers = {"Authorization": sign(body, "SharedSecret")}
            with django_capture_on_commit_callbacks(execute=True):
                client.post("/api/v1.0/course-runs-sync/", body, content_type="application/json", headers=headers)
        return CourseRun.objects.get()

    def test_fields_and_choices_by_their_labels(self, run, editor):
        (latest, *_older) = lines(editor, run)
        assert "Synchronised from Campus: Course end (June 30, 2027, 10 p.m. → July 15, 2027, 10:30 p.m.)" in latest
        assert "Visibility (Course page and search → Hidden)" in latest
        assert "Languages (English → English, French)" in latest
        assert "catalog_visibility" not in latest

    def test_dates_in_the_reader_s_time_zone(self, run):
        reader = make_client("Course editors", username="traveller")
        UserProfile.objects.create(user=reader.user, current_time_zone="Asia/Tokyo")
        (latest, *_older) = lines(reader, run)
        assert "Course end (July 1, 2027, 7 a.m. → July 16, 2027, 7:30 a.m.)" in latest

    @pytest.mark.parametrize(
        ("changes", "says"),
        [
            ({"end": [None, "9999-12-31T23:59:59Z"]}, "Course end (– → Dec. 31, 9999, 11:59 p.m.)"),
            ({"price": ["", "9.50"]}, "Price (– → 9.50)"),
            ({"gone": ["a", "b"]}, "gone (a → b)"),
            ({"title": ["<b>", "&"]}, "Title (<b> → &)"),
            ({"end": ["no date", None]}, "Course end (no date → –)"),
        ],
    )
    def test_whatever_was_logged(self, db, changes, says):
        run = make_run(course=make_course())
        ModelLogEntry.objects.log_action(
            run, "cms_lms.sync", data={"backend": "Campus", "changes": changes}, content_changed=True
        )
        reader = make_client("Course editors", username="traveller")
        UserProfile.objects.create(user=reader.user, current_time_zone="Asia/Tokyo")
        assert any(f"Synchronised from Campus: {says}." in line for line in lines(reader, run))
        assert "<b> →" not in str(BeautifulSoup(reader.get(url(CourseRun, "history", run.pk)).content, "html.parser"))


def test_history_of_courses_and_runs_names_its_users(editor):
    run = make_run(start=datetime(2024, 3, 1, tzinfo=UTC))
    submit(editor, url(CourseRun, "edit", run.pk), {"title": "Spring"})
    submit(editor, url(Course, "edit", run.course_id), {"title": "Another"})
    for instance in (run, run.course):
        line = lines(editor, instance)[0]
        assert line.startswith("Edited")
        assert line.endswith(editor.user.username)
