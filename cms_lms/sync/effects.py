"""What follows a public change, once it is committed: our signal, the search index, the front-end cache.

The signal is sent in the process that synchronised. Indexing and purging are a background task, since
the sender waits for the answer.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from functools import partial
from typing import Any

from django.db import transaction
from django.db.models.signals import post_delete
from django.dispatch import Signal
from django_tasks import task
from wagtail.contrib.frontend_cache.utils import PurgeBatch
from wagtail.models import Page
from wagtail.search.backends import get_search_backends
from wagtail.signals import published, unpublished

from cms_lms.models import CourseRun
from cms_lms.models.course import course_page_field, course_page_models

#: Sent once for each run whose public version a synchronisation changed, after the transaction is
#: committed. ``sender``: ``CourseRun``; ``run_id``: int. Receivers that raise are logged by Django.
course_run_synced = Signal()

_is_announced_by_caller: ContextVar[bool] = ContextVar("cms_lms.is_announced_by_caller", default=False)


def announce(run_ids: Collection[int]) -> None:
    """Let the effects of public changes follow the transaction's commit; nothing if there were none."""
    if not run_ids:
        return
    ids = sorted(run_ids)

    def follow() -> None:
        for run_id in ids:
            course_run_synced.send_robust(sender=CourseRun, run_id=run_id)
        refresh_public_pages.enqueue(ids)

    transaction.on_commit(follow)


@contextmanager
def announced_by_caller() -> Iterator[None]:
    """Let publications in this block have no effects of their own: the caller announces them all together."""
    token = _is_announced_by_caller.set(True)
    try:
        yield
    finally:
        _is_announced_by_caller.reset(token)


def on_public_change(instance: CourseRun, **kwargs) -> None:
    """Refresh the pages of a run that staff or a schedule published or unpublished, or that was deleted."""
    if not _is_announced_by_caller.get():
        transaction.on_commit(partial(refresh_course_pages.enqueue, [instance.course_id]))


def connect() -> None:
    """Connect the receivers, once, when the app starts."""
    for signal in (published, unpublished, post_delete):
        signal.connect(on_public_change, sender=CourseRun, dispatch_uid="cms_lms.public_change")


def pages_of_courses(course_ids: Iterable[Any]) -> Iterable[Page]:
    """Return the live pages that present courses, in every locale, aliases included."""
    for model in course_page_models():
        yield from model._default_manager.filter(**{f"{course_page_field(model)}__in": course_ids}, live=True)


@task()
def refresh_public_pages(run_ids: list[int]) -> None:
    """Index the course pages of runs again, and purge those pages and their parents, each once."""
    _refresh(pages_of_courses(CourseRun.objects.filter(pk__in=run_ids).values("course")))


@task()
def refresh_course_pages(course_ids: list[int]) -> None:
    """As ``refresh_public_pages``, for the pages of courses."""
    _refresh(pages_of_courses(course_ids))


def _refresh(pages: Iterable[Page]) -> None:
    batch = PurgeBatch()
    by_parent: dict[str, Page] = {}
    by_model: dict[type[Page], list[int]] = defaultdict(list)
    for page in pages:
        batch.add_page(page)
        by_parent[page.path[: -page.steplen]] = page
        by_model[page.specific_class or type(page)].append(page.pk)
    for page in by_parent.values():
        if (parent := page.get_parent()) is not None:
            batch.add_page(parent)
    # Before indexing: a search engine that is down must not keep old pages in the cache.
    batch.purge()
    for model, pks in by_model.items():
        # In bulk: after each addition PostgreSQL's backend goes through the whole index.
        indexed = list(model.get_indexed_objects().filter(pk__in=pks))
        for backend in get_search_backends(with_auto_update=True):
            backend.add_bulk(model, indexed)
