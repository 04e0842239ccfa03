"""What a course page costs with its runs, beside the same page without."""

from __future__ import annotations

import gzip

from wagtail.models import Locale

from cms_lms.catalog.models import CoursePage
from tests.bench.catalogue import index_page, make_course_page
from tests.bench.measure import Figure, Report, Site, always, count_queries, interleave, make_environ
from tests.bench.selection import fill_backends

RUNS = (0, 1, 10, 100)

TARGET, MAX_QUERIES = "≤ 6 queries more than the same page without runs", 6


def measure_pages(report: Report) -> None:
    """Report anonymous views of a course page, warm: with few and many runs, backends and locales."""
    fill_backends(1)
    pages = {runs: make_course_page(f"PAGE{runs}X", runs) for runs in RUNS}
    _report_pages(report, pages, "backends=1, locales=1")
    _report_bytes(report, pages)
    fill_backends(1000)
    home = index_page().get_parent()
    for code in ("fr", "de"):
        locale = Locale.objects.get_or_create(language_code=code)[0]
        for page in (home, index_page(), *pages.values()):
            page.copy_for_translation(locale).get_latest_revision().publish()
    _report_pages(report, pages, "backends=1000, locales=3")


def _report_bytes(report: Report, pages: dict[int, CoursePage]) -> None:
    site = Site()
    for runs, page in pages.items():
        content = site.call(make_environ("GET", page.url))
        compressed = gzip.compress(content, compresslevel=6, mtime=0)
        report.add(Figure(f"course page, runs={runs}", len(content), "bytes"))
        report.add(Figure(f"course page, runs={runs}, compressed", len(compressed), "bytes"))


def _report_pages(report: Report, pages: dict[int, CoursePage], situation: str) -> None:
    site = Site()
    views = {str(runs): lambda page=page: site.call(make_environ("GET", page.url)) for runs, page in pages.items()}
    timings = interleave({name: always(view) for name, view in views.items()}, report.repeat)
    without = count_queries(views["0"])
    for runs in RUNS:
        queries = count_queries(views[str(runs)])
        report.add(
            Figure(
                f"course page, runs={runs}, {situation}",
                timings.median(str(runs)) * 1e3,
                "ms",
                minimum=timings.minimum(str(runs)) * 1e3,
                queries=queries,
                target=TARGET if runs else None,
                is_met=queries - without <= MAX_QUERIES if runs else None,
            )
        )
