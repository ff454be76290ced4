"""The batch: a pure decider says what each episode needs, the runner does it, and a failure stays with its episode.

The process that runs this holds the library and writes every file.
"""

import dataclasses
import hashlib
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

from transcribe.catalog import Catalog
from transcribe.checkpoints import Checkpoints, checkpoint_name
from transcribe.clock import clock
from transcribe.connection import Connection
from transcribe.discovery import discover, source_name
from transcribe.download import Downloaded, download, media_type, store
from transcribe.episode import DAMAGES, AudioFile, Episode, Failure, Record, State
from transcribe.errors import EpisodeError, FetchError, TranscriptError
from transcribe.library import Library
from transcribe.progress import Advance, Progress
from transcribe.sources import Source
from transcribe.transcript import Damage, Engine, Transcript
from transcribe.transcription import Task
from transcribe.workers import Job, Workers

Step = Literal["fetch", "transcribe", "nothing"]
Prompt = Callable[[Episode], str]  # names and terms that a recognizer may expect in it
Condition = Callable[[Transcript], bool]
TRANSCRIBED: tuple[State, ...] = ("transcribed", *DAMAGES)


@dataclass(frozen=True, slots=True)
class Standing:
    """How far along an episode is."""

    audio: bool  # its bytes are in the library
    transcript: bool  # so is a transcript of these bytes, or an imported one, and nobody asked for a better one


def next_step(standing: Standing) -> Step:
    """What an episode needs next."""
    if standing.transcript:
        return "nothing"
    return "transcribe" if standing.audio else "fetch"


@dataclass(frozen=True, slots=True)
class Candidate:
    """An episode that may need work, and the file on this machine that is to become its audio, if one is."""

    record: Record
    path: Path | None = None


@dataclass(slots=True)
class Report:
    """What a run came to; episodes by id, sources by name."""

    fetched: list[str] = field(default_factory=list)
    transcribed: list[str] = field(default_factory=list)
    unchanged: list[str] = field(default_factory=list)
    damaged: dict[str, Failure] = field(default_factory=dict)  # transcribed, as far as the audio goes
    failed: dict[str, Failure] = field(default_factory=dict)


