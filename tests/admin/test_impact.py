"""What a change to the backends does is shown before it is made, and it is made when somebody says yes to just that."""

from __future__ import annotations

import threading
from typing import Any

import pytest
from bs4 import Tag
from django.db import connection
from django.http import HttpResponse
from django.test import Client
from django.test.utils import CaptureQueriesContext
from wagtail.models import ModelLogEntry

from cms_lms.admin import impact as impact_module
from cms_lms.matching.handler import LMSHandler
from cms_lms.models import CourseRun, LMSBackend
from cms_lms.patterns.urls import resource_key
from tests.admin.browsing import errors, form_values, messages, soup, submit, url
from tests.admin.conftest import make_client
from tests.factories import COURSE_REGEX, OPENEDX, course_regex, make_backend, make_course, make_run

pytestmark = pytest.mark.django_db

LIST, ADD = url(LMSBackend, "list"), url(LMSBackend, "add")
PANEL = ".cms-lms-impact"
ANY_HOST = COURSE_REGEX.replace(r"lms\.example\.com", r"[a-z]+\.example\.com")


def make_host_backend(host: str, **fields) -> LMSBackend:
    fields = {"name": host.title(), "slug": host, "course_regex": course_regex(f"{host}.example.com"), **fields}
    return make_backend(**fields)


def make_runs(**counts: int) -> None:
    """Make so many runs on each host."""
    course = make_course()
    links = [
        f"https://{host}.example.com/courses/course-v1:edX+DemoX+{number}/info"
        for host, count in counts.items()
        for number in range(count)
    ]
    CourseRun.objects.bulk_create(
        CourseRun(course=course, resource_link=link, resource_key=resource_key(link), languages=["en"])
        for link in links
    )


def panel(response: HttpResponse) -> Tag | None:
    return soup(response).select_one(PANEL)


def sentences(response: HttpResponse) -> list[str]:
    """Return what the panel says, without its buttons."""
    found = []
    for item in panel(response).select(".cms-lms-impact-moves > li"):
        for button in item.select("button"):
            button.extract()
        found.append(" ".join(item.get_text().split()))
    return found


def press(client: Client, response: HttpResponse, button: str = "impact-confirm", **changes: Any) -> HttpResponse:
    """Press a button of the panel, after some changes to its form."""
    form = next(form for form in soup(response).select("form") if form.select_one(PANEL))
    control = form.select_one(f'button[name="{button}"]')
    values = {**form_values(response, f"form:has({PANEL})"), button: control["value"], **changes}
    return client.post(form["action"] or response.wsgi_request.get_full_path(), values)


def tick() -> dict[str, str]:
    return {"impact-orphans": "on"}


def edit(backend: LMSBackend) -> str:
    return url(LMSBackend, "edit", backend.pk)


def stored(backend: LMSBackend) -> LMSBackend:
    return LMSBackend.objects.get(pk=backend.pk)


