"""An LMS that moved: its runs get their new links, with what may yet be published, and nothing else does."""

from __future__ import annotations

import csv
import io
from datetime import UTC, datetime, timedelta

import pytest
from django.core.management import call_command
from django.utils import timezone
from wagtail.models import ModelLogEntry, Revision

from cms_lms.matching import relocation as relocation_module
from cms_lms.models import CourseRun, DeletedRun, LMSBackend
from cms_lms.models.course_run_origins import runs_edited_by_staff
from cms_lms.patterns.urls import resource_key
from cms_lms.runs.fields import SyncMode
from tests.admin.browsing import form_values, messages, soup, submit, url
from tests.factories import COURSE_REGEX, course_regex, make_backend, make_course, make_run

pytestmark = pytest.mark.django_db

OLD, NEW = "https://old.example.com", "https://new.example.com"


@pytest.fixture(autouse=True)
def small_chunks(monkeypatch):
    """Cross the borders of chunks with a few runs."""
    monkeypatch.setattr(relocation_module, "CHUNK_SIZE", 2)


@pytest.fixture
def backend() -> LMSBackend:
    regex = COURSE_REGEX.replace(r"lms\.example\.com", r"(?:old|new)\.example\.com")
    return make_backend(name="Campus", slug="campus", base_url=NEW, course_regex=regex)


def link(base: str, number: int = 1) -> str:
    return f"{base}/courses/course-v1:edX+DemoX+{number}/info"


def shown(client, backend, old=OLD, new=NEW):
    return client.post(url(LMSBackend, "relink", backend.pk), {"old": old, "new": new})


def confirm(client, backend, page, **changes):
    """Press the button of a preview."""
    button = soup(page).select_one("button[name=relink-confirm]")
    values = form_values(page, "main form:has([name=old])")
    return client.post(url(LMSBackend, "relink", backend.pk), {**values, "relink-confirm": button["value"], **changes})


def move(client, backend, old=OLD, new=NEW):
    response = confirm(client, backend, shown(client, backend, old, new))
    assert response.status_code == 302, soup(response).select_one("main").get_text(" ", strip=True)
    return response


def links() -> set[str]:
    return set(CourseRun.objects.values_list("resource_link", flat=True))


def text(response) -> str:
    return " ".join(soup(response).select_one("main").get_text().split())


def test_runs_are_shown_and_moved(administrator, backend):
    course = make_course()
    runs = [make_run(course=course, resource_link=link(OLD, number)) for number in range(5)]
    other = make_run(course=course, resource_link=link("https://old.example.com.evil", 9))
    page = shown(administrator, backend)
    assert "Not done yet: 5 course runs would get their new links" in text(page)
    assert link(NEW, 3) in text(page)
    assert links() == {*(run.resource_link for run in runs), other.resource_link}

    response = confirm(administrator, backend, page)
    assert messages(response) == ["5 course runs have their new links."]
    assert response.url == url(LMSBackend, "edit", backend.pk)
    assert links() == {*(link(NEW, number) for number in range(5)), other.resource_link}
    for number, run in enumerate(runs):
        run.refresh_from_db()
        assert run.resource_key == resource_key(link(NEW, number))
        assert (run.matched_backend, run.matched_course_id) == (backend, f"course-v1:edX+DemoX+{number}")
        entry = ModelLogEntry.objects.for_instance(run).get(action="cms_lms.relink")
        assert entry.user == administrator.user
    assert "No course run would get a new link" in text(shown(administrator, backend))


def test_the_history_says_so(root, backend):
    run = make_run(resource_link=link(OLD))
    response = move(root, backend)
    assert response.url == f"{url(CourseRun, 'list')}?matched_backend={backend.pk}"
    history = soup(root.get(url(CourseRun, "history", run.pk))).get_text()
    assert f"Re-linked: {link(OLD)} → {link(NEW)}" in history


@pytest.mark.parametrize(
    ("written", "moved"),
    [
        ("http://OLD.example.com:80/courses/course-v1%3AedX+DemoX+1/info/", f"{link(NEW)}/"),
        (f"{link(OLD)}?a=b#c", None),
        ("https://old.example.com:8443/courses/course-v1:edX+DemoX+1/info", None),
    ],
)
def test_links_are_compared_in_their_normal_form(administrator, backend, written, moved):
    make_run(resource_link=written)
    page = shown(administrator, backend, new=f"{NEW}/")
    if moved is None:
        assert "would get its new link" not in text(page)
    else:
        confirm(administrator, backend, page)
        assert links() == {moved}


def test_below_the_old_address(administrator):
    backend = make_backend(course_regex=r"^https://lms\.example\.com(?:/v2)?/courses/(?P<course_id>[^/]+)/info$")
    course = make_course()
    base = "https://lms.example.com"
    for number, address in enumerate([base, f"{base}/v2", f"{base}/v20"]):
        make_run(course=course, resource_link=link(address, number))
    move(administrator, backend, base, f"{base}/v2")
    assert links() == {link(f"{base}/v2", 0), link(f"{base}/v2", 1), link(f"{base}/v20", 2)}


