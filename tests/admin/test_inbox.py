"""The inbox of drafts: what it shows, and what its buttons do, one run at a time or many."""

from __future__ import annotations

from datetime import timedelta
from urllib.parse import urlencode

import pytest
from django.contrib.auth.models import User
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone
from wagtail.models import ModelLogEntry, Revision
from wagtail.users.models import UserProfile

from cms_lms.admin.inbox_actions import CHUNK_SIZE
from cms_lms.models import CourseRun, LMSBackend
from cms_lms.runs.fields import SyncMode
from tests.admin.browsing import form_values, messages, soup, url
from tests.admin.conftest import make_client
from tests.factories import course_regex, make_backend, make_course
from tests.sync.conftest import post, send  # noqa: F401 (fixtures)
from tests.sync.payloads import link, payload

pytestmark = pytest.mark.django_db

NEW_END = "2027-07-15T22:00:00+00:00"


@pytest.fixture
def sync(db, post):  # noqa: F811
    """Return a function by which the LMS sends values of some runs of DemoX to their drafts."""
    make_course(code="DemoX", title="Demonstration")
    make_backend(name="Campus", default_sync_mode=SyncMode.TO_DRAFT)

    def sync(*names: str, **values) -> list[CourseRun]:
        response = post([payload(resource_link=link(name), **values) for name in names])
        assert response.status_code == 200, response.content
        return [run(name) for name in names]

    return sync


@pytest.fixture
def waiting(sync):
    """Return a maker of live runs with a new end in their drafts."""

    def waiting(*names: str) -> list[CourseRun]:
        for created in sync(*names):
            created.latest_revision.publish()
        return sync(*names, end=NEW_END)

    return waiting


def run(name: str = "R1") -> CourseRun:
    return CourseRun.objects.get(resource_link=link(name))


def inbox(client, **filters):
    return soup(client.get(f"{url(CourseRun, 'waiting')}?{urlencode(filters)}"))


def rows(page) -> list:
    return page.select("li.cms-lms-inbox__run")


def cells(row) -> list[list[str]]:
    return [[cell.get_text(strip=True) for cell in line.select("th, td")] for line in row.select("tbody tr")]


def addresses(page) -> list[str]:
    return [box["value"] for box in page.select("input[name=run]:not([disabled])")]


def press(client, view: str, **values):
    return client.post(url(CourseRun, view), values)


def is_pending(name: str = "R1") -> bool:
    return run(name).draft_synced_at is not None


