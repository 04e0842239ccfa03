"""Publishing and discarding what waits: each run in a transaction of its own, under its row's lock.

Whoever asks names the very draft that was shown; another one, or one that a schedule, a lock or a moderation
holds, is left alone. Permission is the caller's to check.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable
from typing import Any

from django.core.exceptions import ValidationError
from django.db import transaction
from django.utils import timezone
from django.utils.formats import date_format
from django.utils.translation import gettext as _
from wagtail.locks import BasicLock
from wagtail.log_actions import log

from cms_lms.models import CourseRun
from cms_lms.runs.fields import VERSIONED_FIELDS
from cms_lms.sync.history import field_label
from cms_lms.sync.results import changes_as_json
from cms_lms.sync.waiting import WaitingRun, draft_values, read_waiting

DISCARD_ACTION = "cms_lms.discard"


class DraftRefused(Exception):
    """A draft is neither published nor discarded; the message says to a human why."""

    def __init__(self, message: str, *, code: str) -> None:
        super().__init__(message)
        self.message = message
        self.code = code


def find_hindrance(waiting: WaitingRun, *, user: Any, now: dt.datetime) -> DraftRefused | None:
    """Return why this user can do nothing about a draft from outside its form; None where nothing is in the way."""
    if waiting.scheduled_at is not None:
        moment = date_format(timezone.localtime(waiting.scheduled_at), "DATETIME_FORMAT")
        message = _("It is scheduled for %(moment)s: cancel the schedule in its form first.") % {"moment": moment}
        return DraftRefused(message, code="scheduled")
    if waiting.is_in_moderation:
        return DraftRefused(_("It is in moderation: approve or reject it there."), code="in_moderation")
    if waiting.run.locked and BasicLock(waiting.run).for_user(user):
        return DraftRefused(_("It is locked. Whoever locked it can unlock it in its form."), code="locked")
    go_live_at = draft_values(waiting.run)["go_live_at"]
    if go_live_at is not None and go_live_at > now:
        moment = date_format(timezone.localtime(go_live_at), "DATETIME_FORMAT")
        message = _("Its draft is meant to go live on %(moment)s: schedule it in its form.") % {"moment": moment}
        return DraftRefused(message, code="goes_live_later")
    return None


def publish_draft(pk: int, shown: str, *, user: Any, now: dt.datetime) -> None:
    """Publish the draft of a run that was shown under this fingerprint. Raises ``DraftRefused``."""
    with transaction.atomic():
        waiting = _hold(pk, shown, user=user, now=now)
        run, revision = waiting.run, waiting.run.latest_revision
        _check(run.with_content_json(revision.content))
        run.publish(revision, user=user)


def discard_draft(pk: int, shown: str, *, user: Any, now: dt.datetime) -> None:
    """Take back what a synchronisation changed in the draft of a run; what staff changed stays pending.

    A new version says so, the old one stays in the history. Raises ``DraftRefused``.
    """
    with transaction.atomic():
        waiting = _hold(pk, shown, user=user, now=now)
        if waiting.is_new:
            message = _("It has never been published, so there is nothing to go back to. Delete it instead.")
            raise DraftRefused(message, code="never_published")
        run = waiting.run
        draft = run.with_content_json(run.latest_revision.content)
        changes = {name: (getattr(draft, name), getattr(run, name)) for name in waiting.synced_fields}
        for name, (_discarded, public) in changes.items():
            setattr(draft, name, public)
        revision = draft.save_revision(user=user, clean=False)
        discarded = changes_as_json(changes)
        CourseRun.objects.filter(pk=pk).update(
            has_unpublished_changes=waiting.is_edited,
            draft_synced_at=None,
            discarded_values={name: value for name, (value, _public) in discarded.items()},
        )
        log(run, DISCARD_ACTION, user=user, revision=revision, data={"changes": discarded}, content_changed=True)


def _hold(pk: int, shown: str, *, user: Any, now: dt.datetime) -> WaitingRun:
    """Return what waits in a run, which is locked until the transaction ends. Raises ``DraftRefused``."""
    run = CourseRun.objects.with_holds().select_for_update().filter(pk=pk).first()
    if run is None:
        raise DraftRefused(_("It does not exist any more."), code="gone")
    if run.draft_synced_at is None or run.latest_revision is None:
        raise DraftRefused(_("Nothing of it waits any more."), code="settled")
    (waiting,) = read_waiting([run])
    if waiting.shown != shown:
        raise DraftRefused(_("It was changed since it was shown. Look at it again."), code="changed")
    if hindrance := find_hindrance(waiting, user=user, now=now):
        raise hindrance
    return waiting


def _check(draft: CourseRun) -> None:
    """Raise ``DraftRefused`` for a draft that its form would not publish."""
    others = [field.name for field in CourseRun._meta.fields if field.name not in VERSIONED_FIELDS]
    try:
        draft.clean_fields(exclude=others)
        draft.clean()
    except ValidationError as error:
        raise DraftRefused(" ".join(_sentences(error)), code="invalid") from None


def _sentences(error: ValidationError) -> Iterable[str]:
    for name, texts in error.message_dict.items():
        yield from (_("%(field)s: %(reason)s") % {"field": field_label(name), "reason": text} for text in texts)
