"""LMSHandler: picks the backend whose course regex matches a URL; the first in order wins.

All enabled patterns are compiled into one RE2 set, so a choice costs the same with one backend or with a
thousand. A process keeps the loaded configuration and asks the database once a request whether it is
still in force; outside requests, and in a request that changes the configuration itself, it asks every time.
"""

from __future__ import annotations

import logging
import uuid
from collections.abc import Callable
from contextvars import ContextVar

import re2

from cms_lms.backends.base import BaseLMSBackend
from cms_lms.backends.registry import UnknownBackend
from cms_lms.models import ConfigurationVersion, LMSBackend
from cms_lms.patterns.course_regex import re2_options
from cms_lms.patterns.errors import InvalidPattern
from cms_lms.patterns.urls import InvalidURL, normalize_url

logger = logging.getLogger("cms_lms")

#: Bytes that the automaton of all patterns together may use; RE2 forgets states rather than exceed it.
SET_MAX_MEMORY = 64 * 1024 * 1024


class LoadedConfiguration:
    """The enabled backends in order, and their patterns as one automaton.

    ``token`` is the configuration's version that was in force when they were read.
    """

    def __init__(self, token: uuid.UUID | None, backends: list[BaseLMSBackend]) -> None:
        self.token = token
        self.backends = backends
        self._sentinel = len(backends)
        self._match = self._compile()

    def _compile(self) -> Callable[[str], list[int]]:
        """Return the function that gives the positions of all patterns that match, and the sentinel's."""
        patterns = re2.Set.MatchSet(re2_options(max_memory=SET_MAX_MEMORY))
        for backend in self.backends:
            patterns.Add(backend.course_regex.re2_pattern)
        # An empty pattern matches every URL: its absence from an answer says that RE2 had no memory
        # for one, which would otherwise look like "nothing matches".
        patterns.Add("")
        try:
            patterns.Compile()
        except re2.error:
            logger.warning("The patterns of %s LMS backends are too large for one automaton.", len(self.backends))
            return lambda url: []
        return patterns.Match

    @classmethod
    def load(cls, token: uuid.UUID | None) -> LoadedConfiguration:
        """Read the enabled records; one that this process cannot use is skipped and logged."""
        backends = []
        for record in LMSBackend.objects.enabled().select_related("login_backend"):
            try:
                backend = record.get_backend()
                backend.course_regex  # noqa: B018  (compiled here, so that it fails here)
            except (UnknownBackend, InvalidPattern) as error:
                logger.error("LMS backend %s is left out of matching: %s", record.slug, error)
                continue
            backends.append(backend)
        return cls(token, backends)

    def match(self, normalized_url: str) -> list[BaseLMSBackend]:
        """Return every backend whose pattern matches a URL that went through ``normalize_url``, in order."""
        found = self._match(normalized_url)
        if self._sentinel not in found:
            return [backend for backend in self.backends if backend.course_regex.matches(normalized_url)]
        found.sort()
        return [self.backends[position] for position in found[:-1]]

    def select(self, normalized_url: str) -> BaseLMSBackend | None:
        """Return the first backend whose pattern matches."""
        found = self._match(normalized_url)
        if self._sentinel not in found:
            return next(iter(self.match(normalized_url)), None)
        first = min(found)
        return None if first == self._sentinel else self.backends[first]


#: Whether a request is being answered here, and the configuration that it found in force.
_request_is_open: ContextVar[bool] = ContextVar("cms_lms.request_is_open", default=False)
_request_configuration: ContextVar[LoadedConfiguration | None] = ContextVar(
    "cms_lms.request_configuration", default=None
)


class LMSHandler:
    """The door to matching."""

    #: The last configuration that any thread loaded.
    _loaded: LoadedConfiguration | None = None

    @classmethod
    def select_lms(cls, url: str) -> BaseLMSBackend | None:
        """Return the backend of the first enabled match, bound to its record, or None."""
        try:
            return cls.configuration().select(normalize_url(url))
        except InvalidURL:
            return None

    @classmethod
    def match_all(cls, url: str) -> list[BaseLMSBackend]:
        """Return every enabled backend that matches, the winner first."""
        try:
            return cls.configuration().match(normalize_url(url))
        except InvalidURL:
            return []

    @classmethod
    def find(cls, slug: str) -> BaseLMSBackend | None:
        """Return the enabled backend of that slug, or None."""
        return next((backend for backend in cls.configuration().backends if backend.config.slug == slug), None)

    @classmethod
    def configuration(cls) -> LoadedConfiguration:
        """Return the configuration in force, loading it if another process or this one changed it."""
        configuration = _request_configuration.get()
        if configuration is not None:
            return configuration
        token = ConfigurationVersion.objects.current()
        configuration = cls._loaded
        if configuration is None or configuration.token != token:
            configuration = cls._loaded = LoadedConfiguration.load(token)
        if _request_is_open.get():
            # The request keeps its own reference: another thread may meanwhile load a change of its own
            # that is not committed, and may never be.
            _request_configuration.set(configuration)
        return configuration

    @classmethod
    def open_request(cls) -> None:
        """A request begins: the first use asks whether the configuration changed, later ones do not."""
        _request_is_open.set(True)
        _request_configuration.set(None)

    @classmethod
    def close_request(cls) -> None:
        """A request ends, or wants no more to do with what it knew: from here on every use asks."""
        _request_is_open.set(False)
        _request_configuration.set(None)
