"""Answers a request over any store that knows where words stand."""

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
    """Where words stand in an index. A document is a number; it holds one episode."""

    def occurrences(self, word: str) -> Occurrences:
        """The occurrences of a word."""

    def pair(self, first: str, second: str) -> Occurrences:
        """The occurrences of two common words (`words.COMMON`) side by side."""

    def beginning_with(self, prefix: str) -> list[str]:
        """Every word with this beginning."""

    def alike(self, word: str) -> list[str]:
        """Every word of the same stem."""

    def nearest(self, word: str) -> list[str]:
        """Words that are spelt much like a word that is not there, the likeliest first."""

    def page(self, document: int, number: int) -> WordColumns:
        """A page of the written words of a document's episode."""


Expect = Callable[[Sequence[tuple[int, int]]], None]  # pages, by document and number
HitExtent = tuple[int, int]  # points of the first and the last word of a hit

SHOWN_AT_ONCE = 500  # hits, of all there are


class Searcher:
    """Finds, filters, counts, sorts and shows."""

    def __init__(self, store: Store, episodes: Mapping[int, Contents], expect: Expect | None = None) -> None:
        """`expect` is called with the pages that will be read next, so that a remote store can get them at once."""
        self.store = store
        self.facets = Facets(episodes)
        self.expect = expect

    def answer(self, request: Request) -> Answer:
        """The page of hits asked for, and the exact counts of all hits. Raises QueryTimeout."""
        search = _Search(self, request)
        return Answer(
            total=len(search.found),
            hits=tuple(search.shown(list(itertools.islice(search.places(request.offset), request.limit)))),
            facets=self.facets.facets(search.found, search.counts) if request.facets else {},
            unknown=() if len(search.found) else tuple(self._unknown(request.query)),
        )

    def every(self, request: Request) -> Iterator[Hit]:
        """Every hit, one by one. Raises QueryTimeout before the first one."""
        return _Search(self, request).every()

    def _unknown(self, query: Query) -> Iterator[Unknown]:
        """The words of a query that nobody says, and what may have been meant."""
        if query.mode == "loose":
            return
        slots = dict.fromkeys(slot for term in query.wanted for slot in term.slots)
        for slot in slots:
            if not slot.prefix and not len(self.store.occurrences(slot.word)):
                yield Unknown(slot.word, tuple(self.store.nearest(slot.word)))


class _Search:
    """The search for one request."""

    def __init__(self, searcher: Searcher, request: Request) -> None:
        self.store, self.facets, self.request = searcher.store, searcher.facets, request
        self.expect = searcher.expect
        self.deadline = Deadline(request.budget_s)
        self.timed = len(request.query.wanted) > 1 or bool(request.query.unwanted)
        self.terms = [self._term(term) for term in request.query.wanted]
        found = together(self.terms, request.within_ms, self.deadline.check)
        for term in request.query.unwanted:
            found = apart_from(found, self._term(term), request.within_ms)
        self.found = self.facets.admitted(found, request.filters)
        self.counts = counted(self.found.documents)

    def places(self, offset: int) -> Iterator[HitExtent]:
        """Where the hits from `offset` on stand: episode by episode in the order asked for, each from its start."""
        for document in self.facets.ordered(self.counts, self.request.order):
            count = self.counts[document]
            if offset < count:
                begin = int(np.searchsorted(self.found.first, document << DOCUMENT_BITS))
                for number in range(begin + offset, begin + count):
                    yield int(self.found.first[number]), int(self.found.last[number])
            offset = max(0, offset - count)

    def every(self) -> Iterator[Hit]:
        """All hits, in order. They were found in time; to show them may take longer."""
        self.deadline.lift()
        places = self.places(0)
        while some := list(itertools.islice(places, SHOWN_AT_ONCE)):
            yield from self.shown(some)

    def shown(self, places: Sequence[HitExtent]) -> Iterator[Hit]:
        """The hits at these places."""
        if self.expect:
            self.expect([page for first, last in places for page in self._pages(first, last)])
        for (first, last), matched in zip(places, self._matched(places), strict=True):
            self.deadline.check()
            document, begin, end = first >> DOCUMENT_BITS, first & POSITION_MASK, last & POSITION_MASK
            read = functools.partial(self.store.page, document)
            yield hit(self.facets.episodes[document], read, begin, end, matched)

    def _pages(self, first: int, last: int) -> Iterator[tuple[int, int]]:
        document = first >> DOCUMENT_BITS
        for number in pages_shown(self.facets.episodes[document], first & POSITION_MASK, last & POSITION_MASK):
            yield document, number

    def _term(self, term: Term) -> Places:
        return either([self._phrase(term), *(self._phrase(other) for other in term.instead)])

    def _phrase(self, term: Term) -> Places:
        """Where the term's own words stand in a row; two common words in a row are looked up as a pair."""
        exact = self.request.query.mode == "exact"
        common = [exact and slot.word in COMMON and not slot.prefix for slot in term.slots]
        paired = [number for number, both in enumerate(itertools.pairwise(common)) if all(both)]
        alone = [n for n in range(len(term.slots)) if n not in paired and n - 1 not in paired]
        offsets, slots = sorted(paired + alone), []
        for number in offsets:
            self.deadline.check()
            first, following = term.slots[number], term.slots[number + 1 : number + 2]
            is_pair = number in paired
            slots.append(self.store.pair(first.word, following[0].word) if is_pair else self._slot(first))
        return phrase(slots, offsets, len(term.slots), self.timed)

    def _slot(self, slot: Slot) -> Occurrences:
        """The occurrences of every word of the index that a slot stands for."""
        if slot.prefix:
            words = self.store.beginning_with(slot.word)
        else:
            words = [slot.word] if self.request.query.mode == "exact" else self.store.alike(slot.word)
        found = []
        for word in words:
            self.deadline.check()
            found.append(self.store.occurrences(word))
        return found[0] if len(found) == 1 else Either(found)

    def _matched(self, places: Sequence[HitExtent]) -> Iterator[list[HitExtent]]:
        """For each hit the ranges of positions that belong to one of the terms."""
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
