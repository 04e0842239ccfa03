"""Changing how runs are synchronised: bookkeeping of its own, in force at once, with a line in the log.

While a run is in ``sync_to_public``, its drafts keep the row's values of the fields that the LMS owns only
because every reader of a revision puts them there; the stored revision may be older than many syncs. When a
run leaves that mode the protection ends, so what may still be published is first brought up to date.
"""

from __future__ import annotations

import copy
from collections.abc import Iterable
from typing import Any

from django.db import transaction
from wagtail.log_actions import log
from wagtail.models import Revision, TaskState

from cms_lms.models import CourseRun
from cms_lms.runs.fields import SyncMode

SYNC_MODE_ACTION = "cms_lms.sync_mode"


def set_sync_mode(runs: Iterable[CourseRun], mode: str, *, user: Any) -> int:
    """Put runs into a mode, each in a transaction of its own under its row's lock; return how many changed.

    ``user`` (None: the system) is who the log names. Permission is the caller's to check. Raises
    ``ValueError`` for an unknown mode, before anything is written. Runs that are gone are passed over.
    """
    mode = SyncMode(mode)
    return sum(_set_one(run.pk, mode, user) for run in runs)


@transaction.atomic
def _set_one(pk: int, mode: SyncMode, user: Any) -> bool:
    run = CourseRun.objects.select_for_update().filter(pk=pk).first()
    if run is None or run.sync_mode == mode:
        return False
    old_mode = run.sync_mode
    if old_mode == SyncMode.TO_PUBLIC:
        _rebase_pending_revisions(run, mode, user)
    # What staff discarded, they discarded in the mode that the run had.
    CourseRun.objects.filter(pk=pk).update(sync_mode=mode, discarded_values={})
    if mode == SyncMode.TO_PUBLIC:
        # From now on drafts have the row's values of what the LMS owns.
        CourseRun.objects.get(pk=pk).get_latest_revision_as_object().stop_waiting_if_settled()
    data = {"sync_mode": {"old": old_mode, "new": mode.value}}
    log(run, SYNC_MODE_ACTION, user=user, data=data, content_changed=False)
    return True


def _rebase_pending_revisions(run: CourseRun, mode: SyncMode, user: Any) -> None:
    """Store the row's values of the LMS-owned fields in every revision that may yet be published.

    Scheduled ones in place: nobody can be editing them, and a newer one would not be what goes live at the
    date. The latest one as a new revision, so that an open editor is told.
    """
    for revision in run.revisions.filter(approved_go_live_at__isnull=False):
        content = _rebased(run, revision)
        if content != revision.content:
            Revision.objects.filter(pk=revision.pk).update(content=content)
    latest = run.get_latest_revision()
    if latest is None or latest.approved_go_live_at is not None:
        return
    content = _rebased(run, latest)
    if all(content[name] == latest.content.get(name, content[name]) for name in run.owned_fields):
        # Said already, or left to the row: nothing new to anybody, but from now on the row may say something else.
        Revision.objects.filter(pk=latest.pk).update(content=content)
        return
    draft = run.with_content_json(content)
    draft.sync_mode = mode
    newer = draft.save_revision(user=user, changed=run.has_unpublished_changes, clean=False)
    if run.live_revision_id == latest.pk:
        CourseRun.objects.filter(pk=run.pk).update(live_revision=newer)
    # What is in moderation is what was submitted, brought up to date: not an edit to be submitted anew.
    TaskState.objects.filter(revision=latest, status=TaskState.STATUS_IN_PROGRESS).update(revision=newer)


def _rebased(run: CourseRun, revision: Revision) -> dict[str, Any]:
    """Return a revision's content with the row's values of the LMS-owned fields; all else as it is."""
    row = copy.copy(run)
    row.sync_mode = SyncMode.MANUAL  # a revision of a run that is synchronised to public leaves them out
    current = row.serializable_data()
    return {**revision.content, **{name: current[name] for name in run.owned_fields}}
