"""The words' places in the episodes that may have hits: a `searcher.Store` for one request on OpenSearch."""

import functools
from collections.abc import Iterable, Mapping

import numpy as np

from search.index.matching import DOCUMENT_BITS, NOWHERE, Occurrences, Places, Points, phrase
from search.index.opensearch.documents import LEAF_PAGES
from search.index.opensearch.schema import bucket
from search.index.opensearch.snapshot import Matches, Snapshot
from search.index.passages import Contents, WordColumns, unpack
from search.query.parser import Query, Slot
from search.query.spelling import nearest

_Leaf = tuple[str, int]  # edition and number


class Spellings:
    """The words of the index that each slot of a query stands for, looked up once."""

    def __init__(self, snapshot: Snapshot, query: Query) -> None:
        terms = [one for term in query.wanted + query.unwanted for one in (term, *term.instead)]
        self.words: dict[Slot, list[str]] = {}
        for slot in dict.fromkeys(slot for term in terms for slot in term.slots):
            if slot.prefix:
                self.words[slot] = snapshot.beginning_with(slot.word)
            else:
                self.words[slot] = snapshot.alike(slot.word) if query.mode == "loose" else [slot.word]

    def all_of_them(self) -> set[str]:
        """Every word whose places are needed."""
        return {word for words in self.words.values() for word in words}


class Candidates:
    """Episodes that may have hits, numbered in the order given. See `searcher.Store`."""

    def __init__(self, snapshot: Snapshot, found: Iterable[Matches], spellings: Spellings) -> None:
        self._snapshot, self._found, self._spellings = snapshot, list(found), spellings
        self._remembered: dict[str, Places] = {}
        self._leaves: dict[_Leaf, list[bytes]] = {}

    @property
    def contents(self) -> Mapping[int, Contents]:
        """The contents of each episode by its number."""
        return {number: one.contents for number, one in enumerate(self._found)}

    def occurrences(self, word: str) -> Occurrences:
        """The occurrences of a word in these episodes."""
        return _Known(self._places(word), word, self._snapshot)

    def pair(self, first: str, second: str) -> Occurrences:
        """The occurrences of two words side by side."""
        return phrase([self._places(first), self._places(second)])

    def beginning_with(self, prefix: str) -> list[str]:
        """Every word here with this beginning."""
        return self._here(Slot(prefix, prefix=True))

    def alike(self, word: str) -> list[str]:
        """Every word here of the same stem."""
        return self._here(Slot(word))

    def nearest(self, word: str) -> list[str]:
        """See `spelling.nearest`."""
        return nearest(word, functools.partial(self._within, word))

    def _within(self, word: str, distance: int) -> dict[str, float]:
        counts = self._snapshot.frequencies(self._snapshot.within(word, distance))
        return {other: count for other, count in counts.items() if count}

    def page(self, document: int, number: int) -> WordColumns:
        """A page of an episode. Raises IndexUnavailable where the cluster has lost it."""
        leaf = self._found[document].edition, number // LEAF_PAGES
        if leaf not in self._leaves:
            self._leaves |= self._snapshot.leaves([leaf])
        return unpack(self._leaves[leaf][number % LEAF_PAGES])

    def expect(self, pages: Iterable[tuple[int, int]]) -> None:
        """Gets these pages, by document and number, in one request."""
        leaves = {(self._found[document].edition, number // LEAF_PAGES) for document, number in pages}
        self._leaves |= self._snapshot.leaves(sorted(leaves - self._leaves.keys()))

    def _here(self, slot: Slot) -> list[str]:
        return [word for word in self._spellings.words[slot] if len(self._places(word))]

    def _places(self, word: str) -> Places:
        if word not in self._remembered:
            self._remembered[word] = self._decoded(word)
        return self._remembered[word]

    def _decoded(self, word: str) -> Places:
        number = bucket(word)
        parts = [
            (document, numbers)
            for document, one in enumerate(self._found)
            if number in one.buckets and len(numbers := one.buckets[number].numbers(word))
        ]
        if not parts:
            return NOWHERE
        documents = np.array([document for document, _ in parts], np.int64) << DOCUMENT_BITS
        owner = np.repeat(documents, [len(numbers) for _, numbers in parts])
        position, start_ms = np.concatenate([numbers for _, numbers in parts]).T.astype(np.int64)
        first: Points = owner + position
        return Places(first, first, owner + start_ms)


class _Known:
    """A word's places in the candidates, and whether it is said anywhere. See `matching.Occurrences`."""

    def __init__(self, places: Places, word: str, snapshot: Snapshot) -> None:
        self._places, self._word, self._snapshot = places, word, snapshot

    def __len__(self) -> int:
        return len(self._places) or self._snapshot.is_said(self._word)

    def among(self, documents: Points | None) -> Places:
        """See `Occurrences`."""
        return self._places.among(documents)

    def holds(self, point: int) -> bool:
        """See `Occurrences`."""
        return self._places.holds(point)
