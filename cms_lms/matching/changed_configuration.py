"""The configuration as it would be with one record saved, switched or deleted: nothing is stored and little compiled.

The loaded configuration's automaton answers for all other backends; only the changed record's pattern is run beside it.
Whoever looks at what a change would do before making it holds the configuration meanwhile.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Protocol

from django.db import connection

from cms_lms.backends.base import BaseLMSBackend
from cms_lms.backends.registry import UnknownBackend
from cms_lms.matching.handler import LMSHandler, LoadedConfiguration
from cms_lms.models import ConfigurationVersion, LMSBackend
from cms_lms.patterns.errors import InvalidPattern


class Configuration(Protocol):
    """Backends in order, of which the first that matches owns a URL."""

    @property
    def backends(self) -> Sequence[BaseLMSBackend]:
        """Those that take part in matching, in order."""

    def match(self, normalized_url: str) -> list[BaseLMSBackend]:
        """Return every backend whose pattern matches a URL that went through ``normalize_url``, in order."""

    def select(self, normalized_url: str) -> BaseLMSBackend | None:
        """Return the first backend whose pattern matches."""


def hold_configuration() -> LoadedConfiguration:
    """Return the configuration in force, which nobody else changes before the caller's transaction ends."""
    if connection.features.has_select_for_update:
        # In the order in which everybody locks them, and before the version, which every change writes last. What
        # only refers to them, as a new course run does, need not wait.
        no_key = connection.features.has_select_for_no_key_update
        list(LMSBackend.objects.select_for_update(no_key=no_key).in_order().values_list("pk"))
    ConfigurationVersion.objects.lock()
    # What the request has known so far may have been changed before the lock was had.
    LMSHandler.close_request()
    return LMSHandler.configuration()


def configuration_with(loaded: LoadedConfiguration, record: LMSBackend) -> ChangedConfiguration:
    """Return the configuration with a record as it is in memory; left out, as by the handler, if it cannot be used."""
    try:
        return ChangedConfiguration(loaded, record)
    except (UnknownBackend, InvalidPattern):
        return ChangedConfiguration(loaded, record, is_deleted=True)


def _place(record: LMSBackend) -> tuple[float, float]:
    """Return what orders records; one without an order, or without a key, comes last."""
    order = math.inf if record.sort_order is None else record.sort_order
    return order, math.inf if record.pk is None else record.pk


class ChangedConfiguration:
    """``loaded`` with ``record`` in place of the one that is stored under its key, or without it.

    The record's values are those that it has in memory; it keeps its place in the order, a new one comes last. With
    ``is_deleted``, or where the record is disabled, it takes no part. Raises ``UnknownBackend`` and ``InvalidPattern``
    for a record that would be left out of matching. ``loaded`` is what the change starts from.
    """

    def __init__(self, loaded: LoadedConfiguration, record: LMSBackend, *, is_deleted: bool = False) -> None:
        self.loaded = loaded
        self._pk = record.pk
        self._place = _place(record)
        self.candidate: BaseLMSBackend | None = None
        if record.is_enabled and not is_deleted:
            self.candidate = record.get_backend()
            self.candidate.course_regex  # noqa: B018  (compiled here, so that it fails here)

    @property
    def backends(self) -> Sequence[BaseLMSBackend]:
        """Those that would take part in matching, in order."""
        return self._with_candidate([backend for backend in self.loaded.backends if self._is_other(backend)])

    @property
    def chooses_alike(self) -> bool:
        """Whether no choice can come out otherwise: the same pattern in the same place, or none before and after."""
        stored = next((backend for backend in self.loaded.backends if not self._is_other(backend)), None)
        if stored is None or self.candidate is None:
            return stored is self.candidate
        is_in_place = _place(stored.record) == self._place
        return is_in_place and stored.config.course_regex == self.candidate.config.course_regex

    def match(self, normalized_url: str) -> list[BaseLMSBackend]:
        """Return every backend whose pattern would match, in order."""
        others = [backend for backend in self.loaded.match(normalized_url) if self._is_other(backend)]
        return self._with_candidate(others) if self._candidate_matches(normalized_url) else others

    def select(self, normalized_url: str) -> BaseLMSBackend | None:
        """Return the backend that would own the URL."""
        return self.select_both(normalized_url)[1]

    def select_both(self, normalized_url: str) -> tuple[BaseLMSBackend | None, BaseLMSBackend | None]:
        """Return the backend that owns the URL, and the one that would."""
        winner = self.loaded.select(normalized_url)
        return winner, self._select_after(winner, normalized_url)

    def _select_after(self, winner: BaseLMSBackend | None, normalized_url: str) -> BaseLMSBackend | None:
        if winner is not None and self._pk is not None and winner.record.pk == self._pk:
            # Whatever else matches comes later in the order.
            if self._place <= _place(winner.record) and self._candidate_matches(normalized_url):
                return self.candidate
            return next(iter(self.match(normalized_url)), None)
        if winner is not None and _place(winner.record) < self._place:
            return winner
        return self.candidate if self._candidate_matches(normalized_url) else winner

    def _is_other(self, backend: BaseLMSBackend) -> bool:
        return self._pk is None or backend.record.pk != self._pk

    def _candidate_matches(self, normalized_url: str) -> bool:
        return self.candidate is not None and self.candidate.course_regex.matches(normalized_url)

    def _with_candidate(self, others: list[BaseLMSBackend]) -> list[BaseLMSBackend]:
        if self.candidate is None:
            return others
        before = sum(_place(backend.record) < self._place for backend in others)
        return [*others[:before], self.candidate, *others[before:]]
