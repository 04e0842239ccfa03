"""What becomes of the links of course runs when their LMS moves to another address, told before anything is written.

It asks the configuration about every run, as the handler would be asked. Memory is constant: runs are read by their
keys in chunks, and what is kept of them is counts, some samples and a digest.
"""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import NamedTuple

from django.db.models import QuerySet, TextChoices
from django.utils.translation import gettext_lazy as _

from cms_lms.matching.changed_configuration import Configuration
from cms_lms.matching.run_index import match_of
from cms_lms.models import CourseRun
from cms_lms.patterns.urls import InvalidURL, normalize_url, resource_key

CHUNK_SIZE = 1000

#: How many runs of each verdict are kept to be shown.
MAX_SAMPLES = 20


class Verdict(TextChoices):
    """What becomes of runs under the old address."""

    MOVES = "moves", _("Get their new links")
    TAKEN = "taken", _("Stay: another course run has the new link")
    UNMATCHED = "unmatched", _("Stay: no LMS backend matches the new link")
    OTHERS_LINK = "others_link", _("Stay: another LMS backend matches the new link")
    OTHERS_RUN = "others_run", _("Stay: they are runs of another LMS backend")
    INVALID = "invalid", _("Stay: the new link is no valid URL")


class LinkedRun(NamedTuple):
    """What a run is known by: its key, its link, and the key of the link."""

    pk: int
    resource_link: str
    resource_key: str


@dataclass(frozen=True, slots=True)
class PlannedMove:
    """A run under the old address, with the link that it would have, and what is said of that."""

    run: LinkedRun
    new_link: str
    verdict: Verdict
    new_key: str = ""
    course_id: str = ""


@dataclass(frozen=True)
class Relocation:
    """The LMS of a backend moves from one base URL to another; both as ``normalize_base_url`` returns them."""

    backend_id: int
    old: str
    new: str

    def new_link(self, link: str) -> str | None:
        """Return the link in place of one under the old address, in normal form; None for any other.

        Where the new address lies below the old one, a link under the new one has moved already.
        """
        try:
            url = normalize_url(link)
        except InvalidURL:
            return None
        rest = _below(self.old, url)
        return None if rest is None or self._has_moved(url) else self.new + rest

    def _has_moved(self, url: str) -> bool:
        if _below(self.old, self.new) is None or _below(self.new, url) is None:
            return False
        is_other_address = _address(self.old) != _address(self.new)
        return is_other_address or url.startswith(self.new)


def _address(url: str) -> str:
    """Return a URL without its scheme, in which two links of one run may differ."""
    return url.split("://", 1)[1]


def _below(base: str, url: str) -> str | None:
    """Return what follows a base URL in a URL, whatever their schemes; None where the URL is not below it."""
    base, address = _address(base), _address(url)
    if not address.startswith(base):
        return None
    rest = address[len(base) :]
    return rest if not rest or rest[0] in "/?#" else None


def runs_by_key() -> Iterator[list[LinkedRun]]:
    """Yield all runs in chunks, by their keys."""
    runs: QuerySet = CourseRun.objects.order_by("pk").values_list("pk", "resource_link", "resource_key")
    last = 0
    while chunk := [LinkedRun(*row) for row in runs.filter(pk__gt=last)[:CHUNK_SIZE]]:
        yield chunk
        last = chunk[-1].pk


def plan_moves(
    relocation: Relocation, configuration: Configuration, runs: Iterable[LinkedRun]
) -> Iterator[PlannedMove]:
    """Yield what becomes of those of the runs that are under the old address; costs one query, or none."""
    found = [(run, new_link) for run in runs if (new_link := relocation.new_link(run.resource_link)) is not None]
    moves = [_judge(relocation, configuration, run, new_link) for run, new_link in found]
    keys = {move.new_key: move.run.pk for move in moves if move.verdict is Verdict.MOVES}
    owners = dict(CourseRun.objects.filter(resource_key__in=keys).values_list("resource_key", "pk")) if keys else {}
    for move in moves:
        if move.verdict is Verdict.MOVES and owners.get(move.new_key, move.run.pk) != move.run.pk:
            yield PlannedMove(move.run, move.new_link, Verdict.TAKEN)
        else:
            yield move


def _judge(relocation: Relocation, configuration: Configuration, run: LinkedRun, new_link: str) -> PlannedMove:
    owner = configuration.select(normalize_url(run.resource_link))
    if owner is not None and owner.record.pk != relocation.backend_id:
        return PlannedMove(run, new_link, Verdict.OTHERS_RUN)
    try:
        url = normalize_url(new_link)
        new_key = resource_key(new_link)
    except InvalidURL:
        return PlannedMove(run, new_link, Verdict.INVALID)
    backend = configuration.select(url)
    if backend is None:
        return PlannedMove(run, new_link, Verdict.UNMATCHED)
    if backend.record.pk != relocation.backend_id:
        return PlannedMove(run, new_link, Verdict.OTHERS_LINK)
    match = match_of(backend, backend.extract_from_normalized(url) or "")
    return PlannedMove(run, new_link, Verdict.MOVES, new_key, match.course_id)


@dataclass
class Preview:
    """What a relocation would do: counts, samples of each verdict, and a digest by which it is recognised."""

    counts: Counter[Verdict] = field(default_factory=Counter)
    samples: dict[Verdict, list[PlannedMove]] = field(default_factory=dict)
    digest: str = ""

    @property
    def moving(self) -> int:
        """How many runs get a new link."""
        return self.counts[Verdict.MOVES]


def preview(relocation: Relocation, configuration: Configuration) -> Preview:
    """Look at every run, and change none."""
    result, digest = Preview(), hashlib.sha256()
    for runs in runs_by_key():
        for move in plan_moves(relocation, configuration, runs):
            result.counts[move.verdict] += 1
            samples = result.samples.setdefault(move.verdict, [])
            if len(samples) < MAX_SAMPLES:
                samples.append(move)
            digest.update(f"{move.run.pk} {move.run.resource_key} {move.new_key} {move.verdict.value}\n".encode())
    result.digest = digest.hexdigest()
    return result
