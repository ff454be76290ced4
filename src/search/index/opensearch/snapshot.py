"""Reads one state of an index on OpenSearch.

A state is a point in time: later writes do not change its answers.
"""

import contextlib
import functools
import zlib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import whoosh.lang.porter

from search.errors import IndexUnavailable
from search.index.contract import Filters, Order
from search.index.opensearch.connection import LONG_S, SOON_S, Connection, Refused
from search.index.opensearch.documents import Bucket, data, leaf_id, unpack_leaf
from search.index.opensearch.schema import LONG_BEGINNING, bucket, field_of, key
from search.index.passages import Contents, unpack_contents

Json = dict[str, Any]
Clause = Mapping[str, Any]  # of a query

MENDS = "`playhead index --rebuild` mends it."
BATCH = 1_000  # documents of one answer
_KEEP_ALIVE = "5m"  # after the last question
_MOST_VALUES = 65_535  # of a facet
_REMEMBERED_CONTENTS = 4_096  # of about 3 kB
_WORDS_AT_ONCE = 10_000
_GUESSES = 100  # near words whose frequency is read
_ONLY_COLUMNS: Json = {"stored_fields": "_none_", "track_total_hits": False}  # a hundredth of the bytes
_NO_SUCH, _FAILED, _BUSY = 404, 500, 503

NEWEST: Sequence[Json] = ({"published": {"order": "desc", "missing": "_last"}}, {"id": "asc"})
_OLDEST: Sequence[Json] = ({"published": {"order": "asc", "missing": "_first"}}, {"id": "desc"})
_SORTS: Mapping[Order, Sequence[Json]] = {
    "newest": NEWEST,
    "oldest": _OLDEST,
    "relevance": ({"_score": "desc"}, *NEWEST),
}


class PointLost(IndexUnavailable):
    """The cluster has dropped the point in time; a new one can be opened."""


@dataclass(frozen=True, slots=True)
class Matches:
    """An episode that may have hits, and the places of the query's words in it."""

    id: str
    score: float
    contents: Contents
    edition: str
    buckets: Mapping[int, Bucket]


@dataclass(frozen=True, slots=True)
class Tally:
    """How often a phrase is said, in all and by facet."""

    total: int
    shows: Sequence[tuple[str, int]]
    years: Sequence[tuple[str, int]]
    by_known_speakers: bool  # whether any episode with it names its speakers


