"""Nothing on which runs depend is deleted: one by one or many at once."""

from __future__ import annotations

from urllib.parse import urlencode

import pytest
from django.contrib.auth.models import Permission
from django.urls import reverse
from wagtail.models import ModelLogEntry

from cms_lms.models import Course, CourseRun, LMSBackend
from tests.admin.browsing import soup, url
from tests.admin.conftest import make_client
from tests.factories import make_backend, make_course, make_run

pytestmark = pytest.mark.django_db


def bulk_delete(model, *objects):
    address = reverse("wagtail_bulk_action", args=("cms_lms", model._meta.model_name, "delete"))
    return f"{address}?{urlencode([('id', item.pk) for item in objects])}"


@pytest.mark.parametrize("method", ["get", "post"])
@pytest.mark.parametrize("many", [False, True])
def test_backend_with_runs(root, method, many):
    backend, free = make_backend(name="Campus"), make_backend(name="Free")
    make_run()
    address = bulk_delete(LMSBackend, backend, free) if many else url(LMSBackend, "delete", backend.pk)
    response = getattr(root, method)(address)
    assert response.status_code == (200 if method == "get" else 409)
    assert LMSBackend.objects.count() == 2
    page = soup(response)
    assert "“Campus” cannot be deleted: 1 course run depends on it." in " ".join(page.get_text().split())
    form = page.select_one(f'form[action="{url(LMSBackend, "disable", backend.pk)}"]')
    assert form.select_one("button[type=submit]")
    root.post(form["action"], {"next": form.select_one("[name=next]")["value"]})
    backend.refresh_from_db()
    assert not backend.is_enabled


def test_disabled_backend_has_no_runs_and_may_go(root):
    backend = make_backend()
    run = make_run()
    root.post(url(LMSBackend, "disable", backend.pk))
    root.post(url(LMSBackend, "delete", backend.pk))
    assert not LMSBackend.objects.exists()
    assert CourseRun.objects.get(pk=run.pk).matched_backend is None


def test_the_index_is_brought_up_to_date_first(root):
    backend = make_backend()
    make_run()
    CourseRun.objects.update(matched_backend=None)
    assert root.post(url(LMSBackend, "delete", backend.pk)).status_code == 409


def test_course_with_runs(root):
    run = make_run()
    for address in (url(Course, "delete", run.course_id), bulk_delete(Course, run.course)):
        response = root.post(address)
        assert response.status_code == 409
        assert "1 course run depends on it" in " ".join(soup(response).get_text().split())
        assert not soup(response).select("form[action*=disable]")
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


def test_disable_is_offered_to_those_who_may(root):
    backend = make_backend()
    make_run()
    client = make_client(username="deleter")
    client.user.user_permissions.add(Permission.objects.get(codename="delete_lmsbackend"))
    response = client.get(url(LMSBackend, "delete", backend.pk))
    assert "cannot be deleted" in response.content.decode()
    assert not soup(response).select("form[action*=disable]")
