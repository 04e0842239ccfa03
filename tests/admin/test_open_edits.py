"""The LMS posts while an editor has the run's form open: nothing typed is lost, nothing synchronised is undone, and
nothing goes out that the editor has not seen.
"""

from __future__ import annotations

import datetime as dt
from typing import Any

import pytest
from django.http import HttpResponse
from django.test import Client
from wagtail.models import Workflow

from cms_lms.admin.run_form import CourseRunForm
from cms_lms.models import CourseRun, LMSBackend
from tests.admin.browsing import form_values, messages, soup, submit, url
from tests.factories import make_backend, make_course
from tests.sync.payloads import payload
from tests.sync.situations import make_workflow

pytestmark = pytest.mark.django_db

OLD_END = dt.datetime(2027, 6, 30, 22, tzinfo=dt.UTC)
NEW_END = dt.datetime(2027, 7, 15, 22, 0, 0, 123456, tzinfo=dt.UTC)
OWN_END = dt.datetime(2027, 8, 1, tzinfo=dt.UTC)
NEW = {"end": NEW_END.isoformat()}

CHANGED = "Course end (June 30, 2027, 10 p.m. → July 15, 2027, 10 p.m.)"


@pytest.fixture
def synced(db, post):
    """Return a maker of a run that the LMS created in a mode."""
    make_course(code="DemoX")
    make_backend(name="Campus", no_update_fields=["enrollment_end"])

    def make(mode: str) -> CourseRun:
        LMSBackend.objects.update(default_sync_mode=mode)
        assert post(payload()).status_code == 200
        return get()

    return make


@pytest.fixture
def live(synced, publisher) -> CourseRun:
    """A public run in ``sync_to_draft``."""
    run = synced("sync_to_draft")
    submit(publisher, edit(run), button="action-publish")
    return get()


@pytest.fixture
def moderation(publisher) -> Workflow:
    """A workflow of course runs."""
    return make_workflow(publisher)


def get() -> CourseRun:
    return CourseRun.objects.get()


def draft() -> CourseRun:
    return get().get_latest_revision_as_object()


def edit(run: CourseRun) -> str:
    return url(CourseRun, "edit", run.pk)


def send_form(client: Client, run: CourseRun, values: dict[str, Any], button: str = "", **changes: Any) -> HttpResponse:
    """Post what a page had when it was opened, changed."""
    return client.post(edit(run), {**values, **changes, **({button: button} if button else {})})


def ping(client: Client, page: HttpResponse) -> dict[str, Any]:
    """Ask as Wagtail's page does every ten seconds."""
    form = soup(page).select_one("form.w-editing-sessions")
    values = {control["name"]: control["value"] for control in form.select("input[type=hidden]")}
    return client.post(form["data-w-swap-src-value"], values).json()


# In sync_to_draft


@pytest.mark.parametrize("is_live", [True, False])
def test_what_the_editor_left_alone_takes_the_newer_value(synced, post, publisher, is_live):
    run = synced("sync_to_draft")
    if is_live:
        submit(publisher, edit(run), button="action-publish")
    values = form_values(publisher.get(edit(run)))
    post(payload(**NEW))

    response = send_form(publisher, run, values, title="Spring edition", enrollment_start="2026-11-01 00:00:00")

    assert response.status_code == 302
    after = draft()
    assert (after.title, after.end) == ("Spring edition", NEW_END)
    assert after.enrollment_start == dt.datetime(2026, 11, 1, tzinfo=dt.UTC)
    assert get().live == is_live
    assert messages(response)[1:] == [
        f"While you had this form open, a synchronisation changed {CHANGED}. Your draft has the new values."
    ]


def test_what_the_editor_changed_is_hers(live, post, publisher):
    values = form_values(publisher.get(edit(live)))
    post(payload(**NEW))

    response = send_form(publisher, live, values, end="2027-08-01 00:00:00")

    assert draft().end == OWN_END
    assert len(messages(response)) == 1


def test_every_kind_of_field_takes_the_newer_value(live, post, publisher):
    values = form_values(publisher.get(edit(live)))
    newer = {
        "start": None,
        "languages": ["fr", "en"],
        "catalog_visibility": "hidden",
        "price": "10.50",
        "price_currency": "USD",
        "offer": "paid",
        "discount": "-10 %",
    }
    post(payload(**newer))

    response = send_form(publisher, live, values, title="Spring edition")

    after = draft()
    assert (after.start, sorted(after.languages), after.catalog_visibility) == (None, ["en", "fr"], "hidden")
    assert (str(after.price), after.price_currency, after.offer, after.discount) == ("10.50", "USD", "paid", "-10 %")
    assert after.title == "Spring edition"
    for label in ("Course start", "Languages", "Visibility", "Price (– → 10.50)", "Currency (EUR → USD)", "Discount"):
        assert label in messages(response)[1]


