"""From a request to an answer, over any store that knows where words stand."""

import functools
import itertools
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Protocol

import numpy as np

from search.index.contract import Answer, Request, Unknown
from search.index.deadline import Deadline
from search.index.facets import Facets
from search.index.hits import Hit, hit, pages_shown
from search.index.matching import (
    DOCUMENT_BITS,
    POSITION_MASK,
    Either,
    Occurrences,
    Places,
    apart_from,
    counted,
    either,
    phrase,
    together,
)
from search.index.passages import Contents, WordColumns
from search.query.parser import Query, Slot, Term
from search.query.words import COMMON


class Store(Protocol):
    """Where words stand, as an index keeps it. Documents are numbers; each holds one episode."""

    def occurrences(self, word: str) -> Occurrences:
        """Of a word."""

    def pair(self, first: str, second: str) -> Occurrences:
        """Of two common words (`words.COMMON`) side by side."""

    def beginning_with(self, prefix: str) -> list[str]:
        """Every word that begins so."""

    def alike(self, word: str) -> list[str]:
        """Every word of a common stem (`stems.are_alike`)."""

    def nearest(self, word: str) -> list[str]:
        """Words that are spelt much like one that is not there, the likeliest first."""

    def other_forms(self, word: str) -> list[str]:
        """Words alike that are said anywhere, the commonest first; a few."""

    def page(self, document: int, number: int) -> WordColumns:
        """A page of what was said in a document's episode."""


Expect = Callable[[Sequence[tuple[int, int]]], None]  # pages, by document and number
HitExtent = tuple[int, int]  # points of the first and the last word of a hit

SHOWN_AT_ONCE = 500  # hits, of all there are


class Searcher:
    """Finds, filters, counts, sorts and shows."""

    def __init__(self, store: Store, episodes: Mapping[int, Contents], expect: Expect | None = None) -> None:
        """`expect` is told which pages will be wanted, before they are: a store far away gets them in one go."""
        self.store = store
        self.facets = Facets(episodes)
        self.expect = expect

    def answer(self, request: Request) -> Answer:
        """The page of hits asked for, with exact counts of all. Raises QueryTimeout."""
        search = _Search(self, request)
        return Answer(
            total=len(search.found),
            hits=tuple(search.shown(list(itertools.islice(search.places(request.offset), request.limit)))),
            facets=self.facets.facets(search.found, search.counts) if request.facets else {},
            unknown=() if len(search.found) else tuple(self._unknown(request.query)),
        )

    def every(self, request: Request) -> Iterator[Hit]:
        """Every hit there is, one by one."""
        return _Search(self, request).every()

    def _unknown(self, query: Query) -> Iterator[Unknown]:
        """The words of a query that were never said, and what may have been meant."""
        if query.mode == "loose":
            return
        slots = dict.fromkeys(slot for term in query.wanted for slot in term.slots)
        for slot in slots:
            if not slot.prefix and not len(self.store.occurrences(slot.word)):
                forms = self.store.other_forms(slot.word)
                yield Unknown(slot.word, tuple(self.store.nearest(slot.word)), tuple(forms))


