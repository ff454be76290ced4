"""Who transcribes: this process, or several beside it. Nothing else in the batch knows which.

Whoever it is gets a job and tells of each batch that is done and of what came of it in the end; the owner of the
library alone writes files, shows progress and keeps checkpoints.
"""

import copyreg
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Protocol

from transcribe.audio.speech_decoder import SpeechDecoder
from transcribe.console import Progress
from transcribe.library.episode import Failure, Record
from transcribe.library.transcript import Engine, Transcript, Word
from transcribe.recognizers.protocol import Recognizer
from transcribe.transcription.checkpoints import Checkpoints, RecognizedSoFar
from transcribe.transcription.transcribe_episode import BatchDone, Task, transcribe
from transcribe.workers.failures import attempted

Outcome = Transcript | Failure  # plain data, which can travel between processes
Tell = Callable[[BatchDone], None]


def _called(word: Word) -> tuple[type[Word], tuple[object, ...]]:
    return Word, (word.start_ms, word.end_ms, word.text, word.confidence)


# Words travel by the thousand. A frozen dataclass with slots is pickled by asking for its fields, each object anew.
copyreg.pickle(Word, _called)


@dataclass(frozen=True, slots=True)
class Job:
    """One episode to be transcribed."""

    record: Record
    path: Path  # of its audio
    task: Task
    checkpoint: str  # the name that what is heard is kept under


class Workers(Protocol):
    """Does jobs, in any order, each once."""

    @property
    def engine(self) -> Engine:
        """Who listens, and how."""
        ...

    def run(self, jobs: Iterable[Job]) -> Iterator[tuple[Job, Outcome]]:
        """Takes jobs as it gets to them and gives each back with what came of it."""


class Owner:
    """The library's side of jobs in work, wherever that is: shows how far they are and keeps what was heard."""

    def __init__(self, progress: Progress, checkpoints: Checkpoints) -> None:
        self.progress, self.checkpoints = progress, checkpoints

    @contextmanager
    def following(self, job: Job) -> Iterator[Tell]:
        """A bar for one; what is entered is told of each batch."""

        def tell(done: BatchDone) -> None:
            if not done.kept:
                self.checkpoints.add(job.checkpoint, RecognizedSoFar(done.language, done.utterances))
            advance(done.done_ms, done.of_ms)

        with self.progress.task(f"transcribe {job.record.episode.title}") as advance:
            yield tell


def do(
    job: Job, recognizer: Recognizer, listening: SpeechDecoder, tell: Tell, decoded: Callable[[], None] = lambda: None
) -> Outcome:
    """Transcribes one episode; `decoded` is called when all of it is, and the last of it is yet to be recognized.

    What goes wrong is given back, so that one bad episode never stops the others.
    """

    def transcript() -> Transcript:
        sound = listening.listen(job.path)
        return transcribe(job.task, sound, recognizer, tell, decoded, now=lambda: datetime.now(UTC))

    return attempted(transcript)


class InThisProcess:
    """One episode after the other, here; the next one is being decoded when the present one is done."""

    def __init__(self, recognizer: Recognizer, listening: SpeechDecoder, owner: Owner) -> None:
        self.recognizer, self.listening, self.owner = recognizer, listening, owner

    @property
    def engine(self) -> Engine:
        """See `Workers`."""
        return self.recognizer.engine

    def run(self, jobs: Iterable[Job]) -> Iterator[tuple[Job, Outcome]]:
        """See `Workers`."""
        waiting = _Waiting(iter(jobs), self.listening)
        while job := waiting.next():
            with self.owner.following(job) as tell:
                outcome = do(job, self.recognizer, self.listening, tell, decoded=waiting.prepare)
            yield job, outcome


class _Waiting:
    """The jobs that are still to be done. The next one is taken, and fetched, no sooner than it can be decoded."""

    def __init__(self, jobs: Iterator[Job], listening: SpeechDecoder) -> None:
        self.jobs, self.listening = jobs, listening
        self.prepared: Job | None = None
        self.problem: Exception | None = None

    def prepare(self) -> None:
        """Takes the next and has it decoded. What goes wrong with that is no fault of the job in work."""
        try:
            self.prepared = next(self.jobs, None)
            if self.prepared:
                self.listening.expect(self.prepared.path)
        except Exception as problem:
            self.problem = problem

    def next(self) -> Job | None:
        job, self.prepared = self.prepared, None
        if self.problem:
            raise self.problem
        return job or next(self.jobs, None)
