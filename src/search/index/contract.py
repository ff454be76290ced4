"""The protocols that every index implements, and the types of their arguments and answers.

An index holds the passages of transcripts. Its answers are those that reading all transcripts from end to end would
give. The embedded index is `whoosh.index.WhooshIndex`.
"""

import functools
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal, Protocol
from urllib.parse import urlencode

from search.index.hits import Hit, stored_address
from search.index.passages import Contents, Passages
from search.query.limits import MAX_HITS, WITHIN_S
from search.query.parser import Query
from transcribe.library.episode import is_show

Order = Literal["newest", "oldest", "relevance"]  # relevance: the episodes with the most hits first


@dataclass(frozen=True, slots=True)
class Filters:
    """Narrows a search; a field that is None admits everything."""

    show: str | None = None  # the slug
    after: str | None = None  # published on this ISO date or later
    before: str | None = None  # published before this ISO date
    speaker: str | None = None  # of the first matched word
    clean: bool = False  # leave out hits whose words carry a flag of distrust
    episode: str | None = None  # the id

    def admits(self, contents: Contents) -> bool:
        """Whether hits in this episode may be shown. A filter by date admits no episode without a date."""
        episode, date = contents.episode, contents.episode.published or ""
        return (
            (self.show is None or episode.slugs[0] == self.show)
            and (self.episode is None or episode.id == self.episode)
            and (self.after is None or date[: len(self.after)] >= self.after)
            and (self.before is None or "" < date[: len(self.before)] < self.before)
        )


@dataclass(frozen=True, slots=True)
class Request:
    """A query, its filters, and which page of its hits is wanted."""

    query: Query
    filters: Filters = field(default_factory=Filters)
    order: Order = "newest"
    limit: int = 20
    offset: int = 0
    within_ms: int = WITHIN_S * 1000
    facets: bool = True
    budget_s: float | None = None  # the query is given up after so many seconds; None sets no limit


@dataclass(frozen=True, slots=True)
class Unknown:
    """A word of the query that nobody ever says."""

    word: str
    nearest: tuple[str, ...]  # words that are said and spelt much like it, the likeliest first
    other_forms: tuple[str, ...] = ()  # words that are said and that loose mode finds for it, the commonest first


@dataclass(frozen=True, slots=True)
class Answer:
    """One page of hits, and the exact counts of all hits."""

    total: int
    hits: tuple[Hit, ...]
    facets: Mapping[str, Sequence[tuple[str, int]]]  # of "show" (slug), "year", "speaker": (value, hits), most first
    unknown: tuple[Unknown, ...] = ()  # where there are no hits: the words that nobody says


def body(
    request: Request,
    answer: Answer,
    took_s: float,
    url: str = "/api/search?",
    audio: Callable[[str], str] = stored_address,
) -> dict[str, Any]:
    """The answer as the API and `playhead search --json` give it; `url` leads to the next page, all but its offset.

    `audio` gives the address of the sound of an episode (id).
    """
    address = functools.cache(audio)
    after = request.offset + request.limit
    more = request.limit > 0 and after < answer.total and after + request.limit <= MAX_HITS
    return {
        "query": {"text": request.query.text, "mode": request.query.mode},
        "total": answer.total,
        "limit": request.limit,
        "offset": request.offset,
        "next": url + urlencode({"offset": after}) if more else None,
        "took_ms": round(took_s * 1000, 2),
        "hits": [hit.to_json(address(hit.contents.episode.id)) for hit in answer.hits],
        "unknown": [
            {"word": each.word, "did_you_mean": list(each.nearest), "other_forms": list(each.other_forms)}
            for each in answer.unknown
        ],
        "facets": {name: [list(value) for value in values] for name, values in answer.facets.items()},
    }


class Index(Protocol):
    """An index, open for reading. Many may read at once, in threads and in processes."""

    def search(self, request: Request) -> Answer:
        """The page of hits asked for: none missing, none extra, each occurrence once. Raises QueryTimeout."""

    def every(self, request: Request) -> Iterator[Hit]:
        """Every hit, one by one, in the same order, whatever limit and offset. Raises QueryTimeout before the first."""

    def contents(self) -> Sequence[Contents]:
        """Every episode in the index, the newest first."""

    def close(self) -> None:
        """Closes its files or its state on the cluster."""


class IndexWriter(Protocol):
    """An index, open for changing. One writer at a time."""

    def update(self, changed: Iterable[Passages], removed: Iterable[str]) -> None:
        """Adds or replaces episodes and removes others (ids), all in one step."""


def show_named(text: str, index: Index) -> str:
    """The slug of the show that a text names, by its slug or its title; the text itself where there is no such show."""
    shows = dict.fromkeys((contents.episode.slugs[0], contents.episode.show) for contents in index.contents())
    if any(slug == text for slug, _ in shows):
        return text
    return next((slug for slug, title in shows if is_show(text, slug, title)), text)


def hits_holding(index: Index, hits: Iterator[Hit]) -> Iterator[Hit]:  # noqa: ARG001 - it is held, not asked
    """The hits. Holds the index until the last of them is read, and so keeps its files or its state open."""
    yield from hits