class TestForm:
    def test_nothing_to_say_nothing_shown(self, root):
        campus = make_host_backend("campus")
        make_runs(campus=2, elsewhere=2)
        assert panel(root.get(edit(campus))) is None
        assert submit(root, edit(campus), {"name": "New name"}).url == LIST
        assert stored(campus).name == "New name"

    def test_an_edit_of_what_is_not_matched_asks_about_no_run(self, root, monkeypatch):
        campus, off = make_host_backend("campus"), make_host_backend("off", is_enabled=False)
        monkeypatch.setattr(impact_module, "compute_impact", None)
        assert (
            submit(root, edit(campus), {"name": "New name", "rejected_urls": "https://other.example.com/"}).url == LIST
        )
        assert submit(root, edit(off), {"course_regex": ANY_HOST, "js_course_regex": ""}).url == LIST

    def test_what_moves_is_shown_first(self, root):
        campus, partners = make_host_backend("campus"), make_host_backend("partners")
        make_runs(campus=3, partners=2)
        response = submit(root, edit(campus), {"course_regex": ANY_HOST, "name": "All", "js_course_regex": ""})
        assert response.status_code == 200
        assert sentences(response) == [
            "2 course runs move from “Partners” to “All”.",
            "3 course runs stay where they are.",
        ]
        assert stored(campus).name == "Campus"
        assert not campus.revisions.exists()
        assert not ModelLogEntry.objects.for_instance(campus).exists()
        # Everything as it was typed, and nothing but the button needed.
        assert form_values(response)["course_regex"] == [ANY_HOST]
        assert form_values(response)["name"] == ["All"]
        assert not panel(response).select("input[type=checkbox]")
        done = press(root, response)
        assert done.url == LIST
        assert stored(campus).course_regex == ANY_HOST
        assert campus.revisions.count() == 1
        assert partners.pk

    def test_the_panel_has_the_focus_and_a_name(self, root):
        campus = make_host_backend("campus")
        make_runs(campus=1)
        found = panel(submit(root, edit(campus), {"is_enabled": ""}))
        assert found.has_attr("autofocus")
        assert found["tabindex"] == "-1"
        assert "Not saved yet: this affects 1 course run" in found.select_one(f"#{found['aria-labelledby']}").get_text()

    def test_enter_in_a_field_confirms_nothing(self, root):
        """Browsers press the first button of a form for it."""
        campus = make_host_backend("campus")
        make_runs(campus=1)
        response = submit(root, edit(campus), {"is_enabled": ""})
        first = soup(response).select_one("form[data-edit-form] button[type=submit]")
        assert not first.get("name")
        again = root.post(edit(campus), form_values(response))
        assert sentences(again) == sentences(response)
        assert stored(campus).is_enabled

    def test_the_form_s_own_button_is_told_apart_and_keeps_the_tick(self, root):
        campus, hint = make_host_backend("campus"), "Nothing was saved: only “Save anyway” saves it."
        make_runs(campus=2)
        shown = submit(root, edit(campus), {"is_enabled": ""})
        assert hint not in panel(shown).get_text()
        again = root.post(edit(campus), {**form_values(shown, "form[data-edit-form]"), **tick()})
        assert hint in panel(again).get_text()
        assert panel(again).select_one("[name=impact-orphans]").has_attr("checked")
        assert stored(campus).is_enabled
        assert press(root, again).url == LIST
        assert not stored(campus).is_enabled

    def test_orphans_need_a_tick(self, root):
        campus = make_host_backend("campus")
        make_runs(campus=3, elsewhere=1)
        response = submit(root, edit(campus), {"course_regex": course_regex("other.example.com")})
        assert sentences(response) == ["3 course runs of “Campus” are no longer matched by any backend."]
        links = [row.select("td")[1].get_text() for row in panel(response).select("tbody tr")]
        assert links == list(
            CourseRun.objects.filter(resource_link__contains="campus").values_list("resource_link", flat=True)
        )
        refused = press(root, response)
        assert refused.status_code == 200
        box = panel(refused).select_one("[name=impact-orphans]")
        error = panel(refused).select_one(f"#{box['aria-describedby'].split()[-1]}")
        assert "Tick this box" in error.get_text()
        assert [found.name for found in panel(refused).parent.select("[autofocus]")] == ["input"]
        assert stored(campus).course_regex == campus.course_regex
        assert press(root, refused, **tick()).url == LIST
        assert stored(campus).course_regex == course_regex("other.example.com")
        assert LMSHandler.select_lms(links[0]) is None

    @pytest.mark.parametrize(
        "posted", [{}, {"impact-confirm": ""}, {"impact-confirm": "x" * 64}, {"impact-confirm": "é"}]
    )
    def test_no_orphans_by_a_post_without_the_confirmation(self, root, posted):
        campus = make_host_backend("campus")
        make_runs(campus=1)
        response = submit(root, edit(campus), {"is_enabled": "", **posted, **tick()})
        assert response.status_code == 200
        assert stored(campus).is_enabled

    def test_a_confirmation_is_of_the_person_who_saw_it(self, root, administrator):
        campus = make_host_backend("campus")
        make_runs(campus=1)
        response = submit(root, edit(campus), {"is_enabled": ""})
        assert press(administrator, response, **tick()).status_code == 200
        assert stored(campus).is_enabled

    def test_another_change_than_the_one_confirmed_is_shown_anew(self, root):
        campus = make_host_backend("campus")
        make_runs(campus=1)
        response = submit(root, edit(campus), {"is_enabled": ""})
        anew = press(root, response, name="Other", **tick())
        assert "Look again" in panel(anew).get_text()
        assert not panel(anew).select("input[type=checkbox][checked]")
        assert stored(campus).is_enabled
        assert press(root, anew, **tick()).url == LIST
        assert stored(campus).name == "Other"

    def test_another_configuration_than_the_one_confirmed_is_shown_anew(self, root):
        campus, fallback = make_host_backend("campus"), make_backend(name="Any", course_regex=ANY_HOST)
        make_runs(campus=1)
        response = submit(root, edit(campus), {"is_enabled": ""})
        assert sentences(response) == ["1 course run moves from “Campus” to “Any”."]
        LMSBackend.objects.filter(pk=fallback.pk).update(is_enabled=False)
        anew = press(root, response)
        assert sentences(anew) == ["1 course run of “Campus” is no longer matched by any backend."]
        assert "Look again" in panel(anew).get_text()
        assert stored(campus).is_enabled

    def test_other_runs_than_the_ones_confirmed_are_shown_anew(self, root):
        campus = make_host_backend("campus")
        make_runs(campus=1)
        response = submit(root, edit(campus), {"is_enabled": ""})
        make_run(resource_link="https://campus.example.com/courses/course-v1:edX+DemoX+new/info")
        anew = press(root, response, **tick())
        assert sentences(anew) == ["2 course runs of “Campus” are no longer matched by any backend."]
        assert press(root, anew, **tick()).url == LIST

    def test_runs_that_stay_may_come_and_go_meanwhile(self, root):
        campus, partners = make_host_backend("campus"), make_host_backend("partners")
        make_runs(campus=1)
        response = submit(root, edit(campus), {"is_enabled": ""})
        make_run(resource_link="https://partners.example.com/courses/course-v1:edX+DemoX+new/info")
        assert press(root, response, **tick()).url == LIST
        assert partners.pk

    def test_errors_come_before_the_impact(self, root):
        campus = make_host_backend("campus")
        make_runs(campus=1)
        response = submit(root, edit(campus), {"is_enabled": "", "name": ""})
        assert list(errors(response)) == ["name"]
        assert panel(response) is None

    def test_a_call_that_wants_json_is_told_and_saves_nothing(self, root):
        campus = make_host_backend("campus")
        make_runs(campus=1)
        values = {**form_values(root.get(edit(campus))), "is_enabled": ""}
        response = root.post(edit(campus), values, headers={"accept": "application/json"})
        assert response.status_code == 400
        assert "no longer matched" in response.json()["error_message"]
        assert stored(campus).is_enabled

    def test_creating(self, root):
        make_host_backend("campus")
        make_runs(campus=1, partners=2)
        values = {
            "name": "Partners",
            "slug": "",
            "base_url": "https://partners.example.com",
            "backend": OPENEDX,
            "course_regex": course_regex("partners.example.com"),
            "is_enabled": "on",
        }
        response = submit(root, ADD, values)
        assert sentences(response) == [
            "2 course runs that no backend matches move to “Partners”.",
            "1 course run stays where it is.",
        ]
        assert LMSBackend.objects.count() == 1
        assert press(root, response).url == LIST
        assert LMSBackend.objects.get(slug="partners").revisions.count() == 1

    def test_copying(self, root):
        campus = make_host_backend("campus")
        make_runs(campus=1, partners=2)
        address = url(LMSBackend, "copy", campus.pk)
        response = submit(root, address, {"course_regex": ANY_HOST, "js_course_regex": ""})
        assert sentences(response)[0] == "2 course runs that no backend matches move to “Campus (copy)”."
        assert press(root, response).url == LIST
        assert LMSBackend.objects.count() == 2

    def test_reverting(self, root):
        campus = make_host_backend("campus", is_enabled=False)
        revision = campus.save_revision()
        campus.is_enabled = True
        campus.save()
        campus.save_revision()
        make_runs(campus=2)
        address = url(LMSBackend, "revisions_revert", campus.pk, revision.pk)
        response = submit(root, address)
        assert sentences(response) == ["2 course runs of “Campus” are no longer matched by any backend."]
        assert stored(campus).is_enabled
        assert press(root, response, **tick()).url == LIST
        assert not stored(campus).is_enabled

    def test_the_order_is_not_what_it_was_when_the_form_was_read(self, root, monkeypatch):
        """Somebody moves the backend between the reading of the record and its saving."""
        campus, other = make_host_backend("campus"), make_host_backend("other")
        hold = impact_views_hold(monkeypatch, lambda: LMSBackend.objects.filter(pk=campus.pk).update(sort_order=9))
        assert submit(root, edit(campus), {"name": "New"}).url == LIST
        assert hold.calls == 1
        assert (stored(campus).name, stored(campus).sort_order) == ("New", 9)
        assert other.pk

    def test_a_slug_that_somebody_takes_meanwhile(self, root, monkeypatch):
        """Or a button that was pressed twice."""
        campus = make_host_backend("campus")
        impact_views_hold(monkeypatch, lambda: make_host_backend("campus-2"))
        response = submit(root, url(LMSBackend, "copy", campus.pk))
        assert response.status_code == 200
        assert list(errors(response)) == ["slug"]
        assert LMSBackend.objects.count() == 2

    def test_a_backend_that_somebody_deletes_meanwhile_does_not_come_back(self, root, monkeypatch):
        campus = make_host_backend("campus")
        impact_views_hold(monkeypatch, lambda: LMSBackend.objects.filter(pk=campus.pk).delete())
        assert submit(root, edit(campus), {"name": "New"}).status_code == 404


