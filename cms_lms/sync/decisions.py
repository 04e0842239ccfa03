"""Giving runs a place on the word of staff: the course that a key means, and sending what was refused once more.

A decision is about a group: all runs that name one course, or all links of one host that no backend owns.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable
from itertools import groupby
from typing import Any

from django.db import transaction
from wagtail.log_actions import log
from wagtail.models import Page

from cms_lms.models import Course, SyncDelivery, UnplacedRun
from cms_lms.models.course_alias import CourseAlias
from cms_lms.runs.codes import CourseKey
from cms_lms.sync.conflicts import despite_conflicts
from cms_lms.sync.new_courses import NewCourse, create_course
from cms_lms.sync.replay import replay_payload

ADD_ALIAS_ACTION = "cms_lms.course_alias.add"
REMOVE_ALIAS_ACTION = "cms_lms.course_alias.remove"

#: How many runs are sent again at once; a request must not take for ever.
MAX_SENT_AGAIN = 200


def attach(key: CourseKey, course: Course, *, user: Any) -> None:
    """Let runs with a key belong to a course from now on. ``user`` is whom the course's history names."""
    with transaction.atomic():
        alias = CourseAlias.objects.remember(key, course)
        log(course, ADD_ALIAS_ACTION, user=user, data={"alias": str(alias)}, content_changed=False)


def create(run: UnplacedRun, *, title: str, parent: Page | None, user: Any) -> NewCourse:
    """Create the course that a run names, with a draft page below the parent; see ``create_course``."""
    return despite_conflicts(
        lambda: create_course(
            run.course_key,
            title=title,
            parent_id=parent.pk if parent else None,
            user=user,
            backend_name=run.backend.name if run.backend else "",
        )
    )


def detach(alias: CourseAlias, *, user: Any) -> None:
    """Let a key mean no course any more; the runs that came by it stay where they are."""
    with transaction.atomic():
        log(alias.course, REMOVE_ALIAS_ACTION, user=user, data={"alias": str(alias)}, content_changed=False)
        alias.delete()


def send_again(runs: Iterable[UnplacedRun], *, user: Any, now: dt.datetime) -> list[SyncDelivery]:
    """Let the last payloads of runs go the way of a call once more; return the deliveries that this leaves.

    Those that came together go together, with the rights of the secret that signed them. ``user``: who asks for it.
    """
    ordered = sorted(runs, key=lambda run: (run.delivery_id or 0, run.signer_scope or [], run.pk))
    together = groupby(ordered, key=lambda run: (run.delivery_id, run.signer_scope))
    return [_replay(list(group), user=user, now=now) for _key, group in together]


def _replay(runs: list[UnplacedRun], *, user: Any, now: dt.datetime) -> SyncDelivery:
    first = runs[0]
    return replay_payload(
        [run.payload for run in runs],
        signer_scope=first.signer_scope,
        secret_name=first.delivery.secret_name if first.delivery else "",
        user=user,
        replay_of=first.delivery,
        now=now,
    )