@dataclass(frozen=True, slots=True)
class Snapshot:
    """A point in time of an index. Safe to share between threads."""

    connection: Connection
    index: str
    point: str
    patience_s: float = SOON_S

    @classmethod
    def of(cls, connection: Connection, index: str, patience_s: float = SOON_S) -> "Snapshot":
        """A new point in time. Raises IndexUnavailable."""
        path = f"/{index}/_search/point_in_time"
        answer = connection.call("POST", path, None, patience_s, keep_alive=_KEEP_ALIVE)
        return cls(connection, index, answer["pit_id"], patience_s)

    def patient(self) -> "Snapshot":
        """The same state, with the long time limit."""
        return replace(self, patience_s=LONG_S)

    def close(self) -> None:
        """Frees the point in time; the cluster frees it anyway after five minutes."""
        with contextlib.suppress(IndexUnavailable):
            self.connection.call("DELETE", "/_search/point_in_time", {"pit_id": [self.point]})

    def ask(self, body: Mapping[str, Any]) -> Json:
        """The answer to a search. Raises PointLost where the point in time is gone, IndexUnavailable otherwise."""
        there = {**_ONLY_COLUMNS, **body, "pit": {"id": self.point, "keep_alive": _KEEP_ALIVE}}
        try:
            return self.connection.call(
                "POST", "/_search", there, self.patience_s, allow_partial_search_results="false"
            )
        except Refused as refused:
            if refused.status in (_NO_SUCH, _FAILED, _BUSY):
                raise PointLost(str(refused)) from refused
            raise

    def all_of(self, body: Mapping[str, Any], size: int | None = None) -> Iterator[Json]:
        """Every document that a sorted search finds, a batch at a time."""
        size = size or BATCH
        after: Json = {}
        while True:
            hits = self.ask({**body, **after, "size": size})["hits"]["hits"]
            yield from hits
            if len(hits) < size:
                return
            after = {"search_after": hits[-1]["sort"]}

    def tally(
        self, phrase: Sequence[str], filters: Filters, order: Order, size: int, words: Iterable[str], facets: bool
    ) -> tuple[Tally, list[Json]]:
        """How often a phrase is said, and the first episodes with it, as `found` takes them; in one request."""
        score = {"sum": {"script": "_score"}}
        counts: Json = {"total": score}
        if facets:
            counts["speakers"] = {"filter": {"term": {"speakers": True}}}
            for name in ("show", "year"):
                counts[name] = {"terms": {"field": name, "size": _MOST_VALUES}, "aggs": {"total": score}}
        answer = self.ask(
            {
                "query": {"bool": {"must": [said(phrase)], "filter": admitting(filters)}},
                "sort": _SORTS[order],
                "track_scores": True,
                "size": size,
                "docvalue_fields": _fields(words),
                "aggs": counts,
            }
        )
        counted = answer["aggregations"]
        tally = Tally(
            total=times(counted["total"]["value"], phrase),
            shows=_ranked(counted.get("show"), phrase),
            years=_ranked(counted.get("year"), phrase),
            by_known_speakers=bool(counted.get("speakers", {}).get("doc_count")),
        )
        return tally, answer["hits"]["hits"]

    def candidates(
        self, clauses: Sequence[Clause], filters: Filters, order: Order, words: Iterable[str]
    ) -> Iterator[Matches]:
        """The episodes that fulfil all clauses, in order."""
        query = {"bool": {"filter": [*clauses, *admitting(filters)]}}
        sort = NEWEST if order == "relevance" else _SORTS[order]
        body = {"query": query, "sort": sort, "docvalue_fields": _fields(words)}
        return map(found, self.all_of(body))

    def episodes(self, names: Sequence[str], words: Iterable[str]) -> list[Matches]:
        """The episodes of these ids, in their order."""
        hits = self.ask({"query": {"ids": {"values": names}}, "size": len(names), "docvalue_fields": _fields(words)})[
            "hits"
        ]["hits"]
        return sorted(map(found, hits), key=lambda one: names.index(one.id))

    def leaves(self, wanted: Iterable[tuple[str, int]]) -> dict[tuple[str, int], list[bytes]]:
        """The leaves of these editions and numbers, each a list of pages. Raises IndexUnavailable where one is gone."""
        names = [leaf_id(edition, number) for edition, number in wanted]
        if not names:
            return {}
        fields = ["of", "leaf", "pages"]
        hits = self.ask({"query": {"ids": {"values": names}}, "size": len(names), "docvalue_fields": fields})
        given = [hit["fields"] for hit in hits["hits"]["hits"]]
        leaves = {(leaf["of"][0], leaf["leaf"][0]): unpack_leaf(data(leaf["pages"][0])) for leaf in given}
        if len(leaves) < len(names):
            raise IndexUnavailable(f"The index is damaged, a part of it is not there: {MENDS}")
        return leaves

    def contents(self) -> Iterator[Contents]:
        """The contents of every episode, the newest first."""
        body = {"query": {"exists": {"field": "edition"}}, "sort": NEWEST, "docvalue_fields": ["contents"]}
        return (_contents(hit["fields"]["contents"][0]) for hit in self.all_of(body))

    def digests(self) -> dict[str, tuple[str, str]]:
        """For every episode (id) the digest of its transcript, and its edition."""
        body = {
            "query": {"exists": {"field": "edition"}},
            "sort": [{"id": "asc"}],
            "docvalue_fields": ["id", "digest", "edition"],
        }
        hits = self.all_of(body, _WORDS_AT_ONCE)
        return {name_of(hit): (hit["fields"]["digest"][0], hit["fields"]["edition"][0]) for hit in hits}

    def editions_of_leaves(self) -> Iterator[str]:
        """The editions that have leaves."""
        leaves: Json = {"size": _WORDS_AT_ONCE, "sources": [{"of": {"terms": {"field": "of"}}}]}
        while True:
            answer = self.ask({"size": 0, "aggs": {"leaves": {"composite": leaves}}})["aggregations"]["leaves"]
            yield from (one["key"]["of"] for one in answer["buckets"])
            if "after_key" not in answer:
                return
            leaves["after"] = answer["after_key"]

    def is_said(self, word: str) -> bool:
        """Whether the word is said in any episode."""
        answer = self.ask({"query": said([word]), "size": 0, "track_total_hits": 1})
        return bool(answer["hits"]["total"]["value"])

    def beginning_with(self, prefix: str) -> list[str]:
        """Every word with this beginning."""
        near = self._words({"prefix": {"word": prefix[:LONG_BEGINNING]}})
        return [word for word in near if word.startswith(prefix)]

    def alike(self, word: str) -> list[str]:
        """Every word of the same stem, by Porter's rules."""
        return self._words({"term": {"stem": key(whoosh.lang.porter.stem(word))}})

    def within(self, word: str, distance: int) -> list[str]:
        """Words that differ in so many letters at most, but not in the first."""
        near = {"value": word, "fuzziness": distance, "prefix_length": 1, "transpositions": False}
        return self._words({"fuzzy": {"word": {**near, "rewrite": "constant_score"}}})

    def frequencies(self, words: Sequence[str]) -> dict[str, int]:
        """How often each of the first hundred of these words is said."""
        return {
            word: self.tally([word], Filters(), "newest", 0, (), facets=False)[0].total for word in words[:_GUESSES]
        }

    def _words(self, query: Clause) -> list[str]:
        body = {"query": query, "sort": [{"word": "asc"}], "docvalue_fields": ["word", "whole"]}
        return [_word(hit["fields"]) for hit in self.all_of(body, _WORDS_AT_ONCE)]


