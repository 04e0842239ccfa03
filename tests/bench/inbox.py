"""What the inbox of drafts costs when ten thousand runs wait: its pages, filtered and searched."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

from django.contrib.auth.models import User
from django.contrib.contenttypes.models import ContentType
from django.test import Client
from django.urls import reverse
from wagtail.models import ModelLogEntry, Revision

from cms_lms.models import CourseRun, LMSBackend
from cms_lms.runs.fields import SyncMode
from cms_lms.sync.history import SYNC_ACTION
from tests.bench.catalogue import RUNS_PER_COURSE, analyze, extend_catalogue
from tests.bench.measure import Figure, Report, always, count_queries, interleave
from tests.bench.selection import fill_backends

PENDING = 10_000

CHUNK = 1000

#: A round of all takes some seconds.
MOST_ROUNDS = 30

TARGET, MAX_QUERIES, MAX_MS = "< 15 queries and 300 ms", 15, 300

NOW = datetime(2026, 11, 27, 12, tzinfo=UTC)


def fill_pending(count: int) -> None:
    """Let this many runs wait, each with a new end from its LMS; every tenth was edited by staff, too."""
    extend_catalogue(count // RUNS_PER_COURSE)
    backend, editor = LMSBackend.objects.get(), User.objects.get_or_create(username="editor")[0]
    content_type = ContentType.objects.get_for_model(CourseRun)
    runs = list(CourseRun.objects.filter(draft_synced_at=None).select_related("course").order_by("pk")[:count])
    for first in range(0, len(runs), CHUNK):
        chunk = runs[first : first + CHUNK]
        for run in chunk:
            run.sync_mode, run.matched_backend, run.has_unpublished_changes = SyncMode.TO_DRAFT, backend, True
            run.draft_synced_at = NOW - timedelta(minutes=run.pk)
        drafts = Revision.objects.bulk_create(
            Revision(
                content_type=content_type,
                base_content_type=content_type,
                object_id=str(run.pk),
                created_at=NOW,
                user=editor if run.pk % 10 == 0 else None,
                content={**run.serializable_data(), **_new_end(run), "title": "Edited" if run.pk % 10 == 0 else ""},
                object_str=str(run),
            )
            for run in chunk
        )
        ModelLogEntry.objects.bulk_create(
            ModelLogEntry(
                content_type=content_type,
                object_id=str(run.pk),
                label=str(run),
                action=SYNC_ACTION,
                timestamp=NOW,
                revision=draft,
                data={"backend": backend.name, "changes": {"end": [run.end.isoformat(), _new_end(run)["end"]]}},
            )
            for run, draft in zip(chunk, drafts, strict=True)
        )
        for run, draft in zip(chunk, drafts, strict=True):
            run.latest_revision = draft
        columns = ["sync_mode", "matched_backend", "has_unpublished_changes", "draft_synced_at", "latest_revision"]
        CourseRun.objects.bulk_update(chunk, columns)
    analyze()


def _new_end(run: CourseRun) -> dict[str, str]:
    return {"end": (run.end + timedelta(days=7)).isoformat()}


def measure_inbox(report: Report) -> None:
    """Report the page, filtered and not."""
    fill_backends(1)
    fill_pending(PENDING)
    inbox = reverse(CourseRun.snippet_viewset.get_url_name("waiting"))
    backend = LMSBackend.objects.get()
    addresses = {
        "page": inbox,
        "last page": f"{inbox}?p={PENDING // 25}",
        "by backend": f"{inbox}?matched_backend={backend.pk}",
        "by course": f"{inbox}?course=DEMO7X",
        "edited by staff": f"{inbox}?is_edited=true",
        "not in moderation": f"{inbox}?is_in_moderation=false",
        "search": f"{inbox}?q=DEMO7",
    }
    client = Client()
    client.force_login(User.objects.get_or_create(username="publisher", is_superuser=True)[0])
    calls = {name: _asking_for(client, address) for name, address in addresses.items()}
    timings = interleave(
        {name: always(call) for name, call in calls.items()}, min(report.repeat, MOST_ROUNDS), warm_up=2
    )
    for name, call in calls.items():
        value, queries = timings.median(name) * 1e3, count_queries(call)
        report.add(
            Figure(
                f"inbox, {name}, pending={PENDING}",
                value,
                "ms",
                minimum=timings.minimum(name) * 1e3,
                queries=queries,
                target=TARGET,
                is_met=value < MAX_MS and queries < MAX_QUERIES,
            )
        )


def _asking_for(client: Client, address: str) -> Callable[[], Any]:
    def ask() -> None:
        response = client.get(address)
        if response.status_code != 200 or b"cms-lms-inbox__run" not in response.content:
            raise AssertionError(response.status_code)

    return ask