def test_above_the_old_address(administrator):
    backend = make_backend(course_regex=r"^https://lms\.example\.com(?:/v1)?/courses/(?P<course_id>[^/]+)/info$")
    make_run(resource_link=link("https://lms.example.com/v1"))
    move(administrator, backend, "https://lms.example.com/v1", "https://lms.example.com")
    assert links() == {link("https://lms.example.com")}


def test_another_scheme_alone(administrator):
    backend = make_backend(course_regex=r"^https?://lms\.example\.com/courses/(?P<course_id>[^/]+)/info$")
    make_run(resource_link=link("http://lms.example.com"))
    move(administrator, backend, "http://lms.example.com", "https://lms.example.com")
    assert links() == {link("https://lms.example.com")}


def test_what_cannot_be_moved_stays(root, backend):
    make_backend(name="Partners", course_regex=course_regex("partners.example.com"))
    make_backend(name="Annex", course_regex=r"^https://old\.example\.com/annex/(?P<course_id>[^/]+)$")
    course = make_course()
    long = f"{OLD}/courses/course-v1:{'x' * 1950}/info"
    stay = [
        make_run(course=course, resource_link=link(OLD, 1)),  # the new link is another run's
        make_run(course=course, resource_link=link(NEW, 1)),
        make_run(course=course, resource_link=f"{OLD}/elsewhere"),  # no backend's
        make_run(course=course, resource_link=f"{OLD}/annex/1"),  # of another backend
        make_run(course=course, resource_link=long),
    ]
    before = {run.resource_link for run in stay}
    make_run(course=course, resource_link=link(OLD, 2))
    page = shown(root, backend, new=NEW)
    for expected in (
        "Get their new links (2)",
        "Stay: another course run has the new link (1)",
        "Stay: no LMS backend matches the new link (1)",
        "Stay: they are runs of another LMS backend (1)",
    ):
        assert expected in text(page)
    assert soup(page).select(f'a[href="{url(CourseRun, "edit", stay[0].pk)}"]')
    confirm(root, backend, page)
    assert links() == {*(before - {long}), link(NEW, 2), long.replace(OLD, NEW)}

    page = shown(root, backend, new=f"{NEW}/{'x' * 100}")
    assert "Stay: no LMS backend matches the new link" in text(page)
    CourseRun.objects.filter(resource_link__contains="xxxx").delete()
    make_run(course=course, resource_link=long)
    assert "Stay: the new link is no valid URL (1)" in text(shown(root, backend, new=f"{NEW}/{'x' * 100}"))
    assert "another LMS backend matches the new link" in text(shown(root, backend, new="https://partners.example.com"))
    assert not soup(shown(root, backend, new="https://partners.example.com")).select("[name=relink-confirm]")


def test_drafts_do_not_bring_the_old_link_back(administrator, publisher, backend):
    run = make_run(resource_link=link(OLD), title="Spring")
    submit(publisher, url(CourseRun, "edit", run.pk), {"title": "Summer"})
    before = CourseRun.objects.get(pk=run.pk)
    move(administrator, backend)
    run.refresh_from_db()
    assert (run.title, run.has_unpublished_changes, run.live_revision) == ("Spring", True, before.live_revision)
    assert run.latest_revision_id > before.latest_revision_id
    assert run.latest_revision.user is None
    submit(publisher, url(CourseRun, "edit", run.pk), button="action-publish")
    run.refresh_from_db()
    assert (run.title, run.resource_link, run.resource_key) == ("Summer", link(NEW), resource_key(link(NEW)))


def test_nothing_waits_that_did_not_wait(administrator, backend):
    run = make_run(resource_link=link(OLD))
    move(administrator, backend)
    run.refresh_from_db()
    assert (run.live, run.has_unpublished_changes) == (True, False)
    assert run.live_revision_id == run.latest_revision_id
    assert run.latest_revision.as_object().resource_link == link(NEW)


def test_a_schedule_keeps_its_date_and_gets_the_link(administrator, publisher, backend):
    run = make_run(resource_link=link(OLD), live=False)
    goes_live = timezone.now() + timedelta(days=1)
    submit(
        publisher,
        url(CourseRun, "edit", run.pk),
        {"go_live_at": goes_live.strftime("%Y-%m-%d %H:%M"), "title": "Later"},
        button="action-publish",
    )
    scheduled = Revision.objects.get(approved_go_live_at__isnull=False)
    move(administrator, backend)
    again = Revision.objects.get(approved_go_live_at__isnull=False)
    assert (again.pk, again.approved_go_live_at) == (scheduled.pk, scheduled.approved_go_live_at)
    Revision.objects.filter(pk=again.pk).update(approved_go_live_at=timezone.now() - timedelta(hours=1))
    content = {**again.content, "go_live_at": (timezone.now() - timedelta(hours=1)).isoformat()}
    Revision.objects.filter(pk=again.pk).update(content=content)
    call_command("publish_scheduled")
    run.refresh_from_db()
    assert (run.live, run.title, run.resource_link) == (True, "Later", link(NEW))