def impact_views_hold(monkeypatch, before):
    """Let something happen right before the configuration is held."""
    from cms_lms.admin import impact_views

    hold = impact_views.hold_configuration

    def happening():
        happening.calls += 1
        before()
        return hold()

    happening.calls = 0
    monkeypatch.setattr(impact_views, "hold_configuration", happening)
    return happening


class TestList:
    @pytest.fixture(autouse=True)
    def small_pages(self, monkeypatch):
        monkeypatch.setattr(impact_module, "PAGE_SIZE", 2)

    def links(self, response) -> list[str]:
        return [row.select("td")[1].get_text().split("+")[-1] for row in panel(response).select("tbody tr")]

    def pages(self, response) -> str:
        return " ".join(panel(response).select_one(".cms-lms-impact-pages").get_text().split())

    def turn(self, client, response, label: str) -> HttpResponse:
        button = next(button for button in panel(response).select("button") if label in button.get_text())
        return press(client, response, "impact-list", **{"impact-list": button["value"]})

    def test_by_page_and_back(self, root):
        campus = make_host_backend("campus")
        make_runs(campus=5)
        response = submit(root, edit(campus), {"is_enabled": "", "name": "Typed"})
        seen = [self.links(response)]
        assert self.pages(response) == "1 to 2 of 5 Next course runs"
        for words in ("Previous course runs 3 to 4 of 5 Next course runs", "Previous course runs 5 to 5 of 5"):
            response = self.turn(root, response, "Next course runs")
            assert self.pages(response) == words
            seen.append(self.links(response))
        assert [link for page in seen for link in page] == [f"{number}/info" for number in range(5)]
        assert form_values(response)["name"] == ["Typed"]
        for expected in (seen[1], seen[0]):
            response = self.turn(root, response, "Previous course runs")
            assert self.links(response) == expected
        assert self.pages(response) == "1 to 2 of 5 Next course runs"
        assert stored(campus).is_enabled

    def test_of_another_kind_of_move(self, root):
        campus, partners = make_host_backend("campus"), make_host_backend("partners")
        make_runs(campus=1, partners=3)
        change = {"course_regex": course_regex("partners.example.com"), "js_course_regex": ""}
        response = submit(root, edit(campus), change)
        assert len(self.links(response)) == 1
        shown = self.turn(root, response, "Show them")
        assert "would move from “Partners” to “Campus”" in panel(shown).get_text()
        assert self.pages(shown) == "1 to 2 of 3 Next course runs"
        back = self.turn(root, shown, "Show them")
        assert self.links(back) == self.links(response)
        assert stored(campus).course_regex == campus.course_regex
        assert partners.pk

    @pytest.mark.parametrize(
        "place", ["", "orphans/after/x/1", "nonsense", "orphans/after/999999999999999999/1", "é" * 500]
    )
    def test_turning_a_page_never_saves(self, root, place):
        campus = make_host_backend("campus")
        make_runs(campus=3)
        response = submit(root, edit(campus), {"is_enabled": ""})
        for changes in (tick(), {"is_enabled": "on", "name": "New"}):
            again = press(root, response, "impact-confirm", **{"impact-list": place, **changes})
            assert again.status_code == 200
            assert panel(again)
            assert stored(campus) == campus
            assert (stored(campus).is_enabled, stored(campus).name) == (True, "Campus")

    def test_a_change_that_moves_nothing_any_more(self, root):
        campus = make_host_backend("campus")
        make_runs(campus=3)
        response = submit(root, edit(campus), {"is_enabled": ""})
        again = self.turn(root, response, "Next")
        again = press(root, again, "impact-list", is_enabled="on")
        assert "No course run changes its backend." in panel(again).get_text()

    def test_runs_are_linked_for_those_who_may_edit_them(self, root, administrator):
        campus = make_host_backend("campus")
        make_runs(campus=1)
        for client, expected in ((root, 1), (administrator, 0)):
            response = submit(client, edit(campus), {"is_enabled": ""})
            assert len(panel(response).select("tbody a")) == expected

    def test_titles_are_escaped(self, root):
        campus = make_host_backend("campus", name="<b>Campus</b>")
        make_runs(campus=1)
        CourseRun.objects.update(title="<script>alert(1)</script>")
        text = submit(root, edit(campus), {"is_enabled": ""}).content.decode()
        assert "<script>alert(1)" not in text
        assert "<b>Campus" not in text