def test_a_form_that_nobody_touched_changes_nothing(live, post, publisher):
    values = form_values(publisher.get(edit(live)))
    post(payload(**NEW))

    send_form(publisher, live, values)

    assert draft().end == NEW_END
    assert get().has_unpublished_changes


def test_what_is_not_the_lms_s_stays_as_wagtail_has_it(live, post, publisher, editor):
    """Of two people, the one who saves last, and was asked, decides."""
    values = form_values(publisher.get(edit(live)))
    submit(editor, edit(live), {"title": "Theirs", "end": "2027-08-01 00:00:00"})

    send_form(publisher, live, values, title="Mine")

    assert (draft().title, draft().end) == ("Mine", OLD_END)


@pytest.mark.parametrize("button", ["action-publish", "action-submit"])
def test_nothing_goes_out_that_the_editor_has_not_seen(live, post, publisher, button, moderation):
    values = form_values(publisher.get(edit(live)))
    post(payload(**NEW))
    before = get().latest_revision_id

    response = send_form(publisher, live, values, button, title="Spring edition")

    assert response.status_code == 200
    assert (get().end, get().latest_revision_id, get().workflow_in_progress) == (OLD_END, before, False)
    assert f"Nothing was saved yet: while you had this form open, a synchronisation changed {CHANGED}." in text(
        response
    )
    values = form_values(response)
    assert (values["title"], values["end"]) == (["Spring edition"], ["2027-07-15 22:00:00"])
    response = send_form(publisher, live, values, button)
    assert response.status_code == 302
    assert (draft().title, draft().end) == ("Spring edition", NEW_END)
    assert get().end == (NEW_END if button == "action-publish" else OLD_END)
    assert get().workflow_in_progress == (button == "action-submit")


def test_a_form_with_mistakes_comes_back_with_the_new_values_and_what_was_typed(live, post, publisher):
    values = form_values(publisher.get(edit(live)))
    post(payload(**NEW))

    response = send_form(publisher, live, values, title="Spring edition", start="soon")

    assert f"a synchronisation changed {CHANGED}. The form shows the new ones." in text(response)
    values = form_values(response)
    assert (values["title"], values["start"], values["end"]) == (["Spring edition"], ["soon"], ["2027-07-15 22:00:00"])
    send_form(publisher, live, values, start="2027-03-01 00:00:00")
    assert (draft().title, draft().end) == ("Spring edition", NEW_END)


def test_a_sync_between_check_and_save_is_kept_too(live, post, publisher, monkeypatch):
    """What comes while the request is at work, after the form was made."""
    values = form_values(publisher.get(edit(live)))
    save = CourseRunForm.save

    def post_and_save(form, *args, **kwargs):
        monkeypatch.setattr(CourseRunForm, "save", save)
        post(payload(**NEW))
        return save(form, *args, **kwargs)

    monkeypatch.setattr(CourseRunForm, "save", post_and_save)
    send_form(publisher, live, values, title="Spring edition", enrollment_start="2026-11-01 00:00:00")

    assert (draft().title, draft().end) == ("Spring edition", NEW_END)
    assert draft().enrollment_start == dt.datetime(2026, 11, 1, tzinfo=dt.UTC)


def test_two_syncs_and_a_draft_between_them(live, post, publisher):
    """What the page showed is what counts, not what the first of them replaced."""
    values = form_values(publisher.get(edit(live)))
    post(payload(**NEW))
    post(payload(**NEW, start=None))

    send_form(publisher, live, values, title="Spring edition")

    assert (draft().end, draft().start) == (NEW_END, None)


def test_a_field_that_the_editor_set_back_after_an_autosave_is_hers(live, post, publisher):
    """Browsers post the revision that the page was loaded with, though it was saved automatically since."""
    values = form_values(publisher.get(edit(live)))
    autosave(publisher, live, values, end="2027-08-01 00:00:00")
    post(payload(start=None))

    send_form(publisher, live, values)

    assert (draft().end, draft().start) == (OLD_END, None)


def test_autosave_stops_and_says_why(live, post, publisher):
    values = form_values(publisher.get(edit(live)))
    saved = autosave(publisher, live, values, title="Spring edition")
    assert saved.status_code == 200
    post(payload(**NEW))

    for changes in ({}, {"overwrite_revision_id": saved.json()["revision_id"]}):
        refused = autosave(publisher, live, values, title="Spring edition 2027", **changes)
        assert (refused.status_code, refused.json()["error_code"]) == (400, "invalid_revision")
    assert (draft().title, draft().end) == ("Spring edition", NEW_END)
    assert messages(publisher.get(edit(live))) == []


