"""By what an LMS finds a learner who is logged in on this site: the ways that the site's settings name.

A way is a function that takes a user of the site and returns a ``Learner``, or None for whom it cannot vouch. It may
have a ``problem``: a function that says in words why it finds nobody on this site at all.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from functools import cache
from typing import Any

from django.utils.functional import Promise
from django.utils.module_loading import import_string

from cms_lms.backends.enrollment import Learner
from cms_lms.conf import settings as lms_settings

LearnerMatcher = Callable[[Any], Learner | None]


class UnknownLearnerMatcher(LookupError):
    """The name is not in the settings, or names a function that cannot be imported."""


@cache
def _load(path: str) -> LearnerMatcher:
    try:
        return import_string(path)
    except (ImportError, AttributeError) as error:
        # A system check says so; until it is heeded, nobody is found by it.
        raise UnknownLearnerMatcher(path) from error


def get_learner_matcher(name: str) -> LearnerMatcher:
    """Return a way by its name, the first for a blank one. Raises ``UnknownLearnerMatcher``."""
    name = name or next(iter(lms_settings.LEARNER_MATCHERS), "")
    try:
        path = lms_settings.LEARNER_MATCHERS[name]["function"]
    except KeyError:
        raise UnknownLearnerMatcher(name) from None
    return _load(path)


def learner_matcher_choices() -> list[tuple[str, str | Promise]]:
    """Return the ways as choices: name, label."""
    return [(name, entry["label"]) for name, entry in lms_settings.LEARNER_MATCHERS.items()]


def problem_of_learner_matcher(name: str) -> str:
    """Return in words why a way finds nobody on this site; blank where it knows of no reason."""
    with suppress(UnknownLearnerMatcher):
        problem = getattr(get_learner_matcher(name), "problem", None)
        return str(problem()) if callable(problem) else ""
    return ""