def said(phrase: Sequence[str]) -> Clause:
    """A clause: these words stand next to one another."""
    if len(phrase) == 1:
        return {"term": {"said": key(phrase[0])}}
    return {"match_phrase": {"said": " ".join(map(key, phrase))}}


def admitting(filters: Filters) -> list[Clause]:
    """Clauses that do what `Filters.admits` does."""
    clauses: list[Clause] = []
    if filters.show:
        clauses.append({"term": {"show": filters.show}})
    if filters.episode:
        clauses.append({"term": {"id": filters.episode}})
    if filters.after or filters.before:
        limits = {"gte": filters.after or None, "lt": filters.before or None}
        clauses.append({"range": {"published": {name: limit for name, limit in limits.items() if limit}}})
    return clauses


def found(hit: Json) -> Matches:
    """The episode in an answer to a search."""
    fields = hit["fields"]
    buckets = {
        int(name.removeprefix("at.")): Bucket(data(values[0]))
        for name, values in fields.items()
        if name.startswith("at.")
    }
    return Matches(
        id=name_of(hit),
        score=hit["_score"] or 0.0,
        contents=_contents(fields["contents"][0]),
        edition=fields["edition"][0],
        buckets=buckets,
    )


def name_of(hit: Json) -> str:
    """The id of the episode in an answer to a search."""
    return str(hit["fields"]["id"][0])


def _fields(words: Iterable[str]) -> list[str]:
    return ["id", "contents", "edition", *(field_of(number) for number in sorted(set(map(bucket, words))))]


@functools.lru_cache(_REMEMBERED_CONTENTS)
def _contents(packed: str) -> Contents:
    return unpack_contents(zlib.decompress(data(packed)))


def _word(fields: Mapping[str, Sequence[str]]) -> str:
    return data(fields["whole"][0]).decode() if "whole" in fields else fields["word"][0]


def times(score: float, phrase: Sequence[str]) -> int:
    """How often a phrase is said, from its score: each pair of its words adds to the score."""
    return round(score) // max(1, len(phrase) - 1)


def _ranked(facet: Json | None, phrase: Sequence[str]) -> list[tuple[str, int]]:
    """The values of a facet, the most hits first."""
    values = [(one["key"], times(one["total"]["value"], phrase)) for one in facet["buckets"]] if facet else []
    return sorted(values, key=lambda item: (-item[1], item[0]))
