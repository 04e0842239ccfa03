"""Publishing and discarding drafts from the inbox: some at once, the others by as many calls as it takes.

A call answers soon, whatever was chosen: it does the first few and hands the others back in a form, which a
person sends by a button and a script by itself. What was done so far travels along, signed.
"""

from __future__ import annotations

import logging
import re
from collections.abc import Iterable, Sequence
from dataclasses import astuple, dataclass, field
from typing import Any

from django.core import signing
from django.db import DatabaseError
from django.forms import Media, Script
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import reverse
from django.utils import timezone
from django.utils.functional import Promise
from django.utils.translation import gettext, ngettext
from django.utils.translation import gettext_lazy as _
from django.views.generic import TemplateView
from wagtail.admin import messages
from wagtail.admin.staticfiles import versioned_static
from wagtail.admin.utils import get_valid_next_url_from_request
from wagtail.admin.views.generic.base import WagtailAdminTemplateMixin
from wagtail.admin.views.generic.permissions import PermissionCheckedMixin

from cms_lms.admin.ids import MAX_DIGITS
from cms_lms.admin.permissions import may_edit_run, may_publish_run
from cms_lms.models import CourseRun
from cms_lms.sync.drafts import DraftRefused, discard_draft, publish_draft
from cms_lms.sync.effects import announced_together
from cms_lms.sync.waiting import FINGERPRINT_LENGTH, WaitingRun

logger = logging.getLogger("cms_lms")

#: How many runs one call does: about a second's work.
CHUNK_SIZE = 20

#: What the forms post for a draft: the run, and the draft that was shown.
ADDRESS = re.compile(rf"([0-9]{{1,{MAX_DIGITS}}}):([0-9a-f]{{{FINGERPRINT_LENGTH}}})")


def address_of(waiting: WaitingRun) -> str:
    """Return what names a run and the draft that is shown of it."""
    return f"{waiting.run.pk}:{waiting.shown}"


def read_addresses(texts: Iterable[str]) -> list[tuple[int, str]]:
    """Return the runs and drafts that are named, each once; what names none is passed over."""
    found = [ADDRESS.fullmatch(text) for text in dict.fromkeys(texts)]
    return [(int(match[1]), match[2]) for match in found if match]


@dataclass
class Failure:
    """A draft that was left alone, and why; ``run_id`` is None where there is no such run."""

    run_id: int | None
    title: str
    resource_link: str
    reason: str


@dataclass
class DraftsReport:
    """What became of the drafts so far."""

    done: int = 0
    failures: list[Failure] = field(default_factory=list)

    def sign(self) -> str:
        """Return the report as a text that only this site can have written."""
        failures = [list(astuple(failure)) for failure in self.failures]
        return signing.dumps([self.done, failures], salt=__name__, compress=True)

    @classmethod
    def read(cls, text: str) -> DraftsReport:
        """Return the report of a signed text; an empty one for any other."""
        try:
            done, failures = signing.loads(text, salt=__name__)
        except signing.BadSignature:
            return cls()
        return cls(done, [Failure(*failure) for failure in failures])


class DraftAction:
    """One way to deal with drafts: who may, what it does, how it is reported."""

    title: str | Promise

    @staticmethod
    def is_permitted(user: Any, run: CourseRun) -> bool:
        """Whether a user may do it to a run."""
        raise NotImplementedError

    @staticmethod
    def apply(pk: int, shown: str, **kwargs: Any) -> None:
        """Do it to one draft. Raises ``DraftRefused``."""
        raise NotImplementedError

    @staticmethod
    def done_message(count: int) -> str:
        """Say to how many it was done."""
        raise NotImplementedError


class Publishing(DraftAction):
    """Makes drafts public."""

    title = _("Publish drafts")
    is_permitted = staticmethod(may_publish_run)
    apply = staticmethod(publish_draft)

    @staticmethod
    def done_message(count: int) -> str:
        """Count the published."""
        message = ngettext("%(count)d course run was published.", "%(count)d course runs were published.", count)
        return message % {"count": count}


class Discarding(DraftAction):
    """Takes back what syncs changed."""

    title = _("Discard drafts")
    is_permitted = staticmethod(may_edit_run)
    apply = staticmethod(discard_draft)

    @staticmethod
    def done_message(count: int) -> str:
        """Count the discarded."""
        return ngettext(
            "What the LMS sent for %(count)d course run was discarded.",
            "What the LMS sent for %(count)d course runs was discarded.",
            count,
        ) % {"count": count}


