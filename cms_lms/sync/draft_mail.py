"""E-mail that tells publishers which course runs wait for publication: at once, or when the digest is sent.

The runs themselves say what was told, see ``CourseRunQuerySet.untold``. So nothing is told twice, and what a mail
server did not take is in the next mail. No address ever gets into a log.
"""

from __future__ import annotations

import logging
from collections.abc import Collection, Iterable, Sequence
from contextlib import closing
from dataclasses import dataclass
from itertools import groupby
from typing import Any

from django.core.cache import cache
from django.core.mail import get_connection
from django.template.loader import render_to_string
from django.urls import reverse
from django.utils import timezone, translation
from django_tasks import task
from wagtail.admin.admin_url_finder import AdminURLFinder
from wagtail.admin.mail import send_mail
from wagtail.admin.utils import get_admin_base_url
from wagtail.permission_policies import ModelPermissionPolicy
from wagtail.users.models import UserProfile

from cms_lms.conf import settings as lms_settings
from cms_lms.matching.handler import LMSHandler
from cms_lms.models import CourseRun
from cms_lms.models.backend import DraftMail
from cms_lms.sync.retrying import tried_again_later
from cms_lms.sync.waiting import WaitingRun, read_waiting

logger = logging.getLogger("cms_lms")

#: How many runs a mail lists; it says how many more there are.
MAX_LISTED = 50

#: How many runs are marked as told by one query.
CHUNK_SIZE = 200


class MailNotSent(Exception):
    """The mail server took no mail at all; what was to be told is still untold."""


@dataclass(frozen=True)
class ListedRun:
    """A run as a mail lists it. ``edit_url`` is absolute; None for a reader who may not edit it."""

    waiting: WaitingRun
    edit_url: str | None


def follow_drafts(run_ids: list[int]) -> None:
    """Tell of these runs in the background, where an LMS backend wants that at once."""
    if any(backend.record.draft_mail == DraftMail.AT_ONCE for backend in LMSHandler.configuration().backends):
        mail_drafts.enqueue(run_ids)


@task()
def mail_drafts(run_ids: list[int], attempt: int = 0) -> None:
    """Tell of what waits at the backends of these runs, of those backends that want it at once.

    After a mail about a backend, the next one waits for an interval and tells of all that came meanwhile.
    """
    runs = CourseRun.objects.filter(pk__in=run_ids, matched_backend__draft_mail=DraftMail.AT_ONCE)
    backend_ids = runs.values_list("matched_backend", flat=True).order_by("matched_backend").distinct()
    due = [pk for pk in backend_ids if attempt or _is_due(pk)]
    with tried_again_later(mail_drafts, run_ids, attempt=attempt):
        tell(due)


def _is_due(backend_id: int) -> bool:
    """Whether no mail about a backend was sent within the interval; it counts as sent from here on."""
    return cache.add(f"cms_lms.draft_mail.{backend_id}", True, lms_settings.DRAFT_MAIL_SECONDS)


def send_digest() -> int:
    """Tell of all that is still untold, at once or not; return how many mails were sent. Raises ``MailNotSent``."""
    records = [backend.record for backend in LMSHandler.configuration().backends]
    return tell([record.pk for record in records if record.draft_mail])


def tell(backend_ids: Collection[int]) -> int:
    """Write to all publishers of what is untold at these backends; return how many mails were sent.

    Raises ``MailNotSent``.
    """
    untold = CourseRun.objects.untold().filter(matched_backend__in=backend_ids)
    told = dict(untold.values_list("pk", "draft_synced_at"))
    publishers = find_publishers() if told else []
    if not publishers:
        return 0
    in_order = untold.order_by("matched_backend__sort_order", "matched_backend", "course__code", "pk")
    in_order = in_order.with_holds().select_related("course", "matched_backend", "latest_revision")
    sent = _write_to(publishers, list(in_order[:MAX_LISTED]), count=len(told))
    # What was seen, not what is there now: a run that was synchronised meanwhile is untold again.
    CourseRun.objects.bulk_update(
        [CourseRun(pk=pk, draft_notified_at=synced_at) for pk, synced_at in told.items()],
        ["draft_notified_at"],
        batch_size=CHUNK_SIZE,
    )
    return sent


def find_publishers() -> list[Any]:
    """Return the active users with an address who may publish course runs and want to hear of what is submitted."""
    users = ModelPermissionPolicy(CourseRun).users_with_permission("publish").filter(is_active=True)
    if not lms_settings.notifies_superusers:
        users = users.filter(is_superuser=False)
    users = users.exclude(email="").select_related("wagtail_userprofile").order_by("pk")
    return [user for user in users if _profile(user).submitted_notifications]


def _profile(user: Any) -> UserProfile:
    """Return what a user prefers, without making a record of it for those who never said."""
    return getattr(user, "wagtail_userprofile", None) or UserProfile(user=user)


def _write_to(publishers: Iterable[Any], runs: Sequence[CourseRun], *, count: int) -> int:
    """Send each a mail that lists these of all ``count`` runs; return how many were taken."""
    sent, failures = 0, []
    connection = get_connection()
    try:
        connection.open()
        # Not Wagtail's OpenedConnection, which hides every error raised in its block.
        with closing(connection):
            for user in publishers:
                try:
                    sent += _write_to_one(user, runs, count=count, connection=connection)
                except OSError as error:
                    failures.append(error)
    except OSError as error:
        failures.append(error)
    if failures:
        # By their kinds alone: the messages of mail servers name addresses.
        kinds = ", ".join(sorted({type(error).__name__ for error in failures}))
        logger.error("Mails about drafts were not sent (%s of them): %s.", len(failures), kinds)
    if not sent:
        raise MailNotSent
    return sent


def _write_to_one(user: Any, runs: Sequence[CourseRun], *, count: int, connection: Any) -> int:
    profile = _profile(user)
    # The language of whoever is being served while this runs is nobody's preference.
    with translation.override(lms_settings.default_language):
        language = profile.get_preferred_language()
    with translation.override(language), timezone.override(profile.get_current_time_zone()):
        context = _context(user, runs, count=count)
        subject = render_to_string("cms_lms/mail/drafts_subject.txt", context)
        return send_mail(
            " ".join(subject.split()),
            render_to_string("cms_lms/mail/drafts.txt", context),
            [user.email],
            html_message=render_to_string("cms_lms/mail/drafts.html", context),
            connection=connection,
        )


def _context(user: Any, runs: Sequence[CourseRun], *, count: int) -> dict[str, Any]:
    base_url = get_admin_base_url() or ""
    urls = AdminURLFinder(user)
    listed = []
    for waiting in read_waiting(runs):
        path = urls.get_edit_url(waiting.run)
        listed.append(ListedRun(waiting, path and f"{base_url}{path}"))
    return {
        "user": user,
        "count": count,
        "more": count - len(listed),
        "backends": [
            (backend, list(items)) for backend, items in groupby(listed, lambda item: item.waiting.run.matched_backend)
        ],
        "time_zone": timezone.get_current_timezone_name(),
        "inbox_url": f"{base_url}{reverse(CourseRun.snippet_viewset.get_url_name('waiting'))}",
    }
