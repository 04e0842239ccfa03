"""The mode is changed by its own action, for one run or many."""

from __future__ import annotations

from urllib.parse import urlencode

import pytest
from django.urls import reverse
from wagtail.models import ModelLogEntry

from cms_lms.models import CourseRun
from cms_lms.runs.fields import SyncMode
from tests.admin.browsing import messages, soup, url
from tests.factories import make_run

pytestmark = pytest.mark.django_db


def bulk(*runs):
    address = reverse("wagtail_bulk_action", args=("cms_lms", "courserun", "sync_mode"))
    return f"{address}?{urlencode([('id', run.pk) for run in runs])}"


def mode(run):
    return CourseRun.objects.get(pk=run.pk).sync_mode


def test_one_run(editor):
    run = make_run()
    address = url(CourseRun, "sync_mode", run.pk)
    page = soup(editor.get(address))
    assert page.select_one("input[name=sync_mode][checked]")["value"] == "manual"
    assert mode(run) == "manual"
    response = editor.post(address, {"sync_mode": "sync_to_draft"})
    assert response.url == url(CourseRun, "edit", run.pk)
    assert mode(run) == SyncMode.TO_DRAFT
    assert "Synchronise to draft" in messages(response)[0]
    history = editor.get(url(CourseRun, "history", run.pk)).content.decode()
    assert "Synchronisation changed from “Manual” to “Synchronise to draft”." in history


def test_buttons_lead_there(editor):
    run = make_run()
    address = url(CourseRun, "sync_mode", run.pk)
    for page in (url(CourseRun, "list"), url(CourseRun, "edit", run.pk)):
        assert soup(editor.get(page)).select(f'a[href^="{address}"]')
    listing = url(CourseRun, "list")
    assert editor.post(address, {"sync_mode": "sync_to_draft", "next": listing}).url == listing


def test_only_publishers_let_the_lms_publish(editor, publisher):
    run = make_run()
    for address in (url(CourseRun, "sync_mode", run.pk), bulk(run)):
        response = editor.post(address, {"sync_mode": "sync_to_public"})
        assert response.status_code == 200
        assert "Only those who may publish" in response.content.decode()
        assert mode(run) == SyncMode.MANUAL
    publisher.post(url(CourseRun, "sync_mode", run.pk), {"sync_mode": "sync_to_public"})
    assert mode(run) == SyncMode.TO_PUBLIC
    editor.post(bulk(run), {"sync_mode": "manual"})
    assert mode(run) == SyncMode.MANUAL


@pytest.mark.parametrize("data", [{}, {"sync_mode": ""}, {"sync_mode": "often"}])
def test_nonsense(root, data):
    run = make_run()
    for address in (url(CourseRun, "sync_mode", run.pk), bulk(run)):
        assert root.post(address, data).status_code == 200
        assert mode(run) == SyncMode.MANUAL


def test_many_runs(editor):
    runs = [make_run(), make_run(), make_run(sync_mode=SyncMode.TO_DRAFT)]
    page = soup(editor.get(bulk(*runs)))
    assert len(page.select("main ul li a")) >= 3
    response = editor.post(bulk(*runs), {"sync_mode": "sync_to_draft"})
    assert response.status_code == 302
    assert {mode(run) for run in runs} == {SyncMode.TO_DRAFT}
    assert messages(response) == ["The synchronisation of 2 course runs was changed."]
    entries = ModelLogEntry.objects.filter(action="cms_lms.sync_mode")
    assert [entry.user for entry in entries] == [editor.user] * 2


def test_unknown_run(root):
    assert root.get(url(CourseRun, "sync_mode", 999)).status_code == 404
    assert root.get(bulk(CourseRun(pk=999))).status_code == 404
