"""Finds where the words of a query stand together: from the places of single words to the places of hits.

Places are sorted NumPy arrays of 64-bit *points*. A point is `document << 32 | x`, where x is a word's position in its
document or the millisecond at which it starts. So one array spans the whole index in order, and no neighbourhood
reaches from one document into the next. Every index uses this code.
"""

from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

Points = NDArray[np.int64]

DOCUMENT_BITS = 32
POSITION_MASK = (1 << DOCUMENT_BITS) - 1  # the bits of a point that are not its document
FEW = 48  # places: up to so many, looking up one by one is faster than arrays


class Occurrences(Protocol):
    """Where a word stands; reads no more than is asked for."""

    def __len__(self) -> int:
        """The number of occurrences in the whole index."""

    def among(self, documents: Points | None) -> "Places":
        """All occurrences in these documents (ascending), perhaps others too; all where None."""

    def holds(self, point: int) -> bool:
        """Whether an occurrence begins at that point."""


@dataclass(frozen=True, slots=True)
class Places:
    """Occurrences of a word, a term or a query, ascending by their first word."""

    first: Points  # position of the first word
    last: Points  # position of the last word
    start: Points  # when the first word starts, in milliseconds

    def __len__(self) -> int:
        return len(self.first)

    @property
    def documents(self) -> Points:
        """The document of each place."""
        return self.first >> DOCUMENT_BITS

    def among(self, documents: Points | None) -> "Places":  # noqa: ARG002 - all are in memory
        """See `Occurrences`."""
        return self

    def holds(self, point: int) -> bool:
        """See `Occurrences`."""
        at = int(np.searchsorted(self.first, point))
        return at < len(self.first) and bool(self.first[at] == point)

    def between(self, low: int, high: int) -> Iterator[tuple[int, int]]:
        """First and last position of the places from index `low` to before `high`."""
        return zip(self.first[low:high].tolist(), self.last[low:high].tolist(), strict=True)

    def where(self, chosen: NDArray[np.bool_] | NDArray[np.int64] | slice) -> "Places":
        """The places that a mask, indices or a slice chooses."""
        return Places(self.first[chosen], self.last[chosen], self.start[chosen])


_NONE: Points = np.empty(0, np.int64)
NOWHERE = Places(_NONE, _NONE, _NONE)


def either(parts: Sequence[Places]) -> Places:
    """Where any of several words or terms stands; where two begin together, the longer."""
    parts = [part for part in parts if len(part)]
    if len(parts) < 2:
        return parts[0] if parts else NOWHERE
    first, last, start = (
        np.concatenate([getattr(part, name) for part in parts]) for name in ("first", "last", "start")
    )
    order = np.lexsort((-last, first))
    first, last, start = first[order], last[order], start[order]
    new = np.concatenate([[True], first[1:] != first[:-1]])
    return Places(first[new], last[new], start[new])


@dataclass(frozen=True, slots=True)
class Either:
    """Where any of several words stands."""

    parts: Sequence[Occurrences]

    def __len__(self) -> int:
        return sum(len(part) for part in self.parts)

    def among(self, documents: Points | None) -> Places:
        """See `Occurrences`."""
        return either([part.among(documents) for part in self.parts])

    def holds(self, point: int) -> bool:
        """See `Occurrences`."""
        return any(part.holds(point) for part in self.parts)


def phrase(
    slots: Sequence[Occurrences], offsets: Sequence[int] | None = None, length: int | None = None, timed: bool = True
) -> Places:
    """Where the slots' words stand next to one another in their order.

    `offsets` gives each slot's place in the phrase where that is not its number, as after a pair of words. The rarest
    slot is read first, the others only in the documents that are left. Start times are looked up if `timed`.
    """
    offsets = offsets or range(len(slots))
    rarest, *others = sorted(range(len(slots)), key=lambda number: len(slots[number]))
    found = slots[rarest].among(None)
    first = found.first - offsets[rarest] if offsets[rarest] else found.first
    for number in others:
        if len(first) > FEW:
            found = slots[number].among(_distinct(first >> DOCUMENT_BITS))
            first = first[are_in(found.first, first + offsets[number])]
        elif len(first):
            there = [slots[number].holds(point) for point in (first + offsets[number]).tolist()]
            first = first[np.array(there)]
    last = first + ((length or len(slots)) - 1)
    if not timed:
        return Places(first, last, first)
    beginning = slots[0].among(_distinct(first >> DOCUMENT_BITS))
    return Places(first, last, beginning.start[np.searchsorted(beginning.first, first)])