class TestPage:
    def test_what_differs(self, editor, waiting):
        waiting("R1")
        (row,) = rows(inbox(editor))
        assert cells(row) == [["Course end", "June 30, 2027, 10 p.m.", "July 15, 2027, 10 p.m.", "Campus"]]

    def test_in_the_editors_time_zone(self, waiting):
        client = make_client("Course editors", username="kiritimati")
        UserProfile.objects.create(user=client.user, current_time_zone="Pacific/Kiritimati")
        waiting("R1")
        page = inbox(client)
        assert cells(rows(page)[0])[0][1:3] == ["July 1, 2027, noon", "July 16, 2027, noon"]
        assert "Time zone: Pacific/Kiritimati." in page.get_text()

    def test_whose_edits_are_mixed_in(self, editor, waiting):
        waiting("R1")
        writer = User.objects.create_user("writer", first_name="Ada", last_name="Lovelace")
        draft = run().get_latest_revision_as_object()
        draft.title = "Spring <b>"
        draft.save_revision(user=writer)
        (row,) = rows(inbox(editor))
        assert ["Title", "–", "Spring <b>", "Staff"] in cells(row)
        assert "Edited by staff, too: Ada Lovelace." in " ".join(row.get_text().split())
        writer.delete()
        assert "Edited by staff, too." in " ".join(rows(inbox(editor))[0].get_text().split())

    def test_a_new_run(self, editor, sync):
        sync("R1")
        (row,) = rows(inbox(editor))
        assert "new" in row.get_text()
        assert [line[0] for line in cells(row)][-1] == "Languages"
        assert not row.select("button[formaction]")

    def test_by_course_and_backend(self, editor, post, waiting):  # noqa: F811
        make_backend(
            name="Partners", course_regex=course_regex("partners.example.com"), default_sync_mode=SyncMode.TO_DRAFT
        )
        make_course(code="Another", title="Another")
        waiting("R1", "R2")
        for course in ("DemoX", "Another"):
            assert post(payload(resource_link=link("P1", course).replace("lms.", "partners."))).status_code == 200
        page = inbox(editor)
        assert [" ".join(heading.get_text().split()) for heading in page.select("section h2")] == [
            "ANOTHER · Another Partners",
            "DEMOX · Demonstration Campus",
            "DEMOX · Demonstration Partners",
        ]
        partners = LMSBackend.objects.get(name="Partners")
        assert len(rows(inbox(editor, matched_backend=partners.pk))) == 2
        assert rows(inbox(editor, matched_backend="none")) == []
        assert len(rows(inbox(editor, course="demox"))) == 3
        assert len(rows(inbox(editor, q="Another"))) == 1
        assert len(rows(inbox(editor, q="partners.example.com DemoX"))) == 1

    def test_by_whose_doing(self, editor, waiting):
        waiting("R1", "R2")
        run().get_latest_revision_as_object().save_revision(user=editor.user)
        assert [row.select_one("input")["id"] for row in rows(inbox(editor, is_edited="true"))] == [f"run-{run().pk}"]
        assert [row.select_one("input")["id"] for row in rows(inbox(editor, is_edited="false"))] == [
            f"run-{run('R2').pk}"
        ]
        assert rows(inbox(editor, is_in_moderation="true")) == []
        assert len(rows(inbox(editor, is_in_moderation="false"))) == 2

    def test_what_holds_a_draft_is_said(self, publisher, waiting):
        waiting("R1")
        CourseRun.objects.update(locked=True, locked_by=User.objects.create_user("somebody"))
        (row,) = rows(inbox(publisher))
        assert "It is locked." in row.get_text()
        assert not row.select("button")
        assert row.select_one("input[name=run]").has_attr("disabled")

    def test_nothing(self, editor, sync):
        assert "Nothing waits for publication." in inbox(editor).get_text()
        assert "Nothing that waits for publication matches." in inbox(editor, q="x").get_text()

    def test_rubbish_in_the_address(self, editor, waiting):
        waiting("R1")
        for filters in ({"size": "-1"}, {"size": "9" * 30}, {"p": "x"}, {"matched_backend": "x"}, {"course": "\x00"}):
            assert editor.get(f"{url(CourseRun, 'waiting')}?{urlencode(filters)}").status_code == 200, filters

    def test_page_sizes(self, editor, waiting):
        waiting(*(f"R{number}" for number in range(30)))
        assert len(rows(inbox(editor))) == 25
        assert len(rows(inbox(editor, size=100))) == 30

    def test_the_number_of_queries_is_the_same_for_every_number_of_runs(self, root, waiting):
        """For others Django asks twice more: for the permissions of the user, and of the user's groups."""

        def count() -> int:
            with CaptureQueriesContext(connection) as queries:
                assert rows(inbox(root))
            return len(queries)

        waiting("R1")
        run().get_latest_revision_as_object().save_revision(user=root.user)
        count()
        one = count()
        waiting(*(f"R{number}" for number in range(2, 12)))
        assert count() == one < 15

    def test_only_publishers_have_the_button(self, editor, publisher, waiting):
        waiting("R1")
        assert [button.get_text() for button in rows(inbox(editor))[0].select("button")] == ["Discard"]
        assert [button.get_text() for button in rows(inbox(publisher))[0].select("button")] == ["Publish", "Discard"]