class TestSwitch:
    def test_done_at_once_where_nothing_moves(self, root):
        campus = make_host_backend("campus")
        make_runs(elsewhere=1)
        response = root.post(url(LMSBackend, "disable", campus.pk), {"next": LIST})
        assert response.url == LIST
        assert not stored(campus).is_enabled

    def test_enabling_one_that_would_not_be_saved_any_more_says_why(self, root):
        campus = make_host_backend("campus")
        LMSBackend.objects.update(is_enabled=False, course_regex="^https://campus(")
        make_runs(campus=1)
        done = root.post(url(LMSBackend, "enable", campus.pk), {"next": LIST})
        enabled, warning = messages(done)
        assert enabled == "“Campus” is enabled."
        assert warning.startswith("Correct it in its form, it may own no URL until then: ")
        assert "parenthes" in warning

    @pytest.mark.parametrize("method", ["get", "post"])
    def test_disabling_shows_what_it_does(self, root, method):
        campus = make_host_backend("campus")
        make_runs(campus=2)
        address = url(LMSBackend, "disable", campus.pk)
        response = getattr(root, method)(address, {"next": LIST})
        assert sentences(response) == ["2 course runs of “Campus” are no longer matched by any backend."]
        assert stored(campus).is_enabled
        assert "Disabling “Campus” affects 2 course runs" in panel(response).h2.get_text()
        refused = press(root, response)
        assert "Tick this box" in panel(refused).get_text()
        assert stored(campus).is_enabled
        done = press(root, refused, **tick())
        assert done.url == LIST
        assert messages(done) == ["“Campus” is disabled."]
        assert not stored(campus).is_enabled
        assert stored(campus).latest_revision.content["is_enabled"] is False

    def test_enabling_shows_what_it_does(self, root):
        campus = make_host_backend("campus", is_enabled=False)
        partners = make_backend(name="Any", course_regex=ANY_HOST)
        make_runs(campus=2)
        response = root.post(url(LMSBackend, "enable", campus.pk))
        assert sentences(response) == ["2 course runs move from “Any” to “Campus”."]
        assert press(root, response).url == edit(campus)
        assert stored(campus).is_enabled
        assert partners.pk

    def test_a_confirmation_of_one_is_none_of_another(self, root):
        campus, partners = make_host_backend("campus"), make_host_backend("partners")
        make_runs(campus=1, partners=1)
        response = root.post(url(LMSBackend, "disable", campus.pk))
        token = soup(response).select_one("[name=impact-confirm]")["value"]
        root.post(url(LMSBackend, "disable", partners.pk), {"impact-confirm": token, **tick()})
        root.post(url(LMSBackend, "delete", campus.pk), {"impact-confirm": token, **tick()})
        assert LMSBackend.objects.filter(is_enabled=True).count() == 2

    def test_the_form_has_the_button(self, root, publisher):
        campus, other = make_host_backend("campus"), make_host_backend("other", is_enabled=False)
        for backend, view in ((campus, "disable"), (other, "enable")):
            button = soup(root.get(edit(backend))).select_one("[data-w-action-url-value]")
            assert button["data-w-action-url-value"] == url(LMSBackend, view, backend.pk)
            assert button.get_text(strip=True) == view.title()

    def test_a_class_that_the_settings_dropped_matches_nothing(self, root, settings):
        campus = make_host_backend("campus", is_enabled=False)
        make_runs(campus=1)
        settings.CMS_LMS_BACKENDS = ["cms_lms.backends.base.BaseLMSBackend"]
        assert root.post(url(LMSBackend, "enable", campus.pk)).status_code == 302
        assert root.post(url(LMSBackend, "delete", campus.pk)).status_code == 302


