"""What follows a public change, once it is committed: our signal, the front-end cache, the search index.

The signal is sent in the process that synchronised. Purging and indexing are a background task, since the
sender waits for the answer. Nothing that fails here reaches the sender, whose call is applied by then.
"""

from __future__ import annotations

import datetime as dt
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
from wagtail.models import Page, Revision
from wagtail.search.backends import get_search_backends
from wagtail.signals import published, unpublished

from cms_lms.conf import settings as lms_settings
from cms_lms.models import CourseRun
from cms_lms.models.course import course_page_field, course_page_models
from cms_lms.sync import draft_mail, moderation
from cms_lms.sync.retrying import tried_again_later

#: Sent once for each run whose public version a synchronisation changed, after the transaction is
#: committed. ``sender``: ``CourseRun``; ``run_id``: int. Receivers that raise are logged by Django.
course_run_synced = Signal()

#: The courses whose runs were changed by staff in the block that is being run, once that is committed.
_courses_together: ContextVar[set[int] | None] = ContextVar("cms_lms.courses_together", default=None)


def announce(run_ids: Collection[int], quiet_ids: Collection[int] = ()) -> None:
    """Let the effects of public changes follow the transaction's commit; nothing if there were none.

    ``quiet_ids``: runs of which a counter alone changed, sooner than ``is_counter_due`` says. Our signal
    names them, too; their pages stay as they are.
    """
    signaled = sorted({*run_ids, *quiet_ids})
    if not signaled:
        return

    def follow() -> None:
        for run_id in signaled:
            course_run_synced.send_robust(sender=CourseRun, run_id=run_id)
        if run_ids:
            refresh_public_pages.enqueue(sorted(run_ids))

    transaction.on_commit(follow, robust=True)


def announce_drafts(run_ids: Collection[int]) -> None:
    """Let moderation and e-mail follow the transaction's commit, where drafts changed; nothing if none did."""
    if run_ids:
        for follow in (moderation.follow_drafts, draft_mail.follow_drafts):
            transaction.on_commit(partial(follow, sorted(run_ids)), robust=True)


def is_counter_due(announced_at: dt.datetime | None, now: dt.datetime) -> bool:
    """Whether a counter that changes ``now`` is to reach the caches: not sooner than an interval after the last.

    The last of a burst reaches them with the next change of the run after that; until then caches keep their
    page for as long as they keep any.
    """
    interval = dt.timedelta(seconds=lms_settings.COUNTER_REFRESH_SECONDS)
    return announced_at is None or abs(now - announced_at) >= interval


@contextmanager
def announced_together() -> Iterator[None]:
    """Let all that is published, unpublished or deleted in this block refresh each course page once, at its end.

    In a transaction around the block, the end is that one's commit.
    """
    courses: set[int] = set()
    token = _courses_together.set(courses)
    try:
        yield
    finally:
        _courses_together.reset(token)
        # Registered after those of the block, so that it runs after them.
        transaction.on_commit(partial(_refresh_together, courses), robust=True)


def _refresh_together(courses: set[int]) -> None:
    if courses:
        refresh_course_pages.enqueue(sorted(courses))


def on_public_change(instance: CourseRun, signal: Signal, revision: Revision | None = None, **kwargs) -> None:
    """Refresh the pages of a run that staff or a schedule published or unpublished, or that was deleted.

    Those of the course that it had before, too.
    """
    if signal is not unpublished and not instance.live:
        return  # a draft that was scheduled, or that goes: the public never saw it
    courses = {instance.course_id}
    if revision is not None:  # it brings the row as it was before, see CourseRun.publish()
        courses.add(revision.content_object.course_id)
    together = _courses_together.get()
    follow = _refresh_together if together is None else together.update
    transaction.on_commit(partial(follow, courses), robust=True)


def connect() -> None:
    """Connect the receivers, once, when the app starts."""
    for signal in (published, unpublished, post_delete):
        signal.connect(on_public_change, sender=CourseRun, dispatch_uid="cms_lms.public_change")


def pages_of_courses(course_ids: Iterable[Any]) -> Iterator[Page]:
    """Yield the live pages that present courses, in every locale, aliases included."""
    for model in course_page_models():
        yield from model._default_manager.filter(**{f"{course_page_field(model)}__in": course_ids}, live=True)


@task()
def refresh_public_pages(run_ids: list[int]) -> None:
    """As ``refresh_course_pages``, for the pages of the runs' courses."""
    refresh_course_pages.call(sorted(set(CourseRun.objects.filter(pk__in=run_ids).values_list("course", flat=True))))


@task()
def refresh_course_pages(course_ids: list[int], attempt: int = 0) -> None:
    """Purge the pages of courses and those above them, and index the former again, each once.

    Does no harm when it is run twice.
    """
    with tried_again_later(refresh_course_pages, course_ids, attempt=attempt):
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
