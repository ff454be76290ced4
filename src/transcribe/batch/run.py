"""The batch: what each episode needs next is done, and a failure stays with its episode.

The process that runs this holds the library and writes every file.
"""

import dataclasses
from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from pathlib import Path

from transcribe.batch.next_step import WORK, Step, episode_state
from transcribe.batch.report import Report
from transcribe.batch.run_options import RunOptions
from transcribe.console import Progress
from transcribe.errors import EpisodeError, TranscriptError
from transcribe.fetch.catalog import Catalog
from transcribe.fetch.discovery import source_name
from transcribe.fetch.download import Downloaded
from transcribe.fetch.episode_fetcher import EpisodeFetcher, FetchedEpisode
from transcribe.fetch.feed_cache import FeedCache
from transcribe.fetch.http_client import HttpClient
from transcribe.fetch.politeness import side_by_side
from transcribe.fetch.polling import Candidate as Candidate
from transcribe.fetch.polling import Polling
from transcribe.fetch.source_list import NAME as SOURCE_LIST
from transcribe.fetch.source_list import SourceList
from transcribe.library.chapters import chapters_path, load_chapters, parse_chapters, save_chapters
from transcribe.library.clock import clock
from transcribe.library.episode import AudioFile, Episode, Failure, PublishedText, Record
from transcribe.library.store import Library, link, write_whole
from transcribe.library.transcript import Damage, Engine, Transcript
from transcribe.publishers.match import Mismatch
from transcribe.publishers.publisher_transcript import PUBLISHED, Offer, Read, Target
from transcribe.publishers.transcript_formats import suffix
from transcribe.sources.source import FolderSource, Source
from transcribe.transcription.checkpoints import Checkpoints, checkpoint_name
from transcribe.transcription.transcribe_episode import Task
from transcribe.web.urls import citable, citable_url
from transcribe.workers.failures import attempted
from transcribe.workers.worker import Job, Workers

Prompt = Callable[[Episode], str]  # names and terms that a recognizer may expect in it


