"""What a change of the configuration does to the runs that exist: which move from one backend to another.

It asks both configurations about every run, as the handler would be asked, rather than the index of matches.
Memory is constant: runs are read by their keys in chunks, and only counted.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import NamedTuple

from django.utils.formats import number_format
from django.utils.translation import ngettext

from cms_lms.backends.base import BaseLMSBackend
from cms_lms.matching.changed_configuration import ChangedConfiguration, Configuration
from cms_lms.models import CourseRun
from cms_lms.patterns.urls import InvalidURL, normalize_url

CHUNK_SIZE = 5000

#: How many moves are put into words one by one; those of fewest runs are summed up.
MAX_SENTENCES = 20

#: The runs that no backend matches any more, wherever they came from.
ORPHANS = "orphans"

#: What stands for "no backend" where backends are told apart.
_NONE = "none"


class Party(NamedTuple):
    """A backend as the end of a move. ``key`` tells backends apart, also those that are not stored yet."""

    key: str
    name: str
    slug: str


@dataclass(frozen=True)
class Move:
    """So many runs that go from one backend to another; None: that no backend matches, before or after."""

    old: Party | None
    new: Party | None
    count: int

    @property
    def kind(self) -> str:
        """What to ask ``list_affected`` for."""
        return f"{self.old.key if self.old else _NONE}:{self.new.key if self.new else _NONE}"


@dataclass(frozen=True)
class Impact:
    """What a change does: the moves, those of most runs first; how many runs keep their backend; how many had none
    and get none.
    """

    moves: tuple[Move, ...] = ()
    staying: int = 0
    unmatched: int = 0

    def __bool__(self) -> bool:
        """Whether there is anything to say: some run moves."""
        return bool(self.moves)

    @property
    def moving(self) -> int:
        """How many runs change their backend."""
        return sum(move.count for move in self.moves)

    @property
    def orphans(self) -> int:
        """How many runs are no longer matched by any backend."""
        return sum(move.count for move in self.moves if move.new is None)

    def as_sentences(self) -> list[str]:
        """Return the impact in the reader's language, most runs first; nothing where nothing moves."""
        if not self.moves:
            return []
        return [*(describe_move(move, self.label) for move in self.moves[:MAX_SENTENCES]), *self.describe_rest()]

    def describe_rest(self) -> list[str]:
        """Return in sentences what is beyond the moves that are put into words one by one, and what stays."""
        untold = self.moves[MAX_SENTENCES:]
        moving = sum(move.count for move in untold if move.new is not None)
        orphans = sum(move.count for move in untold if move.new is None)
        counted = (
            (
                moving,
                ngettext(
                    "%(count)s more course run moves between other backends.",
                    "%(count)s more course runs move between other backends.",
                    moving,
                ),
            ),
            (
                orphans,
                ngettext(
                    "%(count)s more course run is no longer matched by any backend.",
                    "%(count)s more course runs are no longer matched by any backend.",
                    orphans,
                ),
            ),
            (
                self.staying,
                ngettext(
                    "%(count)s course run stays where it is.",
                    "%(count)s course runs stay where they are.",
                    self.staying,
                ),
            ),
        )
        return [text % {"count": _number(count)} for count, text in counted if count]

    def label(self, party: Party) -> str:
        """Return the name, with the slug where another backend of the same name is involved."""
        namesakes = {
            other.key for move in self.moves for other in (move.old, move.new) if other and other.name == party.name
        }
        return f"“{party.name}” ({party.slug})" if len(namesakes) > 1 else f"“{party.name}”"


