"""Which backend classes and JS backends a site offers, as its settings name them."""

from __future__ import annotations

from contextlib import suppress
from functools import cache
from typing import NamedTuple

from django.utils.functional import Promise
from django.utils.module_loading import import_string

from cms_lms.backends.base import BaseLMSBackend
from cms_lms.conf import settings as lms_settings


class UnknownBackend(LookupError):
    """The name is not in the registry, or names a class that cannot be imported."""


@cache
def _load(path: str) -> type[BaseLMSBackend]:
    try:
        return import_string(path)
    except ImportError as error:
        # A system check says so; until it is heeded, the class is as good as not registered.
        raise UnknownBackend(path) from error


def get_backend_class(path: str) -> type[BaseLMSBackend]:
    """Return the backend class registered under a dotted path. Raises ``UnknownBackend``."""
    if path not in lms_settings.BACKENDS:
        raise UnknownBackend(path)
    return _load(path)


def backend_choices() -> list[tuple[str, str | Promise]]:
    """Return the registered backend classes as choices: dotted path, label. Those that cannot be imported are none."""
    choices: list[tuple[str, str | Promise]] = []
    for path in lms_settings.BACKENDS:
        with suppress(UnknownBackend):
            choices.append((path, _load(path).label))
    return choices


def js_backend_choices() -> list[tuple[str, str]]:
    """Return the registered JS backends as choices: name, label."""
    return [(name, entry["label"]) for name, entry in lms_settings.JS_BACKENDS.items()]


def get_js_module(name: str) -> str:
    """Return the static path of a JS backend's module. Raises ``UnknownBackend``."""
    try:
        return lms_settings.JS_BACKENDS[name]["module"]
    except KeyError:
        raise UnknownBackend(name) from None


class JSConnection(NamedTuple):
    """What examines the connection of a JS backend in an editor's browser: a static module, a template of its words."""

    module: str
    template: str


def get_js_connection(name: str) -> JSConnection | None:
    """Return a JS backend's part of "Check this connection", None where it has none or is not registered."""
    entry = lms_settings.JS_BACKENDS.get(name, {})
    return JSConnection(**entry["connection"]) if "connection" in entry else None