def test_a_form_that_was_open_takes_the_new_link(administrator, editor, backend):
    run = make_run(resource_link=link(OLD))
    values = form_values(editor.get(url(CourseRun, "edit", run.pk)))
    move(administrator, backend)
    editor.post(url(CourseRun, "edit", run.pk), {**values, "title": "Typed before"})
    run.refresh_from_db()
    draft = run.get_latest_revision_as_object()
    assert (draft.title, draft.resource_link) == ("Typed before", link(NEW))


def test_a_run_of_the_lms_alone_stays_one(administrator, backend):
    run = make_run(resource_link=link(OLD), live=False, sync_mode=SyncMode.TO_DRAFT)
    move(administrator, backend)
    assert runs_edited_by_staff([run.pk]) == set()


def test_deleted_runs_stay_deleted_at_the_new_address(administrator, backend):
    other = make_backend(name="Other", course_regex=course_regex("other.example.com"))
    for number, owner in ((1, backend), (2, None), (3, other)):
        DeletedRun.objects.create(
            resource_link=link(OLD, number),
            resource_key=resource_key(link(OLD, number)),
            matched_backend=owner,
            deleted_at=datetime(2024, 6, 15, tzinfo=UTC),
        )
    make_run(resource_link=link(OLD, 4))
    move(administrator, backend)
    assert {run.resource_link: run.resource_key for run in DeletedRun.objects.all()} == {
        address: resource_key(address) for address in (link(NEW, 1), link(NEW, 2), link(OLD, 3))
    }


def test_what_was_confirmed_is_what_was_shown(administrator, root, backend):
    course = make_course()
    make_run(course=course, resource_link=link(OLD, 1))
    page = shown(administrator, backend)
    make_run(course=course, resource_link=link(OLD, 2))
    response = confirm(administrator, backend, page)
    assert "Look again" in text(response)
    assert links() == {link(OLD, 1), link(OLD, 2)}
    for changes in ({"new": "https://new.example.com/x"}, {"relink-confirm": "rubbish"}, {"relink-confirm": ""}):
        assert "Look again" in text(confirm(administrator, backend, response, **changes))
    assert "Look again" in text(confirm(root, backend, response))
    backend.course_regex = course_regex("old.example.com")
    backend.save()
    assert "Look again" in text(confirm(administrator, backend, response))
    assert links() == {link(OLD, 1), link(OLD, 2)}


def test_all_links_as_csv(administrator, backend):
    course = make_course()
    runs = [make_run(course=course, resource_link=link(OLD, number)) for number in range(25)]
    page = shown(administrator, backend)
    assert "These are the first 20 of 25" in text(page)
    response = administrator.post(
        url(LMSBackend, "relink", backend.pk), {"old": OLD, "new": NEW, "relink-download": "1"}
    )
    assert response["Content-Disposition"] == 'attachment; filename="campus-new-links.csv"'
    rows = list(csv.reader(io.StringIO(b"".join(response.streaming_content).decode())))
    assert rows[0] == ["id", "old_link", "new_link", "decision"]
    assert rows[1] == [str(runs[0].pk), link(OLD, 0), link(NEW, 0), "moves"]
    assert len(rows) == 26
    assert links() == {run.resource_link for run in runs}


@pytest.mark.parametrize(
    ("old", "new", "error"),
    [
        ("", NEW, "This field is required."),
        (OLD, "", "This field is required."),
        (OLD, OLD, "This is the old address."),
        (OLD, "https://OLD.example.com:443/", "This is the old address."),
        ("old.example.com", NEW, "must start with"),
        (OLD, "javascript:alert(1)", "must start with"),
        (OLD, f"{NEW}?a=b", "must not have a query"),
        (OLD, f"https://{'x' * 3000}", "at most 2000"),
        (OLD, "https://new.example.com/\x00", "Null characters"),
        (OLD, "https://u:p@new.example.com", "user name or a password"),
    ],
)
def test_nonsense(administrator, backend, old, new, error):
    make_run(resource_link=link(OLD))
    for extra in ({}, {"relink-confirm": "x"}, {"relink-download": "1"}):
        response = administrator.post(url(LMSBackend, "relink", backend.pk), {"old": old, "new": new, **extra})
        assert response.status_code == 200
        assert error in text(response)
    assert links() == {link(OLD)}


def test_the_form_starts_from_the_backends_address(administrator, backend):
    page = administrator.get(url(LMSBackend, "relink", backend.pk))
    assert form_values(page, "main form:has([name=old])") == {"old": [""], "new": [NEW]}
    edit = soup(administrator.get(url(LMSBackend, "edit", backend.pk)))
    assert edit.select(f'a[href="{url(LMSBackend, "relink", backend.pk)}"]')


def test_queries_grow_with_chunks_not_with_runs(administrator, backend, monkeypatch, django_assert_max_num_queries):
    monkeypatch.setattr(relocation_module, "CHUNK_SIZE", 1000)
    course = make_course()
    for number in range(30):
        make_run(course=course, resource_link=link(OLD, number))
    page = shown(administrator, backend)
    with django_assert_max_num_queries(45):
        confirm(administrator, backend, page)
    assert len(links()) == 30
