"""What the web hook costs beside its floor, to the answer; what follows the answer stands on lines of its own."""

from __future__ import annotations

import itertools
import json
import statistics
import time
from collections.abc import Callable
from typing import Any

from django_tasks import task_backends

from cms_lms.models import CourseRun
from cms_lms.runs.fields import SyncMode
from cms_lms.sync.signature import sign
from tests.bench.catalogue import analyze, course_code, extend_catalogue, make_payload
from tests.bench.floor import floor_key
from tests.bench.measure import Figure, Report, Site, Timings, count_queries, interleave, make_environ
from tests.bench.models import FloorRun
from tests.bench.selection import fill_backends

#: Courses of the catalogue, each with ten runs: the last is a hundred thousand runs.
COURSES = (10, 1000, 10_000)

LISTS = (100, 1000)

#: Rounds of lists: one of a thousand takes most of a second.
MOST_LISTS = 20

SECRET = "SharedSecret"

HOOK, FLOOR_ONE, FLOOR_LIST = "/api/v1.0/course-runs-sync/", "/floor/one/", "/floor/list/"

FLOOR = "floor"

CREATE, PUBLIC, DRAFT, REPEAT = "create", "update public", "update draft", "repeat"

#: How much of the floor a call may cost; a list's is that of one of its runs.
LIMITS = {PUBLIC: 2.5, DRAFT: 8.0, REPEAT: 1.2}
LIST_LIMIT, LIST_MAX_QUERIES = 0.25, 25

#: How much more of the floor a call may cost with any number of courses than with the fewest.
FLAT = 1.25


#: Returns a call that is ready to be timed.
Prepare = Callable[[], Callable[[], Any]]


class Sender:
    """Posts signed payloads; each change of a run is a new one."""

    def __init__(self, courses: int) -> None:
        self.site = Site()
        self.courses = courses
        self._numbers = itertools.count(1)

    def post(self, path: str, payload: Any) -> Callable[[], bytes]:
        """Return the call that posts a payload, signed already."""
        body = json.dumps(payload).encode()
        environ = make_environ("POST", path, CONTENT_TYPE="application/json", HTTP_AUTHORIZATION=sign(body, SECRET))
        return lambda: self.site.call(environ, body)

    def change(self, run: str, path: str = HOOK) -> Callable[[], bytes]:
        """Return the call that changes a run of the first course."""
        return self.post(path, make_payload(course_code(0), run, next(self._numbers)))

    def create(self) -> Callable[[], bytes]:
        """Return the call that creates one."""
        number = next(self._numbers)
        return self.post(HOOK, make_payload(course_code(number % self.courses), f"NEW{self.courses}N{number}"))

    def repeat(self) -> Callable[[], bytes]:
        """Return the call that says what is known."""
        return self.post(HOOK, make_payload(course_code(0), "REPEATED"))

    def change_list(self, length: int, path: str = HOOK) -> Callable[[], bytes]:
        """Return the call that changes so many runs of many courses."""
        first = next(self._numbers) * length
        return self.post(path, [make_payload(*run, change) for change, run in enumerate(self.listed(length), first)])

    def listed(self, length: int) -> list[tuple[str, str]]:
        """Return the courses and names of the runs in a list."""
        return [(course_code(number % self.courses), f"LISTED{number}") for number in range(length)]

    def make_runs(self) -> None:
        """Make what will be changed, as the LMS does: by the web hook."""
        for run in ("PUBLIC", "DRAFT", "REPEATED"):
            self.post(HOOK, make_payload(course_code(0), run))()
        listed = self.listed(max(LISTS))
        self.post(HOOK, [make_payload(*run) for run in listed])()
        draft = make_payload(course_code(0), "DRAFT")["resource_link"]
        CourseRun.objects.for_link(draft).update(sync_mode=SyncMode.TO_DRAFT)
        links = [make_payload(*run)["resource_link"] for run in [(course_code(0), "PUBLIC"), *listed]]
        FloorRun.objects.bulk_create([FloorRun(key=floor_key(link)) for link in links], ignore_conflicts=True)
        analyze()