def together(terms: Sequence[Places], within_ms: int, check: Callable[[], None] = lambda: None) -> Places:
    """Shortest stretches that hold every term, the starts of the first and the last at most `within_ms` apart.

    Of stretches that share a word the earliest counts, so no word is in two hits. A stretch ends where its last term
    ends; a single term is found wherever it stands. `check` is called between steps; it may raise to give up.

    The occurrences of all terms form one row, in order. Of those up to some place, the last of each term is *current*:
    the shortest stretch that ends there begins with the earliest of the current ones, which is the first whose
    successor lies behind the place. So the work grows with the number of places, not with the number of terms.
    """
    if len(terms) == 1:
        return terms[0]
    if not all(map(len, terms)):
        return NOWHERE
    first = np.concatenate([term.first for term in terms])
    order = np.argsort(first, kind="stable")
    check()
    first, start = first[order], np.concatenate([term.start for term in terms])[order]
    successor = _successors(order, [len(term) for term in terms])
    check()
    ends = np.flatnonzero(np.append(first[1:] != first[:-1], True))  # the last of those that start at the same word
    ends = ends[first[ends] >= max(term.first[0] for term in terms)]
    begins = np.searchsorted(np.maximum.accumulate(successor), ends, side="right")
    shortest = np.append(True, first[begins[1:]] != first[begins[:-1]])
    near = shortest & (np.abs(start[ends] - start[begins]) <= within_ms)  # where people speak at once, time goes back
    begins, ends = begins[near], ends[near]
    check()
    found = Places(first[begins], _last(terms, first[ends]), start[begins])
    return found.where(_apart(found))


def _successors(order: NDArray[np.intp], counts: Sequence[int]) -> NDArray[np.intp]:
    """For each place in the row, the number of its term's next place; the row's length for a term's last place."""
    number = np.empty_like(order)
    number[order] = np.arange(len(order))
    following = np.append(number[1:], len(order))
    following[np.cumsum(counts) - 1] = len(order)
    return following[order]


def _last(terms: Sequence[Places], ends: Points) -> Points:
    """The last word of each stretch whose last term starts at `ends`; an earlier phrase may end after it."""
    last = ends
    for term in terms:
        if (term.last != term.first).any():
            last = np.maximum(last, term.last[np.searchsorted(term.first, ends, side="right") - 1])
    return last


def apart_from(found: Places, unwanted: Places, within_ms: int) -> Places:
    """The places found, without those near which something unwanted starts within that time."""
    if not len(unwanted) or not len(found):
        return found
    times = np.sort(unwanted.start)
    near = np.searchsorted(times, found.start - within_ms) < np.searchsorted(
        times, found.start + within_ms, side="right"
    )
    return found.where(~near)


def counted(ascending: Points) -> Counter[int]:
    """How often each value occurs."""
    if len(ascending) <= FEW:
        return Counter(ascending.tolist())
    starts = np.flatnonzero(np.concatenate([[True], ascending[1:] != ascending[:-1]])) if len(ascending) else ascending
    counts = np.diff(starts, append=len(ascending))
    return Counter(dict(zip(ascending[starts].tolist(), counts.tolist(), strict=True)))


def _distinct(ascending: Points) -> Points:
    """Each value once. np.unique takes ten times as long, as it must sort."""
    return ascending[np.concatenate([[True], ascending[1:] != ascending[:-1]])] if len(ascending) else ascending


def are_in(sorted_points: Points, asked: Points) -> NDArray[np.bool_]:
    """For each of `asked`, whether it is one of the sorted points."""
    at = np.searchsorted(sorted_points, asked)
    at[at == len(sorted_points)] = 0
    return sorted_points[at] == asked if len(sorted_points) else np.zeros(len(asked), bool)


def _apart(found: Places) -> NDArray[np.int64]:
    """Indices of the places that do not begin inside an earlier chosen place."""
    following = np.searchsorted(found.first, found.last, side="right").tolist()
    chosen, at = [], 0
    while at < len(following):
        chosen.append(at)
        at = following[at]
    return np.array(chosen, np.int64)
