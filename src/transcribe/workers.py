"""Who transcribes: this process, or several beside it. Nothing else in the batch knows which.

Whoever it is gets a job and gives back a transcript or an error; files are written by the owner of the library alone.
"""

import multiprocessing
import queue
import threading
from collections.abc import Callable, Generator, Iterable, Iterator
from concurrent.futures import FIRST_COMPLETED, Future, ProcessPoolExecutor, wait
from concurrent.futures.process import BrokenProcessPool
from contextlib import AbstractContextManager
from dataclasses import dataclass
from datetime import UTC, datetime
from multiprocessing.queues import Queue
from pathlib import Path
from typing import Protocol

from transcribe.episode import Failure, Record
from transcribe.errors import EpisodeError
from transcribe.progress import Advance, Progress
from transcribe.recognizers.protocol import Recognizer
from transcribe.transcript import Transcript

Outcome = Transcript | Failure  # plain data, which can travel between processes
Loader = Callable[[], Recognizer]  # makes a recognizer, in whatever process it is called

_LOOK_EVERY_S = 0.1  # how often it is asked whether processes are done that report nothing any more


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
        return Failure(problem.code, str(problem))
    except MemoryError:
        return Failure("out_of_memory", "there was not enough memory to transcribe it")
    except Exception as problem:  # the isolation edge: torch, libav and the rest raise what they like
        return Failure("recognizer_failed", f"{type(problem).__name__}: {problem}")


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
        first = next(remaining, None)
        while first:
            unbegun = yield from self._run_pool(first, remaining)
            first = unbegun or next(remaining, None)

    def _run_pool(self, first: Job, jobs: Iterator[Job]) -> Generator[tuple[Job, Outcome], None, Job | None]:
        """Until all is done or a process has died; returns the job that was then taken and could not be begun."""
        context = multiprocessing.get_context("spawn")  # torch does not survive a fork
        messages: Queue[_Message] = context.Queue()
        with (
            _Relay(messages, self.progress),
            ProcessPoolExecutor(self.count, context, _begin, (self.load, messages)) as pool,
        ):
            working: dict[Future[Outcome], Job] = {}
            job: Job | None = first
            alive = True
            while True:
                while alive and len(working) < self.count and (job := job or next(jobs, None)):
                    try:
                        working[pool.submit(_work, job)] = job
                        job = None
                    except BrokenProcessPool:  # while the job was being fetched
                        alive = False
                if not working:
                    return job
                for future in wait(working, return_when=FIRST_COMPLETED).done:
                    outcome, survived = _outcome(future)
                    alive = alive and survived
                    yield working.pop(future), outcome


def _outcome(future: "Future[Outcome]") -> tuple[Outcome, bool]:
    """What came of it, and whether the pool lives on."""
    try:
        return future.result(), True
    except BrokenProcessPool:
        return Failure("worker_died", "the process that transcribed it was ended"), False


@dataclass(frozen=True, slots=True)
class _Message:
    """How far an episode is; `done` is None when it is at its end."""

    episode: str  # its id
    title: str
    done: int | None = None
    of: int | None = None


class _Relay:
    """Shows what the processes report. No message ends it: a process that died while sending leaves the queue shut."""

    def __init__(self, messages: "Queue[_Message]", progress: Progress) -> None:
        self.messages, self.progress = messages, progress
        self.over = threading.Event()
        self.thread = threading.Thread(target=self._listen, daemon=True)

    def __enter__(self) -> None:
        self.thread.start()

    def __exit__(self, *_: object) -> None:
        self.over.set()
        self.thread.join()

    def _listen(self) -> None:
        tasks: dict[str, tuple[AbstractContextManager[Advance], Advance]] = {}
        while message := self._next():
            if message.episode not in tasks:
                task = self.progress.task(f"transcribe {message.title}")
                tasks[message.episode] = task, task.__enter__()
            if message.done is None:
                task, _ = tasks.pop(message.episode)
                task.__exit__(None, None, None)
            else:
                tasks[message.episode][1](message.done, message.of)
        for task, _ in tasks.values():  # whose process has died
            task.__exit__(None, None, None)

    def _next(self) -> "_Message | None":
        while True:
            over = self.over.is_set()
            try:
                return self.messages.get(timeout=_LOOK_EVERY_S)
            except queue.Empty:
                if over:
                    return None


_recognizer: Recognizer  # of a worker process, set when it begins
_messages: "Queue[_Message]"


def _begin(load: Loader, messages: "Queue[_Message]") -> None:
    global _recognizer, _messages
    _recognizer, _messages = load(), messages


def _work(job: Job) -> Outcome:
    episode = job.record.episode
    outcome = do(job, _recognizer, lambda done, of: _messages.put(_Message(episode.id, episode.title, done, of)))
    _messages.put(_Message(episode.id, episode.title))
    return outcome
