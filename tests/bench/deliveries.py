"""What the listing of deliveries costs with a million of them: a page by each filter and search, and the clean-up."""

from __future__ import annotations

import json
from datetime import timedelta
from typing import Any

from django.contrib.auth.models import User
from django.db import connection
from django.db.models import DurationField, ExpressionWrapper, F, Value
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from cms_lms.models import LMSBackend, SyncDelivery, SyncDeliveryLink
from cms_lms.patterns.urls import resource_key
from tests.bench.catalogue import make_payload
from tests.bench.measure import Figure, Report, always, count_queries, interleave
from tests.bench.selection import fill_backends

DELIVERIES = 1_000_000

#: How many are made one by one; the rest is copied inside the database.
FIRST = 1000

#: A round of all takes some seconds.
MOST_ROUNDS = 10

MAX_MS, MAX_QUERIES = 300, 15
TARGET = f"≤ {MAX_MS} ms, < {MAX_QUERIES} queries"


def make_delivery(number: int, backends: list[LMSBackend]) -> SyncDelivery:
    """Return a delivery of one run: nine of ten say nothing new, one of a hundred is refused."""
    payload = make_payload(f"DEMO{number}X", f"R{number}", number)
    is_refused = number % 100 == 0
    outcome = "refused" if is_refused else "updated" if number % 10 == 0 else "unchanged"
    item = {"resource_link": payload["resource_link"], "outcome": outcome, "reason": "", "run": number, "changes": {}}
    return SyncDelivery(
        received_at=timezone.now() - timedelta(seconds=number),
        remote_address="192.0.2.0/24",
        secret_name="site 1 (9ab2)",
        backend=backends[number % len(backends)],
        resource_key=resource_key(payload["resource_link"]),
        payload=json.dumps(payload),
        status_code=400 if is_refused else 200,
        response={"success": True},
        items=[item],
        duration_ms=number % 200,
        **{f"{outcome}_count": 1},
    )


def fill_deliveries(count: int) -> str:
    """Make so many deliveries, about the runs of the first ones; return the link of one that lists name as well."""
    fill_backends(10)
    backends = list(LMSBackend.objects.all()[:10])
    SyncDelivery.objects.bulk_create(make_delivery(number, backends) for number in range(FIRST))
    while (known := SyncDelivery.objects.count()) < count:
        span = ExpressionWrapper(Value(timedelta(seconds=known)), output_field=DurationField())
        copies = SyncDelivery.objects.order_by("pk")[: count - known]
        _insert_selected(SyncDelivery, copies, received_at=F("received_at") - span)
    first = SyncDelivery.objects.order_by("pk").first()
    others = SyncDelivery.objects.exclude(resource_key=first.resource_key).order_by("pk")[:FIRST]
    SyncDeliveryLink.objects.bulk_create(
        SyncDeliveryLink(delivery=delivery, resource_key=first.resource_key) for delivery in others
    )
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE" if connection.vendor != "mysql" else "ANALYZE TABLE cms_lms_syncdelivery")
    return json.loads(first.payload)["resource_link"]


def _insert_selected(model: Any, rows: Any, **changed: Any) -> None:
    """Insert copies of rows by one statement, with some columns changed."""
    names = [field.attname for field in model._meta.concrete_fields if not field.primary_key]
    columns = [field.column for field in model._meta.concrete_fields if not field.primary_key]
    aliases = {f"copied_{name}": expression for name, expression in changed.items()}
    selected = rows.annotate(**aliases).values_list(*(f"copied_{name}" if name in changed else name for name in names))
    sql, parameters = selected.query.get_compiler(connection=connection).as_sql()
    quoted = ", ".join(map(connection.ops.quote_name, columns))
    with connection.cursor() as cursor:
        cursor.execute(
            f"INSERT INTO {connection.ops.quote_name(model._meta.db_table)} ({quoted}) {sql}",
            parameters,
        )


def measure_deliveries(report: Report) -> None:
    """Report the page that an administrator waits for."""
    link = fill_deliveries(DELIVERIES)
    backend = LMSBackend.objects.first()
    client = Client()
    client.force_login(User.objects.create_superuser("deliveries"))
    today = timezone.localdate()
    situations: dict[str, dict[str, Any]] = {
        "no filter": {},
        "page 100": {"p": 100},
        "one backend": {"backend": backend.pk},
        "outcome: updated": {"outcome": "updated"},
        "outcome: refused": {"outcome": "refused"},
        "outcome: created (none)": {"outcome": "created"},
        "answer: 400": {"status_code": "400"},
        "answer: interrupted (none)": {"status_code": "none"},
        "calls of LMSs": {"kind": "call"},
        "dry runs (none)": {"kind": "dry_run"},
        "replays (none)": {"kind": "replay"},
        "one day": {"received_at_from": today - timedelta(days=1), "received_at_to": today},
        "refused by one backend": {"backend": backend.pk, "outcome": "refused"},
        "a link": {"q": link},
        "a word that is found": {"q": "DEMO1"},
        "a word that is not": {"q": "nowhere"},
    }
    address = reverse("syncdelivery:index")
    pages = {name: lambda query=query: client.get(address, query) for name, query in situations.items()}
    timings = interleave(
        {name: always(page) for name, page in pages.items()}, min(report.repeat, MOST_ROUNDS), warm_up=1
    )
    for name, page in pages.items():
        queries, median = count_queries(page), timings.median(name) * 1e3
        report.add(
            Figure(
                f"deliveries listing, deliveries={DELIVERIES}, {name}",
                median,
                "ms",
                minimum=timings.minimum(name) * 1e3,
                queries=queries,
                target=TARGET,
                is_met=median <= MAX_MS and queries < MAX_QUERIES,
            )
        )
