"""Course runs in the admin: listing, filters, search, the form and who owns its fields."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from django.db import connection
from django.test import override_settings
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from cms_lms.compat import WAGTAIL_8
from cms_lms.models import CourseRun
from cms_lms.runs.fields import CONTENT_FIELDS, SyncMode
from cms_lms.sync.modes import set_sync_mode
from tests.admin.browsing import errors, form_values, soup, submit, url
from tests.factories import course_regex, make_backend, make_course, make_run

pytestmark = pytest.mark.django_db

LIST = url(CourseRun, "list")
ADD = url(CourseRun, "add")
START = datetime(2024, 3, 1, 9, 15, 42, 123456, tzinfo=UTC)


def edit(run: CourseRun) -> str:
    return url(CourseRun, "edit", run.pk)


def fresh(run: CourseRun) -> CourseRun:
    return CourseRun.objects.get(pk=run.pk)


def titles(response):
    return [run.title for run in response.context["object_list"]]


def statuses(response):
    return [tag.get_text(strip=True).lower() for tag in soup(response).select("table.listing tbody .w-status")]


# The listing


def test_list_shows_what_matters(root):
    make_backend(name="Campus")
    run = make_run(title="Spring", sync_mode=SyncMode.TO_DRAFT, last_synced_at=timezone.now())
    text = soup(root.get(LIST)).select_one("table.listing tbody tr").get_text(" ", strip=True)
    for expected in (
        "Spring",
        run.resource_link,
        "Campus",
        run.course.code,
        "archived",
        "Synchronise to draft",
        "live",
    ):
        assert expected.lower() in text.lower()


def test_three_statuses(root):
    make_run(title="A")
    draft = make_run(title="B")
    draft.title = "B changed"
    draft.save_revision()
    make_run(title="C", live=False)
    response = root.get(LIST, {"ordering": "title"})
    assert statuses(response) == ["live", "live + draft", "draft"]


def test_scheduled_status(root):
    run = make_run()
    run.go_live_at = timezone.now() + timedelta(days=1)
    run.save_revision().publish()
    assert statuses(root.get(LIST)) == ["live + scheduled"]


def test_number_of_queries_does_not_grow(root):
    make_backend()

    def make_some():
        run = make_run()
        run.title = "Draft"
        run.save_revision()
        make_run(live=False)

    make_some()
    root.get(LIST)
    with CaptureQueriesContext(connection) as few:
        root.get(LIST)
    for _ in range(4):
        make_some()
    with CaptureQueriesContext(connection) as many:
        root.get(LIST)
    assert len(many) == len(few)


def test_filters(root):
    now = timezone.now()
    here = make_backend(name="Here")
    there = make_backend(name="There", course_regex=course_regex("other.example.com"))
    course = make_course(code="CS101")
    make_run(title="archived")
    make_run(title="open", course=course, enrollment_end=now + timedelta(days=1), end=now + timedelta(days=1))
    make_run(title="to draft", sync_mode=SyncMode.TO_DRAFT, start=None)
    make_run(title="elsewhere", resource_link="https://other.example.com/courses/x/info", live=False)
    make_run(title="lost", resource_link="https://lost.example.com/")
    changed = make_run(title="changed")
    changed.start = None
    changed.save_revision()
    for query, expected in [
        ({"matched_backend": here.pk}, {"archived", "open", "to draft", "changed"}),
        ({"matched_backend": there.pk}, {"elsewhere"}),
        ({"matched_backend": "none"}, {"lost"}),
        ({"course": course.pk}, {"open"}),
        ({"state": "0"}, {"open"}),
        ({"state": "7"}, {"to draft"}),
        ({"sync_mode": "sync_to_draft"}, {"to draft"}),
        ({"status": "draft"}, {"elsewhere"}),
        ({"status": "live_draft"}, {"changed"}),
        ({"status": "live", "state": "6"}, {"archived", "lost"}),
    ]:
        assert set(titles(root.get(LIST, query))) == expected, query


def test_search(root):
    course = make_course(code="CS101", title="Computing")
    make_run(title="Spring", course=course, resource_link="https://lms.example.com/courses/course-v1:edX+CS101+S1/info")
    make_run(title="Été", course=course, resource_link="https://other.example.com:443/courses/org/CS/2024/info/")
    both = {"Spring", "Été"}
    for query, expected in {
        "Spring": {"Spring"},
        "prin": {"Spring"},
        "v1:edX+CS101": {"Spring"},
        "CS101+S1/inf": {"Spring"},
        "course-v1": {"Spring"},
        "org/CS/2024": {"Été"},
        "cs10": both,
        "omput": both,
        "computing Été": {"Été"},
        "https://OTHER.example.com/courses/org/CS/2024/info": {"Été"},
        "http://lms.example.com/courses/course-v1:edX%2BCS101%2BS1/info": {"Spring"},
        "nothing": set(),
        "spring nothing": set(),
        "100%": set(),
    }.items():
        assert set(titles(root.get(LIST, {"q": query}))) == expected, query


@pytest.mark.parametrize(
    "ordering", ["title", "-state_priority", "matched_backend__name", "-last_synced_at", "nonsense"]
)
def test_orderings(root, ordering):
    make_run()
    assert root.get(LIST, {"ordering": ordering}).status_code == 200


# The form


def new_run(course, **fields):
    return {
        "course": str(course.pk),
        "resource_link": "https://lms.example.com/courses/course-v1:edX+DemoX+1/info",
        "languages": ["en", "fr"],
        **fields,
    }


def test_create_by_hand(root):
    course = make_course()
    make_backend()
    submit(root, ADD, new_run(course, start="2024-03-01 09:00:07"))
    run = CourseRun.objects.get()
    assert (run.live, run.sync_mode, run.languages) == (False, SyncMode.MANUAL, ["en", "fr"])
    assert run.start == datetime(2024, 3, 1, 9, 0, 7, tzinfo=UTC)
    assert run.matched_backend is not None
    assert "sync_mode" not in form_values(root.get(edit(run)))
    assert "enrollment_count" not in form_values(root.get(edit(run)))


def test_create_and_publish(root):
    submit(root, ADD, new_run(make_course()), button="action-publish")
    assert CourseRun.objects.get().live


def test_what_a_draft_may_leave_out(root):
    response = submit(root, ADD, {"languages": [], "price_currency": "", "display_mode": ""})
    assert sorted(errors(response)) == ["course", "resource_link"]
    submit(root, ADD, new_run(make_course(), languages=[], price_currency=""))
    assert CourseRun.objects.count() == 1
    response = submit(root, edit(CourseRun.objects.get()), button="action-publish")
    assert list(errors(response)) == ["price_currency"]


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"resource_link": "ftp://lms.example.com/x"}, "resource_link"),
        ({"resource_link": "http://LMS.example.com:80/taken/"}, "resource_link"),
        ({"languages": ["en", "tlh"]}, "languages"),
        ({"price_currency": "XQQ"}, "price_currency"),
        ({"price_currency": "eur"}, None),
        ({"price": "-1"}, "price"),
        ({"price": "1.999"}, "price"),
        ({"start": "yesterday"}, "start"),
    ],
)
def test_validation(root, changes, field):
    course = make_course()
    make_run(course=course, resource_link="https://lms.example.com/taken")
    response = submit(root, ADD, new_run(course, **changes), button="action-publish")
    if field is None:
        assert CourseRun.objects.filter(price_currency="EUR").count() == 2
    else:
        assert list(errors(response)) == [field]
        assert CourseRun.objects.count() == 1


def test_saving_an_untouched_form_changes_nothing(root):
    make_backend()
    run = make_run(
        start=START,
        end=datetime(9999, 12, 31, 23, 59, 59, 999999, tzinfo=UTC),
        languages=["fr", "en"],
        price="10.50",
        sync_mode=SyncMode.TO_DRAFT,
    )
    before = CourseRun.objects.values().get()
    response = submit(root, edit(run), button="action-publish")
    assert response.status_code == 302
    after = CourseRun.objects.values().get()
    for name in ("latest_revision_id", "live_revision_id", "last_published_at"):
        before.pop(name), after.pop(name)
    assert sorted(after.pop("languages")) == sorted(before.pop("languages"))
    assert after == before


@pytest.mark.parametrize("zone", ["UTC", "Europe/Paris", "Asia/Kathmandu", "Pacific/Kiritimati"])
@pytest.mark.parametrize(
    "moment",
    [
        START,
        datetime(2024, 10, 27, 0, 30, tzinfo=UTC),  # a quarter past two comes twice in Paris that night
        datetime(2024, 10, 27, 1, 30, 0, 1, tzinfo=UTC),
        datetime(9999, 12, 31, 23, 59, 59, 999999, tzinfo=UTC),
    ],
)
def test_dates_keep_their_microseconds(root, zone, moment):
    with override_settings(TIME_ZONE=zone):
        run = make_run(start=moment)
        response = submit(root, edit(run), {"title": "New title"}, button="action-publish")
        assert response.status_code == 302
        assert (fresh(run).title, fresh(run).start) == ("New title", moment)


def test_a_changed_date_is_stored_to_the_second(root):
    run = make_run(start=START)
    values = form_values(root.get(edit(run)))
    assert values["start"] == ["2024-03-01 09:15:42"]
    submit(root, edit(run), {"start": "2024-03-01 09:15:43", "end": ""}, button="action-publish")
    assert fresh(run).start == datetime(2024, 3, 1, 9, 15, 43, tzinfo=UTC)
    assert fresh(run).end is None


@pytest.mark.skipif(not WAGTAIL_8, reason="Wagtail 7.4 takes every saved form for a change.")
def test_untouched_draft_form_is_no_change(root):
    run = make_run(start=START)
    submit(root, edit(run))
    assert not fresh(run).has_unpublished_changes


# Who owns what


def test_public_fields_are_disabled_and_say_whose_they_are(root):
    make_backend(name="Campus", no_update_fields=["languages"])
    run = make_run(sync_mode=SyncMode.TO_PUBLIC)
    page = root.get(edit(run))
    fields = page.context["form"].fields
    disabled = {name for name, field in fields.items() if field.disabled}
    assert disabled == set(CONTENT_FIELDS) - {"languages"}
    assert "Owned by Campus" in str(fields["start"].help_text)
    assert "Owned by" not in str(fields["languages"].help_text)
    assert "Owned by" not in str(fields["title"].help_text)
    assert soup(page).select_one("[name=start]").has_attr("disabled")


def test_public_fields_ignore_what_a_browser_sends(root):
    make_backend()
    run = make_run(sync_mode=SyncMode.TO_PUBLIC, start=START, price="1.00")
    changes = {"title": "New title", "start": "2030-01-01 00:00:00", "price": "99", "languages": ["fr"]}
    submit(root, edit(run), changes, button="action-publish")
    after = fresh(run)
    assert (after.title, after.start, str(after.price), after.languages) == ("New title", START, "1.00", ["en"])


@pytest.mark.parametrize("mode", [SyncMode.MANUAL, SyncMode.TO_DRAFT])
def test_a_form_opened_before_the_mode_was_changed_empties_nothing(root, mode):
    make_backend()
    run = make_run(sync_mode=SyncMode.TO_PUBLIC, start=START, price="1.00")
    values = form_values(root.get(edit(run)))
    set_sync_mode([run], mode, user=None)
    response = root.post(edit(run), {**values, "title": "New title", "action-publish": "1"})
    assert response.status_code == 302
    after = fresh(run)
    assert (after.title, after.start, str(after.price), after.languages) == ("New title", START, "1.00", ["en"])
    assert after.resource_link == run.resource_link


def test_a_form_opened_before_a_field_was_protected_does_not_empty_it(root):
    backend = make_backend()
    run = make_run(sync_mode=SyncMode.TO_PUBLIC, start=START)
    values = form_values(root.get(edit(run)))
    backend.no_update_fields = ["start"]
    backend.save()
    root.post(edit(run), {**values, "title": "New title", "action-publish": "1"})
    assert (fresh(run).title, fresh(run).start) == ("New title", START)


def test_a_protected_list_can_be_emptied_in_sync_to_public(root):
    make_backend(no_update_fields=["languages"])
    run = make_run(sync_mode=SyncMode.TO_PUBLIC)
    submit(root, edit(run), {"languages": []}, button="action-publish")
    assert fresh(run).languages == []


@pytest.mark.parametrize("mode", SyncMode.values)
def test_a_language_that_the_settings_dropped_stays_until_it_is_unticked(root, settings, mode):
    run = make_run(sync_mode=mode, languages=["fr"])
    settings.CMS_LMS_COURSE_LANGUAGES = [("en", "English")]
    submit(root, edit(run), {"title": "New title"}, button="action-publish")
    assert (fresh(run).title, fresh(run).languages) == ("New title", ["fr"])
    if mode == SyncMode.MANUAL:
        submit(root, edit(run), {"languages": ["en"]}, button="action-publish")
        assert list(errors(submit(root, edit(run), {"languages": ["fr"]}))) == ["languages"]


def test_draft_fields_are_marked_but_editable(root):
    make_backend(name="Campus", no_update_fields=["languages"])
    run = make_run(sync_mode=SyncMode.TO_DRAFT)
    fields = root.get(edit(run)).context["form"].fields
    assert not [name for name, field in fields.items() if field.disabled]
    assert "Owned by Campus" in str(fields["start"].help_text)
    assert "Owned by" not in str(fields["languages"].help_text)


def test_manual_fields_are_the_editors(root):
    make_backend()
    run = make_run()
    assert "Owned by" not in root.get(edit(run)).content.decode()


def test_a_run_without_a_backend_is_protected_as_much(root):
    run = make_run(sync_mode=SyncMode.TO_PUBLIC, resource_link="https://lost.example.com/")
    fields = root.get(edit(run)).context["form"].fields
    assert all(fields[name].disabled for name in CONTENT_FIELDS)
    assert "the LMS" in str(fields["start"].help_text)


def test_a_draft_never_saves_over_a_newer_row(root):
    """The row of a run that is not live is saved by Wagtail's edit view as a whole."""
    make_backend()
    run = make_run(sync_mode=SyncMode.TO_DRAFT, live=False)
    CourseRun.objects.filter(pk=run.pk).update(enrollment_count=7)
    submit(root, edit(run), {"title": "New title"})
    assert (fresh(run).title, fresh(run).enrollment_count) == ("New title", 7)


