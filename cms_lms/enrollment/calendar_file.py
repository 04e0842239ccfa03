"""The dates of course runs as a file for calendars (RFC 5545): when each course takes place, when enrollment closes.

Knows records and addresses, no request. The same runs make the same bytes whenever they are asked for: an event is
dated by the last change of its run, and known again by its UID, so that a calendar that reads the file twice moves what
moved.
"""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Iterable, Iterator

from django.utils.translation import get_language, gettext
from icalendar import Calendar, Event, vText

from cms_lms.models import CourseRun
from cms_lms.runs.state import is_unscheduled

PRODUCT = "-//cms_lms//Course runs//EN"

#: Before any run. Sequence numbers count the seconds from here, which fit what calendars take until 2088.
EPOCH = dt.datetime(2020, 1, 1, tzinfo=dt.UTC)

#: What RFC 5545 does not allow in a text, and separators that some calendars take for the end of a line.
_CONTROLS = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029]+")


def has_dates_ahead(
    start: dt.datetime | None, end: dt.datetime | None, enrollment_end: dt.datetime | None, *, now: dt.datetime
) -> bool:
    """Whether a calendar has anything to remind of: a course that is not over, or a deadline that has not passed."""
    course = None if is_unscheduled(start) else (end if _is_known(end) else start)
    return any(moment is not None and _is_known(moment) and moment > now for moment in (course, enrollment_end))


def make_calendar(runs: Iterable[CourseRun], *, title: str, page_url: str, host: str) -> bytes | None:
    """Return the file for the runs of a course, in the language that is active; None where they have no dates.

    ``title`` is the course's, ``page_url`` that of its page, blank where it has none. ``host`` is the site's: with the
    runs' ids it makes the events' UIDs.
    """
    events = [event for run in runs for event in _events(run, title=title, page_url=page_url, host=host)]
    if not events:
        return None
    calendar = Calendar()
    calendar.add("prodid", PRODUCT)
    calendar.add("version", "2.0")
    calendar.add("calscale", "GREGORIAN")
    calendar.add("method", "PUBLISH")
    for name in ("name", "x-wr-calname"):  # of RFC 7986, and what calendars read before it
        calendar.add(name, vText(_clean(title)))
    for event in events:
        calendar.add_component(event)
    return calendar.to_ical()


def _events(run: CourseRun, *, title: str, page_url: str, host: str) -> Iterator[Event]:
    name = gettext("%(course)s: %(run)s") % {"course": title, "run": run.title} if run.title else title
    url = f"{page_url}#run-{run.pk}" if page_url else ""
    if run.start is not None and not is_unscheduled(run.start):
        end = run.end if run.end is not None and _is_known(run.end) and run.end > run.start else None
        yield _event(run, "course", host, name, url, run.start, end)
    if run.enrollment_end is not None and _is_known(run.enrollment_end):
        summary = gettext("Enrollment closes: %(course)s") % {"course": name}
        yield _event(run, "enrollment-end", host, summary, url, run.enrollment_end, None)


def _event(
    run: CourseRun, kind: str, host: str, summary: str, url: str, start: dt.datetime, end: dt.datetime | None
) -> Event:
    changed_at = last_change(run)
    event = Event()
    event.add("uid", f"course-run-{run.pk}-{kind}@{host}")
    event.add("dtstamp", changed_at)
    event.add("last-modified", changed_at)
    event.add("sequence", max(0, int((changed_at - EPOCH).total_seconds())))
    event.add("dtstart", _utc(start))
    if end is not None:
        event.add("dtend", _utc(end))
    event.add("summary", vText(_clean(summary), params={"LANGUAGE": get_language() or "en"}))
    if url:
        event.add("url", url)
        event.add("description", vText(url))  # many calendars show no other
    # A course of three months keeps nobody busy day and night.
    event.add("transp", "TRANSPARENT")
    return event


def last_change(run: CourseRun) -> dt.datetime:
    """Return when what the public sees of a run last changed, as far as is known, in UTC to the second."""
    moments = (run.first_published_at, run.last_published_at, run.last_synced_at)
    return _utc(max((moment for moment in moments if moment is not None), default=EPOCH))


def _is_known(moment: dt.datetime | None) -> bool:
    """Whether a date is one: neither missing nor "never". The placeholder of a start is a day like any other here."""
    return moment is not None and moment.year < 9998


def _utc(moment: dt.datetime) -> dt.datetime:
    return moment.astimezone(dt.UTC).replace(microsecond=0)


def _clean(text: str) -> str:
    return _CONTROLS.sub(" ", text).strip()