def test_wagtail_tells_the_editor_of_the_new_version(live, post, publisher):
    page = publisher.get(edit(live))
    assert ping(publisher, page)["other_sessions"] == []

    post(payload(**NEW))

    (other,) = ping(publisher, page)["other_sessions"]
    assert other["revision_id"] == get().latest_revision_id
    assert "saved a new version" in ping(publisher, page)["html"]


@pytest.mark.parametrize("loaded", ["", "x", "-1", "9" * 30, "\x00", "٣"])
def test_rubbish_for_the_loaded_revision_is_as_good_as_none(live, post, publisher, loaded):
    values = form_values(publisher.get(edit(live)))
    response = send_form(publisher, live, values, loaded_revision_id=loaded, title="Spring edition")

    assert response.status_code == 302
    assert draft().title == "Spring edition"


# In sync_to_public


def test_in_sync_to_public_the_row_s_values_hold_whatever_is_posted(synced, post, publisher):
    run = synced("sync_to_public")
    page = publisher.get(edit(run))
    values = form_values(page)
    post(payload(**NEW))

    assert ping(publisher, page)["other_sessions"] == []
    response = send_form(publisher, run, values, title="Spring edition", end="2027-08-01 00:00:00")

    assert (draft().title, draft().end, get().title, get().end) == ("Spring edition", NEW_END, "", NEW_END)
    assert len(messages(response)) == 1
    reloaded = soup(publisher.get(edit(run))).select_one("[name=end]")
    assert (reloaded["value"], reloaded.has_attr("disabled")) == ("2027-07-15 22:00:00", True)


# The mode is changed meanwhile


def test_from_draft_to_public(live, post, publisher):
    values = form_values(publisher.get(edit(live)))
    set_mode(publisher, live, "sync_to_public")
    post(payload(**NEW))

    response = send_form(publisher, live, values, "action-publish", title="Spring edition", start="2027-02-02 00:00:00")

    assert (get().title, get().end) == ("Spring edition", NEW_END)
    assert get().start == dt.datetime(2027, 2, 1, 8, tzinfo=dt.UTC)
    assert messages(response)[-1] == (
        "While you had this form open, the run was given to its LMS, whose values were kept for these fields: "
        "Course start, Course end."
    )


@pytest.mark.parametrize("is_live", [True, False])
def test_from_public_to_draft_and_a_sync(synced, post, publisher, editor, is_live):
    run = synced("sync_to_draft")
    submit(publisher, edit(run), {"title": "Old title"}, button="action-publish" if is_live else "")
    set_mode(publisher, run, "sync_to_public")
    submit(editor, edit(run), {"title": "Older title"})
    values = form_values(publisher.get(edit(run)))
    set_mode(publisher, run, "sync_to_draft")
    post(payload(**NEW))

    send_form(publisher, run, values, title="Spring edition")

    assert (draft().title, draft().end) == ("Spring edition", NEW_END)


@pytest.mark.parametrize("is_live", [True, False])
def test_a_page_opened_after_a_run_left_sync_to_public(synced, post, publisher, editor, is_live):
    """Revisions stored in that mode do not say what the LMS owns; those that may be edited must, afterwards."""
    run = synced("sync_to_draft")
    submit(publisher, edit(run), {"title": "Old title"}, button="action-publish" if is_live else "")
    set_mode(publisher, run, "sync_to_public")
    submit(editor, edit(run), {"title": "Older title"})
    set_mode(publisher, run, "sync_to_draft")
    values = form_values(publisher.get(edit(run)))
    post(payload(**NEW))

    send_form(publisher, run, values, title="Spring edition")

    assert (draft().title, draft().end) == ("Spring edition", NEW_END)


def test_from_draft_to_manual(live, post, publisher):
    values = form_values(publisher.get(edit(live)))
    post(payload(**NEW))
    set_mode(publisher, live, "manual")

    send_form(publisher, live, values, title="Spring edition")

    assert (draft().title, draft().end) == ("Spring edition", NEW_END)


def set_mode(client: Client, run: CourseRun, mode: str) -> None:
    assert client.post(url(CourseRun, "sync_mode", run.pk), {"sync_mode": mode}).status_code == 302


def autosave(client: Client, run: CourseRun, values: dict[str, Any], **changes: Any) -> HttpResponse:
    """Save as the page does half a second after a change."""
    return client.post(edit(run), {**values, **changes}, headers={"Accept": "application/json"})


def text(response: HttpResponse) -> str:
    """Return the page as it is read."""
    return " ".join(soup(response).get_text(" ").split())
