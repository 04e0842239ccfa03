"""Tasks that are tried again later when they fail, where the task backend knows of later.

For what follows a commit and must not be lost with a server that is down for a while.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from django.utils import timezone
from django_tasks.base import Task

#: In seconds, between two attempts.
DELAYS = (60, 300, 1800, 7200)


@contextmanager
def tried_again_later(task: Task, *args: Any, attempt: int) -> Iterator[None]:
    """Enqueue the task again if this block raises; what was raised goes on, so that the task counts as failed.

    ``attempt``: how often it was tried before, which the task takes as a keyword of that name.
    """
    try:
        yield
    except Exception:
        if attempt < len(DELAYS) and task.get_backend().supports_defer:
            run_after = timezone.now() + dt.timedelta(seconds=DELAYS[attempt])
            task.using(run_after=run_after).enqueue(*args, attempt=attempt + 1)
        raise
