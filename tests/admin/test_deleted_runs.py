"""Deleted runs are listed, and let come back, in the admin."""

from __future__ import annotations

from datetime import UTC, datetime
from urllib.parse import urlencode

import pytest
from django.contrib.auth.models import Permission
from django.urls import reverse
from wagtail.models import ModelLogEntry

from cms_lms.models import DeletedRun
from cms_lms.patterns.urls import resource_key
from tests.admin.browsing import messages, soup
from tests.admin.conftest import make_client
from tests.factories import make_backend

pytestmark = pytest.mark.django_db

LIST = reverse("deletedrun:index")


def make_deleted_run(number: int = 1, **fields) -> DeletedRun:
    link = f"https://lms.example.com/courses/course-v1:edX+DemoX+{number}/info"
    values = {"resource_link": link, "deleted_at": datetime(2024, 6, number, tzinfo=UTC), **fields}
    return DeletedRun.objects.create(resource_key=resource_key(values["resource_link"]), **values)


def lift_url(*runs) -> str:
    return f"{reverse('deletedrun:lift')}?{urlencode([('id', run.pk) for run in runs])}"


def found(response) -> list[DeletedRun]:
    return list(response.context["object_list"])


def test_list_filters_and_search(editor, django_assert_max_num_queries):
    backend = make_backend(name="Campus")
    old = make_deleted_run(1, title="Spring", matched_backend=backend, deleted_by=editor.user)
    new = make_deleted_run(2)
    for query, expected in [
        ({}, [new, old]),
        ({"matched_backend": backend.pk}, [old]),
        ({"matched_backend": "none"}, [new]),
        ({"deleted_by": editor.user.pk}, [old]),
        ({"deleted_at_from": "2024-06-02"}, [new]),
        ({"q": "spring"}, [old]),
        ({"q": "DemoX+2"}, [new]),
        ({"q": "http://LMS.example.com:80/courses/course-v1%3AedX+DemoX+2/info/"}, [new]),
        ({"q": "elsewhere"}, []),
    ]:
        assert found(editor.get(LIST, query)) == expected, query
    with django_assert_max_num_queries(15):
        page = editor.get(LIST)
    row = soup(page).select("table.listing tbody tr")[1].get_text(" ", strip=True)
    for expected in ("Spring", "Campus", old.resource_link, editor.user.username):
        assert expected in row


def test_one_comes_back(editor):
    run, other = make_deleted_run(1), make_deleted_run(2)
    page = soup(editor.get(LIST))
    assert page.select(f'a[href="{lift_url(run)}"]')
    confirmation = soup(editor.get(lift_url(run))).get_text()
    assert "Let 1 run come back?" in confirmation
    assert run.resource_link in confirmation
    assert DeletedRun.objects.count() == 2
    response = editor.post(lift_url(run))
    assert response.url == LIST
    assert messages(response) == ["1 run comes back when its LMS sends it again."]
    assert DeletedRun.objects.get() == other
    entry = ModelLogEntry.objects.get(action="cms_lms.deleted_run.lift")
    assert (entry.user, entry.label, entry.deleted) == (editor.user, run.resource_link, True)


def test_many_come_back(editor):
    runs = [make_deleted_run(number) for number in (1, 2, 3)]
    boxes = soup(editor.get(LIST)).select('input[type=checkbox][name=id][form="selection"]')
    assert {box["value"] for box in boxes} == {str(run.pk) for run in runs}
    response = editor.post(lift_url(*runs[:2]))
    assert messages(response) == ["2 runs come back when their LMS sends them again."]
    assert DeletedRun.objects.get() == runs[2]


def test_looking_is_not_lifting(db):
    client = make_client()
    client.user.user_permissions.add(Permission.objects.get(codename="view_courserun"))
    run = make_deleted_run()
    page = client.get(LIST)
    assert found(page) == [run]
    assert reverse("deletedrun:lift") not in page.content.decode()
    assert client.post(lift_url(run)).status_code == 302
    assert DeletedRun.objects.exists()


def test_nobody_changes_anything(root):
    run = make_deleted_run()
    for view, args in [("add", []), ("edit", [run.pk]), ("delete", [run.pk])]:
        for method in (root.get, root.post):
            assert method(reverse(f"deletedrun:{view}", args=args)).status_code == 302
    assert DeletedRun.objects.get() == run


@pytest.mark.parametrize("query", ["id=0", "id=rubbish", "id=9999999999999999999999", "id=%00"])
def test_rubbish(root, query):
    for method in (root.get, root.post):
        assert method(f"{reverse('deletedrun:lift')}?{query}").status_code == 404


def test_nothing_chosen(root):
    response = root.get(reverse("deletedrun:lift"))
    assert response.url == LIST
    assert "Nothing was chosen" in messages(response)[0]
