"""What a change to the backends does to the runs that exist, shown before it is made.

A change that moves runs is shown first and made when the same person says yes to what was shown: the yes carries
a token of the change, of the configuration that it starts from and of the numbers. Where one of them is another by
then, it is shown anew. Check and change are one transaction that holds the configuration.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple

from django import forms
from django.core.serializers.json import DjangoJSONEncoder
from django.http import HttpRequest
from django.utils.crypto import constant_time_compare, salted_hmac
from django.utils.functional import cached_property
from django.utils.translation import gettext_lazy as _
from wagtail.admin.admin_url_finder import AdminURLFinder
from wagtail.admin.panels import Panel
from wagtail.admin.staticfiles import versioned_static

from cms_lms.matching.changed_configuration import ChangedConfiguration, Configuration
from cms_lms.matching.handler import LoadedConfiguration
from cms_lms.matching.impact import (
    MAX_SENTENCES,
    ORPHANS,
    AffectedRun,
    Impact,
    compute_impact,
    describe_move,
    list_affected,
)
from cms_lms.models import CourseRun, LMSBackend

#: How many runs a page of a list has.
PAGE_SIZE = 20

#: The buttons of the panel: their names in what is posted.
CONFIRM, LIST = "impact-confirm", "impact-list"

#: The field that says what the panel showed.
SHOWN = "impact-shown"

_PLACE = re.compile(r"(?P<kind>[\w:-]{1,300})(?:/(?P<side>after|before)/(?P<pk>[0-9]{1,18})/(?P<skipped>[0-9]{1,9}))?")


def impact_media() -> forms.Media:
    """Return the style of everything that shows an impact."""
    return forms.Media(css={"all": [versioned_static(f"cms_lms/admin/{name}.css") for name in ("admin", "impact")]})


class OrphansForm(forms.Form):
    """The tick without which no run loses its backend."""

    orphans = forms.BooleanField(
        label=_("Leave these course runs without a backend"),
        help_text=_(
            "They stay in the catalogue. Their LMS cannot update them any more, and course pages show them with a "
            "plain link."
        ),
        error_messages={"required": _("Tick this box, or leave everything as it is.")},
    )

    #: Where the template puts the error, so that the field can refer to it.
    error_id = "impact-orphans-error"

    def full_clean(self) -> None:
        """As Django's; a missing tick gets the focus, and its error is read out with it."""
        super().full_clean()
        if self._errors:
            described_by = f"{self['orphans'].id_for_label}-helptext {self.error_id}"
            self.fields["orphans"].widget.attrs |= {"autofocus": True, "aria-describedby": described_by}


class ListedRun(NamedTuple):
    """A line of the list. ``edit_url`` is None for those who may not edit runs."""

    run: CourseRun
    affected: AffectedRun
    edit_url: str | None


@dataclass(frozen=True)
class ListPlace:
    """Which page of which list: the runs right after or right before a key, so many of them being before it."""

    kind: str
    pk: int = 0
    is_backward: bool = False
    skipped: int = 0

    @classmethod
    def parse(cls, text: str) -> ListPlace | None:
        """Read what a button posts; None for rubbish."""
        match = _PLACE.fullmatch(text)
        if match is None:
            return None
        return cls(match["kind"], int(match["pk"] or 0), match["side"] == "before", int(match["skipped"] or 0))

    def __str__(self) -> str:
        return f"{self.kind}/{'before' if self.is_backward else 'after'}/{self.pk}/{self.skipped}"