class TestRaces:
    def test_two_backends_at_once_leave_no_run_behind_unseen(self, transactional_db_with_runs):
        """Whoever comes second sees what the first one did: one of them must be shown the orphans."""
        campus, fallback, (first, second) = transactional_db_with_runs
        confirmed = first.post(url(LMSBackend, "disable", campus.pk))
        assert sentences(confirmed) == ["1 course run moves from “Campus” to “Any”."]
        posted = form_values(confirmed, f"form:has({PANEL})")
        token = soup(confirmed).select_one("[name=impact-confirm]")["value"]
        start, answers = threading.Barrier(2), []

        def post(client, backend, values):
            try:
                start.wait(timeout=20)
                answers.append(client.post(url(LMSBackend, "disable", backend.pk), values).status_code)
            finally:
                connection.close()

        threads = [
            threading.Thread(target=post, args=(first, campus, {**posted, "impact-confirm": token})),
            threading.Thread(target=post, args=(second, fallback, {})),
        ]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(timeout=60)
        assert sorted(answers) == [200, 302]
        assert LMSBackend.objects.filter(is_enabled=True).count() == 1


@pytest.fixture
def transactional_db_with_runs(request):
    request.getfixturevalue("transactional_db")
    campus, fallback = make_host_backend("campus"), make_backend(name="Any", course_regex=ANY_HOST)
    make_runs(campus=1)
    return campus, fallback, [make_client(superuser=True, username=name) for name in ("first", "second")]


