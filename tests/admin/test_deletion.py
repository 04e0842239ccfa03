"""Deleting: courses are refused while runs depend on them, backends show what becomes of their runs and secrets."""

from __future__ import annotations

from datetime import UTC, datetime
from urllib.parse import urlencode

import pytest
from django.contrib.auth.models import Permission
from django.urls import reverse
from wagtail.models import ModelLogEntry

from cms_lms.models import Course, CourseRun, LMSBackend
from cms_lms.models.sync_secret import SyncSecret
from tests.admin.browsing import messages, soup, url
from tests.admin.conftest import make_client
from tests.admin.test_impact import panel, press, sentences, tick
from tests.factories import make_backend, make_course, make_run

pytestmark = pytest.mark.django_db

NOW = datetime(2027, 1, 1, tzinfo=UTC)
LIST = url(LMSBackend, "list")


def bulk_delete(model, *objects):
    address = reverse("wagtail_bulk_action", args=("cms_lms", model._meta.model_name, "delete"))
    return f"{address}?{urlencode([*(('id', item.pk) for item in objects), ('next', LIST)])}"


def text(response) -> str:
    return " ".join(soup(response).get_text().split())


@pytest.mark.parametrize("many", [False, True])
@pytest.mark.parametrize("method", ["get", "post"])
def test_backend_with_runs(root, method, many):
    backend, free = make_backend(name="Campus"), make_backend(name="Free", is_enabled=False)
    run = make_run()
    address = bulk_delete(LMSBackend, backend, free) if many else url(LMSBackend, "delete", backend.pk)
    response = getattr(root, method)(address)
    assert response.status_code == 200
    assert sentences(response) == ["1 course run of “Campus” is no longer matched by any backend."]
    assert run.resource_link in panel(response).get_text()
    refused = press(root, response)
    assert "Tick this box" in panel(refused).get_text()
    assert LMSBackend.objects.count() == 2
    done = press(root, refused, **tick())
    assert done.url == LIST
    assert LMSBackend.objects.count() == (0 if many else 1)
    assert CourseRun.objects.get(pk=run.pk).matched_backend is None
    entry = ModelLogEntry.objects.get(action="wagtail.delete", object_id=str(backend.pk))
    assert entry.user == root.user


def test_runs_that_come_to_another_backend_need_no_tick(root):
    backend, other = make_backend(name="Campus"), make_backend(name="Other")
    make_run()
    response = root.get(url(LMSBackend, "delete", backend.pk))
    assert sentences(response) == ["1 course run moves from “Campus” to “Other”."]
    assert press(root, response).url == LIST
    assert list(LMSBackend.objects.all()) == [other]


def test_many_at_once_are_looked_at_together(root):
    """Each one's runs would come to the other."""
    first, second = make_backend(name="First"), make_backend(name="Second")
    make_run()
    response = root.get(bulk_delete(LMSBackend, first, second))
    assert sentences(response) == ["1 course run of “First” is no longer matched by any backend."]
    other = root.get(bulk_delete(LMSBackend, second))
    assert panel(other) is None
    token = soup(response).select_one("[name=impact-confirm]")["value"]
    root.post(bulk_delete(LMSBackend, first), {"impact-confirm": token, **tick()})
    assert LMSBackend.objects.count() == 2


@pytest.mark.parametrize("many", [False, True])
def test_no_orphans_by_a_post_without_the_confirmation(root, many):
    backend = make_backend()
    make_run()
    address = bulk_delete(LMSBackend, backend) if many else url(LMSBackend, "delete", backend.pk)
    for posted in ({}, tick(), {**tick(), "impact-confirm": "x"}):
        root.post(address, posted)
        assert LMSBackend.objects.count() == 1


@pytest.mark.parametrize("many", [False, True])
def test_a_confirmation_from_before_another_change(root, many):
    backend = make_backend()
    make_run()
    address = bulk_delete(LMSBackend, backend) if many else url(LMSBackend, "delete", backend.pk)
    response = root.get(address)
    make_backend(name="Other")
    anew = press(root, response, **tick())
    assert "Look again" in panel(anew).get_text()
    assert LMSBackend.objects.count() == 2