class ImpactReview:
    """The impact of a change as a person sees it, and whether she said yes to it.

    ``change`` is the change itself in values that JSON knows; ``before`` is in force.
    """

    def __init__(
        self, request: HttpRequest, before: LoadedConfiguration, after: Configuration, change: Mapping[str, Any]
    ) -> None:
        self._user = request.user
        self._posted = request.POST
        self._before = before
        self._after = after
        # Most edits are not of what is matched: nobody waits for those.
        is_harmless = isinstance(after, ChangedConfiguration) and after.chooses_alike
        self.impact = Impact() if is_harmless else compute_impact(before, after)
        kinds = [(move.kind, move.count) for move in self.impact.moves]
        # Not how many runs stay: new ones come in all the time, and change nothing that was said.
        shown = [str(request.user.pk), str(before.token), change, kinds]
        self.token = salted_hmac(
            "cms_lms.impact", json.dumps(shown, cls=DjangoJSONEncoder, sort_keys=True), algorithm="sha256"
        ).hexdigest()
        was_shown = constant_time_compare(self._posted.get(SHOWN, ""), self.token)
        #: Whether she saw this, and pressed what neither confirms nor turns a page.
        self.is_asked_again = was_shown and not {CONFIRM, LIST} & self._posted.keys()
        initial = {"orphans": was_shown and "impact-orphans" in self._posted}
        self.form = OrphansForm(self._posted if self._is_current else None, prefix="impact", initial=initial)

    @property
    def media(self) -> forms.Media:
        """The style."""
        return impact_media()

    @property
    def _is_current(self) -> bool:
        return constant_time_compare(self._posted.get(CONFIRM, ""), self.token)

    @property
    def is_stale(self) -> bool:
        """Whether she said yes to something else."""
        return CONFIRM in self._posted and not self._is_current

    @property
    def is_settled(self) -> bool:
        """Whether the change may be made: it moves nothing, or she said yes; and did not only turn a page."""
        if LIST in self._posted:
            return False
        return not self.impact or (self._is_current and (not self.impact.orphans or self.form.is_valid()))

    @cached_property
    def sentences(self) -> list[dict[str, Any]]:
        """The moves in words, each with what asks for the list of its runs unless that is shown."""
        impact = self.impact
        if not impact:
            return []
        return [
            {
                "text": describe_move(move, impact.label),
                "kind": None if self._lists(move.kind, is_orphans=move.new is None) else move.kind,
            }
            for move in impact.moves[:MAX_SENTENCES]
        ] + [{"text": text, "kind": None} for text in impact.describe_rest()]

    def _lists(self, kind: str, *, is_orphans: bool) -> bool:
        place = self._place
        return place is not None and (place.kind == kind or (is_orphans and place.kind == ORPHANS))

    @cached_property
    def _place(self) -> ListPlace | None:
        """The list that was asked for, else that of the orphans, if there are any."""
        asked = ListPlace.parse(self._posted.get(LIST, ""))
        if asked is not None and self._count(asked.kind):
            return asked
        return ListPlace(ORPHANS) if self.impact.orphans else None

    def _count(self, kind: str) -> int:
        if kind == ORPHANS:
            return self.impact.orphans
        return sum(move.count for move in self.impact.moves if move.kind == kind)

    @cached_property
    def listing(self) -> dict[str, Any] | None:
        """A page of the list, with what asks for its neighbours."""
        place = self._place
        if place is None:
            return None
        found = list_affected(
            self._before, self._after, place.kind, beyond=place.pk, limit=PAGE_SIZE, is_backward=place.is_backward
        )
        if not found:
            return None
        total = self._count(place.kind)
        first = max(place.skipped - len(found), 0) if place.is_backward else place.skipped
        last = first + len(found)
        return {
            "rows": self._rows(found),
            "first": first + 1,
            "last": last,
            "total": total,
            "is_orphans": found[0].new is None,
            "old": found[0].old,
            "new": found[0].new,
            "previous": ListPlace(place.kind, found[0].pk, is_backward=True, skipped=first) if first else None,
            "next": ListPlace(place.kind, found[-1].pk, skipped=last) if last < total else None,
        }

    def _rows(self, found: list[AffectedRun]) -> list[ListedRun]:
        runs = CourseRun.objects.select_related("course").in_bulk([affected.pk for affected in found])
        get_edit_url = AdminURLFinder(self._user).get_edit_url
        return [
            ListedRun(runs[affected.pk], affected, get_edit_url(runs[affected.pk]))
            for affected in found
            if affected.pk in runs
        ]


def values_of(record: LMSBackend) -> dict[str, Any]:
    """Return what is stored of a record, without what storing it gives it."""
    return {
        field.attname: field.value_from_object(record)
        for field in record._meta.concrete_fields
        if field.name not in ("latest_revision", "sort_order")
    }


class ImpactPanel(Panel):
    """What saving the form would do, with the tick that it may need."""

    class BoundPanel(Panel.BoundPanel):
        """The panel of one backend."""

        template_name = "cms_lms/admin/panels/impact.html"

        @property
        def review(self) -> ImpactReview | None:
            """What the view found out before it would save."""
            return getattr(self.form, "impact_review", None)

        @property
        def media(self) -> forms.Media:
            """The style."""
            return impact_media()

        def is_shown(self) -> bool:
            """Only where there is something to say."""
            return self.review is not None

        def get_context_data(self, parent_context: dict[str, Any] | None = None) -> dict[str, Any]:
            """Add the review."""
            return {**super().get_context_data(parent_context), "review": self.review}
