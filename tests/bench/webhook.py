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
from tests.bench.catalogue import course_code, extend_catalogue, make_payload
from tests.bench.floor import floor_key
from tests.bench.measure import Figure, Report, Site, Timings, count_queries, interleave, make_environ
from tests.bench.models import FloorRun
from tests.bench.selection import fill_backends

COURSES = (10, 1000)

LIST_LENGTH = 100

SECRET = "SharedSecret"

HOOK, FLOOR_ONE, FLOOR_LIST = "/api/v1.0/course-runs-sync/", "/floor/one/", "/floor/list/"

CREATE, PUBLIC, DRAFT, REPEAT, LIST = (
    "create",
    "update public",
    "update draft",
    "repeat",
    f"list of {LIST_LENGTH} public updates",
)

#: How much of the floor a call may cost, in words and as a number; a list's is that of one of its runs.
TARGETS = {
    PUBLIC: ("≤ 2.5 × the floor", 2.5),
    DRAFT: ("≤ 8 × the floor", 8.0),
    REPEAT: ("≤ 1.2 × the floor", 1.2),
    LIST: ("≤ 25 queries and ≤ 0.25 × the floor per run", 0.25),
}
LIST_MAX_QUERIES = 25


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

    def change_list(self, path: str = HOOK) -> Callable[[], bytes]:
        """Return the call that changes a hundred runs of many courses."""
        first = next(self._numbers) * LIST_LENGTH
        return self.post(path, [make_payload(*run, change) for change, run in enumerate(self.listed(), first)])

    def listed(self) -> list[tuple[str, str]]:
        """Return the courses and names of the runs in the list."""
        return [(course_code(number % self.courses), f"LISTED{number}") for number in range(LIST_LENGTH)]

    def make_runs(self) -> None:
        """Make what will be changed, as the LMS does: by the web hook."""
        for run in ("PUBLIC", "DRAFT", "REPEATED"):
            self.post(HOOK, make_payload(course_code(0), run))()
        self.post(HOOK, [make_payload(*run) for run in self.listed()])()
        draft = make_payload(course_code(0), "DRAFT")["resource_link"]
        CourseRun.objects.for_link(draft).update(sync_mode=SyncMode.TO_DRAFT)
        links = [make_payload(course_code(0), "PUBLIC")["resource_link"]]
        links += [make_payload(*run)["resource_link"] for run in self.listed()]
        FloorRun.objects.bulk_create([FloorRun(key=floor_key(link)) for link in links], ignore_conflicts=True)


def measure_webhook(report: Report) -> None:
    """Report a call of each kind with few and with many courses."""
    fill_backends(10)
    for courses in COURSES:
        extend_catalogue(courses)
        sender = Sender(courses)
        sender.make_runs()
        calls: dict[str, Callable[[], Callable[[], Any]]] = {
            "floor": lambda sender=sender: sender.change("PUBLIC", FLOOR_ONE),
            CREATE: sender.create,
            PUBLIC: lambda sender=sender: sender.change("PUBLIC"),
            DRAFT: lambda sender=sender: sender.change("DRAFT"),
            REPEAT: sender.repeat,
            "floor, list": lambda sender=sender: sender.change_list(FLOOR_LIST),
            LIST: sender.change_list,
        }
        timings = interleave(calls, report.repeat)
        for name, call in calls.items():
            _report_call(report, f"{name}, courses={courses}", name, count_queries(call()), timings)
        for name in (CREATE, PUBLIC, DRAFT, LIST):
            _report_background(report, f"{name}, courses={courses}, tasks after the answer", calls[name])


def _report_call(report: Report, title: str, name: str, queries: int, timings: Timings) -> None:
    ratio, is_met, target = None, None, None
    if not name.startswith("floor"):
        ratio = timings.ratio(name, "floor") / (LIST_LENGTH if name == LIST else 1)
    if name in TARGETS and ratio is not None:
        target, limit = TARGETS[name]
        is_met = ratio <= limit and (name != LIST or queries <= LIST_MAX_QUERIES)
    report.add(
        Figure(
            title,
            timings.median(name) * 1e3,
            "ms",
            minimum=timings.minimum(name) * 1e3,
            queries=queries,
            target=target,
            ratio_to_floor=ratio,
            is_met=is_met,
        )
    )


def _report_background(report: Report, title: str, prepare: Callable[[], Callable[[], Any]]) -> None:
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