class _Search:
    """One request being answered."""

    def __init__(self, finder: Searcher, request: Request) -> None:
        self.store, self.facets, self.request = finder.store, finder.facets, request
        self.expect = finder.expect
        self.deadline = Deadline(request.budget_s)
        self.timed = len(request.query.wanted) > 1 or bool(request.query.unwanted)
        self.terms = [self._term(term) for term in request.query.wanted]
        self.found = self.facets.admitted(self._everywhere(), request.filters)
        self.counts = counted(self.found.documents)

    def places(self, offset: int) -> Iterator[HitExtent]:
        """Of the hits from `offset` on: episode by episode in the order asked for, each from its start."""
        for document in self.facets.ordered(self.counts, self.request.order):
            count = self.counts[document]
            if offset < count:
                begin = int(np.searchsorted(self.found.first, document << DOCUMENT_BITS))
                for number in range(begin + offset, begin + count):
                    yield int(self.found.first[number]), int(self.found.last[number])
            offset = max(0, offset - count)

    def every(self) -> Iterator[Hit]:
        """All hits, in order: they have been found in time, and to tell them may take longer."""
        self.deadline.lift()
        places = self.places(0)
        while some := list(itertools.islice(places, SHOWN_AT_ONCE)):
            yield from self.shown(some)

    def shown(self, places: Sequence[HitExtent]) -> Iterator[Hit]:
        """These hits."""
        if self.expect:
            self.expect([page for first, last in places for page in self._pages(first, last)])
        for (first, last), matched in zip(places, self._matched(places), strict=True):
            yield self._hit(first, last, matched)

    def _pages(self, first: int, last: int) -> Iterator[tuple[int, int]]:
        document = first >> DOCUMENT_BITS
        for number in pages_shown(self.facets.episodes[document], first & POSITION_MASK, last & POSITION_MASK):
            yield document, number

    def _everywhere(self) -> Places:
        within_ms = self.request.within_ms
        found = together(self.terms, within_ms, self.deadline.check)
        for term in self.request.query.unwanted:
            found = apart_from(found, self._term(term), within_ms)
        return found

    def _term(self, term: Term) -> Places:
        return either([self._phrase(term), *(self._phrase(other) for other in term.instead)])

    def _phrase(self, term: Term) -> Places:
        paired = [number for number in range(len(term.slots) - 1) if self._is_pair(*term.slots[number : number + 2])]
        alone = [n for n in range(len(term.slots)) if n not in paired and n - 1 not in paired]
        offsets = sorted(paired + alone)
        slots = [self._pair(term, number) if number in paired else self._slot(term.slots[number]) for number in offsets]
        return phrase(slots, offsets, len(term.slots), self.timed)

    def _is_pair(self, *slots: Slot) -> bool:
        return self.request.query.mode == "exact" and all(slot.word in COMMON and not slot.prefix for slot in slots)

    def _pair(self, term: Term, number: int) -> Occurrences:
        self.deadline.check()
        return self.store.pair(term.slots[number].word, term.slots[number + 1].word)

    def _slot(self, slot: Slot) -> Occurrences:
        words = [self._occurrences(word) for word in self._words_of(slot)]
        return words[0] if len(words) == 1 else Either(words)

    def _occurrences(self, word: str) -> Occurrences:
        self.deadline.check()
        return self.store.occurrences(word)

    def _words_of(self, slot: Slot) -> Sequence[str]:
        """The words of the index that a slot stands for."""
        if slot.prefix:
            return self.store.beginning_with(slot.word)
        if self.request.query.mode == "exact":
            return [slot.word]
        return self.store.alike(slot.word)

    def _hit(self, first: int, last: int, matched: Sequence[HitExtent]) -> Hit:
        self.deadline.check()
        document, begin, end = first >> DOCUMENT_BITS, first & POSITION_MASK, last & POSITION_MASK
        read = functools.partial(self.store.page, document)
        return hit(self.facets.episodes[document], read, begin, end, matched)

    def _matched(self, places: Sequence[HitExtent]) -> Iterator[list[HitExtent]]:
        """For each hit the ranges of positions that belong to one of the terms, looked up term by term for all."""
        if len(self.terms) == 1 or not places:
            yield from ([(first & POSITION_MASK, last & POSITION_MASK)] for first, last in places)
            return
        bounds = np.array(places)
        lows = [np.searchsorted(term.first, bounds[:, 0]).tolist() for term in self.terms]
        highs = [np.searchsorted(term.first, bounds[:, 1], side="right").tolist() for term in self.terms]
        for number, (_, last) in enumerate(places):
            inside = [
                (begin & POSITION_MASK, end & POSITION_MASK)
                for term, low, high in zip(self.terms, lows, highs, strict=True)
                for begin, end in term.between(low[number], high[number])
                if end <= last
            ]
            yield inside