def test_disabled_backend_has_no_runs_and_may_go(root):
    backend = make_backend(is_enabled=False)
    run = make_run()
    response = root.get(url(LMSBackend, "delete", backend.pk))
    assert panel(response) is None
    assert "Are you sure" in text(response)
    assert root.post(url(LMSBackend, "delete", backend.pk)).url == LIST
    assert not LMSBackend.objects.exists()
    assert CourseRun.objects.get(pk=run.pk).matched_backend is None


def test_truth_is_the_match_not_the_index(root):
    backend = make_backend()
    make_run()
    CourseRun.objects.update(matched_backend=None)
    assert root.post(url(LMSBackend, "delete", backend.pk)).status_code == 200
    assert LMSBackend.objects.exists()


@pytest.mark.parametrize("has_runs", [False, True])
def test_secrets_that_go_with_it_are_named(root, has_runs):
    backend = make_backend()
    if has_runs:
        make_run()
    addresses = (url(LMSBackend, "delete", backend.pk), bulk_delete(LMSBackend, backend))
    for address in addresses:
        assert "for good" not in text(root.get(address))
    retired = SyncSecret.add(backend, name="old", now=NOW)
    retired.retire(now=NOW)
    SyncSecret.add(backend, name="new", now=NOW)
    for address in addresses:
        assert "1 secret is deleted with it, for good" in text(root.get(address))
    SyncSecret.add(backend, name="newer", now=NOW)
    for address in addresses:
        assert "2 secrets are deleted with it, for good" in text(root.get(address))


def test_disabling_is_offered_to_those_who_may(root):
    backend = make_backend(name="Campus")
    make_run()
    address = url(LMSBackend, "delete", backend.pk)
    form = soup(root.get(address)).select_one(f'form[action="{url(LMSBackend, "disable", backend.pk)}"]')
    assert "Disable “Campus” instead" in form.get_text()
    shown = root.post(form["action"], {"next": form.select_one("[name=next]")["value"]})
    assert press(root, shown, **tick()).url == LIST
    assert not LMSBackend.objects.get().is_enabled
    LMSBackend.objects.update(is_enabled=True)
    client = make_client(username="deleter")
    client.user.user_permissions.add(Permission.objects.get(codename="delete_lmsbackend"))
    response = client.get(address)
    assert panel(response)
    assert not soup(response).select("form[action*=disable]")


def test_the_success_is_said(root):
    backend = make_backend(name="Campus")
    make_run()
    done = press(root, root.get(url(LMSBackend, "delete", backend.pk)), **tick())
    assert "Campus" in messages(done)[0]


def test_course_with_runs(root):
    run = make_run()
    for address in (url(Course, "delete", run.course_id), bulk_delete(Course, run.course)):
        response = root.post(address)
        assert response.status_code == 409
        assert "1 course run depends on it" in text(response)
    assert Course.objects.count() == 1


def test_course_that_a_draft_names(root):
    run, other = make_run(), make_course()
    run.course = other
    run.save_revision()
    assert root.post(url(Course, "delete", other.pk)).status_code == 409


def test_what_nobody_needs_is_deleted_and_logged(root):
    backends, courses = [make_backend(), make_backend()], [make_course(), make_course()]
    for model, objects in ((LMSBackend, backends), (Course, courses)):
        assert root.get(bulk_delete(model, *objects)).status_code == 200
        root.post(bulk_delete(model, *objects))
        assert not model.objects.exists()
        for deleted in objects:
            entry = ModelLogEntry.objects.get(
                action="wagtail.delete", object_id=str(deleted.pk), content_type__model=model._meta.model_name
            )
            assert entry.user == root.user


def test_hundreds_at_once(root):
    backends = LMSBackend.objects.bulk_create(
        LMSBackend(name=f"LMS {n}", slug=f"many-{n}", base_url="https://a.example.com", backend="x", course_regex="x")
        for n in range(900)
    )
    kept = make_backend()
    make_run()
    root.post(bulk_delete(LMSBackend, *backends))
    assert list(LMSBackend.objects.all()) == [kept]
