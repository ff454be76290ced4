"""Filters, counts and sorts places by show, date, speaker and flags, for all episodes of an index at once.

Speakers and flagged stretches are kept as sorted points (see `matching`), so a million places are looked up in one
step.
"""

from collections import Counter
from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from search.index.contract import Filters, Order
from search.index.matching import DOCUMENT_BITS, Places, Points
from search.index.passages import Contents

FacetCounts = dict[str, list[tuple[str, int]]]


class Facets:
    """The facets of all episodes in an index, by the number of their document."""

    def __init__(self, episodes: Mapping[int, Contents]) -> None:
        self.episodes = episodes
        self.newest_first = _newest_first(episodes)
        self._rank = {number: rank for rank, number in enumerate(self.newest_first)}
        self._shows = {number: contents.episode.slugs[0] for number, contents in episodes.items()}
        self._years = {number: contents.year for number, contents in episodes.items()}
        said = ((_point(n, at), who or "") for n, contents in episodes.items() for at, who in contents.turns)
        turns = sorted(said, key=lambda turn: turn[0])  # of several at one point, the last one says its word
        self._turns: Points = np.array([point for point, _ in turns], np.int64)
        self._speakers = np.array([who for _, who in turns], object)
        self._has_speakers = any(who for _, who in turns)
        doubts = sorted((_point(n, a), _point(n, b)) for n, contents in episodes.items() for a, b in contents.doubts)
        self._doubts: NDArray[np.int64] = np.array(doubts, np.int64).reshape(-1, 2)

    def admitted(self, found: Places, filters: Filters) -> Places:
        """The places that the filters admit."""
        if not len(found):
            return found
        if filters.show or filters.episode or filters.after or filters.before:
            numbers = [number for number, contents in self.episodes.items() if filters.admits(contents)]
            found = found.where(np.isin(found.documents, numbers))
        if filters.speaker is not None:
            found = found.where(self._speakers_of(found) == filters.speaker)
        if filters.clean:
            found = found.where(~self._is_doubtful(found))
        return found

    def ordered(self, counts: Counter[int], order: Order) -> list[int]:
        """The documents that have hits, in the order in which their hits are shown; of two equals the newer first."""
        if order == "relevance":
            return sorted(counts, key=lambda number: (-counts[number], self._rank[number]))
        return sorted(counts, key=self._rank.__getitem__, reverse=order == "oldest")

    def facets(self, found: Places, counts: Counter[int]) -> FacetCounts:
        """The number of hits of each show, year and speaker, the most first."""
        speakers = Counter(who for who in self._speakers_of(found).tolist() if who) if self._has_speakers else Counter()
        shows, years = _summed(counts, self._shows), _summed(counts, self._years)
        return {"show": _ranked(shows), "year": _ranked(years), "speaker": _ranked(speakers)}

    def _speakers_of(self, found: Places) -> NDArray[np.object_]:
        speakers: NDArray[np.object_] = self._speakers[np.searchsorted(self._turns, found.first, side="right") - 1]
        return speakers

    def _is_doubtful(self, found: Places) -> NDArray[np.bool_]:
        """For each place, whether any of its words is in a flagged segment."""
        if not len(self._doubts):
            return np.zeros(len(found), bool)
        following = np.searchsorted(self._doubts[:, 1], found.first)
        there = np.minimum(following, len(self._doubts) - 1)
        doubtful: NDArray[np.bool_] = (following < len(self._doubts)) & (self._doubts[there, 0] <= found.last)
        return doubtful


def _point(document: int, position: int) -> int:
    return document << DOCUMENT_BITS | position


def _newest_first(episodes: Mapping[int, Contents]) -> list[int]:
    by_id = sorted(episodes, key=lambda number: episodes[number].episode.id)
    return sorted(by_id, key=lambda number: episodes[number].episode.published or "", reverse=True)


def _summed(counts: Counter[int], values: Mapping[int, str | None]) -> Counter[str]:
    summed: Counter[str] = Counter()
    for number, count in counts.items():
        if value := values[number]:
            summed[value] += count
    return summed


def _ranked(counts: Counter[str]) -> list[tuple[str, int]]:
    return sorted(counts.items(), key=lambda item: (-item[1], item[0]))
