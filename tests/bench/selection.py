"""What choosing a backend costs, with one backend and with a thousand."""

from __future__ import annotations

import itertools
import time

from cms_lms.matching.handler import LMSHandler, LoadedConfiguration, _request_configuration
from cms_lms.models import LMSBackend
from tests.bench.measure import Figure, Report, always, count_queries, interleave
from tests.factories import OPENEDX, course_regex

COUNTS = (1, 10, 100, 1000)

#: Choices in one sample.
LOOPS = 1000

#: Course ids that the samples go through: nothing can be remembered from one choice to the next.
COURSES = 100


def fill_backends(count: int) -> None:
    """Replace all backends by this many, each with a host of its own."""
    LMSBackend.objects.all().delete()
    LMSBackend.objects.bulk_create(
        LMSBackend(
            name=f"LMS {number}",
            slug=f"lms-{number}",
            base_url=f"https://{host(number)}",
            backend=OPENEDX,
            course_regex=course_regex(host(number)),
            js_backend="openedx-hawthorn",
            js_course_regex=rf"^https://{host(number)}/courses/([^/]+)/info$",
            sort_order=number,
        )
        for number in range(count)
    )


def host(number: int) -> str:
    """Return the host of a backend's LMS."""
    return f"lms{number}.example.com"


def course_urls(of_host: str) -> list[str]:
    """Return course URLs on one LMS."""
    return [f"https://{of_host}/courses/course-v1:edX+Demo{number}X+2024/info" for number in range(COURSES)]


def measure_selection(report: Report) -> None:
    """Report ``select_lms`` on loaded configuration, the extraction of the id, and the check for changes."""
    configurations: dict[int, LoadedConfiguration] = {}
    loading: dict[int, float] = {}
    for count in COUNTS:
        fill_backends(count)
        begin = time.perf_counter()
        configurations[count] = LMSHandler.configuration()
        loading[count] = time.perf_counter() - begin
    places = {
        "first": lambda count: host(0),
        "last": lambda count: host(count - 1),
        "none": lambda count: "elsewhere.org",
    }
    calls = {
        f"{count} {place}": always(_selecting(configurations[count], course_urls(find_host(count)), place != "none"))
        for count, (place, find_host) in itertools.product(COUNTS, places.items())
    }
    backend = configurations[1].backends[0]
    calls["extract"] = always(_looping(backend.extract_course_id, course_urls(host(0))))
    timings = interleave(calls, report.repeat, clock=time.thread_time)
    micro = 1e6 / LOOPS
    for count, place in itertools.product(COUNTS, places):
        name = f"{count} {place}"
        flat = timings.median(name) / timings.median(f"1 {place}")
        value = timings.median(name) * micro
        report.add(
            Figure(
                f"select_lms, backends={count}, match={place}",
                value,
                "µs",
                minimum=timings.minimum(name) * micro,
                target="< 3 µs, at most 1.25 × the same with 1 backend",
                is_met=value < 3 and flat <= 1.25,
            )
        )
    report.add(
        Figure(
            "extract the course id", timings.median("extract") * micro, "µs", minimum=timings.minimum("extract") * micro
        )
    )
    check = interleave({"check": always(LMSHandler.configuration)}, report.repeat * 10)
    report.add(
        Figure(
            "check for changed configuration",
            check.median("check") * 1e6,
            "µs",
            minimum=check.minimum("check") * 1e6,
            queries=count_queries(LMSHandler.configuration),
        )
    )
    for count in COUNTS:
        report.add(Figure(f"load changed configuration, backends={count}", loading[count] * 1e3, "ms"))


def _selecting(configuration: LoadedConfiguration, urls: list[str], is_found: bool):
    def select() -> None:
        LMSHandler.open_request()
        _request_configuration.set(configuration)
        select_lms = LMSHandler.select_lms
        for _time in range(LOOPS // len(urls)):
            for url in urls:
                select_lms(url)
        found = select_lms(urls[0])
        LMSHandler.close_request()
        if (found is not None) is not is_found:
            raise AssertionError(urls[0])

    return select


def _looping(function, urls: list[str]):
    def loop() -> None:
        for _time in range(LOOPS // len(urls)):
            for url in urls:
                function(url)

    return loop