class Batch:
    """One run over a library. The caller holds its lock."""

    def __init__(
        self,
        library: Library,
        connection: HttpClient,
        feed_cache: FeedCache,
        progress: Progress,
        options: RunOptions | None = None,
    ) -> None:
        self.library, self.connection, self.progress = library, connection, progress
        self.options = options or RunOptions()
        self.catalog = Catalog(library)
        self.subscriptions = Polling(library, self.catalog, connection, feed_cache, progress)
        self.source_list = SourceList(library, self._sources_of_old())
        self.fetching = EpisodeFetcher(library, connection, progress, self.options.offered)
        self.checkpoints = Checkpoints(library.state / "checkpoints")
        self.report = Report()

    def find(self, named: Sequence[Source] = ()) -> list[Candidate]:
        """The episodes that the sources offer, new ones recorded, the newest first.

        Sources that are named are remembered; where none is, those of the settings, those remembered and the audio
        folder are asked.
        """
        folder = [FolderSource(self.library.audio)] if self.library.audio.is_dir() else []
        offered = self.subscriptions.ask(named or [*self.options.sources, *self.source_list.sources(), *folder])
        for source, trouble in offered.troubles.items():
            self._trouble(source, trouble)
        if named or self.options.sources:
            self.source_list.add(source for source in named if source not in offered.done_with)
        found = _newest_first(offered.candidates.values())
        self._look_upstream(found)
        self._look_for_texts(found)
        return [dataclasses.replace(each, record=self.catalog.records[each.record.episode.id]) for each in found]

    def stored(self) -> list[Candidate]:
        """Every episode whose audio is in the library, the newest first."""
        records = self.catalog.records.values()
        return _newest_first(
            Candidate(record) for record in records if episode_state(self.library, record, self.options).audio
        )

    def wanted(
        self, candidates: Iterable[Candidate], limit: int | None = None, steps: Collection[Step] = WORK
    ) -> list[Candidate]:
        """Those that need one of these steps, at most `limit`; the report counts the others as unchanged.

        Those that failed the last time come after all others, which else might never have their turn.
        """
        wanted = []
        for candidate in candidates:
            if self._step(candidate.record) in steps:
                wanted.append(candidate)
            else:
                self.report.unchanged.append(candidate.record.episode.id)
        return sorted(wanted, key=lambda candidate: candidate.record.state == "failed")[:limit]

    def fetched(self, candidates: Iterable[Candidate]) -> Iterator[Record]:
        """Episodes one by one, each as soon as its audio is in the library; several hosts are asked at once."""
        missing = []
        for candidate in candidates:
            if self._step(candidate.record) == "fetch":
                missing.append(candidate)
            else:
                yield candidate.record
        if not missing:
            return
        brought = side_by_side(missing, self.fetching.host, self.fetching.bring, stop=self.connection.close)
        with self.progress.task(f"fetch {len(missing)} episodes") as advance:
            for done, (candidate, got) in enumerate(brought, start=1):
                advance(done, len(missing))
                if isinstance(got, EpisodeError):
                    self._fail(candidate.record.episode.id, Failure(got.code, str(got)), candidate.record)
                elif record := self._stored(candidate, got):
                    yield record

    def transcribe(
        self,
        records: Iterable[Record],
        workers: Workers,
        prompt: Prompt = lambda _: "",
        read: Read | None = None,
    ) -> None:
        """Gives what has audio and no transcript yet its publisher's own, else has it transcribed; writes each."""
        waiting = (record for record in records if self._step(record) == "transcribe")
        own = (record for record in waiting if not (read and self._adopted(record, read)))
        for job, outcome in workers.run(self._job(record, workers.engine, prompt) for record in own):
            if isinstance(outcome, Transcript):
                self._finish(job.record, outcome)
            else:
                self._fail(job.record.episode.id, outcome, job.record)

    def attach(
        self, record: Record, path: Path, read: Read, language: str | None = None, encoding: str | None = None
    ) -> str | None:
        """Makes a file the episode's own transcript, laid on its sound; why it cannot be, where it does not fit."""
        assert record.audio is not None
        offered = PublishedText(path.resolve().as_uri(), "", language)
        target = Target(record.episode, record.audio, self.library.root / record.audio.path)
        with self.progress.task(f"read {path.name}"):
            got = attempted(lambda: read(target, Offer(offered, path.read_bytes(), record.persons, encoding)))
        if isinstance(got, Failure):
            return got.message
        if isinstance(got, Mismatch):
            return f"it is not what is said there: {got}"
        self._keep_text(record, offered, path.read_bytes())
        self._finish(dataclasses.replace(record, transcripts=_first(offered, record.transcripts)), got)
        return None

    def _adopted(self, record: Record, read: Read) -> bool:
        """Whether the publisher's transcript was taken; not where it is to be made again, or is for comparing."""
        offer = self._offer(record) if self.options.texts(record) == "prefer" and not self.options.redo else None
        if offer is None or record.audio is None:
            return False
        target = Target(record.episode, record.audio, self.library.root / record.audio.path)
        with self.progress.task(f"read the transcript of {record.episode.title}"):
            got = attempted(lambda: read(target, offer))
        if isinstance(got, Failure):
            self.progress.say(f"{record.episode.id}: its publisher's transcript: {got.message}")
            return False
        if isinstance(got, Mismatch):
            self.report.mismatched[record.episode.id] = Failure("mismatch", f"its publisher's transcript: {got}")
            return False
        self._finish(record, got)
        return True

    def _offer(self, record: Record) -> Offer | None:
        """The publisher's transcript that was kept beside the audio."""
        for text in self.options.offered(record):
            path = self.library.record_path(record.episode.id).with_suffix(suffix(text))
            if path.exists():
                return Offer(text, path.read_bytes(), record.persons)
        return None

    def _job(self, record: Record, engine: Engine, prompt: Prompt) -> Job:
        assert record.audio is not None
        hint = prompt(record.episode)
        name = checkpoint_name(record.audio.sha256, engine, hint)
        task = Task(record.episode, record.audio, hint, self.checkpoints.load(name))
        return Job(record, self.library.root / record.audio.path, task, name)

    def _finish(self, record: Record, transcript: Transcript) -> None:
        self.library.save_transcript(dataclasses.replace(transcript, episode=_public(record.episode)))
        if transcript.chapters and not load_chapters(self.library, record.episode.id):
            save_chapters(self.library, record.episode.id, transcript.chapters)
        record = dataclasses.replace(record, state="transcribed", error=None, quality=transcript.quality)
        if transcript.damage:
            record = _damaged(record, transcript.damage, transcript.duration_ms)
            assert record.error is not None
            self.report.damaged[record.episode.id] = record.error
        self._keep(record)
        assert transcript.audio is not None
        self.checkpoints.forget(transcript.audio.sha256)
        (self.report.published if transcript.engine.name == PUBLISHED else self.report.transcribed).append(
            record.episode.id
        )
        self.report.audio_ms += transcript.duration_ms
        self.progress.say(f"transcribed {record.episode.id}, {clock(transcript.duration_ms)}")

    def _look_upstream(self, candidates: Iterable[Candidate]) -> None:
        """Whether publishers have changed audio that is stored: all for an update, else those that have moved it."""
        asked = [each for each in candidates if each.record.audio and (each.moved or self.options.update)]
        looked = side_by_side(asked, self.fetching.host, self.fetching.is_outdated, stop=self.connection.close)
        for candidate, outdated in looked:
            if outdated is True:
                self._keep(dataclasses.replace(candidate.record, changed_upstream=True))
                self.report.changed_upstream.append(candidate.record.episode.id)

    def _look_for_texts(self, candidates: Iterable[Candidate]) -> None:
        """Transcripts that publishers offer by now, or in another place, of audio that is still to be transcribed."""
        late = [each for each in candidates if each.retold and self._step(each.record) == "transcribe"]
        for candidate, text in side_by_side(late, self.fetching.host, self.fetching.text, stop=self.connection.close):
            if text and not isinstance(text, EpisodeError):
                self._keep_text(candidate.record, *text)

    def _stored(self, candidate: Candidate, got: FetchedEpisode) -> Record | None:
        """The record with its audio; None where another episode turns out to have these very bytes."""
        record, audio = candidate.record, got.audio
        same = self.catalog.with_audio(audio.sha256)
        is_another = same is not None and same.episode.id != record.episode.id
        if same and is_another and record.audio is None and (candidate.path or same.source == record.source):
            self._merge(candidate, audio, same)
            return None
        path = audio.path.relative_to(self.library.root).as_posix()
        if record.audio and record.audio.path != path and (old := self.library.inside(record.audio.path)):
            old.unlink()  # it had another suffix
        if record.audio and record.audio.sha256 != audio.sha256:
            chapters_path(self.library, record.episode.id).unlink(missing_ok=True)  # they were of the other audio
        stored = AudioFile(path, audio.sha256, audio.bytes, audio.media_type, audio.validators)
        record = dataclasses.replace(record, audio=stored, state="fetched", error=None, changed_upstream=False)
        self._keep_beside(record, got)
        self._keep(record)
        self.report.fetched.append(record.episode.id)
        self.report.bytes += audio.bytes
        if same and is_another and self._take_over(record, same):
            return None
        came = "found" if candidate.path == audio.path else "fetched"
        self.progress.say(f"{came} {record.episode.id}, {audio.bytes / 1e6:.1f} MB")
        return record

    def _take_over(self, record: Record, same: Record) -> bool:
        """Another show's episode of the same bytes: its transcript is this one's too, and the bytes are stored once."""
        assert record.audio
        assert same.audio
        try:
            transcript = self.library.load_transcript(same.episode.id)
        except TranscriptError:
            return False
        if transcript.audio is None or transcript.audio.sha256 != record.audio.sha256:
            return False
        stored = self.library.inside(same.audio.path)
        if stored:
            link(stored, self.library.root / record.audio.path)
        audio = dataclasses.replace(transcript.audio, path=record.audio.path)
        chapters = load_chapters(self.library, same.episode.id)
        self._finish(record, dataclasses.replace(transcript, episode=record.episode, audio=audio, chapters=chapters))
        return True

    def _keep_beside(self, record: Record, got: FetchedEpisode) -> None:
        """The publisher's transcript as it came, and the chapters."""
        if got.text:
            self._keep_text(record, *got.text)
        if got.chapters:
            try:
                save_chapters(self.library, record.episode.id, parse_chapters(got.chapters))
            except EpisodeError as problem:
                self.progress.say(f"{record.episode.id}: {problem}")

    def _keep_text(self, record: Record, offered: PublishedText, data: bytes) -> None:
        write_whole(self.library.record_path(record.episode.id).with_suffix(suffix(offered)), data)

    def _merge(self, candidate: Candidate, got: Downloaded, same: Record) -> None:
        """Audio that the library already holds under another name adds nothing."""
        if got.path != (candidate.path and candidate.path.resolve()):
            got.path.unlink()
        record = candidate.record
        self.catalog.forget(record)
        self.library.record_path(record.episode.id).unlink(missing_ok=True)
        also = dict.fromkeys((*same.also, *([record.identity] if record.identity else [])))
        through = dict.fromkeys((*same.through, *record.through))
        self._keep(dataclasses.replace(same, also=tuple(also), through=tuple(through)))
        self.report.unchanged.append(same.episode.id)
        self.progress.say(f"{candidate.path or record.episode.title} is already here, as {same.episode.id}")

    def _step(self, record: Record) -> Step:
        return episode_state(self.library, record, self.options).next_step

    def _sources_of_old(self) -> list[str]:
        """What the episodes came from, where there is no list yet; the settings' own are not put into it."""
        configured = {source.address for source in self.options.sources}
        return [address for address in self.catalog.sources() if address not in configured]

    def _keep(self, record: Record) -> None:
        self.catalog.keep(record)
        self.library.save_record(record)

    def _trouble(self, source: Source, failure: Failure) -> None:
        """A folder or file that was once named may be gone for good; one that the settings name is missed."""
        if failure.code == "not_there" and source not in self.options.sources:
            told = f"passed over, as there is nothing; its line in {self.library.audio / SOURCE_LIST} may be deleted"
            self.report.absent[source_name(source)] = Failure(failure.code, told)
        else:
            self._fail(source_name(source), failure)

    def _fail(self, name: str, failure: Failure, record: Record | None = None) -> None:
        if failure.code == "retry_later":
            self.report.later[name] = failure
            return
        self.report.failed[name] = failure
        if record:
            self._keep(record.failed(failure.code, failure.message))