class Batch:
    """One run over a library. The caller holds its lock. What `redo` says of a transcript is to be made again."""

    def __init__(
        self, library: Library, connection: Connection, progress: Progress, redo: Condition | None = None
    ) -> None:
        self.library, self.connection, self.progress, self.redo = library, connection, progress, redo
        self.checkpoints = Checkpoints(library.state / "checkpoints")
        self.catalog = Catalog(library)
        self.report = Report()

    def find(self, sources: Iterable[Source]) -> list[Candidate]:
        """The episodes that the sources offer, new ones recorded, the newest first."""
        candidates: dict[str, Candidate] = {}
        for source in sources:
            try:
                recordings = discover(source, self.connection)
            except EpisodeError as problem:
                self._fail(source_name(source), Failure(problem.code, str(problem)))
                continue
            for found in recordings:
                record = self.catalog.admit(found)
                candidates[record.episode.id] = Candidate(record, found.path)
                if found.path is None and self._is_new(record):
                    self.library.save_record(record)
        return _newest_first(candidates.values())

    def stored(self) -> list[Candidate]:
        """Every episode whose audio is in the library, the newest first."""
        records = self.catalog.records.values()
        return _newest_first(Candidate(record) for record in records if self._standing(record).audio)

    def wanted(self, candidates: Iterable[Candidate], limit: int | None = None) -> list[Candidate]:
        """Those that need work, at most `limit`; the report counts the others as unchanged."""
        wanted = []
        for candidate in candidates:
            if next_step(self._standing(candidate.record)) != "nothing":
                wanted.append(candidate)
            else:
                self.report.unchanged.append(candidate.record.episode.id)
        return wanted[:limit]

    def fetched(self, candidates: Iterable[Candidate]) -> Iterator[Record]:
        """Episodes one by one, each as soon as its audio is in the library."""
        for candidate in candidates:
            record = candidate.record
            if next_step(self._standing(record)) == "fetch":
                try:
                    stored = self._fetch(candidate)
                except EpisodeError as problem:
                    self._fail(record.episode.id, Failure(problem.code, str(problem)), record)
                    continue
                if stored is None:
                    continue
                record = stored
            yield record

    def transcribe(self, records: Iterable[Record], workers: Workers, prompt: Prompt = lambda _: "") -> None:
        """Transcribes what has audio and no transcript yet, and writes each transcript as it comes."""
        waiting = (record for record in records if next_step(self._standing(record)) == "transcribe")
        for job, outcome in workers.run(self._job(record, workers.engine, prompt) for record in waiting):
            if isinstance(outcome, Transcript):
                self._finish(job.record, outcome)
            else:
                self._fail(job.record.episode.id, outcome, job.record)

    def _job(self, record: Record, engine: Engine, prompt: Prompt) -> Job:
        assert record.audio is not None
        name = checkpoint_name(record.audio.sha256, engine, prompt(record.episode))
        task = Task(record.episode, record.audio, prompt(record.episode), self.checkpoints.load(name))
        return Job(record, self.library.root / record.audio.path, task, name)

    def _finish(self, record: Record, transcript: Transcript) -> None:
        self.library.save_transcript(transcript)
        record = dataclasses.replace(record, state="transcribed", error=None, quality=transcript.quality)
        if transcript.damage:
            record = _damaged(record, transcript.damage, transcript.duration_ms)
            assert record.error is not None
            self.report.damaged[record.episode.id] = record.error
        self._keep(record)
        assert transcript.audio is not None
        self.checkpoints.forget(transcript.audio.sha256)
        self.report.transcribed.append(record.episode.id)
        self.progress.say(f"transcribed {record.episode.id}, {clock(transcript.duration_ms)}")

    def _fetch(self, candidate: Candidate) -> Record | None:
        """Brings the audio into the library; None where another episode turns out to have these very bytes."""
        record = candidate.record
        with self.progress.task(f"fetch {record.episode.title}") as advance:
            got = self._brought(candidate, advance)
        same = self.catalog.with_audio(got.sha256)
        if same and candidate.path and same.episode.id != record.episode.id:
            self._merge(candidate, got, same)
            return None
        audio = AudioFile(got.path.relative_to(self.library.root).as_posix(), got.sha256, got.bytes, got.media_type)
        record = dataclasses.replace(record, audio=audio, state="fetched", error=None)
        self._keep(record)
        self.report.fetched.append(record.episode.id)
        came = "found" if candidate.path == got.path else "fetched"
        self.progress.say(f"{came} {record.episode.id}, {got.bytes / 1e6:.1f} MB")
        return record

    def _brought(self, candidate: Candidate, advance: Advance) -> Downloaded:
        """The audio, in the library: left in its place there, copied or downloaded."""
        path, enclosure = candidate.path, candidate.record.episode.enclosure
        if path and path.resolve().is_relative_to(self.library.audio):
            return _measured(path.resolve())
        if path:
            return store(path, self._target(candidate.record))
        if enclosure:
            return download(self.connection, enclosure, self._target(candidate.record), advance)
        raise FetchError("no_audio_known", "its audio is gone from the library, and where it came from is not known")

    def _merge(self, candidate: Candidate, got: Downloaded, same: Record) -> None:
        """A file that the library already holds under another name adds nothing."""
        if got.path != (candidate.path and candidate.path.resolve()):
            got.path.unlink()
        self.catalog.forget(candidate.record)
        self.report.unchanged.append(same.episode.id)
        self.progress.say(f"{candidate.path} is already here, as {same.episode.id}")

    def _target(self, record: Record) -> Path:
        path = self.library.record_path(record.episode.id).with_suffix("")
        path.parent.mkdir(parents=True, exist_ok=True)
        return path

    def _standing(self, record: Record) -> Standing:
        stored = record.audio is not None and self.library.inside(record.audio.path) is not None
        if not self.library.transcript_path(record.episode.id).exists() or self._deserves_another(record):
            return Standing(stored, transcript=False)
        return Standing(stored, record.state in TRANSCRIBED or self._is_of_these_bytes(record))

    def _deserves_another(self, record: Record) -> bool:
        if self.redo is None:
            return False
        try:
            return self.redo(self.library.load_transcript(record.episode.id))
        except TranscriptError:
            return True

    def _is_of_these_bytes(self, record: Record) -> bool:
        """Asked only where the record does not say: after a crash between transcript and record, or an import."""
        try:
            audio = self.library.load_transcript(record.episode.id).audio
        except TranscriptError:
            return False
        return audio is None or (record.audio is not None and audio.sha256 == record.audio.sha256)

    def _is_new(self, record: Record) -> bool:
        try:
            return self.library.load_record(record.episode.id) != record
        except TranscriptError:
            return True

    def _keep(self, record: Record) -> None:
        self.catalog.keep(record)
        self.library.save_record(record)

    def _fail(self, name: str, failure: Failure, record: Record | None = None) -> None:
        self.report.failed[name] = failure
        if record:
            self._keep(record.failed(failure.code, failure.message))


def _damaged(record: Record, damage: Damage, duration_ms: int) -> Record:
    """The record of an episode whose audio is not whole."""
    if damage.truncated:
        of = f" of {clock(damage.declared_ms)}" if damage.declared_ms else ""
        error = Failure("truncated", f"the audio breaks off: {clock(duration_ms)}{of} could be decoded")
        return dataclasses.replace(record, state="truncated", error=error)
    seconds = sum(end - start for start, end in damage.missing) / 1000
    error = Failure("damaged", f"{seconds:.1f} s of the audio could not be decoded, from {clock(damage.missing[0][0])}")
    return dataclasses.replace(record, state="damaged", error=error)


def _measured(path: Path) -> Downloaded:
    """A file that lies in the library already, as if it had been fetched."""
    with path.open("rb") as file:
        digest = hashlib.file_digest(file, "sha256").hexdigest()
    return Downloaded(path, digest, path.stat().st_size, media_type(path), url=None)


def _newest_first(candidates: Iterable[Candidate]) -> list[Candidate]:
    by_id = sorted(candidates, key=lambda candidate: candidate.record.episode.id)
    return sorted(by_id, key=lambda candidate: candidate.record.episode.published or "", reverse=True)
