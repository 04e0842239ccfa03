"""Publishing a page together with what waits of its course's runs: a line in the publish menu of the page's form.

The page goes through Wagtail's own publication, by the same button with another value; the runs follow it, each on
its own, as their drafts were when the form was opened.
"""

from __future__ import annotations

from typing import Any

from django.http import HttpRequest
from django.utils import timezone
from django.utils.translation import gettext, ngettext
from django.utils.translation import gettext_lazy as _
from wagtail.admin import messages
from wagtail.admin.action_menu import PublishMenuItem
from wagtail.models import Page

from cms_lms.admin.inbox_actions import CHUNK_SIZE, Publishing, address_of, deal_with, read_addresses
from cms_lms.admin.permissions import may_publish_run
from cms_lms.models import CourseRun
from cms_lms.models.course import course_page_field, course_page_models
from cms_lms.sync.drafts import find_hindrance
from cms_lms.sync.effects import announced_together
from cms_lms.sync.waiting import WaitingRun, read_waiting

#: The value of the button; Wagtail's own has another, and publishes at any.
PUBLISH_WITH_RUNS = "with-run-drafts"

#: The field that names the drafts, as they are when the form is opened.
DRAFTS_FIELD = "cms-lms-run-drafts"


def find_publishable(page: Page, user: Any) -> list[WaitingRun]:
    """Return what waits of the page's course that this user could publish now: as many as one call does."""
    if not isinstance(page, tuple(course_page_models())):
        return []
    course_id = getattr(page, f"{course_page_field(type(page))}_id")
    runs = CourseRun.objects.waiting().filter(course=course_id).with_holds().order_by("pk")
    waiting = read_waiting(runs.select_related("course", "latest_revision")[:CHUNK_SIZE])
    now = timezone.now()
    return [
        entry
        for entry in waiting
        if may_publish_run(user, entry.run) and find_hindrance(entry, user=user, now=now) is None
    ]


class PublishWithRunsMenuItem(PublishMenuItem):
    """Publishes the page and the drafts of its course's runs, for those who see Wagtail's own button."""

    label = _("Publish page and run drafts")
    template_name = "cms_lms/admin/publish_with_runs.html"
    order = 31  # after it

    def is_shown(self, context: dict[str, Any]) -> bool:
        """For those who may publish the page and a run of which something waits."""
        if context["view"] != "edit" or not super().is_shown(context):
            return False
        # For the template, which is given the same context.
        context["run_drafts"] = find_publishable(context["page"], context["request"].user)
        return bool(context["run_drafts"])

    def get_context_data(self, parent_context: dict[str, Any]) -> dict[str, Any]:
        """Count the drafts, and name them."""
        drafts = parent_context["run_drafts"]
        label = ngettext("Publish page and %(count)d run draft", "Publish page and %(count)d run drafts", len(drafts))
        return {
            **super().get_context_data(parent_context),
            "label": label % {"count": len(drafts)},
            "value": PUBLISH_WITH_RUNS,
            "drafts_field": DRAFTS_FIELD,
            "addresses": " ".join(map(address_of, drafts)),
        }


def publish_run_drafts(request: HttpRequest, page: Page) -> None:
    """Publish the drafts that were named with a page, once it is published (hook ``after_publish_page``)."""
    if request.POST.get("action-publish") != PUBLISH_WITH_RUNS:
        return
    if not page.live or page.has_unpublished_changes:
        text = gettext("The page is scheduled; the drafts of its course runs still wait for publication.")
        messages.warning(request, text)
        return
    addresses = read_addresses(request.POST.get(DRAFTS_FIELD, "").split())[:CHUNK_SIZE]
    with announced_together():
        report = deal_with(Publishing(), addresses, user=request.user)
    if report.done:
        messages.success(request, Publishing.done_message(report.done))
    for failure in report.failures:
        text = gettext("The draft of the course run “%(run)s” was not published. %(reason)s")
        messages.warning(request, text % {"run": failure.title, "reason": failure.reason})
