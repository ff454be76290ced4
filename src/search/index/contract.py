"""The contract that every index keeps, and what goes in and out of it.

An index holds the passages of transcripts and answers requests exactly as reading all transcripts from end to end
would. The embedded one is `whoosh_index.WhooshIndex`.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal, Protocol
from urllib.parse import urlencode

from search.index.hits import Hit
from search.index.passages import Contents, Passages
from search.query.limits import MAX_HITS, WITHIN_S
from search.query.parser import Query
from transcribe.library.episode import is_show

Order = Literal["newest", "oldest", "relevance"]  # relevance: the episodes with the most hits first


@dataclass(frozen=True, slots=True)
class Filters:
    """What narrows a search; None lets everything pass."""

    show: str | None = None  # the slug
    after: str | None = None  # published on this ISO date or later
    before: str | None = None  # published before this ISO date
    speaker: str | None = None  # of the first matched word
    clean: bool = False  # leave out hits whose words carry a flag of distrust
    episode: str | None = None  # the id

    def admits(self, contents: Contents) -> bool:
        """Whether hits in this episode may be shown. An episode without a date passes no filter by date."""
        episode, date = contents.episode, contents.episode.published or ""
        return (
            (self.show is None or episode.slugs[0] == self.show)
            and (self.episode is None or episode.id == self.episode)
            and (self.after is None or date[: len(self.after)] >= self.after)
            and (self.before is None or "" < date[: len(self.before)] < self.before)
        )


@dataclass(frozen=True, slots=True)
class Request:
    """One page of the answer to a query."""

    query: Query
    filters: Filters = field(default_factory=Filters)
    order: Order = "newest"
    limit: int = 20
    offset: int = 0
    within_ms: int = WITHIN_S * 1000
    facets: bool = True
    budget_s: float | None = None  # of time, after which the query is given up


@dataclass(frozen=True, slots=True)
class Unknown:
    """A word of a query that was never said."""

    word: str
    nearest: tuple[str, ...]  # that were said, the likeliest first


@dataclass(frozen=True, slots=True)
class Answer:
    """One page of hits, with exact counts of all."""

    total: int
    hits: tuple[Hit, ...]
    facets: Mapping[str, Sequence[tuple[str, int]]]  # of "show" (slug), "year", "speaker": (value, hits), most first
    unknown: tuple[Unknown, ...] = ()  # where there are no hits: the words to blame


def body(request: Request, answer: Answer, took_s: float, url: str = "/api/search?") -> dict[str, Any]:
    """An answer as the API and `playhead search --json` give it; `url` leads to the next page but for its offset."""
    after = request.offset + request.limit
    more = request.limit > 0 and after < answer.total and after + request.limit <= MAX_HITS
    return {
        "query": {"text": request.query.text, "mode": request.query.mode},
        "total": answer.total,
        "limit": request.limit,
        "offset": request.offset,
        "next": url + urlencode({"offset": after}) if more else None,
        "took_ms": round(took_s * 1000, 2),
        "hits": [hit.to_json() for hit in answer.hits],
        "unknown": [{"word": unknown.word, "did_you_mean": list(unknown.nearest)} for unknown in answer.unknown],
        "facets": {name: [list(value) for value in values] for name, values in answer.facets.items()},
    }


class Index(Protocol):
    """An index, open for reading. Many may read at once, in threads and in processes."""

    def search(self, request: Request) -> Answer:
        """The hits asked for: nothing missing, nothing extra, each occurrence once. Raises QueryTimeout."""

    def every(self, request: Request) -> Iterator[Hit]:
        """Every hit there is, one by one, in the same order; limit and offset are not looked at."""

    def contents(self) -> Sequence[Contents]:
        """Every episode in the index, the newest first."""

    def close(self) -> None:
        """Lets go of files."""


class IndexWriter(Protocol):
    """An index, open for changing. One at a time."""

    def update(self, changed: Iterable[Passages], removed: Iterable[str]) -> None:
        """Adds or replaces episodes and takes others (ids) out, all in one step."""


def show_named(text: str, index: Index) -> str:
    """The slug of the show that a text names, by its slug or its title; the text itself where there is no such show."""
    shows = dict.fromkeys((contents.episode.slugs[0], contents.episode.show) for contents in index.contents())
    if any(slug == text for slug, _ in shows):
        return text
    return next((slug for slug, title in shows if is_show(text, slug, title)), text)


def told_from(index: Index, hits: Iterator[Hit]) -> Iterator[Hit]:  # noqa: ARG001 - it is held, not asked
    """The hits; while they are told, the index is held, and with it the files or the state that they are read from."""
    yield from hits
