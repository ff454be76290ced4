"""Asks the sources of a library side by side, and makes records of what they offer."""

import dataclasses
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

from transcribe.console import Progress
from transcribe.errors import EpisodeError, TranscriptError
from transcribe.fetch.catalog import Catalog
from transcribe.fetch.discovery import Discovered, Discovery
from transcribe.fetch.feed_cache import BodyFilter, FeedCache, NotDue, NotModified
from transcribe.fetch.http_client import Fetched, HttpClient
from transcribe.fetch.politeness import side_by_side
from transcribe.library.episode import Failure, Record
from transcribe.library.store import Library
from transcribe.sources.source import FoundFile, Source, WebSource
from transcribe.web.urls import host_of, same_audio, without_tracking

UNREADABLE = ("not_a_feed", "not_opml", "no_audio_on_page")  # answers that are not remembered
_NO_SOURCE = (*UNREADABLE, "bad_url", "blocked_scheme", "http_404", "gone")  # as after a typing error


@dataclass(frozen=True, slots=True)
class Candidate:
    """An episode that may need work, and the local file that becomes its audio, if there is one."""

    record: Record
    path: Path | None = None
    moved: bool = False  # its publisher gives another address or length for its audio than before
    retold: bool = False  # its publisher offers other transcripts than before


@dataclass(slots=True)
class PollResult:
    """What the sources offer; episodes by id."""

    candidates: dict[str, Candidate] = field(default_factory=dict)
    troubles: dict[Source, Failure] = field(default_factory=dict)
    done_with: set[Source] = field(default_factory=set)  # that need not be asked again: recordings, and no sources


class Polling:
    """Asks sources. Those with nothing new cost one small request, or none."""

    def __init__(
        self, library: Library, catalog: Catalog, connection: HttpClient, feed_cache: FeedCache, progress: Progress
    ) -> None:
        self.library, self.catalog, self.connection = library, catalog, connection
        self.feed_cache, self.progress = feed_cache, progress
        self._led_to: dict[str, list[str]] = {}  # ids of episodes by the address of a source
        self._listed_in: dict[Source, tuple[str, ...]] = {}  # addresses of the lists that a feed is in

    def ask(self, sources: Iterable[Source]) -> PollResult:
        """What all sources offer, in their order, and what came from them before; writes new records."""
        offered, asked = PollResult(), dict[Source, None]()
        self._led_to = self.catalog.by_source()
        waiting = list(dict.fromkeys(sources))
        while waiting:
            asked |= dict.fromkeys(waiting)
            listed: list[Source] = []  # the feeds of OPML files
            for source, got in self._answers(waiting):
                listed += self._take(source, got, offered)
            waiting = [source for source in dict.fromkeys(listed) if source not in asked]
        return offered

    def _answers(self, sources: list[Source]) -> list[tuple[Source, Discovered | EpisodeError]]:
        discovery = Discovery(self.connection, visit=self._visit)
        answers: dict[Source, Discovered | EpisodeError] = {}
        with self.progress.task("ask the sources") as advance:
            for source, got in side_by_side(sources, _host, discovery.discover, stop=self.connection.close):
                answers[source] = got
                advance(len(answers), len(sources))
        return [(source, answers[source]) for source in sources]

    def _visit(self, url: str, wanted: BodyFilter) -> Fetched | NotModified | NotDue:
        """The source's answer; what is remembered is ignored where its episodes are not in the library any more."""
        anew = url not in self._led_to and not self.feed_cache.held_nothing(url)
        return self.feed_cache.ask(url, self.connection, wanted, anew)

    def _take(self, source: Source, got: Discovered | EpisodeError, offered: PollResult) -> list[Source]:
        for record in self._known(source):
            offered.candidates[record.episode.id] = Candidate(self._met(record, source))
        if isinstance(got, EpisodeError):
            self._note(source, got, offered)
            return []
        for found in got:
            candidate = self._admitted(found, source)
            if found.path is None or candidate.record.episode.id not in offered.candidates:
                offered.candidates[candidate.record.episode.id] = candidate
        if got.problem:
            offered.troubles[source] = Failure(got.problem.code, str(got.problem))
        if got.found and all(found.path and not found.source for found in got):
            offered.done_with.add(source)
        listed = self._listed(source, got)
        for feed in listed:
            self._listed_in[feed] = (*self._listed_in.get(feed, ()), source.address)
        return listed

    def _note(self, source: Source, problem: EpisodeError, offered: PollResult) -> None:
        offered.troubles[source] = Failure(problem.code, str(problem))
        if problem.code in _NO_SOURCE:
            offered.done_with.add(source)
        if isinstance(source, WebSource) and problem.code in UNREADABLE:
            self.feed_cache.drop(source.url)

    def _known(self, source: Source) -> Iterator[Record]:
        """The records that came from a source before and that can be fetched without it."""
        records = (self.catalog.records[name] for name in self._led_to.get(source.address, ()))
        return (record for record in records if record.episode.enclosure)

    def _listed(self, source: Source, got: Discovered) -> list[Source]:
        """The feeds of an OPML file: as it lists them now, or listed them the last time."""
        urls = [outline.url for outline in got.listed]
        if isinstance(source, WebSource):
            if got.unchanged:
                urls = list(self.feed_cache.listed(source.url))
            elif got.answer and not got.problem:
                self.feed_cache.keep(source.url, got.answer, got.moved_to, holds=len(got.found), listed=urls)
        return [WebSource(url) for url in urls]

    def _admitted(self, found: FoundFile, source: Source) -> Candidate:
        before = self.catalog.known(found)
        record = self.catalog.admit(found)
        if found.path:  # it is written once its bytes are in the library, if they are not there already
            is_stored = record.audio and self.library.inside(record.audio.path) == found.path.resolve()
            return Candidate(record, None if is_stored else found.path)
        record = self._met(record, source)
        if self._is_new(record):
            self.library.save_record(record)
        return Candidate(record, None, _has_moved(before, record), _texts(before) != _texts(record))

    def _met(self, record: Record, source: Source) -> Record:
        """The record, with the sources that led to it: a source's settings are those of its episodes."""
        led = (source.address, *self._listed_in.get(source, ()))
        through = dict.fromkeys((*record.through, *(address for address in led if address != record.source)))
        if len(through) > len(record.through):
            record = dataclasses.replace(record, through=tuple(through))
            self.catalog.keep(record)
            self.library.save_record(record)
        return record

    def _is_new(self, record: Record) -> bool:
        try:
            return self.library.load_record(record.episode.id) != record
        except TranscriptError:
            return True


def _has_moved(before: Record | None, now: Record) -> bool:
    """Whether the audio may have changed, by what its publisher says of it, without a request."""
    if before is None:
        return False
    was, now_at = before.episode.enclosure, now.episode.enclosure
    elsewhere = bool(was and now_at and same_audio(was) != same_audio(now_at))
    return elsewhere or bool(before.length and now.length and before.length != now.length)


def _texts(record: Record | None) -> set[tuple[str, str, str | None]]:
    """What identifies the offered transcripts, without passing tokens in their URLs."""
    offered = record.transcripts if record else ()
    return {(without_tracking(text.url), text.media_type, text.language) for text in offered}


def _host(source: Source) -> str:
    """The host of a source; those of this machine share one name, so they are read one by one."""
    return host_of(source.url) if isinstance(source, WebSource) else ""
