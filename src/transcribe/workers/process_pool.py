"""Several episodes at once on this machine, each in a process with a recognizer of its own.

A process that dies takes its episode with it and no other; the next episode gets a new process.
"""

import os
import queue
import threading
from collections.abc import Callable, Iterable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from functools import cached_property
from multiprocessing.connection import Connection
from typing import Self

from transcribe.audio.child_process import ChildProcess
from transcribe.audio.decode import LONGEST_MS
from transcribe.audio.decoder_process import DecoderProcess
from transcribe.errors import CannotStart, EngineUnavailable, PlayheadError
from transcribe.library.episode import Failure
from transcribe.library.transcript import Engine
from transcribe.recognizers.protocol import Recognizer
from transcribe.transcription.job import Job
from transcribe.transcription.transcribe_episode import BatchDone
from transcribe.workers.job_tracker import JobTracker
from transcribe.workers.transcriber import Transcriber
from transcribe.workers.worker import EngineLoaded, OnBatch, Outcome

GRACE_S = 2.0  # for an idle worker to end by itself
DIED = Failure("worker_died", "the process that transcribed it was ended")


@dataclass(frozen=True, slots=True)
class WorkerSlot:
    """How one worker process is started."""

    load: Callable[..., Recognizer]  # called in that process, with warn=; can be sent to it
    longest_ms: int = LONGEST_MS  # of an episode: where its transcript stops
    threads: int | None = None  # of the processor that it may use; None for all


class ProcessPool:
    """See `Workers`. A worker process for each slot, started when there is a job for it.

    This process loads no engine: the first worker tells which one it has.
    """

    def __init__(self, slots: Iterable[WorkerSlot], tracker: JobTracker) -> None:
        self._tracker = tracker
        self._done: queue.SimpleQueue[WorkerProcess] = queue.SimpleQueue()
        self._workers = [WorkerProcess(slot, self._done) for slot in slots]

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    @cached_property
    def engine(self) -> Engine:
        """The engine of all workers. Starts the first. Raises what loading the engine raises, or CannotStart."""
        loaded = self._workers[0].loaded()
        for worker in self._workers:
            worker.engine = loaded.engine
        for warning in loaded.warnings:
            self._tracker.progress.say(warning)
        return loaded.engine

    def run(self, jobs: Iterable[Job | None]) -> Iterator[tuple[Job, Outcome]]:
        """See `Workers`. When the caller stops asking, or an error or Ctrl-C ends it, no process is left behind."""
        waiting, more = iter(jobs), True
        try:
            while more or any(worker.job for worker in self._workers):
                idle = next((worker for worker in self._workers if not worker.job), None)
                if more and idle:
                    try:
                        job = next(waiting)
                    except StopIteration:
                        more = False
                    else:
                        if job:
                            idle.begin(job, self._tracker)
                yield from self._finished(wait=not (more and any(not worker.job for worker in self._workers)))
        finally:
            self.close()

    def close(self) -> None:
        """Ends all processes, whatever they do."""
        for worker in self._workers:
            worker.close()

    def _finished(self, wait: bool) -> Iterator[tuple[Job, Outcome]]:
        """The jobs that are done by now; waits for the first if any is in work and `wait` is set."""
        while any(worker.job for worker in self._workers):
            try:
                worker = self._done.get(block=wait)
            except queue.Empty:
                return
            wait = False
            yield worker.finish()


class WorkerProcess:
    """A process with a recognizer, the job it has, and a thread that hears what it sends."""

    def __init__(self, slot: WorkerSlot, done: "queue.SimpleQueue[WorkerProcess]") -> None:
        """`done` gets this object whenever a job is over."""
        self._slot, self._done = slot, done
        self.job: Job | None = None
        self.engine: Engine | None = None  # that it must have; None where any will do
        self._child: ChildProcess | None = None
        self._following = ExitStack()
        self._hearing: threading.Thread | None = None
        self._outcome: Outcome | BaseException | None = None

    def loaded(self) -> EngineLoaded:
        """The process's engine, once it is loaded. Raises what loading raises, CannotStart where the process dies."""
        child = self._started()
        message = _received(child.connection)
        if isinstance(message, PlayheadError):
            raise message
        if not isinstance(message, EngineLoaded):
            raise CannotStart(f"A worker could not be started: its process {child.why_it_ended()}.")
        return message

    def begin(self, job: Job, tracker: JobTracker) -> None:
        """Gives it a job, which is over when this object is put on `done`."""
        self.job, self._outcome = job, None
        on_batch = self._following.enter_context(tracker.following(job))
        try:
            self._started().connection.send(job)
        except OSError:  # it died between two jobs
            self._end()
            self._started().connection.send(job)
        self._hearing = threading.Thread(target=self._hear, args=(self._started(), on_batch), daemon=True)
        self._hearing.start()

    def finish(self) -> tuple[Job, Outcome]:
        """The job and its outcome. Raises what went wrong with keeping what was recognized."""
        job, outcome = self.job, self._outcome
        assert job is not None
        assert outcome is not None
        if isinstance(outcome, BaseException):
            raise outcome
        if isinstance(outcome, Failure) and outcome.code in (DIED.code, "engine_unavailable"):
            self._end()
        self.job = None
        self._following.close()
        return job, outcome

    def close(self) -> None:
        """Ends the process, whatever it does."""
        self._end()
        self.job = None
        self._following.close()

    def _hear(self, child: ChildProcess, on_batch: OnBatch) -> None:
        """Keeps each batch as it comes, even while the thread that began the job does something else."""
        try:
            while isinstance(message := _received(child.connection), BatchDone | EngineLoaded):
                if isinstance(message, BatchDone):
                    on_batch(message)
                elif self.engine and _kind(message.engine) != _kind(self.engine):
                    message = EngineUnavailable(f"its process has the engine {message.engine.name}, and others another")
                    break
            if isinstance(message, PlayheadError):
                message = Failure("engine_unavailable", str(message))
            self._outcome = message
        except BaseException as problem:  # raised by `finish`, in the thread that began the job
            self._outcome = problem
        self._done.put(self)

    def _started(self) -> ChildProcess:
        if self._child is None:
            self._child = ChildProcess(_transcribe_jobs, self._slot, daemon=False)  # it has a decoder process
        return self._child

    def _end(self) -> None:
        if self._child is None:
            return
        if self.job:
            self._child.kill()
        if self._hearing:
            self._hearing.join()
        self._child.close(GRACE_S)
        self._child = None


def _kind(engine: Engine) -> tuple[str, str, str]:
    return engine.name, engine.version, engine.model


def _received(connection: Connection) -> EngineLoaded | BatchDone | Outcome | PlayheadError:
    """The next message of a worker; DIED where it has none any more."""
    try:
        message: EngineLoaded | BatchDone | Outcome | PlayheadError = connection.recv()
    except (EOFError, OSError):  # OSError: it died within a message
        return DIED
    return message


# The function below runs in the worker's process.


def _transcribe_jobs(connection: Connection, slot: WorkerSlot) -> None:
    """Loads the engine, and then does job after job until the pipe is closed."""
    if slot.threads:
        os.environ["OMP_NUM_THREADS"] = str(slot.threads)  # read when torch is loaded
    warnings: list[str] = []
    try:
        recognizer = slot.load(warn=warnings.append)
    except PlayheadError as problem:
        connection.send(problem)
        return
    connection.send(EngineLoaded(recognizer.engine, tuple(warnings)))
    with DecoderProcess(slot.longest_ms) as decoder:
        transcriber = Transcriber(recognizer, decoder)
        while True:
            connection.send(transcriber.outcome(connection.recv(), connection.send))
