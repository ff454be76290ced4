"""Where the words of one request stand in the episodes that may have hits: a `finder.Store` for as long as it lasts."""

import functools
from collections.abc import Iterable, Mapping, Sequence

import numpy as np

from search.index.matching import DOCUMENT_BITS, NOWHERE, Occurrences, Places, Points, phrase
from search.index.opensearch.documents import LEAF_PAGES
from search.index.opensearch.schema import bucket
from search.index.opensearch.snapshot import Matches, Snapshot
from search.index.passages import Contents, WordColumns, unpack
from search.query.parser import Query, Slot, Term
from search.query.spelling import commonest, nearest

_Leaf = tuple[str, int]  # edition and number


class Spellings:
    """The words of the index that each slot of a query stands for, looked up once."""

    def __init__(self, reading: Snapshot, query: Query) -> None:
        self._loose = query.mode == "loose"
        self.slots = dict.fromkeys(slot for term in query.wanted + query.unwanted for slot in _slots(term))
        self.words: dict[Slot, list[str]] = {slot: self._look_up(reading, slot) for slot in self.slots}

    def all_of_them(self) -> set[str]:
        """Every word whose places are needed."""
        return {word for words in self.words.values() for word in words}

    def _look_up(self, reading: Snapshot, slot: Slot) -> list[str]:
        if slot.prefix:
            return reading.beginning_with(slot.word)
        return reading.alike(slot.word) if self._loose else [slot.word]


class Candidates:
    """Episodes that may have hits, numbered in the order given. See `finder.Store`."""

    def __init__(self, reading: Snapshot, found: Iterable[Matches], spellings: Spellings) -> None:
        self._reading, self._found, self._spellings = reading, list(found), spellings
        self._remembered: dict[str, Places] = {}
        self._leaves: dict[_Leaf, list[bytes]] = {}

    @property
    def contents(self) -> Mapping[int, Contents]:
        """Of each, by its number."""
        return {number: one.contents for number, one in enumerate(self._found)}

    def occurrences(self, word: str) -> Occurrences:
        """Of a word in these episodes."""
        return _Known(self._places(word), word, self._reading)

    def pair(self, first: str, second: str) -> Occurrences:
        """Of two words side by side."""
        return phrase([self._places(first), self._places(second)])

    def beginning_with(self, prefix: str) -> list[str]:
        """Every word here that begins so."""
        return self._here(Slot(prefix, prefix=True))

    def alike(self, word: str) -> list[str]:
        """Every word here of a common stem (`stems.are_alike`)."""
        return self._here(Slot(word))

    def nearest(self, word: str) -> list[str]:
        """See `spelling.nearest`."""
        return nearest(word, functools.partial(self._within, word))

    def other_forms(self, word: str) -> list[str]:
        """See `spelling.commonest`."""
        return commonest(self._reading.frequencies(self._reading.alike(word)))

    def _within(self, word: str, distance: int) -> Mapping[str, float]:
        return self._reading.frequencies(self._reading.within(word, distance))

    def page(self, document: int, number: int) -> WordColumns:
        """A page of what was said in an episode."""
        leaf = self._found[document].edition, number // LEAF_PAGES
        if leaf not in self._leaves:
            self._leaves |= self._reading.leaves([leaf])
        return unpack(self._leaves[leaf][number % LEAF_PAGES])

    def expect(self, pages: Iterable[tuple[int, int]]) -> None:
        """Gets these pages, by document and number, in one go."""
        leaves = {(self._found[document].edition, number // LEAF_PAGES) for document, number in pages}
        self._leaves |= self._reading.leaves(sorted(leaves - self._leaves.keys()))

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
    """Of a word: where it stands in the candidates, and whether anywhere at all. See `matching.Occurrences`."""

    def __init__(self, places: Places, word: str, reading: Snapshot) -> None:
        self._places, self._word, self._reading = places, word, reading

    def __len__(self) -> int:
        return len(self._places) or self._reading.is_said(self._word)

    def among(self, documents: Points | None) -> Places:
        """As `Occurrences` has it."""
        return self._places.among(documents)

    def holds(self, point: int) -> bool:
        """As `Occurrences` has it."""
        return self._places.holds(point)


def _slots(term: Term) -> Sequence[Slot]:
    return [slot for one in (term, *term.instead) for slot in one.slots]
