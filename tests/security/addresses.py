"""Every address of the site, from its URL configuration: a page that is added is walked without being named here."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from django.urls import NoReverseMatch, get_resolver, reverse
from django.urls.resolvers import URLPattern, URLResolver
from wagtail import hooks

#: Where the app's view sets, choosers and public addresses are, also those whose views are Wagtail's.
OWN_NAMESPACES = re.compile("cms_lms|syncdelivery")

#: Wagtail's log-out would end the walk.
LEFT_OUT = {"wagtailadmin_logout"}


@dataclass(frozen=True)
class Address:
    """A named pattern: its full name, the names of its arguments, and whether it is one of cms_lms's."""

    name: str
    arguments: tuple[str, ...]
    is_own: bool

    def fill(self, values: Mapping[str, Any]) -> str | None:
        """Return the address with values for its arguments, None where one is unknown."""
        if not set(self.arguments) <= set(values):
            return None
        try:
            return reverse(self.name, kwargs={name: values[name] for name in self.arguments})
        except NoReverseMatch:
            return None


def all_addresses() -> list[Address]:
    """Return every named pattern once, in the order of the configuration."""
    hooks.search_for_hooks()
    return list(dict.fromkeys(_named(get_resolver().url_patterns, ())))


def _named(patterns: list[URLPattern | URLResolver], namespaces: tuple[str, ...]) -> Iterator[Address]:
    for pattern in patterns:
        if isinstance(pattern, URLResolver):
            inner = (*namespaces, pattern.namespace) if pattern.namespace else namespaces
            yield from _named(pattern.url_patterns, inner)
        elif pattern.name and pattern.name not in LEFT_OUT:
            view = getattr(pattern.callback, "view_class", getattr(pattern.callback, "cls", pattern.callback))
            is_own = view.__module__.startswith("cms_lms") or bool(OWN_NAMESPACES.search(":".join(namespaces)))
            name = ":".join([*namespaces, pattern.name])
            yield Address(name, tuple(pattern.pattern.regex.groupindex), is_own)
