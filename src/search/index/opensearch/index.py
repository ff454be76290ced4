"""The index on OpenSearch: gives the same answers as the embedded one.

Most queries are plain phrases. The cluster counts these, however many episodes have them; only episodes with hits on
the page asked for are read. For all other queries (words near one another, beginnings, stems, speakers) the cluster
gives the episodes that may have hits, and the places of the words in them. In both cases `matching` finds the hits.
"""

import dataclasses
import itertools
import threading
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import TypeVar

from search.errors import IndexUnavailable
from search.index.contract import Answer, Request, hits_holding
from search.index.deadline import Deadline
from search.index.hits import Hit
from search.index.opensearch.candidates import Candidates, Spellings
from search.index.opensearch.connection import SOON_S, Connection
from search.index.opensearch.schema import key
from search.index.opensearch.snapshot import (
    MENDS,
    Clause,
    Json,
    Matches,
    PointLost,
    Snapshot,
    found,
    name_of,
    said,
    times,
)
from search.index.passages import Contents
from search.index.searcher import Searcher
from search.query.parser import Term

T = TypeVar("T")

EPISODES_AT_ONCE = 50  # read together when every hit is wanted


class OpenSearchIndex:
    """One state of the index on a cluster, open for reading. Safe to share between threads."""

    def __init__(self, connection: Connection, index: str) -> None:
        """`index` is the name of one generation. Raises IndexUnavailable."""
        self._connection, self._name = connection, index
        self._lock = threading.Lock()
        self.snapshot = Snapshot.of(connection, index)
        self._contents: list[Contents] | None = None

    def close(self) -> None:
        """Frees the state on the cluster."""
        self.snapshot.close()

    def contents(self) -> Sequence[Contents]:
        """Every episode, the newest first."""
        if self._contents is None:
            self._contents = self._asked(lambda snapshot: list(snapshot.patient().contents()))
        return self._contents

    def search(self, request: Request) -> Answer:
        """The page of hits asked for. See `contract.Index`."""
        return self._asked(lambda snapshot: _Search(snapshot, request).answer())

    def every(self, request: Request) -> Iterator[Hit]:
        """Every hit, one by one. See `contract.Index`."""
        return hits_holding(self, self._asked(lambda snapshot: _Search(snapshot, request).every()))

    def _asked(self, ask: Callable[[Snapshot], T]) -> T:
        """The answer to `ask`; asks a new point in time where the present one was lost with a node."""
        until = time.monotonic() + SOON_S
        while True:
            snapshot = self.snapshot
            try:
                return ask(snapshot)
            except PointLost:
                if time.monotonic() > until:
                    raise
            with self._lock:
                if self.snapshot is snapshot:  # no other thread has renewed it
                    self.snapshot, self._contents = Snapshot.of(self._connection, self._name), None


class _Search:
    """The search for one request."""

    def __init__(self, snapshot: Snapshot, request: Request) -> None:
        self._snapshot = snapshot if request.budget_s else snapshot.patient()
        self._request = request
        self._deadline = Deadline(request.budget_s)

    def answer(self) -> Answer:
        """The page of hits asked for."""
        phrase = _plain_phrase(self._request)
        if phrase and (answer := self._counted(phrase)):
            return answer
        self._deadline.check()
        spellings = Spellings(self._snapshot, self._request.query)
        return self._searcher(self._candidates(spellings), spellings).answer(self._request)

    def every(self) -> Iterator[Hit]:
        """Every hit, a few episodes at a time unless their order depends on their hits.

        The first are found before this returns, so an error is raised before any hit is shown. Only they have a time
        limit.
        """
        spellings = Spellings(self._snapshot, self._request.query)
        candidates = self._candidates(spellings)
        at_once = None if self._request.order == "relevance" else EPISODES_AT_ONCE
        first = self._searcher(list(itertools.islice(candidates, at_once)), spellings).every(self._request)
        self._deadline.lift()
        self._request = dataclasses.replace(self._request, budget_s=None)
        return itertools.chain(first, self._others(candidates, spellings))

    def _others(self, candidates: Iterator[Matches], spellings: Spellings) -> Iterator[Hit]:
        while some := list(itertools.islice(candidates, EPISODES_AT_ONCE)):
            yield from self._searcher(some, spellings).every(self._request)

    def _counted(self, phrase: Sequence[str]) -> Answer | None:
        """The answer for a phrase, counted by the cluster; None where speakers must be counted too."""
        request = self._request
        end = request.offset + request.limit
        words = () if request.offset else phrase
        tally, hits = self._snapshot.tally(phrase, request.filters, request.order, end, words, request.facets)
        if tally.by_known_speakers:
            return None
        if not tally.total:
            return self._searcher([], Spellings(self._snapshot, request.query)).answer(request)
        facets = {"show": tally.shows, "year": tally.years, "speaker": []} if request.facets else {}
        return Answer(tally.total, self._page(phrase, hits), facets)

    def _page(self, phrase: Sequence[str], hits: Sequence[Json]) -> tuple[Hit, ...]:
        """The hits of the page, from the first episodes that have any."""
        request = self._request
        counts = {name_of(hit): times(hit["_score"], phrase) for hit in hits}
        passed, names = _window(counts, request.offset, request.limit)
        if not names:
            return ()
        at_hand = map(found, hits[: len(names)]) if request.offset == 0 else ()
        some = list(at_hand) or self._snapshot.episodes(names, phrase)
        asked = dataclasses.replace(request, offset=request.offset - passed, facets=False)
        answer = self._searcher(some, Spellings(self._snapshot, request.query)).answer(asked)
        if answer.total != sum(counts[name] for name in names):
            raise IndexUnavailable(f"The index is damaged, its parts differ: {MENDS}")
        return answer.hits

    def _candidates(self, spellings: Spellings) -> Iterator[Matches]:
        request = self._request
        clauses = [_clause(term, spellings) for term in request.query.wanted]
        words = spellings.all_of_them()
        for one in self._snapshot.candidates(clauses, request.filters, request.order, words):
            self._deadline.check()
            yield one

    def _searcher(self, some: Iterable[Matches], spellings: Spellings) -> Searcher:
        candidates = Candidates(self._snapshot, some, spellings)
        return Searcher(candidates, candidates.contents, candidates.expect)


def _plain_phrase(request: Request) -> list[str]:
    """The words of a request for one exact phrase and nothing more; none for any other request."""
    query, filters = request.query, request.filters
    (term, *others) = query.wanted
    if others or query.unwanted or term.instead or query.mode != "exact" or filters.clean or filters.speaker:
        return []
    return [] if any(slot.prefix for slot in term.slots) else [slot.word for slot in term.slots]


def _window(counts: Mapping[str, int], offset: int, limit: int) -> tuple[int, list[str]]:
    """The number of hits in the episodes before `offset`, and the episodes with the hits from there on."""
    passed, at, names = 0, 0, []
    for name, count in counts.items():
        if at + count <= offset:
            passed += count
        elif at < offset + limit:
            names.append(name)
        at += count
    return passed, names


def _clause(term: Term, spellings: Spellings) -> Clause:
    """A clause that every episode with the term, or with one that stands for it, fulfils; others may too."""
    ways: list[Clause] = []
    for one in (term, *term.instead):
        words = [spellings.words[slot] for slot in one.slots]
        if all(len(choices) == 1 for choices in words):
            ways.append(said([word for (word,) in words]))
        else:
            ways.append({"bool": {"filter": [{"terms": {"said": list(map(key, choices))}} for choices in words]}})
    return ways[0] if len(ways) == 1 else {"bool": {"should": ways}}