# Wagtail's own


def test_draft_publish_unpublish_lock_history_compare(root):
    run = make_run(title="Old title")
    first = run.latest_revision
    submit(root, edit(run), {"title": "New title"})
    assert (fresh(run).title, fresh(run).has_unpublished_changes) == ("Old title", True)
    compare = root.get(url(CourseRun, "revisions_compare", run.pk, first.pk, "latest")).content.decode()
    assert "New" in compare
    submit(root, edit(run), button="action-publish")
    assert fresh(run).title == "New title"
    root.post(url(CourseRun, "unpublish", run.pk))
    assert not fresh(run).live
    root.post(url(CourseRun, "lock", run.pk))
    assert fresh(run).locked
    root.post(url(CourseRun, "unlock", run.pk))
    assert not fresh(run).locked
    history = root.get(url(CourseRun, "history", run.pk)).content.decode()
    for word in ("Published", "Unpublished", "Locked", "Unlocked", "Edited"):
        assert word in history


def test_schedule_through_the_form(root):
    run = make_run()
    tomorrow = (timezone.now() + timedelta(days=1)).strftime("%Y-%m-%d %H:%M")
    submit(root, edit(run), {"title": "New title", "go_live_at": tomorrow}, button="action-publish")
    assert fresh(run).scheduled_revision is not None
    assert fresh(run).title != "New title"