def _first(offered: PublishedText, others: Iterable[PublishedText]) -> tuple[PublishedText, ...]:
    """A transcript before all others, and once."""
    return (offered, *(text for text in others if text.url != offered.url))


def _public(episode: Episode) -> Episode:
    """Without passwords and tokens, as it may be passed on."""
    return dataclasses.replace(
        episode,
        guid=episode.guid and citable(episode.guid),
        link=episode.link and citable_url(episode.link),
        enclosure=episode.enclosure and citable_url(episode.enclosure),
        description=citable(episode.description),
    )


def _damaged(record: Record, damage: Damage, duration_ms: int) -> Record:
    """The record of an episode whose audio is not whole."""
    if damage.truncated:
        of = f" of {clock(damage.declared_ms)}" if damage.declared_ms else ""
        error = Failure("truncated", f"the audio breaks off: {clock(duration_ms)}{of} could be decoded")
        return dataclasses.replace(record, state="truncated", error=error)
    seconds = sum(end - start for start, end in damage.missing) / 1000
    error = Failure("damaged", f"{seconds:.1f} s of the audio could not be decoded, from {clock(damage.missing[0][0])}")
    return dataclasses.replace(record, state="damaged", error=error)


def _newest_first(candidates: Iterable[Candidate]) -> list[Candidate]:
    by_id = sorted(candidates, key=lambda candidate: candidate.record.episode.id)
    return sorted(by_id, key=lambda candidate: candidate.record.episode.published or "", reverse=True)
