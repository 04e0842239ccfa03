"""``export_lms_backends``: the setting back, so that importing it changes nothing."""

from __future__ import annotations

import io
import json

import pytest
from django.core.management import CommandError, call_command

from cms_lms.models import LMSBackend
from tests.factories import COURSE_REGEX, make_backend

pytestmark = pytest.mark.django_db

FIELDS = [field.name for field in LMSBackend._meta.concrete_fields if field.name not in ("id", "latest_revision")]


def export() -> str:
    out = io.StringIO()
    call_command("export_lms_backends", stdout=out)
    return out.getvalue()


def load(path) -> list[str]:
    out = io.StringIO()
    call_command("import_lms_backends", str(path), stdout=out, stderr=io.StringIO())
    return [line.split()[1] for line in out.getvalue().splitlines()]


@pytest.fixture
def backends() -> None:
    make_backend(
        name="Fédération ✓",
        slug="main",
        sample_urls=["https://lms.example.com/courses/course-v1:a+b+c/info"],
        rejected_urls=["https://elsewhere.example.com/courses/course-v1:a+b+c/info", "no URL"],
        requires_standard_webhooks=True,
        submits_drafts=True,
        draft_mail="daily",
        learner_matcher="username",
        shows_session=True,
        profile_links=["Dashboard | {base_url}/dashboard"],
        default_sync_mode="sync_to_draft",
        no_update_fields=["languages", "start"],
    )
    make_backend(slug="off", is_enabled=False, js_backend="", js_course_regex=r"^https://lms(.*)$")
    make_backend(slug="first", sort_order=-1, backend="cms_lms.backends.base.BaseLMSBackend", js_backend="base")


def test_the_shape_is_richies_with_a_few_keys_more(backends):
    first, main, off = json.loads(export())
    assert (first["SLUG"], off["SLUG"], off["ENABLED"]) == ("first", "off", False)
    assert main == {
        "NAME": "Fédération ✓",
        "SLUG": "main",
        "BASE_URL": "https://lms.example.com",
        "BACKEND": "cms_lms.backends.openedx.OpenEdXBackend",
        "COURSE_REGEX": COURSE_REGEX,
        "JS_BACKEND": "openedx-hawthorn",
        "JS_COURSE_REGEX": LMSBackend.objects.get(slug="main").js_course_regex,
        "DEFAULT_COURSE_RUN_SYNC_MODE": "sync_to_draft",
        "COURSE_RUN_SYNC_NO_UPDATE_FIELDS": ["languages", "start"],
        "ENABLED": True,
        "SAMPLE_URLS": ["https://lms.example.com/courses/course-v1:a+b+c/info"],
        "REJECTED_URLS": ["https://elsewhere.example.com/courses/course-v1:a+b+c/info", "no URL"],
        "REQUIRE_STANDARD_WEBHOOKS": True,
        "SUBMIT_DRAFTS": True,
        "DRAFT_MAIL": "daily",
        "LEARNER_MATCHER": "username",
        "SHOW_SESSION": True,
        "PROFILE_LINKS": ["Dashboard | {base_url}/dashboard"],
    }


def test_importing_an_export_changes_nothing(backends, tmp_path):
    before = list(LMSBackend.objects.order_by("pk").values())
    path = tmp_path / "backends.json"
    path.write_text(export(), encoding="utf-8")
    assert load(path) == ["unchanged"] * 3
    assert list(LMSBackend.objects.order_by("pk").values()) == before


def test_importing_an_export_elsewhere_gives_the_same_records(backends, tmp_path):
    def rows() -> list[dict]:
        rows = list(LMSBackend.objects.order_by("sort_order", "pk").values(*FIELDS))
        return [{**row, "sort_order": place} for place, row in enumerate(rows)]

    exported, before = export(), rows()
    path = tmp_path / "backends.json"
    path.write_text(exported, encoding="utf-8")
    LMSBackend.objects.all().delete()
    assert load(path) == ["created"] * 3
    assert rows() == before
    assert export() == exported


def test_the_output_file(backends, tmp_path):
    path = tmp_path / "out.json"
    call_command("export_lms_backends", output=str(path))
    assert path.read_text(encoding="utf-8") == export()


def test_a_file_that_cannot_be_written_is_said_in_words(tmp_path):
    with pytest.raises(CommandError, match="cannot be written"):
        call_command("export_lms_backends", output=str(tmp_path))


def test_nothing_to_export():
    assert json.loads(export()) == []