def describe_move(move: Move, label: Callable[[Party], str]) -> str:
    """Return a move as a sentence in the reader's language."""
    if move.new is None:
        text = ngettext(
            "%(count)s course run of %(old)s is no longer matched by any backend.",
            "%(count)s course runs of %(old)s are no longer matched by any backend.",
            move.count,
        )
    elif move.old is None:
        text = ngettext(
            "%(count)s course run that no backend matches moves to %(new)s.",
            "%(count)s course runs that no backend matches move to %(new)s.",
            move.count,
        )
    else:
        text = ngettext(
            "%(count)s course run moves from %(old)s to %(new)s.",
            "%(count)s course runs move from %(old)s to %(new)s.",
            move.count,
        )
    return text % {
        "count": _number(move.count),
        "old": label(move.old) if move.old else "",
        "new": label(move.new) if move.new else "",
    }


def _number(count: int) -> str:
    return number_format(count, use_l10n=True, force_grouping=True)


class AffectedRun(NamedTuple):
    """The key of a run that moves, and from where to where; None: no backend."""

    pk: int
    old: Party | None
    new: Party | None


#: The backends that own a URL before and after a change.
Owners = tuple[BaseLMSBackend | None, BaseLMSBackend | None]


def compute_impact(before: Configuration, after: Configuration) -> Impact:
    """Return what becomes of all runs when the configuration ``after`` takes the place of ``before``."""
    counts: Counter[Owners] = Counter(owners for _pk, owners in _owners_of_runs(before, after))
    staying = unmatched = 0
    moves: Counter[tuple[Party | None, Party | None]] = Counter()
    for (old, new), count in counts.items():
        if old is None and new is None:
            unmatched += count
        elif _is_same(old, new):
            staying += count
        else:
            moves[_party(old), _party(new)] += count
    found = [Move(old, new, count) for (old, new), count in moves.items()]
    return Impact(tuple(sorted(found, key=lambda move: (-move.count, move.kind))), staying, unmatched)


def list_affected(
    before: Configuration, after: Configuration, kind: str, *, beyond: int = 0, limit: int, is_backward: bool = False
) -> list[AffectedRun]:
    """Return up to ``limit`` runs of a kind of move (``Move.kind``, or ``ORPHANS``), in the order of their keys.

    Those that follow the key ``beyond``, or with ``is_backward`` those that come right before it.
    """
    found: list[AffectedRun] = []
    for pk, (old, new) in _owners_of_runs(before, after, beyond, is_backward=is_backward):
        if (old is None and new is None) or _is_same(old, new):
            continue
        run = AffectedRun(pk, _party(old), _party(new))
        if kind == (ORPHANS if new is None and kind == ORPHANS else Move(run.old, run.new, 1).kind):
            found.append(run)
            if len(found) == limit:
                break
    return found[::-1] if is_backward else found


def _owners_of_runs(
    before: Configuration, after: Configuration, beyond: int = 0, *, is_backward: bool = False
) -> Iterator[tuple[int, Owners]]:
    """Give the key of each run, and which backends own it before and after."""
    find_owners = _owners_finder(before, after)
    runs = CourseRun.objects.order_by("-pk" if is_backward else "pk").values_list("pk", "resource_link")
    side = "pk__lt" if is_backward else "pk__gt"
    while chunk := list(runs.filter(**{side: beyond})[:CHUNK_SIZE]):
        for pk, resource_link in chunk:
            try:
                yield pk, find_owners(normalize_url(resource_link))
            except InvalidURL:
                yield pk, (None, None)
        beyond = chunk[-1][0]


def _owners_finder(before: Configuration, after: Configuration) -> Callable[[str], Owners]:
    if isinstance(after, ChangedConfiguration) and after.loaded is before:
        return after.select_both
    return lambda url: (before.select(url), after.select(url))


def _is_same(old: BaseLMSBackend | None, new: BaseLMSBackend | None) -> bool:
    return old is new or (old is not None and new is not None and _key(old) == _key(new))


def _key(backend: BaseLMSBackend) -> str:
    """Return what tells a backend apart from all others: one that is not stored yet has no key but its slug."""
    return f"new-{backend.config.slug}" if backend.record.pk is None else str(backend.record.pk)


def _party(backend: BaseLMSBackend | None) -> Party | None:
    return Party(_key(backend), backend.config.name, backend.config.slug) if backend else None
