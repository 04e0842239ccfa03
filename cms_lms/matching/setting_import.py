"""From the entries of Richie's setting to ``LMSBackend`` records: in order, all or nothing; and back.

A record is known by its slug. What an import creates or changes gets a revision and a line in the history,
as in the admin; what it moves gets a line; what it leaves as it was gets neither.
"""

from __future__ import annotations

from typing import Any

from django.db import transaction
from wagtail.log_actions import log

from cms_lms.matching.changed_configuration import hold_configuration
from cms_lms.matching.richie_setting import write_entry
from cms_lms.matching.setting_diff import BackendChange, ImportPlan, Outcome, plan_import
from cms_lms.models import LMSBackend

#: What the audit log calls a change of a backend's place in the order.
REORDER_ACTION = "cms_lms.reorder"


def import_setting(setting: Any, *, user: Any = None, passes_over_secrets: bool = False) -> ImportPlan:
    """Make the records say what the setting says, and return what was done.

    ``user`` is who the history names. Raises ``SettingRefused``; nothing is changed then.
    """
    with transaction.atomic():
        hold_configuration()
        plan = plan_import(setting, passes_over_secrets=passes_over_secrets)
        apply_plan(plan, user=user)
    return plan


def export_setting() -> list[dict[str, Any]]:
    """Return all records as the setting, in order."""
    return [write_entry(record) for record in LMSBackend.objects.in_order()]


def apply_plan(plan: ImportPlan, *, user: Any = None) -> None:
    """Do what was planned, in the caller's transaction, which has held the configuration since before the plan."""
    for change in plan.changes:
        if change.outcome in (Outcome.CREATED, Outcome.UPDATED):
            _store(change, user)
    moved = [change for change in plan.changes if change.is_moved]
    if moved:
        _put_in_order(plan)
    for change in moved:
        positions = {"old": change.old_position, "new": change.new_position}
        log(change.record, REORDER_ACTION, user=user, data={"position": positions}, content_changed=False)


def _store(change: BackendChange, user: Any) -> None:
    record = change.record
    record.save()
    revision = record.save_revision(user=user, clean=False)
    action = "wagtail.create" if change.is_created else "wagtail.edit"
    log(record, action, user=user, revision=revision, content_changed=True)


def _put_in_order(plan: ImportPlan) -> None:
    """Number all records anew that are not where they should be; an order with gaps or twins is mended."""
    renumbered = []
    for place, record in enumerate(plan.order):
        if record.sort_order != place:
            record.sort_order = place
            renumbered.append(record)
    if renumbered:
        LMSBackend.objects.bulk_update(renumbered, ["sort_order"])