class TestPublishing:
    def test_one(self, publisher, waiting):
        waiting("R1", "R2")
        page = inbox(publisher)
        only = next(address for address in addresses(page) if address.startswith(f"{run().pk}:"))
        assert page.select(f'button[name=only][value="{only}"]')
        back = url(CourseRun, "waiting") + "?q=DemoX"
        response = press(publisher, "waiting_publish", only=only, run=addresses(page), next=back)
        assert response.url == back
        assert messages(response) == ["1 course run was published."]
        assert (is_pending("R1"), is_pending("R2")) == (False, True)
        assert run().end.isoformat() == NEW_END
        entry = ModelLogEntry.objects.for_instance(run()).get(action="wagtail.publish", user=publisher.user)
        assert entry.revision_id == run().live_revision_id

    def test_many(self, publisher, waiting):
        waiting("R1", "R2", "R3")
        response = press(publisher, "waiting_publish", run=addresses(inbox(publisher)))
        assert messages(response) == ["3 course runs were published."]
        assert not CourseRun.objects.waiting().exists()

    def test_one_that_fails_stops_no_other(self, publisher, waiting, sync):
        waiting("R1", "R2", "R3")
        chosen = addresses(inbox(publisher))
        sync("R2", end="2027-08-01T00:00:00Z")
        response = press(publisher, "waiting_publish", run=[*chosen, "rubbish", "9:9", f"{10**17}:{'a' * 24}"])
        page = soup(response)
        assert "2 course runs were published." in page.get_text()
        failures = [item.get_text(" ", strip=True) for item in page.select(".cms-lms-drafts__failures li")]
        assert failures[0] == f"Demonstration – It was changed since it was shown. Look at it again. {link('R2')}"
        assert failures[1] == f"{10**17} – It does not exist any more."
        assert (is_pending("R1"), is_pending("R2"), is_pending("R3")) == (False, True, False)

    def test_nothing_chosen(self, publisher, waiting):
        waiting("R1")
        response = press(publisher, "waiting_publish")
        assert (response.url, messages(response)) == (
            url(CourseRun, "waiting"),
            ["Choose at least one course run."],
        )

    def test_a_call_does_some_and_a_button_does_the_others(self, publisher, waiting):
        """As without JavaScript."""
        count = 2 * CHUNK_SIZE + 5
        waiting(*(f"R{number}" for number in range(count)))
        chosen = addresses(inbox(publisher, size=100))
        broken = run("R3")
        Revision.objects.filter(pk=broken.latest_revision_id).update(
            content={**broken.latest_revision.content, "languages": ["tlh"]}
        )
        response = press(publisher, "waiting_publish", run=chosen)
        for done in (CHUNK_SIZE, 2 * CHUNK_SIZE):
            page = soup(response)
            assert f"{done} of {count} dealt with." in page.get_text()
            assert page.select_one("progress")["value"] == str(done)
            response = publisher.post(url(CourseRun, "waiting_publish"), form_values(response, "main form"))
        page = soup(response)
        assert f"{count} of {count} dealt with." in page.get_text()
        assert f"{count - 1} course runs were published." in page.get_text()
        assert len(page.select(".cms-lms-drafts__failures li")) == 1
        assert not page.select("main form")
        assert [run.pk for run in CourseRun.objects.waiting()] == [broken.pk]

    def test_a_report_that_nobody_signed_counts_for_nothing(self, publisher, waiting):
        waiting("R1")
        only = addresses(inbox(publisher))[0]
        response = press(publisher, "waiting_publish", remaining=only, report="[1000, []]")
        assert "1 of 1 dealt with." in soup(response).get_text()

    def test_editors_cannot(self, editor, waiting):
        waiting("R1")
        press(editor, "waiting_publish", run=addresses(inbox(editor)))
        assert is_pending()

    def test_a_way_back_to_another_site_is_none(self, publisher, waiting):
        waiting("R1")
        response = press(publisher, "waiting_publish", run=addresses(inbox(publisher)), next="https://evil.example/")
        assert response.url == url(CourseRun, "waiting")


class TestDiscarding:
    def test_one(self, editor, waiting):
        waiting("R1")
        response = press(editor, "waiting_discard", only=addresses(inbox(editor))[0])
        assert messages(response) == ["What the LMS sent for 1 course run was discarded."]
        assert not is_pending()
        assert not run().has_unpublished_changes
        history = editor.get(url(CourseRun, "history", run().pk)).content.decode()
        assert "Discarded what the LMS sent: Course end (July 15, 2027, 10 p.m. → June 30, 2027, 10 p.m.)." in history

    def test_a_new_run(self, editor, sync):
        sync("R1")
        response = press(editor, "waiting_discard", run=addresses(inbox(editor)))
        assert "It has never been published, so there is nothing to go back to." in soup(response).get_text()
        assert is_pending()

    def test_a_new_run_may_be_deleted_by_those_who_may(self, root, editor, sync):
        sync("R1")
        address = url(CourseRun, "delete", run().pk)
        assert inbox(root).select(f'a[href^="{address}"]')
        assert not inbox(editor).select(f'a[href^="{address}"]')


def test_a_schedule_is_said(publisher, waiting):
    waiting("R1")
    draft = run().get_latest_revision_as_object()
    draft.go_live_at = timezone.now() + timedelta(days=1)
    draft.save_revision().publish()
    (row,) = rows(inbox(publisher))
    assert "It is scheduled for" in row.get_text()


class TestMenuAndHomePage:
    def test_the_panel_names_what_waits(self, editor, waiting):
        waiting("R1")
        panel = soup(editor.get(reverse("wagtailadmin_home"))).select_one("#lms-waiting-section, #lms-waiting")
        assert "1 course run has changes from its LMS that are not public yet." in " ".join(panel.get_text().split())
        assert panel.select(f'a[href="{url(CourseRun, "waiting")}"]')

    def test_no_panel_for_others_or_where_nothing_waits(self, administrator, editor, waiting):
        home = reverse("wagtailadmin_home")
        assert "lms-waiting" not in str(soup(editor.get(home)).select_one("main"))
        waiting("R1")
        assert "lms-waiting" not in str(soup(administrator.get(home)).select_one("main"))

    def test_the_menu_counts(self, editor, waiting):
        waiting("R1", "R2")
        assert "Waiting for publication (2)" in editor.get(reverse("wagtailadmin_home")).content.decode()
        press(editor, "waiting_discard", run=addresses(inbox(editor)))
        assert "Waiting for publication (" not in editor.get(reverse("wagtailadmin_home")).content.decode()
