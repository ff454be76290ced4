"""Asks the sources of a library side by side, and makes records of what they offer."""

import dataclasses
from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from transcribe.console import Progress
from transcribe.errors import EpisodeError, TranscriptError
from transcribe.fetch.catalog import Catalog
from transcribe.fetch.claims import is_of_page, settled
from transcribe.fetch.discovery import Discovered, Discovery
from transcribe.fetch.feed_cache import BodyFilter, FeedCache, NotDue, NotModified
from transcribe.fetch.http_client import Fetched, HttpClient
from transcribe.fetch.politeness import side_by_side
from transcribe.fetch.same_show import known_as
from transcribe.library.chapters import load_chapters, save_chapters
from transcribe.library.episode import Failure, Record
from transcribe.library.source_states import NAME as SOURCE_STATES
from transcribe.library.source_states import SourceStates
from transcribe.library.store import Library
from transcribe.sources.enclosures import NO_FILE
from transcribe.sources.source import FoundFile, Source, WebSource
from transcribe.web.urls import host_of, public_url, same_audio, source_key, without_tracking

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
    done_with: set[Source] = field(default_factory=set)  # that have nothing more to give: recordings, and what is none
    not_taken: Counter[str] = field(default_factory=Counter)  # items without a recording, by reason
    nothing_of: dict[Source, Counter[str]] = field(default_factory=dict)  # sources that offer nothing, and why
    asked: list[Source] = field(default_factory=list)  # those that lists hold among them


Answers = list[tuple[Source, Discovered | EpisodeError]]