def deal_with(action: DraftAction, addresses: Sequence[tuple[int, str]], *, user: Any) -> DraftsReport:
    """Do it to each draft that the user may do it to; one that fails stops no other."""
    runs = CourseRun.objects.select_related("course").in_bulk([pk for pk, _shown in addresses])
    report = DraftsReport()
    for pk, shown in addresses:
        run = runs.get(pk)
        names = (run.pk, run.display_title, run.resource_link) if run else (None, str(pk), "")
        try:
            if run is not None and not action.is_permitted(user, run):
                raise DraftRefused(gettext("You do not have the permission."), code="permission")
            action.apply(pk, shown, user=user, now=timezone.now())
        except DraftRefused as refusal:
            report.failures.append(Failure(*names, refusal.message))
        except DatabaseError:
            logger.exception("The database refused the draft of course run %s.", pk)
            reason = gettext("The database refused. Try it again.")
            report.failures.append(Failure(*names, reason))
        else:
            report.done += 1
    return report


class DraftsView(PermissionCheckedMixin, WagtailAdminTemplateMixin, TemplateView):
    """Takes the drafts that were chosen, deals with some, and says what became of them and how many are left."""

    http_method_names = ["post"]
    model = CourseRun
    template_name = "cms_lms/admin/inbox_report.html"
    action: DraftAction
    index_url_name: str | None = None

    def get_page_title(self) -> str | Promise:
        """Say what is done."""
        return self.action.title

    def get_breadcrumbs_items(self) -> list[dict[str, Any]]:
        """Lead back to the inbox."""
        inbox = {"url": reverse(self.index_url_name), "label": _("Waiting for publication")}
        return [*self.breadcrumbs_items, inbox, {"url": "", "label": self.get_page_title()}]

    def post(self, request: HttpRequest, *args, **kwargs) -> HttpResponse:
        """Deal with some; go back to the inbox when there is nothing else to be said."""
        only = request.POST.get("only")
        remaining = request.POST.get("remaining", "").split()
        chosen = read_addresses([only] if only else [*request.POST.getlist("run"), *remaining])
        back_url = get_valid_next_url_from_request(request) or reverse(self.index_url_name)
        earlier = DraftsReport.read(request.POST.get("report", ""))
        if not chosen and not earlier.done and not earlier.failures:
            messages.warning(request, gettext("Choose at least one course run."))
            return redirect(back_url)
        with announced_together():
            report = deal_with(self.action, chosen[:CHUNK_SIZE], user=request.user)
        report = DraftsReport(earlier.done + report.done, [*earlier.failures, *report.failures])
        left = chosen[CHUNK_SIZE:]
        if not (left or report.failures or remaining):
            messages.success(request, self.action.done_message(report.done))
            return redirect(back_url)
        return self.render_to_response(self.get_context_data(report=report, left=left, back_url=back_url))

    def get_edit_url(self, failure: Failure) -> str | None:
        """Return where a draft that was left alone can be looked at, for those who may."""
        if failure.run_id is None or not self.user_has_permission("change"):
            return None
        return reverse(CourseRun.snippet_viewset.get_url_name("edit"), args=[failure.run_id])

    def get_context_data(self, **kwargs) -> dict[str, Any]:
        """Add the figures, and what the next call needs."""
        report, left = kwargs["report"], kwargs["left"]
        dealt_with = report.done + len(report.failures)
        return {
            **super().get_context_data(**kwargs),
            "dealt_with": dealt_with,
            "total": dealt_with + len(left),
            "done_message": self.action.done_message(report.done),
            "failures": [(failure, self.get_edit_url(failure)) for failure in report.failures],
            "signed_report": report.sign(),
            "remaining": " ".join(f"{pk}:{shown}" for pk, shown in left),
            "media": Media(
                css={"all": [versioned_static("cms_lms/admin/inbox.css")]},
                js=[Script(versioned_static("cms_lms/admin/drafts-progress.js"), type="module")],
            ),
        }


class PublishDraftsView(DraftsView):
    """Publishes."""

    permission_required = "publish"
    action = Publishing()


class DiscardDraftsView(DraftsView):
    """Discards."""

    permission_required = "change"
    action = Discarding()