TestRaces = pytest.mark.django_db(transaction=True, serialized_rollback=True)(TestRaces)


class TestMany:
    @pytest.fixture
    def thousand(self) -> list[LMSBackend]:
        return LMSBackend.objects.bulk_create(
            LMSBackend(
                name=f"LMS {number}",
                slug=f"lms-{number}",
                base_url=f"https://h{number}.example.com",
                backend=OPENEDX,
                course_regex=course_regex(f"h{number}.example.com"),
                sort_order=number,
            )
            for number in range(1000)
        )

    def test_a_thousand_backends(self, root, thousand):
        make_runs(h0=2, h500=1)
        first = thousand[0]
        response = submit(root, edit(first), {"is_enabled": ""})
        assert sentences(response) == [
            "2 course runs of “LMS 0” are no longer matched by any backend.",
            "1 course run stays where it is.",
        ]
        assert press(root, response, **tick()).url == LIST

    def test_the_number_of_queries_does_not_grow_with_the_list(self, root):
        campus = make_host_backend("campus")
        make_runs(campus=2)
        submit(root, edit(campus), {"is_enabled": ""})
        values = {**form_values(root.get(edit(campus))), "is_enabled": ""}
        with CaptureQueriesContext(connection) as few:
            root.post(edit(campus), values)
        CourseRun.objects.all().delete()
        make_runs(campus=20)
        with CaptureQueriesContext(connection) as many:
            root.post(edit(campus), values)
        assert len(many) <= len(few)