# Outside of any transaction, as in life: a row cannot be locked there.
@pytest.mark.django_db(transaction=True, serialized_rollback=True)
def test_preview(root):
    run = make_run(title="Spring")
    address = url(CourseRun, "preview_on_edit", run.pk)
    values = {**form_values(root.get(edit(run))), "title": "Previewed"}
    assert root.post(address, values).json() == {"is_valid": True, "is_available": True}
    response = root.get(address)
    assert response.status_code == 200
    assert "cms_lms/course_run_preview.html" in [template.name for template in response.templates]
    assert fresh(run).title == "Spring"


def test_a_state_is_listed_with_its_date(root):
    make_run(start=datetime(2999, 3, 1, 9, tzinfo=UTC), end=None, enrollment_end=None)
    assert "starting on March 1, 2999" in soup(root.get(LIST)).select_one("table.listing tbody tr").get_text(" ")


def test_the_box_of_languages_scrolls_by_keyboard_when_it_is_disabled(root):
    make_backend()
    box = soup(root.get(edit(make_run(sync_mode=SyncMode.TO_PUBLIC)))).select_one("[role=group][tabindex='0']")
    assert box["aria-label"] == "Languages"
    assert box.select_one("input")["value"] == "en"
    assert all(control.has_attr("disabled") for control in box.select("input"))
