"""The engine: from validated payloads to changed course runs.

A call's items share one transaction; the known runs are locked by one query in the order of their keys,
and what a public synchronisation changes is written in bulk. Should the database refuse that, each item
is tried again in a transaction of its own, so that one bad item never spoils the others.
"""

from __future__ import annotations

import datetime as dt
import logging
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from django.db import DatabaseError, IntegrityError, OperationalError, transaction

from cms_lms.backends.base import BaseLMSBackend
from cms_lms.conf import settings as lms_settings
from cms_lms.matching.handler import LMSHandler
from cms_lms.models import Course, CourseRun
from cms_lms.models.delivery import Outcome
from cms_lms.patterns.urls import InvalidURL, normalize_url, resource_key
from cms_lms.runs.codes import CourseKey, normalize_code
from cms_lms.runs.fields import SyncMode
from cms_lms.sync.effects import announce, announce_drafts
from cms_lms.sync.payload import ECHO_LENGTH, Errors, InvalidPayload, validate
from cms_lms.sync.results import ItemResult, storable
from cms_lms.sync.secrets import Signer
from cms_lms.sync.writing import RunWriter, load_drafts

logger = logging.getLogger("cms_lms")

#: How often an item is tried again when another transaction was in its way.
ATTEMPTS = 5

REQUIRED = {"resource_link": ["This field is required."]}
NO_BACKEND = {"resource_link": ["No LMS configuration found for this resource link."]}
NOT_ALLOWED = {"resource_link": ["Not allowed for this secret."]}
NOT_STORED = {"resource_link": ["The database refused this course run."]}
NO_CREATION = {"resource_link": ["Unknown course run when creation is deactivated."]}

Journal = Callable[[list[ItemResult]], object]


class Refused(Exception):
    """An item cannot be applied; ``errors`` is what its sender is told."""

    def __init__(self, errors: Errors) -> None:
        super().__init__(errors)
        self.errors = {storable(name): [storable(text) for text in texts] for name, texts in errors.items()}


class Forbidden(Refused):
    """The run is not one of the backend that the signing secret belongs to; ``owner`` is the one that it is of."""

    def __init__(self, owner: BaseLMSBackend) -> None:
        super().__init__(NOT_ALLOWED)
        self.owner = owner


@dataclass
class Item:
    """One item of a call whose link a backend owns that ``signer`` may write."""

    signer: Signer
    payload: Mapping[str, Any]
    resource_link: str
    key: str
    backend: BaseLMSBackend
    course_id: str

    def result(self, outcome: Outcome, **kwargs: Any) -> ItemResult:
        """Return the decision on this item."""
        return ItemResult(
            self.payload["resource_link"],
            outcome,
            backend_id=self.backend.record.pk,
            backend_slug=self.backend.config.slug,
            **kwargs,
        )


def has_resource_link(payload: Any) -> bool:
    """Return whether an item says which run it is about."""
    return isinstance(payload, Mapping) and isinstance(link := payload.get("resource_link"), str) and bool(link.strip())


def synchronize(
    payloads: Sequence[Mapping[str, Any]], *, signer: Signer, now: dt.datetime, journal: Journal
) -> list[ItemResult]:
    """Apply items that all name a link, and return what became of each, in their order.

    ``signer`` says whose runs may be written. ``now``: when the call came. ``journal`` is called with the results
    inside the transaction that made them true.
    """
    results: list[ItemResult | None] = [None] * len(payloads)
    items: list[tuple[int, Item]] = []
    for position, payload in enumerate(payloads):
        try:
            items.append((position, prepare(payload, signer)))
        except Refused as refusal:
            results[position] = refused(payload["resource_link"], refusal)
    # In the order of the keys, so that two calls never wait for each other's runs crosswise.
    items.sort(key=lambda entry: entry[1].key)

    def complete(applied: Sequence[ItemResult]) -> list[ItemResult]:
        for (position, _item), result in zip(items, applied, strict=True):
            results[position] = result
        return [result for result in results if result is not None]

    try:
        with transaction.atomic():
            done = complete(apply([item for _position, item in items], now))
            journal(done)
    except DatabaseError:
        done = complete([apply_alone(item, now) for _position, item in items])
        journal(done)
    return done


def refused(
    resource_link: str, refusal: Refused, backend: BaseLMSBackend | None = None, run: CourseRun | None = None
) -> ItemResult:
    """Return the result that tells a refusal, and of which backend's run."""
    if isinstance(refusal, Forbidden):
        backend = refusal.owner
    return ItemResult(
        resource_link,
        Outcome.REFUSED,
        backend_id=backend.record.pk if backend else None,
        backend_slug=backend.config.slug if backend else "",
        run_id=run.pk if run else None,
        reason=" ".join(f"{name}: {' '.join(texts)}" for name, texts in refusal.errors.items()),
        errors=refusal.errors,
        is_forbidden=isinstance(refusal, Forbidden),
    )


