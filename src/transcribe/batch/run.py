"""The batch: finds episodes, plans what each needs, and carries the plan out. A failure stays with its episode.

The process that runs this holds the library and writes every file.
"""

import dataclasses
import time
from collections import deque
from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from pathlib import Path

from transcribe.batch.choice import Choice
from transcribe.batch.downloads import READY_WAIT_S, Downloads
from transcribe.batch.episode_state import episode_state
from transcribe.batch.next_step import WORK, Plan, PlannedEpisode, Step, plan
from transcribe.batch.past_runs import Speed
from transcribe.batch.record_repair import repair_records
from transcribe.batch.report import Report
from transcribe.batch.result_writer import ResultWriter
from transcribe.batch.run_options import RunOptions
from transcribe.console import Progress
from transcribe.errors import EpisodeError
from transcribe.fetch.catalog import Catalog
from transcribe.fetch.discovery import source_name
from transcribe.fetch.episode_fetcher import EpisodeFetcher, FetchedEpisode
from transcribe.fetch.feed_cache import FeedCache
from transcribe.fetch.http_client import HttpClient
from transcribe.fetch.politeness import side_by_side
from transcribe.fetch.polling import Candidate, Polling
from transcribe.fetch.source_list import NAME as SOURCE_LIST
from transcribe.fetch.source_list import SourceList
from transcribe.library.episode import Episode, Failure, PublishedText, Record
from transcribe.library.store import Library
from transcribe.library.transcript import Engine, Transcript
from transcribe.publishers.match import Mismatch
from transcribe.publishers.transcript_formats import suffix
from transcribe.sources.enclosures import NO_FILE
from transcribe.sources.source import FolderSource, Source
from transcribe.transcription.checkpoints import Checkpoints, checkpoint_name
from transcribe.transcription.job import Job, Offer
from transcribe.workers.worker import Outcome, Workers

Prompt = Callable[[Episode], str]  # names and terms that a recognizer may expect in it
Brought = FetchedEpisode | tuple[PublishedText, bytes] | None  # an episode, or only its publisher's transcript


