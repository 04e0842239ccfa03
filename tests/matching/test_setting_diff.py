"""What an import would do, told beforehand: the import does exactly that."""

from __future__ import annotations

import json
from typing import Any

import pytest
from django.test import override_settings
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from wagtail.models import ModelLogEntry

from cms_lms.matching.setting_diff import Outcome, SettingRefused, plan_import
from cms_lms.matching.setting_import import export_setting, import_setting
from cms_lms.models import ConfigurationVersion, LMSBackend
from tests.factories import OPENEDX, course_regex, make_backend, make_run

pytestmark = pytest.mark.django_db


def entry(slug: str, **keys: Any) -> dict[str, Any]:
    return {
        "NAME": slug.title(),
        "SLUG": slug,
        "BASE_URL": f"https://{slug}.example.com",
        "BACKEND": OPENEDX,
        "COURSE_REGEX": course_regex(f"{slug}.example.com"),
        "JS_BACKEND": "openedx-hawthorn",
        **keys,
    }


def state() -> tuple[Any, ...]:
    version = ConfigurationVersion.objects.current()
    return version, list(LMSBackend.objects.order_by("pk").values()), ModelLogEntry.objects.count()


def test_a_plan_changes_nothing():
    make_backend(slug="a")
    before = state()
    plan = plan_import([entry("b"), entry("a", NAME="New")])
    assert plan.has_changes
    assert state() == before


def test_each_backend_and_key_is_told():
    for slug in ("other", "a", "b", "c"):
        import_setting([entry(slug)])
    plan = plan_import([entry("c"), entry("new"), entry("a", NAME="New", COURSE_RUN_SYNC_NO_UPDATE_FIELDS=["start"])])
    told = {
        change.record.slug: (change.outcome, change.old_position, change.new_position, [key.key for key in change.keys])
        for change in plan.changes
    }
    assert told == {
        "c": (Outcome.MOVED, 4, 2, []),
        "new": (
            Outcome.CREATED,
            None,
            4,
            ["NAME", "SLUG", "BASE_URL", "BACKEND", "COURSE_REGEX", "JS_BACKEND", "JS_COURSE_REGEX", "ENABLED"],
        ),
        "a": (Outcome.UPDATED, 2, 5, ["NAME", "COURSE_RUN_SYNC_NO_UPDATE_FIELDS"]),
    }
    (name, fields) = plan.changes[2].keys
    assert (name.old, name.new, fields.old, fields.new) == ("A", "New", [], ["start"])
    assert [record.slug for record in plan.unnamed] == ["other", "b"]
    assert [record.slug for record in plan.order] == ["other", "c", "b", "new", "a"]
    import_setting([entry("c"), entry("new"), entry("a", NAME="New", COURSE_RUN_SYNC_NO_UPDATE_FIELDS=["start"])])
    slugs = LMSBackend.objects.order_by("sort_order", "pk").values_list("slug", flat=True)
    assert list(slugs) == [record.slug for record in plan.order]


def test_a_move_is_written_into_the_history():
    import_setting([entry("a"), entry("b")])
    import_setting([entry("b"), entry("a", NAME="New")])
    logged = {
        record.slug: [
            (line.action, line.data.get("position"))
            for line in ModelLogEntry.objects.for_instance(record).order_by("pk")
            if line.action != "wagtail.create"
        ]
        for record in LMSBackend.objects.all()
    }
    assert logged == {
        "a": [("wagtail.edit", None), ("cms_lms.reorder", {"old": 1, "new": 2})],
        "b": [("cms_lms.reorder", {"old": 2, "new": 1})],
    }


def test_the_impact_is_that_of_the_whole_setting():
    make_backend(slug="campus", name="Campus")
    for _number in range(3):
        make_run()
    taking = entry("taking", COURSE_REGEX=course_regex("lms.example.com"))
    impact = plan_import([taking]).compute_impact()
    assert (impact.moving, impact.staying) == (0, 3)
    impact = plan_import([taking, entry("campus", COURSE_REGEX=course_regex("lms.example.com"))]).compute_impact()
    assert impact.as_sentences() == ["3 course runs move from “Campus” to “Taking”."]
    impact = plan_import([entry("campus", NAME="Campus", ENABLED=False)]).compute_impact()
    assert impact.orphans == 3
    assert not plan_import(export_setting()).compute_impact()


def test_a_record_that_matching_leaves_out_is_left_out_of_the_impact():
    make_backend(slug="gone")
    make_run()
    LMSBackend.objects.update(backend="tests.gone.Backend")
    assert not plan_import([entry("new")]).compute_impact()


def test_secrets_of_richies_own_settings_are_passed_over_with_a_warning():
    setting = [entry("a", API_TOKEN="hunter2")]
    with pytest.raises(SettingRefused):
        plan_import(setting)
    (warning,) = plan_import(setting, passes_over_secrets=True).warnings
    assert str(warning) == "entry 1: API_TOKEN: A secret is not imported. Enter it in the admin."


def test_the_keys_and_names_of_older_and_other_richies():
    backend = "richie.apps.courses.lms.edx.TokenEdXLMSBackend"
    plan = plan_import([entry("a", BACKEND=backend, JS_BACKEND="joanie")])
    assert (plan.changes[0].record.backend, plan.changes[0].record.js_backend) == (OPENEDX, "joanie")
    assert "log in through another LMS backend" in str(plan.warnings[0])
    with pytest.raises(SettingRefused) as refusal:
        plan_import([entry("a", SELECTOR_REGEX=".*")])
    assert "called COURSE_REGEX since Richie 2" in str(refusal.value.refusals[0])


def test_a_class_that_cannot_be_imported_is_not_offered():
    with override_settings(CMS_LMS_BACKENDS=[OPENEDX, "tests.gone.Backend"]):
        assert plan_import([entry("a")]).has_changes
        with pytest.raises(SettingRefused) as refusal:
            plan_import([entry("a"), entry("b", BACKEND="tests.gone.Backend")])
    (remark,) = refusal.value.refusals
    assert (remark.entry, remark.key) == (2, "BACKEND")


rubbish = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=20),
    lambda parts: st.lists(parts, max_size=3) | st.dictionaries(st.text(max_size=8), parts, max_size=3),
    max_leaves=6,
)
keys = [
    "NAME",
    "SLUG",
    "BASE_URL",
    "BACKEND",
    "COURSE_REGEX",
    "JS_BACKEND",
    "JS_COURSE_REGEX",
    "ENABLED",
    "SAMPLE_URLS",
]


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=150, deadline=None)
@given(
    st.lists(rubbish | st.dictionaries(st.sampled_from(keys), rubbish).map(lambda more: entry("a", **more)), max_size=3)
)
def test_rubbish_is_refused_in_words_or_planned_as_it_is_imported(db, setting):
    json.dumps(setting)
    try:
        plan = plan_import(setting)
    except SettingRefused as error:
        plan, refusals = None, error.refusals
    if plan is None:
        assert refusals
        assert all(map(str, refusals))
        return
    import_setting(setting)
    slugs = LMSBackend.objects.order_by("sort_order", "pk").values_list("slug", flat=True)
    assert list(slugs) == [record.slug for record in plan.order]
    assert not plan_import(setting).has_changes
    LMSBackend.objects.all().delete()