def prepare(payload: Mapping[str, Any], signer: Signer) -> Item:
    """Find the backend of an item without touching a run. Raises ``Refused``."""
    link = payload["resource_link"].strip()
    try:
        url = normalize_url(link)
        key = resource_key(link)
    except InvalidURL as error:
        raise Refused({"resource_link": [str(error.message)]}) from None
    backend = LMSHandler.configuration().select(url)
    if backend is None:
        raise Refused(NO_BACKEND)
    if not signer.may_write(backend):
        raise Forbidden(backend)
    return Item(signer, payload, link, key, backend, backend.extract_from_normalized(url) or "")


def apply_alone(item: Item, now: dt.datetime) -> ItemResult:
    """Apply one item in its own transaction, again if another one was in the way."""
    for attempt in range(1, ATTEMPTS + 1):
        try:
            with transaction.atomic():
                return apply([item], now)[0]
        except OperationalError:
            if attempt == ATTEMPTS:
                raise
        except DatabaseError:
            if attempt == ATTEMPTS:
                logger.exception("The database refused the course run %s.", item.resource_link)
                break
    return item.result(Outcome.REFUSED, reason=NOT_STORED["resource_link"][0], errors=NOT_STORED)


def apply(items: Sequence[Item], now: dt.datetime) -> list[ItemResult]:
    """Apply items inside the caller's transaction; the results are in their order.

    Raises ``DatabaseError`` when the database refuses; the transaction is then lost.
    """
    runs = CourseRun.objects.lock(item.key for item in items)
    load_drafts(runs.values())
    courses = find_courses([item for item in items if item.key not in runs])
    writer = RunWriter(now)
    results = []
    for item in items:
        run = runs.get(item.key)
        try:
            if run is not None:
                results.append(update(item, run, writer))
                continue
            run, result = create(item, courses, writer)
            runs[item.key] = run
            results.append(result)
        except Refused as refusal:
            results.append(refused(item.payload["resource_link"], refusal, item.backend, run))
    writer.flush()
    announce(writer.public_runs, writer.counter_runs)
    announce_drafts(writer.draft_runs)
    return results


def find_courses(items: Sequence[Item]) -> dict[CourseKey, Course]:
    """Return the courses of the items' runs, in one query."""
    keys = {item.backend.get_course_key(item.course_id, item.payload) for item in items}
    return Course.objects.get_by_keys(keys) if keys else {}


def refuse_run_of_others(item: Item, run: CourseRun) -> None:
    """Raise ``Forbidden`` if the link under which a run is known belongs to a backend that the secret does not.

    Links of one run may differ in what patterns tell apart: the scheme, or a slash at the end. One that is no
    backend's is open to whoever owns the link that was sent.
    """
    if run.resource_link != item.resource_link:
        owner = LMSHandler.select_lms(run.resource_link)
        if owner is not None and not item.signer.may_write(owner):
            raise Forbidden(owner)


def update(item: Item, run: CourseRun, writer: RunWriter) -> ItemResult:
    """Apply an item to the run it is about. Raises ``Refused``."""
    refuse_run_of_others(item, run)
    try:
        values = validate(item.payload, item.backend, is_new=False)
    except InvalidPayload as error:
        raise Refused(error.errors) from None
    if run.sync_mode == SyncMode.MANUAL:
        return item.result(Outcome.IGNORED, run_id=run.pk, reason="The run is synchronised manually.")
    if run.sync_mode == SyncMode.TO_DRAFT:
        outcome, changes = writer.update_draft(run, values, item.backend)
    else:
        outcome, changes = writer.update_public(run, values, item.backend)
    return item.result(outcome, run_id=run.pk, changes=changes)


def create(item: Item, courses: Mapping[CourseKey, Course], writer: RunWriter) -> tuple[CourseRun, ItemResult]:
    """Create the run that an item is the first to name. Raises ``Refused``.

    If somebody else creates it meanwhile, theirs is returned, updated.
    """
    try:
        values = validate(item.payload, item.backend, is_new=True)
    except InvalidPayload as error:
        raise Refused(error.errors) from None
    key = item.backend.get_course_key(item.course_id, item.payload)
    course = courses.get(key)
    if course is None:
        code = normalize_code(key.code) or key.code[:ECHO_LENGTH]
        raise Refused({"resource_link": [f"Unknown course: {code}."]})
    mode = item.backend.config.default_sync_mode or lms_settings.DEFAULT_SYNC_MODE or SyncMode.TO_PUBLIC
    if mode == SyncMode.MANUAL:
        raise Refused(NO_CREATION)
    try:
        with transaction.atomic():
            run, changes = writer.create(item.resource_link, course, mode, values, item.backend)
    except IntegrityError:
        theirs = CourseRun.objects.lock([item.key]).get(item.key)
        if theirs is None:
            raise
        return theirs, update(item, theirs, writer)
    return run, item.result(Outcome.CREATED, run_id=run.pk, changes=changes)
