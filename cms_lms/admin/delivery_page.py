"""The page of one delivery: what came, what was decided for each item and why, and what it changed."""

from __future__ import annotations

import json
import re
from contextlib import suppress
from typing import Any

from django.urls import reverse
from django.utils.functional import cached_property
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _
from wagtail.admin.views import generic
from wagtail.admin.widgets.button import HeaderButton

from cms_lms.admin.permissions import may_edit_runs, may_place_runs
from cms_lms.models import CourseRun, SyncDelivery, UnplacedRun
from cms_lms.models.delivery import Outcome
from cms_lms.patterns.urls import InvalidURL, resource_key
from cms_lms.runs.fields import SYNCED_FIELDS
from cms_lms.sync.history import field_label, value_label
from cms_lms.sync.redaction import readable, redacted

DECISIONS = {
    Outcome.CREATED: _("The course run was not known, and was created."),
    Outcome.UPDATED: _("The course run was updated."),
    Outcome.DRAFTED: _("Its draft was updated; the public sees nothing of it yet."),
    Outcome.UNCHANGED: _("The course run had these values already."),
    Outcome.IGNORED: _("Nothing was changed, and the sender was told that all was well."),
    Outcome.REFUSED: _("It was refused."),
}

#: How many replays of a delivery its page names, the latest first.
MAX_REPLAYS = 20

#: A field as the web hook's messages name it.
_FIELD = re.compile(rf"\b({'|'.join(SYNCED_FIELDS)}): ")


class SyncDeliveryInspectView(generic.InspectView):
    """One delivery: what came, and what was decided for each item."""

    any_permission_required = ["view"]
    template_name = "cms_lms/admin/delivery.html"
    page_title = _("Delivery")
    replay_url_name: str | None = None

    @cached_property
    def header_buttons(self) -> list[HeaderButton]:
        """Offer the replay to those who may."""
        if not self.user_has_permission("replay"):
            return []
        url = f"{reverse(self.replay_url_name)}?id={self.object.pk}"
        return [HeaderButton(_("Replay"), url=url, icon_name="rotate")]

    def get_context_data(self, **kwargs) -> dict[str, Any]:
        """Add the payload for reading, and the items with labels and links."""
        delivery: SyncDelivery = self.object
        replays = delivery.replays.select_related("replayed_by").defer("payload", "response", "items")
        return {
            **super().get_context_data(**kwargs),
            "delivery": delivery,
            "payload": readable(delivery.payload),
            "answer": json.dumps(redacted(delivery.response), indent=2, ensure_ascii=False),
            "refusal": delivery.response.get("detail", "") if isinstance(delivery.response, dict) else "",
            "items": [self.get_item(item) for item in delivery.items],
            "replays": replays[:MAX_REPLAYS],
        }

    def get_item(self, item: dict[str, Any]) -> dict[str, Any]:
        """Return an item as the template shows it."""
        outcome, run_id = item.get("outcome"), item.get("run")
        return {
            **item,
            "outcome_label": dict(Outcome.choices).get(outcome, outcome),
            "decision": DECISIONS.get(outcome, ""),
            "reason": with_field_labels(item.get("reason") or ""),
            "run_url": self.get_run_url(run_id) if run_id in self.existing_runs else None,
            "unplaced_url": self.get_unplaced_url(item) if outcome == Outcome.REFUSED else None,
            "changes": [
                (field_label(name), value_label(name, old), value_label(name, new))
                for name, (old, new) in (item.get("changes") or {}).items()
            ],
        }

    @cached_property
    def existing_runs(self) -> set[int]:
        """The runs among the items that were not deleted since, for those who may edit them."""
        if not may_edit_runs(self.request.user):
            return set()
        ids = [item["run"] for item in self.object.items if item.get("run")]
        return set(CourseRun.objects.filter(pk__in=ids).values_list("pk", flat=True))

    def get_unplaced_url(self, item: dict[str, Any]) -> str | None:
        """Return where a run that was refused still waits for a place, for those who may give it one."""
        pk = self.unplaced_runs.get(item.get("resource_link"))
        return reverse("lms_unplaced_runs:group", args=[pk]) if pk else None

    @cached_property
    def unplaced_runs(self) -> dict[str, int]:
        """Those of the items' runs that wait for a place, by the links that were sent."""
        keys = {}
        for item in self.object.items if may_place_runs(self.request.user) else []:
            with suppress(InvalidURL):
                keys[item["resource_link"]] = resource_key(item["resource_link"] or "")
        found = UnplacedRun.objects.waiting().filter(resource_key__in=set(keys.values()))
        waiting = dict(found.values_list("resource_key", "pk"))
        return {link: waiting[key] for link, key in keys.items() if key in waiting}

    def get_run_url(self, run_id: int) -> str:
        """Return the run's edit form."""
        return reverse(CourseRun.snippet_viewset.get_url_name("edit"), args=[run_id])


def with_field_labels(reason: str) -> str:
    """Return a reason in the reader's words: translated, and with fields' labels for the names that senders know."""
    return _FIELD.sub(lambda match: f"{field_label(match[1])}: ", gettext(reason))
