"""The sources of a library, asked side by side; what they offer becomes records of its catalog."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path

from transcribe.addresses import same_audio
from transcribe.catalog import Catalog
from transcribe.connection import Connection, Fetched
from transcribe.discovery import Discovered, Discovery, source_name
from transcribe.episode import Failure, Record
from transcribe.errors import EpisodeError, TranscriptError
from transcribe.hosts import host_of, side_by_side
from transcribe.library import Library
from transcribe.progress import Progress
from transcribe.sources import Found, Source, WebSource
from transcribe.visits import Fresh, Unchanged, Visits, Wanted

UNREADABLE = ("not_a_feed", "not_opml", "no_audio_on_page")  # what was remembered of such an answer is of no use


@dataclass(frozen=True, slots=True)
class Candidate:
    """An episode that may need work, and the file on this machine that is to become its audio, if one is."""

    record: Record
    path: Path | None = None
    moved: bool = False  # its publisher gives another address for its audio than before


@dataclass(slots=True)
class Offered:
    """What the sources offer; episodes by id, troubles by the source's name."""

    candidates: dict[str, Candidate] = field(default_factory=dict)
    troubles: dict[str, Failure] = field(default_factory=dict)


class Subscriptions:
    """Asks sources. Those with nothing new cost one small request, or none."""

    def __init__(
        self, library: Library, catalog: Catalog, connection: Connection, visits: Visits, progress: Progress
    ) -> None:
        self.library, self.catalog, self.connection = library, catalog, connection
        self.visits, self.progress = visits, progress

    def ask(self, sources: Iterable[Source]) -> Offered:
        """What all of them offer, in their order; records of what is new are written."""
        offered, asked = Offered(), dict[Source, None]()
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
        self._followed = {record.source for record in self.catalog.records.values()}
        answers: dict[Source, Discovered | EpisodeError] = {}
        with self.progress.task("ask the sources") as advance:
            for source, got in side_by_side(sources, _host, discovery.discover, stop=self.connection.close):
                answers[source] = got
                advance(len(answers), len(sources))
        return [(source, answers[source]) for source in sources]

    def _visit(self, url: str, wanted: Wanted) -> Fetched | Unchanged | Fresh:
        """A source of which no episode is known is asked whatever is remembered of it."""
        return self.visits.ask(url, self.connection, wanted, anew=url not in self._followed)

    def _take(self, source: Source, got: Discovered | EpisodeError, offered: Offered) -> list[Source]:
        if isinstance(got, EpisodeError):
            offered.troubles[source_name(source)] = Failure(got.code, str(got))
            if isinstance(source, WebSource) and got.code in UNREADABLE:
                self.visits.drop(source.url)
            return []
        if got.unchanged and isinstance(source, WebSource):
            known = [record for record in self.catalog.records.values() if record.source == source.url]
            offered.candidates |= {record.episode.id: Candidate(record) for record in known}
        for found in got:
            candidate = self._admitted(found)
            offered.candidates[candidate.record.episode.id] = candidate
        if got.problem:
            offered.troubles[source_name(source)] = Failure(got.problem.code, str(got.problem))
        elif got.answer and isinstance(source, WebSource):
            self.visits.keep(source.url, got.answer, got.moved_to)
        return [WebSource(outline.url) for outline in got.listed]

    def _admitted(self, found: Found) -> Candidate:
        before = self.catalog.known(found)
        record = self.catalog.admit(found)
        if found.path is None and self._is_new(record):
            self.library.save_record(record)
        was, now = before.episode.enclosure if before else None, record.episode.enclosure
        return Candidate(record, found.path, bool(was and now and same_audio(was) != same_audio(now)))

    def _is_new(self, record: Record) -> bool:
        try:
            return self.library.load_record(record.episode.id) != record
        except TranscriptError:
            return True


def _host(source: Source) -> str:
    """What is on this machine is looked at one by one."""
    return host_of(source.url) if isinstance(source, WebSource) else ""
