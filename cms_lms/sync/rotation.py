"""When the old secret of a backend may go: advice for whoever replaces a web hook secret by a new one.

Pure: knows of a secret only what ``RotatingSecret`` names, so that it advises on records and on anything like them.
"""

from __future__ import annotations

import datetime as dt
import enum
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Generic, Protocol, TypeVar

#: How long calls must have come with the new secret, and none with the old one, before the old one may go. Senders
#: that run by a schedule run at least once a week, nearly all of them.
SILENCE = dt.timedelta(days=7)


class RotatingSecret(Protocol):
    """What the advice rests on. Times are aware."""

    @property
    def name(self) -> str:
        """What people call it."""

    @property
    def created_at(self) -> dt.datetime:
        """When it was stored."""

    @property
    def last_used_at(self) -> dt.datetime | None:
        """When it last signed a call, None if it never did."""

    @property
    def is_live(self) -> bool:
        """Whether it may sign."""


SecretT = TypeVar("SecretT", bound=RotatingSecret)


class RotationStep(enum.Enum):
    """How far a rotation is."""

    #: Fewer than two secrets are live.
    NOTHING_TO_ROTATE = "nothing_to_rotate"
    #: No call was signed with the new one: it has to be entered at the LMS.
    NEW_ONE_UNUSED = "new_one_unused"
    #: The old one signed calls until lately, or the new one has not been in use long enough to tell.
    OLD_ONE_IN_USE = "old_one_in_use"
    #: Calls have come with the new one alone, for long enough: the old one may be retired.
    OLD_ONE_SILENT = "old_one_silent"


@dataclass(frozen=True)
class RotationAdvice(Generic[SecretT]):
    """How far a rotation is, and of which secrets; both are None where there is nothing to rotate.

    ``silent_since``: since when no call has come with the old one while the new one could be used; aware, None
    unless two secrets are live.
    """

    step: RotationStep
    old: SecretT | None = None
    new: SecretT | None = None
    silent_since: dt.datetime | None = None

    @property
    def may_retire_old(self) -> bool:
        """Whether the old one can go without a call being lost, as far as can be told."""
        return self.step is RotationStep.OLD_ONE_SILENT


def rotation_advice(secrets: Iterable[SecretT], *, now: dt.datetime) -> RotationAdvice[SecretT]:
    """Return how far the rotation of a backend's secrets is; retired ones do not count.

    The silence of the old one is measured up to the last use of the new one, not up to ``now``: a week in which
    the LMS sent nothing says nothing about the secret that it would have signed with.
    """
    live = sorted((secret for secret in secrets if secret.is_live), key=lambda secret: secret.created_at)
    if len(live) < 2:
        return RotationAdvice(RotationStep.NOTHING_TO_ROTATE)
    old, new = live[0], live[-1]
    silent_since = max(old.last_used_at or new.created_at, new.created_at)
    if new.last_used_at is None:
        step = RotationStep.NEW_ONE_UNUSED
    elif min(new.last_used_at, now) - silent_since < SILENCE:
        step = RotationStep.OLD_ONE_IN_USE
    else:
        step = RotationStep.OLD_ONE_SILENT
    return RotationAdvice(step, old, new, silent_since)
