"""Who transcribes: this process, or several beside it. Nothing else in the batch knows which.

Whoever it is gets a job and gives back a transcript or an error; files are written by the owner of the library alone.
"""

import itertools
import multiprocessing
import threading
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import FIRST_COMPLETED, Future, ProcessPoolExecutor, wait
from concurrent.futures.process import BrokenProcessPool
from contextlib import AbstractContextManager
from dataclasses import dataclass
from datetime import UTC, datetime
from multiprocessing.queues import Queue
from pathlib import Path
from typing import Protocol

from transcribe.episode import Record
from transcribe.errors import EpisodeError, RecognitionError
from transcribe.progress import Advance, Progress
from transcribe.recognizers.protocol import Recognizer
from transcribe.transcript import Transcript

Outcome = Transcript | EpisodeError
Loader = Callable[[], Recognizer]  # makes a recognizer, in whatever process it is called


@dataclass(frozen=True, slots=True)
class Job:
    """One episode to be transcribed."""

    record: Record
    root: Path  # of the library that holds its audio


class Workers(Protocol):
    """Does jobs, in any order, each once."""

    def run(self, jobs: Iterable[Job]) -> Iterator[tuple[Job, Outcome]]:
        """Takes jobs as it gets to them and gives each back with what came of it."""


def do(job: Job, recognizer: Recognizer, advance: Advance) -> Outcome:
    """Transcribes one episode. What goes wrong is given back, so that one bad episode never stops the others."""
    from transcribe.transcription import transcribe

    stored = job.record.audio
    assert stored is not None
    try:
        return transcribe(
            job.record.episode, job.root / stored.path, stored, recognizer, advance, now=lambda: datetime.now(UTC)
        )
    except EpisodeError as problem:
        return problem
    except MemoryError:
        return RecognitionError("out_of_memory", "there was not enough memory to transcribe it")
    except Exception as problem:  # the isolation edge: torch, libav and the rest raise what they like
        return RecognitionError("recognizer_failed", f"{type(problem).__name__}: {problem}")


class InThisProcess:
    """One episode after the other, here."""

    def __init__(self, recognizer: Recognizer, progress: Progress) -> None:
        self.recognizer, self.progress = recognizer, progress

    def run(self, jobs: Iterable[Job]) -> Iterator[tuple[Job, Outcome]]:
        """See `Workers`."""
        for job in jobs:
            with self.progress.task(f"transcribe {job.record.episode.title}") as advance:
                outcome = do(job, self.recognizer, advance)
            yield job, outcome


class InProcesses:
    """Several episodes at once, each in a process of its own with a recognizer of its own."""

    def __init__(self, count: int, load: Loader, progress: Progress) -> None:
        self.count, self.load, self.progress = count, load, progress

    def run(self, jobs: Iterable[Job]) -> Iterator[tuple[Job, Outcome]]:
        """See `Workers`. A process that dies fails the episodes in work then; the next ones get new processes."""
        remaining = iter(jobs)
        while first := next(remaining, None):
            yield from self._run_pool(itertools.chain([first], remaining))

    def _run_pool(self, jobs: Iterator[Job]) -> Iterator[tuple[Job, Outcome]]:
        context = multiprocessing.get_context("spawn")  # torch does not survive a fork
        messages: Queue[_Message] = context.Queue()
        with (
            _Relay(messages, self.progress),
            ProcessPoolExecutor(self.count, context, _begin, (self.load, messages)) as pool,
        ):
            pending: dict[Future[Outcome], Job] = {}
            for job in itertools.islice(jobs, self.count):
                pending[pool.submit(_work, job)] = job
            while pending:
                finished, _ = wait(pending, return_when=FIRST_COMPLETED)
                for future in finished:
                    job, (outcome, alive) = pending.pop(future), _outcome(future)
                    yield job, outcome
                    if alive and (following := next(jobs, None)):
                        pending[pool.submit(_work, following)] = following


def _outcome(future: "Future[Outcome]") -> tuple[Outcome, bool]:
    """What came of it, and whether the pool lives on."""
    try:
        return future.result(), True
    except BrokenProcessPool:
        return RecognitionError("worker_died", "the process that transcribed it was ended"), False


@dataclass(frozen=True, slots=True)
class _Message:
    """How far an episode is; `done` is None when it is at its end."""

    title: str
    done: int | None = None
    of: int | None = None


class _Relay:
    """Shows what the processes report."""

    def __init__(self, messages: "Queue[_Message]", progress: Progress) -> None:
        self.messages, self.progress = messages, progress
        self.thread = threading.Thread(target=self._listen, daemon=True)

    def __enter__(self) -> None:
        self.thread.start()

    def __exit__(self, *_: object) -> None:
        self.messages.put(_Message(""))
        self.thread.join()

    def _listen(self) -> None:
        tasks: dict[str, tuple[AbstractContextManager[Advance], Advance]] = {}
        while (message := self.messages.get()).title:
            if message.title not in tasks:
                task = self.progress.task(f"transcribe {message.title}")
                tasks[message.title] = task, task.__enter__()
            if message.done is None:
                task, _ = tasks.pop(message.title)
                task.__exit__(None, None, None)
            else:
                tasks[message.title][1](message.done, message.of)


_recognizer: Recognizer  # of a worker process, set when it begins
_messages: "Queue[_Message]"


def _begin(load: Loader, messages: "Queue[_Message]") -> None:
    global _recognizer, _messages
    _recognizer, _messages = load(), messages


def _work(job: Job) -> Outcome:
    title = job.record.episode.title
    outcome = do(job, _recognizer, lambda done, of: _messages.put(_Message(title, done, of)))
    _messages.put(_Message(title))
    return outcome