class Polling:
    """Asks sources. Those with nothing new cost one small request, or none."""

    def __init__(
        self, library: Library, catalog: Catalog, connection: HttpClient, feed_cache: FeedCache, progress: Progress
    ) -> None:
        self.library, self.catalog, self.connection = library, catalog, connection
        self.feed_cache, self.progress = feed_cache, progress
        self.states = SourceStates(feed_cache.folder / SOURCE_STATES)
        self.urls: dict[str, str] = {}  # of the sources that were asked, passwords and all, by their keys
        self._led_to: dict[str, list[str]] = {}  # ids of episodes by the address of a source
        self._listed_in: dict[Source, tuple[str, ...]] = {}  # addresses of the lists that a feed is in

    def ask(self, sources: Iterable[Source]) -> PollResult:
        """What all sources offer, in their order, and what came from them before; writes new records."""
        offered, asked = PollResult(), dict[Source, None]()
        for record in self.catalog.cleaned:
            self.library.save_record(self.catalog.records[record.episode.id])
        self._led_to = self.catalog.by_source()
        waiting = list(dict.fromkeys(sources))
        while waiting:
            asked |= dict.fromkeys(waiting)
            self.urls |= {source.key: source.url for source in waiting if isinstance(source, WebSource)}
            listed: list[Source] = []  # the feeds of OPML files
            for source, got in self._settled(self._answers(waiting)):
                listed += self._take(source, got, offered)
            waiting = [source for source in dict.fromkeys(listed) if source not in asked]
        offered.asked = list(asked)
        self.states.save()
        return offered

    def _answers(self, sources: list[Source]) -> Answers:
        discovery = Discovery(self.connection, visit=self._visit)
        answers: dict[Source, Discovered | EpisodeError] = {}
        with self.progress.task("ask the sources") as advance:
            for source, got in side_by_side(sources, _host, discovery.discover, stop=self.connection.close):
                answers[source] = got
                advance(len(answers), len(sources))
        return [(source, answers[source]) for source in sources]

    def _settled(self, answers: Answers) -> Answers:
        """The same, with each recording that several pages lead to as its own page tells of it."""
        pages = {
            source: got.found
            for source, got in answers
            if isinstance(got, Discovered) and got.found and all(is_of_page(found) for found in got.found)
        }
        own = settled(pages, self.catalog.known)

        def of_its_own(source: Source, got: Discovered | EpisodeError) -> Discovered | EpisodeError:
            return dataclasses.replace(got, found=own[source]) if isinstance(got, Discovered) and source in own else got

        return [(source, of_its_own(source, got)) for source, got in answers]

    def _visit(self, url: str, wanted: BodyFilter) -> Fetched | NotModified | NotDue:
        """A source whose episodes are not in the library any more is asked whatever is remembered of it."""
        anew = source_key(url) not in self._led_to and not self.feed_cache.held_nothing(url)
        return self.feed_cache.ask(url, self.connection, wanted, anew)

    def _take(self, source: Source, got: Discovered | EpisodeError, offered: PollResult) -> list[Source]:
        """Makes episodes of what a source offers; the feeds that it lists."""
        for record in self._known(source):
            offered.candidates[record.episode.id] = Candidate(self._met(record, source))
        self._keep_state(source, got)
        if isinstance(got, EpisodeError):
            self._note(source, got, offered)
            return []
        for note in got.notes:
            self.progress.say(note)
        self._count_what_is_not_taken(source, got, offered)
        found = self._of_one_show(source, got.found)
        identities = frozenset(each.identity for each in found)
        for each in found:
            candidate = self._admitted(each, source, identities)
            if each.path is None or candidate.record.episode.id not in offered.candidates:
                offered.candidates[candidate.record.episode.id] = candidate
        if got.problem:
            offered.troubles[source] = Failure(got.problem.code, str(got.problem))
        if got.found and all(each.path and not each.source for each in got):
            offered.done_with.add(source)
        listed = self._listed(source, got)
        for feed in listed:
            self._listed_in[feed] = (*self._listed_in.get(feed, ()), source.key)
        return listed

    def _count_what_is_not_taken(self, source: Source, got: Discovered, offered: PollResult) -> None:
        """By reason; those of a source of which nothing could be taken also where it says that it has not changed."""
        reasons = Counter(got.not_taken)
        is_empty = not (got.found or got.listed)
        if got.unchanged and isinstance(source, WebSource):
            is_empty = self.feed_cache.held_nothing(source.url) and not self.feed_cache.listed(source.url)
            reasons.update(self.states.not_taken(source.key) if is_empty else {})
        offered.not_taken += reasons
        if is_empty and not got.problem:
            offered.nothing_of[source] = reasons

    def _of_one_show(self, source: Source, found: Sequence[FoundFile]) -> Sequence[FoundFile]:
        """What a feed offers; where the library knows that feed under another address, as offered by that."""
        if not isinstance(source, WebSource) or not any(each.source for each in found):
            return found
        known = known_as(found, source.key, self.catalog.records.values())
        if known is None:
            return found
        self.progress.say(f"{public_url(source.url)} is a feed that is known already, as {public_url(known)}")
        return [dataclasses.replace(each, source=known, feed=known.partition(" ")[0]) for each in found]

    def _keep_state(self, source: Source, got: Discovered | EpisodeError) -> None:
        now = self.feed_cache.now()
        problem = got if isinstance(got, EpisodeError) else got.problem
        if problem is not None:
            self.states.failed(source.key, now, f"{problem.code}: {problem}")
        elif isinstance(got, Discovered) and got.unchanged and isinstance(source, WebSource):
            self.states.answered(source.key, self.feed_cache.checked(source.url) or now, "nothing new")
        elif isinstance(got, Discovered):
            count = len(got.listed) or len(got.found)
            what = "feed" if got.listed else "episode"
            reasons = Counter(reason for reason in got.not_taken if reason != NO_FILE or not got.found)
            self.states.answered(source.key, now, f"{count} {what}{'' if count == 1 else 's'}", reasons)

    def _note(self, source: Source, problem: EpisodeError, offered: PollResult) -> None:
        offered.troubles[source] = Failure(problem.code, str(problem))
        if problem.code in _NO_SOURCE:
            offered.done_with.add(source)
        if isinstance(source, WebSource) and problem.code in UNREADABLE:
            self.feed_cache.drop(source.url)

    def _known(self, source: Source) -> Iterator[Record]:
        """What came of a source before and can be fetched without it: it may be in it no more."""
        records = (self.catalog.records[name] for name in self._led_to.get(source.key, ()))
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

    def _admitted(self, found: FoundFile, source: Source, offered: Collection[str]) -> Candidate:
        before = self.catalog.known(found, offered)
        record = self.catalog.admit(found, offered)
        if found.path:  # it is written once its bytes are in the library, if they are not there already
            is_stored = record.audio and self.library.inside(record.audio.path) == found.path.resolve()
            return Candidate(record, None if is_stored else found.path)
        record = self._met(record, source)
        try:
            is_new = self.library.load_record(record.episode.id) != record
        except TranscriptError:
            is_new = True
        if is_new:
            self.library.save_record(record)
        if (
            found.headings
            and not self.library.read_only
            and load_chapters(self.library, record.episode.id) != found.headings
        ):
            save_chapters(self.library, record.episode.id, found.headings)
        return Candidate(record, None, _has_moved(before, record), _texts(before) != _texts(record))

    def _met(self, record: Record, source: Source) -> Record:
        """The record, which says what led to it; the settings of a source are those of its episodes."""
        led = (source.key, *self._listed_in.get(source, ()))
        through = dict.fromkeys((*record.through, *(address for address in led if address != record.source)))
        if len(through) > len(record.through):
            record = dataclasses.replace(record, through=tuple(through))
            self.catalog.keep(record)
            self.library.save_record(record)
        return record


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
