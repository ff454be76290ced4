"""Workers beside this process: several episodes at once, each process with a recognizer of its own.

Each is held by a pipe. One that dies takes its episode with it and no other; the next episode gets a new process.
"""

import multiprocessing
import os
import queue
import signal
import threading
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from multiprocessing.connection import Connection
from multiprocessing.process import BaseProcess

from transcribe.audio.decode import LONGEST_MS
from transcribe.audio.decoder_process import DecoderProcess
from transcribe.library.episode import Failure
from transcribe.library.transcript import Engine
from transcribe.recognizers.protocol import Recognizer
from transcribe.transcription.transcribe_episode import BatchDone
from transcribe.workers.worker import Job, Outcome, Owner, Tell, do

WATCH_EVERY_S = 1.0  # how often a worker looks whether its owner is still there
GRACE_S = 2.0  # for a worker to end by itself
DIED = Failure("worker_died", "the process that transcribed it was ended")


@dataclass(frozen=True, slots=True)
class WorkerSlot:
    """Where one worker works."""

    load: Callable[[], Recognizer]  # called in the worker's process; can be sent there
    longest_ms: int = LONGEST_MS  # of an episode: where its transcript stops
    threads: int | None = None  # of the processor, where it is to keep to some


class ProcessPool:
    """Several episodes at once, one for each place."""

    def __init__(self, places: Iterable[WorkerSlot], engine: Engine, owner: Owner) -> None:
        self.places, self.engine, self.owner = list(places), engine, owner

    def run(self, jobs: Iterable[Job]) -> Iterator[tuple[Job, Outcome]]:
        """See `Workers`. When the caller stops asking, or an error or Ctrl-C ends it, no process is left behind."""
        waiting, crew = iter(jobs), _WorkerPool(self.places)
        try:
            more = True
            while more or crew.busy:
                if more and (idle := crew.idle()):
                    job = next(waiting, None)  # which may wait for a download
                    if job is None:
                        more = False
                    else:
                        idle.begin(job, self.owner)
                yield from crew.finished(wait=not (more and crew.idle()))
        finally:
            crew.dismiss()


class _WorkerPool:
    """Workers, and what those have to give back that are done: each is heard by a thread of its own."""

    def __init__(self, places: Iterable[WorkerSlot]) -> None:
        self._done: queue.SimpleQueue[_Worker] = queue.SimpleQueue()
        self._workers = [_Worker(place, self._done) for place in places]

    @property
    def busy(self) -> bool:
        return any(worker.job for worker in self._workers)

    def idle(self) -> "_Worker | None":
        return next((worker for worker in self._workers if not worker.job), None)

    def finished(self, wait: bool) -> Iterator[tuple[Job, Outcome]]:
        """What is done by now; waits for the first, if anybody is at work."""
        while self.busy:
            try:
                worker = self._done.get(block=wait)
            except queue.Empty:
                return
            wait = False
            yield worker.finish()

    def dismiss(self) -> None:
        for worker in self._workers:
            worker.dismiss()


class _Worker:
    """A process and the job it has; the process is begun with its first job."""

    def __init__(self, place: WorkerSlot, done: "queue.SimpleQueue[_Worker]") -> None:
        self._place, self._done = place, done
        self.job: Job | None = None
        self._process: BaseProcess | None = None
        self._pipe: Connection | None = None
        self._following = ExitStack()
        self._hearing: threading.Thread | None = None
        self._outcome: Outcome | BaseException | None = None

    def begin(self, job: Job, owner: Owner) -> None:
        """Gives it a job. It is put on `done` when that is over."""
        self.job, self._outcome = job, None
        tell = self._following.enter_context(owner.following(job))
        try:
            self._ensured().send(job)
        except OSError:  # it died between two jobs
            self._end()
            self._ensured().send(job)
        self._hearing = threading.Thread(target=self._hear, args=(self._ensured(), tell), daemon=True)
        self._hearing.start()

    def finish(self) -> tuple[Job, Outcome]:
        """The job and what came of it. Raises what went wrong with keeping what was heard."""
        job, outcome = self.job, self._outcome
        assert job is not None
        assert outcome is not None
        if isinstance(outcome, BaseException):
            raise outcome
        if outcome == DIED:
            self._end()
        self.job = None
        self._following.close()
        return job, outcome

    def dismiss(self) -> None:
        """Ends it, whatever it is doing."""
        self._end()
        self._following.close()

    def _hear(self, pipe: Connection, tell: Tell) -> None:
        """Keeps what is heard as it comes: the owner may be waiting for a download meanwhile."""
        try:
            while isinstance(message := _received(pipe), BatchDone):
                tell(message)
            self._outcome = message
        except BaseException as problem:  # which is the owner's to raise
            self._outcome = problem
        self._done.put(self)

    def _ensured(self) -> Connection:
        if self._pipe is None:
            context = multiprocessing.get_context("spawn")  # torch does not survive a fork
            self._pipe, theirs = context.Pipe()
            self._process = context.Process(target=_work, args=(theirs, self._place))
            self._process.start()
            theirs.close()  # so that its end is seen here when it dies
        return self._pipe

    def _end(self) -> None:
        if self._process is None or self._pipe is None:
            return
        if self.job:
            self._process.kill()
        if self._hearing:
            self._hearing.join()
        self._pipe.close()  # which an idle one takes for its leave
        self._process.join(GRACE_S)
        self._process.kill()
        self._process.join()
        self._process = self._pipe = None


def _received(pipe: Connection) -> BatchDone | Outcome:
    """The next that a worker has to tell."""
    try:
        message: BatchDone | Outcome = pipe.recv()
    except (EOFError, OSError):  # the latter in the midst of a message
        return DIED
    return message


def _work(pipe: Connection, place: WorkerSlot) -> None:
    """The life of a worker."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C goes to all of us; the owner says when to stop
    _leave_with(os.getppid())
    if place.threads:
        os.environ["OMP_NUM_THREADS"] = str(place.threads)  # read when torch is loaded
    recognizer = place.load()
    with DecoderProcess(place.longest_ms) as listening:
        while True:
            try:
                job: Job = pipe.recv()
                pipe.send(do(job, recognizer, listening, pipe.send))
            except (EOFError, BrokenPipeError, ConnectionResetError):
                return


def _leave_with(owner: int) -> None:
    """Ends this process once its owner is gone, whatever it is doing then."""

    def watch() -> None:
        while os.getppid() == owner:
            time.sleep(WATCH_EVERY_S)
        os._exit(1)

    threading.Thread(target=watch, daemon=True).start()
