"""``matched_backend``: kept up by sync and save, recomputed when backends change."""

from __future__ import annotations

from types import SimpleNamespace

import pytest
from django.db.models import F

from cms_lms.matching.run_index import reindex_runs, reindex_runs_for
from cms_lms.models import ConfigurationVersion, CourseRun, LMSBackend
from cms_lms.patterns.urls import resource_key
from tests.factories import course_regex, make_backend, make_course, make_run

pytestmark = pytest.mark.django_db


@pytest.fixture
def change(django_capture_on_commit_callbacks):
    """Let what follows the commit of a change happen."""
    return lambda: django_capture_on_commit_callbacks(execute=True)


def link(host: str, number: int = 1) -> str:
    return f"https://{host}/courses/course-v1:edX+DemoX+{number}/info"


def make_runs(count: int, hosts: list[str]) -> None:
    course = make_course()
    links = [link(hosts[number % len(hosts)], number) for number in range(count)]
    CourseRun.objects.bulk_create(
        CourseRun(course=course, resource_link=url, resource_key=resource_key(url), languages=["en"]) for url in links
    )


def test_a_saved_run_is_indexed():
    backend = make_backend()
    assert make_run(resource_link=link("lms.example.com")).matched_backend == backend
    assert make_run(resource_link=link("elsewhere.example.com")).matched_backend is None


def test_changes_of_backends_are_followed(change):
    run = make_run(resource_link=link("lms.example.com"))

    def matched() -> str | None:
        run.refresh_from_db()
        return run.matched_backend.slug if run.matched_backend else None

    with change():
        second = make_backend(slug="second", sort_order=2)
    assert matched() == "second"
    with change():
        first = make_backend(slug="first", sort_order=1)
    assert matched() == "first"
    with change():
        LMSBackend.objects.filter(pk=first.pk).update(sort_order=3)
    assert matched() == "second"
    with change():
        LMSBackend.objects.filter(pk=second.pk).update(is_enabled=False)
    assert matched() == "first"
    with change():
        first.delete()
    assert matched() is None


def test_thousands_of_runs_take_a_constant_number_of_queries_a_chunk(django_assert_num_queries):
    hosts = [f"lms{number}.example.com" for number in range(6)]
    for host in hosts[:5]:
        make_backend(course_regex=course_regex(host))
    make_runs(4100, hosts)
    known = len([number for number in range(4100) if number % 6 < 5])
    assert reindex_runs() == known
    for backend in LMSBackend.objects.with_run_counts():
        assert backend.run_count in (683, 684)
        assert not backend.course_runs.exclude(
            resource_link__startswith=f"https://{hosts[backend.sort_order]}/"
        ).exists()
    with django_assert_num_queries(1 + 3 + 1):
        assert reindex_runs() == 0
    LMSBackend.objects.update(sort_order=F("sort_order") + 1)
    make_backend(course_regex=course_regex("lms[0-4].example.com"), sort_order=0)
    # The token, the backends; three chunks with something to write, and the look beyond the last.
    with django_assert_num_queries(2 + 3 * 2 + 1):
        assert reindex_runs() == known


def test_the_course_id_is_indexed_too(change):
    backend = make_backend()
    run = make_run(resource_link=link("lms.example.com"))
    assert run.matched_course_id == "course-v1:edX+DemoX+1"
    with change():
        backend.course_regex = r"^https://lms\.example\.com/courses/(?P<course_id>course-v1:edX\+[^+]+)"
        backend.save()
    run.refresh_from_db()
    assert (run.matched_backend, run.matched_course_id) == (backend, "course-v1:edX+DemoX")
    with change():
        LMSBackend.objects.update(is_enabled=False)
    run.refresh_from_db()
    assert (run.matched_backend, run.matched_course_id) == (None, "")


def test_a_course_id_that_is_too_long_is_left_blank():
    backend = make_backend()
    run = make_run(resource_link=f"https://lms.example.com/courses/{'x' * 300}/info")
    assert (run.matched_backend, run.matched_course_id) == (backend, "")


def test_only_runs_that_moved_are_written(django_assert_num_queries):
    make_backend()
    make_runs(3, ["lms.example.com"])
    assert reindex_runs() == 3
    LMSBackend.objects.update(is_enabled=False)
    assert reindex_runs() == 3
    assert not CourseRun.objects.exclude(matched_backend=None).exists()


def test_a_task_that_a_later_change_overtook_leaves_the_work_to_that_ones(django_assert_num_queries):
    make_backend()
    make_runs(1, ["lms.example.com"])
    stale = str(ConfigurationVersion.objects.current())
    ConfigurationVersion.objects.renew()
    with django_assert_num_queries(1):
        reindex_runs_for.call(stale)
    assert not CourseRun.objects.exclude(matched_backend=None).exists()
    reindex_runs_for.call(str(ConfigurationVersion.objects.current()))
    assert CourseRun.objects.exclude(matched_backend=None).count() == 1


def test_changes_that_are_committed_together_are_one_task(monkeypatch, django_capture_on_commit_callbacks):
    enqueued = []
    monkeypatch.setattr("cms_lms.matching.wiring.reindex_runs_for", SimpleNamespace(enqueue=enqueued.append))
    with django_capture_on_commit_callbacks(execute=True):
        for backend in [make_backend(), make_backend()]:
            backend.save_revision()
    assert enqueued == [str(ConfigurationVersion.objects.current())]


def test_a_stored_link_that_is_no_url_any_more_stops_nobody():
    make_backend()
    make_runs(2, ["lms.example.com"])
    CourseRun.objects.filter(pk=CourseRun.objects.first().pk).update(resource_link="no URL")
    assert reindex_runs() == 1
