"""What it costs to say what a change to the backends does to a hundred thousand runs: time and peak memory."""

from __future__ import annotations

import itertools
import resource
import tracemalloc
from collections.abc import Callable
from typing import Any

from django.contrib.auth.models import User
from django.test import Client
from django.urls import reverse

from cms_lms.matching.changed_configuration import ChangedConfiguration, Configuration
from cms_lms.matching.handler import LMSHandler, LoadedConfiguration
from cms_lms.matching.impact import ORPHANS, compute_impact, list_affected
from cms_lms.models import Course, CourseRun, LMSBackend
from cms_lms.patterns.urls import resource_key
from tests.bench.measure import Figure, Report, always, count_queries, interleave
from tests.bench.selection import fill_backends, host
from tests.factories import COURSE_REGEX

BACKENDS = 1000

#: Memory is compared between the two; time is that of the last.
RUN_COUNTS = (10_000, 100_000)

#: A round of all takes some seconds.
MOST_ROUNDS = 10

TAKES_ALL = COURSE_REGEX.replace(r"lms\.example\.com", r"lms[0-9]+\.example\.com")


def fill_runs(count: int) -> None:
    """Make this many runs, on the hosts of the backends in turns."""
    CourseRun.objects.all().delete()
    course = Course.objects.create(code=f"IMPACT{count}", title="Impact")
    links = (f"https://{host(n % BACKENDS)}/courses/course-v1:edX+Demo{n}X+2024/info" for n in range(count))
    while chunk := list(itertools.islice(links, 2000)):
        CourseRun.objects.bulk_create(
            CourseRun(course=course, resource_link=link, resource_key=resource_key(link), languages=["en"])
            for link in chunk
        )


def make_changes(before: LoadedConfiguration) -> dict[str, Configuration]:
    """Return the configurations that changes of each kind would make."""
    disabled, taker = LMSBackend.objects.all()[:2]
    disabled.is_enabled = False
    taker.course_regex = TAKES_ALL
    return {
        "a backend is disabled": ChangedConfiguration(before, disabled),
        "a pattern takes the runs of all": ChangedConfiguration(before, taker),
        "a backend is moved": LoadedConfiguration(None, [*before.backends[1:], before.backends[0]]),
    }


def measure_impact(report: Report) -> None:
    """Report the counts, the page that an editor waits for, and the memory."""
    fill_backends(BACKENDS)
    before = LMSHandler.configuration()
    changes = make_changes(before)
    peaks = []
    for count in RUN_COUNTS:
        fill_runs(count)
        peaks.append(_peak_of(before, changes["a backend is disabled"]))
    resident = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    situation = f"runs={RUN_COUNTS[-1]}, backends={BACKENDS}"
    calls: dict[str, Callable[[], Any]] = {
        f"impact, {situation}, {name}": lambda after=after: compute_impact(before, after)
        for name, after in changes.items()
    }
    calls[f"impact as a page with its list, {situation}"] = _asking_for_the_page()
    timings = interleave(
        {name: always(call) for name, call in calls.items()}, min(report.repeat, MOST_ROUNDS), warm_up=1
    )
    for name, call in calls.items():
        value = timings.median(name)
        report.add(
            Figure(
                name,
                value,
                "s",
                minimum=timings.minimum(name),
                queries=count_queries(call),
                target="< 2 s",
                is_met=value < 2,
            )
        )
    for count, peak in zip(RUN_COUNTS, peaks, strict=True):
        report.add(
            Figure(
                f"impact and its list, peak of Python's memory, runs={count}",
                peak,
                "MiB",
                target=f"at most 1.25 × that of {RUN_COUNTS[0]} runs",
                is_met=peak <= 1.25 * peaks[0],
            )
        )
    grown = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - resident
    report.add(Figure(f"impact, growth of the process's peak memory, {situation}", grown / 1024, "MiB"))


def _peak_of(before: LoadedConfiguration, after: Configuration) -> float:
    """Return the most memory in MiB that Python's objects take while an impact is computed and its list read."""
    tracemalloc.start()
    try:
        compute_impact(before, after)
        list_affected(before, after, ORPHANS, limit=20)
        return tracemalloc.get_traced_memory()[1] / 2**20
    finally:
        tracemalloc.stop()


def _asking_for_the_page() -> Callable[[], None]:
    """Return what disables a backend as somebody who is logged in, and is shown what that would do."""
    user, _created = User.objects.get_or_create(username="editor", is_superuser=True)
    client = Client()
    client.force_login(user)
    address = reverse(LMSBackend.snippet_viewset.get_url_name("disable"), args=[LMSBackend.objects.first().pk])

    def ask() -> None:
        response = client.post(address)
        if response.status_code != 200 or b"no longer matched by any backend" not in response.content:
            raise AssertionError(response.status_code)

    return ask