class Batch:
    """One run over a library. The caller holds its lock, but for a dry run, which ends with the plan."""

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
        repair_records(library, self.catalog, progress)
        self.polling = Polling(library, self.catalog, connection, feed_cache, progress)
        configured = {source.address for source in self.options.sources}  # they are not put into the list
        came_from = [address for address in self.catalog.sources() if address not in configured]
        self.source_list = SourceList(library, came_from)
        self.fetching = EpisodeFetcher(library, connection, progress, self.options.offered, self.polling.urls)
        self.checkpoints = Checkpoints(library.state / "checkpoints")
        self.report = Report(update=self.options.update)
        self._writer = ResultWriter(library, self.catalog, self.checkpoints, progress, self.report)
        self.fetch_times: list[tuple[int, float]] = []  # of each download: bytes, and seconds
        self._offered = 0  # publishers' transcripts that workers are trying
        self._refused: deque[Job] = deque()  # jobs whose publisher's transcript was tried in vain

    def find(self, named: Sequence[Source] = (), choice: Choice = Choice()) -> list[Candidate]:
        """The episodes of a choice that the sources offer, new ones recorded, the newest first.

        Sources that are named are remembered; where none is, those of the settings, those remembered and the audio
        folder are asked.
        """
        folder = [FolderSource(self.library.audio)] if self.library.audio.is_dir() else []
        offered = self.polling.ask(named or [*self.options.sources, *self.source_list.sources(), *folder])
        self.report.not_taken.update({why: n for why, n in offered.not_taken.items() if why != NO_FILE})
        self.report.nothing_of = {
            source_name(source): dict(reasons)
            for source, reasons in offered.nothing_of.items()
            if reasons or source in named
        }
        if not named:
            self.polling.states.keep_only({source.key for source in offered.asked})
            self.polling.states.save()
        for source, trouble in offered.troubles.items():
            self._trouble(source, trouble)
        if (named or self.options.sources) and not self.options.dry_run:
            self.source_list.add(source for source in named if source not in offered.done_with)
        found = _newest_first(choice(offered.candidates.values()))
        self.report.not_chosen = len(offered.candidates) - len(found)
        self._look_upstream(found)
        return [dataclasses.replace(each, record=self.catalog.records[each.record.episode.id]) for each in found]

    def stored(self) -> list[Candidate]:
        """Every episode whose audio is in the library, the newest first."""
        records = self.catalog.records.values()
        return _newest_first(Candidate(r) for r in records if r.audio and self.library.inside(r.audio.path))

    def plan(self, candidates: Iterable[Candidate], limit: int | None = None, steps: Collection[Step] = WORK) -> Plan:
        """What is to be done of these steps; the report counts the other episodes as unchanged."""
        with self.progress.task("look through the library"):
            states = [episode_state(self.library, candidate, self.options.redo) for candidate in candidates]
        planned = plan(states, self.options.update, limit, steps)
        self.report.unchanged += planned.unchanged
        self.report.to_go = planned.left
        return planned

    def fetch(self, planned: Plan) -> None:
        """Fetches the audio that is missing."""
        for _ in self._with_audio(planned):
            pass  # each is in the library by now

    def transcribe(self, planned: Plan, workers: Workers, prompt: Prompt = lambda _: "") -> None:
        """Fetches and transcribes; each transcript is written as soon as it is there."""
        for job, outcome in workers.run(self._jobs(planned, workers.engine, prompt)):
            self._conclude(job, outcome)

    @property
    def fetch_speed(self) -> Speed:
        """What was downloaded so far, and how long each download took, added up."""
        return Speed(sum(size for size, _ in self.fetch_times), sum(seconds for _, seconds in self.fetch_times))

    def attach(
        self, record: Record, path: Path, workers: Workers, language: str | None = None, encoding: str | None = None
    ) -> str | None:
        """Makes a file the episode's own transcript, laid on its sound; why it cannot be, where it does not fit."""
        assert record.audio is not None
        offered, data = PublishedText(path.resolve().as_uri(), "", language), path.read_bytes()
        sound = self.library.root / record.audio.path
        job = Job(record.episode, record.audio, sound, offer=Offer(offered, data, record.persons, encoding))
        for _, outcome in workers.run([job]):
            if isinstance(outcome, Mismatch):
                return f"it is not what is said there: {outcome}"
            if not isinstance(outcome, Transcript):
                return outcome.message
            self._writer.keep_text(record, offered, data)
            others = tuple(text for text in record.transcripts if text.url != offered.url)
            self._writer.transcribed(dataclasses.replace(record, transcripts=(offered, *others)), outcome)
        return None

    def _with_audio(self, planned: Plan) -> Iterator[Record | None]:
        """Records whose audio is stored, each as soon as it is; None where no other is ready yet."""
        ready = [each.record for each in planned.needing("transcribe") if not each.candidate.retold]
        asked = [each for each in planned.episodes if each.step == "fetch" or each.candidate.retold]
        if not asked:
            yield from ready
            return
        downloads = Downloads(asked, self._host, self._bring, self.connection.close)
        with downloads, self.progress.task(f"fetch {len(asked)} episodes") as advance:
            yield from ready
            came = 0
            for done in downloads:
                if done:
                    came += 1
                    advance(came, len(asked))
                yield self._arrived(*done) if done else None

    def _host(self, episode: PlannedEpisode) -> str:
        return self.fetching.host(episode.candidate)

    def _bring(self, episode: PlannedEpisode) -> Brought:
        """The audio that is missing; of audio that is stored, the transcript that its publisher offers by now."""
        if episode.step == "fetch":
            began = time.monotonic()
            got = self.fetching.bring(episode.candidate)
            if not episode.candidate.path:
                self.fetch_times.append((got.audio.bytes, time.monotonic() - began))
            return got
        return self.fetching.text(episode.candidate)

    def _arrived(self, episode: PlannedEpisode, got: Brought | EpisodeError) -> Record | None:
        """The record of an episode that can be transcribed now."""
        if isinstance(got, FetchedEpisode):
            return self._writer.fetched(episode.candidate, got)
        if isinstance(got, EpisodeError) and episode.step == "fetch":
            self._writer.fail(episode.record.episode.id, Failure(got.code, str(got)), episode.record)
            return None
        if isinstance(got, tuple):
            self._writer.keep_text(episode.record, *got)
        return episode.record

    def _jobs(self, planned: Plan, engine: Engine, prompt: Prompt) -> Iterator[Job | None]:
        """Jobs as they are ready, those first whose publisher's transcript was tried in vain; None where none is."""
        for record in self._with_audio(planned):
            while self._refused:
                yield self._refused.popleft()
            yield self._job(record, engine, prompt) if record else None
        while self._offered or self._refused:
            if not self._refused:
                time.sleep(READY_WAIT_S)  # another may come of what workers are trying
            yield self._refused.popleft() if self._refused else None

    def _job(self, record: Record, engine: Engine, prompt: Prompt) -> Job:
        assert record.audio is not None
        hint = prompt(record.episode)
        name = checkpoint_name(record.audio.sha256, engine, hint)
        offer = self._offer(record)
        self._offered += offer is not None
        so_far, path = self.checkpoints.load(name), self.library.root / record.audio.path
        return Job(record.episode, record.audio, path, hint, name, so_far, offer)

    def _offer(self, record: Record) -> Offer | None:
        """The publisher's transcript that is kept beside the audio; None where ours is to be made whatever it says."""
        if self.options.redo or self.options.texts(record) != "prefer":
            return None
        for text in self.options.offered(record):
            path = self.library.record_path(record.episode.id).with_suffix(suffix(text))
            if path.exists():
                return Offer(text, path.read_bytes(), record.persons)
        return None

    def _conclude(self, job: Job, outcome: Outcome) -> None:
        """Writes what came of a job. One whose publisher's transcript cannot be taken is done again without it."""
        name = job.episode.id
        record = self.catalog.records[name]
        self._offered -= job.offer is not None
        if isinstance(outcome, Transcript):
            self._writer.transcribed(record, outcome)
        elif isinstance(outcome, Mismatch):
            self.report.mismatched[name] = Failure("mismatch", f"its publisher's transcript: {outcome}")
            self._refused.append(dataclasses.replace(job, offer=None))
        elif job.offer:
            self.progress.say(f"{name}: its publisher's transcript: {outcome.message}")
            self._refused.append(dataclasses.replace(job, offer=None))
        else:
            self._writer.fail(name, outcome, record)

    def _look_upstream(self, candidates: Iterable[Candidate]) -> None:
        """Asks whether stored audio is another one at its publisher's: all for an update, else what has moved."""
        asked = [each for each in candidates if each.record.audio and (each.moved or self.options.update)]
        looked = side_by_side(asked, self.fetching.host, self.fetching.is_outdated, stop=self.connection.close)
        for candidate, outdated in looked:
            if outdated is True:
                self._writer.changed_upstream(candidate.record)

    def _trouble(self, source: Source, failure: Failure) -> None:
        """A folder or file that was once named may be gone for good; one that the settings name is missed."""
        if failure.code == "not_there" and source not in self.options.sources:
            told = f"passed over, as there is nothing; its line in {self.library.audio / SOURCE_LIST} may be deleted"
            self.report.absent[source_name(source)] = Failure(failure.code, told)
        else:
            self._writer.fail(source_name(source), failure)


def _newest_first(candidates: Iterable[Candidate]) -> list[Candidate]:
    by_id = sorted(candidates, key=lambda candidate: candidate.record.episode.id)
    return sorted(by_id, key=lambda candidate: candidate.record.episode.published or "", reverse=True)