def measure_webhook(report: Report) -> None:
    """Report a call of each kind, alone and in lists, with few and with many courses."""
    fill_backends(10)
    fewest: dict[str, float] = {}
    for courses in COURSES:
        extend_catalogue(courses)
        sender = Sender(courses)
        sender.make_runs()
        floor: Prepare = lambda sender=sender: sender.change("PUBLIC", FLOOR_ONE)  # noqa: E731
        singles: dict[str, Prepare] = {
            FLOOR: floor,
            CREATE: sender.create,
            PUBLIC: lambda sender=sender: sender.change("PUBLIC"),
            DRAFT: lambda sender=sender: sender.change("DRAFT"),
            REPEAT: sender.repeat,
        }
        timings = interleave(singles, report.repeat)
        for name, call in singles.items():
            _report_call(report, name, courses, call, timings, fewest)
        for length in LISTS:
            floor_list, public_list = f"floor, list of {length}", f"list of {length} public updates"
            lists: dict[str, Prepare] = {
                FLOOR: floor,
                floor_list: lambda sender=sender, length=length: sender.change_list(length, FLOOR_LIST),
                public_list: lambda sender=sender, length=length: sender.change_list(length),
            }
            timings = interleave(lists, min(report.repeat, MOST_LISTS), warm_up=2)
            for name in (floor_list, public_list):
                _report_call(report, name, courses, lists[name], timings, fewest, length)
            _report_background(report, f"{public_list}, courses={courses}, tasks after the answer", lists[public_list])
        for name in (CREATE, PUBLIC, DRAFT):
            _report_background(report, f"{name}, courses={courses}, tasks after the answer", singles[name])


def _report_call(
    report: Report,
    name: str,
    courses: int,
    call: Prepare,
    timings: Timings,
    fewest: dict[str, float],
    length: int = 0,
) -> None:
    """Report one kind of call. ``fewest``: its ratio with the fewest courses, noted here. ``length``: of a list."""
    queries = count_queries(call())
    target, ratio, is_met = None, None, None
    if not name.startswith(FLOOR):
        ratio = timings.ratio(name, FLOOR) / (length or 1)
        limit = LIST_LIMIT if length else LIMITS.get(name)
        is_flat = ratio <= FLAT * fewest.setdefault(name, ratio)
        is_met = is_flat and (limit is None or ratio <= limit) and (not length or queries <= LIST_MAX_QUERIES)
        target = "; ".join(
            [
                *([f"≤ {limit} × the floor{' per run' if length else ''}"] if limit else []),
                *([f"≤ {LIST_MAX_QUERIES} queries"] if length else []),
                f"at most {FLAT} × the ratio with {COURSES[0]} courses",
            ]
        )
    report.add(
        Figure(
            f"{name}, courses={courses}",
            timings.median(name) * 1e3,
            "ms",
            minimum=timings.minimum(name) * 1e3,
            queries=queries,
            target=target,
            ratio_to_floor=ratio,
            is_met=is_met,
        )
    )


def _report_background(report: Report, title: str, prepare: Prepare) -> None:
    samples = []
    for _time in range(max(3, report.repeat // 20)):
        queued().clear()
        prepare()()
        begin = time.perf_counter()
        run_queued()
        samples.append(time.perf_counter() - begin)
    prepare()()
    report.add(
        Figure(
            title,
            statistics.median(samples) * 1e3,
            "ms",
            minimum=min(samples) * 1e3,
            queries=count_queries(run_queued),
        )
    )


def queued() -> list:
    """Return the queue of tasks."""
    return task_backends["default"].results


def run_queued() -> None:
    """Do what waits in the queue."""
    waiting = list(queued())
    queued().clear()
    for result in waiting:
        result.task.func(*result.args, **result.kwargs)
