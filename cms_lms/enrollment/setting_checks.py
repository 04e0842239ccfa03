"""Whether the settings make sense that are about learners who enroll through this site's server."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from django.core import checks
from django.utils.module_loading import import_string

from cms_lms.conf import PREFIX
from cms_lms.conf import settings as lms_settings


def check_learner_settings() -> Iterator[checks.CheckMessage]:
    """Look at each of them."""
    yield from _check_matchers()
    name, field = f"{PREFIX}LEARNER_ID_NUMBER_FIELD", lms_settings.LEARNER_ID_NUMBER_FIELD
    if not isinstance(field, str) or not field.isidentifier():
        yield _error(38, f"{name} is {field!r}.", f"Set {name} to the name of an attribute of users, or remove it.")
    name, address = f"{PREFIX}REGISTER_URL", lms_settings.REGISTER_URL
    if address is not None and (not isinstance(address, str) or not address):
        yield _error(39, f"{name} is {address!r}.", f"Set {name} to an address, or to None where nobody registers.")


def _check_matchers() -> Iterator[checks.CheckMessage]:
    name, entries = f"{PREFIX}LEARNER_MATCHERS", lms_settings.LEARNER_MATCHERS
    hint = f'Set {name} to {{"name": {{"label": "Shown to editors", "function": "path.to.function"}}}}, or remove it.'
    if not isinstance(entries, Mapping) or not entries:
        yield _error(36, f"{name} is not a dict with a way to find learners.", hint)
        return
    for key, entry in entries.items():
        if not isinstance(key, str) or not key or not isinstance(entry, Mapping) or "label" not in entry:
            yield _error(36, f"{name}[{key!r}] has no name or no label.", hint)
            continue
        try:
            function = import_string(entry["function"])
        except (KeyError, ImportError, TypeError, AttributeError) as error:
            yield _error(37, f"{name}[{key!r}] names no function that can be imported: {error}.", hint)
            continue
        if not callable(function):
            yield _error(37, f"{name}[{key!r}] names something that is no function.", hint)


def _error(number: int, message: str, hint: str) -> checks.Error:
    return checks.Error(message, hint=hint, id=f"cms_lms.E{number:03}")
