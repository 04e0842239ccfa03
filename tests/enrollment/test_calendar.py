"""The files for calendars, read back as calendars read them."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta, timezone

import pytest
from bs4 import BeautifulSoup
from django.utils import translation
from icalendar import Calendar
from wagtail.models import Locale, PageViewRestriction

from cms_lms.enrollment.calendar_file import has_dates_ahead, make_calendar
from cms_lms.enrollment.panel import build_panel
from cms_lms.models import Course, CourseRun
from cms_lms.runs.fields import CatalogVisibility, DisplayMode
from tests.catalog.makers import make_course_page
from tests.enrollment.run_dates import NOW
from tests.factories import make_course, make_run

pytestmark = pytest.mark.django_db

CHANGED = datetime(2026, 2, 3, 4, 5, 6, 789, tzinfo=UTC)
NEVER = datetime(9999, 12, 31, tzinfo=UTC)
RUBBISH = ["0", "9" * 19, str(2**63), "9" * 400, "-1", "1.0", "abc", "٣", "%00", "1%00", "%ED%A0%80", "²"]
DATES = {
    "start": datetime(2099, 3, 1, 10, 30, 0, 123, tzinfo=timezone(timedelta(hours=2))),
    "end": datetime(2099, 6, 1, 9, tzinfo=UTC),
    "enrollment_start": datetime(2024, 1, 1, 9, tzinfo=UTC),
    "enrollment_end": datetime(2099, 2, 1, 22, 59, 59, tzinfo=UTC),
}


def run_of(**fields) -> CourseRun:
    """Return a public run that last changed at a known moment."""
    run = make_run(**{**DATES, **fields})
    values = {"first_published_at": CHANGED, "last_published_at": CHANGED, "last_synced_at": None}
    CourseRun.objects.filter(pk=run.pk).update(**values)
    return CourseRun.objects.get(pk=run.pk)


def make(*runs: CourseRun, title: str = "Bread", page_url: str = "https://cms.example.com/bread/") -> Calendar:
    """Return the calendar of runs, read back."""
    body = make_calendar(runs, title=title, page_url=page_url, host="cms.example.com")
    assert body is not None
    return Calendar.from_ical(body)


class TestFile:
    """What is in it."""

    def test_a_course_and_its_deadline_are_two_events(self):
        run = run_of()
        course, deadline = make(run).walk("VEVENT")

        assert course["SUMMARY"] == "Bread"
        assert course["DTSTART"].dt == datetime(2099, 3, 1, 8, 30, tzinfo=UTC)
        assert course["DTEND"].dt == datetime(2099, 6, 1, 9, tzinfo=UTC)
        assert course["URL"] == course["DESCRIPTION"] == f"https://cms.example.com/bread/#run-{run.pk}"
        assert course["UID"] == f"course-run-{run.pk}-course@cms.example.com"
        assert course["TRANSP"] == "TRANSPARENT"
        assert deadline["SUMMARY"] == "Enrollment closes: Bread"
        assert deadline["DTSTART"].dt == datetime(2099, 2, 1, 22, 59, 59, tzinfo=UTC)
        assert "DTEND" not in deadline
        assert deadline["UID"] == f"course-run-{run.pk}-enrollment-end@cms.example.com"

    def test_what_the_standard_asks_for_is_there_once(self):
        body = make_calendar([run_of()], title="Bread", page_url="", host="cms.example.com")
        assert body is not None
        lines = body.decode().split("\r\n")
        events = body.decode().split("BEGIN:VEVENT")[1:]

        assert lines[0] == "BEGIN:VCALENDAR"
        assert lines[-2:] == ["END:VCALENDAR", ""]
        assert [lines.count(line) for line in ("VERSION:2.0", "CALSCALE:GREGORIAN", "METHOD:PUBLISH")] == [1, 1, 1]
        assert sum(line.startswith("PRODID:") for line in lines) == 1
        for event in events:
            for name in ("UID", "DTSTAMP", "DTSTART", "SEQUENCE"):
                assert len(re.findall(rf"^{name}[:;]", event, re.MULTILINE)) == 1
            assert "URL" not in event
            assert set(re.findall(r"DT(?:START|END|STAMP):(.*)\r", event)) == {
                found for found in re.findall(r":(\d{8}T\d{6}Z)\r", event) if found
            }
        assert not re.search(r"(?<!\r)\n|\r(?!\n)", body.decode())

    def test_lines_are_folded_within_characters_limits(self):
        body = make_calendar([run_of(title="ö" * 200)], title="Brød, salt; \\ " * 20, page_url="", host="x")
        assert body is not None

        assert all(len(line) <= 75 for line in body.split(b"\r\n"))
        assert all(line.decode() for line in body.split(b"\r\n")[:-1])
        assert Calendar.from_ical(body).walk("VEVENT")[0]["SUMMARY"].endswith("ö" * 200)

    @pytest.mark.parametrize(
        "title",
        [
            'Bread, salt; water\\flour: "all"',
            "END:VCALENDAR\r\nBEGIN:VEVENT\nUID:mine",
            "a\x00b\x07c\x0bd\x1fe\x7ff\x85g\u2028h\u2029i",
            "\\n",
        ],
    )
    def test_no_title_breaks_out(self, title):
        run = run_of()
        run.title = title  # some databases take no NUL
        calendar = make(run, title=title)
        clean = re.sub(r"[\x00-\x1f\x7f-\x9f\u2028\u2029]+", " ", title)

        assert len(calendar.walk("VEVENT")) == 2
        assert calendar.walk("VEVENT")[0]["SUMMARY"] == f"{clean}: {clean}"
        assert str(calendar.walk("VEVENT")[0]["UID"]).startswith("course-run-")
        assert "UID" not in calendar

    def test_the_same_runs_make_the_same_bytes_and_a_change_shows(self):
        run = run_of()
        first, again = (make_calendar([run], title="Bread", page_url="", host="x") for _ in range(2))
        assert first == again
        (event, _) = make(run).walk("VEVENT")
        assert event["DTSTAMP"].dt == event["LAST-MODIFIED"].dt == CHANGED.replace(microsecond=0)

        run.last_synced_at = CHANGED + timedelta(seconds=1)
        run.start = DATES["start"] + timedelta(days=1)
        (moved, _) = make(run).walk("VEVENT")
        assert moved["UID"] == event["UID"]
        assert moved["DTSTAMP"].dt > event["DTSTAMP"].dt
        assert moved["SEQUENCE"] == event["SEQUENCE"] + 1

    @pytest.mark.parametrize("end", [None, NEVER, DATES["start"], datetime(2, 1, 1, tzinfo=UTC)])
    def test_an_end_that_is_none_is_left_out(self, end):
        run = run_of()
        run.end = end
        (course, _) = make(run).walk("VEVENT")

        assert "DTEND" not in course

    @pytest.mark.parametrize("start", [None, datetime(2030, 1, 1, tzinfo=UTC), datetime(9999, 1, 1, tzinfo=UTC)])
    def test_a_start_to_be_announced_leaves_the_deadline_alone(self, start):
        run = run_of()
        run.start = start
        (deadline,) = make(run).walk("VEVENT")

        assert "enrollment-end" in deadline["UID"]

    def test_without_dates_there_is_no_file(self):
        run = run_of(start=None, enrollment_end=None)
        assert make_calendar([run], title="Bread", page_url="", host="x") is None

    def test_the_words_are_in_the_language_that_is_active(self):
        run = run_of()
        with translation.override("fr"):
            (course, _) = make(run).walk("VEVENT")

        assert course["SUMMARY"].params["LANGUAGE"] == "fr"


@pytest.mark.parametrize(
    ("start", "end", "enrollment_end", "is_ahead"),
    [
        (1, 2, None, True),
        (-1, 2, None, True),
        (-2, -1, None, False),
        (-1, None, None, False),
        (-2, -1, 1, True),
        (None, None, 1, True),
        (None, 1, None, False),
        (None, None, None, False),
    ],
)
def test_what_is_over_needs_no_reminder(start, end, enrollment_end, is_ahead):
    dates = [None if days is None else NOW + timedelta(days=days) for days in (start, end, enrollment_end)]

    assert has_dates_ahead(*dates, now=NOW) is is_ahead


def test_never_and_not_scheduled_are_no_dates_ahead():
    assert not has_dates_ahead(datetime(2030, 1, 1, tzinfo=UTC), NEVER, NEVER, now=NOW)


class TestLinks:
    """What pages offer."""

    def links(self, client, course: Course) -> list[str]:
        page = BeautifulSoup(client.get(make_course_page(course).url).content, "html.parser")
        return [link["href"] for link in page.select("a.course-run__calendar")]

    def test_one_run_has_its_own_several_one_for_all_too(self, client):
        run = run_of(title="Spring <edition>")
        (link,) = self.links(client, run.course)
        assert client.get(link).status_code == 200

        run_of(course=run.course)
        links = self.links(client, run.course)
        assert len(links) == 3
        assert links[-1] == f"/calendar/courses/{run.course_id}.ics?language=en"
        assert all(client.get(link).status_code == 200 for link in links)

    def test_screen_readers_hear_which_run(self, client):
        run = run_of(title="Spring <edition>")
        page = BeautifulSoup(client.get(make_course_page(run.course).url).content, "html.parser")

        assert page.select_one("a.course-run__calendar").text == "Add to calendar: Spring <edition>"

    def test_what_is_over_or_compact_has_none(self, client):
        course = make_course()
        make_run(course=course)
        run_of(course=course, display_mode=DisplayMode.COMPACT)

        assert self.links(client, course) == []

    def test_a_draft_has_none(self):
        assert build_panel(run_of(), now=NOW, is_draft=True).calendar_url == ""
        assert build_panel(run_of(), now=NOW).calendar_url

    def test_a_project_without_our_addresses_has_none(self, settings):
        run = run_of()
        settings.ROOT_URLCONF = "wagtail.admin.urls"
        assert build_panel(run, now=NOW).calendar_url == ""


class TestViews:
    """The addresses."""

    def test_a_run_is_a_file_to_keep(self, client):
        run = run_of()
        page = make_course_page(run.course, title="Bread")
        response = client.get(f"/calendar/course-runs/{run.pk}.ics")
        (event, _) = Calendar.from_ical(response.content).walk("VEVENT")

        assert response["Content-Type"] == "text/calendar; charset=utf-8"
        assert response["Content-Disposition"] == f'attachment; filename="DEMOX-{run.pk}.ics"'
        assert event["SUMMARY"] == "Bread"
        assert event["URL"] == f"{page.full_url}#run-{run.pk}"
        assert not response.cookies

    def test_caches_keep_it_and_ask_by_its_tag(self, client, settings):
        settings.CMS_LMS_PAGE_CACHE_SECONDS = 60
        run = run_of()
        make_course_page(run.course)
        url = f"/calendar/course-runs/{run.pk}.ics"
        response = client.get(url)

        assert {"public", "max-age=0", "must-revalidate", "s-maxage=60"} == set(response["Cache-Control"].split(", "))
        assert client.get(url)["ETag"] == response["ETag"]
        again = client.get(url, headers={"If-None-Match": response["ETag"]})
        assert again.status_code == 304
        CourseRun.objects.update(end=DATES["end"] + timedelta(days=1))
        assert client.get(url, headers={"If-None-Match": response["ETag"]}).status_code == 200

    def test_head_and_nothing_else(self, client):
        run = run_of()
        make_course_page(run.course)
        url = f"/calendar/course-runs/{run.pk}.ics"

        assert client.head(url).content == b""
        assert client.head(url)["ETag"]
        assert client.post(url).status_code == 405

    def test_a_course_has_its_runs_that_are_not_over(self, client):
        course = make_course(code="Brød")
        ahead = [run_of(course=course, title=title) for title in ("One", "Two")]
        make_run(course=course, title="Over")
        run_of(course=course, title="Secret", catalog_visibility=CatalogVisibility.HIDDEN)
        run_of(course=course, title="On its page alone", catalog_visibility=CatalogVisibility.COURSE_ONLY)
        make_course_page(course, title="Bread")
        response = client.get(f"/calendar/courses/{course.pk}.ics")
        calendar = Calendar.from_ical(response.content)
        names = [str(event["SUMMARY"]) for event in calendar.walk("VEVENT")]

        assert names[::2] == ["Bread: One", "Bread: Two", "Bread: On its page alone"]
        assert len(names) == 6
        assert calendar["NAME"] == calendar["X-WR-CALNAME"] == "Bread"
        assert response["Content-Disposition"] == "attachment; filename*=utf-8''BR%C3%98D.ics"
        assert str(ahead[0].pk) in calendar.walk("VEVENT")[0]["UID"]

    def test_the_language_is_in_the_address_not_in_the_browser(self, client):
        run = run_of()
        make_course_page(run.course, title="Bread")
        french, _ = Locale.objects.get_or_create(language_code="fr")
        make_course_page(run.course, title="Pain", slug="pain", locale=french)
        url = f"/calendar/course-runs/{run.pk}.ics"

        def title(query: str, **headers: str) -> str:
            return str(Calendar.from_ical(client.get(url + query, headers=headers).content)["NAME"])

        assert title("", **{"Accept-Language": "fr"}) == "Bread"
        assert title("?language=fr") == title("?language=fr-ca") == "Pain"
        assert title("?language=%00%ff") == title("?language=../../etc") == title("?language=zz") == "Bread"

    @pytest.mark.parametrize(
        "fields",
        [{"live": False}, {"catalog_visibility": CatalogVisibility.HIDDEN}, {"start": None, "enrollment_end": None}],
    )
    def test_what_is_not_public_or_has_no_dates_is_not_found(self, client, admin_client, fields):
        run = make_run(**{**DATES, **fields})
        make_course_page(run.course)

        for user in (client, admin_client):
            assert user.get(f"/calendar/course-runs/{run.pk}.ics").status_code == 404
            assert user.get(f"/calendar/courses/{run.course_id}.ics").status_code == 404

    def test_a_run_without_a_live_page_is_not_found(self, client):
        run = run_of()
        make_course_page(run.course, live=False)

        assert client.get(f"/calendar/course-runs/{run.pk}.ics").status_code == 404

    @pytest.mark.parametrize("kind", [PageViewRestriction.LOGIN, PageViewRestriction.PASSWORD])
    def test_what_a_page_for_some_visitors_says_is_not_told_to_all(self, client, kind):
        run = run_of()
        page = make_course_page(run.course, title="Internal")
        urls = [f"/calendar/course-runs/{run.pk}.ics", f"/calendar/courses/{run.course_id}.ics"]
        assert [client.get(url).status_code for url in urls] == [200, 200]

        PageViewRestriction.objects.create(page=page.get_parent(), restriction_type=kind, password="secret")
        assert [client.get(url).status_code for url in urls] == [404, 404]

    def test_a_course_that_is_over_is_not_found(self, client):
        run = make_run()
        make_course_page(run.course)

        assert client.get(f"/calendar/courses/{run.course_id}.ics").status_code == 404

    @pytest.mark.parametrize("name", ["course-runs", "courses"])
    @pytest.mark.parametrize("rubbish", RUBBISH)
    def test_a_rubbish_id_is_not_found(self, client, name, rubbish):
        assert client.get(f"/calendar/{name}/{rubbish}.ics").status_code == 404
